"""One triangle under every distribution: the thesis's table 5.1."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor

from gendr import rasterize
from gendr.distributions import (
    DISTRIBUTIONS,
    Cauchy,
    CubicHermite,
    Distribution,
    Exponential,
    Gamma,
    Gaussian,
    GumbelMax,
    GumbelMin,
    Heaviside,
    HyperbolicSecant,
    Laplace,
    Levy,
    Logistic,
    Reciprocal,
    Uniform,
    WignerSemicircle,
)
from gendr.tools.gallery.sheet import Cell, covered, sheet

TAU = 0.08
"""Of the plain distributions; the squared ones have its square, so that they agree at this distance."""

GAMMAS = [Gamma(p) for p in (0.5, 1.0, 2.0)]
TABLE: list[list[Distribution]] = [
    [Heaviside(), Uniform(), CubicHermite(), WignerSemicircle(), Gaussian(), Laplace()],
    [Logistic(), Logistic().squared(), HyperbolicSecant(), Cauchy(), Cauchy().squared(), Reciprocal()],
    [GumbelMax(), GumbelMin(), Exponential(), Exponential().reversed(), Levy(), Levy().reversed()],
    [*GAMMAS, *(d.reversed() for d in GAMMAS)],
    [*(d.squared() for d in GAMMAS), *(d.reversed().squared() for d in GAMMAS)],
]
"""The cells of table 5.1, row by row."""

_TABLED = {distribution.name for row in TABLE for distribution in row}
OTHERS: list[Distribution] = [cls() for name, cls in DISTRIBUTIONS.items() if name not in _TABLED]
"""Every distribution that the table does not have."""

TRIANGLE = torch.tensor([[[[-0.58, -0.48, 2.0], [0.58, -0.48, 2.0], [0.0, 0.52, 2.0]]]])


def soft_triangle(distribution: Distribution, size: int) -> Tensor:
    """Alpha `[size, size]` of one triangle.

    >>> soft_triangle(Heaviside(), 8).unique()
    tensor([0., 1.])
    """
    tau = TAU**2 if distribution.is_squared else TAU
    return rasterize(TRIANGLE, size, distribution, tau).alpha[0]


def distributions(size: int = 130) -> Image.Image:
    """The table as a picture, and a row of those that it does not have.

    >>> distributions(16).width
    152
    """
    rows: list[list[Cell]] = [[(_caption(d), covered(soft_triangle(d, size))) for d in row] for row in [*TABLE, OTHERS]]
    return sheet(rows)


def _caption(distribution: Distribution) -> str:
    return str(distribution).replace("reversed", "rev.").replace("squared", "sq.")
