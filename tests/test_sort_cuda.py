"""The GPU's sorting kernels on the processor, through the shim, against the CPU's kernels."""

from __future__ import annotations

import ctypes
from unittest import mock

import pytest
import torch

import cuda_host
from gendr._cuda import device
from gendr.sort import SIGMOIDS, _cuda, _ops, network

pytestmark = pytest.mark.skipif(cuda_host.compiler() is None, reason="needs a C++ compiler")

KINDS = ["none", "full", "first", "weights", "shared"]


def arguments(n, batch, kind, distribution="cauchy", dtype=torch.float64, art=0.0, name="bitonic"):
    """x, weights, pairs, starts, and the options."""
    x, net = torch.randn(batch, n, dtype=dtype), network(name, n)
    weights, rows = x.new_empty(0, 0, n), {"none": 0, "full": n, "first": 2}.get(kind, 3)
    if kind in ("weights", "shared"):
        weights = torch.randn(batch if kind == "weights" else 1, rows, n, dtype=dtype)
    product = _ops.PRODUCTS.index("weights" if kind == "shared" else kind)
    return (x, weights, net.pairs, net.starts, *_ops.SortOptions(product, rows, distribution, 8.0, art))


def outcome(module, inputs, **options):
    """Values, product and both gradients."""
    values, product = module.sort_network(*inputs, **options)
    incoming = (values.cos(), product.sin())
    wants_weights = bool(inputs[1].numel())
    return values, product, *module.sort_network_backward(*incoming, *inputs[:4], wants_weights, *inputs[4:], **options)


def compare(inputs, order="forward", units=0):
    spaces = []

    def workspace(size, _device):
        spaces.append(torch.full((size + cuda_host.GUARD,), 0xFF, dtype=torch.uint8))
        return spaces[-1][:size]

    path = cuda_host.library()
    ctypes.CDLL(str(path)).gendr_shim_order(cuda_host.ORDERS.index(order), 1)
    with mock.patch.multiple(device, _kernels=cuda_host.load(path), workspace=workspace):
        ours = outcome(_cuda, inputs, units=units)
    wanted = outcome(torch.ops.gendr, inputs)
    # Worst of the CPU kernels against the reference in float32 3e-5; here the sums run in another order again.
    tolerance = 1e-12 if inputs[0].dtype == torch.float64 else 6e-5
    for a, b in zip(ours, wanted, strict=True):
        assert torch.equal(a.isnan(), b.isnan())
        assert torch.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True)
    assert all(bool((space[-cuda_host.GUARD :] == 0xFF).all()) for space in spaces)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["bitonic", "odd_even"])
def test_products(kind, name):
    for n, batch in [(1, 2), (5, 3), (40, 2)]:  # 40 rows are two warps
        compare(arguments(n, batch, kind, name=name))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("name", SIGMOIDS)
def test_sigmoids(name, dtype):
    compare(arguments(6, 2, "full", name, dtype))


def test_art():
    compare(arguments(6, 2, "full", "logistic", art=0.3))


@pytest.mark.parametrize("order", cuda_host.ORDERS)
@pytest.mark.parametrize("units", [0, 1, 3])
def test_order_of_threads_and_passes_do_not_matter(order, units):
    compare(arguments(40, 3, "full"), order, units)


def test_infinities_and_nan():
    inputs = arguments(7, 5, "full")
    inputs[0][0, 1], inputs[0][1, 2], inputs[0][2, 3], inputs[0][3, :] = torch.inf, -torch.inf, torch.nan, 1e300
    compare(inputs)
