"""Distributions as values: specs, equality, what the documentation's tables need, and errors."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gendr.distributions import DISTRIBUTIONS, Distribution, Gamma, GumbelMin, Logistic, Range, from_spec

NAMES = [
    *("heaviside", "uniform", "cubic_hermite", "wigner_semicircle"),
    *("gaussian", "laplace", "logistic", "hyperbolic_secant", "cauchy", "reciprocal"),
    *("gumbel_max", "gumbel_min"),
    *("exponential", "gamma", "levy"),
]


@st.composite
def distributions(draw: st.DrawFn) -> Distribution:
    cls = DISTRIBUTIONS[draw(st.sampled_from(NAMES))]
    options: dict[str, Any] = {
        name: draw(st.floats(low, high, exclude_min=True)) for name, (low, high) in cls.parameters.items()
    }
    options["shift"] = draw(st.floats(allow_nan=False, allow_infinity=False))
    options["is_reversed"], options["is_squared"] = draw(st.booleans()), draw(st.booleans())
    return cls(**options)


@given(distributions(), st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_spec_round_trip(distribution: Distribution, random: Any) -> None:
    text = str(distribution)
    read = from_spec(text)
    assert read == distribution
    assert hash(read) == hash(distribution)
    assert str(read) == text
    assert type(read) is type(distribution)
    for attribute in ("p", "shift", "is_reversed", "is_squared"):
        assert getattr(read, attribute) == getattr(distribution, attribute)
    # Any order, any spacing.
    name, _, options = text.rstrip(")").partition("(")
    items = [item.strip().replace("=", " = ") for item in options.split(",") if item]
    random.shuffle(items)
    assert from_spec(f"  {name} ( {' ,'.join(items)} ) ") == distribution


def test_canonical_specs() -> None:
    assert str(Gamma(p=0.5).squared().shifted(-0.3).reversed()) == "gamma(p=0.5, shift=-0.3, reversed, squared)"
    assert str(Gamma(p=2)) == "gamma(p=2)"
    assert repr(Logistic()) == "logistic"
    assert str(Logistic().shifted(0.3).shifted(-0.3)) == "logistic"
    assert str(Logistic().shifted(torch.tensor(0.5, requires_grad=True))) == "logistic(shift=0.5)"


def test_every_distribution_is_listed_once_and_described() -> None:
    # Sets, because a distribution that somebody adds is welcome; those of the thesis must be there.
    assert set(NAMES) <= set(DISTRIBUTIONS)
    for name, cls in DISTRIBUTIONS.items():
        assert cls.name == name
        assert cls.formula
        assert "Petersen 2022" in cls.source
        low, high = cls.base_support
        assert low <= high
        assert f"Source: {cls.source.split(',')[0]}" in (cls.__doc__ or "")
        assert ">>>" in (cls.__doc__ or "")
        for parameter, allowed in cls.parameters.items():
            assert isinstance(allowed, Range)
            assert parameter in {field.name for field in dataclasses.fields(cls)}


def test_a_new_class_registers_itself() -> None:
    class Doubled(Logistic):
        """Nothing but a name."""

        name = "doubled"

    try:
        assert from_spec("doubled(reversed)") == Doubled().reversed()
    finally:
        del DISTRIBUTIONS["doubled"]


def test_values_are_immutable() -> None:
    distribution = Logistic()
    with pytest.raises(dataclasses.FrozenInstanceError):
        distribution.shift = 1.0  # type: ignore[misc]
    assert distribution.shifted(1.0) is not distribution
    assert str(distribution) == "logistic"
    assert {Logistic(): 1}[Logistic()] == 1
    assert Logistic() != GumbelMin()
    assert Logistic() != "logistic"


def test_supports() -> None:
    inf = math.inf
    for spec, support in {
        "uniform": (-1, 1),
        "uniform(shift=0.5)": (-1.5, 0.5),
        "uniform(shift=0.5, reversed)": (-0.5, 1.5),
        "uniform(shift=0.21, squared)": (-1.1, math.sqrt(0.79)),
        "exponential": (0, inf),
        "levy(reversed)": (-inf, 0),
        "gamma(p=2, shift=4, squared)": (-2, inf),
        "gamma(p=2, shift=4, reversed, squared)": (-inf, 2),
        "logistic(shift=3)": (-inf, inf),
        "heaviside(shift=1)": (-1, -1),
    }.items():
        assert from_spec(spec).support == pytest.approx(support)


@pytest.mark.parametrize("p", [-1, 0, 100.5, math.inf, math.nan])
def test_parameters_out_of_range(p: float) -> None:
    with pytest.raises(ValueError, match=r"^p: expected a number in \(0, 100\], got "):
        Gamma(p=p)
    with pytest.raises(ValueError, match=r"^p: expected a number in \(0, 100\], got "):
        from_spec(f"gamma(p={p})")


def test_error_names_the_value() -> None:
    with pytest.raises(ValueError, match=r"^p: expected a number in \(0, 100\], got -1$"):
        Gamma(p=-1)
    with pytest.raises(TypeError, match=r"^p: expected a number, got str 'two'$"):
        Gamma(p="two")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("logit", r"distribution: expected one of .*logistic, .*levy, got 'logit'"),
        ("logistic(", r"distribution: expected NAME or NAME\(OPTION, \.\.\.\), got 'logistic\('"),
        ("", r"distribution: expected NAME"),
        ("logistic(p=2)", r"logistic: expected options among shift=NUMBER, reversed, squared, got 'p=2'"),
        ("logistic(mirrored)", r"logistic: expected options among shift=NUMBER, reversed, squared, got 'mirrored'"),
        ("logistic(reversed=1)", r"logistic: expected options among .*, got 'reversed=1'"),
        ("logistic(shift)", r"logistic: expected options among .*, got 'shift'"),
        ("logistic(reversed,)", r"logistic: expected options among .*, got ''"),
        ("logistic(squared, squared)", r"logistic: expected squared at most once, got 'logistic\(squared, squared\)'"),
        ("logistic(shift=a)", r"shift: expected a number, got 'a'"),
        ("logistic(shift=inf)", r"shift: expected a number in \(-inf, inf\), got inf"),
        ("gamma", r"gamma: expected p=NUMBER with the number in \(0, 100\], got 'gamma'"),
        ("gamma(q=1)", r"gamma: expected options among p=NUMBER, shift=NUMBER, reversed, squared, got 'q=1'"),
    ],
)
def test_bad_specs_say_what_is_allowed(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        from_spec(text)


def test_arguments_are_checked() -> None:
    logistic, d = Logistic(), torch.zeros(3)
    with pytest.raises(TypeError, match="distribution: expected a spec, got Logistic"):
        from_spec(logistic)  # type: ignore[arg-type]
    for tau in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match=r"^tau: expected a number in \(0, inf\), got "):
            logistic.cdf(d, tau)
    with pytest.raises(ValueError, match=r"^tau: expected positive values, got -1"):
        logistic.pdf(d, torch.tensor([1.0, 0.0, -1.0]))
    with pytest.raises(TypeError, match=r"^d: expected a tensor, float32 or float64 \[\*\], got float 0.5"):
        logistic.cdf(0.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^d: expected float32 or float64 \[\*\], got int64 \[3\]"):
        logistic.cdf(torch.zeros(3, dtype=torch.int64))
    for u in (-0.1, 1.1):
        with pytest.raises(ValueError, match=r"^u: expected probabilities in \[0, 1\], got "):
            logistic.quantile(torch.tensor([0.5, u]))
        with pytest.raises(ValueError, match=r"^q: expected probabilities in \[0, 1\], got "):
            logistic.isf(torch.tensor([0.5, u]))
    with pytest.raises(ValueError, match=r"^shift: expected float32 or float64 \[\], got float32 \[2\]"):
        logistic.shifted(torch.zeros(2))
    with pytest.raises(ValueError, match=r"^shift: expected a number in \(-inf, inf\), got nan"):
        logistic.shifted(math.nan)
    with pytest.raises(ValueError, match=r"^squared: expected a distribution that is not squared yet, got logistic"):
        logistic.squared().squared()
