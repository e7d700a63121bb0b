"""Masks from image files."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from gendr import _check
from gendr.render.pose.silhouette import resized

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".pgm", ".pbm", ".tif", ".tiff", ".webp")
MAX_SIDE = 16384
LONGEST_SIDE = 512
"""Pixels of the longer side that a search looks at; larger masks are averaged down."""

COVERED = 0.5


@dataclass(frozen=True, eq=False)
class Mask:
    """What an image's object covers.

    Attributes:
        values: [h, w], in [0, 1].
        size: (H, W) of the image, of which `values` may be an average.
    """

    values: Float[Tensor, "H W"]
    size: tuple[int, int]


def mask_files(path: Path) -> list[Path]:
    """The image itself, or those of a folder, by name.

    Raises:
        ValueError: there is no such file or folder, or no image in the folder.

    >>> Image.new("L", (4, 4), 255).save("one.png")
    >>> mask_files(Path("one.png"))
    [PosixPath('one.png')]
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        _check.fail("image", "an image file or a folder of them", f"{path}, which is not there")
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and file.is_file())
    if not files:
        _check.fail("image", f"a folder with images ({' '.join(SUFFIXES)})", f"{path} without one")
    return files


def read_mask(file: Path, *, is_dark: bool = False) -> Mask:
    """What the object covers: an image's alpha channel, or its brightness where it has none of use.

    An alpha channel is of use unless it is opaque everywhere. Pixels above one half count as covered. Images of more
    than 512 pixels are averaged down.

    Args:
        file: of 8 bits a channel; turned as its EXIF data say.
        is_dark: the object is dark on a bright ground (where brightness counts).

    Raises:
        ValueError: it is no image, too large, of other depth, or no pixel is covered.

    >>> Image.new("RGBA", (4, 2), (0, 0, 0, 0)).save("empty.png")
    >>> read_mask(Path("empty.png"))
    Traceback (most recent call last):
    ValueError: empty.png: expected a mask with something in it (alpha or grey above one half), got an empty one
    """
    picture = _opened(file)
    if "A" in picture.getbands() or "transparency" in picture.info:
        alpha = picture.convert("RGBA").getchannel("A")
        if alpha.getextrema() != (255, 255):
            return _checked(file, _values(alpha))
    grey = _values(picture.convert("L"))
    return _checked(file, 1.0 - grey if is_dark else grey)


def _values(channel: Image.Image) -> Tensor:
    return torch.from_numpy(np.asarray(channel, dtype=np.float32) / 255.0)


def _checked(file: Path, mask: Tensor) -> Mask:
    size = (mask.shape[0], mask.shape[1])
    longer = max(mask.shape)
    if longer > LONGEST_SIDE:
        rows, columns = (max(1, round(side * LONGEST_SIDE / longer)) for side in mask.shape)
        mask = resized(mask[None], (rows, columns))[0].clamp(0.0, 1.0)
    if not bool((mask > COVERED).any()):
        _check.fail(str(file), "a mask with something in it (alpha or grey above one half)", "an empty one")
    return Mask(mask, size)


def _opened(file: Path) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file) as opened:
                if max(opened.size) > MAX_SIDE:
                    _check.fail(str(file), f"at most {MAX_SIDE}x{MAX_SIDE} pixels", f"{opened.width}x{opened.height}")
                picture = ImageOps.exif_transpose(opened)
                picture.load()
    except (UnidentifiedImageError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        _check.fail(str(file), "an image file", "something else")
    except (OSError, SyntaxError) as error:
        raise ValueError(f"{file}: {error}") from None
    if picture.mode.startswith(("I", "F")):
        _check.fail(str(file), "an image of 8 bits a channel", f"mode {picture.mode}")
    return picture
