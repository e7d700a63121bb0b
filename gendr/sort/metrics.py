"""How well scores reproduce a known order: EM, EW, EM5."""

from __future__ import annotations

import torch
from torch import Tensor

from gendr import _check
from gendr.sort.losses import true_ranks


def exact_match(scores: Tensor, wanted: Tensor) -> Tensor:
    """EM: the share of rows whose whole ranking is right, 0-d float32.

    Args:
        scores: predicted, `[..., n]`.
        wanted: true scores or ranks, `[..., n]`.

    Raises:
        ValueError: the shapes differ.

    Source: Grover et al. 2019; Petersen 2022, section 3.5.

    >>> exact_match(torch.tensor([[0.1, 0.2], [0.2, 0.1]]), torch.tensor([[1, 2], [1, 2]]))
    tensor(0.5000)
    """
    return _right(scores, wanted).all(-1).float().mean()


def element_wise(scores: Tensor, wanted: Tensor) -> Tensor:
    """EW: the share of elements whose rank is right, 0-d float32. Arguments, and errors, as for `exact_match`.

    >>> element_wise(torch.tensor([0.1, 0.3, 0.2]), torch.tensor([1, 2, 3]))
    tensor(0.3333)
    """
    return _right(scores, wanted).float().mean()


def exact_match_of_five(scores: Tensor, wanted: Tensor) -> Tensor:
    """EM5: `exact_match` of the elements in groups of five, comparable over any `n`.

    Arguments as for `exact_match`. Rows are strung together first (shuffle them if they are ordered); a rest of less
    than five is left out.

    Raises:
        ValueError: the shapes differ, or there are fewer than five elements.

    >>> exact_match_of_five(torch.arange(10.0), torch.arange(10))
    tensor(1.)
    """
    _right(scores, wanted)
    groups = scores.numel() // 5
    if not groups:
        _check.fail("scores", "at least five elements", scores)
    a, b = (t.reshape(-1)[: 5 * groups].reshape(groups, 5) for t in (scores, wanted))
    return exact_match(a, b)


def _right(scores: Tensor, wanted: Tensor) -> Tensor:
    if scores.shape != wanted.shape or not scores.dim():
        _check.fail("wanted", f"the shape of scores, {list(scores.shape)}", wanted)
    return torch.eq(true_ranks(scores), true_ranks(wanted))
