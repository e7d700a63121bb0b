"""The still pictures of a fit: contact sheet and curve."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from gendr.render import Camera, Mesh
from gendr.tools.fit.optimise import FitResult
from gendr.tools.fit.shading import PAPER, shaded
from gendr.tools.fit.target import Target, resized
from gendr.tools.fit.views import close_up, silhouettes

CELL = 160
GAP = 8
MARGIN = 104
FINENESS = 3  # sharp silhouettes are drawn this much larger and averaged down
INK = (40, 44, 52)
BOTH = (206, 210, 216)
MISSING = (214, 69, 65)
EXCESS = (52, 120, 200)

Row = tuple[str, Callable[[int], Image.Image]]


def contact_sheet(target: Target, result: FitResult, columns: int = 6) -> Image.Image:
    """Rows: target, start, result, their difference (red is missing, blue is too much), and the result shaded.

    The columns are views spread evenly over those of the target.
    """
    chosen = spread(len(target.camera), columns)
    camera = target.camera[torch.tensor(chosen)]
    if target.mesh is not None:
        camera = close_up(camera, [target.mesh, result.start, result.mesh])
    wanted = _target_masks(target, chosen) if target.mesh is None else _masks(target.mesh, camera)
    began, ended = _masks(result.start, camera), _masks(result.mesh, camera)
    rows: list[Row] = [
        ("target", lambda i: _silhouette(wanted[i])),
        ("start", lambda i: _silhouette(began[i])),
        ("result", lambda i: _silhouette(ended[i])),
        ("difference", lambda i: _difference(wanted[i], ended[i])),
        ("shaded", lambda i: shaded(result.mesh, camera[i], CELL)),
    ]
    step = CELL + GAP
    caption = f"IoU {result.best.hard_iou:.4f} at step {result.best.index + 1} of {len(result.history)}"
    sheet = Image.new("RGB", (MARGIN + step * len(chosen), step * len(rows) + 40), PAPER)
    draw = ImageDraw.Draw(sheet)
    for line, (name, cell) in enumerate(rows):
        draw.text((GAP * 2, GAP + line * step + CELL / 2), name, INK, font(16), anchor="lm")
        for column in range(len(chosen)):
            sheet.paste(cell(column), (MARGIN + column * step, GAP + line * step))
    legend = ((INK, caption), (MISSING, "missing"), (EXCESS, "too much"))
    x = float(MARGIN)
    for colour, text in legend:
        draw.text((x, sheet.height - 22), text, colour, font(14), anchor="lm")
        x += draw.textlength(text, font(14)) + 3 * GAP
    return sheet


def spread(count: int, wanted: int) -> list[int]:
    """Up to `wanted` of the indices below `count`, evenly spread.

    >>> spread(24, 6), spread(2, 6)
    ([0, 4, 8, 12, 16, 20], [0, 1])
    """
    wanted = min(count, wanted)
    return [index * count // wanted for index in range(wanted)]


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font: pictures look the same on every machine."""
    return ImageFont.load_default(size)


def curve(result: FitResult, width: int = 720, height: int = 400) -> Image.Image:
    """Loss and hard IoU loss over the steps, on a logarithmic axis."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # matplotlib takes a second to import
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / 100, height / 100), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    steps = [step.index + 1 for step in result.history]
    hard = [max(1.0 - step.hard_iou, 1e-4) for step in result.history]
    axes.semilogy(steps, [step.loss for step in result.history], color="#3478c8", label="loss (soft)")
    axes.semilogy(steps, hard, color="#d64541", label="1 - IoU (sharp)")
    best = result.best.index
    axes.plot([best + 1], [hard[best]], "o", color="#d64541", markersize=6)
    axes.annotate(f"{hard[best]:.4f}", (best + 1, hard[best]), (0, -14), textcoords="offset points", ha="center")
    axes.set(xlabel="step", ylabel="loss")
    axes.set_ylim(min(hard) * 0.5, 1.0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25, which="both")
    axes.legend(frameon=False)
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)  # type: ignore[no-untyped-call]
    return Image.open(buffer).convert("RGB")


def _target_masks(target: Target, chosen: Sequence[int]) -> NDArray[np.float64]:
    masks = target.alpha if target.masks is None else target.masks
    size = (CELL, max(1, round(CELL * masks.shape[2] / masks.shape[1])))
    return _square(resized(masks[torch.tensor(chosen)], size))


def _masks(mesh: Mesh, camera: Camera) -> NDArray[np.float64]:
    """Antialiased silhouettes [B, CELL, CELL]."""
    return _square(resized(silhouettes(mesh, camera, CELL * FINENESS), (CELL, CELL)))


def _square(masks: Tensor) -> NDArray[np.float64]:
    """Cut or padded in width to squares, about the middle: cells are square whatever the images are."""
    before = (CELL - masks.shape[2]) // 2
    after = CELL - masks.shape[2] - before
    return torch.nn.functional.pad(masks, (before, after)).double().numpy()


def _silhouette(mask: NDArray[np.float64]) -> Image.Image:
    return _blend([(mask, INK)])


def _difference(wanted: NDArray[np.float64], got: NDArray[np.float64]) -> Image.Image:
    shared = np.minimum(wanted, got)
    return _blend([(shared, BOTH), (wanted - shared, MISSING), (got - shared, EXCESS)])


def _blend(layers: Sequence[tuple[NDArray[np.float64], tuple[int, int, int]]]) -> Image.Image:
    """Colours by their coverage; what is left shows the paper."""
    pixels = (1.0 - np.sum([mask for mask, _ in layers], axis=0))[..., None] * np.array(PAPER, dtype=np.float64)
    for mask, colour in layers:
        pixels = pixels + mask[..., None] * np.array(colour, dtype=np.float64)
    return Image.fromarray(np.clip(pixels + 0.5, 0, 255).astype(np.uint8))
