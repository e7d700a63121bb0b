"""The sorting kernels against the plain torch definition, and what they promise about bits."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import Tensor

import gendr
from gendr import _kernels
from gendr.distributions import DISTRIBUTIONS
from gendr.sort import NETWORKS, SIGMOIDS, Network, Sigmoid, apply_network, network

# In float32 the reference's own sums differ by some 1e-6 from those of another order; worst seen 1.5e-5 (ART), x 2.
TOLERANCE = {torch.float64: 1e-12, torch.float32: 3e-5}
DTYPES = [torch.float32, torch.float64]
ROWS = ["none", "full", "first", "shared weights", "weights"]


def chosen_rows(kind: str, batch: int, n: int, dtype: torch.dtype) -> int | Tensor | None:
    return {
        "none": None,
        "full": n,
        "first": min(3, n),
        "shared weights": torch.randn(2, n, dtype=dtype),
        "weights": torch.randn(batch, 2, n, dtype=dtype),
    }[kind]


def outcome(x: Tensor, net: Network, f: Sigmoid, rows: int | Tensor | None, backend: str) -> list[Tensor]:
    """Values, product, and the gradients of a weighted sum of both."""
    leaves = [x.clone().requires_grad_()]
    if isinstance(rows, Tensor):
        rows = rows.clone().requires_grad_()
        leaves.append(rows)
    values, product = apply_network(leaves[0], net, f, rows, backend)
    outputs = [values] if product is None else [values, product]
    loss = sum((out * torch.linspace(-1, 1, out.numel(), dtype=x.dtype).cos().view_as(out)).sum() for out in outputs)
    return [out.detach() for out in outputs] + list(torch.autograd.grad(loss, leaves))


def compare(x: Tensor, net: Network, f: Sigmoid, rows: int | Tensor | None) -> None:
    ours, wanted = (outcome(x, net, f, rows, backend) for backend in ("cpu", "reference"))
    assert len(ours) == len(wanted)
    for a, b in zip(ours, wanted, strict=True):
        assert a.shape == b.shape
        assert ((a - b).abs() <= TOLERANCE[x.dtype] * (1 + b.abs())).all()


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_networks(kind, name, dtype):
    f = Sigmoid(DISTRIBUTIONS["cauchy"](), 3.0)
    large = 40 if name == "odd_even" else 80  # few have samples in the lanes, many vectors
    for n, batch in [(1, 2), (2, 17), (7, 5), (18, 3), (large, 2)]:
        compare(torch.randn(batch, n, dtype=dtype), network(name, n), f, chosen_rows(kind, batch, n, dtype))


@pytest.mark.parametrize("kind", ["none", "full", "first", "weights"])
def test_large_networks_share_a_sample_among_tasks(kind):
    x = torch.randn(2, 130, dtype=torch.float64)  # 130 columns are two tasks
    rows = torch.randn(2, 129, 130, dtype=torch.float64) if kind == "weights" else chosen_rows(kind, 2, 130, x.dtype)
    compare(x, network("bitonic", 130), Sigmoid(DISTRIBUTIONS["optimal"](), 3.0), rows)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", [*SIGMOIDS, "logistic with art"])
def test_sigmoids(name, dtype):
    f = Sigmoid(DISTRIBUTIONS[name.split()[0]](), 2.0, 0.3 if "art" in name else None)
    for n in (8, 64) if name == "cauchy" else (8,):
        x = torch.randn(3, n, dtype=dtype)
        if f.art is None:  # under ART a rounding makes much of a tie
            x[:, 1] = x[:, 0]
        compare(x, network("bitonic", n), f, n)


def test_networks_that_do_not_sort():
    net = Network(4, (((3, 0), (1, 2)), ((2, 3),)))  # the larger value to the lower wire, a wire left out
    compare(torch.randn(5, 4, dtype=torch.float64), net, Sigmoid(DISTRIBUTIONS["logistic"](), 2.0), 4)


def test_small_probabilities_keep_their_digits():
    x = torch.tensor([[0.0, 1.0, 2.0, 3.0]])
    f = Sigmoid(DISTRIBUTIONS["logistic"](), 7.0)
    p = apply_network(x, network("bitonic", 4), f, 4)[1]
    exact = apply_network(x.double(), network("bitonic", 4), f, 4, "reference")[1]
    assert exact.min() < 1e-30
    assert ((p - exact) / exact).abs().max() < 2e-5  # exp's argument 60 is rounded to 4e-6; three factors


@pytest.mark.parametrize(("n", "rows"), [(8, 8), (8, None), (130, 130), (130, 2)])
def test_bits_depend_neither_on_threads_nor_on_the_batch(n, rows):
    x, net, f = torch.randn(67, n), network("bitonic", n), Sigmoid(DISTRIBUTIONS["cauchy"](), 5.0)
    gendr.set_num_threads(1)
    one = outcome(x, net, f, rows, "cpu")
    try:
        gendr.set_num_threads(3)
        assert all(torch.equal(a, b) for a, b in zip(one, outcome(x, net, f, rows, "cpu"), strict=True))
    finally:
        gendr.set_num_threads(None)
    alone = apply_network(x[5:6], net, f, rows)
    assert torch.equal(alone[0][0], one[0][5])
    assert rows is None or torch.equal(alone[1][0], one[1][5])


SCRIPT = """
import torch
from gendr.distributions import Cauchy
from gendr.sort import Sigmoid, apply_network, network
torch.manual_seed(0)
for n in (9, 70):
    x = torch.randn(5, n, requires_grad=True)
    values, p = apply_network(x, network("odd_even", n), Sigmoid(Cauchy(), 3.0), n)
    wanted, q = apply_network(x, network("odd_even", n), Sigmoid(Cauchy(), 3.0), n, "reference")
    weights = torch.randn_like(p)
    ours, theirs = (torch.autograd.grad((m * weights).sum(), x)[0] for m in (p, q))
    assert torch.allclose(values, wanted, atol=1e-5) and torch.allclose(p, q, atol=1e-5)
    assert torch.allclose(ours, theirs, atol=1e-4)
"""


@pytest.mark.parametrize("name", _kernels.instruction_sets()[:-1])
def test_narrower_instruction_sets(name):
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT], env={"GENDR_CPU": name}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(("backend", "n"), [("cpu", 6), ("cpu", 90), ("reference", 6)])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_one_bad_row_spoils_no_other(backend, n, dtype):
    good, net, f = torch.randn(20, n, dtype=dtype), network("bitonic", n), Sigmoid(DISTRIBUTIONS["cauchy"](), 3.0)
    bad = good.clone()
    bad[3, 2], bad[4, 0], bad[5, 1], bad[6, 0] = torch.nan, torch.inf, -torch.inf, 3e38
    for rows in (n, 2, None):
        ours, clean = outcome(bad, net, f, rows, backend), outcome(good, net, f, rows, backend)
        others = [i for i in range(20) if i not in (3, 4, 5, 6)]
        for a, b in zip(ours, clean, strict=True):
            assert torch.equal(a[others], b[others])
            assert a[3].isnan().all() if a is not ours[-1] else a[3].isnan().any()
            assert not a[4:7].isnan().any()
        assert ours[-1][4:7].isfinite().all()


@pytest.mark.parametrize(("backend", "n"), [("cpu", 5), ("cpu", 70), ("reference", 5)])
@pytest.mark.parametrize("name", ["cauchy", "logistic", "optimal"])
def test_infinities_are_compared_hard(backend, name, n):
    x = torch.randn(3, n)
    x[0, :2], x[1, 1], x[2, 0], x[2, 3] = torch.inf, -torch.inf, torch.inf, -torch.inf
    f, net = Sigmoid(DISTRIBUTIONS[name](), 5.0), network("odd_even", n)
    values, p = apply_network(x, net, f, n, backend)
    infinite = x.isinf()
    assert torch.equal(values.isinf().sum(-1), infinite.sum(-1))
    assert torch.equal(values[0, -2:], torch.full((2,), torch.inf))
    assert values[1, 0] == -torch.inf
    assert (values[2, 0], values[2, -1]) == (-torch.inf, torch.inf)
    assert torch.equal(p[1, 0], (x[1] == -torch.inf).float())  # its rank is certain
    assert torch.allclose(p.sum(-1), torch.ones(3, n), atol=1e-5)
    assert torch.allclose(p.sum(-2), torch.ones(3, n), atol=1e-5)
    # What is left sorts as if the infinities were not there, if it meets in the same order: it is somewhere in between.
    rest = x[1][~infinite[1]].sort().values
    assert (values[1, 1:] >= rest[0] - 1e-5).all()
    assert (values[1, 1:] <= rest[-1] + 1e-5).all()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", SIGMOIDS)
def test_finite_for_any_finite_input(name, dtype):
    largest = torch.finfo(dtype).max
    x = torch.tensor([[0.0, largest, -largest, 1e-38, 0.0], [1e20, 1e-20, 1.0, 1.0, -1e10]], dtype=dtype)
    for steepness in (1e-6, 1.0, 1e15):
        for art in (None, 0.5) if name == "logistic" else (None,):
            f = Sigmoid(DISTRIBUTIONS[name](), steepness, art)
            for rows in (5, None):
                for out in outcome(x, network("bitonic", 5), f, rows, "cpu"):
                    assert out.isfinite().all()
