"""The three-edge test against its formula, its gradients, and its behaviour on hard input."""

import numpy as np
import pytest
import torch

from gendr import presets
from gendr.distributions import Cauchy, Gaussian, Logistic, Uniform
from gendr.presets import three_edges
from gendr.render.texture import FaceTextures
from gendr.tnorms import Einstein, Maximum, Probabilistic, Yager
from renderers import random_triangles


def edges(image_size, distribution=None, tau=1e-2, t_conorm=None, **limits):
    """The rasterization of a `ThreeEdges` by itself, as a function of faces."""
    renderer = presets.ThreeEdges(image_size, distribution or Logistic(), tau, t_conorm or Probabilistic())
    size = (image_size, image_size) if isinstance(image_size, int) else image_size
    return lambda corners: renderer._rasterize(corners, size, **limits).alpha


def by_hand(triangles, size, tau):
    """Numpy: the product of three logistic functions of cross products, faces joined by complements."""
    row, col = np.mgrid[:size, :size]
    p = np.stack([(2 * col + 1 - size) / size, (size - 1 - 2 * row) / size], -1)
    misses = np.ones((len(triangles), size, size))
    for image, faces in enumerate(triangles.numpy()):
        for corners in faces[..., :2]:
            inside = np.ones((size, size))
            (ax, ay), (bx, by), (cx, cy) = corners
            turn = np.sign((bx - ax) * (cy - ay) - (by - ay) * (cx - ax))
            for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, 0), strict=True):
                n = turn * ((x1 - x0) * (p[..., 1] - y0) - (y1 - y0) * (p[..., 0] - x0)) / np.hypot(x1 - x0, y1 - y0)
                inside /= 1 + np.exp(np.minimum(-n / tau, 700))
            misses[image] *= 1 - inside
    return 1 - misses


def test_matches_the_formula():
    triangles = random_triangles(2, 7)
    got = edges(9, tau=0.07, cutoff=0.0)(triangles)
    assert np.abs(got.numpy() - by_hand(triangles, 9, 0.07)).max() < 1e-14  # float64 on both sides


@pytest.mark.parametrize("blend", ["soft", "hard"])
def test_colours_by_hand(blend):
    """Two faces, one in front of the other, of one colour each: the softmax and the nearest face, written out."""
    corners = torch.tensor(
        [
            [
                [[-0.9, -0.8, 3.0], [0.8, -0.9, 3.0], [0.1, 0.9, 3.0]],
                [[-0.5, -0.9, 2.0], [0.9, 0.2, 2.0], [-0.6, 0.7, 2.0]],
            ]
        ],
        dtype=torch.float64,
    )
    colors = torch.tensor([[1.0, 0.2], [0.1, 0.9]], dtype=torch.float64)
    renderer = presets.ThreeEdges(7, tau=0.1)
    options = {"near": 1.0, "far": 5.0, "gamma": 0.2, "eps": 0.05, "cutoff": 0.0}
    attributes = colors[None, :, None].expand(1, 2, 3, 2)
    raster = renderer._rasterize(corners, (7, 7), attributes=attributes, blend=blend, **options)
    a = np.stack([by_hand(corners[:, i : i + 1], 7, 0.1)[0] for i in range(2)])
    if blend == "soft":
        weights = a * np.exp(np.array([2 / 4, 3 / 4]) / 0.2)[:, None, None]  # (far - z) / (far - near)
        behind = np.exp(0.05 / 0.2)
        weights, behind = weights / (weights.sum(0) + behind), behind / (weights.sum(0) + behind)
    else:
        inside = np.stack([by_hand(corners[:, i : i + 1], 7, 1e-4)[0] > 0.5 for i in range(2)])
        weights = np.stack([inside[0] & ~inside[1], inside[1]]).astype(float)
        behind = 1 - weights.sum(0)
        assert np.array_equal(raster.face_id[0].numpy(), np.where(inside[1], 1, np.where(inside[0], 0, -1)))
    assert np.abs(raster.features[0].numpy() - np.einsum("fij,fc->cij", weights, colors.numpy())).max() < 1e-12
    depth = 3 * weights[0] + 2 * weights[1] + 5 * behind
    assert np.abs(raster.depth[0].numpy() - depth).max() < 1e-12


def test_gradients_of_colours():
    corners = random_triangles(1, 3)
    corners[0, :, :, 2] += 0.3 * torch.rand(3, 3, dtype=torch.float64)
    textures = FaceTextures.from_image(torch.rand(3, 3, 2).double(), torch.rand(4, 5, 1).double())

    def features(corners, attributes, texels):
        options = {"attributes": attributes, "textures": textures.with_texels(texels), "gamma": 0.1, "blend": "soft"}
        return presets.ThreeEdges(3, tau=0.3)._rasterize(corners, (3, 3), far=10.0, cutoff=0.0, **options).features

    inputs = (corners, torch.rand(1, 3, 3, 2).double(), textures.texels)
    assert torch.autograd.gradcheck(features, tuple(t.clone().requires_grad_() for t in inputs))


def test_packed_images_are_those_of_the_batch():
    corners, colors = random_triangles(2, 4), torch.rand(2, 4, 3, 3).double()
    renderer = presets.ThreeEdges(6, tau=0.1)
    batch = renderer._rasterize(corners, (6, 6), attributes=colors, blend="hard")
    ranges = torch.tensor([[0, 4], [4, 8]])
    packed = renderer._rasterize(
        corners.flatten(0, 1), (6, 6), attributes=colors.flatten(0, 1), blend="hard", face_ranges=ranges
    )
    assert torch.equal(batch.alpha, packed.alpha)
    assert torch.equal(batch.features, packed.features)
    assert torch.equal(batch.face_id, packed.face_id)


def test_winding_does_not_matter():
    triangles = random_triangles(1, 5)
    assert torch.allclose(edges(8)(triangles), edges(8)(triangles.flip(2)), atol=1e-15, rtol=0)


@pytest.mark.parametrize(
    ("distribution", "t_conorm"),
    [
        (Logistic(), Probabilistic()),
        (Gaussian(), Einstein()),
        (Cauchy().squared(), Yager(2)),
        (Uniform(), Maximum()),
    ],
    ids=str,
)
def test_gradients(distribution, t_conorm, monkeypatch):
    monkeypatch.setattr(three_edges, "PAIRS", 3 * 7)  # seven pixels a block: the blocks' seams are in the check

    def alpha(corners, tau):
        return edges((3, 4), distribution, tau, t_conorm, cutoff=0.0)(corners)

    corners = random_triangles(1, 3).requires_grad_()
    tau = torch.tensor(0.31, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(alpha, (corners, tau))


def test_second_derivatives():
    corners = random_triangles(1, 2).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda c: edges(2, tau=0.3, cutoff=0.0)(c), (corners,))


def test_blocks_make_no_difference(monkeypatch):
    corners = random_triangles(2, 6).requires_grad_()

    def run():
        alpha = edges(8, tau=0.05)(corners)
        return alpha.detach(), torch.autograd.grad((alpha**2).sum(), corners)[0]

    whole = run()
    monkeypatch.setattr(three_edges, "PAIRS", 1)
    parts = run()
    assert torch.allclose(whole[0], parts[0], rtol=1e-13, atol=0)  # other vector lengths round otherwise
    assert torch.allclose(whole[1], parts[1], rtol=1e-12, atol=1e-14)  # sums in another order


def test_memory_is_that_of_a_block(monkeypatch):
    """What the graph keeps alive between forward and backward does not grow with pixels times faces."""
    monkeypatch.setattr(three_edges, "PAIRS", 4096)
    kept = []

    def pack(tensor):
        kept.append(tensor.numel())
        return tensor

    corners = random_triangles(1, 50).requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        edges(32, tau=0.05)(corners)
    assert max(kept, default=0) < 32 * 32 * 50 / 10


HARD = {
    "no area": [[0.0, 0.0, 2.0], [0.5, 0.5, 2.0], [0.25, 0.25, 2.0]],
    "a point": [[0.1, 0.1, 2.0]] * 3,
    "far away": [[1e20, -1e20, 2.0], [1e20, 1e20, 2.0], [-1e20, 0.0, 2.0]],
    "tiny": [[0.0, 0.0, 2.0], [1e-20, 0.0, 2.0], [0.0, 1e-20, 2.0]],
    "behind": [[0.0, 0.0, -2.0], [0.5, 0.0, -2.0], [0.0, 0.5, -2.0]],
    "corner on a pixel": [[0.125, 0.125, 2.0], [0.625, 0.125, 2.0], [0.125, 0.625, 2.0]],
}


@pytest.mark.parametrize("tau", [1e-30, 1e-6, 1e-2, 1e30])
@pytest.mark.parametrize("name", HARD)
def test_finite_whatever_comes(name, tau):
    corners = torch.tensor([[HARD[name]]], requires_grad=True)
    softness = torch.tensor(tau, requires_grad=True)
    for t_conorm in (Probabilistic(), Yager(0.5)):
        alpha = edges(8, tau=softness, t_conorm=t_conorm)(corners)
        gradients = torch.autograd.grad(alpha.sum(), (corners, softness), allow_unused=True)
        assert bool(torch.isfinite(alpha).all())
        assert all(g is None or bool(torch.isfinite(g).all()) for g in gradients)


def test_no_faces_and_culled_faces_cover_nothing():
    assert edges(4)(torch.zeros(2, 0, 3, 3)).abs().max() == 0
    clockwise = torch.tensor([[[[0.0, 0.5, 2.0], [0.5, -0.5, 2.0], [-0.5, -0.5, 2.0]]]])
    assert edges(4, cull="back")(clockwise).max() == 0
    assert edges(4, cull="front")(clockwise).max() > 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tau": -1.0}, "tau: expected"),
        ({"cull": "sideways"}, "cull: expected one of none, back, front, got 'sideways'"),
        ({"cutoff": 0.9}, "cutoff: expected a number in"),
    ],
)
def test_errors(settings, message):
    with pytest.raises(ValueError, match=message):
        edges(**{"image_size": 4, **settings})(random_triangles(1, 1))


def test_not_finite_is_refused():
    with pytest.raises(ValueError, match="face_vertices: expected finite"):
        edges(4)(torch.full((1, 1, 3, 3), torch.nan))
