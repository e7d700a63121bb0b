"""Soft top-k: rows of the permutation matrix, values, and the k-hot mask."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from gendr import _check
from gendr.distributions import Distribution
from gendr.sort import DiffSort, Sorter
from gendr.sort.operator import DTYPES, product
from gendr.topk.selection import selection_network


class TopK(NamedTuple):
    """The soft top-k of a tensor along a dimension.

    Attributes:
        values: the `k` relaxed largest values, the largest first; `k` long in the place of that dimension.
        rows: `[..., k, n]`: `P[..., r, j]` is the degree to which element `j` is the `r`-th largest, `values = P x`.
        mask: how much each element is among the `k` largest: the sum of its column of `rows`, in the input's shape.
            It sums to `k`, and with networks lies in [0, 1].

    >>> TopK(torch.ones(1), torch.ones(1, 2) / 2, torch.ones(2) / 2).mask.sum()
    tensor(1.)
    """

    values: Tensor
    rows: Tensor
    mask: Tensor


def selector(
    n: int,
    k: int,
    network: str = "auto",
    distribution: Distribution | str = "cauchy",
    steepness: float | Literal["auto"] = "auto",
    *,
    art: float | None = None,
    input_scale: float = 1.0,
    backend: str = "auto",
) -> DiffSort:
    """The relaxed selection network: a `DiffSort` whose first `k` rows are those of a sorter, and whose others are not.

    Args:
        n: elements.
        k: of them to select, from 1 to `n`.
        network: "splitter", "bitonic", "odd_even", ..., or "auto": the one with fewer layers, see `selection_network`.
        distribution: symmetric; see `gendr.sort.DiffSort`, as for the other arguments.
        steepness: slope of the sigmoid at 0, or "auto": by the number of layers.
        art: exponent of the activation replacement trick, for the logistic distribution.
        input_scale: the spread of the inputs that "auto" reckons with.
        backend: of `DiffSort`.

    Raises:
        TypeError, ValueError: an argument of the wrong kind or out of range.

    >>> selector(1000, 5).permutation(torch.zeros(1000), k=5).shape
    torch.Size([5, 1000])
    """
    return DiffSort(n, selection_network(n, k, network), distribution, steepness, art, input_scale, backend)


def topk(x: Tensor, k: int, by: Sorter | None = None, *, dim: int = -1, largest: bool = True) -> TopK:
    """The relaxed `k` largest elements: values, rows of the permutation matrix, and the soft k-hot mask.

    Args:
        x: any shape, float16, bfloat16 (both computed in float32), float32 or float64.
        k: from 1 to the size of `dim`.
        by: any operator of `gendr.sort`; by default `selector(n, k)`: a selection network of Cauchy comparators, for
            inputs whose spread is about 1.
        dim: along which to select.
        largest: or the smallest.

    Raises:
        TypeError, ValueError: an argument of the wrong kind or out of range.

    Source: Petersen 2022, section 4.2.

    >>> values, rows, mask = topk(torch.tensor([0.1, 3.0, 2.0, 0.2]), 2, selector(4, 2, steepness=100.0))
    >>> mask.round()
    tensor([0., 1., 1., 0.])
    """
    _check.tensor("x", x, ("*",), DTYPES)
    if not isinstance(dim, int) or not -x.dim() <= dim < x.dim():
        _check.fail("dim", f"a dimension of x {list(x.shape)}", dim)
    n = x.shape[dim]
    if not isinstance(k, int) or not 1 <= k <= n:
        _check.fail("k", f"an int from 1 to {n}", k)
    if by is not None and not isinstance(by, Sorter):
        raise TypeError(f"by: expected a Sorter, got {_check.describe(by)}")
    moved = x.movedim(dim, -1)
    wide = moved.float() if moved.dtype in (torch.float16, torch.bfloat16) else moved
    rows = (by or selector(n, k)).permutation(wide, k=k, descending=largest)
    values = product(rows, wide).movedim(-1, dim)
    return TopK(values.to(x.dtype), rows.to(x.dtype), rows.sum(-2).movedim(-1, dim).to(x.dtype))
