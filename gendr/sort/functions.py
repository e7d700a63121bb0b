"""Sorting, permutation and ranks as functions."""

from __future__ import annotations

from torch import Tensor

from gendr import _check
from gendr.sort.diffsort import DiffSort
from gendr.sort.operator import DTYPES, Sorter

_default: dict[int, DiffSort] = {}


def sort(x: Tensor, by: Sorter | None = None, *, dim: int = -1, descending: bool = False) -> Tensor:
    """Relaxed sorted values, in the shape of `x`.

    Args:
        x: any shape, float16, bfloat16, float32 or float64.
        by: an operator such as `DiffSort(n, "odd_even", "optimal")` or `SoftSort(tau=0.1)`; by default `DiffSort` of
            the size at hand: a bitonic network of Cauchy comparators, for inputs whose spread is about 1. Compilers
            want one given, or a size that was sorted before: they do not build networks.
        dim: along which to sort.
        descending: the largest first.

    Raises:
        TypeError, ValueError: not a float tensor, a `dim` that it has not, or a size that the operator is not for.

    >>> sort(torch.tensor([3.0, 1.0, 2.0]), DiffSort(3, steepness=100.0)).round()
    tensor([1., 2., 3.])
    """
    return _chosen(x, by, dim).sort(x, dim, descending)


def permutation(
    x: Tensor, by: Sorter | None = None, *, k: int | None = None, dim: int = -1, descending: bool = False
) -> Tensor:
    """The relaxed argsort: the matrix `P` `[..., n, n]`, with `sorted = P x`, or its first `k` rows.

    `P[..., i, j]` is the degree to which input `j` is the `i`-th smallest (largest, when `descending`). Arguments, and
    errors, as for `sort`; `k` in `0 ... n`.

    >>> permutation(torch.tensor([3.0, 1.0, 2.0]), DiffSort(3, steepness=100.0), k=1).argmax(-1)
    tensor([1])
    """
    return _chosen(x, by, dim).permutation(x, k, dim, descending)


def rank(x: Tensor, by: Sorter | None = None, *, dim: int = -1, descending: bool = False) -> Tensor:
    """Relaxed ranks from 0 to `n - 1`, in the shape of `x`; arguments, and errors, as for `sort`.

    >>> rank(torch.tensor([3.0, 1.0, 2.0]), DiffSort(3, steepness=100.0)).round()
    tensor([2., 0., 1.])
    """
    return _chosen(x, by, dim).rank(x, dim, descending)


def _chosen(x: Tensor, by: Sorter | None, dim: int) -> Sorter:
    if by is not None:
        if not isinstance(by, Sorter):
            raise TypeError(f"by: expected a Sorter, got {_check.describe(by)}")
        return by
    _check.tensor("x", x, ("*",), DTYPES)
    if not isinstance(dim, int) or not -x.dim() <= dim < x.dim():
        _check.fail("dim", f"a dimension of x {list(x.shape)}", dim)
    n = x.shape[dim]
    if n not in _default:
        _default[n] = DiffSort(n)
    return _default[n]
