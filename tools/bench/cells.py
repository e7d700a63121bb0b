"""The pieces of a sweep: runs that are known beforehand, or that follow from the outcomes of earlier ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from gendr.tools.bench.tasks import Run, ShapeRun

Metrics = Mapping[str, float | None]
"""By key the metrics of the runs that are done; None for failed ones."""


class Cell(Protocol):
    """Some runs of one instance."""

    @property
    def expected(self) -> int:
        """About how many runs it takes, to say how long a sweep will last."""

    @property
    def known(self) -> int:
        """How many of its runs were settled when it was last asked."""

    def next(self, metrics: Metrics) -> list[Run]:
        """The runs that can be done now and are not settled; none when the cell is finished."""


class Search(Protocol):
    """Proposes softnesses; `gendr.tools.bench.tau_search.TauSearch` is one."""

    def next(self, outcomes: Mapping[float, float]) -> list[float]:
        """The softnesses to run next, given the losses of earlier ones (infinite for failed runs); none at the end."""


class Listed:
    """Runs that are all known.

    >>> run = ShapeRun("teapot", "uniform", "maximum", elevation=0, lr=1, tau=1)
    >>> cell = Listed([run, replace(run, seed=1)])
    >>> [run.seed for run in cell.next({run.key: 0.5})], cell.known
    ([1], 1)
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        self._runs = {run.key: run for run in runs}
        self.expected = len(self._runs)
        self.known = 0

    def next(self, metrics: Metrics) -> list[Run]:
        """Those that are not settled."""
        missing = [run for key, run in self._runs.items() if key not in metrics]
        self.known = self.expected - len(missing)
        return missing


class Searched:
    """One run with its softness left open, and the search for it.

    Args:
        base: the run; its own softness does not count.
        search: proposes softnesses. What it proposes follows from the outcomes alone, so that a cell that is begun
            anew proposes the same runs again, which are settled then.
        expected: about how many.

    >>> class Halve:
    ...     def next(self, outcomes):
    ...         return [0.5 ** len(outcomes)] if len(outcomes) < 3 else []
    >>> cell = Searched(ShapeRun("teapot", "uniform", "maximum", elevation=0, lr=1, tau=9), Halve(), expected=3)
    >>> (first,) = cell.next({})
    >>> [run.tau for run in cell.next({first.key: 0.3})], cell.known
    ([0.5], 1)
    """

    def __init__(self, base: ShapeRun, search: Search, expected: int) -> None:
        self._base, self._search = base, search
        self._outcomes: dict[float, float] = {}
        self.expected = expected

    @property
    def known(self) -> int:
        """How many runs are settled."""
        return len(self._outcomes)

    def next(self, metrics: Metrics) -> list[Run]:
        """The runs of the search's present stage that are not settled."""
        while proposed := {tau: replace(self._base, tau=tau) for tau in self._search.next(self._outcomes)}:
            settled = {tau: metrics[run.key] for tau, run in proposed.items() if run.key in metrics}
            if not settled:
                break
            self._outcomes |= {tau: math.inf if loss is None else loss for tau, loss in settled.items()}
        return list(proposed.values())
