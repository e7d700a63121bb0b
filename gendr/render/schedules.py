"""Numbers that change during an optimisation (softness, learning rate): small callables `step -> float`."""

from __future__ import annotations

import math
from dataclasses import dataclass

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


def _steps(steps: int) -> int:
    number = _check.number("steps", steps, 1)
    if number != int(number):
        _check.fail("steps", "a whole number of at least 1", steps)
    return int(number)
