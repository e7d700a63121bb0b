"""Cells with captions on a white sheet, and images from tensors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from gendr.tools.fit.pictures import font

PAPER = (255, 255, 255)
INK = (40, 44, 52)
GAP = 8
LINE = 18

Cell = tuple[str, Image.Image]


def sheet(rows: Sequence[Sequence[Cell]], *, margin: int = 0, heads: Sequence[str] = ()) -> Image.Image:
    """Put pictures of one size in rows, the caption of each above it.

    Args:
        rows: of captions and pictures; a caption may be empty, and a row without any takes no room for them.
        margin: room on the left for `heads`, in pixels.
        heads: what stands on the left of each row.

    >>> cell = ("one", Image.new("RGB", (40, 30)))
    >>> sheet([[cell, cell], [cell]]).size
    (104, 120)
    """
    width, height = rows[0][0][1].size
    lines = [LINE if any(caption for caption, _ in row) else 0 for row in rows]
    columns = max(len(row) for row in rows)
    size = (margin + GAP + columns * (width + GAP), GAP + sum(line + height + GAP for line in lines))
    page = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(page)
    top = GAP
    for number, (row, line) in enumerate(zip(rows, lines, strict=True)):
        if number < len(heads):
            draw.multiline_text((GAP, top + line + height / 2), heads[number], INK, font(12), anchor="lm")
        for column, (caption, picture) in enumerate(row):
            left = margin + GAP + column * (width + GAP)
            draw.text((left + width / 2, top + LINE / 2), caption, INK, font(11), anchor="mm")
            page.paste(picture, (left, top + line))
        top += line + height + GAP
    return page


def covered(alpha: Tensor, ink: tuple[int, int, int] = INK) -> Image.Image:
    """Coverage `[H, W]` as ink on paper.

    >>> covered(torch.eye(2)).getpixel((0, 1))
    (255, 255, 255)
    """
    weights = alpha.detach().double().clamp(0, 1)[..., None]
    return painted(((1 - weights) * torch.tensor(PAPER) + weights * torch.tensor(ink)).movedim(-1, 0) / 255)


def painted(rgb: Tensor) -> Image.Image:
    """An image `[3, H, W]` with values in [0, 1], rounded to eight bits.

    >>> painted(torch.full((3, 2, 2), 0.5)).getpixel((0, 0))
    (128, 128, 128)
    """
    return Image.fromarray((rgb.detach().double().clamp(0, 1) * 255 + 0.5).byte().movedim(0, -1).contiguous().numpy())
