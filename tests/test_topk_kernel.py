"""The top-k kernel against the plain torch definition, on every instruction set, and as a citizen of torch."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from gendr import _kernels, set_num_threads
from gendr.distributions import from_spec
from gendr.sort import SIGMOIDS, Sigmoid
from gendr.topk import TopKLoss, network_mass, network_surprise, selection_network, surprise
from gendr.topk._ops import MassOptions, label_mass

# float32 sums of some thousand rounded terms; worst seen 4e-7 in the mass and 3e-6 of the largest gradient.
TOLERANCE = {torch.float32: (2e-6, 3e-5), torch.float64: (1e-13, 1e-11)}


def inputs(batch, n, k, dtype, seed=0):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(batch, n, dtype=dtype, generator=generator).requires_grad_()
    weights = torch.rand(batch, k, dtype=dtype, generator=generator)
    return scores, torch.randint(n, (batch,), generator=generator), weights


def both(scores, labels, weights, sigmoid, m, network="auto"):
    results = []
    for backend in ("cpu", "reference"):
        mass = network_mass(scores, labels, weights, sigmoid, m, network, backend)
        results.append((mass.detach(), torch.autograd.grad((mass * torch.arange(1, len(mass) + 1)).sum(), scores)[0]))
    return results


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("distribution", SIGMOIDS)
def test_every_distribution(distribution, dtype):
    scores, labels, weights = inputs(5, 40, 4, dtype)
    check(scores, labels, weights, Sigmoid(from_spec(distribution), 2.0), None, dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("batch", "n", "k", "m"), [
    (1, 2, 2, None), (16, 17, 3, None), (17, 33, 1, None), (33, 300, 5, None), (3, 300, 5, 5), (18, 300, 5, 16),
    (18, 127, 5, 50), (4, 129, 5, 64), (4, 300, 5, 65), (4, 300, 5, 299), (4, 300, 5, 400), (2, 1000, 5, 16),
])  # fmt: skip
def test_every_size(batch, n, k, m, dtype):
    scores, labels, weights = inputs(batch, n, k, dtype)
    check(scores, labels, weights, Sigmoid(from_spec("cauchy"), 5.0), m, dtype)


def check(scores, labels, weights, sigmoid, m, dtype):
    (mass, gradient), (expected, expected_gradient) = both(scores, labels, weights, sigmoid, m)
    close, close_gradient = TOLERANCE[dtype]
    assert torch.allclose(mass, expected, rtol=0, atol=close)
    assert (gradient - expected_gradient).abs().max() <= close_gradient * max(1.0, expected_gradient.abs().max())


def test_ties_are_chosen_from_the_front():
    scores = torch.zeros(1, 200, dtype=torch.float64)
    scores[0, 150:153] = 1.0
    sigmoid, weights = Sigmoid(from_spec("cauchy"), 5.0), torch.ones(1, 2, dtype=torch.float64)
    masses = [network_mass(scores, torch.tensor([y]), weights, sigmoid, 4) for y in (150, 151, 152, 0, 199)]
    chosen = torch.tensor([[1.0, 1, 1, 0]], dtype=torch.float64)
    places = [network_mass(chosen, torch.tensor([y]), weights, sigmoid) for y in (0, 1, 2, 3, 3)]
    assert torch.allclose(torch.cat(masses), torch.cat(places), atol=1e-14)


ROWS = {
    "random": lambda n, g: torch.randn(n, generator=g),
    "few values": lambda n, g: torch.randint(6, (n,), generator=g).float(),
    "equal": lambda n, g: torch.full((n,), 2.5),
    "ascending": lambda n, g: torch.arange(n).float(),
    "descending": lambda n, g: -torch.arange(n).float(),
    "infinite": lambda n, g: torch.randn(n, generator=g).where(torch.rand(n, generator=g) < 0.2, -torch.inf),
    "two infinities": lambda n, g: torch.randn(n, generator=g).sign() * torch.inf,
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", ROWS)
def test_the_highest_are_chosen_as_a_stable_sort_has_them(kind, dtype):
    generator = torch.Generator().manual_seed(1)
    for n in (100, 127, 128, 129, 300, 1000, 1003):
        scores = torch.stack([ROWS[kind](n, generator) for _ in range(17)]).to(dtype)
        order = scores.sort(dim=1, descending=True, stable=True).indices
        for m in (1, 2, 15, 16, 17, 64):
            network = selection_network(m, 1, "auto")
            options = MassOptions("cauchy", 5.0, m)
            tensors = scores, order[:, 0].contiguous(), torch.ones(1, 1, dtype=dtype), network.pairs, network.starts
            assert torch.equal(torch.ops.gendr.topk_mass(*tensors, *options, True)[2], order[:, :m]), (n, m)


def test_bits_do_not_depend_on_threads_or_on_the_batch():
    scores, labels, weights = inputs(70, 90, 5, torch.float32)
    sigmoid = Sigmoid(from_spec("logistic"), 5.0)
    results = []
    for threads in (1, 2, 3):
        set_num_threads(threads)
        results.append(both(scores, labels, weights, sigmoid, None)[0])
    set_num_threads(None)
    assert all(torch.equal(a, b) for other in results[1:] for a, b in zip(results[0], other, strict=True))
    alone = network_mass(scores[20:21], labels[20:21], weights[20:21], sigmoid)
    assert torch.equal(alone[0], results[0][0][20])


@pytest.mark.parametrize("instruction_set", _kernels.instruction_sets())
def test_every_instruction_set(instruction_set):
    code = (
        "import torch; from test_topk_kernel import *; from gendr import _kernels\n"
        f"assert _kernels.selected_instruction_set() == {instruction_set!r}\n"
        "for m in (None, 16):\n"
        "    for dtype in TOLERANCE:\n"
        "        check(*inputs(18, 300, 5, dtype), Sigmoid(from_spec('cauchy'), 5.0), m, dtype)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], env={"GENDR_CPU": instruction_set, "PYTHONPATH": "tests", "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr


LOSS = {m: TopKLoss([0.2, 0.3, 0.5], m, steepness=3.0) for m in (None, 4)}


def loss_of(scores, m=None):
    return LOSS[m](scores, torch.tensor([1, 4]))


@pytest.mark.parametrize("m", [None, 4])
def test_gradients_are_finite_differences(m):
    scores, labels, weights = inputs(3, 9, 3, torch.float64)
    sigmoid = Sigmoid(from_spec("cauchy"), 2.0)
    assert torch.autograd.gradcheck(lambda s: network_mass(s, labels, weights, sigmoid, m), (scores,))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("m", [None, 4])
def test_the_surprise_is_minus_the_logarithm_of_the_mass(m, dtype):
    scores, labels, weights = inputs(20, 9, 3, dtype)
    for steepness in (2.0, 1e3):  # at the second the masses are 0 or 1: the surprise is held, and has no gradient
        sigmoid = Sigmoid(from_spec("logistic"), steepness)
        found = network_surprise(scores, labels, weights.round(), sigmoid, m)
        wanted = surprise(network_mass(scores, labels, weights.round(), sigmoid, m, backend="reference"))
        assert torch.allclose(found, wanted, rtol=1e-4, atol=1e-5)
        slopes = [torch.autograd.grad(value.sum(), scores)[0] for value in (found, wanted)]
        assert torch.allclose(*slopes, rtol=1e-3, atol=1e-5)
    assert found.max().item() == pytest.approx(69.0776, abs=1e-3)
    assert slopes[0][found > 69].abs().max() == 0


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # by Dynamo itself, torch 2.13
@pytest.mark.parametrize("m", [None, 4])
def test_compiles_whole(m):
    scores = inputs(2, 9, 3, torch.float32)[0]
    compiled = torch.compile(lambda s: loss_of(s, m=m), fullgraph=True, backend="aot_eager")
    value = compiled(scores)
    assert torch.allclose(value, loss_of(scores, m=m))
    (gradient,) = torch.autograd.grad(value, scores)
    assert torch.allclose(gradient, torch.autograd.grad(loss_of(scores, m=m), scores)[0])


def test_functional_transforms():
    scores = torch.stack([inputs(2, 9, 3, torch.float64, seed)[0].detach() for seed in (1, 2, 3)])
    gradients = torch.func.vmap(torch.func.grad(loss_of))(scores)
    each = torch.stack([torch.func.grad(loss_of)(s) for s in scores])
    assert torch.allclose(gradients, each, atol=1e-15)
    assert torch.allclose(torch.func.vmap(loss_of)(scores), torch.stack([loss_of(s) for s in scores]))


def test_the_operator_passes_torch_s_own_checks():
    scores, labels, weights = inputs(3, 9, 3, torch.float32)
    network = selection_network(4, 3)
    for least_mass in (0.0, 1e-30):
        options = MassOptions("cauchy", 3.0, 4, least_mass)
        arguments = (scores.detach(), labels, weights, network.pairs, network.starts, *options, True)
        torch.library.opcheck(torch.ops.gendr.topk_mass.default, arguments)
    _, gradient, ranked = torch.ops.gendr.topk_mass(*arguments)
    torch.library.opcheck(torch.ops.gendr.topk_spread.default, (torch.ones(len(scores)), gradient, ranked, 9))


@pytest.mark.filterwarnings(
    "ignore:.*torch.jit.script:DeprecationWarning"
)  # by torch's forward mode itself, torch 2.13
def test_what_has_no_derivative_says_so():
    scores, labels, weights = inputs(3, 9, 3, torch.float64)
    network = selection_network(9, 3)
    options = MassOptions("cauchy", 3.0, 9)
    with pytest.raises(RuntimeError, match="no derivative of the raw operators"):
        torch.ops.gendr.topk_mass(scores, labels, weights, network.pairs, network.starts, *options, True)
    mass = label_mass(scores, labels, weights, network.pairs, network.starts, options)
    (first,) = torch.autograd.grad(mass.sum(), scores, create_graph=True)
    with pytest.raises(RuntimeError, match="no second derivatives"):
        first.square().sum().backward()


def test_reference_has_second_derivatives():
    scores = inputs(2, 5, 2, torch.float64)[0]
    loss = TopKLoss([0.5, 0.5], backend="reference", steepness=1.0)
    assert torch.autograd.gradgradcheck(lambda s: loss(s, torch.tensor([1, 4])), (scores,))
