"""Rows into studies: the best learning rate and tau of each instance, as the thesis chooses them.

Shape: "independent runs" from each elevation, of which the thesis averages the final results, so the best of the grid
is taken for each mesh, elevation and seed. Pose: the learning rate with the most poses within 3 degrees, over all
problems of a mesh.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from gendr import _check
from gendr.presets import THESIS, Instance
from gendr.tools.bench.report.rows import Row, is_done, setting
from gendr.tools.bench.report.study import LOSS, WITHIN_3, WITHIN_5, Budget, Condition, Counts, Study

BUDGETS = {"shape": ("steps", "image_size", "views"), "pose": ("steps", "image_size", "tau")}
"""The settings that only runs of one study share."""

WHOLE_SEARCH = (1.01e-8, 0.025)
"""A search over the published grid, from 1e-8 to 1, tried something at or beyond these; the coarse-to-fine one begins
at 10^-1.6 and goes on to 1 only while the loss falls."""


@dataclass
class Tally:
    """The rows of one protocol and budget so far."""

    protocol: str
    budget: Budget
    shapes: dict[tuple[Instance, Condition, float], list[float]] = field(default_factory=dict)
    poses: dict[tuple[Instance, str, float], dict[Condition, tuple[float, float]]] = field(default_factory=dict)
    counts: dict[tuple[Instance, str], Counts] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        """Count a row.

        Raises:
            ValueError: it lacks what its protocol's rows have.
        """
        instance = read_instance(row.distribution, row.t_conorm)
        done, failed = self.counts.get((instance, row.mesh), (0, 0))
        counted = is_done(row.status, row.metric)
        self.counts[instance, row.mesh] = Counts(done + counted, failed + (not counted))
        if counted and self.protocol == "shape":
            self._add_shape(row, instance)
        elif counted:
            self._add_pose(row, instance)

    def _add_shape(self, row: Row, instance: Instance) -> None:
        lr, tau, loss = setting(row.config, "lr"), setting(row.config, "tau"), float(row.metric or 0.0)
        place = (instance, Condition(row.mesh, setting(row.config, "elevation"), row.seed), lr)
        best = self.shapes.setdefault(place, [math.inf, math.nan, tau, tau])
        best[2:] = min(best[2], tau), max(best[3], tau)
        if (loss, tau) < (best[0], best[1]) or math.isnan(best[1]):
            best[:2] = loss, tau

    def _add_pose(self, row: Row, instance: Instance) -> None:
        errors, initial = (_angles(row, name) for name in ("errors", "initial"))
        first, end = row.config.get("pairs", (0, 0))
        if not len(errors) == len(initial) == end - first:
            _check.fail("results: errors, initial", f"an angle for each of {end - first} problems", f"{len(errors)}")
        found = self.poses.setdefault((instance, row.mesh, setting(row.config, "lr")), {})
        for number, angles in enumerate(zip(initial, errors, strict=True), first):
            found[Condition(row.mesh, number, row.seed)] = angles

    def study(self) -> Study:
        """What the rows say together."""
        instances = in_order({instance for instance, _ in self.counts})
        return self._shape_study(instances) if self.protocol == "shape" else self._pose_study(instances)

    def _shape_study(self, instances: tuple[Instance, ...]) -> Study:
        conditions = tuple(sorted({condition for _, condition, _ in self.shapes}))
        row = {instance: i for i, instance in enumerate(instances)}
        column = {condition: i for i, condition in enumerate(conditions)}
        shape = (len(instances), len(conditions))
        rates = {lr: np.full(shape, np.nan) for lr in sorted({lr for *_, lr in self.shapes})}
        best, lrs, taus, edge = np.full(shape, np.inf), *(np.full(shape, np.nan) for _ in range(3))
        for (instance, condition, lr), (loss, tau, lowest, highest) in sorted(
            self.shapes.items(), key=lambda s: s[0][2]
        ):
            at = row[instance], column[condition]
            rates[lr][at] = loss
            if loss < best[at]:
                best[at], lrs[at], taus[at] = loss, lr, tau
                searched = lowest <= WHOLE_SEARCH[0] and highest >= WHOLE_SEARCH[1]
                edge[at] = float(tau in (lowest, highest)) if searched else np.nan
        values = {LOSS.name: np.where(np.isinf(best), np.nan, best)}
        initial = np.full(len(conditions), np.nan)
        return Study("shape", self.budget, instances, conditions, values, lrs, taus, initial, rates, edge, self.counts)

    def _pose_study(self, instances: tuple[Instance, ...]) -> Study:
        conditions = tuple(sorted({condition for found in self.poses.values() for condition in found}))
        row = {instance: i for i, instance in enumerate(instances)}
        column = {condition: i for i, condition in enumerate(conditions)}
        shape = (len(instances), len(conditions))
        final, lrs, initial = np.full(shape, np.nan), np.full(shape, np.nan), np.full(len(conditions), np.nan)
        for (instance, _), lr, found in _best_rates(self.poses):
            places = [column[condition] for condition in found]
            began, ended = np.array(list(found.values())).T
            final[row[instance], places], lrs[row[instance], places], initial[places] = ended, lr, began
        known = np.isfinite(final)
        values = {m.name: np.where(known, final < bound, np.nan) for m, bound in ((WITHIN_3, 3.0), (WITHIN_5, 5.0))}
        tau = np.full(shape, np.nan)
        return Study("pose", self.budget, instances, conditions, values, lrs, tau, initial, counts=self.counts)


def collect(rows: Iterable[Row]) -> tuple[list[Study], list[Row]]:
    """The studies in rows, largest first, and the rows that failed.

    Raises:
        ValueError: there are no rows, or one that cannot be read.

    >>> collect([])
    Traceback (most recent call last):
    ValueError: results: expected at least one run, got none
    """
    tallies: dict[tuple[str, Budget], Tally] = {}
    failed = []
    for row in rows:
        protocol = _check.choice("results: protocol", row.protocol, list(BUDGETS))
        budget = tuple((name, _frozen(row.config.get(name))) for name in BUDGETS[protocol])
        tallies.setdefault((protocol, budget), Tally(protocol, budget)).add(row)
        if not is_done(row.status, row.metric):
            failed.append(row)
    if not tallies:
        _check.fail("results", "at least one run", "none")
    studies = [tally.study() for tally in tallies.values()]
    return sorted(studies, key=lambda s: (s.protocol != "shape", -int(s.known.sum()), str(s.budget))), failed


@lru_cache(maxsize=10_000)
def read_instance(distribution: str, t_conorm: str) -> Instance:
    """The instance of two specs, read once.

    Raises:
        ValueError: a spec that does not exist.

    >>> str(read_instance("logistic(squared)", "maximum"))
    'logistic(squared) + maximum'
    """
    return Instance.from_spec(f"{distribution} + {t_conorm}")


def in_order(instances: Iterable[Instance]) -> tuple[Instance, ...]:
    """Instances as the thesis's grid has them, then the others by name.

    >>> [str(i) for i in in_order([THESIS[5], THESIS[2]])] == [str(THESIS[2]), str(THESIS[5])]
    True
    """
    places = {instance: place for place, instance in enumerate(THESIS)}
    return tuple(sorted(instances, key=lambda i: (places.get(i, len(places)), str(i))))


def _best_rates(
    poses: dict[tuple[Instance, str, float], dict[Condition, tuple[float, float]]],
) -> list[tuple[tuple[Instance, str], float, dict[Condition, tuple[float, float]]]]:
    """For each instance and mesh the learning rate with the most problems, among these the most within 3, 5 degrees."""
    rates: dict[tuple[Instance, str], list[tuple[float, dict[Condition, tuple[float, float]]]]] = defaultdict(list)
    for (instance, mesh, lr), found in poses.items():
        rates[instance, mesh].append((lr, found))

    def rank(rate: tuple[float, dict[Condition, tuple[float, float]]]) -> tuple[float, ...]:
        ended = [angle for _, angle in rate[1].values()]
        return len(ended), sum(a <= 3 for a in ended), sum(a <= 5 for a in ended), -rate[0]

    return [(place, *max(tried, key=rank)) for place, tried in rates.items()]


def _angles(row: Row, name: str) -> Sequence[float]:
    """Degrees from a row's details, 180 where the run gave none that is finite."""
    found = (row.details or {}).get(name)
    if not isinstance(found, (list, tuple)):
        _check.fail(f"results: {name}", "a list of angles in a pose run's details", repr(found))
    return [float(a) if isinstance(a, (int, float)) and math.isfinite(a) else 180.0 for a in found]


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
