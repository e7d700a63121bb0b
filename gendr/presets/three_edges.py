r"""Coverage by three half-plane tests instead of a distance: the occlusion test of Pix2Vex.

A point is inside a triangle when it is on the inner side of all three edges' lines. Each test is relaxed by itself, and
the three are joined as independent events. With `n_i(p)` the signed distance to the line through edge `i`, positive on
the side of the triangle,

    a_t(p) = F(n_1 / tau) F(n_2 / tau) F(n_3 / tau),

where the other renderers of gendr have `F(d / tau)` with the distance `d` to the triangle itself. Along an edge, far
from corners, the two agree, for there the other two factors are 1. At a corner of interior angle `phi` the product is
smoother and smaller: `a_t = F(0)^2` at the corner itself (1/4 for symmetric `F`, against 1/2), and the level lines
are rounded. A sliver thinner than `tau` fades, since two of its tests are in doubt at once.

In logarithms, `ln a = sum_i ln F(n_i / tau)` and `1 - a = -expm1(ln a)`, nothing cancels or underflows.

Source: Petersen, Bermano, Deussen and Cohen-Or, "Pix2Vex", 2019; Petersen, *Learning with Differentiable Algorithms*
(2022), section 2.5, algorithm 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from gendr import _check
from gendr._types import Alpha, FaceVertices
from gendr.distributions import Distribution, Logistic
from gendr.render import Camera, Mesh, Raster
from gendr.render.rasterize import CULLS, image_height_width, per_image
from gendr.render.reference import COORDINATE_BOUND, pixel_centres, signed_area, takes_part
from gendr.tnorms import Probabilistic, TNorm

PAIRS = 2**16
"""Pixel-face pairs that are worked on at once: some 130 MB with all intermediate results in double."""


@dataclass(frozen=True)
class ThreeEdges:
    """A renderer with the three-edge occlusion test. Call it as a `gendr.Renderer`.

    Plain torch, on any device, and slow (see `docs/presets.md`). The image is drawn in blocks of pixels whose
    intermediate results are computed again in the backward pass, so that memory does not grow with the number of
    pixels; a block has at least one pixel and all faces.

    Attributes:
        image_size: `H = W`, or `(H, W)`, in pixels.
        distribution: `F`, of each of the three tests.
        tau: softness in half image heights (squared, when the distribution is): a number, or a tensor `[]` or `[B]`.
        t_conorm: joins the faces over a pixel.
        near: a face is drawn where all its depths lie in `[near, far]`.
        far: see `near`.
        cull: "none", "back" or "front".
        cutoff: faces less probable than this at a pixel are skipped there; 0 skips none.

    >>> renderer = ThreeEdges(8, tau=0.05)
    >>> renderer(Mesh.icosphere(1, radius=0.3), Camera.look_at()).alpha[0, 4, 4].item() > 0.9
    True
    """

    image_size: int | Sequence[int] = 256
    distribution: Distribution = field(default_factory=Logistic)
    tau: float | Tensor = 1e-2
    t_conorm: TNorm = field(default_factory=Probabilistic)
    near: float = 1.0
    far: float = 100.0
    cull: str = "none"
    cutoff: float = 1e-6

    def __call__(self, mesh: Mesh, camera: Camera) -> Raster:
        """Draw every view of `camera`; arguments and result as for `gendr.Renderer`."""
        return Raster(self.coverage(camera.project(mesh.vertices)[:, mesh.faces]))

    def coverage(self, face_vertices: FaceVertices) -> Alpha:
        """Alpha of every pixel, differentiable to any order in `face_vertices`, `tau` and the parameters.

        Args:
            face_vertices: `[B, F, 3, 3]`, float32 or float64: NDC x, y and depth; any winding. Faces of no area cover
                nothing.

        Returns:
            `[B, H, W]`, in the dtype of `face_vertices`.

        Raises:
            TypeError, ValueError: wrong kinds, shapes or dtypes, values that are not finite or out of range.

        >>> triangle = torch.tensor([[[[-0.5, -0.5, 2.0], [0.5, -0.5, 2.0], [0.0, 0.5, 2.0]]]])
        >>> ThreeEdges(4, tau=0.1).coverage(triangle)[0, 2]
        tensor([0.0312, 0.6939, 0.6939, 0.0312])
        """
        _check.tensor("face_vertices", face_vertices, ["B", "F", 3, 3])
        if not bool(torch.isfinite(face_vertices).all()):
            _check.fail("face_vertices", "finite values", "some that are not")
        height, width = image_height_width(self.image_size)
        scale = per_image("tau", self.tau, face_vertices, len(face_vertices))
        if not bool(((scale >= 0.99e-30) & (scale <= 1.01e30)).all()):
            _check.fail("tau", "values in [1e-30, 1e30]", f"{scale.detach().min():g} to {scale.detach().max():g}")
        _check.choice("cull", self.cull, CULLS)
        _check.number("cutoff", self.cutoff, 0.0, 0.5)
        _check.number("far", self.far, _check.number("near", self.near))
        blocks = pixel_centres(height, width, face_vertices).split(max(1, PAIRS // max(1, face_vertices.shape[1])))
        faces = face_vertices.clamp(-COORDINATE_BOUND, COORDINATE_BOUND).double()
        images = [torch.cat([self._block(f, t, block) for block in blocks]) for f, t in zip(faces, scale, strict=True)]
        if not images:
            return face_vertices.new_zeros(0, height, width)
        return torch.stack(images).reshape(-1, height, width).to(face_vertices.dtype)

    def _block(self, faces: Tensor, tau: Tensor, pixels: Tensor) -> Tensor:
        """`[P]`; where there is a gradient, its intermediate results are forgotten and computed again."""
        near = faces[self._reach(faces.detach(), tau.detach(), pixels)]
        if not torch.is_grad_enabled():
            return self._at(near, tau, pixels)
        alpha: Tensor = checkpoint(self._at, near, tau, pixels, use_reentrant=False, preserve_rng_state=False)
        return alpha

    def _reach(self, faces: Tensor, tau: Tensor, pixels: Tensor) -> Tensor:
        """Which faces `[F]` can matter at any of the pixels: a face's probability is at most that of its worst test."""
        if not self.t_conorm.is_t_conorm:
            return torch.ones(len(faces), dtype=torch.bool, device=faces.device)  # the mean counts all of them
        best = torch.stack(half_planes(pixels, faces[..., :2])).amin(0).amax(0)
        a = self.distribution.cdf(best, tau)
        return (a >= self.t_conorm.face_cutoff(self.cutoff)) & (a > 0)

    def _at(self, faces: Tensor, tau: Tensor, pixels: Tensor) -> Tensor:
        triangles = faces[..., :2]
        log_a = self.distribution.log_cdf(torch.stack(half_planes(pixels, triangles)), tau).sum(0)
        a, q = torch.exp(log_a), -torch.expm1(log_a.detach())
        counts = takes_part(faces, self.near, self.far, self.cull) & (signed_area(triangles) != 0)
        drawn = counts & (a.detach() >= self.t_conorm.face_cutoff(self.cutoff)) & (a.detach() > 0)
        return self.t_conorm.aggregate(torch.where(drawn, a, 0), dim=-1, q=torch.where(drawn, q, 1))


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
