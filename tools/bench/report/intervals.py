"""Confidence intervals, 95 % two-sided unless another level is asked for."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gendr import _check

LEVEL = 0.95


class Interval(NamedTuple):
    """An estimate and the interval about it; the ends are NaN where nothing says how sure it is."""

    mean: float
    low: float
    high: float


def student(values: ArrayLike, level: float = LEVEL) -> Interval:
    """Student's t interval for the mean of values drawn alike and independently: `mean ± t_{n-1} s / sqrt(n)`.

    >>> low, high = student([1.0, 2.0, 3.0])[1:]
    >>> round(low, 3), round(high, 3)
    (-0.484, 4.484)
    """
    numbers: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    if numbers.size < 2:
        return Interval(float(numbers.mean()) if numbers.size else math.nan, math.nan, math.nan)
    from scipy import stats  # type: ignore[import-untyped]  # takes a moment to import

    half = float(stats.t.ppf(0.5 + level / 2, numbers.size - 1)) * float(numbers.std(ddof=1)) / math.sqrt(numbers.size)
    mean = float(numbers.mean())
    return Interval(mean, mean - half, mean + half)


def wilson(hits: float, of: int, level: float = LEVEL) -> Interval:
    """Wilson's score interval for a share: always within [0, 1], and right for few hits too.

    `(hits + z²/2 ± z sqrt(hits (of - hits) / of + z²/4)) / (of + z²)`.

    Raises:
        ValueError: more hits than tries.

    Source: Wilson 1927.

    >>> [round(end, 3) for end in wilson(10, 10)]
    [1.0, 0.722, 1.0]
    """
    if not 0 <= hits <= of:
        _check.fail("hits", f"a number within [0, {of}]", f"{hits}")
    if of == 0:
        return Interval(math.nan, math.nan, math.nan)
    from statistics import NormalDist

    z = NormalDist().inv_cdf(0.5 + level / 2)
    middle, half = hits + z * z / 2, z * math.sqrt(hits * (of - hits) / of + z * z / 4)
    return Interval(hits / of, max(0.0, (middle - half) / (of + z * z)), min(1.0, (middle + half) / (of + z * z)))
