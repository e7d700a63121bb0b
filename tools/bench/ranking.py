"""The table at the end of a sweep: which instances did best."""

from __future__ import annotations

import math

from rich import box
from rich.table import Table

from gendr.tools.bench.agenda import Plan
from gendr.tools.bench.report.standings import Standing, standings
from gendr.tools.bench.report.study import Study
from gendr.tools.bench.report.tallies import collect
from gendr.tools.bench.store import Store

MOST = 20
"""Lines shown."""

_HEADINGS = {"shape": ("loss", "95 %", "tau"), "pose": ("within 3°, %", "within 5°, %", "95 %, of 3°")}
"""What stands between the names and the rate."""


def ranking(store: Store, plan: Plan) -> Table | None:
    """The best instances of a sweep, compared as the report compares them.

    Shape: the best loss over softness and rate, averaged over meshes, elevations and seeds. Pose: the share of problems
    within 3 degrees at the best rate. Only instances that were measured under all conditions have a rank.

    Args:
        store: the results file, of which only the sweep's own runs count.
        plan: the sweep.

    Returns:
        The table; None when there are no results.

    Raises:
        OSError: the file cannot be read.
    """
    rows = [row for row in store.rows(plan.protocol) if plan.holds(row.config)]
    studies = [study for study in collect(rows)[0] if study.known.any()] if rows else []
    if not studies:
        return None
    study = studies[0]
    lines = standings(study)
    shown = lines[:MOST]
    title = (
        f"{len(lines)} instances" if len(lines) == len(shown) else f"The best {len(shown)} of {len(lines)} instances"
    )
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("#", "distribution", "T-conorm", *_HEADINGS[study.protocol], "lr"):
        table.add_column(heading, justify="left" if heading in ("distribution", "T-conorm") else "right", no_wrap=True)
    for line in shown:
        table.add_row(*_cells(study, line))
    return table


def _cells(study: Study, line: Standing) -> list[str]:
    metric = study.metrics[0]
    row = study.instances.index(line.instance)
    means = [m.text(float(study.mean(m)[row])) for m in study.metrics]
    low, high = metric.text(line.interval.low), metric.text(line.interval.high)
    tau = [_short(line.tau.mean)] if study.protocol == "shape" else []
    rank = "" if line.rank is None else str(line.rank)
    names = str(line.instance.distribution), str(line.instance.t_conorm)
    return [rank, *names, *means, f"{low} to {high}" if line.over else "", *tau, _short(line.lr)]


def _short(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "-"
