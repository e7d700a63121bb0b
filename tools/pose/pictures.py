"""Overlays of a mask and the mesh's silhouette, before and after."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from gendr.render import Camera, Mesh
from gendr.render.pose.silhouette import Silhouettes, resized
from gendr.tools.fit.pictures import BOTH, EXCESS, GAP, INK, MISSING, font
from gendr.tools.fit.shading import PAPER

HEIGHT, WIDTH = 192, 384
"""Of one overlay at most."""

SAMPLES = 3
CAPTION = 22
LEGEND, SHEET_WIDTH, MOST = 28, 1200, 24


def overlay(mesh: Mesh, mask: Tensor, before: Camera, after: Camera, caption: str) -> Image.Image:
    """Before and after side by side: grey where both are, red where the mesh is missing, blue where it is too much."""
    size = _size(mask)
    wanted = resized(mask[None], size)[0].clamp(0.0, 1.0)
    fine = (size[0] * SAMPLES, size[1] * SAMPLES)
    images = Silhouettes.at(mesh.vertices.detach().float(), mesh.faces, fine, 1, 1.0)
    cells = [_cell(wanted, resized(images.sharp(camera), size)[0]) for camera in (before, after)]
    width = 2 * size[1] + 3 * GAP
    picture = Image.new("RGB", (width, size[0] + CAPTION + 2 * GAP), PAPER)
    for column, cell in enumerate(cells):
        place = (GAP + column * (size[1] + GAP), GAP)
        picture.paste(cell, place)
        corners = (place[0], place[1], place[0] + size[1] - 1, place[1] + size[0] - 1)
        ImageDraw.Draw(picture).rectangle(corners, outline=BOTH)
    ImageDraw.Draw(picture).text((GAP, size[0] + GAP + 4), caption, INK, font(13))
    return picture


def contact_sheet(overlays: Sequence[Image.Image]) -> Image.Image:
    """Up to 24 overlays, line after line, below one that says what the colours are.

    >>> contact_sheet([Image.new("RGB", (500, 100)), Image.new("RGB", (600, 90)), Image.new("RGB", (300, 80))]).size
    (1100, 208)
    """
    shown = overlays[:MOST]
    places, x, y, high = [], 0, LEGEND, 0
    for picture in shown:
        if x and x + picture.width > SHEET_WIDTH:
            x, y, high = 0, y + high, 0
        places.append((x, y))
        x, high = x + picture.width, max(high, picture.height)
    ends = [left + picture.width for (left, _), picture in zip(places, shown, strict=True)]
    sheet = Image.new("RGB", (max(*ends, 420), y + high), PAPER)
    draw, word = ImageDraw.Draw(sheet), float(GAP)
    for colour, text in ((INK, "left before, right after"), (MISSING, "missing"), (EXCESS, "too much")):
        draw.text((word, 6), text, colour, font(14))
        word += draw.textlength(text, font(14)) + 3 * GAP
    for place, picture in zip(places, shown, strict=True):
        sheet.paste(picture, place)
    return sheet


def _size(mask: Tensor) -> tuple[int, int]:
    rows, columns = mask.shape
    factor = min(HEIGHT / rows, WIDTH / columns)
    return max(1, round(rows * factor)), max(1, round(columns * factor))


def _cell(wanted: Tensor, drawn: Tensor) -> Image.Image:
    shared = torch.minimum(wanted, drawn)
    layers = ((shared, BOTH), (wanted - shared, MISSING), (drawn - shared, EXCESS))
    paper = (1.0 - torch.maximum(wanted, drawn))[..., None] * torch.tensor(PAPER, dtype=torch.float32)
    pixels = sum((mask[..., None] * torch.tensor(colour, dtype=torch.float32) for mask, colour in layers), paper)
    return Image.fromarray(np.asarray(pixels.clamp(0.0, 255.0) + 0.5, dtype=np.float32).astype(np.uint8))
