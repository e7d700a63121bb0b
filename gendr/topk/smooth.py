"""The smooth top-k loss of Berrada et al., the baseline."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gendr import _check
from gendr.topk.loss import REDUCTIONS, _entered

NOTHING = -1e30
"""Stands for the logarithm of 0: sums with it stay finite."""


def log_symmetric_polynomials(x: Tensor, k: int) -> Tensor:
    """`log e_j(exp(x))` for `j = 0 ... k`, the sums over all products of `j` different elements, `[*, k + 1]`.

    A tree of truncated polynomial products in the log domain: `O(n k)` numbers, `log2 n` steps, nothing overflows.
    What is an empty sum is -1e30.

    Args:
        x: `[*, n]`, logarithms of the elements.
        k: the highest degree.

    >>> log_symmetric_polynomials(torch.tensor([1.0, 2.0, 3.0]).log(), 2).exp()
    tensor([ 1.0000,  6.0000, 11.0000])
    """
    factors = torch.stack([torch.zeros_like(x), x], -1)
    while factors.shape[-2] > 1:
        if factors.shape[-2] % 2:
            one = torch.full_like(factors[..., :1, :], NOTHING)
            one[..., 0] = 0.0
            factors = torch.cat([factors, one], -2)
        a, b = factors[..., 0::2, :], factors[..., 1::2, :]
        degree = min(a.shape[-1] - 1, k)
        products = []
        for j in range(min(2 * degree, k) + 1):
            low, high = max(0, j - degree), min(j, degree)
            terms = a[..., low : high + 1] + b[..., j - high : j - low + 1].flip(-1)
            products.append(terms.logsumexp(-1))
        factors = torch.stack(products, -1).clamp(min=NOTHING)
    missing = k + 1 - factors.shape[-1]
    return nn.functional.pad(factors.squeeze(-2), (0, missing), value=NOTHING)[..., : k + 1]


class SmoothTopKLoss(nn.Module):
    """`tau (log sum_Y exp((margin(Y) + sum_Y s_j / k) / tau) - log sum_{Y with the label} exp(sum_Y s_j / (k tau)))`.

    `Y` runs over the sets of `k` classes; the margin is 1 for those without the label. With the elementary symmetric
    polynomials `e` of `exp(s_j / (k tau))`, `j` not the label, it is
    `tau softplus(1 / tau + log e_k - log e_{k-1} - s_label / (k tau))`.

    Args:
        k: from 1 on; of as many classes as there are the loss is 0.
        tau: temperature; 0 would be the hinge loss.
        reduction: "mean", "sum" or "none".

    Raises:
        TypeError, ValueError: an argument of the wrong kind or out of range.

    Source: Berrada, Zisserman and Kumar 2018, "Smooth Loss Functions for Deep Top-k Classification", equation 8.

    >>> SmoothTopKLoss(k=1)(torch.tensor([[1.0, 0.0]]), torch.tensor([0]))
    tensor(0.6931)
    """

    def __init__(self, k: int = 5, tau: float = 1.0, *, reduction: str = "mean") -> None:
        super().__init__()
        if not isinstance(k, int) or k < 1:
            _check.fail("k", "an int of at least 1", k)
        self.k = k
        self.tau = _check.number("tau", tau, 0.0, open_low=True)
        self.reduction = _check.choice("reduction", reduction, REDUCTIONS)

    def forward(self, scores: Tensor, labels: Tensor) -> Tensor:
        """The loss of scores `[*, n]` and int64 labels `[*]`, as for `TopKLoss`."""
        rows, at = _entered(scores, labels)
        if self.k > rows.shape[1]:
            _check.fail("k", f"at most {rows.shape[1]}, the number of classes", self.k)
        x = rows / (self.k * self.tau)
        own = x.gather(1, at.unsqueeze(1)).squeeze(1)
        others = x.masked_fill(nn.functional.one_hot(at, x.shape[1]).bool(), NOTHING)
        e = log_symmetric_polynomials(others, self.k)
        argument = 1 / self.tau + e[:, self.k] - e[:, self.k - 1] - own
        each = self.tau * nn.functional.softplus(torch.where(e[:, self.k] <= NOTHING / 2, NOTHING, argument))
        if self.reduction == "none":
            return each.reshape(labels.shape).to(scores.dtype)
        return (each.mean() if self.reduction == "mean" else each.sum()).to(scores.dtype)
