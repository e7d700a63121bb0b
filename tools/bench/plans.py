"""From the benchmark's options to the runs: every instance with every mesh, elevation, rate, softness and seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from gendr import _check
from gendr.presets.instances import Instance
from gendr.tools.bench.agenda import Group, Plan
from gendr.tools.bench.batch import SHAPES
from gendr.tools.bench.cells import Cell, Listed, Searched
from gendr.tools.bench.tasks import PoseRun, ShapeRun
from gendr.tools.bench.tau_search import GRID, TauSearch

PAIRS_IN_A_RUN = 20
"""Pose problems in one run, the unit that is lost with a worker: minutes of work, and a kernel call's fill."""

FEW = tuple(10.0 ** (-0.5 * n) for n in range(3, 10))
"""Seven softnesses of the published grid, half a decade apart, where the best ones of all families lie."""


@dataclass(frozen=True)
class Taus:
    """Softnesses for shape runs: a list, or a search over one.

    Attributes:
        values: the softnesses.
        is_searched: from coarse to fine instead of one by one.
        expected: about how many runs they come to, for each rate, elevation, mesh and seed.
    """

    values: tuple[float, ...]
    is_searched: bool
    expected: int

    @staticmethod
    def from_text(text: str) -> Taus:
        """What `--taus` says: `grid`, `coarse-to-fine`, `quick`, or numbers with commas between them.

        Raises:
            ValueError: something else.

        >>> len(Taus.from_text("grid").values), Taus.from_text("1e-2,1e-3").values
        (81, (0.01, 0.001))
        """
        named = {
            "grid": Taus(GRID, False, len(GRID)),
            "coarse-to-fine": Taus(GRID, True, 16),
            "quick": Taus(FEW, False, len(FEW)),
        }
        if text in named:
            return named[text]
        try:
            values = tuple(dict.fromkeys(_check.number("taus", float(part), 1e-30, 1e30) for part in text.split(",")))
        except ValueError:
            _check.fail("taus", f"{', '.join(named)}, or positive numbers with commas between them", repr(text))
        return Taus(values, False, len(values))

    def cell(self, base: ShapeRun) -> Cell:
        """A run's softnesses, as a piece of a sweep."""
        if self.is_searched:
            return Searched(base, TauSearch(self.values), self.expected)
        return Listed([replace(base, tau=tau) for tau in self.values])


def shape_plan(
    instances: Sequence[Instance],
    meshes: Sequence[str],
    elevations: Sequence[float],
    rates: Sequence[float],
    taus: Taus,
    seeds: Sequence[int],
    *,
    steps: int = 100,
    image_size: int = 64,
    views: int = 24,
) -> Plan:
    """All shape runs of these.

    Raises:
        TypeError, ValueError: something of the wrong kind or out of range, or nothing of a kind.

    >>> few = Taus.from_text("1e-1,1e-2")
    >>> plan = shape_plan([Instance.from_spec("uniform + maximum")], ["teapot"], [30.0, 0.0], [0.03], few, [0])
    >>> plan.runs, len(next(iter(plan.groups)).cells)
    (4, 2)
    """
    values = _once(mesh=meshes, elevation=elevations, lr=rates, seed=seeds)
    budget: dict[str, Any] = {"steps": steps, "image_size": image_size, "views": views}

    def cells(distribution: str, t_conorm: str) -> list[Cell]:
        names: dict[str, Any] = {"distribution": distribution, "t_conorm": t_conorm}
        bases = (ShapeRun(**names, **kind, **budget, tau=taus.values[0]) for kind in _combined(values))
        return [taus.cell(base) for base in bases]

    return _plan("shape", instances, values, budget, cells, SHAPES)


def pose_plan(
    instances: Sequence[Instance],
    meshes: Sequence[str],
    rates: Sequence[float],
    seeds: Sequence[int],
    *,
    pairs: int = 600,
    tau: tuple[float, float] = (1e-1, 1e-7),
    steps: int = 1000,
    image_size: int = 64,
) -> Plan:
    """All pose runs of these, 20 pairs each.

    Raises:
        TypeError, ValueError: something of the wrong kind or out of range, or nothing of a kind.

    >>> plan = pose_plan([Instance.from_spec("uniform + maximum")], ["teapot"], [0.1, 0.3], [0], pairs=50)
    >>> plan.runs
    6
    """
    _check.number("pairs", pairs, 1, 10_000_000)
    values = _once(mesh=meshes, lr=rates, seed=seeds)
    budget: dict[str, Any] = {"steps": steps, "image_size": image_size}
    parts = [(first, min(first + PAIRS_IN_A_RUN, pairs)) for first in range(0, pairs, PAIRS_IN_A_RUN)]

    def cells(distribution: str, t_conorm: str) -> list[Cell]:
        names: dict[str, Any] = {"distribution": distribution, "t_conorm": t_conorm}
        kinds = _combined(values)
        return [Listed([PoseRun(**names, **kind, **budget, pairs=part, tau=tau) for part in parts]) for kind in kinds]

    return _plan("pose", instances, values, {**budget, "tau": list(tau)}, cells, 1)


def _once(**values: Sequence[Any]) -> dict[str, list[Any]]:
    return {name: list(dict.fromkeys(given)) for name, given in values.items()}


def _combined(values: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    for chosen in product(*values.values()):
        yield dict(zip(values, chosen, strict=True))


def _plan(
    protocol: str,
    instances: Sequence[Instance],
    values: Mapping[str, Sequence[Any]],
    budget: Mapping[str, Any],
    cells: Callable[[str, str], list[Cell]],
    batch: int,
) -> Plan:
    """One group for each instance, made when its turn comes; the first one also now, to refuse what is out of range."""
    for name, chosen in {"instances": instances, **values}.items():
        if not chosen:
            _check.fail(name, "at least one", "none")
    names = [(str(instance.distribution), str(instance.t_conorm)) for instance in instances]
    expected = sum(cell.expected for cell in cells(*names[0]))
    meshes = tuple(values["mesh"])
    groups = (Group(protocol, meshes, *pair, cells(*pair)) for pair in names)
    occurring = {
        **{name: [value] for name, value in budget.items()},
        **{name: [float(v) if name in ("lr", "elevation") else v for v in chosen] for name, chosen in values.items()},
    }
    return Plan(groups, len(names) * expected, batch, protocol, frozenset(names), occurring)
