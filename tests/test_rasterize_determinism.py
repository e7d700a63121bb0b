"""The same bits for any number of threads; every instruction set; forked processes; little memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import torch

import gendr
from gendr import _kernels, rasterize
from gendr.distributions import Gamma, Logistic
from gendr.tnorms import Dombi, Maximum, Probabilistic
from renderers import random_triangles, render


def sphere(level: int, views: int) -> torch.Tensor:
    mesh = gendr.Mesh.icosphere(level, radius=0.6)
    azimuth = torch.arange(views, dtype=torch.float64) * 360 / views
    return gendr.Camera.look_at(elevation=30.0, azimuth=azimuth).project(mesh.vertices)[:, mesh.faces]


@pytest.mark.parametrize(("views", "size"), [(1, 100), (5, 48)])
def test_bits_do_not_depend_on_threads(views, size):
    faces = sphere(3, views)
    weights = torch.randn(views, size, size)
    for distribution, tau in ((Logistic().squared(), 1e-4), (Gamma(p=0.5).reversed(), 1e-2)):
        for t_conorm in (Probabilistic(), Dombi(p=2.0), Maximum()):
            outcomes = []
            for threads in (1, 2, 3):
                torch.set_num_threads(threads)
                scale = torch.full((views,), tau)
                outcomes.append(render(faces, weights, distribution, t_conorm, "cpu", torch.float32, scale))
            for other in outcomes[1:]:
                assert torch.equal(other.alpha, outcomes[0].alpha)
                for name, gradient in outcomes[0].gradients.items():
                    assert torch.equal(other.gradients[name], gradient), name


PROBE = """
import json, torch
from gendr import _kernels, rasterize
from gendr.distributions import Logistic
from gendr.tnorms import Dombi
torch.manual_seed(0)
faces = torch.rand(2, 9, 3, 3) * 1.6 - 0.8
faces[..., 2] = 2
faces.requires_grad_()
alpha = rasterize(faces, 33, Logistic().squared(), 1e-3, Dombi(p=2.0)).alpha
alpha.square().sum().backward()
print(json.dumps([_kernels.selected_instruction_set(), alpha.sum().item(), faces.grad.norm().item()]))
"""


def probe(instruction_set: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "GENDR_CPU": instruction_set}
    return subprocess.run([sys.executable, "-c", PROBE], env=environment, capture_output=True, text=True, check=False)


def test_instruction_sets_agree():
    results = {}
    for name in _kernels.instruction_sets():
        chosen, *numbers = json.loads(probe(name).stdout)
        assert chosen == name
        results[name] = torch.tensor(numbers, dtype=torch.float64)
    first = next(iter(results.values()))
    for name, numbers in results.items():
        torch.testing.assert_close(numbers, first, rtol=2e-6, atol=0, msg=name)  # worst seen 2e-7


def test_an_unknown_instruction_set_is_refused():
    result = probe("itanium")
    assert result.returncode != 0
    assert "GENDR_CPU: expected one of" in result.stderr


FORK = """
import os, torch
from gendr import rasterize
torch.set_num_threads(2)
faces = torch.rand(4, 20, 3, 3); faces[..., 2] = 2
parent = rasterize(faces, 64).alpha
child = os.fork()
if child == 0:
    same = torch.equal(rasterize(faces, 64).alpha, parent)
    os._exit(0 if same else 3)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert torch.equal(rasterize(faces, 64).alpha, parent)
"""


def test_a_forked_child_renders():
    subprocess.run([sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK], check=True, timeout=60)


MEMORY = """
import resource, torch, gendr
from gendr.distributions import Logistic
mesh = gendr.Mesh.icosphere(5, radius=0.6)
faces = gendr.Camera.look_at(elevation=30.0).project(mesh.vertices)[:, mesh.faces].detach().requires_grad_()
def step(size):
    alpha = gendr.rasterize(faces, size, Logistic().squared(), 1e-5).alpha
    alpha.backward(torch.ones_like(alpha))
step(16)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
step(512)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def test_memory_is_pixels_plus_faces():
    out = subprocess.run([sys.executable, "-c", MEMORY], check=True, capture_output=True, text=True)
    assert float(out.stdout) < 40  # MB, at 512 x 512 pixels and 20,480 faces; seen 5


def test_strided_inputs_are_read_right():
    faces = random_triangles(2, 5)
    strided = faces.transpose(0, 1).contiguous().transpose(0, 1)
    assert not strided.is_contiguous()
    assert torch.equal(rasterize(strided, 9).alpha, rasterize(faces, 9).alpha)
