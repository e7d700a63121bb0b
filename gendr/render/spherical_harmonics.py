r"""Real spherical harmonics up to degree 2: a distant environment, of any shape, as nine numbers a channel.

The functions stand in the order `(l, m)` = (0, 0), (1, -1), (1, 0), (1, 1), (2, -2), (2, -1), (2, 0), (2, 1), (2, 2),
without the Condon-Shortley sign. Nine are enough for matte surfaces: in the worst case, a single distant source, they
hold 99.2 % of the energy of the irradiance, and that of a normal is off by 9.4 % of the source's strength at most.

Source: Ramamoorthi, Hanrahan, "An efficient representation for irradiance environment maps", SIGGRAPH 2001: equation 3
(the functions), 8 (the cosine's factors) and 10 (the sum).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gendr import _check
from gendr._autocast import in_single_precision

CONSTANTS = (
    math.sqrt(1.0 / (4.0 * math.pi)),  # 0.282095
    math.sqrt(3.0 / (4.0 * math.pi)),  # 0.488603
    math.sqrt(15.0 / (4.0 * math.pi)),  # 1.092548
    math.sqrt(5.0 / (16.0 * math.pi)),  # 0.315392
    math.sqrt(15.0 / (16.0 * math.pi)),  # 0.546274
)
"""Of degree 0; degree 1; degree 2: `xy`, `yz`, `xz`; `3 z^2 - 1`; `x^2 - y^2`."""

COSINE_FACTORS = (math.pi, 2.0 * math.pi / 3.0, math.pi / 4.0)
"""By degree: what the cosine lobe `max(0, cos)` makes of a harmonic, integrated over the sphere."""


@in_single_precision
def basis(directions: Float[Tensor, "*N 3"]) -> Float[Tensor, "*N 9"]:
    """The nine functions `Y_lm` at unit directions; orthonormal over the sphere.

    They are polynomials, each of one degree (`3 z^2 - 1` as `2 z^2 - x^2 - y^2`); a vector of length `r` gives
    `r^l Y_lm`, and the zero vector the constant function alone.

    Args:
        directions: [*, 3].

    Raises:
        TypeError, ValueError: no float tensor [*, 3].

    >>> basis(torch.tensor([0.0, 0.0, 1.0]))[:7]
    tensor([0.2821, 0.0000, 0.4886, 0.0000, 0.0000, 0.0000, 0.6308])
    """
    _check.tensor("directions", directions, ("*", 3))
    x, y, z = directions.unbind(-1)
    c0, c1, c2, c3, c4 = CONSTANTS
    zonal = 2.0 * z * z - x * x - y * y
    linear = (torch.full_like(x, c0), c1 * y, c1 * z, c1 * x)
    square = (c2 * x * y, c2 * y * z, c3 * zonal, c2 * x * z, c4 * (x * x - y * y))
    return torch.stack((*linear, *square), -1)


@in_single_precision
def irradiance(coefficients: Float[Tensor, "*C 9 K"], normals: Float[Tensor, "*N 3"]) -> Float[Tensor, "*N K"]:
    r"""Irradiance on surfaces in an environment: `E(n) = sum_lm A_l L_lm Y_lm(n)`, `A` = pi, 2 pi / 3, pi / 4.

    It is the environment's radiance `L(w) = sum_lm L_lm Y_lm(w)`, integrated with `max(0, n . w)` over the sphere of
    `w`: exactly so for a radiance of degree 2 or less. Where one small source outshines everything, the truncated sum
    is slightly negative on some normals (down to -4 % of the source's strength); it is not cut off there.

    Args:
        coefficients: `L_lm`, [9, K], or [B, 9, K] for normals [B, ..., 3].
        normals: unit vectors [*, 3]; a zero vector receives the environment's mean.

    Returns:
        [*, K], differentiable in both.

    Raises:
        TypeError, ValueError: wrong shapes, or the dtypes differ.

    >>> grey = torch.zeros(9, 1)
    >>> grey[0] = (4 * torch.pi) ** 0.5  # radiance 1 from everywhere
    >>> irradiance(grey, torch.tensor([[0.0, 1.0, 0.0]])) / torch.pi
    tensor([[1.0000]])
    """
    _check.tensor("normals", normals, ("*", 3))
    _check.tensor("coefficients", coefficients, ("*", 9, "K"), (normals.dtype,))
    if coefficients.ndim > 3 or (coefficients.ndim == 3 and normals.ndim < 2):
        _check.fail("coefficients", "[9, K], or [B, 9, K] for normals [B, ..., 3]", coefficients)
    bands = coefficients.split((1, 3, 5), -2)
    weighted = torch.cat([factor * band for factor, band in zip(COSINE_FACTORS, bands, strict=True)], -2)
    if weighted.ndim == 3:
        weighted = weighted.reshape(len(weighted), *(1,) * (normals.ndim - 2), 9, weighted.shape[-1])
    # Nine products and sums, which broadcast: a matrix product would first copy the coefficients for every normal.
    terms = basis(normals)[..., None] * weighted
    return terms.sum(-2)


@in_single_precision
def project(
    radiance: Callable[[Tensor], Tensor], n_rings: int = 32, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "9 K"]:
    """Coefficients of an environment: `L_lm`, the integral of `radiance(w) Y_lm(w)` over the sphere.

    By quadrature: Gauss-Legendre in z, `n_rings` of them, times `2 n_rings` even steps around. Exact, to rounding,
    where the radiance is a polynomial of degree `2 n_rings - 3` or less.

    Args:
        radiance: takes unit directions float64 [N, 3], gives radiance [N, K] in any float dtype; differentiable.
        n_rings: 2 or more; `2 n_rings^2` directions are asked for.
        dtype: of the result.

    Raises:
        ValueError: `n_rings` out of range, or the function gives another shape.

    >>> sky = project(lambda directions: directions[:, 1:2].clamp_min(0.0))  # bright above, black below
    >>> irradiance(sky, torch.tensor([[0.0, 1.0, 0.0], [0.0, -1.0, 0.0]])) / torch.pi
    tensor([[ 0.6615],
            [-0.0052]])
    """
    if isinstance(n_rings, bool) or not isinstance(n_rings, int) or n_rings < 2:
        _check.fail("n_rings", "an integer, 2 or more", n_rings)
    directions, weights = sphere_quadrature(n_rings)
    values = radiance(directions)
    _check.tensor("radiance's result", values, (len(directions), "K"))
    weighted = basis(directions) * weights[:, None]
    return (weighted.to(values).mT @ values).to(dtype)


def sphere_quadrature(n_rings: int) -> tuple[Float[Tensor, "N 3"], Float[Tensor, " N"]]:
    """Unit directions and weights, float64, whose weighted sum is an integral over the sphere.

    Args:
        n_rings: `2 n_rings^2` directions; exact for polynomials of degree `2 n_rings - 1` or less.

    >>> sphere_quadrature(4)[1].sum() / (4 * torch.pi)
    tensor(1., dtype=torch.float64)
    """
    heights, widths = (torch.from_numpy(array) for array in np.polynomial.legendre.leggauss(n_rings))
    angles = (torch.arange(2 * n_rings, dtype=torch.float64) + 0.5) * (math.pi / n_rings)
    z, angle = torch.meshgrid(heights, angles, indexing="ij")
    radius = (1.0 - z * z).sqrt()
    directions = torch.stack((radius * angle.cos(), radius * angle.sin(), z), -1).reshape(-1, 3)
    return directions, (widths * (math.pi / n_rings)).repeat_interleave(2 * n_rings)
