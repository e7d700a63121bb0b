"""Sorting and ranking by projection on the permutahedron."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gendr import _check
from gendr.sort.isotonic import REGULARISATIONS, isotonic
from gendr.sort.operator import Sorter
from gendr.sort.softsort import finite


@dataclass(frozen=True)
class FastSort(Sorter):
    """Ranks and values as projections on the permutahedron, in `O(n log n)`; there is no permutation matrix.

    `rank(x)` is the point nearest to `x / strength` in the convex hull of all permutations of `0 ... n - 1`, and
    `sort(x)` the point nearest to `(0 ... n - 1) / strength` in that of all permutations of `x`. "l2" measures the
    squared distance: exact once `x` is spread wider than `strength`, and piecewise linear; "kl" measures by entropy, on
    the logarithm of the ranks 1 ... n, or of `exp(x)`: smooth within a block. Monotonic for two values, its error
    unbounded. On the CPU.
    Source: Blondel et al. 2020, "Fast Differentiable Sorting and Ranking"; Petersen 2022, section 3.1.3.

    Attributes:
        strength: of the regularisation, positive; in units of `x` for ranks, in 1 / units of `x` for values.
        regularisation: "l2" or "kl".

    Raises:
        TypeError, ValueError: an argument out of range.

    >>> FastSort(strength=0.1).rank(torch.tensor([3.0, 1.0, 2.0]))
    tensor([2., 0., 1.])
    >>> FastSort(strength=2.0).rank(torch.tensor([3.0, 1.0, 2.0]))
    tensor([1.5000, 0.5000, 1.0000])
    """

    strength: float = 0.1
    regularisation: str = "l2"

    def __post_init__(self) -> None:
        _check.number("strength", self.strength, 0.0, open_low=True)
        _check.choice("regularisation", self.regularisation, REGULARISATIONS)

    def _rows(self, x: Tensor, k: int) -> Tensor:
        raise NotImplementedError("FastSort: has no permutation matrix; use sort or rank, or another operator")

    def _values(self, x: Tensor) -> Tensor:
        n = x.shape[1]
        if n == 0:
            return x
        descending = finite(x).sort(-1, descending=True).values
        ranks = torch.arange(n, 0, -1, dtype=x.dtype, device=x.device).expand_as(x)
        z = _held(ranks / self.strength)
        return (z - isotonic(z, descending, self.regularisation)).flip(-1)

    def _ranks(self, x: Tensor) -> Tensor:
        n = x.shape[1]
        if n == 0:
            return x
        order = x.detach().argsort(dim=-1, descending=True, stable=True)
        z = _held(finite(x) / self.strength).gather(-1, order)
        ranks = torch.arange(n, 0, -1, dtype=x.dtype, device=x.device).expand_as(x)
        if self.regularisation == "l2":
            projected = z - isotonic(z, ranks - 1)
        else:
            projected = (z - isotonic(z, ranks.log(), "kl")).exp() - 1
        return torch.zeros_like(x).scatter(-1, order, projected)


def _held(z: Tensor) -> Tensor:
    """Where the projection can still tell its own rounding from the ranks, and beyond which nothing changes."""
    return z.clamp(-1e18, 1e18)
