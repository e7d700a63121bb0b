"""Blending gives the same bits for any number of threads, and needs little memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import torch

import gendr
from gendr import _kernels, rasterize
from gendr.distributions import Logistic
from gendr.render import FaceTextures
from gendr.tnorms import Average, Maximum, Probabilistic, Yager


def sphere(level: int, views: int) -> torch.Tensor:
    mesh = gendr.Mesh.icosphere(level, radius=0.6)
    azimuth = torch.arange(views, dtype=torch.float64) * 360 / views
    return gendr.Camera.look_at(elevation=30.0, azimuth=azimuth).project(mesh.vertices)[:, mesh.faces]


@pytest.mark.parametrize(("views", "size"), [(1, 100), (5, 48), (1, 300)])
@pytest.mark.parametrize("blend", ["soft", "hard"])
def test_bits_do_not_depend_on_threads(views, size, blend):
    faces = sphere(3, views).detach()
    count = faces.shape[1]  # 1,280: twenty tasks of the backward pass
    colours, uvs, texels = torch.rand(1, count, 3, 2), 4 * torch.rand(1, count, 3, 2), torch.rand(48, 3)
    weights = torch.randn(views, 7, size, size)
    for t_conorm in (Probabilistic(), Maximum()):
        outcomes = []
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            leaves = [t.clone().requires_grad_() for t in (faces, torch.full((views,), 1e-4), colours, uvs, texels)]
            leaves.append(torch.tensor(1e-2).requires_grad_())
            corners, tau, own_colours, own_uvs, own_texels, gamma = leaves
            textures = FaceTextures.from_image(own_uvs, own_texels.reshape(6, 8, 3))
            options = {"attributes": own_colours, "textures": textures, "gamma": gamma, "blend": blend, "far": 10.0}
            raster = rasterize(corners, size, Logistic().squared(), tau, t_conorm, **options)
            drawn = torch.cat([raster.alpha[:, None], raster.depth[:, None], raster.features], 1)
            gradients = torch.autograd.grad((drawn * weights).sum(), leaves, allow_unused=True)
            outcomes.append([drawn.detach(), *gradients])
        for other in outcomes[1:]:
            for i, (got, want) in enumerate(zip(other, outcomes[0], strict=True)):
                assert torch.equal(got, want), i


@pytest.mark.parametrize("t_conorm", [Probabilistic(), Maximum(), Average(), Yager(p=2.0)], ids=str)
def test_what_an_earlier_call_left_is_not_read(t_conorm):
    """Without a cut-off a face reaches pixels to which it adds 0; the kernels keep memory from call to call."""

    def gradients(corners: torch.Tensor, weight: float, **options) -> tuple[torch.Tensor, ...]:
        leaves = [
            corners.clone().requires_grad_(),
            colours.clone().requires_grad_(),
            torch.tensor(1e-2).requires_grad_(),
        ]
        shown = {"attributes": leaves[1], "gamma": leaves[2], "far": 10.0} | options
        raster = rasterize(leaves[0], 64, Logistic().squared(), 1e-3, t_conorm, **shown)
        return torch.autograd.grad(weight * (raster.features.sum() + raster.alpha.sum()), leaves)

    colours = 10 * torch.rand(1, 1, 3, 3)
    small = torch.tensor([[[[0.0, 0.0, 2.0], [0.1, 0.0, 2.1], [0.0, 0.1, 2.2]]]])
    everywhere = torch.tensor([[[[-9.0, -9.0, 3.0], [9.0, -9.0, 3.0], [0.0, 9.0, 3.0]]]])
    outcomes = []
    for weight in (1.0, 1e38):
        gradients(everywhere, weight)
        outcomes.append(gradients(small, 1.0, cutoff=0.0))
    for got, want in zip(*outcomes, strict=True):
        assert torch.equal(got, want)


PROBE = """
import json, torch
from gendr import _kernels, rasterize
from gendr.distributions import Logistic
from gendr.render import FaceTextures
torch.manual_seed(0)
faces = torch.rand(2, 9, 3, 3) * 1.6 - 0.8
faces[..., 2] += 3
texels = torch.rand(12, 3)
faces.requires_grad_(), texels.requires_grad_()
textures = FaceTextures.from_image(torch.rand(9, 3, 2), texels.reshape(3, 4, 3))
options = {"attributes": torch.rand(1, 9, 3, 2), "textures": textures, "gamma": 0.1, "far": 5.0}
raster = rasterize(faces, 33, Logistic(), 3e-2, **options)
raster.features.square().sum().backward()
norms = [t.norm().item() for t in (raster.features, raster.depth, faces.grad, texels.grad)]
print(json.dumps([_kernels.selected_instruction_set(), *norms]))
"""


def test_instruction_sets_agree():
    results = {}
    for name in _kernels.instruction_sets():
        environment = {**os.environ, "GENDR_CPU": name}
        out = subprocess.run([sys.executable, "-c", PROBE], env=environment, capture_output=True, text=True, check=True)
        chosen, *numbers = json.loads(out.stdout)
        assert chosen == name
        results[name] = torch.tensor(numbers, dtype=torch.float64)
    first = next(iter(results.values()))
    for name, numbers in results.items():
        torch.testing.assert_close(numbers, first, rtol=5e-6, atol=0, msg=name)


MEMORY = """
import resource, torch, gendr
from gendr.distributions import Logistic
torch.set_num_threads(2)
mesh = gendr.Mesh.icosphere(5, radius=0.6)
faces = gendr.Camera.look_at(elevation=30.0).project(mesh.vertices)[:, mesh.faces].detach().requires_grad_()
colours = torch.rand(1, 20480, 3, 3, requires_grad=True)
def step(size):
    raster = gendr.rasterize(faces, size, Logistic().squared(), 1e-5, attributes=colours)
    raster.features.backward(torch.ones_like(raster.features))
step(16)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
step(512)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def test_memory_is_pixels_plus_faces():
    out = subprocess.run([sys.executable, "-c", MEMORY], check=True, capture_output=True, text=True)
    # MB, at 512 x 512 pixels of 3 channels: eight doubles a pixel while drawing are 17, record, state and gradients 15
    assert float(out.stdout) < 100
