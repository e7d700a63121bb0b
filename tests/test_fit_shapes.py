"""What is optimised: the published parametrisation against a transcription of its own, and the start."""

import math

import pytest
import torch

from gendr.render import Mesh
from gendr.tools.fit import OctantShape, SmoothShape, sphere


def published_coordinate(start, displacement, centre):
    """One coordinate as the formula has it, in plain double precision."""
    sigmoid = 1.0 / (1.0 + math.exp(-(math.log(abs(start) / (1.0 - abs(start))) + displacement)))
    signed = math.copysign(sigmoid, start)
    middle = math.tanh(centre)
    outward = max(signed, 0.0) * (1.0 - middle) - max(-signed, 0.0) * (1.0 + middle)
    return outward + middle


def test_octants_follow_the_published_formula():
    start = Mesh.icosphere(1, radius=0.5, dtype=torch.float64)
    moved = start.with_vertices(start.vertices + 0.01)  # no coordinate on a plane between octants
    shape = OctantShape(moved)
    displacement, centre = shape.parameters
    with torch.no_grad():
        displacement.copy_(torch.randn_like(displacement))
        centre.copy_(torch.randn_like(centre))
    wanted = [
        [published_coordinate(*values) for values in zip(v, d, centre[0].tolist(), strict=True)]
        for v, d in zip(moved.vertices.tolist(), displacement.tolist(), strict=True)
    ]
    got = shape.vertices().detach()
    assert torch.allclose(got, torch.tensor(wanted, dtype=torch.float64), rtol=0.0, atol=1e-14)  # rounding


@pytest.mark.parametrize("make", [OctantShape, lambda start: SmoothShape(start, 1.0)])
def test_shapes_begin_as_the_start(make):
    start = sphere(2, 0.5)
    assert torch.allclose(make(start).vertices(), start.vertices, rtol=0.0, atol=3e-7)  # float32 rounding


def test_octants_are_never_left_nor_the_cube():
    start = sphere(2, 0.5)
    shape = OctantShape(start)
    displacement, centre = shape.parameters
    with torch.no_grad():
        displacement.copy_(8.0 * torch.randn_like(displacement))
        centre.copy_(torch.tensor([[0.5, -2.0, 0.0]]))
    vertices = shape.vertices().detach()
    assert vertices.abs().max() <= 1.0
    beyond = (vertices - torch.tanh(centre)) * start.vertices.sign()
    assert beyond.min() >= -1e-6


def test_vertices_on_a_plane_between_octants_stay_and_have_finite_gradients():
    start = Mesh(torch.tensor([[0.0, 0.5, -0.5], [0.5, 0.0, 0.0], [0.2, 0.3, 0.4]]), torch.tensor([[0, 1, 2]]))
    shape = OctantShape(start)
    with torch.no_grad():
        shape.parameters[0].fill_(1.0)
    vertices = shape.vertices()
    assert (vertices == 0.0).tolist() == (start.vertices == 0.0).tolist()
    vertices.square().sum().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in shape.parameters)


def test_the_sphere_stands_upright_and_is_its_mirror_image():
    vertices = sphere(3, 0.5).vertices
    assert len(vertices) == 642
    assert torch.allclose(vertices.norm(dim=1), torch.tensor(0.5))
    poles = vertices[vertices[:, 1].abs() == vertices[:, 1].abs().max()]
    assert sorted(poles.tolist()) == [[0.0, -0.5, 0.0], [0.0, 0.5, 0.0]]
    mirrored = vertices * torch.tensor([-1.0, 1.0, 1.0])
    assert torch.cdist(mirrored, vertices, compute_mode="donot_use_mm_for_euclid_dist").amin(1).max() < 1e-6


def test_the_seed_moves_the_sphere_a_little():
    plain, moved = sphere(3, 0.5).vertices, sphere(3, 0.5, seed=3).vertices
    difference = (moved - plain).std()
    assert 0.9e-6 < difference < 1.1e-6  # 1,926 draws of 1e-6: five standard errors are 8 per cent
    assert torch.equal(moved, sphere(3, 0.5, seed=3).vertices)
