"""What the thesis finds about shape and pose, in its order, and how a study is asked about it.

Source: Petersen, *Learning with Differentiable Algorithms* (2022), sections 5.4.1 and 5.4.2. Their figures are heat
maps without numbers, so what can be compared is which is ahead of which.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gendr.tools.bench.fidelity import pairs
from gendr.tools.bench.fidelity.compare import Measured, Verdict, is_ahead, is_equal
from gendr.tools.bench.fidelity.pairs import Pairs
from gendr.tools.bench.report.heat_map import heat_maps
from gendr.tools.bench.report.intervals import wilson
from gendr.tools.bench.report.study import Study

RATES = (10**-1.25, 10**-1.5, 10**-1.75)
"""The shape protocol's learning rates; the middle one is the thesis's best."""
ALMOST_ALL = 0.9
"""Share that counts as "almost all cases"."""
WHOLE_HALF = 100
"""Cells of a heat map from which on its best tenth says something."""


@dataclass(frozen=True)
class Finding:
    """A sentence of the thesis.

    Attributes:
        text: the finding.
        published: how strongly it is put, and where.
        measure: what a study says about it; None where it lacks what that needs.
    """

    text: str
    published: str
    measure: Callable[[Study], Measured | None]


def ahead(text: str, published: str, chosen: Pairs) -> Finding:
    """A finding that one group is better than another."""
    return Finding(text, published, lambda study: is_ahead(study, chosen(study)))


def equal(text: str, published: str, chosen: Pairs) -> Finding:
    """A finding that two do equally well."""
    return Finding(text, published, lambda study: is_equal(study, chosen(study)))


def most_often_best(text: str, published: str, names: tuple[str, ...], *, across: bool) -> Finding:
    """A finding that some are more often than all others among the best tenth, plain and squared apart.

    Args:
        text: the finding.
        published: its words.
        names: those that are.
        across: whether they are distributions, which are looked up in the plain half, or T-conorms, in both halves.
    """

    def measure(study: Study) -> Measured | None:
        halves = [half for half in heat_maps(study, study.metrics[0]) if not (across and half.squared)]
        if not halves or min(int(half.complete.sum()) for half in halves) < WHOLE_HALF:
            return None
        total = sum(half.top.sum(axis=0 if across else 1) for half in halves)
        counts = dict(zip(halves[0].across if across else halves[0].down, map(int, total), strict=True))
        own = {name: counts.get(name, 0) for name in names}
        other = max((name for name in counts if name not in names), key=lambda name: counts[name])
        verdict: Verdict = "confirmed" if min(own.values()) >= counts[other] else "not confirmed"
        listed = ", ".join(f"{name} {count}" for name, count in {**own, other: counts[other]}.items())
        return Measured(f"in the best tenth: {listed}", verdict)

    return Finding(text, published, measure)


def _middle_rate(study: Study) -> Measured | None:
    rates = [next((r for r in study.rates if math.isclose(r, rate, rel_tol=1e-6)), None) for rate in RATES]
    if None in rates:
        return None
    means = np.stack([study.rates[rate].mean(axis=1) for rate in rates if rate is not None])
    known = np.isfinite(means).all(axis=0)
    if not known.any():
        return None
    best, number = int((means[:, known].argmin(axis=0) == 1).sum()), int(known.sum())
    share = wilson(best, number)
    verdict: Verdict = "undecided"
    if share.mean >= ALMOST_ALL:
        verdict = "confirmed"
    elif share.high < ALMOST_ALL:
        verdict = "not confirmed"
    return Measured(f"best for {best} of {number} instances", verdict)


def _no_end(study: Study) -> Measured | None:
    known = np.isfinite(study.edge)
    if not known.any():
        return None
    ends, number = int(study.edge[known].sum()), int(known.sum())
    return Measured(f"an end was best in {ends:,} of {number:,} searches", "not confirmed" if ends else "confirmed")


_SLOW = (*pairs.LINEAR, *pairs.LEVY)

ORDER = (
    ahead(
        "A distribution is ahead of its squared one, but for Cauchy, Reciprocal, Levy",
        "typically",
        pairs.squared_under(_SLOW, others=True),
    ),
    ahead(
        "Cauchy and Reciprocal are behind their squared ones",
        "yes",
        pairs.turned(pairs.squared_under(pairs.LINEAR)),
    ),
    ahead("Levy is behind its squared one", "slightly", pairs.turned(pairs.squared_under(pairs.LEVY))),
    ahead(
        "Gaussian, Laplace, Logistic, hyperbolic secant are ahead of Cauchy, Reciprocal",
        "yes",
        pairs.distribution_over(pairs.EXPONENTIAL, pairs.LINEAR),
    ),
    ahead(
        "The same four are ahead of Uniform, cubic Hermite, Wigner",
        "those not very well",
        pairs.distribution_over(pairs.EXPONENTIAL, pairs.FINITE),
    ),
    ahead("Cauchy, Reciprocal are ahead of Levy", "yes", pairs.distribution_over(pairs.LINEAR, pairs.LEVY)),
    ahead("Gumbel-Min is ahead of Gumbel-Max", "yes", pairs.distribution_over(["gumbel_min"], ["gumbel_max"])),
    ahead(
        "Exponential reversed is ahead of Exponential",
        "yes",
        pairs.distribution_over(["exponential(reversed)"], ["exponential"]),
    ),
    ahead("Gamma reversed is ahead of Gamma", "yes", pairs.one_by_one(pairs.GAMMA_REVERSED, pairs.GAMMA)),
    ahead(
        "Gamma(0.5) reversed is ahead of the other distributions",
        "best overall",
        pairs.distribution_over([pairs.BEST_DISTRIBUTION]),
    ),
    most_often_best(
        "Gamma(0.5) reversed is most often in the best tenth",
        "yes",
        (pairs.BEST_DISTRIBUTION,),
        across=True,
    ),
    ahead("Maximum is behind the mild T-conorms", "poor", pairs.t_conorm_under(["maximum"])),
    ahead("Average is behind the mild T-conorms", "poor", pairs.t_conorm_under(["average"])),
    ahead(
        "The extreme T-conorms are behind the mild ones, but for Exponential, Gamma",
        "poor",
        pairs.t_conorm_under(pairs.EXTREME, spared=pairs.SPARED),
    ),
    ahead(
        "Yager 2, Dombi 0.5 are ahead of Probabilistic, Einstein", "yes", pairs.t_conorm_over(pairs.BEST, pairs.NEXT)
    ),
    ahead("Yager 2, Dombi 0.5 are ahead of all other T-conorms", "yes", pairs.t_conorm_over(pairs.BEST)),
    most_often_best("Yager 2, Dombi 0.5 are most often in the best tenth", "yes", pairs.BEST, across=False),
    equal("Probabilistic and Einstein do equally well", "yes", pairs.t_conorm_over(["probabilistic"], ["einstein"])),
)
"""What is ahead of what: printed of shapes (5.4.1, Fig. 5.4), and said to be similar of poses (5.4.2, Fig. 5.5)."""

SETTINGS = (
    Finding("The learning rate 10^-1.5 is the best of three", "in almost all cases", _middle_rate),
    Finding("The ends of the search for tau, 1 and 1e-8, are never best", "never", _no_end),
)
"""About the search of the shape protocol (5.4.1, setup)."""

FINDINGS = {"shape": (*ORDER, *SETTINGS), "pose": ORDER}
"""By protocol."""
