"""What the tests of blending share: scenes with everything that faces can show, and all gradients of a drawing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from gendr import rasterize
from gendr.distributions import Distribution
from gendr.render import FaceTextures
from gendr.tnorms import TNorm
from renderers import random_triangles, softness

LIMITS = {"near": 1.0, "far": 5.0}


@dataclass(frozen=True)
class BlendScene:
    """Faces, what they show, and how a loss weighs alpha, depth and features. All tensors in float64."""

    corners: Tensor  # [B, F, 3, 3]
    attributes: Tensor  # [B or 1, F, 3, C]
    uvs: Tensor  # [B or 1, F, 3, 2]
    texels: Tensor  # [N, C']
    maps: Tensor
    map_of_face: Tensor
    background: Tensor
    weights: Tensor  # [B, 2 + C + C', H, W]
    wrap: str = "repeat"

    @property
    def size(self) -> tuple[int, int]:
        return self.weights.shape[2], self.weights.shape[3]

    def tensors(self) -> dict[str, Tensor]:
        names = ("attributes", "uvs", "texels", "background")
        return {"face_vertices": self.corners} | {name: getattr(self, name) for name in names}


def as_float32(values: Tensor) -> Tensor:
    """Numbers that both precisions hold, so that both see the same scene."""
    return values.float().double()


def blend_scene(
    batch: int = 2, faces: int = 6, size: tuple[int, int] = (8, 12), shared: bool = False, wrap: str = "repeat"
) -> BlendScene:
    """Triangles over the image at depths from 1.5 to 4.5, two attributes, and textures of three sizes."""
    corners = random_triangles(batch, faces)
    corners[..., 2] = as_float32(1.5 + 3 * torch.rand(batch, faces, 3))
    own = 1 if shared else batch
    sizes = torch.tensor([[4, 5], [1, 1], [1, 3]])
    area = sizes.prod(1)
    return BlendScene(
        corners=corners,
        attributes=as_float32(torch.rand(own, faces, 3, 2)),
        uvs=as_float32(3 * torch.rand(own, faces, 3, 2) - 1),
        texels=as_float32(torch.rand(int(area.sum()), 2)),
        maps=torch.cat([(area.cumsum(0) - area)[:, None], sizes], 1),
        map_of_face=torch.arange(faces) % 3,
        background=as_float32(torch.rand(4) if shared else torch.rand(batch, 4, *size)),
        weights=as_float32(torch.rand(batch, 6, *size) - 0.3),
        wrap=wrap,
    )


@dataclass(frozen=True)
class Drawing:
    """What was drawn, in float64, and the gradients of its weighted sum."""

    alpha: Tensor
    depth: Tensor
    features: Tensor
    background_weight: Tensor
    face_id: Tensor | None
    gradients: dict[str, Tensor] = field(default_factory=dict)

    def values(self) -> dict[str, Tensor]:
        return {name: getattr(self, name) for name in ("alpha", "depth", "features", "background_weight")}

    def is_finite(self) -> bool:
        return all(bool(torch.isfinite(t).all()) for t in (*self.values().values(), *self.gradients.values()))


def draw(
    scene: BlendScene,
    distribution: Distribution,
    t_conorm: TNorm,
    backend: str = "cpu",
    dtype: torch.dtype = torch.float64,
    *,
    tau: float | Tensor | None = None,
    gamma: float = 0.05,
    eps: float = 0.1,
    blend: str = "soft",
    shift: float = 0.1,
    **options: Any,
) -> Drawing:
    """Rasterize, and differentiate the weighted sum of alpha, depth and features in everything that has a gradient."""
    batch = len(scene.corners)
    numbers = {
        "tau": softness(distribution, batch, torch.float64) if tau is None else torch.as_tensor(tau).expand(batch),
        "shift": torch.tensor(shift),
        "gamma": torch.tensor(gamma),
    }
    if t_conorm.p is not None:
        numbers["p"] = torch.tensor(float(t_conorm.p))
    leaves = {n: t.detach().to(dtype).clone().requires_grad_() for n, t in (scene.tensors() | numbers).items()}
    textures = FaceTextures(leaves["uvs"], leaves["texels"], scene.maps, scene.map_of_face, scene.wrap)
    raster = rasterize(
        leaves["face_vertices"],
        scene.size,
        distribution.shifted(leaves["shift"]),
        leaves["tau"],
        t_conorm if t_conorm.p is None else type(t_conorm)(p=leaves["p"]),
        attributes=leaves["attributes"],
        textures=textures,
        blend=blend,
        gamma=leaves["gamma"],
        eps=eps,
        background=leaves["background"],
        backend=backend,
        **(LIMITS | options),
    )
    joined = torch.cat([raster.alpha[:, None], raster.depth[:, None], raster.features], 1)
    loss = (joined * scene.weights.to(dtype)).sum()
    gradients = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    found = {
        n: (torch.zeros_like(leaf) if g is None else g).double()
        for (n, leaf), g in zip(leaves.items(), gradients, strict=True)
    }
    values = [t.detach().double() for t in (raster.alpha, raster.depth, raster.features, raster.background_weight)]
    return Drawing(*values, raster.face_id, found)
