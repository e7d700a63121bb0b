"""The picture of a search: how good the renderers are, and what they cost."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from gendr.tools.tune.held_out import Comparison
from gendr.tools.tune.standings import Tried

INK = "#1c2530"
RUNGS = ("#cdd5de", "#9fc0e6", "#5d93d0", "#1f5fa8", "#123a6b")
MARKS = ("*", "s", "D", "o")
COLOURS = ("#d64541", "#1c2530", "#b57a1e", "#3d8b4d")
FLOOR = 1e-4


def trade_off(tried: Sequence[Tried], comparisons: Sequence[Comparison], title: str) -> bytes:
    """A PNG: each trial's loss over the processor time of a run, and the contenders on the held-out conditions.

    >>> trade_off([], [], "nothing")[1:4]
    b'PNG'
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # matplotlib takes a second to import
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 4.6), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    top = max((one.rung for one in tried), default=0)
    for rung in range(top + 1):
        shown = [one for one in tried if one.rung == rung]
        if not shown:
            continue
        colour = RUNGS[max(len(RUNGS) - 1 - top + rung, 0)]
        points = [one.seconds for one in shown], [max(one.loss, FLOOR) for one in shown]
        axes.scatter(*points, s=14 + 8 * rung, color=colour, label=f"rung {rung + 1}: {len(shown)}", zorder=2 + rung)
    names: dict[str, list[Comparison]] = {}
    for one in comparisons:
        names.setdefault(one.setting.key, []).append(one)
    for same, mark, colour in zip(names.values(), MARKS, COLOURS, strict=False):
        one = same[0]
        size = 150 if mark == "*" else 50
        place = [one.seconds], [max(one.loss, FLOOR)]
        look: dict[str, Any] = {"s": size, "color": colour, "marker": mark, "edgecolor": "white", "zorder": 20}
        axes.scatter(*place, label="held out: " + ",\n".join(each.name for each in same), **look)
    if tried or comparisons:
        axes.set(xscale="log", yscale="log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("{x:g}")
        axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    axes.set_xlabel("processor seconds of one run")
    axes.set_ylabel("loss")
    figure.suptitle(title, fontsize=9, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25, which="both")
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)  # type: ignore[no-untyped-call]
    return buffer.getvalue()
