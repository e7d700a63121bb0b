"""Distributions on the positive half-line: all of their mass inside the triangle or, reversed, outside."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from gendr.distributions.base import Distribution, Range
from gendr.distributions.special import (
    LOG_ZERO,
    SQRT_HALF,
    gamma_density,
    gamma_inverse,
    gamma_log_lower,
    gamma_log_upper,
    gamma_lower,
    gamma_upper,
    gaussian_log_tail,
    integral,
    log_probability,
    one_minus_exp,
)

__all__ = ["Exponential", "Gamma", "Levy", "OneSided"]


class OneSided(Distribution):
    """A distribution with `F(x) = 0` for `x <= 0`.

    A family member defines `_lower`, `_upper` and `_density` for `x > 0`, the logs where the two can underflow, and the
    inverses. `log F` falls without bound at 0, and its derivatives are those at the distance `EDGE` from it.

    >>> from gendr.distributions import Levy
    >>> isinstance(Levy(), OneSided)
    True
    """

    base_support = (0.0, math.inf)

    def _lower(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def _upper(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def _density(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def _log_lower(self, x: Tensor) -> Tensor:
        return log_probability(self._lower(x), self._upper(x))

    def _log_upper(self, x: Tensor) -> Tensor:
        return log_probability(self._upper(x), self._lower(x))

    def _steep(self, form: str) -> bool:
        """Whether a form's slope (for the PDF, the value) grows without bound at 0."""
        return form == "log_cdf"

    def _cdf(self, x: Tensor) -> Tensor:
        return _inside(self._lower, x, 0.0)

    def _sf(self, x: Tensor) -> Tensor:
        return _inside(self._upper, x, 1.0)

    def _pdf(self, x: Tensor) -> Tensor:
        return _inside(self._density, x, 0.0)

    def _log_cdf(self, x: Tensor) -> Tensor:
        return _inside(self._log_lower, x, LOG_ZERO)

    def _log_sf(self, x: Tensor) -> Tensor:
        return _inside(self._log_upper, x, 0.0)

    def _base(self, form: str, x: Tensor, edge: float) -> Tensor:
        if not self._steep(form):
            return super()._base(form, x, edge)
        value = super()._base(form, no_nearer(x, edge), edge)
        if form == "pdf":
            return value
        return super()._base(form, x.detach(), edge).detach() + (value - value.detach())


class Exponential(OneSided):
    """`F(x) = 1 - e^-x` for `x > 0`. Source: Petersen 2022, A.13; reversed it is DIB-R's (Chen et al. 2019).

    >>> Exponential().cdf(torch.tensor([-1.0, 1.0]))
    tensor([0.0000, 0.6321])
    """

    name = "exponential"
    formula = "1 - exp(-x)"
    source = "Petersen 2022, A.13; Chen et al. 2019"

    def _lower(self, x: Tensor) -> Tensor:
        return one_minus_exp(x)

    def _upper(self, x: Tensor) -> Tensor:
        return torch.exp(-x)

    def _density(self, x: Tensor) -> Tensor:
        return torch.exp(-x)

    def _log_upper(self, x: Tensor) -> Tensor:
        return -x

    def _quantile(self, u: Tensor) -> Tensor:
        return -torch.log1p(-u)

    def _isf(self, q: Tensor) -> Tensor:
        return -torch.log(q)


@dataclass(frozen=True, eq=False, repr=False)
class Gamma(OneSided):
    """`F(x) = P(p, x)` for `x > 0`, the regularised lower incomplete gamma function. Source: Petersen 2022, A.15.

    For `p < 1` the PDF grows without bound towards 0: the PDF, and with it the gradients of the CDF and of the survival
    function, are those at `max(x, EDGE)` (1e-7 in float32, 1e-14 in float64); values of the CDF are not touched.
    Derivatives are right up to the sixth order.

    Args:
        p: The shape, in (0, 100].

    >>> Gamma(p=0.5).cdf(torch.tensor([-1.0, 1.0]))
    tensor([0.0000, 0.8427])
    """

    name = "gamma"
    formula = "P(p, x)"
    source = "Petersen 2022, A.15"
    parameters: ClassVar[dict[str, Range]] = {"p": Range(0.0, 100.0)}

    p: float

    def _steep(self, form: str) -> bool:
        return form == "log_cdf" or self.p < 1

    def _lower(self, x: Tensor) -> Tensor:
        return integral(x, lambda x: gamma_lower(self.p, x), self._density)

    def _upper(self, x: Tensor) -> Tensor:
        return integral(x, lambda x: gamma_upper(self.p, x), lambda x: -self._density(x))

    def _density(self, x: Tensor) -> Tensor:
        # Between p = 1 and 2 the PDF is bounded and its derivative is not.
        value = gamma_density(self.p, no_nearer(x, 1e-14))
        return gamma_density(self.p, x.detach()) + (value - value.detach())

    def _log_lower(self, x: Tensor) -> Tensor:
        # Where P is tiny the derivatives of log P, with their powers of 1 / P, would overflow.
        low = gamma_lower(self.p, x.detach()) < 1e-60
        far = torch.where(low, x, 1e-9)
        return torch.where(low, gamma_log_lower(self.p, far), super()._log_lower(torch.where(low, self.p, x)))

    def _log_upper(self, x: Tensor) -> Tensor:
        low = gamma_upper(self.p, x.detach()) < 1e-60
        far = torch.where(low, x, 500.0)
        return torch.where(low, gamma_log_upper(self.p, far), super()._log_upper(torch.where(low, self.p, x)))

    def _quantile(self, u: Tensor) -> Tensor:
        return gamma_inverse(self.p, u, upper=False)

    def _isf(self, q: Tensor) -> Tensor:
        return gamma_inverse(self.p, q, upper=True)


class Levy(OneSided):
    """`F(x) = erfc(sqrt(1 / (2 x)))` for `x > 0`; its tail falls like `sqrt(2 / (pi x))`. Source: Petersen 2022, A.14.

    >>> Levy().cdf(torch.tensor([-1.0, 1.0]))
    tensor([0.0000, 0.3173])
    """

    name = "levy"
    formula = "erfc(sqrt(1 / (2 x)))"
    source = "Petersen 2022, A.14"

    # At x = 6e-4 the CDF is 1e-364: clamped there, no power of 1/x overflows.

    def _lower(self, x: Tensor) -> Tensor:
        return torch.erfc(SQRT_HALF * x.clamp(min=6e-4).rsqrt())

    def _upper(self, x: Tensor) -> Tensor:
        return torch.erf(SQRT_HALF * x.clamp(min=6e-4).rsqrt())

    def _density(self, x: Tensor) -> Tensor:
        x = x.clamp(min=6e-4)
        return torch.exp(-0.5 / x) * x.pow(-1.5) / math.sqrt(2 * math.pi)

    def _log_lower(self, x: Tensor) -> Tensor:
        left = x < 1
        log_tail = math.log(2) + gaussian_log_tail(torch.where(left, x.clamp(min=1e-31), 1.0).rsqrt())
        return torch.where(left, log_tail, super()._log_lower(torch.where(left, 1.0, x)))

    def _quantile(self, u: Tensor) -> Tensor:
        x: Tensor = torch.special.ndtri(u / 2).pow(-2)
        return x

    def _isf(self, q: Tensor) -> Tensor:
        return torch.erfinv(q).pow(-2) / 2


def no_nearer(x: Tensor, edge: float) -> Tensor:
    """`x`, or `edge` where `0 < x < edge`, with the derivative 1 everywhere.

    >>> no_nearer(torch.tensor([-1.0, 0.1, 1.0]), 0.5)
    tensor([-1.0000,  0.5000,  1.0000])
    """
    return x + (torch.where((x > 0) & (x < edge), edge, x) - x).detach()


def _inside(form: Callable[[Tensor], Tensor], x: Tensor, outside: float) -> Tensor:
    inside = ~(x <= 0)
    return torch.where(inside, form(torch.where(inside, x, 1.0)), outside)
