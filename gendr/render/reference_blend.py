"""Blending in plain torch: slow, complete, differentiable to any order. The oracle of the blending kernels.

Like `reference.coverage` it forms all pixel-face pairs at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gendr.distributions import Distribution
from gendr.render import reference
from gendr.render.texture import FaceTextures
from gendr.tnorms import TNorm

THINNEST = 1e-12  # half image heights; this and what follows as in kernels/include/gendr/{surface,blend}.h
LEAST_DEPTH = 1e-6
COVERS_FROM = -1e-6
LEAST_LAMBDA = 1e-30


@dataclass(frozen=True)
class Surface:
    """What faces show, and how they are joined.

    Attributes:
        attributes: `[B or 1, F, 3, C]` or None.
        textures: sampled at every pair, or None.
        gamma: `[]`.
        eps: the background's depth in the softmax, as a share of the way from far to near.
        is_hard: the nearest covering face instead of a softmax.
        is_perspective: interpolate in `1 / z`.
    """

    attributes: Tensor | None
    textures: FaceTextures | None
    gamma: Tensor
    eps: float
    is_hard: bool
    is_perspective: bool


def record(
    face_vertices: Tensor,
    tau: Tensor,
    pixels: Tensor,
    distribution: Distribution,
    t_conorm: TNorm,
    surface: Surface,
    *,
    near: float,
    far: float,
    cull: str,
    cutoff: float,
) -> tuple[Tensor, Tensor]:
    r"""Background weight, depth and features at given points.

    Soft: `w_t = a_t exp((near - z_t) / ((far - near) gamma)) / S`, `w_b = exp((eps - 1) / gamma) / S`, with `S` such
    that all add up to 1: the published weights less a factor that all share. Hard: 1 for the nearest face that covers
    the point, whatever its probability, the lowest index among equals.

    Returns:
        `[B, P, 2 + C]` of `w_b`, `sum w_t z_t`, `sum w_t c_t`, and int64 `[B, P]`, the nearest covering face, -1 for
        none.

    >>> from gendr.distributions import Logistic
    >>> from gendr.tnorms import Probabilistic
    >>> triangle = torch.tensor([[[[0.0, 0.0, 2.0], [1.0, 0.0, 2.0], [0.0, 1.0, 2.0]]]])
    >>> surface = Surface(torch.eye(3)[None, None], None, torch.tensor(1e-2), 0.0, True, True)
    >>> options = dict(near=1.0, far=100.0, cull="none", cutoff=0.0)
    >>> inner = torch.tensor([[0.25, 0.5]])
    >>> record(triangle, torch.tensor([0.1]), inner, Logistic(), Probabilistic(), surface, **options)[0][..., 1:]
    tensor([[[2.0000, 0.2500, 0.2500, 0.5000]]])
    """
    triangles = _bounded(face_vertices)
    distance = reference.signed_distance(pixels, triangles)  # [B, P, F]
    a = distribution.cdf(distance, tau[:, None, None])
    least = max(t_conorm.face_cutoff(cutoff), 0.0)
    counts = (a.detach() >= least) & (a.detach() > 0)
    is_drawn = reference.takes_part(face_vertices, near, far, cull)[:, None, :]
    covers = is_drawn & (distance.detach() >= COVERS_FROM)
    return joined(torch.where(counts & is_drawn, a, 0), covers, pixels, face_vertices, surface, near, far)


def joined(
    a: Tensor, covers: Tensor, pixels: Tensor, face_vertices: Tensor, surface: Surface, near: float, far: float
) -> tuple[Tensor, Tensor]:
    """The record of `record`, for occlusions that are known, wherever they come from.

    Args:
        a: `[B, P, F]`, 0 where a face is not drawn.
        covers: bool `[B, P, F]`, where a face counts as covering the point for hard blending.
        pixels: `[P, 2]`.
        face_vertices: `[B, F, 3, 3]`.
        surface: what the faces show.
        near: see `gendr.rasterize`.
        far: see there.

    >>> triangle = torch.tensor([[[[0.0, 0.0, 2.0], [1.0, 0.0, 2.0], [0.0, 1.0, 2.0]]]])
    >>> surface = Surface(None, None, torch.tensor(1e-2), 0.0, False, True)
    >>> a = torch.full((1, 1, 1), 0.5)
    >>> joined(a, a > 0, torch.tensor([[0.25, 0.5]]), triangle, surface, 1.0, 100.0)[0][..., 1:]
    tensor([[[2.]]])
    """
    triangles = _bounded(face_vertices)
    weights = barycentrics(pixels, triangles, face_vertices[..., 2], surface.is_perspective)  # [B, P, F, 3]
    depth = (weights * face_vertices[:, None, :, :, 2]).sum(-1)
    nearest = _nearest(depth.detach(), covers)
    if surface.is_hard:
        share = (torch.arange(depth.shape[2], device=depth.device) == nearest[..., None]).to(depth)
        background = (nearest < 0).to(depth)
    else:
        share, background = _shares(a, depth, surface, near, far)
    features = [depth[..., None], *_features(weights, surface)]
    values = torch.cat([(share[..., None] * f).sum(2) for f in features], -1)
    return torch.cat([background[..., None], values], -1), nearest


def barycentrics(pixels: Tensor, triangles: Tensor, depth: Tensor, is_perspective: bool) -> Tensor:
    """Barycentric coordinates, held to the triangle, corrected for perspective; `[B, P, F, 3]`.

    Triangles without area, or thinner than 1e-12 half image heights, show their middle.

    >>> triangle = torch.tensor([[[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]]])
    >>> barycentrics(torch.tensor([[0.5, 0.25]]), triangle, torch.tensor([[[1.0, 2.0, 1.0]]]), True)[0, 0, 0]
    tensor([0.3333, 0.3333, 0.3333])
    """
    a, b, c = triangles[:, None].unbind(-2)  # [B, 1, F, 2]
    at = pixels[None, :, None]
    area = _cross(b - a, c - a)
    with torch.no_grad():
        longest = torch.stack([(b - a).norm(dim=-1), (c - b).norm(dim=-1), (a - c).norm(dim=-1)]).amax(0)
        has_middle = area.abs() <= longest * THINNEST
    safe = torch.where(has_middle, 1, area)
    whole = [_cross(v - at, w - at) / safe for v, w in ((b, c), (c, a), (a, b))]
    planar = torch.where(has_middle[..., None], 1 / 3, torch.stack(whole, -1)).clamp(LEAST_LAMBDA, 1)
    if is_perspective:
        planar = planar / depth.clamp_min(LEAST_DEPTH)[:, None]
    return planar / planar.sum(-1, keepdim=True)


def _bounded(face_vertices: Tensor) -> Tensor:
    """The corners on the image plane, `[B, F, 3, 2]`."""
    return face_vertices[..., :2].clamp(-reference.COORDINATE_BOUND, reference.COORDINATE_BOUND)


def _cross(v: Tensor, w: Tensor) -> Tensor:
    return v[..., 0] * w[..., 1] - v[..., 1] * w[..., 0]


def _nearest(depth: Tensor, covers: Tensor) -> Tensor:
    if not depth.shape[2]:
        return torch.full(depth.shape[:2], -1, dtype=torch.int64, device=depth.device)
    seen = torch.where(covers, depth, torch.inf)
    order = torch.arange(depth.shape[2], device=depth.device)
    first = torch.where(seen == seen.amin(-1, keepdim=True), order, depth.shape[2]).amin(-1)
    return torch.where(covers.any(-1), first, -1)


def _shares(a: Tensor, depth: Tensor, surface: Surface, near: float, far: float) -> tuple[Tensor, Tensor]:
    has_any = a > 0
    gamma = surface.gamma
    exponent = (near - depth) / (max(far - near, 1e-30) * gamma) + torch.where(has_any, a, 1).log()
    exponent = torch.where(has_any, exponent, -torch.inf)
    behind = ((surface.eps - 1) / gamma).expand(*depth.shape[:2], 1)
    share = torch.cat([behind, exponent], -1).softmax(-1)
    return share[..., 1:], share[..., 0]


def _features(weights: Tensor, surface: Surface) -> list[Tensor]:
    """Of every pair, `[B, P, F, C]`: attributes, then the texture."""
    found = []
    if surface.attributes is not None:
        found.append(torch.einsum("bpfi,bfic->bpfc", weights, surface.attributes.expand(len(weights), -1, -1, -1)))
    if surface.textures is not None:
        uvs = surface.textures.uvs.expand(len(weights), -1, -1, -1)
        largest = torch.finfo(uvs.dtype).max  # weights may add up to a little more than 1
        at = torch.einsum("bpfi,bfic->bpfc", weights, uvs).clamp(-largest, largest)
        found.append(surface.textures.sample(at, surface.textures.map_of_face))
    return found
