"""The picture of training runs: accuracy over steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path


def draw_curves(
    runs: Mapping[str, Sequence[tuple[float, ...]]], path: Path, published: Mapping[str, float] | None = None
) -> None:
    """Draw EM and EW of each run over its steps.

    Args:
        runs: by label, rows whose first four columns are step, loss, EM and EW.
        path: of the picture, in a format that matplotlib writes.
        published: levels to mark, by label.

    Raises:
        OSError: the file cannot be written.

    >>> draw_curves({"cauchy": [(10, 2.0, 0.1, 0.3), (20, 1.5, 0.2, 0.4)]}, Path("curve.png"))
    >>> Path("curve.png").read_bytes()[1:4]
    b'PNG'
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for index, (label, rows) in enumerate(runs.items()):
        steps = [row[0] for row in rows]
        axes.plot(steps, [100 * row[2] for row in rows], color=f"C{index}", label=f"{label}: EM")
        axes.plot(steps, [100 * row[3] for row in rows], color=f"C{index}", ls=":", label=f"{label}: EW")
    for label, level in (published or {}).items():
        axes.axhline(100 * level, color="0.6", lw=0.8)
        axes.annotate(label, (1, 100 * level), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=8)
    axes.set(xlabel="step", ylabel="right, % of test", ylim=(0, 100))
    axes.grid(alpha=0.3)
    if runs:
        axes.legend(fontsize=8)
    figure.savefig(path, dpi=120)
