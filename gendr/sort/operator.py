"""What all relaxed sorting operators share: dimensions, directions, dtypes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from gendr import _check
from gendr.sort.sigmoid import LARGEST

DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


class Sorted(NamedTuple):
    """What calling an operator gives.

    Attributes:
        values: the relaxed sorted values, of the shape of the input.
        permutation: `[..., n, n]`: the relaxed permutation matrix `P`, with `values = P x`.

    >>> Sorted(torch.zeros(3), torch.eye(3)).permutation.shape
    torch.Size([3, 3])
    """

    values: Tensor
    permutation: Tensor


@dataclass(frozen=True)
class Sorter:
    """A relaxed sorting operator.

    Conventions: `P[..., i, j]` is the degree to which input `j` is the `i`-th smallest (largest, when `descending`),
    the thesis's convention; `sorted = P x`. Ranks count from 0, the smallest's (largest's) rank. `descending` sorts
    `-x` and negates the values. Half precision is computed in float32 and returned in half.

    >>> from gendr.sort import SoftSort
    >>> SoftSort(tau=0.1).rank(torch.tensor([3.0, 1.0, 2.0])).round()
    tensor([2., 0., 1.])
    """

    def __call__(self, x: Tensor, dim: int = -1, descending: bool = False) -> Sorted:
        """Values and permutation matrix at once.

        Args:
            x: any shape, float16, bfloat16, float32 or float64.
            dim: along which to sort.
            descending: the largest first.

        Returns:
            `Sorted`: the values in the shape of `x`, and `P` `[..., n, n]`, whose leading shape is that of `x` without
            `dim`.

        Raises:
            TypeError, ValueError: not a float tensor, a `dim` that it has not, or a size that the operator is not for.

        >>> from gendr.sort import NeuralSort
        >>> NeuralSort(tau=1e-3)(torch.tensor([3.0, 1.0])).values
        tensor([1., 3.])
        """
        rows, back = self._enter(x, dim, descending)
        values, p = self._both(rows)
        return Sorted(back(values, signed=True), _matrix(p, x, dim))

    def sort(self, x: Tensor, dim: int = -1, descending: bool = False) -> Tensor:
        """The relaxed sorted values only, in the shape of `x`; arguments as for a call.

        >>> from gendr.sort import DiffSort
        >>> DiffSort(2, distribution="optimal", steepness=1.0).sort(torch.tensor([[0.0], [2.0]]), dim=0)
        tensor([[0.0625],
                [1.9375]])
        """
        rows, back = self._enter(x, dim, descending)
        return back(self._values(rows), signed=True)

    def rank(self, x: Tensor, dim: int = -1, descending: bool = False) -> Tensor:
        """The relaxed rank of every element, from 0 to `n - 1`, in the shape of `x`; arguments as for a call.

        For operators with a matrix it is the expectation `sum_i i P[i, j]`.

        >>> from gendr.sort import DiffSort
        >>> DiffSort(2, distribution="optimal", steepness=1.0).rank(torch.tensor([2.0, 0.0]))
        tensor([0.9688, 0.0312])
        """
        rows, back = self._enter(x, dim, descending)
        return back(self._ranks(rows), signed=False)

    def permutation(self, x: Tensor, k: int | None = None, dim: int = -1, descending: bool = False) -> Tensor:
        """The matrix `P` only, `[..., n, n]`, or its first `k` rows, `[..., k, n]`; other arguments as for a call.

        Raises:
            TypeError, ValueError: as for a call, or `k` not in `0 ... n`.
            NotImplementedError: the operator has no matrix.

        >>> from gendr.sort import DiffSort
        >>> DiffSort(2, distribution="optimal", steepness=1.0).permutation(torch.tensor([2.0, 0.0]), k=1)
        tensor([[0.0312, 0.9688]])
        """
        rows, _ = self._enter(x, dim, descending)
        n = rows.shape[1]
        if k is not None and not (isinstance(k, int) and 0 <= k <= n):
            _check.fail("k", f"None or an int from 0 to {n}", k)
        return _matrix(self._rows(rows, n if k is None else k), x, dim)

    # What an operator defines, on [B, n] in float32 or float64, ascending.

    def _rows(self, x: Tensor, k: int) -> Tensor:
        """The first `k` rows of `P`, `[B, k, n]`."""
        raise NotImplementedError

    def _both(self, x: Tensor) -> tuple[Tensor, Tensor]:
        p = self._rows(x, x.shape[1])
        return product(p, x), p

    def _values(self, x: Tensor) -> Tensor:
        return self._both(x)[0]

    def _ranks(self, x: Tensor) -> Tensor:
        p = self._rows(x, x.shape[1])
        return torch.arange(x.shape[1], dtype=x.dtype, device=x.device) @ p

    def _enter(self, x: Tensor, dim: int, descending: bool) -> tuple[Tensor, _Back]:
        _check.tensor("x", x, ("*",), DTYPES)
        if not isinstance(dim, int) or not -x.dim() <= dim < x.dim():
            _check.fail("dim", f"a dimension of x {list(x.shape)}", dim)
        moved = _moved(x, dim, -1)
        rows = moved if moved.dim() == 2 else moved.reshape(-1, moved.shape[-1])
        rows = rows.float() if rows.dtype in (torch.float16, torch.bfloat16) else rows
        return (-rows if descending else rows), _Back(moved.shape, dim, x.dtype, descending)


class _Back(NamedTuple):
    """From rows to the shape, direction and dtype that the caller knows."""

    shape: torch.Size
    dim: int
    dtype: torch.dtype
    descending: bool

    def __call__(self, rows: Tensor, *, signed: bool) -> Tensor:
        rows = -rows if signed and self.descending else rows
        shaped = rows if rows.dim() == len(self.shape) else rows.reshape(self.shape)
        return _moved(shaped, -1, self.dim).to(self.dtype)


def _moved(x: Tensor, source: int, target: int) -> Tensor:
    """`movedim`, without a step for torch to remember where nothing moves."""
    return x if source % x.dim() == target % x.dim() else x.movedim(source, target)


def product(p: Tensor, x: Tensor) -> Tensor:
    """`P x` row by row, where 0 times infinity is 0; finite `x` is held within `LARGEST`, for the gradient's sake.

    >>> product(torch.eye(2)[None], torch.tensor([[1.0, torch.inf]]))
    tensor([[1., inf]])
    """
    infinite = x.isinf()
    held = x.clamp(-LARGEST[x.dtype], LARGEST[x.dtype])
    finite = (p @ torch.where(infinite, 0.0, held).unsqueeze(-1)).squeeze(-1)
    ends = torch.where(infinite, x, 0.0).unsqueeze(-2)
    return finite + torch.where((p > 0) & infinite.unsqueeze(-2), ends, 0.0).sum(-1)


def _matrix(p: Tensor, x: Tensor, dim: int) -> Tensor:
    if x.dim() == 2:
        return p.to(x.dtype)
    leading = x.shape[: dim % x.dim()] + x.shape[dim % x.dim() + 1 :]
    return p.reshape(*leading, *p.shape[1:]).to(x.dtype)
