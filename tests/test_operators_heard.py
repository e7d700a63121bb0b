"""Kernels are called at once where nobody else would hear of it; whoever follows torch's operators hears of them."""

from __future__ import annotations

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._python_dispatch import TorchDispatchMode

from gendr import rasterize
from gendr.sort import DiffSort
from gendr.topk import TopKLoss
from renderers import random_triangles

FACES = random_triangles(1, 5, torch.float32)
COLOURS = torch.rand(1, 5, 3, 3, generator=torch.Generator().manual_seed(0))
ROWS = torch.randn(6, 40, generator=torch.Generator().manual_seed(1))
LABELS = torch.tensor([0, 39, 7, 7, 1, 20])
LOSS = TopKLoss([0.2, 0.8], m=16)

CALLS = {
    "coverage": (FACES, lambda faces: rasterize(faces, 8).alpha.sum()),
    "blend": (FACES, lambda faces: rasterize(faces, 8, attributes=COLOURS).features.sum()),
    "sort_network": (ROWS, lambda rows: DiffSort(40)(rows).permutation[:, 3, 5].sum()),
    "topk_mass": (ROWS, lambda rows: LOSS(rows, LABELS)),
}
BACKWARD = {name: f"{name}_backward" for name in CALLS} | {"topk_mass": "topk_spread"}


class Heard(TorchDispatchMode):
    """The names of gendr's operators that were called."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.namespace == "gendr":
            self.names.append(func._schema.name.removeprefix("gendr::"))
        return func(*args, **(kwargs or {}))


def gradient(call, leaf):
    leaf = leaf.clone().requires_grad_()
    return torch.autograd.grad(call(leaf), leaf)[0]


@pytest.mark.parametrize("name", CALLS)
def test_a_mode_hears_both_passes(name):
    leaf, call = CALLS[name]
    quiet = gradient(call, leaf)
    with Heard() as heard:
        loud = gradient(call, leaf)
    assert heard.names == [name, BACKWARD[name]]
    assert torch.equal(loud, quiet)


@pytest.mark.parametrize("name", CALLS)
def test_a_trace_computes_instead_of_remembering(name):
    """A kernel that the tracer did not hear of would be a constant of the first input."""
    leaf, call = CALLS[name]
    other = 0.7 * leaf
    traced = make_fx(call)(leaf)
    assert any(name in str(node.target) for node in traced.graph.nodes)
    assert torch.equal(traced(other), call(other))
    assert not torch.equal(traced(other), traced(leaf))


@pytest.mark.parametrize("name", CALLS)
def test_fake_tensors_meet_no_kernel(name):
    leaf, call = CALLS[name]
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        fake = gradient(call, mode.from_tensor(leaf))
    assert fake.shape == leaf.shape
    assert torch.equal(gradient(call, leaf), gradient(call, leaf))  # nothing fake was kept


@pytest.mark.parametrize("name", CALLS)
def test_batched_gradients(name):
    leaf, call = CALLS[name]
    leaf = leaf.clone().requires_grad_()
    (found,) = torch.autograd.grad(call(leaf), leaf, torch.tensor([1.0, -2.0]), is_grads_batched=True)
    once = gradient(call, leaf.detach())
    torch.testing.assert_close(found, torch.stack((once, -2.0 * once)))


@pytest.mark.parametrize("name", CALLS)
def test_views_that_are_not_negated_yet(name):
    leaf, call = CALLS[name]
    assert torch.equal(call((-leaf)._neg_view()), call(leaf))
