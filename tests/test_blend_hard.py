"""Which face is seen where blending is hard: a matter of geometry, whatever the distribution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from unittest import mock

import numpy as np
import pytest
import torch
from torch import Tensor

import cuda_host
from gendr import Mesh, _ops, rasterize
from gendr.distributions import Distribution, Exponential, Gamma, Levy
from gendr.presets import ThreeEdges
from gendr.render import Raster, blending
from gendr.tnorms import Probabilistic, TNorm, Yager
from renderers import distributions

SIZES = ((16, 16), (12, 40), (24, 9), (1, 1))
PARTS = 16  # of a pixel: corners lie on a grid this fine, so that every edge misses a pixel by 3e-6 or meets it


@dataclass
class Silhouette:
    """A closed mesh on the image, and by integer arithmetic which faces hold which pixel's centre."""

    corners: np.ndarray  # int64 [F, 3, 2], (col, row) in parts of a pixel
    depth: np.ndarray  # [F, 3]
    size: tuple[int, int]

    @classmethod
    def random(cls, seed: int) -> Silhouette:
        """A sphere turned and dented; its corners on pixels' centres, on their parts, or half and half."""
        draw = np.random.default_rng(seed)
        size = SIZES[seed % len(SIZES)]
        sphere = Mesh.icosphere(1)
        turn, _ = np.linalg.qr(draw.normal(size=(3, 3)))
        points = sphere.vertices.numpy() @ turn.T * draw.uniform(0.7, 1.3, (len(sphere.vertices), 1))
        across = np.array([size[1], size[0]])
        middle = (across - 1) / 2 + draw.uniform(-2, 2, 2)
        grid = draw.choice([1, PARTS], (len(points), 1), p=[(1, 0), (0, 1), (0.5, 0.5)][seed % 3])
        pixels = np.rint((middle + points[:, :2] * across.min() * draw.uniform(0.2, 0.7)) * grid) * (PARTS // grid)
        faces = sphere.faces.numpy()
        return cls(pixels.astype(np.int64)[faces], (3.0 + points[:, 2])[faces], size)

    def face_vertices(self, dtype: torch.dtype) -> Tensor:
        """`[1, F, 3, 3]`."""
        height, width = self.size
        col, row = self.corners[..., 0] / PARTS, self.corners[..., 1] / PARTS
        x, y = (2 * col + 1 - width) / height, (height - 1 - 2 * row) / height
        return torch.tensor(np.stack([x, y, self.depth], -1), dtype=dtype)[None]

    def holds(self) -> tuple[np.ndarray, np.ndarray]:
        """Bool `[H, W, F]`: whether the pixel's centre is in a face or on its rim; `[F]`: whether the face has area."""
        row, col = np.mgrid[: self.size[0], : self.size[1]] * PARTS
        at = np.stack([col, row], -1)[:, :, None]
        a, b, c = self.corners.transpose(1, 0, 2)
        area = _cross(b - a, c - a)
        sides = [_cross(w - v, at - v) * np.where(area < 0, -1, 1) for v, w in ((a, b), (b, c), (c, a))]
        in_box = ((at >= self.corners.min(1)) & (at <= self.corners.max(1))).all(-1)
        return (np.stack(sides) >= 0).all(0) & in_box, area != 0

    def depths(self) -> np.ndarray:
        """`[H, W, F]`, from the planes of 1 / depth; without a meaning outside of faces or where they have no area."""
        row, col = np.mgrid[: self.size[0], : self.size[1]] * PARTS
        a, b, c = self.corners.transpose(1, 0, 2).astype(float)
        area = np.where(_cross(b - a, c - a) == 0, 1, _cross(b - a, c - a))
        at = np.stack([col, row], -1)[:, :, None]
        shares = [_cross(w - v, at - v) / area for v, w in ((b, c), (c, a), (a, b))]
        return 1 / np.maximum(sum(s / z for s, z in zip(shares, self.depth.T, strict=True)), 1e-9)


def _cross(v: np.ndarray, w: np.ndarray) -> np.ndarray:
    return v[..., 0] * w[..., 1] - v[..., 1] * w[..., 0]


def drawn_by_cuda(*args: object, **options: object) -> Raster:
    """The GPU's kernels on the processor."""
    host = cuda_host.Host(cuda_host.library(), "shuffled")

    def coverage(points: Tensor, tau: Tensor, shift: Tensor, p: Tensor, how: tuple, ranges: None) -> Tensor:
        return host.coverage(points, tau, shift, p, ranges, *how)[0]

    def blend(points, tau, shift, p, gamma, surface, blend_options, how, ranges) -> _ops.Blended:
        alpha, _, record, state = host.blend(points, tau, shift, p, gamma, *surface, ranges, *blend_options, *how)
        return _ops.Blended(alpha, record, state)

    with mock.patch.multiple(blending._ops, coverage=coverage, blend=blend):
        raster = rasterize(*args, **options)  # type: ignore[arg-type]
    assert host.status == ()
    return raster


def drawn_by_three_edges(
    faces: Tensor, size: tuple[int, int], distribution: Distribution, tau: float, t_conorm: TNorm, blend: str
) -> Raster:
    return ThreeEdges(size, distribution, tau, t_conorm)._rasterize(faces, size, blend=blend)


def drawn_by_reference(*args: object, **options: object) -> Raster:
    return rasterize(*args, backend="reference", **options)  # type: ignore[arg-type]


def check(draw: Callable[..., Raster], dtype: torch.dtype, distribution: Distribution, seed: int) -> None:
    """Every pixel of the silhouette has a face, one that holds it and is nearest; no other pixel has one."""
    scene = Silhouette.random(seed)
    tau = (1e-4, 1e-2, 1.0)[seed % 3]
    conorm = (Probabilistic(), Yager(p=0.5))[seed % 2]
    raster = draw(scene.face_vertices(dtype), scene.size, distribution, tau, conorm, blend="hard")
    assert raster.face_id is not None
    face, where = raster.face_id[0].numpy(), (str(distribution), seed)
    holds, has_area = scene.holds()
    assert (face >= 0)[(holds & has_area).any(-1)].all(), where
    assert (face < 0)[~holds.any(-1)].all(), where
    row, col = np.nonzero((holds & has_area).any(-1))
    assert holds[row, col, face[row, col]].all(), where
    nearest = np.where(holds & has_area, scene.depths(), np.inf).min(-1)
    assert (raster.depth[0].double().numpy() <= nearest * (1 + 1e-5))[row, col].all(), where  # float32's rounding


BACKENDS = {"cpu": rasterize, "reference": drawn_by_reference, "three edges": drawn_by_three_edges}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)  # tensors this small are quicker alone


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_silhouette_has_no_holes_for_any_distribution(backend, dtype):
    """Those whose mass lies inside give a pixel on an edge, or in a band along it, to no face that is likely there."""
    for seed, distribution in enumerate(distributions()):
        check(BACKENDS[backend], dtype, distribution, seed)


@pytest.mark.skipif(cuda_host.compiler() is None, reason="no C++ compiler to build the shim with")
@pytest.mark.parametrize("distribution", [Exponential(), Gamma(p=2.0).squared(), Levy()], ids=str)
def test_nor_on_the_gpu(distribution):
    for seed in (0, 1):
        check(drawn_by_cuda, torch.float32, distribution, seed)


def test_what_is_seen_does_not_depend_on_tau_or_distribution():
    """Values and gradients of depth and features: bit for bit."""
    scene = Silhouette.random(5)
    colours = torch.rand(1, 80, 3, 2, dtype=torch.float64)
    seen = []
    for distribution, tau in ((Levy(), 1.0), (Exponential().squared(), 1e-3), (Gamma(p=0.5).reversed(), 0.3)):
        points = scene.face_vertices(torch.float64).requires_grad_()
        raster = rasterize(points, scene.size, distribution, tau, attributes=colours, blend="hard")
        assert raster.features is not None
        (gradient,) = torch.autograd.grad(raster.features.square().sum() + raster.depth.sum(), points)
        seen.append((raster.face_id, raster.features.detach(), raster.depth.detach(), gradient))
        assert gradient.abs().sum() > 0
    for other in seen[1:]:
        assert all(torch.equal(a, b) for a, b in zip(seen[0], other, strict=True))
