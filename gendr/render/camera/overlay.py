"""The drawing of `Camera.self_check`: a mesh, axes and a caption over an image."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from gendr import _check

Array = NDArray[Any]

TINT, EDGE, OUTLINE = (255, 140, 0, 70), (255, 170, 60, 90), (225, 30, 30, 255)
AXES = (("x", (230, 40, 40)), ("y", (30, 170, 60)), ("z", (50, 90, 235)))
BEHIND_TRANSPARENCY = (128, 128, 128)
FONT_SIZE, MARGIN = 13, 8
FAR = 1e6  # pixels; Pillow counts in 32 bits


class Overlay:
    """An image, enlarged by a whole factor, and what is drawn over it."""

    def __init__(self, photo: Image.Image, factor: int) -> None:
        self.height = photo.height * factor
        self.picture = photo.resize((photo.width * factor, self.height), Image.Resampling.NEAREST).convert("RGBA")

    def mesh(self, points: Array, faces: Array) -> None:
        """Tint, edges and outline of a mesh whose vertices lie at `points` [V, 3], NDC and depth."""
        faces = faces[(points[faces, 2] > 1e-6).all(1)]
        pixels = self._pixels(points)
        mask = Image.new("L", self.picture.size)
        draw = ImageDraw.Draw(mask)
        for corners in pixels[faces].reshape(-1, 6).tolist():
            draw.polygon(corners, fill=255, outline=255)
        tint = Image.new("RGBA", self.picture.size, TINT)
        tint.putalpha(mask.point([value * TINT[3] // 255 for value in range(256)]))
        self.picture.alpha_composite(tint)
        edges, on_outline = _edges(pixels, faces)
        self._lines(pixels[edges[~on_outline]], EDGE, 1)
        self._lines(pixels[edges[on_outline]], OUTLINE, 2)

    def axes(self, curves: Array) -> None:
        """The axes x, y and z, points [3, n, 3] along each, with their names at the ends."""
        draw = ImageDraw.Draw(self.picture)
        for curve, (name, colour) in zip(curves, AXES, strict=True):
            pixels = self._pixels(curve)
            pieces = np.stack((pixels[:-1], pixels[1:]), 1)[(curve[:-1, 2] > 1e-6) & (curve[1:, 2] > 1e-6)]
            self._lines(pieces, (*colour, 255), 3)
            if len(curve) and curve[-1, 2] > 1e-6:
                draw.text(tuple(pixels[-1]), name, fill=colour, font=_font(18), stroke_width=2, stroke_fill="white")

    def with_caption(self, lines: list[str]) -> Image.Image:
        """The picture with lines of text below it."""
        font = _font(FONT_SIZE)
        width = self.picture.width
        wrapped = [part for line in lines for part in _wrapped(line, width - 2 * MARGIN, font)]
        spacing = FONT_SIZE + 4
        whole = Image.new("RGB", (width, self.height + spacing * len(wrapped) + 2 * MARGIN), "white")
        whole.paste(self.picture.convert("RGB"), (0, 0))
        draw = ImageDraw.Draw(whole)
        for number, line in enumerate(wrapped):
            draw.text((MARGIN, self.height + MARGIN + number * spacing), line, fill="black", font=font)
        return whole

    def _pixels(self, points: Array) -> Array:
        """Columns and rows of points; Pillow's whole numbers are the pixels' middles."""
        x, y = points[..., 0] * self.height, points[..., 1] * self.height
        pixels = np.stack(((x + self.picture.width - 1.0) / 2.0, (self.height - 1.0 - y) / 2.0), -1)
        return pixels.clip(-FAR, FAR)

    def _lines(self, ends: Array, colour: tuple[int, ...], width: int) -> None:
        """Lines between ends [n, 2, 2], blended as one layer."""
        layer = Image.new("RGBA", self.picture.size)
        draw = ImageDraw.Draw(layer)
        # Pillow walks along every pixel of a line, also outside of the image.
        for piece in _clipped(ends, self.picture.size).reshape(-1, 4).tolist():
            draw.line(piece, fill=colour, width=width)
        self.picture.alpha_composite(layer)


def as_image(source: Any) -> Image.Image:
    """What a user has for an image, as an RGB image.

    Raises:
        TypeError, ValueError: see `Camera.self_check`.
    """
    if isinstance(source, (str, os.PathLike)):
        source = Image.open(source)
    if not isinstance(source, Image.Image):
        source = Image.fromarray(_bytes(source))
    if "A" in source.getbands() or "transparency" in source.info:
        paper = Image.new("RGBA", source.size, BEHIND_TRANSPARENCY)
        paper.alpha_composite(source.convert("RGBA"))
        source = paper
    image: Image.Image = source.convert("RGB")
    return image


def _bytes(source: Any) -> Array:
    """An array or tensor as uint8 [H, W] or [H, W, C]."""
    if isinstance(source, torch.Tensor):
        source = source.detach().cpu().numpy()
    if not isinstance(source, np.ndarray):
        raise TypeError(f"image: expected a PIL image, a path, an array or a tensor, got {_check.describe(source)}")
    wanted = "[H, W], [H, W, C] or [C, H, W] with C = 1, 3 or 4"
    if source.ndim == 3 and source.shape[-1] not in (1, 3, 4):
        source = np.moveaxis(source, 0, -1)
    if not source.size or source.ndim not in (2, 3) or (source.ndim == 3 and source.shape[-1] not in (1, 3, 4)):
        _check.fail("image", wanted, f"{source.dtype} {list(source.shape)}")
    if source.dtype.kind == "f":
        source = (np.nan_to_num(source).clip(0.0, 1.0) * 255.0).round()
    elif source.dtype.kind not in "uib":
        raise TypeError(f"image: expected numbers, got {source.dtype}")
    elif source.dtype.kind == "b":
        source = source * 255
    source = source.clip(0, 255).astype(np.uint8)
    return np.ascontiguousarray(source[..., 0] if source.ndim == 3 and source.shape[-1] == 1 else source)


def _edges(pixels: Array, faces: Array) -> tuple[Array, Array]:
    """Edges [E, 2] of the faces, and which lie on the outline: at one face, or between faces of both orientations."""
    if not len(faces):
        return np.zeros((0, 2), np.int64), np.zeros(0, bool)
    a, b, c = (pixels[faces[:, corner]] for corner in range(3))
    turn = np.sign((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0])
    sides = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), 1)
    edges, index = np.unique(sides, axis=0, return_inverse=True)
    index = index.reshape(-1)
    count = np.bincount(index, minlength=len(edges))
    total = np.bincount(index, np.repeat(turn, 3), len(edges))
    return edges, (count == 1) | (np.abs(total) < count)


def _clipped(ends: Array, size: tuple[int, int]) -> Array:
    """The parts of lines [n, 2, 2] within the image and a little around it (Liang and Barsky)."""
    start, step = ends[:, 0], ends[:, 1] - ends[:, 0]
    low, high = np.full(2, -10.0), np.array(size) + 10.0
    with np.errstate(divide="ignore", invalid="ignore"):
        enter, leave = (low - start) / step, (high - start) / step
    enter, leave = np.minimum(enter, leave), np.maximum(enter, leave)
    still = step == 0.0  # parallel to this side: inside for all of the line, or for none
    within = (start >= low) & (start <= high)
    enter = np.where(still, np.where(within, 0.0, 2.0), enter).max(1, initial=0.0)
    leave = np.where(still, np.where(within, 1.0, -1.0), leave).min(1, initial=1.0)
    seen = enter < leave
    first, last = (start[seen] + t[seen, None] * step[seen] for t in (enter, leave))
    return np.stack((first, last), 1)


def _wrapped(line: str, width: int, font: Any) -> list[str]:
    """A line broken between words so that no part is wider than `width`."""
    parts = [""]
    for word in line.split():
        longer = f"{parts[-1]} {word}".strip()
        if parts[-1] and font.getlength(longer) > width:
            parts.append(word)
        else:
            parts[-1] = longer
    return parts


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
