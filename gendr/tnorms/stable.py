"""Elementary functions without cancellation, overflow or 0 * inf, in value and in every derivative.

Where a formula has two branches, the argument of the branch not taken is replaced by a harmless constant *before* it is
evaluated: `torch.where` on the result alone would multiply the other branch's infinite derivative by zero.
"""

from __future__ import annotations

import torch
from torch import Tensor


def smallest(a: Tensor) -> float:
    """The smallest normal number of `a`'s dtype; probabilities at or below it count as zero, so `1 / a` is finite."""
    return torch.finfo(a.dtype).tiny


def paired(a: Tensor, q: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return `(a, q)` with `dq/da = -1`, where `q` is taken as the more precise value of `1 - a`.

    A `q` from the caller lends its value only. Its own graph is cut, because it usually depends on the same distance as
    `a` does and would count the derivative twice.
    """
    return (a, 1 - a) if q is None else (a, q.detach() + (a.detach() - a))


def neg_log1m(z: Tensor, zbar: Tensor) -> Tensor:
    """`-ln(1 - z)` with `zbar = 1 - z > 0` given: relative accuracy for small `z` and for small `zbar`."""
    small = z < 0.5
    return torch.where(small, -torch.log1p(-torch.where(small, z, 0)), -torch.log(torch.where(small, 1, zbar)))


def expm1(x: Tensor) -> Tensor:
    """`e^x - 1` whose gradient keeps its digits for very negative `x` too (`torch.expm1` takes it to be value + 1)."""
    near = x > -1
    return torch.where(near, torch.expm1(torch.where(near, x, 0)), torch.exp(torch.where(near, 0, x)) - 1)


def expm1_quotient(x: Tensor) -> Tensor:
    """`(e^x - 1) / x`, smooth through its value 1 at 0."""
    near = x.abs() < 0.5
    s = torch.where(near, x, 0)
    series = torch.ones_like(x)
    for k in range(16, 1, -1):  # 0.5^16 / 17! < 1e-19
        series = 1 + s / k * series
    far = torch.where(near, 1, x)
    return torch.where(near, series, expm1(far) / far)


def log1p_quotient(y: Tensor) -> Tensor:
    """`ln(1 + y) / y` for `y > -1`, smooth through its value 1 at 0."""
    near = y.abs() < 0.125
    s = torch.where(near, y, 0)
    series = torch.zeros_like(y)
    for k in range(20, 0, -1):  # 0.125^20 / 21 < 1e-19
        series = 1 / k - s * series
    far = torch.where(near, 1, y)
    return torch.where(near, series, torch.log1p(far) / far)


def shares(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """`x / (x + y)` and `y / (x + y)` for `x, y >= 0`, not both 0.

    Through the ratio of the smaller to the larger one: when `x` grows as `y` shrinks, no two terms of a derivative
    cancel, however different the two slopes are.
    """
    below = x < y
    ratio = torch.where(below, x, y) / torch.where(below, y, x)
    little, large = ratio / (1 + ratio), 1 / (1 + ratio)
    return torch.where(below, little, large), torch.where(below, large, little)


def logistic_pair(x: Tensor) -> tuple[Tensor, Tensor]:
    """`1 / (1 + e^-x)` and its complement, each with relative accuracy (`torch.sigmoid`'s gradient has not)."""
    negative = x < 0
    e = torch.exp(torch.where(negative, x, -x))
    large, little = 1 / (1 + e), e / (1 + e)
    return torch.where(negative, little, large), torch.where(negative, large, little)
