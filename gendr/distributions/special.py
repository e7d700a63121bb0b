"""Special functions that torch lacks, or has too roughly for the tails: float64 in, float64 out, element by element.

Everything here is made of plain torch operations, so that derivatives of any order, forward mode and `vmap` need no
rule of their own; where a function gives values only, or derivatives up to some order, it says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

LOG_ZERO = -1e30
"""The logarithm that stands for log 0, and the least that a log form returns: finite, summable, and exp of it is 0."""

SQRT_HALF = math.sqrt(0.5)
LOG_SQRT_TWO_PI = 0.5 * math.log(2 * math.pi)


def integral(x: Tensor, value: Callable[[Tensor], Tensor], slope: Callable[[Tensor], Tensor]) -> Tensor:
    """`value(x)`, with the derivatives of `slope` in place of its own: right up to the sixth order, in any mode.

    The increment from `x` to itself is written as a three-point Gauss-Legendre sum of `slope`. It is zero, and its
    first six derivatives are those of the integral, because the rule is exact for polynomials of degree five.

    >>> x = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    >>> torch.autograd.grad(integral(x, torch.sin, torch.cos), x)[0].item() == math.cos(0.5)
    True
    """
    at = x.detach()
    step = x - at
    offset = math.sqrt(0.15)
    outer = slope(at + (0.5 - offset) * step) + slope(at + (0.5 + offset) * step)
    return value(at).detach() + step * (5 / 18 * outer + 8 / 18 * slope(at + 0.5 * step))


def log_probability(p: Tensor, q: Tensor) -> Tensor:
    """`log p` from `p` and its complement `q`, without loss near `p = 1`; `LOG_ZERO` where `p = 0`.

    >>> p = torch.tensor([0.0, 1.0], dtype=torch.float64)
    >>> log_probability(p, 1 - p).tolist() == [-1e30, 0.0]
    True
    """
    low = p < 0.5
    some = ~(p <= 0)
    small = torch.where(some, torch.log(torch.where(low & some, p, 1.0)), LOG_ZERO)
    return torch.where(low, small, torch.log1p(-torch.where(low, 0.0, q)))


def one_minus_exp(z: Tensor) -> Tensor:
    """`1 - e^-z` for `z >= 0`, precise for small `z` and with a derivative that is precise for large `z`.

    torch's derivative of `expm1` is its value plus one, which cancels.

    >>> z = torch.tensor(100.0, requires_grad=True)
    >>> f"{torch.autograd.grad(one_minus_exp(z), z)[0].item():.3g}"
    '3.78e-44'
    """
    small = z < 1
    return torch.where(small, -torch.expm1(-torch.where(small, z, 1.0)), 1 - torch.exp(-torch.where(small, 1.0, z)))


def gaussian_log_tail(t: Tensor) -> Tensor:
    """`log(erfc(t / sqrt 2) / 2)`, the log of the standard normal's upper tail, for `t >= 0`.

    Beyond `t = 50` by the asymptotic series, whose derivatives do not cancel as those of `erfcx` do.

    >>> f"{gaussian_log_tail(torch.tensor(1e10, dtype=torch.float64)).item():.8g}"
    '-5e+19'
    """
    far = t > 50
    near_t = torch.where(far, 1.0, t)
    near = torch.log(torch.special.erfcx(near_t * SQRT_HALF) / 2) - near_t * near_t / 2
    far_t = torch.where(far, t, 50.0)
    s = far_t.pow(-2)
    series = -s * (1 - 3 * s * (1 - 5 * s * (1 - 7 * s * (1 - 9 * s))))
    return torch.where(far, torch.log1p(series) - torch.log(far_t) - LOG_SQRT_TWO_PI - far_t * far_t / 2, near)


def gamma_density(p: float, x: Tensor) -> Tensor:
    """`x^(p-1) e^-x / Gamma(p)` for `x > 0`, its large factors paired so that they do not cancel.

    >>> f"{gamma_density(2.0, torch.tensor(1.0, dtype=torch.float64)).item() * math.e:.12g}"
    '1'
    """
    x = x.clamp(min=1e-300)  # below, p / x overflows
    return torch.exp(_log_power(p, x)) * (p / x)


def gamma_lower(p: float, x: Tensor) -> Tensor:
    """`P(p, x)`, the regularised lower incomplete gamma function for `x > 0`. Values only: use it inside `integral`.

    torch's own is exact to 1e-14 for `p <= 20`; above, its uniform expansion is only good to 1e-9 near `x = p`.

    >>> f"{gamma_lower(1.0, torch.tensor(1e-30, dtype=torch.float64)).item():.12g}"
    '1e-30'
    """
    if p > 20:
        return torch.where(x < p, _lower_below(p, x.clamp(max=p)), 1 - _upper_above(p, x.clamp(min=p)))
    value: Tensor = torch.special.gammainc(x.new_full((), p), x)
    return value


def gamma_upper(p: float, x: Tensor) -> Tensor:
    """`Q(p, x) = 1 - P(p, x)` for `x > 0`. Values only: use it inside `integral`.

    >>> f"{gamma_upper(1.0, torch.tensor(69.0, dtype=torch.float64)).item() * math.exp(69):.12g}"
    '1'
    """
    if p > 20:
        return torch.where(x < p, 1 - _lower_below(p, x.clamp(max=p)), _upper_above(p, x.clamp(min=p)))
    value: Tensor = torch.special.gammaincc(x.new_full((), p), x)
    return value


def _lower_below(p: float, x: Tensor) -> Tensor:
    """`P(p, x)` for `x <= p` by its power series."""
    return torch.exp(_log_power(p, x)) * _lower_series(p, x, 110)


def _upper_above(p: float, x: Tensor) -> Tensor:
    """`Q(p, x)` for `x >= p > 20` by `Q(p, x) = Q(p-1, x) + x^(p-1) e^-x / Gamma(p)`, whose terms are all positive."""
    steps = math.ceil(p - 20)
    total, ratio = torch.ones_like(x), torch.ones_like(x)
    for k in range(1, steps):
        ratio = ratio * ((p - k) / x)
        total = total + ratio
    rest: Tensor = torch.special.gammaincc(x.new_full((), p - steps), x)
    return rest + gamma_density(p, x) * total


def gamma_log_lower(p: float, x: Tensor) -> Tensor:
    """`log P(p, x)` where `P` is below 1e-60, and so `x` far below `p`: the power series of `P`, differentiable.

    >>> f"{gamma_log_lower(100.0, torch.tensor(1e-3, dtype=torch.float64)).item():.6f}"
    '-1054.515894'
    """
    return _log_power(p, x) + torch.log(_lower_series(p, x, 40))


def gamma_log_upper(p: float, x: Tensor) -> Tensor:
    """`log Q(p, x)` where `Q` is below 1e-60, and so `x` far above `p <= 100`: its asymptotic series, differentiable.

    >>> gamma_log_upper(1.0, torch.tensor(1e6, dtype=torch.float64)).item()
    -1000000.0
    """
    series = torch.ones_like(x)
    for k in range(30, 0, -1):
        series = 1 + (p - k) / x * series
    return (p - 1) * torch.log(x) - x - math.lgamma(p) + torch.log(series)


def gamma_inverse(p: float, u: Tensor, *, upper: bool) -> Tensor:
    """The `x` with `P(p, x) = u` (`Q(p, x) = u` when `upper`), for `0 < u <= 1/2`; 0 if it underflows. Values only.

    Bisection in `log x`, which no shape can lead astray, then Newton's method on the log of the probability.

    >>> f"{gamma_inverse(1.0, torch.tensor(1e-30, dtype=torch.float64), upper=True).item():.12f}"
    '69.077552789821'
    """
    form = gamma_upper if upper else gamma_lower
    low, high = torch.full_like(u, -745.0), torch.full_like(u, math.log(2000.0))
    for _ in range(50):
        middle = (low + high) / 2
        beyond = (form(p, torch.exp(middle)) < u) if upper else (form(p, torch.exp(middle)) > u)
        low, high = torch.where(beyond, low, middle), torch.where(beyond, middle, high)
    lost = low < -740
    x = torch.exp(torch.where(lost, 0.0, (low + high) / 2))
    for _ in range(2):
        probability, slope = form(p, x), p * torch.exp(_log_power(p, x))  # the slope in log x
        step = torch.log(probability / u) * probability / slope
        x = x * torch.exp(torch.clamp(step if upper else -step, -1e-3, 1e-3))
    return torch.where(lost, 0.0, x)


def _log_power(p: float, x: Tensor) -> Tensor:
    """`log(x^p e^-x / Gamma(p + 1))`, as `p (log r + 1 - r)` with `r = x/p` plus a constant of moderate size."""
    r = x / p
    near = (r - 1).abs() < 0.5
    log_r = torch.where(near, torch.log1p(torch.where(near, (x - p) / p, 0.0)), torch.log(r))
    return p * log_r + (p - x) + _stirling(p)


def _stirling(p: float) -> float:
    """`log(p^p e^-p / Gamma(p + 1))`; by Stirling's series where the direct form would cancel."""
    if p < 15:
        return p * math.log(p) - p - math.lgamma(p + 1)
    s = p**-2
    return -0.5 * math.log(2 * math.pi * p) - (1 - s * (1 / 30 - s * (1 / 105 - s * (1 / 140 - s / 99)))) / (12 * p)


def _lower_series(p: float, x: Tensor, terms: int) -> Tensor:
    """`sum_n x^n / ((p+1) ... (p+n))`: `P(p, x)` over `x^p e^-x / Gamma(p+1)`. 110 terms do for `x <= p <= 100`."""
    total = torch.ones_like(x)
    for n in range(terms, 0, -1):
        total = 1 + x / (p + n) * total
    return total
