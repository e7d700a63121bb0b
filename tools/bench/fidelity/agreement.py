"""Are poses like shapes? The rank correlation of the instances that both were measured for."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from gendr.tools.bench.fidelity.compare import Measured, Verdict
from gendr.tools.bench.report.intervals import LEVEL, Interval
from gendr.tools.bench.report.study import Study

TEXT = "Instances do similarly well in pose and in shape"
PUBLISHED = "similar (5.4.2)"
FEWEST = 10
"""Instances in both studies, below which a correlation says nothing."""


def similar(shape: Study, pose: Study) -> Measured | None:
    """Spearman's correlation of the instances' means; None of fewer than ten complete in both."""
    places = {instance: row for row, instance in enumerate(shape.instances) if shape.is_complete[row]}
    both = [(places[i], row) for row, i in enumerate(pose.instances) if pose.is_complete[row] and i in places]
    if len(both) < FEWEST:
        return None
    from scipy import stats  # type: ignore[import-untyped]  # takes a moment to import

    first, second = (list(rows) for rows in zip(*both, strict=True))
    loss, share = shape.mean(shape.metrics[0])[first], pose.mean(pose.metrics[0])[second]
    if np.ptp(loss) == 0 or np.ptp(share) == 0:
        return None
    found = interval(float(stats.spearmanr(-loss, share).statistic), len(both))
    verdict: Verdict = "confirmed" if found.low > 0 else "not confirmed" if found.high < 0 else "undecided"
    numbers = f"{found.mean:+.2f} [{found.low:+.2f}, {found.high:+.2f}]"
    return Measured(f"rank correlation {numbers} of {len(both):,} instances", verdict)


def interval(correlation: float, number: int) -> Interval:
    """The 95 % interval of Spearman's correlation: Fisher's z with the variance `(1 + r²/2) / (n - 3)`.

    Source: Bonett and Wright 2000.

    >>> [round(end, 2) for end in interval(0.5, 30)]
    [0.5, 0.15, 0.74]
    """
    z = math.atanh(max(-1 + 1e-12, min(1 - 1e-12, correlation)))
    half = NormalDist().inv_cdf(0.5 + LEVEL / 2) * math.sqrt((1 + correlation**2 / 2) / (number - 3))
    return Interval(correlation, math.tanh(z - half), math.tanh(z + half))
