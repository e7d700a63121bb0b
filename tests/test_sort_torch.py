"""Relaxed sorting within torch: compilers, transforms, dtypes, dimensions, derivatives of first and second order."""

from __future__ import annotations

import pytest
import torch

from gendr.distributions import DISTRIBUTIONS
from gendr.sort import SIGMOIDS, DiffSort, Sigmoid, _ops, apply_network, network, permutation, rank, sort

OPERATOR = DiffSort(6, "bitonic", "cauchy", steepness=4.0)
X = torch.randn(5, 6, generator=torch.Generator().manual_seed(1))


def loss(x: torch.Tensor) -> torch.Tensor:
    values, p = OPERATOR(x)
    return values.square().sum() + (p * torch.arange(6.0)).cos().sum() + OPERATOR.rank(x).sin().sum()


def gradient(x: torch.Tensor) -> torch.Tensor:
    leaf = x.clone().requires_grad_()
    return torch.autograd.grad(loss(leaf), leaf)[0]


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # by Dynamo itself, torch 2.13
@pytest.mark.parametrize("dynamic", [False, True])
def test_compiles_whole(dynamic):
    compiled = torch.compile(loss, fullgraph=True, dynamic=dynamic, backend="aot_eager")
    for x in (X, *([X[:3], X.repeat(2, 1)] if dynamic else [])):
        leaf = x.clone().requires_grad_()
        value = compiled(leaf)
        value.backward()
        assert torch.allclose(value, loss(x))  # the sum's order may differ
        assert torch.allclose(leaf.grad, gradient(x), atol=1e-6)


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # by Dynamo itself, torch 2.13
def test_functions_compile():
    for dim in (0, 1):
        sort(X, dim=dim)  # builds the networks
    compiled = torch.compile(
        lambda x: (sort(x), permutation(x, k=2), rank(x, dim=0, descending=True)), fullgraph=True, backend="aot_eager"
    )
    for a, b in zip(compiled(X), (sort(X), permutation(X, k=2), rank(X, dim=0, descending=True)), strict=True):
        assert torch.equal(a, b)


def test_functional_gradient():
    assert torch.equal(torch.func.grad(loss)(X), gradient(X))


def test_vmap_folds_into_the_batch():
    several = torch.stack([X, X.flip(0), -X])
    for out, each in zip(torch.func.vmap(OPERATOR)(several), zip(*map(OPERATOR, several), strict=True), strict=True):
        assert torch.equal(out, torch.stack(each))
    assert torch.equal(torch.func.vmap(OPERATOR.sort, in_dims=1)(X.mT), OPERATOR.sort(X))
    gradients = torch.func.vmap(torch.func.grad(loss))(several)
    assert torch.allclose(gradients, torch.stack([gradient(x) for x in several]), atol=1e-6)
    each = torch.func.vmap(torch.func.grad(loss))(X)
    assert torch.allclose(each, gradient(X), atol=1e-6)


@pytest.mark.parametrize("shape", [(2, 6), (1, 2, 6), (5, 2, 6)])
def test_gradients_of_weights_under_vmap(shape):
    f, net = Sigmoid(DISTRIBUTIONS["cauchy"](), 4.0), network("bitonic", 6)

    def weighted(w: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return apply_network(x, net, f, w)[1].sin().sum()

    w, several = torch.randn(shape), torch.stack([X, -X])
    each = [torch.func.grad(weighted)(w, x) for x in several]
    assert torch.allclose(
        torch.func.vmap(torch.func.grad(weighted), (None, 0))(w, several), torch.stack(each), atol=1e-6
    )
    stacked = torch.stack([w, 2 * w])
    each = [torch.func.grad(weighted)(v, X) for v in stacked]
    assert torch.allclose(
        torch.func.vmap(torch.func.grad(weighted), (0, None))(stacked, X), torch.stack(each), atol=1e-6
    )


def test_operators_pass_torch_s_own_checks():
    net = network("bitonic", 6)
    for product, rows, weights in [
        (0, 0, X.new_empty(0, 0, 6)),
        (1, 6, X.new_empty(0, 0, 6)),
        (3, 2, torch.rand(5, 2, 6)),
    ]:
        options = _ops.SortOptions(product, rows, "cauchy", 3.0, 0.0)
        torch.library.opcheck(torch.ops.gendr.sort_network.default, (X, weights, net.pairs, net.starts, *options))
        values, matrix = torch.ops.gendr.sort_network(X, weights, net.pairs, net.starts, *options)
        backward = (values, matrix, X, weights, net.pairs, net.starts, product == 3, *options)
        torch.library.opcheck(torch.ops.gendr.sort_network_backward.default, backward)


@pytest.mark.filterwarnings(
    "ignore:.*torch.jit.script:DeprecationWarning"
)  # by torch's forward mode itself, torch 2.13
def test_what_has_no_derivative_says_so():
    leaf, net = X.clone().requires_grad_(), network("bitonic", 6)
    options = _ops.SortOptions(1, 6, "cauchy", 3.0, 0.0)
    with pytest.raises(RuntimeError, match="no derivative of the raw operators"):
        torch.ops.gendr.sort_network(leaf, X.new_empty(0, 0, 6), net.pairs, net.starts, *options)
    (first,) = torch.autograd.grad(loss(leaf), leaf, create_graph=True)
    with pytest.raises(RuntimeError, match="no second derivatives"):
        first.square().sum().backward()
    with pytest.raises((RuntimeError, NotImplementedError), match="forward mode"):
        torch.func.jvp(loss, (X,), (X,))


@pytest.mark.parametrize("name", [*SIGMOIDS, "logistic with art"])
def test_gradients_are_finite_differences(name):
    """gradcheck in float64, of values and matrix at once."""
    operator = DiffSort(5, "odd_even", name.split()[0], steepness=0.7, art=0.3 if "art" in name else None)
    x = torch.randn(2, 5, dtype=torch.float64, requires_grad=True)
    # A CDF with corners moves by its slope times the step at most.
    assert torch.autograd.gradcheck(lambda t: tuple(operator(t)), x, eps=1e-7, atol=1e-5)
    assert torch.autograd.gradcheck(operator.rank, x, eps=1e-7, atol=1e-5)


@pytest.mark.parametrize("name", ["cauchy", "logistic", "gaussian"])
def test_reference_has_second_derivatives(name):
    operator = DiffSort(3, "bitonic", name, steepness=0.7, backend="reference")
    x = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda t: tuple(operator(t)), x, atol=1e-6)


@pytest.mark.filterwarnings(
    "ignore:.*torch.jit.script:DeprecationWarning"
)  # by torch's forward mode itself, torch 2.13
def test_reference_has_forward_mode():
    operator = DiffSort(3, steepness=0.7, backend="reference")
    x, v = torch.randn(3, dtype=torch.float64), torch.randn(3, dtype=torch.float64)
    forward = torch.func.jvp(operator.sort, (x,), (v,))[1]
    assert torch.allclose(forward, torch.func.jacrev(operator.sort)(x) @ v)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
def test_dtypes(dtype):
    x = X.to(dtype, copy=True).requires_grad_()
    values, p = OPERATOR(x)
    assert values.dtype == p.dtype == OPERATOR.rank(x).dtype == dtype
    wide = OPERATOR(x.detach().double())
    step = 8 * torch.finfo(dtype).eps if dtype != torch.float64 else 1e-12  # rounding of the result; float32: the sums
    assert torch.allclose(values.double(), wide.values, atol=step, rtol=step)
    assert torch.allclose(p.double(), wide.permutation, atol=step, rtol=step)
    (values.sum() + p.square().sum()).backward()
    assert x.grad.dtype == dtype


@pytest.mark.parametrize("dim", [0, 1, -1, -2])
@pytest.mark.parametrize("descending", [False, True])
def test_dimensions_and_directions(dim, descending):
    x = torch.randn(4, 6, 3)
    n = x.shape[dim]
    operator = DiffSort(n, steepness=1e7)
    assert torch.allclose(operator.sort(x, dim, descending), x.sort(dim, descending).values, atol=1e-5)
    order = x.argsort(dim, descending)
    assert torch.equal(operator.rank(x, dim, descending).round(), order.argsort(dim).float())
    p = operator.permutation(x, dim=dim, descending=descending)
    leading = [size for i, size in enumerate(x.shape) if i != dim % 3]
    assert list(p.shape) == [*leading, n, n]
    assert torch.equal(p.argmax(-1), order.movedim(dim, -1))
    assert torch.equal(
        operator.permutation(x, k=2, dim=dim, descending=descending).argmax(-1), order.movedim(dim, -1)[..., :2]
    )


def test_empty_batches_and_single_elements():
    assert OPERATOR(torch.empty(0, 6)).permutation.shape == (0, 6, 6)
    empty = torch.empty(0, 6, requires_grad=True)
    OPERATOR.sort(empty).sum().backward()
    assert empty.grad.shape == (0, 6)
    values, p = DiffSort(1)(torch.tensor([3.0]))
    assert (values.item(), p.item()) == (3.0, 1.0)
    assert OPERATOR.permutation(X, k=0).shape == (5, 0, 6)


def test_errors_say_what_was_wanted():
    for wrong, message in [
        (lambda: DiffSort(6, "bubble"), "network: expected one of"),
        (lambda: DiffSort(6, network("bitonic", 5)), "network: expected one on 6 wires, got one on 5"),
        (lambda: DiffSort(6, distribution="gumbel_max"), "distribution: expected one of"),
        (lambda: DiffSort(6, distribution="cauchy(shift=0.1)"), "neither shifted nor squared"),
        (lambda: DiffSort(6, distribution="heaviside"), "distribution: expected one of"),
        (lambda: DiffSort(6, steepness="steep"), "steepness: expected a number or 'auto'"),
        (lambda: DiffSort(6, steepness=0.0), "steepness: expected a number in"),
        (lambda: DiffSort(6, art=0.2), "art: expected None, or with Logistic"),
        (lambda: DiffSort(6, distribution="logistic", art=1.0), "art: expected None, or with Logistic"),
        (lambda: DiffSort(6, backend="gpu"), "backend: expected one of"),
        (lambda: DiffSort(6, input_scale=0.0), "input_scale: expected a number"),
        (lambda: OPERATOR(torch.zeros(5)), "x: expected 6 elements along dim, got 5"),
        (lambda: OPERATOR(torch.zeros(6, dtype=torch.int64)), "x: expected float16 or"),
        (lambda: OPERATOR(torch.zeros(6), dim=1), "dim: expected a dimension of x"),
        (lambda: OPERATOR.permutation(X, k=7), "k: expected None or an int from 0 to 6"),
        (
            lambda: apply_network(X, network("bitonic", 6), OPERATOR.sigmoid, rows=7),
            "rows: expected None, a tensor, or",
        ),
        (lambda: apply_network(X, network("bitonic", 6), OPERATOR.sigmoid, torch.zeros(3, 2, 6)), "rows: expected"),
    ]:
        with pytest.raises((ValueError, TypeError), match=message):
            wrong()
    with pytest.raises(TypeError, match="by: expected a Sorter"):
        sort(X, "bitonic")
