"""The operators that are no networks, against what defines them and against each other."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from gendr.sort import BubbleSort, DiffSort, FastSort, NeuralSort, Sinkhorn, SoftSort, isotonic

DOUBLE = torch.float64
WITH_MATRIX = [NeuralSort(tau=0.2), SoftSort(tau=0.2), SoftSort(tau=0.2, p=2.0), Sinkhorn(tau=0.5), BubbleSort(3.0)]
WITHOUT = [FastSort(0.5), FastSort(0.5, "kl")]
IDS = ["neural", "soft", "soft, p=2", "sinkhorn", "bubble", "fast", "fast, kl"]
ALL = [pytest.param(operator, id=name) for operator, name in zip([*WITH_MATRIX, *WITHOUT], IDS, strict=True)]
MATRIX = ALL[:5]


@pytest.mark.parametrize("operator", MATRIX)
@pytest.mark.parametrize("descending", [False, True])
def test_matrix(operator, descending):
    x = torch.randn(4, 6, dtype=DOUBLE)
    values, p = operator(x, descending=descending)
    assert (p >= 0).all()
    assert torch.allclose(p.sum(-1), torch.ones(4, 6, dtype=DOUBLE), atol=1e-5)  # Sinkhorn's tolerance is 1e-6
    if isinstance(operator, (Sinkhorn, BubbleSort)):
        assert torch.allclose(p.sum(-2), torch.ones(4, 6, dtype=DOUBLE), atol=1e-5)
    assert torch.allclose(values, (p @ x.unsqueeze(-1)).squeeze(-1), atol=1e-12)
    assert torch.allclose(operator.sort(x, descending=descending), values, atol=1e-12)
    assert torch.equal(operator.permutation(x, k=2, descending=descending), p[:, :2])
    ranks = torch.arange(6, dtype=DOUBLE) @ p
    assert torch.allclose(operator.rank(x, descending=descending), ranks, atol=1e-12)


@pytest.mark.parametrize(
    "operator",
    [NeuralSort(1e-3), SoftSort(1e-3), Sinkhorn(0.02), BubbleSort(1e3), FastSort(1e-3), FastSort(1e-3, "kl")],
    ids=lambda o: type(o).__name__,
)
def test_limit_is_the_hard_sort(operator):
    x = torch.stack([torch.randperm(7) for _ in range(10)]).double()
    assert torch.allclose(operator.sort(x), x.sort(-1).values, atol=1e-6)
    # The entropic ranks tend to the hard ones like exp(-1/strength); Sinkhorn's rest is its tolerance.
    assert torch.allclose(operator.rank(x), x.argsort(-1).argsort(-1).double(), atol=1e-5)


@pytest.mark.parametrize("operator", ALL)
def test_gradients_are_finite_differences(operator):
    if isinstance(operator, Sinkhorn):
        operator = Sinkhorn(0.5, iterations=500, tolerance=1e-12)
    x = torch.randn(2, 4, dtype=DOUBLE, requires_grad=True)
    assert torch.autograd.gradcheck(operator.sort, x, atol=1e-5)
    assert torch.autograd.gradcheck(operator.rank, x, atol=1e-5)


@pytest.mark.parametrize("operator", ALL)
def test_transforms(operator):
    x = torch.randn(3, 5, dtype=DOUBLE)
    each = torch.stack([operator.rank(row) for row in x])
    if not isinstance(operator, Sinkhorn):  # which stops by the worst row
        assert torch.allclose(torch.func.vmap(operator.rank)(x), each)
    jacobian = torch.func.vmap(torch.func.jacrev(operator.rank))(x)
    row = x[1].clone().requires_grad_()
    (wanted,) = torch.autograd.grad(operator.rank(row)[2], row)
    # Sinkhorn stops at 1e-6, here of the worst row and there of its own; at a flat place its gradient has fewer digits.
    assert torch.allclose(jacobian[1, 2], wanted, atol=1e-4 if isinstance(operator, Sinkhorn) else 1e-9)


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # by Dynamo itself, torch 2.13
@pytest.mark.parametrize(
    "operator",
    [SoftSort(0.2), Sinkhorn(0.2, iterations=5, gradient="unrolled"), FastSort(0.5)],
    ids=lambda o: type(o).__name__,
)
def test_compiles_whole(operator):
    x = torch.randn(3, 5)
    compiled = torch.compile(operator.rank, fullgraph=True, backend="aot_eager")
    if isinstance(operator, Sinkhorn):
        operator = Sinkhorn(0.2, iterations=5, tolerance=0.0, gradient="unrolled")
    assert torch.allclose(compiled(x), operator.rank(x), atol=1e-6)


@pytest.mark.parametrize("operator", ALL)
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64], ids=str)
def test_finite_for_any_finite_input(operator, dtype):
    largest = torch.finfo(dtype).max
    for x in ([largest, -largest, 0.0, 1.0], [1.0, 1.0, 1.0, 1.0], [1e-7, 0.0, 3.0, 3.0]):
        leaf = torch.tensor(x, dtype=dtype, requires_grad=True)
        for out in (operator.sort(leaf), operator.rank(leaf)):
            assert out.dtype == dtype
            out = torch.where(out.isfinite(), out, 0.0) if dtype == torch.float16 else out  # its range is narrow
            assert out.isfinite().all()
            (gradient,) = torch.autograd.grad((out * torch.tensor([1.0, -2.0, 3.0, 0.5]).to(dtype)).sum(), leaf)
            assert gradient.isfinite().all()


def test_two_elements_are_the_logistic_comparator():
    x = torch.randn(20, 2, dtype=DOUBLE)
    for tau in (0.3, 1.0):
        quarter = DiffSort(2, distribution="logistic", steepness=1 / (4 * tau)).permutation(x)
        assert torch.allclose(SoftSort(tau).permutation(x), quarter)
        assert torch.allclose(NeuralSort(tau).permutation(x), quarter)
        assert torch.allclose(BubbleSort(1 / (4 * tau)).permutation(x), quarter)
        eighth = DiffSort(2, distribution="logistic", steepness=1 / (8 * tau)).permutation(x)
        assert torch.allclose(Sinkhorn(tau, tolerance=1e-12).permutation(x), eighth, atol=1e-9)


@pytest.mark.parametrize("operator", [Sinkhorn(0.25), BubbleSort(1.0)], ids=["sinkhorn", "bubble"])
def test_not_monotonic(operator):
    """Table 3.2."""
    x = torch.linspace(0, 10, 501, dtype=DOUBLE)
    assert not bool((operator.sort(torch.stack([x, torch.zeros_like(x)], -1))[:, 0].diff() >= -1e-9).all())


def test_fastsort_is_monotonic_and_unbounded_for_two():
    """Table 3.2: the error grows with the regularisation, without a bound in the slope."""
    x = torch.linspace(-10, 10, 501, dtype=DOUBLE)
    least = FastSort(0.01).sort(torch.stack([x, torch.zeros_like(x)], -1))[:, 0]
    assert (least.diff() >= -1e-12).all()
    values = FastSort(100.0).sort(torch.tensor([0.0, 1000.0], dtype=DOUBLE))
    assert values[0] > 400


def nearest_permutation_mixture(z: Tensor, w: Tensor) -> Tensor:
    """Projection on the permutahedron of `w` by brute force: away-free Frank-Wolfe over all vertices."""
    vertices = torch.stack([w[list(order)] for order in itertools.permutations(range(len(w)))])
    point = vertices.mean(0)
    for _ in range(20000):
        vertex = vertices[((point - z) @ vertices.T).argmin()]
        direction = vertex - point
        norm = direction.square().sum()
        if norm < 1e-18 or (step := ((z - point) @ direction / norm).clamp(0, 1)) < 1e-12:
            break
        point = point + step * direction
    return point


def test_fastsort_is_the_projection():
    for seed in range(3):
        z = torch.randn(4, dtype=DOUBLE, generator=torch.Generator().manual_seed(seed)) * 2
        wanted = nearest_permutation_mixture(z, torch.arange(4, dtype=DOUBLE))
        assert torch.allclose(FastSort(1.0).rank(z), wanted, atol=2e-2)  # Frank-Wolfe converges like 1/steps
        wanted = nearest_permutation_mixture(torch.arange(4, dtype=DOUBLE), z)
        assert torch.allclose(FastSort(1.0).sort(z), wanted, atol=2e-2)


@pytest.mark.parametrize("regularisation", ["l2", "kl"])
def test_isotonic_is_optimal(regularisation):
    """It decreases, and on each block the objective has no slope; between blocks it strictly falls."""
    s, w = torch.randn(2, 10, 30, dtype=DOUBLE).unbind()
    v = isotonic(s, w, regularisation)
    assert (v.diff() <= 1e-12).all()
    slope = v - (s - w) if regularisation == "l2" else w.exp() - (s - v).exp()
    for row, values in zip(slope, v, strict=True):
        sums = row.cumsum(0)
        ends = torch.cat([values.diff() < -1e-12, torch.tensor([True])])
        assert sums[ends].abs().max() < 1e-10  # blocks balance
        assert (sums >= -1e-10).all() if regularisation == "l2" else True  # no split of a block would gain


@pytest.mark.parametrize("gradient", ["implicit", "unrolled"])
def test_sinkhorn_gradients_agree(gradient):
    x = torch.randn(3, 5, dtype=DOUBLE, requires_grad=True)
    weights = torch.randn(3, 5, 5, dtype=DOUBLE)
    operator = Sinkhorn(0.3, iterations=1000, tolerance=1e-12, gradient=gradient)
    (ours,) = torch.autograd.grad((operator.permutation(x) * weights).sum(), x)
    step = 1e-6 * torch.randn(3, 5, dtype=DOUBLE)
    change = (operator.permutation(x + step) - operator.permutation(x - step)) * weights
    assert (ours * 2 * step).sum().item() == pytest.approx(change.sum().item(), rel=1e-5)


def test_bubble_sort_stops_when_nothing_swapped():
    x = torch.arange(6.0, dtype=DOUBLE)  # sorted: one pass, which leaves it alone
    values, p = BubbleSort(50.0)(x)
    assert torch.allclose(values, x, atol=1e-9)
    assert torch.allclose(p, torch.eye(6, dtype=DOUBLE), atol=1e-9)


@pytest.mark.parametrize("operator", [NeuralSort(), SoftSort(), Sinkhorn(), FastSort()], ids=lambda o: type(o).__name__)
@pytest.mark.parametrize("bad", [torch.inf, torch.nan])
def test_infinities_are_refused(operator, bad):
    with pytest.raises(ValueError, match="x: expected finite values"):
        operator.rank(torch.tensor([1.0, bad]))


def test_errors_say_what_was_wanted():
    with pytest.raises(NotImplementedError, match="FastSort: has no permutation matrix"):
        FastSort().permutation(torch.zeros(3))
    for wrong, message in [
        (lambda: SoftSort(tau=0.0), "tau: expected a number in"),
        (lambda: SoftSort(p=-1.0), "p: expected a number in"),
        (lambda: NeuralSort(tau=float("nan")), "tau: expected a number in"),
        (lambda: Sinkhorn(gradient="exact"), "gradient: expected one of implicit, unrolled"),
        (lambda: Sinkhorn(iterations=0), "iterations: expected an int of at least 1"),
        (lambda: FastSort(regularisation="l1"), "regularisation: expected one of l2, kl"),
        (lambda: BubbleSort(distribution="exponential"), "distribution: expected one of"),
        (lambda: isotonic(torch.zeros(2, 3), torch.zeros(2, 4)), "w: expected"),
    ]:
        with pytest.raises(ValueError, match=message):
            wrong()
