"""Values and derivatives of the aggregates against the fold of the binary form in 400 digits (mpmath)."""

import functools

import mpmath as mp
import pytest
import torch

from gendr.tnorms import TNORMS, from_spec

# The binary forms as mathematics prints them, independent of the generators in the package. Each takes the complements.
CONORM_COMPLEMENT = {
    "maximum": lambda x, y, p: min(x, y),
    "probabilistic": lambda x, y, p: x * y,
    "einstein": lambda x, y, p: 1 - ((1 - x) + (1 - y)) / (1 + (1 - x) * (1 - y)),
    "hamacher": lambda x, y, p: 1 - (2 - x - y + (p - 2) * (1 - x) * (1 - y)) / (1 + (p - 1) * (1 - x) * (1 - y)),
    "frank": lambda x, y, p: mp.log(1 + (p**x - 1) * (p**y - 1) / (p - 1), p),
    "yager": lambda x, y, p: max(mp.mpf(0), 1 - ((1 - x) ** p + (1 - y) ** p) ** (1 / p)),
    "aczel_alsina": lambda x, y, p: mp.exp(-(((-mp.log(x)) ** p + (-mp.log(y)) ** p) ** (1 / p))),
    "dombi": lambda x, y, p: 1 / (1 + (((1 - x) / x) ** p + ((1 - y) / y) ** p) ** (1 / p)),
    "schweizer_sklar": lambda x, y, p: (x**p + y**p - 1) ** (1 / p),
}
SPECS = [
    "maximum",
    "probabilistic",
    "einstein",
    *(f"hamacher(p={p})" for p in ("1e-6", "0.3", "1", "2", "30", "1e6")),
    *(f"frank(p={p})" for p in ("1e-12", "0.01", "0.9", "0.9999999", "1.0000001", "1.5", "100", "1e12")),
    *(f"yager(p={p})" for p in ("0.3", "0.5", "1", "2", "4", "30")),
    *(f"aczel_alsina(p={p})" for p in ("0.3", "0.5", "1", "2", "4", "30")),
    *(f"dombi(p={p})" for p in ("0.3", "0.5", "1", "2", "4", "30")),
    *(f"schweizer_sklar(p={p})" for p in ("-1e-9", "-0.1", "-0.5", "-1", "-2", "-4", "-30")),
]
DIGITS = 400


def probabilities(n, seed, spread):
    """`n` pairs (a, q) on the logistic curve from e^-spread to 1 - e^-spread, and the exact numbers they stand for."""
    x = (2 * torch.rand(n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) - 1) * spread
    a, q = torch.sigmoid(x), torch.sigmoid(-x)
    exact = [1 - mp.mpf(float(u)) if u < 0.5 else mp.mpf(float(v)) for u, v in zip(a, q, strict=True)]
    return a, q, exact


def fold(name, complements, p):
    return functools.reduce(lambda x, y: CONORM_COMPLEMENT[name](x, y, p), complements)


def exponent(t_conorm):
    return None if t_conorm.p is None else mp.mpf(torch.as_tensor(t_conorm.p, dtype=torch.float64).item())


def error(got, wanted, floor=0.0):
    """The error relative to `wanted` or `floor`; numbers whose factors leave the range of a double are equal."""
    return float(abs(mp.mpf(float(got.detach())) - wanted) / max(abs(wanted), mp.mpf(floor), mp.mpf("1e-270")))


def with_tensor_p(spec):
    t_conorm = from_spec(spec)
    if t_conorm.p is None:
        return t_conorm, None
    p = torch.tensor(t_conorm.p, dtype=torch.float64, requires_grad=True)
    return type(t_conorm)(p=p), p


def test_every_t_conorm_has_a_reference():
    assert set(CONORM_COMPLEMENT) == {name for name, cls in TNORMS.items() if cls.is_t_conorm}
    assert {from_spec(spec).name for spec in SPECS} == set(CONORM_COMPLEMENT)


@pytest.mark.parametrize("spread", [2.0, 12.0, 40.0])
@pytest.mark.parametrize("spec", SPECS)
def test_aggregate_and_complement_are_the_fold(spec, spread):
    t_conorm = from_spec(spec)
    # Yager's complement is the distance to the cap, which has the rounding of a sum close to 1: worst seen 3e-16
    floor = 2e-15 if t_conorm.name == "yager" else 0.0
    with mp.workdps(DIGITS):
        for n, seed in ((1, 0), (2, 1), (3, 2), (8, 3), (20, 4)):
            a, q, exact = probabilities(n, seed, spread)
            t = fold(t_conorm.name, exact, exponent(t_conorm))
            # worst seen 5e-13 (e^-R of Aczel-Alsina with R = 500) over 8 seeds; bound x 2
            assert error(t_conorm.aggregate(a, q=q), 1 - t) < 1e-12
            assert error(t_conorm.aggregate_complement(a, q=q), t, floor=floor) < 1e-12


@pytest.mark.parametrize("spec", SPECS)
def test_gradient_is_the_derivative_of_the_fold(spec):
    t_conorm, p = with_tensor_p(spec)
    with mp.workdps(DIGITS):
        for n, spread in ((1, 3.0), (2, 2.0), (3, 40.0), (4, 12.0)):
            a, q, exact = probabilities(n, 17 * n, spread)
            a.requires_grad_()
            t = fold(t_conorm.name, exact, exponent(t_conorm))
            by_a = [slope(t_conorm, exact, i) for i in range(n)]
            by_p = slope_in_p(t_conorm, exact) if p is not None else None
            for method, sign in ((t_conorm.aggregate, 1), (t_conorm.aggregate_complement, -1)):
                got, *rest = torch.autograd.grad(method(a, q=q), [a] if p is None else [a, p])
                for one, wanted in zip(got, by_a, strict=True):
                    # worst seen 2e-13 over 8 seeds; bound x 5
                    assert error(sign * one, wanted) < 1e-12
                if by_p is not None:
                    # relative to the smaller of value and complement over p: worst seen 2e-13; bound x 5
                    scale = (1 - t if t_conorm.name == "yager" else min(t, 1 - t)) / abs(exponent(t_conorm))
                    assert error(sign * rest[0], by_p, floor=scale) < 1e-12


@pytest.mark.parametrize("spec", SPECS)
def test_second_derivative_is_that_of_the_fold(spec):
    t_conorm = from_spec(spec)
    with mp.workdps(DIGITS):
        for n, spread in ((2, 2.0), (3, 12.0)):
            a, q, exact = probabilities(n, 3 * n, spread)
            a.requires_grad_()
            (first,) = torch.autograd.grad(t_conorm.aggregate(a, q=q), a, create_graph=True)
            for i in range(n):
                row = torch.autograd.grad(first[i], a, retain_graph=True)[0] if first.requires_grad else 0 * a
                for j in range(n):
                    wanted = curvature(t_conorm, exact, i, j)
                    # what is left of terms of this size that cancel: worst seen 1.2e-14 over 4 seeds; bound x 8
                    terms = (abs(float(first[i].detach())) + abs(float(first[j].detach())) + 1e-30) / min(
                        a[i].item(), q[i].item(), a[j].item(), q[j].item()
                    )
                    assert error(row[j], wanted, floor=terms * sharpness(t_conorm)) < 1e-13


@pytest.mark.parametrize("spec", SPECS)
def test_float32_follows_float64(spec):
    t_conorm = from_spec(spec)
    a, q, _ = probabilities(40, 5, 8.0)
    a, q = a.reshape(10, 4).float(), q.reshape(10, 4).float()
    # the float64 result of the same rounded pairs; worst seen 3e-5 relative over 4 seeds, in e^-57; bound x 3
    for method in ("aggregate", "aggregate_complement"):
        wanted = getattr(t_conorm, method)(a.double(), q=q.double())
        got = getattr(t_conorm, method)(a, q=q)
        assert got.dtype == torch.float32
        torch.testing.assert_close(got.double(), wanted, rtol=1e-4, atol=1e-30 if t_conorm.name != "yager" else 1e-6)


def sharpness(t_conorm):
    """How many times the curvature of one member exceeds that of p = 1."""
    return 1 if t_conorm.p is None else max(1.0, abs(t_conorm.p) if t_conorm.name != "frank" else 1.0)


def shifted(exact, i, by):
    return [*exact[:i], exact[i] + by, *exact[i + 1 :]]


def slope(t_conorm, exact, i):
    """`d out / d a_i` of the fold: a central difference, its step a quarter of the digits."""
    p, step = exponent(t_conorm), min(exact[i], 1 - exact[i]) * mp.mpf(10) ** (-DIGITS // 4)
    ends = [fold(t_conorm.name, shifted(exact, i, s * step), p) for s in (1, -1)]
    return (ends[0] - ends[1]) / (2 * step)


def slope_in_p(t_conorm, exact):
    p = exponent(t_conorm)
    step = abs(p - 1 if t_conorm.name == "frank" else p) * mp.mpf(10) ** (-DIGITS // 4)
    ends = [fold(t_conorm.name, exact, p + s * step) for s in (1, -1)]
    return (ends[1] - ends[0]) / (2 * step)


def curvature(t_conorm, exact, i, j):
    step = min(exact[j], 1 - exact[j]) * mp.mpf(10) ** (-DIGITS // 4)
    ends = [slope(t_conorm, shifted(exact, j, s * step), i) for s in (1, -1)]
    return (ends[1] - ends[0]) / (2 * step)  # a_j falls as its complement grows
