"""What each instance reached, how sure that is, and who is ahead."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np

from gendr.presets import Instance
from gendr.tools.bench.pose_problems import RANGES
from gendr.tools.bench.report.intervals import Interval, student, wilson
from gendr.tools.bench.report.study import Counts, Floats, Metric, Study


@dataclass(frozen=True)
class Standing:
    """An instance's line in a table.

    Attributes:
        rank: among the complete ones; None for the others.
        interval: of the first metric.
        over: what the interval is over; empty where there is none.
        lr, tau: most often best; tau the geometric mean of the best ones, with the lowest and highest.
        known: of how many conditions.
        shares: pose only: by metric's name, Wilson intervals for each range and over all.
    """

    instance: Instance
    rank: int | None
    interval: Interval
    over: str
    lr: float
    tau: Interval
    known: int
    runs: Counts
    shares: dict[str, list[tuple[Interval, int]]]


def standings(study: Study) -> list[Standing]:
    """The best first; then those that miss conditions; then those without a result."""
    metric = study.metrics[0]
    sign = 1.0 if metric.lower_is_better else -1.0
    means, complete, known = study.mean(metric), study.is_complete, study.known

    def place(row: int) -> tuple[float, ...]:
        return not complete[row], not known[row], sign * means[row] if known[row] else 0.0, row

    lines = []
    for rank, row in enumerate(sorted(range(len(study.instances)), key=place), 1):
        interval, over = spread(study, row)
        taus = study.tau[row][np.isfinite(study.tau[row])]
        lines.append(
            Standing(
                study.instances[row],
                rank if complete[row] else None,
                interval,
                over,
                _most_frequent(study.lr[row]),
                _geometric(taus),
                int(known[row]),
                study.runs(study.instances[row]),
                {m.name: shares(study, m, row) for m in study.metrics} if study.protocol == "pose" else {},
            )
        )
    return lines


def spread(study: Study, row: int) -> tuple[Interval, str]:
    """The first metric of an instance with its interval, and what the interval is over.

    Pose: Wilson's, over the problems. Shape: Student's t over the seeds, each seed's figure being the mean over its
    meshes and elevations; with one seed, over the pairs of mesh and elevation, which says how the figure varies between
    them and nothing about repetition.
    """
    values = study.values[study.metrics[0].name][row]
    known = np.flatnonzero(np.isfinite(values))
    if not known.size:
        return Interval(math.nan, math.nan, math.nan), ""
    if study.protocol == "pose":
        return wilson(float(values[known].sum()), known.size), f"{known.size} problems"
    by_seed: dict[int, list[float]] = {}
    for column in known:
        by_seed.setdefault(study.conditions[column].seed, []).append(float(values[column]))
    mean = float(values[known].mean())
    if len(by_seed) > 1:
        _, low, high = student([float(np.mean(v)) for v in by_seed.values()])
        return Interval(mean, low, high), f"{len(by_seed)} seeds"
    parts = {study.conditions[c][:2] for c in known}
    if len(parts) == 1:
        return Interval(mean, math.nan, math.nan), ""
    meshes = len({mesh for mesh, _ in parts})
    return student(values[known]), f"{len(parts)} elevations" if meshes == 1 else f"{len(parts)} meshes x elevations"


def shares(study: Study, metric: Metric, row: int) -> list[tuple[Interval, int]]:
    """Wilson's interval and the number of problems, for each range of initial angles and then over all."""
    values = study.values[metric.name][row]
    known = np.isfinite(values)
    chosen = [known & (low <= study.initial) & (study.initial < high) for low, high in RANGES]
    return [(wilson(float(values[mask].sum()), int(mask.sum())), int(mask.sum())) for mask in (*chosen, known)]


def _most_frequent(values: Floats) -> float:
    """NaN where there is none; the smaller one of equals."""
    counted = Counter(float(v) for v in values if math.isfinite(v))
    return min(counted, key=lambda v: (-counted[v], v)) if counted else math.nan


def _geometric(values: Floats) -> Interval:
    if not values.size:
        return Interval(math.nan, math.nan, math.nan)
    return Interval(float(np.exp(np.log(values).mean())), float(values.min()), float(values.max()))
