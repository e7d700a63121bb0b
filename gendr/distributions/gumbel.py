"""The extreme value distributions: two-sided, steep on one side and exponential on the other."""

from __future__ import annotations

import torch
from torch import Tensor

from gendr.distributions.base import Distribution
from gendr.distributions.special import one_minus_exp

__all__ = ["GumbelMax", "GumbelMin"]


class GumbelMax(Distribution):
    """The limit law of maxima: `F(x) = exp(-e^-x)`. Source: Petersen 2022, A.11; Gumbel 1954.

    >>> GumbelMax().cdf(torch.tensor(-1.0))
    tensor(0.0660)
    """

    name = "gumbel_max"
    formula = "exp(-exp(-x))"
    source = "Petersen 2022, A.11; Gumbel 1954"

    # At x = -7 the CDF is 1e-476, and at x = -70 its logarithm is -3e30: clamped there, no power of e^-x overflows.

    def _cdf(self, x: Tensor) -> Tensor:
        return torch.exp(-torch.exp(-x.clamp(min=-7.0)))

    def _sf(self, x: Tensor) -> Tensor:
        return one_minus_exp(torch.exp(-x.clamp(min=-7.0)))

    def _pdf(self, x: Tensor) -> Tensor:
        x = x.clamp(min=-7.0)
        return torch.exp(-x - torch.exp(-x))

    def _log_cdf(self, x: Tensor) -> Tensor:
        return -torch.exp(-x.clamp(min=-70.0))

    def _log_sf(self, x: Tensor) -> Tensor:
        right = x > 2.5
        w = torch.exp(-torch.where(right, x, 2.5)) / 2
        s = w * w
        # log((1 - e^-2w) / 2w) = log(sinh(w) / w) - w
        series = s * (1 / 6 - s * (1 / 180 - s * (1 / 2835 - s * (1 / 37800)))) - w - x
        return torch.where(right, series, torch.log1p(-self._cdf(torch.where(right, 2.5, x))))

    def _quantile(self, u: Tensor) -> Tensor:
        return -torch.log(-torch.log(u))

    def _isf(self, q: Tensor) -> Tensor:
        return -torch.log(-torch.log1p(-q))


class GumbelMin(Distribution):
    """The limit law of minima: `F(x) = 1 - exp(-e^x)`, the mirror image of `GumbelMax`. Source: Petersen 2022, A.12.

    A.12 prints `exp(-e^x)`, which decreases: the survival function.

    >>> GumbelMin().cdf(torch.tensor(-1.0))
    tensor(0.3078)
    """

    name = "gumbel_min"
    formula = "1 - exp(-exp(x))"
    source = "Petersen 2022, A.12; Gumbel 1954"

    def _cdf(self, x: Tensor) -> Tensor:
        return _MAX._sf(-x)

    def _sf(self, x: Tensor) -> Tensor:
        return _MAX._cdf(-x)

    def _pdf(self, x: Tensor) -> Tensor:
        return _MAX._pdf(-x)

    def _log_cdf(self, x: Tensor) -> Tensor:
        return _MAX._log_sf(-x)

    def _log_sf(self, x: Tensor) -> Tensor:
        return _MAX._log_cdf(-x)

    def _quantile(self, u: Tensor) -> Tensor:
        return -_MAX._isf(u)

    def _isf(self, q: Tensor) -> Tensor:
        return -_MAX._quantile(q)


_MAX = GumbelMax()
