"""Numbers that change during an optimisation (softness, learning rate): small callables `step -> float`."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gendr import _check


@dataclass(frozen=True)
class Schedule:
    """A curve from `start`, at step 0, to `end`, at step `steps - 1`; later steps keep `end`. A plain value object.

    Make one with `log_linear`, `cosine` or `constant`. With `t = step / (steps - 1)`:
    `log_linear`: `start^(1 - t) end^t`; `cosine`: `end + (start - end) (1 + cos(pi t)) / 2`. With `steps = 1` there is
    only the start.

    >>> [round(log_linear(1e-2, 1e-4, 3)(step), 6) for step in range(4)]
    [0.01, 0.001, 0.0001, 0.0001]
    """

    shape: str
    start: float
    end: float
    steps: int

    def __call__(self, step: int | float) -> float:
        """Return the value at `step`, which may be fractional.

        Raises:
            ValueError: `step` is negative or not finite.
        """
        step = _check.number("step", step, 0.0)
        if step == 0.0:
            return self.start  # the ends are exact: no rounding by exp, log or cos
        if step >= self.steps - 1:
            return self.end if self.steps > 1 else self.start
        t = step / (self.steps - 1)
        if self.shape == "log_linear":
            return math.exp((1.0 - t) * math.log(self.start) + t * math.log(self.end))
        return self.end + (self.start - self.end) * (0.5 + 0.5 * math.cos(math.pi * t))


def log_linear(start: int | float, end: int | float, steps: int) -> Schedule:
    """Go from `start` to `end` by a constant factor per step: the softness `tau` of an annealed fit.

    Args:
        start: value at step 0, in (0, inf).
        end: value at step `steps - 1`, in (0, inf).
        steps: number of steps, at least 1.

    Raises:
        TypeError, ValueError: an argument is no number or outside its range.

    >>> log_linear(1e-4, 1e-6, 101)(50)  # doctest: +ELLIPSIS
    1.00000000000...e-05
    """
    start, end = (_check.number(n, v, 0.0, open_low=True) for n, v in (("start", start), ("end", end)))
    return Schedule("log_linear", start, end, _steps(steps))


def cosine(start: int | float, end: int | float, steps: int) -> Schedule:
    """Go from `start` to `end` along half a cosine wave, flat at both ends: a learning rate.

    Source: Loshchilov, Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017, without restarts.

    Args:
        start: value at step 0, any finite number.
        end: value at step `steps - 1`, any finite number.
        steps: number of steps, at least 1.

    Raises:
        TypeError, ValueError: an argument is no finite number, or `steps` is below 1.

    >>> [round(cosine(0.2, 0.02, 101)(step), 6) for step in (0, 50, 100)]
    [0.2, 0.11, 0.02]
    """
    return Schedule("cosine", _check.number("start", start), _check.number("end", end), _steps(steps))


def constant(value: int | float) -> Schedule:
    """Stay at `value`, any finite number.

    Raises:
        TypeError, ValueError: `value` is no finite number.

    >>> constant(0.1)(7)
    0.1
    """
    value = _check.number("value", value)
    return Schedule("constant", value, value, 1)


@dataclass(frozen=True)
class GradientDriven:
    r"""The softness after some steps of Adam on its logarithm. A value: `after` gives the next one.

    With `g = tau dL/dtau`, the derivative of the loss in `ln tau`, after the `t`-th gradient

        m <- b1 m + (1 - b1) g,   v <- b2 v + (1 - b2) g^2,
        ln tau <- ln tau - rate (m / (1 - b1^t)) / sqrt(v / (1 - b2^t)),

    held within the bounds. A step changes tau by a factor of about `exp(rate)` whatever the unit of the loss is, and
    does nothing as long as all gradients were 0. Make one with `gradient_driven`.

    Attributes:
        value: tau now.
        low: the smallest tau.
        high: the largest.
        rate: of the logarithm, by the step.
        betas: `(b1, b2)`.
        steps: gradients taken so far.
        mean: `m`.
        square: `v`.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015; the gradient in tau is the kernels'.

    >>> tau = gradient_driven(0.1, 1e-3, 1.0, rate=0.5)
    >>> for _ in range(30):  # the minimum of (ln tau - ln 0.01)^2
    ...     tau = tau.after(2 * (math.log(tau.value) - math.log(0.01)) / tau.value)
    >>> 0.005 < tau.value < 0.02
    True
    """

    value: float
    low: float
    high: float
    rate: Schedule
    betas: tuple[float, float] = (0.9, 0.99)
    steps: int = 0
    mean: float = 0.0
    square: float = 0.0

    def tensor(self, dtype: torch.dtype = torch.float64) -> Tensor:
        """Tau as a leaf `[]` that gathers its gradient: render with it, and hand its `.grad` to `after`.

        >>> gradient_driven(0.1).tensor()
        tensor(0.1000, dtype=torch.float64, requires_grad=True)
        """
        return torch.tensor(self.value, dtype=dtype, requires_grad=True)

    def after(self, gradient: float | Tensor | None) -> GradientDriven:
        """The softness one step on.

        Args:
            gradient: `dL/dtau`, a number or a tensor whose entries are added up (a softness per image that was expanded
                from one); None, which is the `.grad` of a tau that the loss did not depend on, counts as 0.

        Raises:
            TypeError, ValueError: no finite number.

        >>> round(gradient_driven(0.1, rate=0.1).after(3.0).value, 4)
        0.0905
        """
        slope = self.value * _number(gradient)
        b1, b2 = self.betas
        steps = self.steps + 1
        # The largest float's root: a square that overflows would stop tau for good.
        slope = min(max(slope, -1e150), 1e150)
        mean, square = b1 * self.mean + (1.0 - b1) * slope, b2 * self.square + (1.0 - b2) * slope * slope
        size = math.sqrt(square / (1.0 - b2**steps))
        step = self.rate(self.steps) * (mean / (1.0 - b1**steps)) / size if size > 0.0 else 0.0
        value = min(max(self.value * math.exp(min(max(-step, -690.0), 690.0)), self.low), self.high)
        return replace(self, value=value, steps=steps, mean=mean, square=square)


def gradient_driven(
    start: int | float,
    low: int | float = 1e-30,
    high: int | float = 1e30,
    *,
    rate: int | float | Schedule = 0.05,
    betas: tuple[float, float] = (0.9, 0.99),
) -> GradientDriven:
    """Begin at `start` and follow the gradient, within `[low, high]`.

    Args:
        start: tau at step 0, within the bounds.
        low: the smallest tau, positive.
        high: the largest, at least `low`.
        rate: change of `ln tau` by the step: a number in (0, 10], or a schedule; 0.05 goes down a decade in 46 steps.
        betas: decay of the two moments, each in [0, 1).

    Raises:
        TypeError, ValueError: an argument is no number or outside its range.

    >>> gradient_driven(1e-2, 1e-4, 1e-1).value
    0.01
    """
    low = _check.number("low", low, 1e-30, 1e30)
    high = _check.number("high", high, low, 1e30)
    start = _check.number("start", start, low, high)
    for name, beta in zip(("betas[0]", "betas[1]"), betas, strict=True):
        if _check.number(name, beta, 0.0, 1.0) == 1.0:
            _check.fail(name, "a number in [0, 1)", beta)
    if not isinstance(rate, Schedule):
        rate = constant(_check.number("rate", rate, 0.0, 10.0, open_low=True))
    return GradientDriven(start, low, high, rate, betas)


def _steps(steps: int) -> int:
    number = _check.number("steps", steps, 1)
    if number != int(number):
        _check.fail("steps", "a whole number of at least 1", steps)
    return int(number)


def _number(gradient: float | Tensor | None) -> float:
    if gradient is None:
        return 0.0
    if isinstance(gradient, Tensor):
        gradient = float(gradient.detach().double().sum())
    return _check.number("gradient", gradient)
