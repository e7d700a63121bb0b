"""Laws that every distribution obeys, under every combination of the combinators; the list is the registry itself."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad, gradcheck, gradgradcheck
from torch.func import grad as gradient
from torch.func import hessian, jacfwd, jacrev, vmap

from gendr.distributions import (
    DISTRIBUTIONS,
    EDGE,
    LOG_ZERO,
    Cauchy,
    Distribution,
    Gamma,
    Logistic,
    Reciprocal,
    Uniform,
)
from gendr.distributions.symmetric import Symmetric

SHAPES = {"p": (0.5, 1.0, 1.5, 30.0)}  # shapes as extreme as 0.05 and 100 are in the test of accuracy, and below
BASES = [
    cls(**dict(zip(cls.parameters, values, strict=True)))
    for cls in DISTRIBUTIONS.values()
    for values in itertools.product(*(SHAPES[name] for name in cls.parameters))
]


def combinations(base: Distribution) -> list[Distribution]:
    shifted = [base, base.shifted(0.3)]
    turned = [variant for one in shifted for variant in (one, one.reversed())]
    return [variant for one in turned for variant in (one, one.squared())]


VARIANTS = [variant for base in BASES for variant in combinations(base)]
SMOOTH = [variant for variant in VARIANTS if variant.name != "heaviside"]


def extremes(base: Distribution) -> list[Distribution]:
    """For the costly tests: no combinator, the one that changes the scale, all of them."""
    return [base, base.squared(), base.shifted(0.3).reversed().squared()]


FORMS = ("cdf", "sf", "pdf", "log_cdf", "log_sf")
bases = pytest.mark.parametrize("base", BASES, ids=str)
smooth_bases = pytest.mark.parametrize("base", [base for base in BASES if base.name != "heaviside"], ids=str)
variants = pytest.mark.parametrize("variant", VARIANTS, ids=str)
smooth = pytest.mark.parametrize("variant", SMOOTH, ids=str)


def line(low: float = -6.0, high: float = 6.0, steps: int = 97) -> Tensor:
    return torch.linspace(low, high, steps, dtype=torch.float64)


def clear(variant: Distribution, steps: int = 7) -> Tensor:
    """Distances within the support at `tau = 0.7`, clear of its ends and of 0, where some are not smooth."""
    u = torch.linspace(0.07, 0.91, steps, dtype=torch.float64)
    d = variant.quantile(u, 0.7)
    return d[d.abs() > 0.05]


def close(got: Tensor, wanted: Tensor, rtol: float = 1e-12, atol: float = 0.0) -> None:
    torch.testing.assert_close(got, wanted, rtol=rtol, atol=atol)


# The two sides of a distribution.


@variants
def test_cdf_and_sf_add_to_one(variant: Distribution) -> None:
    d = line()
    close(variant.cdf(d, 0.7) + variant.sf(d, 0.7), torch.ones_like(d), rtol=1e-14)  # seen: 2e-15


@pytest.mark.parametrize("variant", [variant for base in BASES for variant in extremes(base)], ids=str)
def test_cdf_increases_from_zero_to_one(variant: Distribution) -> None:
    d = torch.cat([-torch.logspace(40, -8, 200), torch.zeros(1), torch.logspace(-8, 40, 200)]).double()
    for dtype in EDGE:
        cdf, sf = variant.cdf(d.to(dtype)), variant.sf(d.to(dtype))
        slack = 1e-14 if dtype == torch.float64 else 0.0  # the last bits may go either way; seen: 2e-15
        assert (cdf.diff() >= -slack).all()
        assert (sf.diff() <= slack).all()
        assert cdf.min() >= 0
        assert cdf.max() <= 1
        # The heaviest tail is Levy's, sqrt(2 / (pi x)).
        assert max(cdf[0].item(), sf[-1].item()) <= 1e-19


@variants
def test_logs_are_the_logs(variant: Distribution) -> None:
    d = line()
    for form, log in ((variant.cdf, variant.log_cdf), (variant.sf, variant.log_sf)):
        probability = form(d, 0.7)
        some = probability > 1e-300
        # log P is no better than P's own last bits when P is close to 1
        close(log(d, 0.7)[some], probability[some].log(), rtol=1e-12, atol=1e-15)
        assert (log(d, 0.7)[probability == 0] < -700).all()


@variants
def test_values_at_and_beyond_the_support(variant: Distribution) -> None:
    low, high = variant.support
    if math.isfinite(low):
        d = torch.tensor([low - 1e-6, low - 1, -1e300], dtype=torch.float64)
        assert variant.cdf(d).tolist() == [0, 0, 0]
        assert variant.sf(d).tolist() == [1, 1, 1]
        assert variant.log_cdf(d).tolist() == [LOG_ZERO] * 3
        assert variant.pdf(d).tolist() == [0, 0, 0]
    if math.isfinite(high):
        d = torch.tensor([high + 1e-6, high + 1, 1e300], dtype=torch.float64)
        assert variant.cdf(d).tolist() == [1, 1, 1]
        assert variant.sf(d).tolist() == [0, 0, 0]
        assert variant.log_sf(d).tolist() == [LOG_ZERO] * 3
        assert variant.pdf(d).tolist() == [0, 0, 0]


@pytest.mark.parametrize("base", [base for base in BASES if base.p is not None or base.support == (-1, 1)], ids=str)
def test_pdf_is_zero_at_the_ends(base: Distribution) -> None:
    ends = torch.tensor([end for end in base.support if math.isfinite(end)], dtype=torch.float64)
    assert base.pdf(ends).tolist() == [0] * len(ends)


# Inverses.


@smooth
def test_quantile_inverts(variant: Distribution) -> None:
    u = torch.linspace(0.02, 0.98, 13, dtype=torch.float64)
    for inverse, form in ((variant.quantile, variant.cdf), (variant.isf, variant.sf)):
        close(form(inverse(u, 0.3), 0.3), u, rtol=1e-11)


@variants
def test_quantile_ends_at_the_support(variant: Distribution) -> None:
    ends = torch.tensor([0.0, 1.0], dtype=torch.float64)
    close(variant.quantile(ends), torch.tensor(variant.support, dtype=torch.float64))
    close(variant.isf(ends.flip(0)), torch.tensor(variant.support, dtype=torch.float64))


@smooth
def test_quantile_has_the_reciprocal_slope(variant: Distribution) -> None:
    u = torch.tensor([0.2, 0.4, 0.7], dtype=torch.float64, requires_grad=True)
    tau = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    d = variant.quantile(u, tau)
    close(grad(d.sum(), u, retain_graph=True)[0], 1 / variant.pdf(d, tau), rtol=1e-9)
    # F(q(u, tau), tau) = u whatever tau, and q is tau's multiple, or the square root's.
    close(grad(d.sum(), tau)[0], (d / tau / (2 if variant.is_squared else 1)).sum(), rtol=1e-9)


@smooth_bases
def test_quantile_gradgradcheck(base: Distribution) -> None:
    u = torch.tensor([0.2, 0.45, 0.7], dtype=torch.float64, requires_grad=True)
    gradgradcheck(base.quantile, (u,), atol=1e-4, rtol=1e-4)


# Combinators.


@bases
def test_reversed_is_the_mirror_image(base: Distribution) -> None:
    d = line()
    close(base.reversed().cdf(d), 1 - base.cdf(-d), rtol=1e-14, atol=1e-15)
    close(base.reversed().cdf(d), base.sf(-d), rtol=0)
    close(base.reversed().pdf(d), base.pdf(-d), rtol=0)
    if isinstance(base, Symmetric):
        close(base.reversed().cdf(d), base.cdf(d), rtol=1e-14)
    assert base.reversed().reversed() == base


@bases
def test_squared_changes_the_argument(base: Distribution) -> None:
    d = line()
    for form in ("cdf", "sf", "log_cdf", "log_sf"):
        close(getattr(base.squared(), form)(d, 0.7), getattr(base, form)(d.abs() * d, 0.7), rtol=0)
    close(base.squared().pdf(d, 0.7), 2 * d.abs() * base.pdf(d.abs() * d, 0.7))
    with pytest.raises(ValueError, match="not squared yet"):
        base.squared().squared()


@bases
def test_shifts_add_and_follow_the_mirror(base: Distribution) -> None:
    d = line()
    # Arguments 0.3 + 0.2 and 0.5 round differently: the density may be as steep as 1e5 near Gamma's edge.
    close(base.shifted(0.25).cdf(d), base.cdf(d + 0.25), rtol=0)
    assert base.shifted(0.25).shifted(0.5) == base.shifted(0.75)
    assert base.reversed().shifted(0.25) == base.shifted(-0.25).reversed()
    close(base.shifted(0.25).reversed().cdf(d), base.sf(-d + 0.25), rtol=0)
    close(base.reversed().shifted(0.25).cdf(d), base.sf(-(d + 0.25)), rtol=0)


@bases
def test_order_of_squaring_does_not_matter(base: Distribution) -> None:
    assert base.squared().shifted(0.25).reversed() == base.shifted(0.25).reversed().squared()
    assert base.squared().reversed() == base.reversed().squared()


@given(st.lists(st.sampled_from(["reversed", "squared", 0.25, -0.5, 2.0]), max_size=6), st.sampled_from(BASES))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_any_composition_is_the_composition_of_functions(steps: list[str | float], base: Distribution) -> None:
    if steps.count("squared") > 1:
        return
    d = line(-2, 2, 9)
    variant = base
    y = d.abs() * d if "squared" in steps else d
    signs, argument = False, y
    for step in reversed(steps):  # the last combinator acts on the argument first
        if step == "reversed":
            argument, signs = -argument, not signs
        elif isinstance(step, float):
            argument = argument + step
    for step in steps:
        if step == "reversed":
            variant = variant.reversed()
        else:
            variant = variant.squared() if step == "squared" else variant.shifted(float(step))
    close(variant.cdf(d), base.sf(argument) if signs else base.cdf(argument), rtol=1e-14)


# Derivatives.


@variants
def test_pdf_is_the_derivative(variant: Distribution) -> None:
    d = torch.cat([line(-3, 3, 61), torch.tensor([-1e-9, 0.0, 1e-20, 1e-9])]).requires_grad_()
    for tau in (0.01, 0.7):
        pdf = variant.pdf(d, tau)
        for form, sign in ((variant.cdf, 1), (variant.sf, -1)):
            close(sign * grad(form(d, tau).sum(), d)[0], pdf, rtol=1e-11, atol=1e-300)


@pytest.mark.parametrize(
    "variant", [variant for base in BASES if base.name != "heaviside" for variant in extremes(base)], ids=str
)
def test_gradcheck(variant: Distribution) -> None:
    """First and second derivatives: of the CDF in distance, scale and shift; of all forms in the distance."""
    d = clear(variant, 3).requires_grad_()
    tau = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    shift = torch.tensor(float(variant.shift), dtype=torch.float64, requires_grad=True)

    def cdf(d: Tensor, tau: Tensor, shift: Tensor) -> Tensor:
        return replace(variant, shift=shift).cdf(d, tau)

    # finite differences of steps 1e-6, at distances of 0.05 from what is not smooth
    gradcheck(cdf, (d, tau, shift), atol=1e-6, rtol=1e-4)
    gradgradcheck(cdf, (d, tau, shift), atol=1e-5, rtol=1e-4)
    if not variant.is_squared:
        gradgradcheck(lambda d: torch.stack([getattr(variant, form)(d) for form in FORMS]), d, atol=1e-5, rtol=1e-4)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # torch's own forward mode uses it
@smooth_bases
@pytest.mark.parametrize("form", ["cdf", "log_sf"])
def test_transforms_agree(base: Distribution, form: str) -> None:
    """Reverse and forward mode and their compositions, up to the third derivative, and `vmap`."""
    variant = base.shifted(0.3).reversed().squared()
    d = clear(variant, 3)[0]

    def value(d: Tensor) -> Tensor:
        result: Tensor = getattr(variant, form)(d, 0.7)
        return result

    second = gradient(gradient(value))(d)
    assert second != 0
    for other in (hessian(value), jacfwd(jacfwd(value)), jacrev(jacfwd(value)), jacrev(jacrev(value))):
        close(other(d), second, rtol=1e-9)
    third = gradient(gradient(gradient(value)))(d)
    close(jacfwd(jacfwd(jacfwd(value)))(d), third, rtol=1e-9, atol=1e-12)
    close(vmap(gradient(gradient(value)))(d.expand(3)), second.expand(3))


@pytest.mark.parametrize("dtype", list(EDGE), ids=str)
@pytest.mark.parametrize(
    "variant", [variant for base in [*BASES, Gamma(p=0.05), Gamma(p=100)] for variant in extremes(base)[::2]], ids=str
)
def test_finite_everywhere(variant: Distribution, dtype: torch.dtype) -> None:
    """Values, first and second derivatives, at the extremes of the dtype and at the ends of the support."""
    info = torch.finfo(dtype)
    ends = [end for end in (*variant.support, *variant.base_support) if math.isfinite(end)]
    near = [math.nextafter(end, end + way) for end in ends for way in (-1, 1)]
    sizes = (info.smallest_normal, info.eps, 1e-30, 1e-12, 1e-3, 1.0, 7.0, 40.0, 800.0, 1e10, 1e30, info.max)
    if dtype == torch.float64:
        sizes += (5e-324, 1e-200, 1e75, 1e100, 1e300)
    column = torch.tensor([0.0, -0.0, *sizes, *(-size for size in sizes), *ends, *near], dtype=dtype)
    d = column.repeat(3, 1).requires_grad_()
    tau = torch.tensor([[1e-3], [1.0], [1e3]], dtype=dtype).expand_as(d).clone().requires_grad_()
    shift = torch.full_like(d, float(variant.shift)).requires_grad_()
    inputs = (d, tau, shift)
    for form in FORMS:
        # a shift per element, which no distribution has, so that a sum of gradients does not hide one
        value = vmap(vmap(lambda d, tau, s, form=form: getattr(replace(variant, shift=s), form)(d, tau)))(*inputs)
        assert value.isfinite().all(), form
        first = grad(value.sum(), inputs, create_graph=True)
        assert all(g.isfinite().all() for g in first), form
        for g in first:
            if not g.requires_grad:
                continue
            second = grad(g.sum(), inputs, retain_graph=True, allow_unused=True, materialize_grads=True)
            assert all(h.isfinite().all() for h in second), form


def test_infinite_distances_have_the_limits_and_nan_stays() -> None:
    d = torch.tensor([-math.inf, math.inf, math.nan])
    for variant in VARIANTS:
        cdf = variant.cdf(d)
        assert cdf[0] < 1e-30
        assert cdf[1] == 1
        assert cdf[2].isnan()


def test_heaviside_has_zero_gradients() -> None:
    step = DISTRIBUTIONS["heaviside"]()
    d = torch.tensor([-1.0, 0.0, 1.0], requires_grad=True)
    tau = torch.tensor(0.1, requires_grad=True)
    assert step.cdf(d).tolist() == [0, 1, 1]
    assert step.reversed().cdf(d).tolist() == [0, 0, 1]
    assert step.pdf(d).tolist() == [0, 0, 0]
    for form in FORMS:
        gradients = grad(getattr(step, form)(d, tau).sum(), (d, tau))
        assert all((g == 0).all() for g in gradients)


@pytest.mark.parametrize("dtype", list(EDGE), ids=str)
def test_unbounded_density_is_clamped_at_the_edge(dtype: torch.dtype) -> None:
    gamma = Gamma(p=0.5)
    x = torch.tensor([0.0, EDGE[dtype] / 1e3, EDGE[dtype], 1.0], dtype=dtype, requires_grad=True)
    peak = math.exp(-EDGE[dtype]) / math.sqrt(math.pi * EDGE[dtype])
    wanted = torch.tensor([0.0, peak, peak, math.exp(-1) / math.sqrt(math.pi)], dtype=dtype)
    close(gamma.pdf(x), wanted, rtol=1e-6)
    close(grad(gamma.cdf(x).sum(), x)[0], wanted, rtol=1e-6)
    # The value is not clamped: P(1/2, x) = erf(sqrt x).
    close(gamma.cdf(x), torch.erf(x.sqrt()), rtol=1e-6)


# Shapes, dtypes, arguments.


@bases
def test_shapes_and_dtypes(base: Distribution) -> None:
    for dtype in EDGE:
        d = torch.zeros(2, 3, dtype=dtype)
        for form in (*FORMS, "quantile", "isf"):
            for tau in (0.5, torch.full((4, 1, 1), 0.5, dtype=torch.float64)):
                value = getattr(base, form)(d, tau)
                assert value.dtype == dtype
                assert value.shape == torch.broadcast_shapes(d.shape, tau.shape if isinstance(tau, Tensor) else ())
            assert getattr(base, form)(torch.zeros(0, dtype=dtype)).shape == (0,)


@pytest.mark.parametrize("base", [base for base in BASES if base.p in (None, 1.5)], ids=str)
def test_results_stay_on_the_device(base: Distribution) -> None:
    """On the device without storage, where a tensor made elsewhere on the way would be an error."""
    d = torch.zeros(2, 3, device="meta")
    shifted = base.shifted(torch.zeros((), device="meta"))
    for form in ("cdf", "pdf", "log_sf", "quantile"):
        assert getattr(shifted, form)(d, torch.ones(3, device="meta")).device.type == "meta"


def test_a_tensor_shift_keeps_its_gradient() -> None:
    shift = torch.tensor(0.25, requires_grad=True)
    d = torch.tensor([0.5, 1.0])
    variant = Logistic().shifted(shift).reversed().shifted(1.0)
    assert str(variant) == "logistic(shift=-0.75, reversed)"
    close(grad(variant.cdf(d).sum(), shift)[0], -variant.pdf(d).sum(), rtol=1e-6)


# The sigmoid facts of the thesis, chapter 3: sup_x min_f(x, 0) = x f(-x) at slope 1.


@pytest.mark.parametrize(
    ("distribution", "bound", "monotonic"),
    [(Logistic(), 0.0696, False), (Reciprocal(), 1 / 4, True), (Cauchy(), 1 / math.pi**2, True)],
    ids=str,
)
def test_error_of_the_relaxed_minimum(distribution: Distribution, bound: float, monotonic: bool) -> None:
    slope = distribution.pdf(torch.tensor(0.0, dtype=torch.float64)).item()
    x = torch.logspace(-3, 8, 2000, dtype=torch.float64)
    error = x * distribution.sf(x, tau=slope)  # F(x / slope) has the slope 1 at 0
    # the grid's step is 1.3 %: at a flat maximum 1e-4 is lost, at infinity 1e-8
    assert error.max().item() == pytest.approx(bound, rel=1e-3)
    assert bool((error.diff() >= -1e-15).all()) == monotonic


def test_optimal_sigmoid_of_chapter_3_joins_a_uniform_centre_to_reciprocal_tails() -> None:
    """`f_O`, errata row 7: linear for `|x| <= 1/4`, then `1 / (16 |x|)`; its error bound is 1/16."""
    x = torch.logspace(math.log10(0.25), 4, 100, dtype=torch.float64)
    assert Uniform().sf(x[0], tau=0.5).item() == 1 / 4 == (1 / (16 * x[0])).item()
    assert (x * (1 / (16 * x))).max().item() == pytest.approx(1 / 16)
    centre = torch.linspace(0, 0.25, 50, dtype=torch.float64)
    assert (centre * Uniform().sf(centre, tau=0.5)).max().item() <= 1 / 16
