"""A picture of what a data set holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from gendr.tools.gallery.sheet import painted, sheet
from gendr.tools.shapes.categories import CLASS_IDS, CLASS_NAMES
from gendr.tools.shapes.layout import ShapeData, files_of

CELL = 96
EACH = 10
VIEW = 22  # from the front, turned by 30 degrees


def contact_sheet(out: Path, split: str) -> Image.Image | None:
    """Some objects of each class of a split, a row for each class; None when it has no objects.

    Args:
        out: folder of the data set.
        split: "train", "val" or "test".
    """
    there = [number for number in CLASS_IDS.values() if files_of(out, number, split)[0].is_file()]
    if not there:
        return None
    data, rows = ShapeData(out, there, split), []
    for number, count in zip(data.classes, data.counts, strict=True):
        shown = sorted({int(k) for k in np.linspace(0, count - 1, min(count, EACH))})
        rows.append([("", _cell(data.images(number)[item][VIEW].copy())) for item in shown])
    return sheet(rows, margin=92, heads=[CLASS_NAMES[number] for number in data.classes])


def _cell(pixels: np.typing.NDArray[np.uint8]) -> Image.Image:
    picture = torch.from_numpy(pixels).float() / 255.0
    paper = picture[:3] * picture[3] + 1.0 - picture[3]
    return painted(paper).resize((CELL, CELL), Image.Resampling.BICUBIC)
