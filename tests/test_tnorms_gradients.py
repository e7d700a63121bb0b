"""Derivatives: any order, in the inputs and in p, once per distance, and finite for every input."""

import itertools
import warnings

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from gendr.tnorms import TNORMS, Maximum, Probabilistic, Yager
from gendr.tnorms.product import ProductForm


def members(parameters, tensor=False):
    for cls in TNORMS.values():
        for p in parameters if cls.p_range else (None,):
            try:
                yield cls() if p is None else cls(torch.tensor(p, dtype=torch.float64) if tensor else p)
            except ValueError:
                continue


MODERATE = (-3.0, -0.5, 0.5, 1.0, 2.5)
WIDE = (-1e18, -1e4, -1.0, -1e-18, 1e-18, 0.1, 0.5, 7.0, 1e4, 1e18)
DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


def over(parameters):
    return pytest.mark.parametrize("t", list(members(parameters)), ids=str)


def differentiable(t):
    """The same T-norm with a parameter that requires a gradient, and the list of it."""
    if t.p is None:
        return t, []
    p = torch.tensor(t.p, dtype=torch.float64, requires_grad=True)
    return type(t)(p), [p]


@over(MODERATE)
def test_gradcheck_in_inputs_and_parameter(t):
    a = (
        torch.rand(2, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64) * 0.4 + 0.02
    ).requires_grad_()
    kind = type(t)
    inputs = (a,) if t.p is None else (a, torch.tensor(t.p, dtype=torch.float64, requires_grad=True))

    def aggregate(a, *p):
        return kind(*p).aggregate(a, q=1 - a)

    def complement(a, *p):
        return kind(*p).aggregate_complement(a)

    for function in (aggregate, complement):
        assert gradcheck(function, inputs)
        assert gradgradcheck(function, inputs)
    if t.is_t_conorm:
        assert gradcheck(lambda a, *p: kind(*p).conorm(a[0], a[1]), inputs)
        assert gradcheck(lambda a, *p: kind(*p).norm(1 - a[0], 1 - a[1]), inputs)
        assert gradgradcheck(lambda a, *p: kind(*p).norm(1 - a[0], 1 - a[1]), inputs)


@over(MODERATE)
def test_q_is_a_value_whose_derivative_counts_once(t):
    x = torch.linspace(-4, 3, 6, dtype=torch.float64, requires_grad=True)

    def derivatives(with_q):
        out = t.aggregate(torch.sigmoid(x), q=torch.sigmoid(-x) if with_q else None)
        (first,) = torch.autograd.grad(out, x, create_graph=True)
        (second,) = torch.autograd.grad(first.sum(), x)
        return first.detach(), second

    for one, other in zip(derivatives(True), derivatives(False), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-13)


# torch imports its own deprecated decompositions for forward mode
@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")
def test_functional_transforms_reach_through():
    a = torch.tensor([0.2, 0.3, 0.1], dtype=torch.float64)
    for t in (Probabilistic(), Yager(2.0), Maximum()):
        by_vmap = torch.func.vmap(torch.func.grad(t.aggregate))(a.expand(2, 3))
        hessian = torch.func.hessian(t.aggregate)(a)
        assert by_vmap.shape == (2, 3)
        torch.testing.assert_close(hessian, torch.autograd.functional.hessian(t.aggregate, a))


def extremes(dtype, n):
    """All n-tuples of pairs (a, q) from 0 over subnormal and tiny numbers to 1."""
    tiny, eps = torch.finfo(dtype).tiny, torch.finfo(dtype).eps
    low = [0.0, tiny / 8, tiny, 2 * tiny, tiny**0.5, eps / 2, 0.3]
    pairs = [(x, 1 - x) for x in low] + [(0.5, 0.5)] + [(1 - x, x) for x in low]
    table = torch.tensor(list(itertools.product(pairs, repeat=n)), dtype=dtype)
    return table[..., 0].contiguous(), table[..., 1].contiguous()


@DTYPES
@over(WIDE)
def test_values_and_gradients_are_finite_for_all_inputs(t, dtype):
    t, p = differentiable(t)
    for a, q in (extremes(dtype, 1), extremes(dtype, 3), tuple(x[None, :, 0] for x in extremes(dtype, 1))):
        a.requires_grad_()
        for method in (t.aggregate, t.aggregate_complement):
            out = method(a, q=q)
            assert ((out >= 0) & (out <= 1)).all()
            for grad in torch.autograd.grad(out.sum(), [a, *p]):
                assert grad.isfinite().all()
    if t.is_t_conorm:
        for method in (t.conorm, t.norm):
            a, b = (x.detach().requires_grad_() for x in extremes(dtype, 2)[0].unbind(-1))
            out = method(a, b)
            assert ((out >= 0) & (out <= 1)).all()
            assert all(grad.isfinite().all() for grad in torch.autograd.grad(out.sum(), [a, b, *p]))


@DTYPES
@over((-7.0, -0.1, 0.1, 0.5, 1.0, 7.0))
def test_second_derivatives_through_a_distribution_are_finite(t, dtype):
    t, p = differentiable(t)
    end = 708 if dtype == torch.float64 else 87
    one = torch.tensor([-2, -1, -0.99, -0.6, -0.49, -0.01, 0, 0.49, 0.6, 0.99, 2], dtype=dtype) * end
    x = torch.cartesian_prod(one, one, one).requires_grad_()
    for method in (t.aggregate, t.aggregate_complement):
        out = method(torch.sigmoid(x), q=torch.sigmoid(-x))
        firsts = torch.autograd.grad(out.sum(), [x, *p], create_graph=True)
        for first in firsts:
            if first.requires_grad:
                seconds = torch.autograd.grad(first.sum(), [x, *p], retain_graph=True, allow_unused=True)
                # logistic derivatives are below 1, and those of a bounded function of p in these ranges below 1e3
                assert all(s.isfinite().all() and s.abs().max() < 1e3 for s in seconds if s is not None and s.ndim)
                assert all(s.isfinite().all() for s in seconds if s is not None)


@DTYPES
@over(MODERATE)
def test_zero_contributes_nothing(t, dtype):
    a = torch.tensor([0.25, 0.0, 0.5, 0.0], dtype=dtype, requires_grad=True)
    out = t.aggregate(a, q=1 - a)
    (grad,) = torch.autograd.grad(out, a)
    assert (grad[[1, 3]] == 0).all()
    if t.is_t_conorm:
        torch.testing.assert_close(out, t.aggregate(a[[0, 2]]), rtol=0, atol=0)


@DTYPES
@over(MODERATE)
def test_certainty_saturates_strict_conorms(t, dtype):
    t, p = differentiable(t)
    for q_certain in (0.0, torch.finfo(dtype).tiny):
        a = torch.tensor([0.25, 1.0, 0.5], dtype=dtype, requires_grad=True)
        q = torch.tensor([0.75, q_certain, 0.5], dtype=dtype)
        if t.name in ("maximum", "average"):
            continue
        out = t.aggregate(a, q=q)
        assert out == 1
        assert t.aggregate_complement(a, q=q) == 0
        assert all((g == 0).all() for g in torch.autograd.grad(out, [a, *p]))


@pytest.mark.parametrize("t", [t for t in members((0.5, 2.5)) if isinstance(t, ProductForm)], ids=str)
def test_binary_product_forms_have_true_derivatives_at_the_corners(t):
    corners = torch.tensor(
        [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.3], [1.0, 0.3]], dtype=torch.float64
    )
    step = 1e-7 * (1 - 2 * corners[:, 0])  # into the unit square
    for operation in (t.conorm, t.norm):
        a, b = (x.clone().requires_grad_() for x in corners.unbind(-1))
        (slope,) = torch.autograd.grad(operation(a, b).sum(), a)
        difference = (operation(a + step, b) - operation(a, b)).detach() / step
        torch.testing.assert_close(slope, difference, rtol=0, atol=1e-6)  # the step times a curvature below 4


def test_yager_has_no_gradient_where_it_is_capped():
    a = torch.tensor([0.9, 0.8], requires_grad=True)
    out = Yager(2.0).aggregate(a)
    assert out == 1
    assert (torch.autograd.grad(out, a)[0] == 0).all()


def test_maximum_sends_its_gradient_to_one_input():
    for values, q, winner in (
        ([0.5, 0.7, 0.7, 0.1], None, 1),
        ([1.0, 1.0, 1.0], [1e-9, 1e-12, 1e-12], 1),
        ([0.3, 0.3], None, 0),
    ):
        a = torch.tensor(values, dtype=torch.float64, requires_grad=True)
        q = None if q is None else torch.tensor(q, dtype=torch.float64)
        (grad,) = torch.autograd.grad(Maximum().aggregate(a, q=q), a)
        assert grad.tolist() == [float(i == winner) for i in range(len(values))]
    (grad,) = torch.autograd.grad(Maximum().aggregate(a * 0), a)
    assert (grad == 0).all()


@DTYPES
@over(WIDE)
def test_no_inputs_give_zero(t, dtype):
    a = torch.zeros(2, 0, dtype=dtype, requires_grad=True)
    out = t.aggregate(a, q=1 - a)
    assert out.tolist() == [0, 0]
    assert t.aggregate_complement(a).tolist() == [1, 1]
    assert torch.autograd.grad(out.sum(), a)[0].shape == (2, 0)
    assert t.aggregate(torch.zeros(0, 3, dtype=dtype)).shape == (0,)


@DTYPES
@over(MODERATE)
def test_ten_thousand_inputs(t, dtype):
    t, p = differentiable(t)
    generator = torch.Generator().manual_seed(0)
    x = (torch.rand(10_000, generator=generator, dtype=dtype) * 60 - 70).requires_grad_()
    out = t.aggregate(torch.sigmoid(x), q=torch.sigmoid(-x))
    assert 0 < out <= 1
    for grad in torch.autograd.grad(out, [x, *p]):
        assert grad.isfinite().all()


def test_nan_stays_nan():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for t in members(MODERATE):
            assert t.aggregate(torch.tensor([0.2, torch.nan, 0.3])).isnan(), t
