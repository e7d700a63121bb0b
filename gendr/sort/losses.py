"""Losses on relaxed permutation matrices, ranks and scores, against a known order."""

from __future__ import annotations

import torch
from torch import Tensor

from gendr import _check
from gendr.distributions import Logistic
from gendr.sort.sigmoid import Sigmoid


def true_ranks(scores: Tensor, dim: int = -1, descending: bool = False) -> Tensor:
    """The rank of every element, from 0, int64; of equal ones the first comes first.

    Args:
        scores: any shape and ordered dtype.
        dim: along which to rank.
        descending: the largest has rank 0.

    >>> true_ranks(torch.tensor([30.0, 10.0, 20.0]))
    tensor([2, 0, 1])
    """
    order = scores.argsort(dim=dim, descending=descending, stable=True)
    places = torch.arange(scores.shape[dim], device=scores.device)
    shape = [1] * scores.dim()
    shape[dim] = -1
    return torch.zeros_like(order).scatter(dim, order, places.view(shape).expand_as(order))


def true_permutation(ranks: Tensor) -> Tensor:
    """The permutation matrix `Q` of int64 ranks `[..., n]`: `Q[..., ranks[j], j] = 1`, float32 `[..., n, n]`.

    >>> true_permutation(torch.tensor([1, 0]))
    tensor([[0., 1.],
            [1., 0.]])
    """
    return torch.nn.functional.one_hot(ranks, ranks.shape[-1]).mT.to(torch.float32)


def cross_entropy(p: Tensor, ranks: Tensor, floor: float = 1e-12) -> Tensor:
    """`-1/n sum_j log P[rank_j, j]`, the column-wise cross-entropy, averaged over the batch.

    Args:
        p: `[..., n, n]` of any operator, ascending or descending as `ranks` are.
        ranks: int64 `[..., n]`, see `true_ranks`.
        floor: entries below it count as it, without a gradient.

    Raises:
        TypeError, ValueError: shapes or dtypes that do not fit.

    Source: Petersen 2022, equation 3.12.

    >>> f"{cross_entropy(torch.full((2, 2), 0.5), torch.tensor([0, 1])).item():.4f}"
    '0.6931'
    """
    _fit(p, ranks)
    picked = p.gather(-2, ranks.unsqueeze(-2)).squeeze(-2)
    return -picked.clamp(min=floor).log().mean()


def binary_cross_entropy(p: Tensor, ranks: Tensor, floor: float = 1e-12) -> Tensor:
    """The mean over all `n^2` entries of the binary cross-entropy between `P` and the true permutation matrix.

    Arguments, and errors, as for `cross_entropy`; `1 - P` has the same floor.

    >>> f"{binary_cross_entropy(torch.full((2, 2), 0.5), torch.tensor([0, 1])).item():.4f}"
    '0.6931'
    """
    _fit(p, ranks)
    q = true_permutation(ranks).to(p.dtype)
    return -(q * p.clamp(min=floor).log() + (1 - q) * (1 - p).clamp(min=floor).log()).mean()


def rank_mse(ranks: Tensor, wanted: Tensor) -> Tensor:
    """The mean squared difference of relaxed and true ranks.

    Args:
        ranks: relaxed, `[..., n]`, as `rank` gives them.
        wanted: int64 `[..., n]`, see `true_ranks`.

    Raises:
        TypeError, ValueError: shapes or dtypes that do not fit.

    >>> rank_mse(torch.tensor([0.0, 2.0]), torch.tensor([0, 1])).item()
    0.5
    """
    _check.tensor("ranks", ranks, ("*", "n"), (torch.float16, torch.bfloat16, torch.float32, torch.float64))
    _check.tensor("wanted", wanted, tuple(ranks.shape), (torch.int64,))
    return (ranks - wanted.to(ranks.dtype)).square().mean()


def spearman(ranks: Tensor, wanted: Tensor) -> Tensor:
    """1 minus the correlation of relaxed and true ranks, in [0, 2], averaged over the batch: 1 - Spearman's rho.

    Arguments, and errors, as for `rank_mse`. Where all relaxed ranks are equal the correlation counts as 0.

    >>> f"{spearman(torch.tensor([0.0, 1.0, 2.0]), torch.tensor([2, 1, 0])).item():.4f}"
    '2.0000'
    """
    _check.tensor("wanted", wanted, tuple(ranks.shape), (torch.int64,))
    a = ranks - ranks.mean(-1, keepdim=True)
    b = wanted.to(ranks.dtype)
    b = b - b.mean(-1, keepdim=True)
    spread = a.square().sum(-1) * b.square().sum(-1)
    some = spread > 0
    rho = torch.where(some, (a * b).sum(-1) / torch.where(some, spread, 1.0).sqrt(), 0.0)
    return 1 - rho.mean()


def kendall(scores: Tensor, wanted: Tensor, sigmoid: Sigmoid | None = None) -> Tensor:
    """1 minus a relaxed Kendall's tau, in [0, 2], averaged over the batch.

    `tau = mean over pairs of sign(wanted_i - wanted_j) (2 f(scores_i - scores_j) - 1)`, without the pairs that tie in
    `wanted`.

    Args:
        scores: the scores themselves, not their ranks, `[..., n]`.
        wanted: the true scores or ranks, `[..., n]`.
        sigmoid: `f`, by default the logistic one of steepness 1.

    Raises:
        TypeError, ValueError: shapes that do not fit.

    Source: the number of swaps of bubble sort, Petersen 2022, section 2.5.2.

    >>> f"{kendall(torch.tensor([0.0, 100.0]), torch.tensor([0, 1])).item():.4f}"
    '0.0000'
    """
    if wanted.shape != scores.shape:
        _check.fail("wanted", f"the shape of scores, {list(scores.shape)}", wanted)
    f = Sigmoid(Logistic(), 1.0) if sigmoid is None else sigmoid
    upper = torch.triu_indices(scores.shape[-1], scores.shape[-1], 1, device=scores.device)
    first, second = upper[0], upper[1]
    sign = torch.sign(wanted[..., first] - wanted[..., second]).to(scores.dtype)
    agreement = sign * (2 * f.cdf(scores[..., first] - scores[..., second]) - 1)
    return 1 - (agreement.sum(-1) / sign.abs().sum(-1).clamp(min=1)).mean()


def _fit(p: Tensor, ranks: Tensor) -> None:
    n = p.shape[-1] if isinstance(p, Tensor) and p.dim() else "n"
    _check.tensor("p", p, ("*", n, n), (torch.float16, torch.bfloat16, torch.float32, torch.float64))
    _check.tensor("ranks", ranks, tuple(p.shape[:-1]), (torch.int64,))
