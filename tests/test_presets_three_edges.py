"""The three-edge test against its formula, its gradients, and its behaviour on hard input."""

import numpy as np
import pytest
import torch

from gendr.distributions import Cauchy, Gaussian, Logistic, Uniform
from gendr.presets import ThreeEdges, three_edges
from gendr.tnorms import Einstein, Maximum, Probabilistic, Yager
from renderers import random_triangles


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
                inside /= 1 + np.exp(-n / tau)
            misses[image] *= 1 - inside
    return 1 - misses


def test_matches_the_formula():
    triangles = random_triangles(2, 7)
    got = ThreeEdges(9, tau=0.07, cutoff=0.0).coverage(triangles)
    assert np.abs(got.numpy() - by_hand(triangles, 9, 0.07)).max() < 1e-14  # float64 on both sides


def test_winding_does_not_matter():
    triangles = random_triangles(1, 5)
    assert torch.allclose(
        ThreeEdges(8).coverage(triangles), ThreeEdges(8).coverage(triangles.flip(2)), atol=1e-15, rtol=0
    )


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
        return ThreeEdges((3, 4), distribution, tau, t_conorm, cutoff=0.0).coverage(corners)

    corners = random_triangles(1, 3).requires_grad_()
    tau = torch.tensor(0.31, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(alpha, (corners, tau))


def test_second_derivatives():
    corners = random_triangles(1, 2).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda c: ThreeEdges(2, tau=0.3, cutoff=0.0).coverage(c), (corners,))


def test_blocks_make_no_difference(monkeypatch):
    corners = random_triangles(2, 6).requires_grad_()

    def run():
        alpha = ThreeEdges(8, tau=0.05).coverage(corners)
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
        ThreeEdges(32, tau=0.05).coverage(corners)
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
        alpha = ThreeEdges(8, tau=softness, t_conorm=t_conorm).coverage(corners)
        gradients = torch.autograd.grad(alpha.sum(), (corners, softness), allow_unused=True)
        assert bool(torch.isfinite(alpha).all())
        assert all(g is None or bool(torch.isfinite(g).all()) for g in gradients)


def test_no_faces_and_culled_faces_cover_nothing():
    assert ThreeEdges(4).coverage(torch.zeros(2, 0, 3, 3)).abs().max() == 0
    clockwise = torch.tensor([[[[0.0, 0.5, 2.0], [0.5, -0.5, 2.0], [-0.5, -0.5, 2.0]]]])
    assert ThreeEdges(4, cull="back").coverage(clockwise).max() == 0
    assert ThreeEdges(4, cull="front").coverage(clockwise).max() > 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tau": -1.0}, "tau: expected"),
        ({"image_size": 0}, "image_size: expected"),
        ({"cull": "sideways"}, "cull: expected one of none, back, front, got 'sideways'"),
        ({"cutoff": 0.9}, "cutoff: expected a number in"),
        ({"near": 2.0, "far": 1.0}, "far: expected a number in"),
    ],
)
def test_errors(settings, message):
    with pytest.raises(ValueError, match=message):
        ThreeEdges(**{"image_size": 4, **settings}).coverage(random_triangles(1, 1))


def test_not_finite_is_refused():
    with pytest.raises(ValueError, match="face_vertices: expected finite"):
        ThreeEdges(4).coverage(torch.full((1, 1, 3, 3), torch.nan))
