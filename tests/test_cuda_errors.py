"""What a call says when CUDA fails: the kernel's name, launch by launch, and nothing is left for the next call."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from unittest import mock

import pytest
import torch
from torch import Tensor

import cuda_host
from gendr import _cuda
from gendr._cuda import device
from gendr._ops import BlendOptions, SurfaceTensors
from gendr.distributions import Gamma
from gendr.render.rasterize import coverage_options
from gendr.sort import _cuda as sort_cuda
from gendr.sort import _ops as sort_ops
from gendr.sort import network
from gendr.tnorms import Yager
from renderers import random_triangles

pytestmark = pytest.mark.skipif(cuda_host.compiler() is None, reason="no C++ compiler to build the shim with")

Call = Callable[[], tuple[Tensor, ...]]
KERNELS = {
    "coverage": {"upload_gamma_table", "plan_call", "set_up_faces", "bin_faces", "cover_tiles"},
    "coverage_backward": {"find_factors", "sum_pixels_in_p", "list_large", "walk_faces", "join_slices", "sum_images"},
    "blend": {"plan_call", "plan_blend", "set_up_surfaces", "bin_faces", "blend_tiles"},
    "blend_backward": {"find_along", "sum_pixels_in_gamma", "walk_faces", "walk_slices", "write_texels", "sum_faces"},
    "is_finite": {"mark"},
    "sort_network": {"run_wires"},
    "sort_network_backward": {"send_back"},
}
"""Some of those that each call launches."""


class Shim:
    """The kernels on the processor, where a launch or a memset can be made to fail."""

    def __init__(self) -> None:
        self.library = ctypes.CDLL(str(cuda_host.library()))
        self.library.gendr_shim_failed_kernel.restype = ctypes.c_char_p

    def fail(self, launch: int = -1, memset: int = -1) -> None:
        """Let that one of those to come fail, counted from 0."""
        self.library.gendr_shim_fail(launch, memset)

    @property
    def failed_kernel(self) -> str:
        return self.library.gendr_shim_failed_kernel().decode()

    def take_error(self) -> int:
        """What the next launch would have found; 0 for nothing."""
        return self.library.gendr_shim_take_error()


@pytest.fixture
def shim() -> Iterator[Shim]:
    found = Shim()
    with mock.patch.object(device, "_kernels", cuda_host.load(cuda_host.library())):
        yield found
    found.fail()
    found.take_error()


def calls() -> dict[str, Call]:
    """Each operator over arguments that ask for every kernel it has: pixels for large faces, long records, a `p`."""
    size, draw = (46, 46), torch.Generator().manual_seed(0)
    faces, number = random_triangles(1, 3, torch.float32), torch.zeros(())
    options = coverage_options(Gamma(p=0.5), Yager(p=2.0), *size)
    plain = (faces, torch.tensor([0.1]), number, torch.tensor(2.0), None, *options)
    attributes, uvs, texels = (torch.rand(s, generator=draw) for s in ((1, 3, 3, 6), (1, 3, 3, 2), (12, 2)))
    surface = SurfaceTensors(attributes, uvs, texels, torch.tensor([[0, 3, 4]]), torch.zeros(3, dtype=torch.int64))
    how = BlendOptions(is_hard=False, is_perspective=True, eps=1e-3, wrap=0)
    blended = (*plain[:4], torch.tensor(0.1), *surface, None, *how, *options)
    net = network("bitonic", 5)
    chosen = sort_ops.SortOptions(sort_ops.PRODUCTS.index("full"), 5, "cauchy", 8.0, 0.0)
    wires = (torch.rand(2, 5, generator=draw), torch.empty(0, 0, 5), net.pairs, net.starts)
    with mock.patch.object(device, "_kernels", cuda_host.load(cuda_host.library())):
        alpha, state = _cuda.coverage(*plain)
        _, sums, record, top = _cuda.blend(*blended)
        ordered = sort_cuda.sort_network(*wires, *chosen)
    incoming = (torch.ones_like(alpha), torch.ones_like(record))
    return {
        "coverage": lambda: _cuda.coverage(*plain),
        "coverage_backward": lambda: _cuda.coverage_backward(incoming[0], state, True, *plain),
        "blend": lambda: _cuda.blend(*blended),
        "blend_backward": lambda: _cuda.blend_backward(*incoming, sums, record, top, True, True, True, *blended),
        "is_finite": lambda: (_cuda.is_finite(faces, "vertices"),),
        "sort_network": lambda: sort_cuda.sort_network(*wires, *chosen),
        "sort_network_backward": lambda: sort_cuda.sort_network_backward(*ordered, *wires, False, *chosen),
    }


def failure(shim: Shim, call: Call, **which: int) -> tuple[str, str] | None:
    """The error's message and the kernel that was not launched; None for a call without such a launch or memset."""
    shim.fail(**which)
    try:
        call()
    except RuntimeError as error:
        return str(error), shim.failed_kernel
    return None


@pytest.mark.parametrize("name", KERNELS)
def test_each_launch_that_fails_is_named(shim, name):
    call = calls()[name]
    undisturbed, failed = call(), []
    while told := failure(shim, call, launch=len(failed)):
        message, kernel = told
        failed.append(kernel)
        assert message == f"gendr CUDA kernel {kernel}: too many resources requested for launch"
        assert shim.take_error() == 0
        shim.fail()
        assert all(torch.equal(a, b) for a, b in zip(call(), undisturbed, strict=True)), kernel
    assert shim.failed_kernel == "", "a launch failed and the call did not say so"
    assert {kernel.strip("()").partition("<")[0] for kernel in failed} >= KERNELS[name]


@pytest.mark.parametrize("name", ["coverage", "coverage_backward", "blend", "blend_backward"])
def test_each_memset_that_fails_is_heard_once(shim, name):
    call, failed = calls()[name], 0
    while told := failure(shim, call, memset=failed):
        failed += 1
        assert told[0] == "gendr CUDA memset: invalid argument"
        assert shim.take_error() == 0
    assert failed > 0
