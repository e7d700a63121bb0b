"""What a run of the benchmark is made of, and the published settings."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from gendr import _check
from gendr.distributions import Distribution, from_spec

SIZES = (3, 5, 7, 9, 15, 16, 32)
"""The published set sizes."""

BETA = {
    "logistic": {3: 79.0, 5: 30.0, 7: 33.0, 9: 54.0, 15: 32.0, 16: 43.0, 32: 128.0},
    "reciprocal": {3: 14.0, 5: 60.0, 7: 69.0, 9: 44.0, 15: 120.0, 16: 124.0, 32: 1140.0},
    "cauchy": {3: 45.6, 5: 160.2, 7: 223.1, 9: 47.1, 15: 125.7, 16: 37.7, 32: 531.0},
    "optimal": {3: 6.0, 5: 20.0, 7: 29.0, 9: 32.0, 15: 25.0, 16: 17.0, 32: 124.0},
}
"""The thesis's inverse temperatures, Table 3.8: odd-even networks, for n = 16 the bitonic one."""

PER_BETA = {"logistic": 0.25, "reciprocal": 1.0, "cauchy": 0.3183098861837907, "optimal": 1.0}
"""The slope at 0 of each of the thesis's sigmoids at beta = 1."""


@dataclass(frozen=True)
class Settings:
    """One run. Those of the published experiment are the defaults.

    Attributes:
        n: images a set.
        network: of comparators; `auto` is bitonic for n = 16, else odd-even.
        distribution: a spec.
        steepness: slope of the sigmoid at 0; None takes the published one of `distribution` and `n`.
        batch: sets a step.
        lr: of Adam.
        loss: `cross_entropy` of the columns of P (3.12), or `bce` of all its entries.
        half: convolutions in bfloat16.
        seed: of weights and draws.

    Raises:
        ValueError: a setting out of range.

    >>> Settings(n=5, distribution="cauchy").slope
    50.99
    """

    n: int = 5
    network: Literal["auto", "odd_even", "bitonic"] = "auto"
    distribution: str = "cauchy"
    steepness: float | None = None
    batch: int = 100
    lr: float = 10**-3.5
    loss: Literal["cross_entropy", "bce"] = "cross_entropy"
    half: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        _check.number("n", self.n, 2)
        _check.number("batch", self.batch, 1)
        _check.number("lr", self.lr, 0.0, open_low=True)
        _check.number("seed", self.seed, 0, 1 << 20)
        if not 0 < self.slope < float("inf"):
            _check.fail("steepness", "a positive number", self.steepness)

    @property
    def family(self) -> Distribution:
        """The distribution itself.

        >>> Settings(distribution="optimal").family
        optimal
        """
        return from_spec(self.distribution)

    @property
    def comparators(self) -> Literal["odd_even", "bitonic"]:
        """The network's name.

        >>> Settings(n=16).comparators
        'bitonic'
        """
        if self.network == "auto":
            return "bitonic" if self.n == 16 else "odd_even"
        return self.network

    @property
    def slope(self) -> float:
        """The steepness, given or published.

        >>> Settings(n=5, distribution="optimal").slope
        20.0
        """
        if self.steepness is not None:
            return self.steepness
        name = self.family.name
        if self.n not in BETA.get(name, {}):
            published = f"given, or published (n {', '.join(map(str, SIZES))}; {', '.join(BETA)})"
            _check.fail("steepness", published, f"none for n={self.n}, {name}")
        return round(BETA[name][self.n] * PER_BETA[name], 2)

    def plain(self) -> dict[str, Any]:
        """As JSON holds it: what two runs must share to be the same run.

        >>> Settings().plain()["n"]
        5
        """
        return asdict(self)
