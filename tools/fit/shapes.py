"""What is optimised: parameters, and the vertices they stand for."""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor

from gendr.optim import LargeSteps
from gendr.render import Mesh

JITTER = 1e-6


class Shape(Protocol):
    """Parameters to optimise and the vertices `[V, 3]` that they stand for."""

    parameters: list[Tensor]

    def vertices(self) -> Tensor:
        """The vertices `[V, 3]`, differentiable in the parameters."""


class SmoothShape:
    """Large steps: the parameters are `u`, the vertices `(I + lambda L)^-1 u`; they begin as the start's.

    >>> start = sphere(1, 0.5)
    >>> bool(torch.allclose(SmoothShape(start, 1.0).vertices(), start.vertices, atol=1e-6))
    True
    """

    def __init__(self, start: Mesh, lambda_: float) -> None:
        self._steps = LargeSteps(start.vertices, start.faces, lambda_)
        self._u = self._steps.to_parameters(start.vertices).detach().requires_grad_()
        self.parameters = [self._u]

    def vertices(self) -> Tensor:
        """The smoothed parameters."""
        return self._steps.to_vertices(self._u)


class OctantShape:
    r"""The published parametrisation: every vertex stays in its octant about a centre that moves.

    With displacement `d` and centre `c`, both 0 at the beginning, and the start's coordinates `b` in (-1, 1):
    `w = sign(b) sigmoid(log(|b| / (1 - |b|)) + d)`, `t = tanh(c)`, `v = w (1 - t) + t` where `w > 0` and
    `v = w (1 + t) + t` where `w < 0`, so that `v` lies in [-1, 1] whatever the parameters are.

    Source: Liu, Li, Chen, Li, "Soft Rasterizer", ICCV 2019, published code; taken over by Petersen et al., "GenDR",
    CVPR 2022.

    >>> start = sphere(1, 0.5)
    >>> bool(torch.allclose(OctantShape(start).vertices(), start.vertices, atol=1e-6))
    True
    """

    def __init__(self, start: Mesh) -> None:
        magnitude = start.vertices.abs()
        self._base = torch.logit(magnitude)  # -inf at 0: a vertex on a plane between octants stays on it
        self._sign = start.vertices.sign()
        self._displacement = torch.zeros_like(magnitude, requires_grad=True)
        self._centre = magnitude.new_zeros(1, 3).requires_grad_()
        self.parameters = [self._displacement, self._centre]

    def vertices(self) -> Tensor:
        """The displaced start about the moved centre."""
        centre = torch.tanh(self._centre)
        offset = torch.sigmoid(self._base + self._displacement) * self._sign
        return offset * (1.0 - self._sign * centre) + centre


def sphere(level: int = 3, radius: float = 0.5, seed: int | None = None) -> Mesh:
    """The start: an icosphere that stands on a vertex and is its own mirror image in `x = 0`.

    Most objects are modelled upright and symmetric in x; a sphere with the same symmetry can follow them. (A sphere
    that lies on an edge, as `Mesh.icosphere` does, ends 0.005 worse on the airplane.)

    Args:
        level: subdivisions; 3 gives 642 vertices.
        radius: half the diameter.
        seed: of Gaussian noise of 1e-6 on every coordinate; None for none.

    >>> sphere(0, 1.0).vertices[:, 1].amax()
    tensor(1.)
    """
    upright = math.atan2(1.0 + math.sqrt(5.0), 2.0)  # from the icosahedron's vertex (0, 1, golden ratio) to the axis
    cos, sin = math.cos(upright), math.sin(upright)
    mesh = Mesh.icosphere(level, radius, torch.float64)
    turn = mesh.vertices.new_tensor([[1.0, 0.0, 0.0], [0.0, cos, -sin], [0.0, sin, cos]])
    vertices = mesh.vertices @ turn.T
    vertices = torch.where(vertices.abs() < 1e-12, 0.0, vertices)
    if seed is not None:
        noise = torch.randn(vertices.shape, generator=torch.Generator().manual_seed(seed), dtype=vertices.dtype)
        vertices = vertices + JITTER * noise
    return mesh.with_vertices(vertices.float())
