"""Heat maps as pictures, each on light and on dark paper."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from gendr.tools.bench.report.heat_map import HeatMap

CELL = (0.46, 0.27)
"""Width and height of a cell in inches."""
LETTER = 0.055
"""Room for a letter of the labels, in inches; a gap and the length of the bars likewise."""
GAP, BARS = 0.05, 0.55
DPI = 110


class Paper(NamedTuple):
    """Colours of a picture."""

    page: str
    ink: str
    faint: str
    partial: str
    bar: str
    cross: str


LIGHT = Paper("#ffffff", "#1c2530", "#5d6875", "#e3e7ec", "#3b6ea8", "#c0302b")
DARK = Paper("#15191f", "#dfe5ec", "#b3bdc8", "#3a434f", "#7fb0e6", "#ff7a73")


def draw(half: HeatMap, limits: tuple[float, float], paper: Paper = LIGHT) -> bytes:
    """A PNG: the cells with their values, and how many cells of the best tenth each column and row has.

    Args:
        half: what to draw.
        limits: values at the ends of the colours, those beyond are drawn as the end.
        paper: colours of the rest.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # matplotlib takes a second to import
    from matplotlib.figure import Figure

    rows, columns = half.values.shape
    size = (max(columns, 4) * CELL[0], max(rows, 3) * CELL[1])
    left, below = (0.15 + LETTER * max(map(len, names)) for names in (half.down, half.across))
    right, above = 0.85, 1.25
    width, height = left + size[0] + right, below + size[1] + above
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor=paper.page)
    axes = figure.add_axes((left / width, below / height, size[0] / width, size[1] / height))
    upper = figure.add_axes((left / width, (below + size[1] + GAP) / height, size[0] / width, BARS / height))
    beside = figure.add_axes(((left + size[0] + GAP) / width, below / height, BARS / width, size[1] / height))
    _cells(axes, half, limits, paper)
    _bars(upper, half.top.sum(axis=0), paper, horizontal=False)
    _bars(beside, half.top.sum(axis=1), paper, horizontal=True)
    low, high = (half.metric.text(value) for value in limits)
    colours = f"{low} or less yellow, {high} violet" if half.metric.lower_is_better else f"{low} violet, {high} yellow"
    title = f"{half.metric.title}: {colours}\n{half.name} distributions; bars count the best tenth"
    figure.text(0.1 / width, 1 - 0.1 / height, title, color=paper.ink, fontsize=8.5, va="top", ha="left")
    buffer = io.BytesIO()
    figure.set_canvas(FigureCanvasAgg(figure))
    figure.savefig(buffer, format="png", facecolor=paper.page, metadata={"Software": None})
    return buffer.getvalue()


def limits(halves: Sequence[HeatMap]) -> tuple[float, float]:
    """The colours' ends, one for all halves: losses from the best to the 80th per cent, shares from 0 to 0.9 or more.

    >>> limits([])
    (0.0, 0.9)
    """
    known = [half.values[half.complete] for half in halves]
    values = np.concatenate([*known, np.empty(0)])
    if not halves or not halves[0].metric.lower_is_better:
        return 0.0, max(0.9, float(values.max()) if values.size else 0.0)
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(np.quantile(values, 0.8))
    return low, high if high > low else low + 1e-3


def _cells(axes: Any, half: HeatMap, ends: tuple[float, float], paper: Paper) -> None:
    from matplotlib import colormaps
    from matplotlib.colors import Normalize
    from matplotlib.patches import Rectangle

    rows, columns = half.values.shape
    colours = colormaps["viridis_r" if half.metric.lower_is_better else "viridis"]
    scaled = Normalize(*ends, clip=True)(half.values)
    image = np.ones((rows, columns, 4))
    image[...] = _rgba(paper.page)
    image[np.isfinite(half.values) & ~half.complete] = _rgba(paper.partial)
    image[half.complete] = colours(np.ma.filled(scaled, 0.0)[half.complete])
    axes.imshow(image, aspect="auto", interpolation="nearest")
    for row, column in np.argwhere(~np.isfinite(half.values) & ~half.failed).tolist():
        corner = (column - 0.5, row - 0.5)
        axes.add_patch(Rectangle(corner, 1, 1, fill=False, hatch="////", linewidth=0, edgecolor=paper.partial))
    for row, column in np.argwhere(np.isfinite(half.values) | half.failed).tolist():
        text, ink = _label(half, row, column, image[row, column], paper)
        size = 11.0 if text == "×" else 6.8
        axes.text(column, row, text, ha="center", va="center", fontsize=size, color=ink)
    axes.set_xticks(range(columns), half.across, rotation=90, fontsize=7.5, color=paper.ink)
    axes.set_yticks(range(rows), half.down, fontsize=7.5, color=paper.ink)
    axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=paper.page, linewidth=0.8)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)


def _label(half: HeatMap, row: int, column: int, colour: Any, paper: Paper) -> tuple[str, str]:
    """What stands in a cell, and its colour: dark on light cells, light on dark ones."""
    value = half.values[row, column]
    if not np.isfinite(value):
        return "×", paper.cross
    text = f"{value:.3f}" if half.metric.lower_is_better else f"{100 * value:.0f}"
    if not half.complete[row, column]:
        return text, paper.faint
    luminance = float(np.dot(colour[:3], (0.299, 0.587, 0.114)))
    return text, "#10151b" if luminance > 0.5 else "#ffffff"


def _bars(axes: Any, counts: Any, paper: Paper, *, horizontal: bool) -> None:
    places = np.arange(len(counts))
    bars = (
        axes.barh(places, counts, 0.8, color=paper.bar)
        if horizontal
        else axes.bar(places, counts, 0.8, color=paper.bar)
    )
    axes.bar_label(bars, [str(c) if c else "" for c in counts], fontsize=6.5, color=paper.ink, padding=1)
    axes.set_facecolor(paper.page)
    axes.set_axis_off()
    span = (-0.5, len(counts) - 0.5)
    if horizontal:
        axes.set_ylim(*span[::-1])
    else:
        axes.set_xlim(*span)


def _rgba(colour: str) -> Any:
    from matplotlib.colors import to_rgba

    return to_rgba(colour)
