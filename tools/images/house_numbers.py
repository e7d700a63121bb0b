"""Street View House Numbers in "format 1": whole photographs, and a box around each digit."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from gendr import _check

SIZE = 64
"""Pixels a side after cropping."""
BORDER = 0.3
"""How much wider and higher than the digits' common box the crop is."""


class HouseNumbers(NamedTuple):
    """Photographs of house numbers, cropped to 64x64, and the numbers on them.

    Attributes:
        images: RGB.
        numbers: what stands there, 0 to 99,999.

    >>> HouseNumbers(torch.zeros(1, 3, 64, 64, dtype=torch.uint8), torch.tensor([19])).numbers.item()
    19
    """

    images: UInt8[Tensor, "N 3 64 64"]
    numbers: Int64[Tensor, " N"]


def load_house_numbers(folder: str | Path, prefix: str = "") -> HouseNumbers:
    """The photographs that `labels.csv` of a folder lists, each cropped around its number and resized.

    The crop is the box around all digits, made 30 % wider and higher about its centre, as Goodfellow et al. (2014)
    did it.

    Args:
        folder: of the PNG or JPEG files and `labels.csv`, whose columns `file`, `number` and
            `boxes_left_top_width_height` (boxes separated by blanks, their numbers by colons) are read.
        prefix: of the names of the files to take: `"train"`.

    Raises:
        OSError: a file cannot be read.
        ValueError: a column is missing, a row makes no sense, an image lies outside the folder, or none is left.

    >>> load_house_numbers("nowhere")
    Traceback (most recent call last):
    ValueError: nowhere: expected a folder with labels.csv, got none
    """
    folder = Path(folder)
    if not (folder / "labels.csv").is_file():
        _check.fail(str(folder), "a folder with labels.csv", "none")
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if (row.get("file") or "").startswith(prefix)]
    if not rows:
        _check.fail(str(folder / "labels.csv"), f"rows whose file begins with {prefix!r}", "none")
    read = [_read(folder, row) for row in rows]
    return HouseNumbers(torch.stack([image for image, _ in read]), torch.tensor([number for _, number in read]))


def _read(folder: Path, row: dict[str, str]) -> tuple[Tensor, int]:
    try:
        boxes = [[float(x) for x in box.split(":")] for box in row["boxes_left_top_width_height"].split()]
        left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
        right, bottom = max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
        number = int(row["number"])
    except (KeyError, ValueError, IndexError, TypeError):
        _check.fail(str(folder / "labels.csv"), "file, number and boxes LEFT:TOP:WIDTH:HEIGHT", repr(row))
    path = folder / row["file"]
    if not path.resolve().is_relative_to(folder.resolve()):
        _check.fail(str(folder / "labels.csv"), "files within the folder", repr(row["file"]))
    if right <= left or bottom <= top or not 0 <= number <= 99_999:
        _check.fail(str(folder / "labels.csv"), "boxes with an area and a number below 100,000", repr(row))
    across, down = (right - left) * BORDER / 2, (bottom - top) * BORDER / 2
    try:
        with Image.open(path) as image:
            crop = image.convert("RGB").resize(
                (SIZE, SIZE),
                Image.Resampling.BILINEAR,
                (
                    max(0.0, left - across),
                    max(0.0, top - down),
                    min(float(image.width), right + across),
                    min(float(image.height), bottom + down),
                ),
            )
    except (UnidentifiedImageError, ValueError) as error:
        _check.fail(str(path), "an image that its boxes lie in", str(error))
    return torch.from_numpy(np.array(crop)).permute(2, 0, 1), number
