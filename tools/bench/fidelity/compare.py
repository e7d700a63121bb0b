"""Is one group of instances ahead of another? Paired, with an interval, and with a verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gendr.tools.bench.report.intervals import Interval, student
from gendr.tools.bench.report.study import Floats, Study

Verdict = Literal["confirmed", "not confirmed", "undecided", "not measured"]

Pair = tuple[int, int]
"""Rows of a study: the instance that should be ahead, and the one behind it."""

MARGIN = {"shape": 0.01, "pose": 0.02}
"""Up to which two means count as equal: what a jitter of the start does to a loss, and two poses in a hundred.
"""

MOST = 2 / 3
"""Share of the pairs that must agree with a finding."""


@dataclass(frozen=True)
class Measured:
    """What a results file says about a finding.

    Attributes:
        here: the figures.
        verdict: whether they agree with what was published.
    """

    here: str
    verdict: Verdict


@dataclass(frozen=True)
class Lead:
    """How far the first ones of pairs are ahead of the second ones, in the first metric.

    Attributes:
        interval: the mean lead, positive when the first ones are better, and its 95 % interval.
        over: what the interval is over.
        ahead: pairs in which the first one is better.
        pairs: pairs that were measured.
    """

    interval: Interval
    over: str
    ahead: int
    pairs: int

    def text(self, protocol: str) -> str:
        """The figures in a line.

        >>> Lead(Interval(0.02, 0.01, 0.03), "5 elevations", 3, 4).text("shape")
        '+0.0200 [+0.0100, +0.0300] over 5 elevations; 3 of 4 pairs'
        """
        numbers = [f"{v:+.4f}" if protocol == "shape" else f"{100 * v:+.1f}" for v in self.interval]
        ends = f" [{numbers[1]}, {numbers[2]}] over {self.over}" if math.isfinite(self.interval.low) else ""
        return f"{numbers[0]}{ends}; {self.ahead} of {self.pairs} pairs"


def lead(study: Study, pairs: Sequence[Pair]) -> Lead | None:
    """The lead over all conditions that both of a pair were measured under; None where there are none.

    The mean over pairs is taken for each condition first, so that the interval (Student's t) says how the lead varies
    between conditions: problems (pose), pairs of mesh and elevation, or, where there is only one of these, seeds
    (shape). With a single condition it is over the pairs.
    """
    if not pairs:
        return None
    first, second = (list(rows) for rows in zip(*pairs, strict=True))
    metric = study.metrics[0]
    values = study.values[metric.name] * (-1.0 if metric.lower_is_better else 1.0)
    leads = values[first] - values[second]
    by_pair, by_condition = _means(leads, 1), _means(leads, 0)
    known = np.isfinite(by_condition)
    if not known.any():
        return None
    units, over = _units(study, by_condition)
    if units.size < 2:
        units, over = by_pair[np.isfinite(by_pair)], "pairs"
    measured = by_pair[np.isfinite(by_pair)]
    return Lead(student(units), f"{units.size} {over}", int((measured > 0).sum()), measured.size)


def is_ahead(study: Study, pairs: Sequence[Pair]) -> Measured | None:
    """Confirmed: the interval lies above 0 and two thirds of the pairs agree; not confirmed: it lies below 0."""
    found = lead(study, pairs)
    if found is None:
        return None
    verdict: Verdict = "undecided"
    if found.interval.low > 0 and found.ahead >= MOST * found.pairs:
        verdict = "confirmed"
    elif found.interval.high < 0:
        verdict = "not confirmed"
    return Measured(found.text(study.protocol), verdict)


def is_equal(study: Study, pairs: Sequence[Pair]) -> Measured | None:
    """Confirmed when the interval lies within `MARGIN` of 0, not confirmed when it lies outside."""
    found = lead(study, pairs)
    if found is None:
        return None
    margin, (_, low, high) = MARGIN[study.protocol], found.interval
    verdict: Verdict = "undecided"
    if -margin <= low <= high <= margin:
        verdict = "confirmed"
    elif low > margin or high < -margin:
        verdict = "not confirmed"
    return Measured(found.text(study.protocol), verdict)


def _units(study: Study, by_condition: Floats) -> tuple[Floats, str]:
    """What is repeated, and its name: means of the known conditions that belong together."""
    known = [(c, float(v)) for c, v in zip(study.conditions, by_condition, strict=True) if math.isfinite(v)]
    if study.protocol == "pose":
        return np.array([value for _, value in known]), "problems"
    places = _grouped([((c.mesh, c.part), value) for c, value in known])
    if len(places) > 1:
        meshes = {condition.mesh for condition, _ in known}
        return _averages(places), "elevations" if len(meshes) == 1 else "meshes x elevations"
    return _averages(_grouped([((c.mesh, c.seed), value) for c, value in known])), "seeds"


def _grouped(values: Sequence[tuple[tuple[str, float], float]]) -> dict[tuple[str, float], list[float]]:
    groups: dict[tuple[str, float], list[float]] = {}
    for place, value in values:
        groups.setdefault(place, []).append(value)
    return groups


def _averages(groups: dict[tuple[str, float], list[float]]) -> Floats:
    return np.array([float(np.mean(values)) for values in groups.values()])


def _means(values: Floats, axis: int) -> Floats:
    """Over what is known; NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis)
    total = np.where(known, values, 0.0).sum(axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
