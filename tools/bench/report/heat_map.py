"""A study laid out as the thesis's figures: distributions across, T-conorms down, the squared ones apart."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gendr.distributions import Distribution
from gendr.presets import THESIS
from gendr.tnorms import TNorm
from gendr.tools.bench.report.study import Floats, Metric, Study

TOP = 0.1
"""The share of the instances whose distributions and T-conorms the histograms count."""


@dataclass(frozen=True, eq=False)
class HeatMap:
    """One half of a figure.

    Attributes:
        squared: which half.
        across: specs of the N distributions, without the word squared.
        down: specs of the M T-conorms.
        values: `[M, N]`, NaN where there is no result.
        complete: `[M, N]`, whether a value may be compared with the others.
        failed: `[M, N]`, whether there are only failed runs.
        top: `[M, N]`, whether a cell is among the best tenth of this half's complete ones.
    """

    metric: Metric
    squared: bool
    across: tuple[str, ...]
    down: tuple[str, ...]
    values: Floats
    complete: NDArray[np.bool_]
    failed: NDArray[np.bool_]
    top: NDArray[np.bool_]

    @property
    def name(self) -> str:
        """`plain` or `squared`."""
        return "squared" if self.squared else "plain"

    @property
    def missing(self) -> int:
        """Cells that were not run, or not to an end."""
        return int((~np.isfinite(self.values) & ~self.failed).sum())


def heat_maps(study: Study, metric: Metric) -> list[HeatMap]:
    """The plain half and the squared half, of which one is left out when it is empty.

    Both have the same rows and columns: those distributions and T-conorms that occur in either.
    """
    bases = _in_grid({plain(i.distribution) for i in study.instances})
    t_conorms = _in_order({i.t_conorm for i in study.instances})
    means, complete = study.mean(metric), study.is_complete
    halves = []
    for squared in (False, True):
        members = [k for k, i in enumerate(study.instances) if i.distribution.is_squared == squared]
        if not members:
            continue
        shape = (len(t_conorms), len(bases))
        values, whole, failed = np.full(shape, np.nan), np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
        for k in members:
            instance = study.instances[k]
            at = t_conorms.index(instance.t_conorm), bases.index(plain(instance.distribution))
            values[at], whole[at] = means[k], complete[k]
            failed[at] = not math.isfinite(means[k]) and study.runs(instance).failed > 0
        top = best_tenth(np.where(whole, values, np.nan), metric)
        across, down = tuple(map(str, bases)), tuple(map(str, t_conorms))
        halves.append(HeatMap(metric, squared, across, down, values, whole, failed, top))
    return halves


def best_tenth(values: Floats, metric: Metric) -> NDArray[np.bool_]:
    """Which values are among the best tenth, rounded up; those equal to the last of them too.

    >>> best_tenth(np.array([0.3, 0.1, np.nan]), Metric("loss", "loss", True))
    array([False,  True, False])
    """
    costs = values if metric.lower_is_better else -values
    known = np.sort(costs[np.isfinite(costs)])
    if not known.size:
        return np.zeros(values.shape, np.bool_)
    return np.asarray(np.nan_to_num(costs, nan=np.inf) <= known[math.ceil(TOP * known.size) - 1])


def plain(distribution: Distribution) -> Distribution:
    """The distribution of which this is the squared one, or itself.

    >>> from gendr.distributions import Logistic
    >>> str(plain(Logistic().squared()))
    'logistic'
    """
    return replace(distribution, is_squared=False)


def _in_grid(found: set[Distribution]) -> list[Distribution]:
    return [d for d in THESIS.distributions if d in found] + sorted(found - set(THESIS.distributions), key=str)


def _in_order(found: set[TNorm]) -> list[TNorm]:
    return [t for t in THESIS.t_conorms if t in found] + sorted(found - set(THESIS.t_conorms), key=str)
