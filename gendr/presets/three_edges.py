r"""Coverage by three half-plane tests instead of a distance: the occlusion test of Pix2Vex.

A point is inside a triangle when it is on the inner side of all three edges' lines. Each test is relaxed by itself, and
the three are joined as independent events. With `n_i(p)` the signed distance to the line through edge `i`, positive on
the side of the triangle,

    a_t(p) = F(n_1 / tau) F(n_2 / tau) F(n_3 / tau),

where the other renderers of gendr have `F(d / tau)` with the distance `d` to the triangle itself. Along an edge, far
from corners, the two agree, for there the other two factors are 1. At a corner of interior angle `phi` the product is
smoother and smaller: `a_t = F(0)^2` at the corner itself (1/4 for symmetric `F`, against 1/2), and the level lines
are rounded. A sliver thinner than `tau` fades, since two of its tests are in doubt at once; and beyond an acute corner
of angle `phi` the product falls off slowly, as `F(-r sin(phi / 2) / tau)^2` at the distance `r`, so that slivers grow
spikes where `tau` is large.

In logarithms, `ln a = sum_i ln F(n_i / tau)` and `1 - a = -expm1(ln a)`, nothing cancels or underflows.

Source: Petersen, Bermano, Deussen and Cohen-Or, "Pix2Vex", 2019; Petersen, *Learning with Differentiable Algorithms*
(2022), section 2.5, algorithm 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from gendr import _check
from gendr.render import Raster, Renderer, blending
from gendr.render.culling import CULLS
from gendr.render.rasterize import per_image
from gendr.render.reference import COORDINATE_BOUND, pixel_centres, signed_area, signed_distance, takes_part
from gendr.render.reference_blend import COVERS_FROM, Surface, joined

PAIRS = 2**16
"""Pixel-face pairs that are worked on at once: some 130 MB with all intermediate results in double."""


class _Limits(NamedTuple):
    near: float
    far: float
    cull: str
    cutoff: float


@dataclass(frozen=True)
class ThreeEdges(Renderer):
    """A renderer with the three-edge occlusion test; its distribution is that of each test. No area, no coverage.

    Plain torch, on any device, and slow (see `docs/presets.md`). The image is drawn in blocks of pixels whose
    intermediate results are computed again in the backward pass, so that memory does not grow with the number of
    pixels; a block has at least one pixel and all faces.

    >>> from gendr import Camera, Mesh
    >>> renderer = ThreeEdges(8, tau=0.05)
    >>> renderer(Mesh.icosphere(1, radius=0.3), Camera.look_at()).alpha[0, 4, 4].item() > 0.9
    True
    """

    def _rasterize(
        self,
        face_vertices: Tensor,
        size: tuple[int, int],
        *,
        attributes: Tensor | None = None,
        textures: Any = None,
        blend: str | None = None,
        gamma: float | Tensor = 1e-3,
        eps: float = 1e-3,
        perspective: bool = True,
        face_ranges: Tensor | None = None,
        near: float = 1.0,
        far: float = 100.0,
        cull: str = "none",
        cutoff: float = 1e-6,
        **_others: Any,
    ) -> Raster:
        """Arguments and result as for `gendr.rasterize`, but for the backend; derivatives of any order.

        Raises:
            TypeError, ValueError: wrong kinds, shapes or dtypes, values that are not finite or out of range.

        >>> triangle = torch.tensor([[[[-0.5, -0.5, 2.0], [0.5, -0.5, 2.0], [0.0, 0.5, 2.0]]]])
        >>> ThreeEdges(tau=0.1)._rasterize(triangle, (4, 4)).alpha[0, 2]
        tensor([0.0312, 0.6939, 0.6939, 0.0312])
        """
        batch = len(face_vertices) if face_ranges is None else len(face_ranges)
        scale = self._checked(face_vertices, batch)
        limits = _Limits(near, far, _check.choice("cull", cull, CULLS), _check.number("cutoff", cutoff, 0.0, 0.5))
        surface = blending.checked(attributes, textures, blend, gamma, eps, perspective, face_vertices, face_ranges)
        pixels = pixel_centres(*size, face_vertices)
        images = []
        for index in range(batch):
            faces, shown = _image(index, face_vertices, face_ranges, surface)
            blocks = pixels.split(max(1, PAIRS // max(1, len(faces))))
            parts = [self._block(faces, shown, scale[index], block, limits) for block in blocks]
            images.append([torch.cat(column) for column in zip(*parts, strict=True)])
        if not images:
            return Raster(face_vertices.new_zeros(0, *size))
        stacked = [torch.stack(column).unflatten(1, size) for column in zip(*images, strict=True)]
        alpha = stacked[0].to(face_vertices.dtype)
        if surface is None:
            return Raster(alpha)
        features, depth, behind = blending.over_background(stacked[1].to(face_vertices.dtype), None, far)
        return Raster(alpha, features, depth, behind, stacked[2] if surface.is_hard else None)

    def _checked(self, face_vertices: Tensor, batch: int) -> Tensor:
        """Tau of every image."""
        _check.tensor("face_vertices", face_vertices, ["*", 3, 3])
        if not bool(torch.isfinite(face_vertices).all()):
            _check.fail("face_vertices", "finite values", "some that are not")
        scale = per_image("tau", self.tau, face_vertices, batch)
        if not bool(((scale >= 0.99e-30) & (scale <= 1.01e30)).all()):
            _check.fail("tau", "values in [1e-30, 1e30]", f"{scale.detach().min():g} to {scale.detach().max():g}")
        return scale

    def _block(
        self, faces: Tensor, surface: Surface | None, tau: Tensor, pixels: Tensor, limits: _Limits
    ) -> tuple[Tensor, ...]:
        """`_at` for the faces that matter; its intermediate results are forgotten, and computed again when needed."""
        reach = self._reach(faces.detach(), tau.detach(), pixels, limits)
        near, shown = faces[reach], None if surface is None else _of_faces(surface, reach)
        number = torch.cat([reach.nonzero()[:, 0], reach.new_full((1,), -1, dtype=torch.int64)])
        if torch.is_grad_enabled():
            options: dict[str, Any] = {"use_reentrant": False, "preserve_rng_state": False}
            found = checkpoint(self._at, near, shown, tau, pixels, limits, **options)
        else:
            found = self._at(near, shown, tau, pixels, limits)
        return found if surface is None else (*found[:2], number[found[2]])

    def _reach(self, faces: Tensor, tau: Tensor, pixels: Tensor, limits: _Limits) -> Tensor:
        """Which faces `[F]` can matter at any of the pixels: a face's probability is at most that of its worst test."""
        if not self.t_conorm.is_t_conorm:
            return torch.ones(len(faces), dtype=torch.bool, device=faces.device)  # the mean counts all of them
        best = torch.stack(half_planes(pixels, faces[..., :2])).amin(0).amax(0)
        a = self.distribution.cdf(best, tau)
        return (a >= self.t_conorm.face_cutoff(limits.cutoff)) & (a > 0) | (best >= 2 * COVERS_FROM)

    def _at(
        self, faces: Tensor, surface: Surface | None, tau: Tensor, pixels: Tensor, limits: _Limits
    ) -> tuple[Tensor, ...]:
        """Alpha `[P]`, and with a surface its record `[P, 2 + C]` and the nearest covering face `[P]`."""
        triangles = faces[..., :2]
        tests = torch.stack(half_planes(pixels, triangles))
        log_a = self.distribution.log_cdf(tests, tau).sum(0)
        a, q = torch.exp(log_a), -torch.expm1(log_a.detach())
        counts = takes_part(faces, limits.near, limits.far, limits.cull) & (signed_area(triangles) != 0)
        drawn = counts & (a.detach() >= self.t_conorm.face_cutoff(limits.cutoff)) & (a.detach() > 0)
        a = torch.where(drawn, a, 0)
        alpha = self.t_conorm.aggregate(a, dim=-1, q=torch.where(drawn, q, 1))
        if surface is None:
            return (alpha,)
        covers = (
            counts & (signed_distance(pixels.to(a), triangles.detach()) >= COVERS_FROM) if surface.is_hard else drawn
        )
        record, nearest = joined(a[None], covers[None], pixels.to(a), faces[None], surface, limits.near, limits.far)
        return alpha, record[0], nearest[0]


def _image(
    index: int, face_vertices: Tensor, face_ranges: Tensor | None, surface: Surface | None
) -> tuple[Tensor, Surface | None]:
    """One image's faces `[F, 3, 3]` in double, and what they show."""
    if face_ranges is None:
        faces, which = face_vertices[index], slice(None)
        row = index
    else:
        which = slice(*face_ranges[index].tolist())
        faces, row = face_vertices[which], 0
    faces = faces.clamp(-COORDINATE_BOUND, COORDINATE_BOUND).double()
    if surface is None:
        return faces, None
    attributes, textures = surface.attributes, surface.textures
    if attributes is not None:
        own = attributes if face_ranges is None else attributes[None]
        attributes = own[row if len(own) > 1 else 0][which].double()[None]
    if textures is not None:
        textures = textures.to(dtype=torch.float64)
        uvs = textures.uvs[row if len(textures.uvs) > 1 else 0][which]
        textures = replace(textures, uvs=uvs[None], map_of_face=textures.map_of_face[which])
    return faces, replace(surface, attributes=attributes, textures=textures, gamma=surface.gamma.double())


def _of_faces(surface: Surface, which: Tensor) -> Surface:
    attributes, textures = surface.attributes, surface.textures
    if attributes is not None:
        attributes = attributes[:, which]
    if textures is not None:
        textures = replace(textures, uvs=textures.uvs[:, which], map_of_face=textures.map_of_face[which])
    return replace(surface, attributes=attributes, textures=textures)


def half_planes(points: Tensor, triangles: Tensor) -> list[Tensor]:
    """Signed distances to the lines through a triangle's three edges, positive on the triangle's side.

    Args:
        points: `[P, 2]`.
        triangles: `[F, 3, 2]`, of either winding; those of no area give finite numbers without a meaning.

    Returns:
        Three tensors `[P, F]`.

    >>> triangle = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
    >>> [n.item() for n in half_planes(torch.tensor([[0.25, -3.0]]), triangle)]
    [-3.0, 2.6516504287719727, 0.25]
    """
    turn = torch.where(signed_area(triangles) < 0, -1.0, 1.0).to(triangles.dtype)
    at = points.to(triangles.dtype)[:, None, :]
    distances = []
    for i in range(3):
        start, end = triangles[:, i], triangles[:, (i + 1) % 3]
        edge = end - start
        square = (edge * edge).sum(-1)
        length = torch.where(square > 0, square, 1).sqrt()
        across = edge[..., 0] * (at - start)[..., 1] - edge[..., 1] * (at - start)[..., 0]
        distances.append(turn * across / length)
    return distances
