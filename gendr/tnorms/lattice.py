"""The largest T-norm and the smallest T-conorm: minimum and maximum."""

from __future__ import annotations

import torch
from torch import Tensor

from gendr.tnorms.base import TNorm

__all__ = ["Maximum"]


class Maximum(TNorm):
    """`conorm(a, b) = max(a, b)`, `norm(a, b) = min(a, b)`; the only idempotent pair.

    The gradient goes to exactly one input: the largest, and among equals the first. Probabilities that round to the
    same `a` are told apart by their `q`.

    >>> a = torch.tensor([0.25, 0.5, 0.5], requires_grad=True)
    >>> Maximum().aggregate(a).backward()
    >>> a.grad
    tensor([0., 1., 0.])
    """

    name = "maximum"
    formula = "max(a, b)"
    source = "Petersen 2022, B.2; Zadeh 1965"

    def _join(self, a: Tensor, q: Tensor, dim: int) -> tuple[Tensor, Tensor]:
        peak, first = a.detach().max(dim, keepdim=True)
        among_equals = torch.where(a.detach() == peak, q.detach(), torch.inf).argmin(dim, keepdim=True)
        winner = torch.where(peak.isnan(), first, among_equals)
        return a.gather(dim, winner).squeeze(dim), q.gather(dim, winner).squeeze(dim)
