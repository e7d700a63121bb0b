"""Where pixels are and how far away: cases whose answer is known without a renderer."""

from __future__ import annotations

import math

import pytest
import torch

from gendr import rasterize
from gendr.distributions import Heaviside, Laplace, Logistic
from gendr.render.reference import pixel_centres, signed_distance
from gendr.tnorms import Maximum, Probabilistic
from renderers import distributions

BACKENDS = ("cpu", "reference")


def triangle(*corners: tuple[float, float]) -> torch.Tensor:
    return torch.tensor([[[[x, y, 2.0] for x, y in corners]]], dtype=torch.float64)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("distribution", distributions(), ids=str)
def test_one_edge_shows_the_cdf(distribution, backend):
    """Far from its other edges a triangle is a half-plane, here x < 0.2."""
    half_plane = triangle((0.2, -1e3), (0.2, 1e3), (-1e3, 0.0))
    tau = 0.05 if distribution.is_squared else 0.3
    alpha = rasterize(half_plane, (3, 8), distribution, tau, Probabilistic(), cutoff=0.0, backend=backend).alpha[0]
    x = pixel_centres(3, 8, half_plane)[:, 0].reshape(3, 8)
    torch.testing.assert_close(alpha, distribution.cdf(0.2 - x, tau), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("backend", BACKENDS)
def test_pixels_lie_where_they_are_said_to(backend):
    """A small triangle about the centre of pixel (row 1, column 6) of a 4 x 8 image: x = 5/4, y = 1/4."""
    x, y = (2 * 6 + 1 - 8) / 4, (4 - 1 - 2 * 1) / 4
    assert (x, y) == (1.25, 0.25)
    small = triangle((x - 0.1, y - 0.1), (x + 0.1, y - 0.1), (x, y + 0.1))
    alpha = rasterize(small, (4, 8), Heaviside(), 1.0, Maximum(), backend=backend).alpha[0]
    assert alpha.nonzero().tolist() == [[1, 6]]


def test_distance_to_corner_edge_and_from_inside():
    right_angled = torch.tensor([[[0.0, 0.0], [4.0, 0.0], [0.0, 3.0]]], dtype=torch.float64)
    for winding in (right_angled, right_angled.flip(1)):
        at = torch.tensor([[-3.0, -4.0], [2.0, -0.5], [1.0, 1.0], [4.0, 3.0], [0.0, 0.0]], dtype=torch.float64)
        want = torch.tensor([-5.0, -0.5, 1.0, -2.4, 0.0], dtype=torch.float64)
        torch.testing.assert_close(signed_distance(at, winding)[:, 0], want, rtol=0, atol=1e-15)


@pytest.mark.parametrize("backend", BACKENDS)
def test_gradient_moves_the_nearest_edge_by_the_lever_rule(backend):
    """Of an edge seen at a quarter of its length the ends move the foot by 3/4 and 1/4, along the normal only."""
    leaf = triangle((0.0, -2.0), (0.0, 2.0), (-50.0, 0.0)).requires_grad_()
    alpha = rasterize(leaf, 2, Laplace(), 1.0, Probabilistic(), cutoff=0.0, backend=backend).alpha[0]
    row, column = 1, 1  # x = 1/2, y = -1/2: at 3/8 of the edge
    alpha[row, column].backward()
    slope = Laplace().pdf(torch.tensor(-0.5, dtype=torch.float64))
    want = torch.tensor([[5 / 8, 0.0], [3 / 8, 0.0], [0.0, 0.0]], dtype=torch.float64) * slope
    torch.testing.assert_close(leaf.grad[0, 0, :, :2], want, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("backend", BACKENDS)
def test_two_faces_join_by_the_t_conorm(backend):
    left, right = triangle((-1, -1), (0, -1), (-0.5, 1)), triangle((0, -1), (1, -1), (0.5, 1))
    options = {"distribution": Logistic(), "tau": 0.2, "cutoff": 0.0, "backend": backend}
    each = [rasterize(face, 9, **options).alpha for face in (left, right)]
    both = rasterize(torch.cat([left, right], 1), 9, **options).alpha
    torch.testing.assert_close(both, each[0] + each[1] - each[0] * each[1], rtol=1e-12, atol=0)


def test_softness_vanishes_into_the_hard_silhouette():
    face = triangle((-0.61, -0.53), (0.67, -0.31), (0.05, 0.71))
    hard = rasterize(face, 32, Heaviside(), 1.0, Maximum()).alpha
    soft = rasterize(face, 32, Logistic(), 1e-6, Probabilistic()).alpha
    assert torch.equal((soft > 0.5).double(), hard)
    area = 0.5 * abs((0.67 + 0.61) * (0.71 + 0.53) - (-0.31 + 0.53) * (0.05 + 0.61))
    assert math.isclose(hard.sum().item() * (2 / 32) ** 2, area, rel_tol=0.03)
