"""Which renderers a sweep compares: the thesis's 1,242, a quick choice of thirty, or a file's."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from gendr import _check
from gendr.presets.instances import THESIS, Instance, distribution_choice, t_conorm_choice

_PROBABILISTIC = (
    "uniform",
    "uniform(squared)",
    "gaussian",
    "gaussian(squared)",
    "laplace",
    "logistic",
    "logistic(squared)",
    "cauchy",
    "cauchy(squared)",
    "reciprocal",
    "reciprocal(squared)",
    "gumbel_max",
    "gumbel_min",
    "exponential",
    "exponential(reversed)",
    "gamma(p=0.5)",
    "gamma(p=0.5, reversed)",
    "gamma(p=0.5, reversed, squared)",
    "gamma(p=2)",
    "gamma(p=2, reversed)",
)
_OTHER_T_CONORMS = ("maximum", "average", "einstein", "yager(p=2)", "dombi(p=0.5)")

QUICK = tuple(
    Instance.from_spec(spec)
    for spec in (
        *(f"{distribution} + probabilistic" for distribution in _PROBABILISTIC),
        *(f"logistic + {t_conorm}" for t_conorm in _OTHER_T_CONORMS),
        *(f"gamma(p=0.5, reversed) + {t_conorm}" for t_conorm in _OTHER_T_CONORMS),
    )
)
"""Thirty instances that answer what the thesis says about the families.

Twenty distributions under Probabilistic: plain ones beside their squares, tails that fall exponentially beside linear
ones, one-sided ones beside their mirror images. And five further T-conorms, two that do poorly and three that do well,
under a symmetric distribution and under the best one.
"""

NAMED = {"thesis": tuple(THESIS), "quick": QUICK}
"""The grids that have a name."""


def instances(
    grid: str = "thesis", distributions: Sequence[str] = (), t_conorms: Sequence[str] = ()
) -> tuple[Instance, ...]:
    """The instances of a grid, those of certain distributions and T-conorms only when some are given.

    Args:
        grid: `thesis`, `quick`, or a text file with one `DISTRIBUTION + T_CONORM` a line.
        distributions: a name, such as `gamma`, stands for the family with all its parameters and combinators, a spec
            with parentheses, such as `gamma(p=2, reversed)` or `logistic()`, for that one.
        t_conorms: likewise.

    Raises:
        ValueError: no such grid, a line that cannot be read, or a distribution or T-conorm that the grid lacks.
        OSError: the file cannot be read.

    >>> [str(instance) for instance in instances("quick", ["logistic()", "uniform"], ["probabilistic"])]
    ['uniform + probabilistic', 'uniform(squared) + probabilistic', 'logistic + probabilistic']
    """
    chosen = NAMED[grid] if grid in NAMED else _read(grid)
    chosen = _kept(chosen, grid, "distribution", [distribution_choice(spec) for spec in distributions])
    return _kept(chosen, grid, "t_conorm", [t_conorm_choice(spec) for spec in t_conorms])


def _kept(chosen: tuple[Instance, ...], grid: str, name: str, wanted: Sequence[object]) -> tuple[Instance, ...]:
    """The instances whose distribution or T-conorm is one of those wanted, by family or itself; all for none."""
    members = [getattr(instance, name) for instance in chosen]
    for one in wanted:
        if not any(one in (member, member.name) for member in members):
            occurring = f"one that occurs in the grid {grid} with what else was chosen (a file may hold any instance)"
            _check.fail(name, occurring, repr(str(one)))
    pairs = zip(chosen, members, strict=True)
    return tuple(i for i, m in pairs if not wanted or any(one in (m, m.name) for one in wanted))


def _read(path: str) -> tuple[Instance, ...]:
    """The instances of a file, each once, in its order."""
    if not os.path.exists(path):
        _check.fail("grid", f"{', '.join(NAMED)} or a text file of DISTRIBUTION + T_CONORM lines", repr(path))
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        _check.fail(path, "a text file of DISTRIBUTION + T_CONORM lines", "one that is not UTF-8")
    found: dict[Instance, None] = {}
    for number, line in enumerate(lines, 1):
        spec = line.partition("#")[0].strip()
        try:
            if spec:
                found[Instance.from_spec(spec)] = None
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from None
    if not found:
        _check.fail(path, "at least one line DISTRIBUTION + T_CONORM", "none")
    return tuple(found)
