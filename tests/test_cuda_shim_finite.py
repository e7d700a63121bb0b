"""What the GPU's kernels find wrong without the host's waiting, run by fibers."""

from __future__ import annotations

from unittest import mock

import pytest
import torch

import cuda_host
from cuda_host import Host
from gendr import _cuda, _ops
from gendr._cuda import device
from gendr.distributions import Logistic
from gendr.render.rasterize import coverage_options
from gendr.tnorms import Probabilistic
from renderers import random_triangles

pytestmark = pytest.mark.skipif(cuda_host.compiler() is None, reason="no C++ compiler to build the shim with")

MAPS = torch.tensor([[0, 3, 4]])


@pytest.fixture(scope="module")
def lib():
    return cuda_host.library()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("name", ["background", "lights[0].color", "shade.specular", "shade.shininess", "camera.eye"])
def test_numbers_are_marked_and_reported(lib, name, dtype):
    host, values = Host(lib), torch.rand(7, 90, dtype=dtype).T
    with mock.patch.object(device, "_kernels", cuda_host.load(lib)):
        assert _cuda.is_finite(values, name).all()
        assert host.status == ()
        values[3, 2], values[80, 5], values[0, 0] = torch.nan, torch.inf, -torch.inf
        assert torch.equal(_cuda.is_finite(values, name), torch.isfinite(values))
        (reported,) = host.status
        assert name.startswith(reported)
        assert _cuda.is_finite(values[:0], name).shape == (0, 7)


def test_the_next_call_raises(lib):
    with mock.patch.object(device, "_kernels", cuda_host.load(lib)), mock.patch.object(device, "_status", {}):
        _cuda.is_finite(torch.tensor([torch.nan]), "lights[0].color")
        with pytest.raises(ValueError, match=r"lights: expected finite values, .* in a call on cpu before this one"):
            _cuda.is_finite(torch.ones(1), "background")
        _cuda.is_finite(torch.ones(1), "background")


def blended(host: Host, maps: torch.Tensor, map_of_face: torch.Tensor, faces: torch.Tensor):
    """What both directions give, and what both report."""
    draw = torch.Generator().manual_seed(0)
    uvs, texels = (torch.rand(s, dtype=faces.dtype, generator=draw) for s in ((1, faces.shape[1], 3, 2), (12, 2)))
    zero = torch.zeros((), dtype=faces.dtype)
    tau, gamma = torch.full((1,), 0.1, dtype=faces.dtype), torch.tensor(0.1, dtype=faces.dtype)
    surface = _ops.SurfaceTensors(None, uvs, texels, maps, map_of_face)
    options = coverage_options(Logistic(), Probabilistic(), 9, 19)
    inputs = (faces, tau, zero, zero, gamma, *surface, None, False, True, 0.3, 0, *options)
    alpha, sums, record, state = host.blend(*inputs)
    reported = host.status
    incoming = (torch.ones_like(alpha), torch.ones_like(record))
    outcome = [alpha, record, *host.blend_backward(*incoming, sums, record, state, False, True, True, *inputs)]
    assert host.status == reported
    return outcome, reported


@pytest.mark.parametrize(
    ("maps", "map_of_face"),
    [(MAPS, [0, number, 0]) for number in (-1, 1, 2**40)]
    + [([[0, 3, 4], bad], [0, 1, 0]) for bad in ([0, 3, 5], [1, 3, 4], [-1, 3, 4])]
    + [([[0, 3, 4], bad], [0, 1, 0]) for bad in ([0, 0, 4], [0, -3, -4], [0, 2**62, 4])],
)
def test_a_face_without_a_map_within_the_texels_is_left_out(lib, maps, map_of_face):
    host, faces = Host(lib), random_triangles(1, 3)
    got, reported = blended(host, torch.as_tensor(maps), torch.tensor(map_of_face), faces)
    assert reported == ("maps, map_of_face",)
    others = faces.clone()
    others[:, 1, :, 2] = 0.0  # nearer than the near plane: not drawn
    wants, reported = blended(host, MAPS, torch.zeros(3, dtype=torch.int64), others)
    assert reported == ()
    assert all(torch.equal(g, w) for g, w in zip(got, wants, strict=True))
