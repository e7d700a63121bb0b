"""The renderers and scenes that the rasterizer's tests run over: everything follows from the registries."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gendr import rasterize
from gendr.distributions import DISTRIBUTIONS, Distribution
from gendr.tnorms import TNORMS, TNorm

PARAMETERS = (0.5, 2.0, 8.0)
"""Of the T-conorms that have one: steep at 0, the thesis's middle, and a large one that needs the log domain."""


def distributions() -> list[Distribution]:
    """Every distribution, plain, reversed, squared and both."""
    bases: list[Distribution] = []
    for cls in DISTRIBUTIONS.values():
        shapes = [{"p": p} for p in (0.5, 1.0, 2.0)] if "p" in cls.parameters else [{}]
        bases += [cls(**shape) for shape in shapes]
    mirrored = [d for base in bases for d in (base, base.reversed())]
    return [d for one in mirrored for d in (one, one.squared())]


def t_conorms(like: Tensor | None = None) -> list[TNorm]:
    """Every T-conorm and Average, with each parameter; as tensors that take gradients where `like` is given."""
    members: list[TNorm] = []
    for cls in TNORMS.values():
        if cls.p_range is None:
            members.append(cls())
            continue
        sign = -1.0 if cls.p_range[1] <= 0 else 1.0
        for p in PARAMETERS:
            members.append(
                cls(p=sign * p if like is None else torch.tensor(sign * p, dtype=like.dtype).requires_grad_())
            )
    return members


def random_triangles(batch: int, faces: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Triangles strewn over the image and somewhat beyond it, `[B, F, 3, 3]`."""
    corners = torch.rand(batch, faces, 3, 3, dtype=torch.float32) * 1.6 - 0.8
    corners[..., 2] = 2.0
    return corners.to(dtype)  # float32 values, so that both precisions see the same scene


def softness(distribution: Distribution, batch: int, dtype: torch.dtype) -> Tensor:
    """A tau for each image, wide enough that many faces reach each pixel."""
    low = 0.02 if distribution.is_squared else 0.1
    return torch.linspace(low, 2.5 * low, batch, dtype=dtype)


@dataclass(frozen=True)
class Outcome:
    """Alpha, and the gradients of its weighted sum."""

    alpha: Tensor
    gradients: dict[str, Tensor]

    def is_finite(self) -> bool:
        return all(bool(torch.isfinite(t).all()) for t in (self.alpha, *self.gradients.values()))


def render(
    triangles: Tensor,
    weights: Tensor,
    distribution: Distribution,
    t_conorm: TNorm,
    backend: str,
    dtype: torch.dtype = torch.float64,
    tau: Tensor | None = None,
    **options: float,
) -> Outcome:
    """Rasterize, and differentiate `sum(weights * alpha)` in everything that has a gradient."""
    corners = triangles.to(dtype).clone().requires_grad_()
    scale = (softness(distribution, len(triangles), dtype) if tau is None else tau.to(dtype)).clone().requires_grad_()
    shift = torch.tensor(0.1, dtype=dtype).requires_grad_()
    inputs = {"face_vertices": corners, "tau": scale, "shift": shift}
    if t_conorm.p is not None:
        inputs["p"] = torch.tensor(float(t_conorm.p), dtype=dtype).requires_grad_()
        t_conorm = type(t_conorm)(p=inputs["p"])
    shape = weights.shape[-2:]
    alpha = rasterize(corners, shape, distribution.shifted(shift), scale, t_conorm, backend=backend, **options).alpha
    gradients = torch.autograd.grad((alpha * weights.to(dtype)).sum(), list(inputs.values()), allow_unused=True)
    filled = [torch.zeros_like(i) if g is None else g for i, g in zip(inputs.values(), gradients, strict=True)]
    return Outcome(alpha.detach().double(), {n: g.double() for n, g in zip(inputs, filled, strict=True)})


def relative_error(got: Tensor, want: Tensor, floor: float = 1e-12) -> float:
    """L2 error relative to the L2 norm of `want`."""
    return float((got - want).norm() / (want.norm() + floor))
