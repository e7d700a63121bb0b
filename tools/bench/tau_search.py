"""The grid search for the softness, and one that needs a fifth of its runs.

The published protocol runs every instance with 81 softnesses, `10^(-0.1 n)`. Its loss over `log tau` is one valley:
from sharp to soft it falls slowly, over two or three decades, and rises again within one, beyond which every face
reaches every pixel. There a run takes up to fifty times as long as a sharp one, so the search comes from the sharp
side. docs/benchmark_tau.md has what it saves, and how often it finds the grid's optimum.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from gendr import _check

GRID = tuple(10.0 ** (-0.1 * n) for n in range(81))
"""The published softnesses, from 1 to 1e-8, as `rasterize` takes them (squared lengths for squared distributions)."""

COMB = 8
"""Places between the softnesses of the first stage, which leaves out the softest fifth of the grid."""

MARGIN = 0.02
"""Losses this close to the best may hide a better one beside them: twice what a jitter of the start does to a run."""

MOST = 3
"""Places about which a stage refines."""


class TauSearch:
    """Coarse to fine over a grid of softnesses, for the runs of one instance, mesh, elevation and rate.

    First every 8th softness but for the softest fifth. Then, with strides 4, 2 and 1, what lies beside the best places
    found so far, up to three whose losses are within 0.02 of the best, again until that is no longer news; so it walks
    into the softest fifth where the loss falls that way. At last all that lies within two places of the best one. What
    it asks for follows from the outcomes of what it asked for before and from nothing else, so that a sweep that was
    killed goes on alike.

    Args:
        grid: softnesses in any order, at least one; the published 81 by default.

    Raises:
        ValueError: no softness at all.

    >>> search, outcomes = TauSearch(), {}
    >>> while proposals := search.next(outcomes):
    ...     outcomes |= {tau: abs(math.log10(tau) + 3.3) for tau in proposals}
    >>> len(outcomes), round(math.log10(min(outcomes, key=outcomes.get)), 1)
    (16, -3.3)
    """

    def __init__(self, grid: Sequence[float] = GRID) -> None:
        if not len(grid):
            _check.fail("grid", "at least one softness", "none")
        self._grid = sorted({_check.number("grid", tau, 0.0, open_low=True) for tau in grid}, reverse=True)

    def next(self, outcomes: Mapping[float, float]) -> list[float]:
        """The softnesses to run next; none when the search is over.

        Args:
            outcomes: loss (lower is better) by softness, of all runs so far. Not-a-number or infinity stands for a run
                that failed. Softnesses that are not in the grid are passed over.
        """
        done = self._by_place(outcomes)
        known: dict[int, float] = {}
        for wanted in self._stages(known):
            if missing := [self._grid[place] for place in sorted(wanted) if place not in done]:
                return missing
            known |= {place: done[place] for place in wanted}
        return []

    def _stages(self, known: Mapping[int, float]) -> Iterator[set[int]]:
        """What to run one after the other, never empty, never known; `known` grows by it before the next is asked."""
        yield set(range(len(self._grid) // 5, len(self._grid), COMB))
        for stride in (4, 2, 1):
            while news := self._beside(known, stride):
                yield news
        while news := self._about_best(known):
            yield news

    def _beside(self, known: Mapping[int, float], stride: int) -> set[int]:
        ranked = _ranked(known)
        chosen = [place for place in ranked[:MOST] if known[place] <= known[ranked[0]] + MARGIN]
        return self._news(known, (place + side for place in chosen for side in (-stride, stride)))

    def _about_best(self, known: Mapping[int, float]) -> set[int]:
        best = _ranked(known)[0]
        return self._news(known, (best + side for side in (-2, -1, 1, 2)))

    def _news(self, known: Mapping[int, float], places: Iterable[int]) -> set[int]:
        return {place for place in places if 0 <= place < len(self._grid) and place not in known}

    def _by_place(self, outcomes: Mapping[float, float]) -> dict[int, float]:
        places: dict[int, float] = {}
        for tau, loss in outcomes.items():
            for place, of_grid in enumerate(self._grid):
                if math.isclose(tau, of_grid, rel_tol=1e-9):
                    places[place] = loss if math.isfinite(loss) else math.inf
        return places


def _ranked(known: Mapping[int, float]) -> list[int]:
    """Places by their loss, the sharper of equals, which takes less time, first."""
    return sorted(known, key=lambda place: (known[place], -place))
