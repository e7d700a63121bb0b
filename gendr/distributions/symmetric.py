"""Distributions that are their own mirror image, on the whole line; and what all symmetric ones share."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor

from gendr.distributions.base import Distribution
from gendr.distributions.special import LOG_ZERO, SQRT_HALF, gaussian_log_tail

__all__ = ["Cauchy", "Gaussian", "HyperbolicSecant", "Laplace", "Logistic", "Optimal", "Reciprocal", "Symmetric"]


class Symmetric(Distribution):
    """A distribution with `F(-x) = 1 - F(x)`, given by its upper tail as a function of `t = |x|`.

    A family member defines `_tail(t)`, the probability of exceeding `t`; `_density(t)`; `_isf`, the inverse of the
    tail; and `_log_tail(t)` where the tail can underflow. They are called with `0 <= t < reach` only.

    >>> from gendr.distributions import Cauchy
    >>> isinstance(Cauchy(), Symmetric)
    True
    """

    reach: ClassVar[float] = math.inf
    """The end of the support."""

    def _tail(self, t: Tensor) -> Tensor:
        raise NotImplementedError

    def _log_tail(self, t: Tensor) -> Tensor:
        return torch.log(self._tail(t))

    def _density(self, t: Tensor) -> Tensor:
        raise NotImplementedError

    def _cdf(self, x: Tensor) -> Tensor:
        t, inside = self._fold(x)
        tail = torch.where(inside, self._tail(t), 0.0)
        return torch.where(x < 0, tail, 1 - tail)

    def _log_cdf(self, x: Tensor) -> Tensor:
        t, inside = self._fold(x)
        right = torch.log1p(-torch.where(inside, self._tail(t), 0.0))
        return torch.where(x < 0, torch.where(inside, self._log_tail(t), LOG_ZERO), right)

    def _pdf(self, x: Tensor) -> Tensor:
        t, inside = self._fold(x)
        return torch.where(inside, self._density(t), 0.0)

    def _sf(self, x: Tensor) -> Tensor:
        return self._cdf(-x)

    def _log_sf(self, x: Tensor) -> Tensor:
        return self._log_cdf(-x)

    def _quantile(self, u: Tensor) -> Tensor:
        return -self._isf(u)

    def _fold(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """`|x|`, or 0 outside the support; and whether it is inside (NaN is, to be seen again)."""
        inside = ~(x.abs() >= self.reach)
        return torch.where(inside, torch.where(x < 0, -x, x), 0.0), inside


class Gaussian(Symmetric):
    """The normal distribution, of variance 1: `F(x) = erfc(-x / sqrt 2) / 2`. Source: Petersen 2022, A.5; Rhodin 2015.

    >>> Gaussian().cdf(torch.tensor(-1.0))
    tensor(0.1587)
    """

    name = "gaussian"
    formula = "erfc(-x / sqrt(2)) / 2"
    source = "Petersen 2022, A.5; Rhodin et al. 2015"

    # The clamps are at 8e-198 and 4e-350: nothing is lost, and no power of t can overflow beside an exp that is 0.

    def _tail(self, t: Tensor) -> Tensor:
        return torch.erfc(t.clamp(max=40.0) * SQRT_HALF) / 2

    def _log_tail(self, t: Tensor) -> Tensor:
        return gaussian_log_tail(t)

    def _density(self, t: Tensor) -> Tensor:
        t = t.clamp(max=40.0)
        return torch.exp(-t * t / 2) / math.sqrt(2 * math.pi)

    def _isf(self, q: Tensor) -> Tensor:
        t: Tensor = -torch.special.ndtri(q)
        return t


class Laplace(Symmetric):
    """Two exponentials back to back: `F(x) = e^x / 2` for `x <= 0`. Source: Petersen 2022, A.6.

    >>> Laplace().cdf(torch.tensor(-1.0))
    tensor(0.1839)
    """

    name = "laplace"
    formula = "exp(x) / 2 for x <= 0, 1 - exp(-x) / 2 for x >= 0"
    source = "Petersen 2022, A.6"

    def _tail(self, t: Tensor) -> Tensor:
        return torch.exp(-t) / 2

    def _log_tail(self, t: Tensor) -> Tensor:
        return -t - math.log(2)

    def _density(self, t: Tensor) -> Tensor:
        return torch.exp(-t) / 2

    def _isf(self, q: Tensor) -> Tensor:
        return -torch.log(2 * q)


class Logistic(Symmetric):
    """`F(x) = 1 / (1 + e^-x)`. Source: Petersen 2022, A.7; squared it is SoftRas's (Liu et al. 2019).

    >>> Logistic().cdf(torch.tensor(-1.0))
    tensor(0.2689)
    """

    name = "logistic"
    formula = "1 / (1 + exp(-x))"
    source = "Petersen 2022, A.7; Liu et al. 2019"

    def _tail(self, t: Tensor) -> Tensor:
        e = torch.exp(-t)
        return e / (1 + e)

    def _log_tail(self, t: Tensor) -> Tensor:
        return -t - torch.log1p(torch.exp(-t))

    def _density(self, t: Tensor) -> Tensor:
        e = torch.exp(-t)
        return e / ((1 + e) * (1 + e))

    def _isf(self, q: Tensor) -> Tensor:
        return torch.log1p((1 - 2 * q) / q)


class HyperbolicSecant(Symmetric):
    """The Gudermannian as a CDF, of variance 1: `F(x) = (2/pi) atan(e^(pi x / 2))`. Source: Petersen 2022, A.8.

    The authors' published kernel uses `(2/pi) atan(e^x)`: this distribution at `pi/2` times the scale.

    >>> HyperbolicSecant().cdf(torch.tensor(-1.0))
    tensor(0.1305)
    """

    name = "hyperbolic_secant"
    formula = "2/pi atan(exp(pi x / 2))"
    source = "Petersen 2022, A.8"

    def _tail(self, t: Tensor) -> Tensor:
        return torch.atan(torch.exp(-math.pi / 2 * t)) * (2 / math.pi)

    def _log_tail(self, t: Tensor) -> Tensor:
        e = torch.exp(-math.pi / 2 * t)
        small = e < 1e-2
        s = torch.where(small, e * e, 0.0)
        series = torch.log1p(-s * (1 / 3 - s * (1 / 5 - s * (1 / 7 - s / 9)))) - math.pi / 2 * t
        return torch.where(small, series, torch.log(torch.atan(torch.where(small, 1.0, e)))) + math.log(2 / math.pi)

    def _density(self, t: Tensor) -> Tensor:
        e = torch.exp(-math.pi / 2 * t)
        return e / (1 + e * e)

    def _isf(self, q: Tensor) -> Tensor:
        middle = torch.atanh(torch.tan(math.pi / 4 * (1 - 2 * q.clamp(min=0.25)))) * 2
        return torch.where(q > 0.25, middle, -torch.log(torch.tan(math.pi / 2 * q))) * (2 / math.pi)


class Cauchy(Symmetric):
    """`F(x) = 1/2 + atan(x) / pi`, whose tails fall like `1 / (pi |x|)`. Source: Petersen 2022, A.9.

    >>> Cauchy().cdf(torch.tensor(-1.0))
    tensor(0.2500)
    """

    name = "cauchy"
    formula = "1/2 + atan(x) / pi"
    source = "Petersen 2022, A.9"

    def _tail(self, t: Tensor) -> Tensor:
        near = 0.5 - torch.atan(t.clamp(max=1.0)) / math.pi
        return torch.where(t < 1, near, torch.atan(1 / t.clamp(min=1.0)) / math.pi)

    def _density(self, t: Tensor) -> Tensor:
        return 1 / (math.pi * (1 + t * t))

    def _isf(self, q: Tensor) -> Tensor:
        small = 1 / torch.tan(math.pi * q.clamp(max=0.25))
        return torch.where(q < 0.25, small, torch.tan(math.pi * (0.5 - q)))


class Reciprocal(Symmetric):
    """`F(x) = 1/2 + x / (2 + 2 |x|)`, the algebraic sigmoid. Source: Petersen 2022, A.10 and section 3.3.

    >>> Reciprocal().cdf(torch.tensor(-1.0))
    tensor(0.2500)
    """

    name = "reciprocal"
    formula = "1/2 + x / (2 + 2 abs(x))"
    source = "Petersen 2022, A.10"

    def _tail(self, t: Tensor) -> Tensor:
        return 0.5 / (1 + t)

    def _density(self, t: Tensor) -> Tensor:
        return 0.5 / ((1 + t) * (1 + t))

    def _isf(self, q: Tensor) -> Tensor:
        return (1 - 2 * q) / (2 * q)


class Optimal(Symmetric):
    """The sigmoid whose relaxed minimum is monotonic with the least error: `F(x) = 1/2 + x` for `|x| <= 1/4`.

    Beyond, the tail is `1 / (16 |x|)`: `x F(-x)`, the error of a relaxed minimum, stays at 1/16. Source: Petersen 2022,
    equation 3.24 and theorem 3.7.

    >>> Optimal().cdf(torch.tensor([-1.0, -0.25, 0.0]))
    tensor([0.0625, 0.2500, 0.5000])
    """

    name = "optimal"
    formula = "1/2 + x for abs(x) <= 1/4, -1 / (16 x) below, 1 - 1 / (16 x) above"
    source = "Petersen 2022, 3.24"

    def _tail(self, t: Tensor) -> Tensor:
        return torch.where(t < 0.25, 0.5 - t, 0.0625 / t.clamp(min=0.25))

    def _density(self, t: Tensor) -> Tensor:
        t = t.clamp(min=0.25)
        return 0.0625 / (t * t)

    def _isf(self, q: Tensor) -> Tensor:
        return torch.where(q < 0.25, 0.0625 / q.clamp(max=0.25), 0.5 - q)
