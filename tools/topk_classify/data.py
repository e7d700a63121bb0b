"""What is classified: arrays of features from a file, or images from folders."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gendr import _check
from gendr.tools.images import load_image_folder

ARRAYS = ("x_train", "y_train", "x_test", "y_test")


class Labelled(NamedTuple):
    """Training and test part.

    Attributes:
        x_train: features `[N, ...]`, standardised by the training part's mean and deviation.
        y_train: classes from 0 on.
        x_test: likewise.
        y_test: likewise.
        classes: how many there are.

    >>> x, y = torch.zeros(2, 3), torch.tensor([0, 1])
    >>> Labelled(x, y, x, y, 2).classes
    2
    """

    x_train: Float[Tensor, "N ..."]
    y_train: Int64[Tensor, " N"]
    x_test: Float[Tensor, "M ..."]
    y_test: Int64[Tensor, " M"]
    classes: int


def load_labelled(path: str | Path, size: int = 32, limit: int | None = None) -> Labelled:
    """Read features or images.

    Args:
        path: an `.npz` file with the arrays `x_train`, `y_train`, `x_test`, `y_test`; or a folder, or a zip file of
            one, with images in `train/CLASS/` and `test/CLASS/`.
        size: pixels a side that images are resized to.
        limit: only the first so many training images of each class.

    Raises:
        OSError: a file cannot be read.
        ValueError: something is missing or does not fit together.

    >>> x, y = np.eye(4, dtype=np.float32), np.arange(4)
    >>> np.savez("four.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    >>> load_labelled("four.npz").classes
    4
    """
    path = Path(path)
    if path.suffix == ".npz":
        x_train, y_train, x_test, y_test = _arrays(path)
        classes = int(max(y_train.max(), y_test.max())) + 1
    else:
        x_train, y_train, names = load_image_folder(path, "train", size=size, limit=limit)
        x_test, y_test, others = load_image_folder(path, "test", size=size)
        if names != others:
            _check.fail(str(path), f"the classes {', '.join(names)} in test too", ", ".join(others))
        classes = len(names)
    mean, deviation = _moments(x_train.float())
    parts = ((x.float() - mean) / deviation for x in (x_train, x_test))
    return Labelled(next(parts), y_train, next(parts), y_test, classes)


def _arrays(path: Path) -> list[Tensor]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = [file[name] for name in ARRAYS]
    except (KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        _check.fail(str(path), f"a numpy file with the arrays {', '.join(ARRAYS)}", str(error))
    for name, array in zip(ARRAYS, arrays, strict=True):
        wanted = array.dtype.kind in "fiu" if name[0] == "x" else array.dtype.kind in "iu" and array.ndim == 1
        if not wanted or len(array) == 0 or not np.isfinite(array).all() or (name[0] == "y" and array.min() < 0):
            _check.fail(f"{path}: {name}", "finite numbers [N, ...] (x) or classes [N] from 0 on (y)", str(array.dtype))
    for x, y in ((0, 1), (2, 3)):
        if len(arrays[x]) != len(arrays[y]) or arrays[x].shape[1:] != arrays[0].shape[1:] or arrays[x].ndim < 2:
            got = f"{list(arrays[x].shape)} and {len(arrays[y])}"
            _check.fail(str(path), "features [N, ...] of one shape and as many classes", got)
    return [torch.from_numpy(a.astype(np.int64 if i % 2 else np.float32)) for i, a in enumerate(arrays)]


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Of each feature; of images, of each channel."""
    over = (0, 2, 3) if x.dim() == 4 else (0,)
    return x.mean(over, keepdim=True), x.std(over, keepdim=True, correction=0).clamp(min=1e-6)
