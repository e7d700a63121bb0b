"""Both ways of reading and adding at indices, of which a device has one: they mean the same."""

from __future__ import annotations

from unittest import mock

import pytest
import torch

from gendr import Camera, Mesh, Renderer
from gendr.render import AmbientLight, DirectionalLight, MeshTopology, losses
from gendr.render.ordered_sums import added, taken
from source_tree import MODULES

INDEX = torch.tensor([2, 0, 2, 2, 1, 0])


def on_arrival(answer: bool):
    return mock.patch("gendr.render.ordered_sums.adds_on_arrival", return_value=answer)


@pytest.mark.parametrize("dim", [0, 1, 2, -1, -2])
def test_taking_and_adding(dim):
    values = torch.rand(3, 3, 3, dtype=torch.float64, requires_grad=True)
    terms = torch.rand_like(values.index_select(dim, INDEX)).requires_grad_()
    outcomes = []
    for answer in (False, True):
        with on_arrival(answer):
            read, total = taken(values, dim, INDEX), added(values, dim, INDEX, terms)
            weights = torch.arange(read.numel(), dtype=torch.float64).view_as(read)
            gradients = torch.autograd.grad((read * weights).sum() + total.square().sum(), (values, terms))
        outcomes.append([read, total, *gradients])
    for one, other in zip(*outcomes, strict=True):
        torch.testing.assert_close(one, other)
    assert torch.equal(outcomes[0][0], values.index_select(dim, INDEX))


def test_a_gpu_s_way_through_a_renderer():
    ball = Mesh.icosphere(1, radius=0.5)
    vertices = ball.vertices.clone().requires_grad_()

    def step() -> torch.Tensor:
        lights = [AmbientLight(0.2), DirectionalLight()]
        out = Renderer(12, tau=0.01)(ball.with_vertices(vertices), Camera.look_at(), lights)
        topology = MeshTopology.from_faces(ball.faces, ball.n_vertices)
        total = out.rgb.sum() + losses.flatten_loss(vertices, topology) + losses.laplacian_loss(vertices, topology)
        return torch.autograd.grad(total, vertices)[0]

    here = step()
    with on_arrival(True):
        torch.testing.assert_close(step(), here)


def test_nobody_asks_for_the_device_beside_it():
    """A gather of another module's own would come in the order of arrival."""
    asking = [
        name for name, path in MODULES.items() if name.startswith("gendr.render") and "is_cuda" in path.read_text()
    ]
    assert sorted(asking) == ["gendr.render.finite_inputs", "gendr.render.ordered_sums"]
