"""Indices that the kernels follow, looked at by the operators themselves: whoever calls, nothing is read beyond."""

from __future__ import annotations

import pytest
import torch

from gendr import _ops
from gendr.distributions import Logistic
from gendr.render.rasterize import coverage_options
from gendr.tnorms import Probabilistic
from renderers import random_triangles

OPTIONS = coverage_options(Logistic(), Probabilistic(), 4, 5)
FACES = random_triangles(1, 3, torch.float32)
SCALARS = (torch.zeros(()), torch.zeros(()))
MAPS = torch.tensor([[0, 3, 4]])


def coverage(ranges: torch.Tensor) -> None:
    tau = torch.full((len(ranges),), 0.1)
    inputs = (FACES[0], tau, *SCALARS, ranges, *OPTIONS)
    alpha, state = torch.ops.gendr.coverage(FACES[0], tau, *SCALARS, torch.zeros(len(ranges), 2).long(), *OPTIONS)
    for call in (torch.ops.gendr.coverage, lambda *a: torch.ops.gendr.coverage_backward(alpha, state, False, *a)):
        call(*inputs)


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        (torch.tensor([[0, 4]]), "ascending ranges within 3 faces, got"),
        (torch.tensor([[-1, 2]]), "ascending ranges within 3 faces, got"),
        (torch.tensor([[0, 2], [1, 3]]), "ascending ranges within 3 faces, got"),
        (torch.tensor([[0, 2]]).int(), "int64"),
        (torch.tensor([[0, 0], [2, 3]]).T, "a contiguous tensor"),
    ],
)
def test_ranges_of_faces(ranges, message):
    coverage(torch.tensor([[0, 2], [2, 3]]))
    coverage(torch.zeros(0, 2, dtype=torch.int64))
    with pytest.raises(ValueError, match=f"face_ranges: expected .*{message}"):
        coverage(ranges)


def blend(maps: torch.Tensor, map_of_face: torch.Tensor) -> None:
    surface = _ops.SurfaceTensors(None, torch.rand(1, 3, 3, 2), torch.rand(12, 2), maps, map_of_face)
    inputs = (FACES, torch.full((1,), 0.1), *SCALARS, torch.tensor(0.1), *surface, None, False, True, 0.0, 0, *OPTIONS)
    torch.ops.gendr.blend(*inputs)


@pytest.mark.parametrize("bad", [[0, 3, 5], [1, 3, 4], [-1, 3, 4], [0, 0, 4], [0, -3, -4], [0, 2**62, 4]])
def test_maps_lie_within_the_texels(bad):
    blend(MAPS, torch.zeros(3, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"maps\[1\]: expected one texel or more within the 12"):
        blend(torch.tensor([[0, 3, 4], bad]), torch.zeros(3, dtype=torch.int64))


@pytest.mark.parametrize("bad", [-1, 1, 2**40])
def test_every_face_has_a_map(bad):
    with pytest.raises(ValueError, match=rf"map_of_face\[2\]: expected one of 1 maps, got {bad}"):
        blend(MAPS, torch.tensor([0, 0, bad]))
