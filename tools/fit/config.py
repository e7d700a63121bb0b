"""The settings of a fit, and the two methods' defaults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from gendr import _check
from gendr.distributions import Distribution, Gaussian, Logistic
from gendr.render.schedules import Schedule, cosine, log_linear
from gendr.tnorms import Probabilistic, TNorm

METHODS = ("large-steps", "thesis")
SCHEDULES: dict[str, Callable[[float, float, int], Schedule]] = {"log-linear": log_linear, "cosine": cosine}
"""The ways from the first softness to the last."""

SOFTNESS = (10**-1.75, 10**-3.25)
"""Softness of large steps at the first and the last step, as a length (half image heights)."""

PUBLISHED_SOFTNESS = 10**-2.2
"""What the published protocol's search for a fixed softness comes near to, for most distributions, as a length."""


@dataclass(frozen=True)
class FitConfig:
    """How to fit a sphere to silhouettes. The defaults are the large-steps method; `configure` gives either method's.

    Attributes:
        method: "large-steps" (smooth parametrisation, uniform Adam) or "thesis" (the published protocol: displacements
            within octants, Adam, regularisers).
        steps: shapes that are rendered, at least 1; between them lie `steps - 1` updates.
        distribution: of the occlusion test.
        t_conorm: joins the faces.
        tau: softness at the first and at the last step.
        schedule: of the softness in between, "log-linear" or "cosine".
        lr: learning rate at the first and at the last step, a cosine in between.
        betas: of Adam's two moments.
        lambda_: smoothness of the large-steps parametrisation.
        laplacian: weight of the Laplacian loss.
        flatten: weight of the flatten loss.
        level: subdivisions of the start's icosahedron; 3 has 642 vertices.
        radius: of the start, in (0, 1).
        seed: moves the start's coordinates by Gaussian noise of 1e-6; None for none. Runs that differ by it alone show
            how far results scatter.

    Raises:
        TypeError, ValueError: a setting of the wrong kind or out of range.

    >>> str(FitConfig(steps=50).distribution)
    'gaussian'
    """

    method: str = "large-steps"
    steps: int = 100
    distribution: Distribution = field(default_factory=Gaussian)
    t_conorm: TNorm = field(default_factory=Probabilistic)
    tau: tuple[float, float] = SOFTNESS
    schedule: str = "log-linear"
    lr: tuple[float, float] = (0.2, 0.02)
    betas: tuple[float, float] = (0.9, 0.999)
    lambda_: float = 1.0
    laplacian: float = 0.0
    flatten: float = 0.0
    level: int = 3
    radius: float = 0.5
    seed: int | None = None

    def __post_init__(self) -> None:
        _check.choice("method", self.method, METHODS)
        if isinstance(self.steps, bool) or not isinstance(self.steps, int):
            raise TypeError(f"steps: expected a whole number, got {_check.describe(self.steps)}")
        _check.number("steps", self.steps, 1)
        if not isinstance(self.distribution, Distribution):
            raise TypeError(f"distribution: expected a gendr distribution, got {_check.describe(self.distribution)}")
        if not isinstance(self.t_conorm, TNorm):
            raise TypeError(f"t_conorm: expected a gendr T-conorm, got {_check.describe(self.t_conorm)}")
        for value in self.tau:
            _check.number("tau", value, 1e-30, 1e30)
        _check.choice("schedule", self.schedule, list(SCHEDULES))
        for value in self.lr:
            _check.number("lr", value, 0.0, open_low=True)
        for name in ("lambda_", "laplacian", "flatten"):
            _check.number(name, getattr(self, name), 0.0)
        _check.number("radius", self.radius, 0.0, 0.999, open_low=True)

    def as_dict(self) -> dict[str, Any]:
        """The settings as JSON holds them, distribution and T-conorm as their specs.

        >>> FitConfig().as_dict()["distribution"]
        'gaussian'
        """
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**values, "distribution": str(self.distribution), "t_conorm": str(self.t_conorm)}


def configure(
    method: str = "large-steps",
    *,
    distribution: Distribution | None = None,
    tau: tuple[float, float] | None = None,
    lr: float | None = None,
    **settings: Any,
) -> FitConfig:
    """The settings of a method, with those replaced that are given.

    Args:
        method: "large-steps" or "thesis".
        distribution: Gaussian for large steps and Logistic squared for the thesis method by default.
        tau: first and last softness. By default it follows the distribution, squared or not: large steps go from
            `10^-1.75` to `10^-3.25` (half image heights; `10^-3.5` to `10^-6.5` for squared ones), the thesis method
            stays at `10^-2.2` (`10^-4.4`).
        lr: large steps start there and end at a tenth of it (default 0.2); the thesis method keeps it (`10^-1.5`).
        **settings: the other attributes of `FitConfig`.

    Raises:
        TypeError, ValueError: as `FitConfig`.

    >>> configure("thesis").betas, configure("large-steps", lr=0.3).lr
    ((0.5, 0.95), (0.3, 0.03))
    """
    _check.choice("method", method, METHODS)
    is_thesis = method == "thesis"
    distribution = distribution or (Logistic().squared() if is_thesis else Gaussian())
    config = FitConfig(distribution=distribution)
    softness = (PUBLISHED_SOFTNESS, PUBLISHED_SOFTNESS) if is_thesis else SOFTNESS
    power = 2 if config.distribution.is_squared else 1
    tau = tau or (softness[0] ** power, softness[1] ** power)
    rate = lr if lr is not None else (10**-1.5 if is_thesis else 0.2)
    published = {"betas": (0.5, 0.95), "laplacian": 0.03, "flatten": 0.0003} if is_thesis else {}
    return replace(
        config,
        **{
            "method": method,
            "tau": tau,
            "lr": (rate, rate if is_thesis else rate / 10),
            **published,
            **settings,
        },
    )
