"""Which instances of a study are compared: pairs that differ in nothing but what a finding is about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from typing import NamedTuple

from gendr.tools.bench.fidelity.compare import Pair
from gendr.tools.bench.report.heat_map import plain
from gendr.tools.bench.report.study import Study

FINITE = ("uniform", "cubic_hermite", "wigner_semicircle")
EXPONENTIAL = ("gaussian", "laplace", "logistic", "hyperbolic_secant")
LINEAR = ("cauchy", "reciprocal")
LEVY = ("levy", "levy(reversed)", "levy(shift=1)", "levy(shift=1, reversed)")
GAMMA = ("gamma(p=0.5)", "gamma(p=1)", "gamma(p=2)")
GAMMA_REVERSED = ("gamma(p=0.5, reversed)", "gamma(p=1, reversed)", "gamma(p=2, reversed)")
BEST_DISTRIBUTION = GAMMA_REVERSED[0]

POOR = ("maximum", "average")
EXTREME = (
    *("yager(p=4)", "aczel_alsina(p=2)", "aczel_alsina(p=4)", "dombi(p=2)", "dombi(p=4)"),
    *("schweizer_sklar(p=-2)", "schweizer_sklar(p=-4)"),
)
SPARED = ("exponential", "gamma")
"""Families that the thesis finds to do well with the extreme T-conorms, too."""
BEST = ("yager(p=2)", "dombi(p=0.5)")
NEXT = ("probabilistic", "einstein")

Pairs = Callable[[Study], Sequence[Pair]]


class _Member(NamedTuple):
    """An instance of a study, and the specs that findings name it by."""

    row: int
    distribution: str
    is_squared: bool
    family: str
    t_conorm: str


_Choice = Callable[[_Member], bool]


def squared_under(distributions: Collection[str], *, others: bool = False) -> Pairs:
    """Each distribution before its squared counterpart, under the same T-conorm.

    Args:
        distributions: specs of plain ones.
        others: all but these.
    """
    return lambda study: _pairs(
        study,
        lambda member: (member.distribution, member.t_conorm),
        lambda one: (one.distribution in distributions) != others and not one.is_squared,
        lambda other: other.is_squared,
    )


def turned(pairs: Pairs) -> Pairs:
    """The same pairs the other way round."""
    return lambda study: [(second, first) for first, second in pairs(study)]


def distribution_over(first: Collection[str], second: Collection[str] | None = None) -> Pairs:
    """Each plain distribution of the first before each of the second, or before all others, under the same T-conorm."""
    return lambda study: _pairs(
        study,
        lambda member: (member.is_squared, member.t_conorm),
        lambda one: one.distribution in first and not one.is_squared,
        lambda other: other.distribution not in first if second is None else other.distribution in second,
    )


def one_by_one(first: Sequence[str], second: Sequence[str]) -> Pairs:
    """The n-th plain distribution of the first before the n-th of the second, under the same T-conorm."""
    couples = [distribution_over([one], [other]) for one, other in zip(first, second, strict=True)]
    return lambda study: [pair for couple in couples for pair in couple(study)]


def t_conorm_over(first: Collection[str], second: Collection[str] | None = None) -> Pairs:
    """Each T-conorm of the first before each of the second, or before all others, under the same distribution."""
    return lambda study: _pairs(
        study,
        lambda member: (member.is_squared, member.distribution),
        lambda one: one.t_conorm in first,
        lambda other: other.t_conorm not in first if second is None else other.t_conorm in second,
    )


def t_conorm_under(second: Collection[str], *, spared: Collection[str] = ()) -> Pairs:
    """Each T-conorm that is neither poor nor extreme before each of the second, under the same distribution.

    Args:
        second: specs.
        spared: families of distributions that are left out.
    """
    return lambda study: _pairs(
        study,
        lambda member: (member.is_squared, member.distribution),
        lambda one: one.t_conorm not in (*POOR, *EXTREME) and one.family not in spared,
        lambda other: other.t_conorm in second,
    )


def _pairs(study: Study, same: Callable[[_Member], tuple[object, ...]], first: _Choice, second: _Choice) -> list[Pair]:
    """All pairs of a first and a second member for which `same` gives the same."""
    ahead: dict[tuple[object, ...], list[int]] = defaultdict(list)
    behind: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for member in _members(study):
        if first(member):
            ahead[same(member)].append(member.row)
        if second(member):
            behind[same(member)].append(member.row)
    return [
        (one, other) for key, rows in ahead.items() for one in rows for other in behind.get(key, ()) if one != other
    ]


@lru_cache(4)
def _members(study: Study) -> tuple[_Member, ...]:
    return tuple(
        _Member(row, str(plain(i.distribution)), i.distribution.is_squared, i.distribution.name, str(i.t_conorm))
        for row, i in enumerate(study.instances)
    )
