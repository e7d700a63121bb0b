"""The relaxed comparator's sigmoid: any symmetric distribution, scaled so that its steepness is its slope at 0."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gendr import _check
from gendr.distributions import DISTRIBUTIONS, Distribution, Logistic
from gendr.distributions.symmetric import Symmetric

SIGMOIDS: tuple[str, ...] = tuple(name for name, cls in DISTRIBUTIONS.items() if issubclass(cls, Symmetric))
"""The distributions that make a sigmoid: those that are their own mirror image and have a slope at 0."""

LARGEST = {torch.float32: 1e30, torch.float64: 1e280}
"""Finite inputs beyond it count as if they were there."""

INFINITE = {torch.float32: 1e36, torch.float64: 1e300}
"""What stands for an infinite input while a network runs; differences above a thousandth of it are compared hard."""

ART_EPSILON = 1e-10
"""Of the activation replacement trick: added to `|x|^lambda`, and the least `|x|` in it."""


@dataclass(frozen=True)
class Sigmoid:
    """`f(x) = F(steepness x / F'(0))`, or with ART `f(phi(x))`, `phi(x) = x / (max(|x|, 1e-10)^art + 1e-10)`.

    `F` is the distribution's CDF; `steepness` is the slope of `f` at 0, and for all distributions whose density peaks
    there (all of these) its Lipschitz constant.

    Attributes:
        distribution: symmetric, neither shifted nor squared.
        steepness: in 1 / units of the input, within (0, 1e18].
        art: the exponent lambda of the activation replacement trick, in [0, 1), logistic only; None or 0 for none.

    Raises:
        TypeError, ValueError: an argument that is none of these.

    Source: Petersen 2022, definition 3.1, equations 3.13, 3.21 to 3.24; Petersen et al. 2021, 2022.

    >>> from gendr.distributions import Optimal
    >>> Sigmoid(Optimal(), 10.0).cdf(torch.tensor([-0.1, 0.0, 0.01]))
    tensor([0.0625, 0.5000, 0.6000])
    """

    distribution: Distribution
    steepness: float
    art: float | None = None

    def __post_init__(self) -> None:
        require_symmetric(self.distribution)
        object.__setattr__(self, "steepness", _check.number("steepness", self.steepness, 0.0, 1e18, open_low=True))
        if self.art is not None and (_check.number("art", self.art, 0.0) >= 1 or not is_logistic(self.distribution)):
            wanted = "None, or with Logistic() a number in [0, 1)"
            _check.fail("art", wanted, f"{self.art!r} with {self.distribution}")
        density_at_zero(self.distribution)  # looked up now, so that no compiler has to trace it

    @property
    def scale(self) -> float:
        """What multiplies a difference before it meets the distribution: `steepness / F'(0)`.

        >>> Sigmoid(Logistic(), 1.0).scale
        4.0
        """
        return self.steepness / density_at_zero(self.distribution)

    def cdf(self, x: Tensor) -> Tensor:
        """`f(x)`, elementwise, of any shape, float32 or float64.

        >>> Sigmoid(Logistic(), 0.25).cdf(torch.tensor(0.0))
        tensor(0.5000)
        """
        return self.distribution.cdf(self._replaced(x), 1 / self.scale)

    def sf(self, x: Tensor) -> Tensor:
        """`1 - f(x)` without the cancellation.

        >>> f"{Sigmoid(Logistic(), 0.25).sf(torch.tensor(60.0)).item():.3g}"
        '8.76e-27'
        """
        return self.distribution.sf(self._replaced(x), 1 / self.scale)

    def pair(self, difference: Tensor) -> tuple[Tensor, Tensor]:
        """`f` and `1 - f`; 1 and 0 (or 0 and 1) exactly, without a gradient, where an infinite value takes part.

        >>> Sigmoid(Logistic(), 1.0).pair(torch.tensor([0.0, -1e36]))
        (tensor([0.5000, 0.0000]), tensor([0.5000, 1.0000]))
        """
        hard = difference.abs() > INFINITE[difference.dtype] * 1e-3
        soft = torch.where(hard, 0.0, difference)
        sign = (difference > 0).to(difference.dtype)
        return torch.where(hard, sign, self.cdf(soft)), torch.where(hard, 1 - sign, self.sf(soft))

    def _replaced(self, x: Tensor) -> Tensor:
        if not self.art:
            return x
        return x / (x.abs().clamp(min=ART_EPSILON) ** self.art + ART_EPSILON)


def require_symmetric(distribution: Distribution) -> Distribution:
    """The distribution, if it makes a sigmoid.

    Raises:
        TypeError: not a distribution.
        ValueError: it is not symmetric, or its slope at 0 is 0 or infinite.

    >>> require_symmetric(Logistic())
    logistic
    """
    if not isinstance(distribution, Distribution):
        raise TypeError(f"distribution: expected a Distribution, got {_check.describe(distribution)}")
    plain = not isinstance(distribution.shift, Tensor) and distribution.shift == 0 and not distribution.is_squared
    if distribution.name not in SIGMOIDS or not plain:
        wanted = f"one of {', '.join(SIGMOIDS)}, neither shifted nor squared"
        _check.fail("distribution", wanted, str(distribution))
    return distribution


def is_logistic(distribution: Distribution) -> bool:
    """Whether the activation replacement trick, which was made for it, applies.

    >>> is_logistic(Logistic())
    True
    """
    return isinstance(distribution, Logistic)


_densities: dict[str, float] = {}


def density_at_zero(distribution: Distribution) -> float:
    """`F'(0)`: 1/4 for the logistic distribution, 1/pi for Cauchy's, 1 for the optimal one.

    >>> density_at_zero(Logistic())
    0.25
    """
    name = distribution.name
    if name not in _densities:
        _densities[name] = float(type(distribution)().pdf(torch.zeros((), dtype=torch.float64)))
    return _densities[name]
