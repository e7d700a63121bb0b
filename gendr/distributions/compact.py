"""Distributions of compact support: exactly 0 on one side of the surface, exactly 1 on the other."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gendr.distributions.base import Distribution
from gendr.distributions.symmetric import Symmetric

__all__ = ["CubicHermite", "Heaviside", "Uniform", "WignerSemicircle"]


class Heaviside(Distribution):
    """No softness at all: `F(x) = 1` for `x >= 0`, else 0. Gradients are exactly zero. Source: Petersen 2022, A.1.

    >>> Heaviside().cdf(torch.tensor([-1e-6, 0.0, 1e-6]))
    tensor([0., 1., 1.])
    """

    name = "heaviside"
    formula = "1 for x >= 0, else 0"
    source = "Petersen 2022, A.1"
    base_support = (0.0, 0.0)

    # The zero multiples keep the result in the graph (with zero gradients), and a NaN visible.

    def _cdf(self, x: Tensor) -> Tensor:
        return (x >= 0) + 0 * x

    def _sf(self, x: Tensor) -> Tensor:
        return (x < 0) + 0 * x

    def _pdf(self, x: Tensor) -> Tensor:
        return 0 * x

    def _quantile(self, u: Tensor) -> Tensor:
        return 0 * u

    def _isf(self, q: Tensor) -> Tensor:
        return 0 * q


class Uniform(Symmetric):
    """The linear ramp: `F(x) = (1 + x) / 2` on [-1, 1]. Source: Petersen 2022, A.2; NMR's gradient (Kato et al. 2018).

    The PDF is 1/2 between the ends, and 0 at the ends and outside.

    >>> Uniform().cdf(torch.tensor([-2.0, -0.5, 2.0]))
    tensor([0.0000, 0.2500, 1.0000])
    """

    name = "uniform"
    formula = "(1 + x) / 2"
    source = "Petersen 2022, A.2; Kato et al. 2018"
    base_support = (-1.0, 1.0)
    reach = 1.0

    def _tail(self, t: Tensor) -> Tensor:
        return (1 - t) / 2

    def _density(self, t: Tensor) -> Tensor:
        return 0.5 + 0 * t

    def _isf(self, q: Tensor) -> Tensor:
        return 1 - 2 * q


class CubicHermite(Symmetric):
    """The smooth step: `F(x) = 3 y^2 - 2 y^3`, `y = (1 + x) / 2`, on [-1, 1]. Source: Petersen 2022, A.3.

    >>> CubicHermite().cdf(torch.tensor([-2.0, -0.5, 2.0]))
    tensor([0.0000, 0.1562, 1.0000])
    """

    name = "cubic_hermite"
    formula = "3 y^2 - 2 y^3 with y = (1 + x) / 2"
    source = "Petersen 2022, A.3"
    base_support = (-1.0, 1.0)
    reach = 1.0

    def _tail(self, t: Tensor) -> Tensor:
        y = (1 - t) / 2
        return y * y * (3 - 2 * y)

    def _density(self, t: Tensor) -> Tensor:
        return 0.75 * (1 - t) * (1 + t)

    def _isf(self, q: Tensor) -> Tensor:
        # Both are the cubic's root by trisection; towards the end, where 1 - 2 q rounds, from the end.
        third = torch.asin(torch.sqrt(q)) / 3
        gap = 2 * torch.sin(third) ** 2 + math.sqrt(3) * torch.sin(2 * third)
        return torch.where(q < 0.1, 1 - gap, 2 * torch.sin(torch.asin(1 - 2 * q) / 3))


class WignerSemicircle(Symmetric):
    """`F(x) = 1/2 + (x sqrt(1 - x^2) + asin x) / pi` on [-1, 1]. Source: Petersen 2022, A.4.

    >>> WignerSemicircle().cdf(torch.tensor([-2.0, -0.5, 2.0]))
    tensor([0.0000, 0.1955, 1.0000])
    """

    name = "wigner_semicircle"
    formula = "1/2 + (x sqrt(1 - x^2) + asin(x)) / pi"
    source = "Petersen 2022, A.4"
    base_support = (-1.0, 1.0)
    reach = 1.0

    def _tail(self, t: Tensor) -> Tensor:
        edge = t > 0.6
        center = 0.5 - _semicircle(torch.where(edge, 0.0, t))
        return torch.where(edge, _semicircle_edge(1 - torch.where(edge, t, 0.6)), center)

    def _density(self, t: Tensor) -> Tensor:
        return torch.sqrt((1 - t) * (1 + t)) * (2 / math.pi)

    def _isf(self, q: Tensor) -> Tensor:
        edge = q < 0.15
        near = torch.where(edge, q, 0.15)
        gap = (near * (0.75 * math.pi / math.sqrt(2)) / 2) ** (2 / 3)  # the first term of the series, inverted
        half = 0.5 - torch.where(edge, 0.5, q)
        t = half * (math.pi / 2)
        for _ in range(6):  # Newton; for the gap on logarithms, in which the tail is nearly straight
            tail = _semicircle_edge(gap)
            gap = gap * torch.exp(-torch.log(tail / near) * tail / (_semicircle_slope(gap) * gap))
            t = t - (_semicircle(t) - half) / self._density(t)
        return torch.where(edge, 1 - gap, t)


def _semicircle(t: Tensor) -> Tensor:
    """The probability of [0, t]."""
    return (t * torch.sqrt((1 - t) * (1 + t)) + torch.asin(t)) / math.pi


def _semicircle_slope(gap: Tensor) -> Tensor:
    """The density at the distance `gap` from the end."""
    return torch.sqrt(gap * (2 - gap)) * (2 / math.pi)


def _semicircle_edge(gap: Tensor) -> Tensor:
    """The probability of [1 - gap, 1], for `gap <= 0.4`, by integrating the series of `sqrt(gap (2 - gap))`."""
    z = gap / 2
    series = torch.zeros_like(z)
    for coefficient in reversed(_SEMICIRCLE):
        series = coefficient + z * series
    return gap * torch.sqrt(gap) * (2 * math.sqrt(2) / math.pi) * series


def _semicircle_series(terms: int) -> list[float]:
    """`(-1)^k binomial(1/2, k) / (k + 3/2)`."""
    coefficients, binomial = [], 1.0
    for k in range(terms):
        coefficients.append(binomial / (k + 1.5))
        binomial *= (k - 0.5) / (k + 1)
    return coefficients


_SEMICIRCLE = _semicircle_series(22)  # 0.2^22 k^-5/2 is below 1e-17
