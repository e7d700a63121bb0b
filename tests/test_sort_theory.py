"""The theory of chapter 3: doubly stochastic, monotonic and bounded where Table 3.2 says so, hard in the limit."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.special import lambertw
from torch import Tensor

from gendr.distributions import DISTRIBUTIONS
from gendr.sort import SIGMOIDS, DiffSort, NeuralSort, Sigmoid, SoftSort
from gendr.sort.networks import NETWORKS

DOUBLE = torch.float64
BOUNDS = {"reciprocal": 1 / 4, "cauchy": 1 / math.pi**2, "optimal": 1 / 16, "logistic": 0.0696}
"""Table 3.1 at Lipschitz constant 1."""
MONOTONIC = {"reciprocal", "cauchy", "optimal"}


def sigmoid(name: str, steepness: float = 1.0, art: float | None = None) -> Sigmoid:
    return Sigmoid(DISTRIBUTIONS[name](), steepness, art)


def least(f: Sigmoid, x: Tensor) -> Tensor:
    """min_f(x, 0)."""
    return x * f.sf(x)


WIDE = torch.cat([-torch.logspace(4, -4, 4001), torch.zeros(1), torch.logspace(-4, 4, 4001)]).double()


@pytest.mark.parametrize("name", SIGMOIDS)
def test_steepness_is_the_lipschitz_constant(name):
    x = torch.linspace(-3, 3, 6001, dtype=DOUBLE)
    slopes = sigmoid(name, 2.0).cdf(x).diff() / x.diff()
    assert slopes.max() <= 2.0 + 1e-9  # rounding of a difference of values near 1 over 1e-3
    assert slopes[2990:3010].max() == pytest.approx(2.0, rel=0.01)


@pytest.mark.parametrize("name", SIGMOIDS)
def test_odd_symmetric(name):
    f = sigmoid(name, 3.0)
    assert torch.equal(f.cdf(WIDE), f.sf(-WIDE))
    assert (f.cdf(WIDE) + f.sf(WIDE) - 1).abs().max() < 1e-15


@pytest.mark.parametrize("alpha", [0.5, 1.0, 8.0])
@pytest.mark.parametrize("name", BOUNDS)
def test_error_bounds(name, alpha):
    error = least(sigmoid(name, alpha), WIDE[WIDE > 0]).max().item()
    assert error <= BOUNDS[name] / alpha * (1 + 1e-3)  # 0.0696 is printed to three digits
    assert error == pytest.approx(BOUNDS[name] / alpha, rel=2e-3)  # approached at x = 1e4 only


def test_art_lessens_the_error_of_the_logistic_comparator():
    errors = [least(sigmoid("logistic", 1.0, art), WIDE[WIDE > 0]).max().item() for art in (None, 0.25, 0.5)]
    assert errors == sorted(errors, reverse=True)


@pytest.mark.parametrize("steepness", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("art", [0.1, 0.25, 0.5, 0.75])
def test_error_bound_under_art(art, steepness):
    """`x / (1 + e^y)`, `y = 4 steepness x^(1 - art)`, is largest where `y = p (1 + e^-y)`, `p = 1/(1 - art)`."""
    p = 1 / (1 - art)
    w = lambertw(p * math.exp(-p)).real  # so that y = p + w
    bound = (p + w) ** (p - 1) * w / (4 * steepness) ** p
    error = least(sigmoid("logistic", steepness, art), torch.logspace(-6, 3, 90001, dtype=DOUBLE)).max().item()
    # The guard against division by 0, 1e-10, weighs most where |x|^art is small; the grid is 1e-4 fine, at a maximum.
    assert error == pytest.approx(bound, rel=1e-6)
    if (art, steepness) == (0.5, 1.0):
        assert bound == pytest.approx(0.0302, abs=5e-5)  # Table 3.2


@pytest.mark.parametrize("name", SIGMOIDS)
def test_monotonic_where_table_3_2_says(name):
    change = least(sigmoid(name), WIDE).diff()
    assert bool((change >= -1e-12).all()) == (
        name in MONOTONIC
    )  # values up to 1/4 in double, differences exact to 1e-16
    assert not bool((least(sigmoid("logistic", 1.0, art=0.25), WIDE).diff() >= -1e-12).all())


@pytest.mark.parametrize("operator", [NeuralSort(tau=0.25), SoftSort(tau=0.25)], ids=["neural", "soft"])
def test_neuralsort_and_softsort_are_not_monotonic(operator):
    x = torch.linspace(0, 10, 1001, dtype=DOUBLE)
    pair = torch.stack([x, torch.zeros_like(x)], -1)
    least_of_two = operator.sort(pair)[:, 0]
    assert not bool((least_of_two.diff() >= -1e-12).all())
    logistic = DiffSort(2, distribution="logistic", steepness=1.0)
    assert torch.allclose(operator.permutation(pair), logistic.permutation(pair), atol=1e-12)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("name", SIGMOIDS)
@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 13])
def test_doubly_stochastic_and_consistent(network, name, n):
    x = torch.randn(4, n, dtype=DOUBLE)
    operator = DiffSort(n, network, name, steepness=3.0)
    values, p = operator(x)
    assert (p >= 0).all()
    ones = torch.ones(4, n, dtype=DOUBLE)
    # n summands and at most n layers of rounding in double, each 1e-16
    assert torch.allclose(p.sum(-1), ones, atol=1e-14)
    assert torch.allclose(p.sum(-2), ones, atol=1e-14)
    assert torch.allclose(values, (p @ x.unsqueeze(-1)).squeeze(-1), atol=1e-13)
    assert torch.allclose(operator.rank(x), torch.arange(n, dtype=DOUBLE) @ p, atol=1e-13)
    assert torch.allclose(operator.permutation(x, k=min(2, n)), p[:, :2], atol=1e-14)
    assert torch.equal(operator.sort(x), values)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("name", sorted(MONOTONIC))
def test_networks_of_monotonic_comparators_are_monotonic(network, name):
    x = torch.randn(200, 6, dtype=DOUBLE)
    operator = DiffSort(6, network, name, steepness=2.0)
    jacobian = torch.func.vmap(torch.func.jacrev(operator.sort))(x)
    assert jacobian.min() >= -1e-12  # every output in every input; sums of products of double


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("name", sorted(MONOTONIC))
@pytest.mark.parametrize("n", [4, 7, 16])
def test_error_is_at_most_layers_times_epsilon(network, name, n):
    """Theorem 3.5."""
    x = torch.randn(100, n, dtype=DOUBLE) * torch.logspace(-2, 2, 100, dtype=DOUBLE).unsqueeze(-1)
    operator = DiffSort(n, network, name, steepness=4.0)
    error = (operator.sort(x) - x.sort(-1).values).abs().max()
    assert 0 < error <= operator.layers.n_layers * BOUNDS[name] / 4.0 + 1e-12  # it is attained: rounding


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("name", SIGMOIDS)
def test_limit_is_the_hard_sort(network, name):
    x = torch.stack([torch.randperm(9) for _ in range(20)]).double()
    values, p = DiffSort(9, network, name, steepness=1e9)(x)
    order = x.argsort(-1)
    hard = torch.nn.functional.one_hot(order, 9).double()
    # reciprocal: each comparator errs by at most 1 / (4 * 1e9) in value and as much in probability; 9 layers
    assert torch.allclose(p, hard, atol=1e-8)
    assert torch.allclose(values, x.sort(-1).values, atol=1e-8)


@pytest.mark.parametrize("name", SIGMOIDS)
def test_ties_are_halves(name):
    values, p = DiffSort(2, distribution=name, steepness=5.0)(torch.tensor([1.5, 1.5]))
    assert torch.allclose(p, torch.full((2, 2), 0.5), atol=1e-7)  # the last bit of an arc tangent
    assert torch.allclose(values, torch.tensor([1.5, 1.5]), atol=1e-6)
    x = torch.full((6,), 2.0, requires_grad=True)
    values, p = DiffSort(6, distribution=name, steepness=5.0)(x)
    assert torch.allclose(values, torch.full((6,), 2.0), atol=1e-6)
    (gradient,) = torch.autograd.grad((p * torch.randn(6, 6)).sum(), x)
    assert gradient.isfinite().all()


def test_ties_under_art_have_a_finite_gradient():
    x = torch.zeros(4, requires_grad=True)
    p = DiffSort(4, distribution="logistic", steepness=5.0, art=0.4).permutation(x)
    (gradient,) = torch.autograd.grad((p * torch.randn(4, 4)).sum(), x)
    assert 0 < gradient.abs().max() < 5.0 * 1e4 * 4 * 10  # steepness, (1e-10)^-0.4, four comparators, weights below 10
