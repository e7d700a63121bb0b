"""Reading and adding at indices with the same bits every time, on every device.

Where an index repeats, a gradient or a sum has several terms. On the CPU `index_select` and `index_add` add them in
order; on a GPU in the order of arrival, and what sorts them first there is advanced indexing and `index_put`.
"""

from __future__ import annotations

from torch import Tensor


def adds_on_arrival(values: Tensor) -> bool:
    """Whether the device adds at indices as its threads come by."""
    return values.is_cuda


def taken(values: Tensor, dim: int, index: Tensor) -> Tensor:
    """`values.index_select(dim, index)`, with a gradient that is added up in a fixed order.

    >>> import torch
    >>> taken(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 1, torch.tensor([1, 1, 0]))
    tensor([[2., 2., 1.],
            [4., 4., 3.]])
    """
    if adds_on_arrival(values):
        return values[(slice(None),) * (dim % values.ndim) + (index,)]
    return values.index_select(dim, index)


def added(totals: Tensor, dim: int, index: Tensor, terms: Tensor) -> Tensor:
    """`totals.index_add(dim, index, terms)`, added up in a fixed order.

    >>> import torch
    >>> added(torch.zeros(2), 0, torch.tensor([1, 1]), torch.tensor([1.0, 2.0]))
    tensor([0., 3.])
    """
    if adds_on_arrival(totals):
        rows, more = totals.movedim(dim, 0), terms.movedim(dim, 0)
        return rows.index_put((index,), more, accumulate=True).movedim(0, dim)
    return totals.index_add(dim, index, terms)
