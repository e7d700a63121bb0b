"""The data sets that the networks can be trained and measured on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gendr import _check
from gendr.tools.reconstruct.model import IMAGE_SIZE
from gendr.tools.shapes.layout import ShapeData


def opened(folder: str | Path, classes: str | Sequence[str], split: str, *, each: bool = False) -> ShapeData:
    """A split whose images are of the networks' size, and that has objects.

    Args:
        folder: in the published layout.
        classes: names or ShapeNet's numbers, or "all".
        split: "train", "val" or "test".
        each: whether every class must have objects; otherwise one of them must.

    Raises:
        OSError: a file cannot be read.
        ValueError: as `ShapeData`; or images of another size, or no objects.

    >>> import numpy as np
    >>> from gendr.tools.shapes.layout import write_class
    >>> write_class("data", "chair", "test", np.zeros((2, 24, 4, 32, 32), np.uint8), np.zeros((2, 32, 32, 32), bool))
    >>> opened("data", "chair", "test")
    Traceback (most recent call last):
    ValueError: data: expected images of 64x64 pixels, got 32x32
    """
    data = ShapeData(folder, classes, split)
    if data.image_size != (IMAGE_SIZE, IMAGE_SIZE):
        got = "x".join(map(str, data.image_size))
        _check.fail(str(folder), f"images of {IMAGE_SIZE}x{IMAGE_SIZE} pixels", got)
    empty = [name for name, count in zip(data.names, data.counts, strict=True) if not count]
    if empty and (each or len(empty) == len(data.names)):
        _check.fail(str(folder), f"objects in {split}", f"none of {', '.join(empty)}")
    return data
