"""Images sorted into folders by class, as torchvision has them: `ROOT/CLASS/NAME.jpg`; also within a zip file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from gendr import _check

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".webp"}


def load_image_folder(
    root: str | Path, part: str = "", *, size: int = 32, limit: int | None = None
) -> tuple[UInt8[Tensor, "N 3 S S"], Int64[Tensor, " N"], list[str]]:
    """All images below `ROOT/PART/CLASS/`, in RGB and of one size.

    Args:
        root: a folder, or a zip file with the same paths inside.
        part: the folder within it whose folders are the classes: `"train"`.
        size: pixels a side that every image is resized to.
        limit: take the first so many of each class, in the order of their names.

    Returns:
        Images, the index of each one's class, and the classes' names in alphabetical order.

    Raises:
        OSError: a file cannot be read.
        ValueError: there is no such folder or no image in it, or a file is no image.

    >>> Path("data/train/cat").mkdir(parents=True)
    >>> Image.new("RGB", (8, 8), "red").save("data/train/cat/0.png")
    >>> images, labels, classes = load_image_folder("data", "train", size=4)
    >>> images.shape, labels.tolist(), classes
    (torch.Size([1, 3, 4, 4]), [0], ['cat'])
    """
    root = Path(root)
    _check.number("size", size, 1)
    if root.is_file() and zipfile.is_zipfile(root):
        with zipfile.ZipFile(root) as archive:
            return _load(root, part, ((PurePosixPath(n), n) for n in archive.namelist()), archive.read, size, limit)
    if not root.is_dir():
        _check.fail(str(root), "a folder of images or a zip file of one", "none")
    files = ((PurePosixPath(f.relative_to(root).as_posix()), f) for f in root.rglob("*"))
    return _load(root, part, files, lambda file: Path(file).read_bytes(), size, limit)


def _load(
    root: Path, part: str, files: Iterator[tuple[PurePosixPath, Path | str]],
    read: Callable[..., bytes], size: int, limit: int | None,
) -> tuple[Tensor, Tensor, list[str]]:  # fmt: skip
    parent = PurePosixPath(part)
    by_class: dict[str, list[tuple[PurePosixPath, Path | str]]] = {}
    for name, file in files:
        if name.suffix.lower() in SUFFIXES and name.parent.parent == parent:
            by_class.setdefault(name.parent.name, []).append((name, file))
    if not by_class:
        _check.fail(str(root / part), f"images in a folder per class ({', '.join(sorted(SUFFIXES))})", "none")
    classes = sorted(by_class)
    images, labels = [], []
    for index, kind in enumerate(classes):
        for _, file in sorted(by_class[kind], key=lambda pair: pair[0])[:limit]:
            images.append(_decode(f"{root}: {file}", read(file), size))
            labels.append(index)
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2), torch.tensor(labels), classes


def _decode(name: str, data: bytes, size: int) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(data)) as image:
            rgb = image.convert("RGB")
            if rgb.size != (size, size):
                rgb = rgb.resize((size, size), Image.Resampling.BILINEAR)
            return np.array(rgb)
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        _check.fail(name, "an image", str(error))
