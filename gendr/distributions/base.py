"""The distribution whose CDF turns a distance into an occlusion probability: its interface, and what families share."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor
from typing_extensions import Self

from gendr import _check
from gendr.distributions._values import concrete, double, number, positive, signed_root, signed_square
from gendr.distributions.special import LOG_ZERO, log_probability

FAR = 1e75
"""Arguments beyond it count as infinite: every CDF is within 1e-37 of its limit there, and squares do not overflow."""

EDGE = {torch.float32: 1e-7, torch.float64: 1e-14}
"""How near to the end of the support a slope that grows without bound there is still followed, by the dtype of `d`."""

DISTRIBUTIONS: dict[str, type[Distribution]] = {}
"""Every distribution by its name, in the order of definition."""


class Range(NamedTuple):
    """The values that a parameter may take: `(low, high]`.

    >>> str(Range(0.0, 100.0))
    '(0, 100]'
    """

    low: float
    high: float

    def __str__(self) -> str:
        return _check.interval(self.low, self.high, open_low=True)


@dataclass(frozen=True, eq=False, repr=False)
class Distribution:
    """A probability distribution on the line, seen at a scale `tau`, possibly shifted, reversed or squared.

    With `y = d / tau` (`abs(d) d / tau` when squared) and `u = y + shift` (`-y + shift` when reversed), the CDF is
    `F(u)`, or `1 - F(u)` when reversed, where `F` is the base's CDF. Values are computed in float64 and returned in the
    dtype of `d`. They and all derivatives (in `d`, `tau`, and `shift` when it is a tensor) are finite for any finite
    `d` as long as the numbers themselves fit the dtype: a `pdf`, or another slope, that grows without bound towards an
    end of the support is taken at the distance `EDGE[dtype]` from it (1e-7 in float32, 1e-14 in float64); outside the
    support it is 0.

    Distributions are values: immutable, equal and hashed by their spec `str(distribution)`.

    Args:
        shift: Added to the argument, in units of the scale: a number, or a 0-d tensor through which gradients flow.
        is_reversed: Whether the distribution is the mirror image, `1 - F(-x)`.
        is_squared: Whether the argument is `abs(d) d / tau`: the "square-root" distribution.

    Raises:
        ValueError: A parameter is out of its range.
        TypeError: A parameter is not a number.

    Source: Petersen 2022, section 5.3 and equation 5.5; Petersen et al. 2022, "GenDR".

    >>> from gendr.distributions import Exponential
    >>> Exponential().reversed().cdf(torch.tensor([-1.0, 0.0, 1.0]))
    tensor([0.3679, 1.0000, 1.0000])
    """

    name: ClassVar[str]
    """The spec's name."""
    formula: ClassVar[str]
    """The base's CDF, in words a reader can type."""
    source: ClassVar[str]
    """Where it is defined."""
    parameters: ClassVar[dict[str, Range]] = {}
    """The range of each parameter other than the shift."""
    base_support: ClassVar[tuple[float, float]] = (-math.inf, math.inf)
    """The support of the base."""

    p: float | None = field(default=None, init=False)
    shift: float | Tensor = field(default=0.0, kw_only=True)
    is_reversed: bool = field(default=False, kw_only=True)
    is_squared: bool = field(default=False, kw_only=True)

    def __init_subclass__(cls) -> None:
        if "name" in cls.__dict__:
            DISTRIBUTIONS[cls.name] = cls

    def __post_init__(self) -> None:
        for name, (low, high) in self.parameters.items():
            value = _check.number(name, getattr(self, name), low, high, open_low=True)
            object.__setattr__(self, name, value)
        if isinstance(self.shift, Tensor):
            _check.tensor("shift", self.shift, ())
        else:
            object.__setattr__(self, "shift", _check.number("shift", self.shift))

    # The combinators.

    def reversed(self) -> Self:
        """The mirror image, `1 - F(-x)`: an overhang outside the triangle becomes one inside, and back.

        >>> from gendr.distributions import GumbelMax
        >>> str(GumbelMax().reversed()), str(GumbelMax().reversed().reversed())
        ('gumbel_max(reversed)', 'gumbel_max')
        """
        return replace(self, is_reversed=not self.is_reversed)

    def shifted(self, shift: float | Tensor) -> Self:
        """`F(x + shift)`: `shift > 0` moves the mass to the left, out of the triangle.

        Args:
            shift: In units of the scale; a number, or a 0-d float tensor, which stays differentiable.

        Raises:
            ValueError, TypeError: `shift` is not a finite number or a 0-d float tensor.

        >>> from gendr.distributions import Logistic
        >>> str(Logistic().shifted(0.5).shifted(0.25))
        'logistic(shift=0.75)'
        """
        if not isinstance(shift, Tensor):
            shift = _check.number("shift", shift)
        return replace(self, shift=self.shift - shift if self.is_reversed else self.shift + shift)

    def squared(self) -> Self:
        """`F(abs(d) d / tau)`, the "square-root" distribution; its derivative in `d` is `2 abs(d) / tau f`.

        Raises:
            ValueError: It is squared already.

        >>> from gendr.distributions import Logistic
        >>> Logistic().squared().cdf(torch.tensor(-2.0)) == Logistic().cdf(torch.tensor(-4.0))
        tensor(True)
        """
        if self.is_squared:
            _check.fail("squared", "a distribution that is not squared yet", str(self))
        return replace(self, is_squared=True)

    # The forms.

    def cdf(self, d: Tensor, tau: float | Tensor = 1.0) -> Tensor:
        """The probability `F(d / tau)` that a random offset does not exceed `d`.

        Args:
            d: Signed distances of any shape, float32 or float64.
            tau: The scale, positive; a number, or a tensor that broadcasts with `d`.

        Returns:
            Probabilities of the broadcast shape, in the dtype of `d`; exactly 0 and 1 outside the support.

        Raises:
            ValueError, TypeError: `d` is not a float tensor, or `tau` not positive.

        >>> from gendr.distributions import Logistic
        >>> f"{Logistic().cdf(torch.tensor(-0.69), tau=1e-2).item():.4g}"
        '1.081e-30'
        """
        return self._form("sf" if self.is_reversed else "cdf", d, tau)

    def sf(self, d: Tensor, tau: float | Tensor = 1.0) -> Tensor:
        """The survival function `1 - F(d / tau)`, without the cancellation. Arguments as for `cdf`.

        >>> from gendr.distributions import Logistic
        >>> f"{Logistic().sf(torch.tensor(69.0)).item():.4g}"
        '1.081e-30'
        """
        return self._form("cdf" if self.is_reversed else "sf", d, tau)

    def log_cdf(self, d: Tensor, tau: float | Tensor = 1.0) -> Tensor:
        """`log F(d / tau)`, right also where `F` underflows; at least -1e30, which stands for log 0.

        Arguments as for `cdf`. Derivatives vanish where that bound holds.

        >>> from gendr.distributions import Gaussian
        >>> Gaussian().log_cdf(torch.tensor(-1e6)).item()
        -499999997952.0
        """
        return self._form("log_sf" if self.is_reversed else "log_cdf", d, tau)

    def log_sf(self, d: Tensor, tau: float | Tensor = 1.0) -> Tensor:
        """`log(1 - F(d / tau))`, right also where it underflows; at least -1e30. Arguments as for `cdf`.

        >>> from gendr.distributions import Logistic
        >>> Logistic().log_sf(torch.tensor(1e3)).item()
        -1000.0
        """
        return self._form("log_cdf" if self.is_reversed else "log_sf", d, tau)

    def pdf(self, d: Tensor, tau: float | Tensor = 1.0) -> Tensor:
        """The derivative of `cdf` in `d`, which includes `1 / tau`, and `2 abs(d)` when squared.

        Arguments as for `cdf`.

        >>> from gendr.distributions import Logistic
        >>> Logistic().pdf(torch.tensor(0.0), tau=0.5)
        tensor(0.5000)
        """
        x, slope, dtype = self._argument(d, tau)
        return (self._base("pdf", x, EDGE[dtype]) * slope).to(dtype)

    def quantile(self, u: Tensor, tau: float | Tensor = 1.0) -> Tensor:
        """The distance `d` at which `cdf(d, tau) = u`, the smallest where there are several.

        Gradients in `u` are right up to the third order, and zero where the density is below 1e-100; in `tau` and the
        shift they are right to any order.

        Args:
            u: Probabilities in [0, 1] of any shape, float32 or float64.
            tau: The scale, positive; a number, or a tensor that broadcasts with `u`.

        Returns:
            Distances of the broadcast shape, in the dtype of `u`. At 0 and 1 the ends of the support, infinite or not.

        Raises:
            ValueError: `u` is outside [0, 1], or `tau` not positive.

        >>> from gendr.distributions import Logistic
        >>> Logistic().quantile(torch.tensor([0.0, 1e-6, 0.5]), tau=0.1)
        tensor([   -inf, -1.3816,  0.0000])
        """
        return self._inverse("u", u, tau, upper=self.is_reversed)

    def isf(self, q: Tensor, tau: float | Tensor = 1.0) -> Tensor:
        """The distance `d` at which `sf(d, tau) = q`; arguments as for `quantile`.

        >>> from gendr.distributions import Exponential
        >>> f"{Exponential().isf(torch.tensor(1e-30)).item():.5f}"
        '69.07755'
        """
        return self._inverse("q", q, tau, upper=not self.is_reversed)

    @property
    def support(self) -> tuple[float, float]:
        """The ends of the interval outside which `cdf`, at `tau = 1`, is exactly 0 or 1.

        >>> from gendr.distributions import Uniform
        >>> Uniform().shifted(0.5).support
        (-1.5, 0.5)
        """
        low, high = (end - number(self.shift) for end in self.base_support)
        if self.is_reversed:
            low, high = -high, -low
        if self.is_squared:
            low, high = (math.copysign(math.sqrt(abs(end)), end) for end in (low, high))
        return low, high

    # The spec.

    def __str__(self) -> str:
        """The spec: `gamma(p=0.5, shift=0.3, reversed, squared)`."""
        items = [f"{name}={_shortest(getattr(self, name))}" for name in self.parameters]
        if number(self.shift) != 0:
            items.append(f"shift={_shortest(number(self.shift))}")
        items += ["reversed"] * self.is_reversed + ["squared"] * self.is_squared
        return f"{self.name}({', '.join(items)})" if items else self.name

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Distribution) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    # What a family defines, on float64 tensors of the base's argument.

    def _cdf(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def _sf(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def _pdf(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def _log_cdf(self, x: Tensor) -> Tensor:
        return log_probability(self._cdf(x), self._sf(x))

    def _log_sf(self, x: Tensor) -> Tensor:
        return log_probability(self._sf(x), self._cdf(x))

    def _quantile(self, u: Tensor) -> Tensor:
        """The inverse of `_cdf` for `0 < u <= 1/2`, values only."""
        raise NotImplementedError

    def _isf(self, q: Tensor) -> Tensor:
        """The inverse of `_sf` for `0 < q <= 1/2`, values only."""
        raise NotImplementedError

    def _base(self, form: str, x: Tensor, edge: float) -> Tensor:
        """The base's `form` at `x`. Families with unbounded slopes look no nearer than `edge` for their derivatives."""
        value: Tensor = getattr(self, f"_{form}")(x)
        return value

    # From distances to arguments, and back.

    def _form(self, form: str, d: Tensor, tau: float | Tensor) -> Tensor:
        x, _, dtype = self._argument(d, tau)
        value = self._base(form, x, EDGE[dtype])
        return (value.clamp(min=LOG_ZERO) if form.startswith("log") else value).to(dtype)

    def _argument(self, d: Tensor, tau: float | Tensor) -> tuple[Tensor, Tensor, torch.dtype]:
        """The base's argument in float64, the size of its derivative in `d`, and the dtype to return.

        Where the argument, or a step towards it, is beyond `FAR`, it is `FAR` and free of gradients.
        """
        dtype = _check.tensor("d", d, ("*",)).dtype
        d, tau, shift = d.double(), positive("tau", tau), double(self.shift)

        def scaled(d: Tensor) -> Tensor:
            return (signed_square(d) if self.is_squared else d) / tau

        def argument(y: Tensor) -> Tensor:
            return (-y if self.is_reversed else y) + shift

        y = scaled(d)
        x = argument(y)
        far = (y.abs() > FAR) | (x.abs() > FAR)
        d = torch.where(far, 0.0, d)  # keeps the overflow out of the derivatives, in which it would meet a zero
        slope = (2 * torch.where(d < 0, -d, d) if self.is_squared else torch.ones_like(d)) / tau
        return torch.where(far, x.detach().clamp(-FAR, FAR), argument(scaled(d))), slope, dtype

    def _inverse(self, name: str, u: Tensor, tau: float | Tensor, *, upper: bool) -> Tensor:
        dtype = _check.tensor(name, u, ("*",)).dtype
        if concrete(((u < 0) | (u > 1)).any()):
            _check.fail(name, "probabilities in [0, 1]", f"{u.min().item():g} to {u.max().item():g}")
        x = self._base_inverse(u.double(), upper=upper)
        shift = double(self.shift)
        y = (shift - x if self.is_reversed else x - shift) * positive("tau", tau)
        return (signed_root(y) if self.is_squared else y).to(dtype)

    def _base_inverse(self, u: Tensor, *, upper: bool) -> Tensor:
        """The base's quantile, or its `isf` when `upper`."""
        at = u.detach()
        near, far = (self._isf, self._quantile) if upper else (self._quantile, self._isf)
        low, high = reversed(self.base_support) if upper else self.base_support
        half = torch.clamp(torch.where(at > 0.5, 1 - at, at), min=torch.finfo(at.dtype).tiny, max=0.5)
        x = torch.where(at > 0.5, far(half), near(half)).detach()
        x = torch.where(at <= 0, low, torch.where(at >= 1, high, x))
        # Two Newton steps from the solution: they do not move it, and give it its first three derivatives in u.
        still = x.isinf() | (self._pdf(torch.where(x.isinf(), 0.0, x)) < 1e-100)
        root = torch.where(still, 0.5, x)  # anywhere finite
        step = torch.where(still, 0.0, (at - u) if upper else (u - at))
        moved = root + step / torch.where(still, 1.0, self._pdf(root))
        change = self._cdf(moved) - self._cdf(root) - step
        moved = moved - change / torch.where(still, 1.0, self._pdf(moved))
        return torch.where(still, x, moved)


def _shortest(value: float) -> str:
    """The shortest text that reads back as `value`: `2`, `0.5`, `1e-07`."""
    return repr(value).removesuffix(".0")
