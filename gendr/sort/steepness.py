"""How steep a relaxed comparator should be: a rule by number of layers, and the conventions of others."""

from __future__ import annotations

import math

from gendr import _check
from gendr.distributions import Distribution
from gendr.sort.sigmoid import is_logistic, require_symmetric

RULES: dict[str, tuple[float, float]] = {
    "logistic": (10.0, 0.0),
    "logistic with art": (3.0, 0.25),
    "reciprocal": (3.0, 1.5),
    "cauchy": (7.0, 0.7),
    "optimal": (2.7, 1.0),
}
"""`(c, p)` of `steepness = c layers^p`: least squares in logarithms over the best values of Table 3.8."""


def auto_steepness(
    n_layers: int, distribution: Distribution, art: float | None = None, input_scale: float = 1.0
) -> float:
    """`c layers^p / input_scale`, the steepness that `steepness="auto"` takes.

    The best steepness depends on the number of layers, not on that of the elements (Petersen 2022, section 3.5.2): each
    layer blurs a little, so that deep networks want steep ones. `c` and `p` are fitted to the best values of the
    published experiments (Table 3.8); those scatter by a factor of 3 around the fit, so look around it. Distributions
    that were not in it are treated as the logistic one.

    Args:
        n_layers: of the network.
        distribution: of the sigmoid.
        art: as in `Sigmoid`.
        input_scale: the spread of the inputs, say their standard deviation, positive.

    Raises:
        ValueError, TypeError: an argument out of range.

    >>> from gendr.distributions import Optimal
    >>> auto_steepness(10, Optimal(), input_scale=2.0)
    13.5
    """
    name = require_symmetric(distribution).name
    scale = _check.number("input_scale", input_scale, 0.0, open_low=True)
    c, p = RULES["logistic with art"] if art and is_logistic(distribution) else RULES.get(name, RULES["logistic"])
    return float(min(max(c * max(n_layers, 1) ** p / scale, 1e-18), 1e18))


THESIS: dict[str, float] = {"logistic": 4.0, "reciprocal": 1.0, "cauchy": math.pi, "optimal": 1.0}
"""`beta / steepness` of the thesis's equations 3.21 to 3.24."""

DIFFSORT: dict[str, float] = {
    "gaussian": math.sqrt(2 * math.pi),
    "logistic": 4.0,
    "reciprocal": 4.0,
    "cauchy": math.pi,
    "optimal": 1.0,
}
"""The steepness of the package diffsort over ours."""


def from_thesis(beta: float, distribution: Distribution) -> float:
    """The steepness at which the sigmoid is the thesis's with inverse temperature `beta`.

    Raises:
        ValueError: the distribution is not one of the thesis's four.

    >>> from gendr.distributions import Logistic
    >>> from_thesis(32.0, Logistic())
    8.0
    """
    return _check.number("beta", beta, 0.0, open_low=True) / _factor(THESIS, distribution)


def from_diffsort(steepness: float, distribution: Distribution) -> float:
    """The steepness at which the sigmoid is that of the package diffsort with its `steepness`.

    Raises:
        ValueError: the distribution is not one of diffsort's five.

    >>> from gendr.distributions import Reciprocal
    >>> from_diffsort(10.0, Reciprocal())
    2.5
    """
    return _check.number("steepness", steepness, 0.0, open_low=True) / _factor(DIFFSORT, distribution)


def _factor(factors: dict[str, float], distribution: Distribution) -> float:
    return factors[_check.choice("distribution", require_symmetric(distribution).name, tuple(factors))]
