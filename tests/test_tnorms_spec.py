"""Specs, ranges, errors, and that a new T-conorm is one class."""

import pickle
import re

import pytest
import torch

import gendr.tnorms as tnorms
from gendr.tnorms import TNORMS, Average, Frank, Hamacher, Maximum, Probabilistic, SchweizerSklar, Yager, from_spec
from gendr.tnorms.product import ProductForm

FULL = [
    cls(s) if cls.p_range else cls() for cls in TNORMS.values() for s in ([-0.1] if cls.name[:3] == "sch" else [2.5])
]


def test_names_are_those_of_the_kernels():
    named = {"maximum", "probabilistic", "einstein", "hamacher", "frank", "yager", "aczel_alsina", "dombi"}
    assert set(TNORMS) == named | {"schweizer_sklar", "average"}


@pytest.mark.parametrize("t", FULL, ids=str)
def test_spec_round_trip_and_value_semantics(t):
    again = from_spec(str(t))
    assert again == t
    assert hash(again) == hash(t)
    assert type(again) is type(t)
    assert str(again) == str(t)
    assert eval(repr(t), vars(tnorms)) == t
    assert pickle.loads(pickle.dumps(t)) == t
    with pytest.raises(AttributeError, match="immutable"):
        t.p = 3.0


@pytest.mark.parametrize("t", FULL, ids=str)
def test_docs_have_what_they_need(t):
    assert t.name
    assert t.formula
    assert t.source
    assert isinstance(t.is_t_conorm, bool)
    assert set(t.parameters) == ({"p"} if t.p is not None else set())
    assert type(t).__name__ in tnorms.__all__


def test_specs_are_canonical_and_lenient():
    assert str(Yager(2)) == "yager(p=2)"
    assert str(Yager(torch.tensor(0.5))) == "yager(p=0.5)"
    assert str(SchweizerSklar(-1e-9)) == "schweizer_sklar(p=-1e-09)"
    assert from_spec(" yager( p = 2.0 ) ") == Yager(2)
    assert from_spec("maximum()") == Maximum()
    assert Yager(2) != Yager(3)
    assert Yager(2) != "yager(p=2)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("jager(p=2)", r"t_conorm: expected one of .*yager.*, got str 'jager'|t_conorm: expected one of"),
        ("yager", r"t_conorm: expected yager\(p=NUMBER\), p in \[1e-18, 1e\+18\], got yager"),
        ("maximum(p=2)", r"t_conorm: expected maximum without a parameter, got maximum\(p=2\)"),
        ("yager(p=two)", r"yager p: expected a number in \[1e-18, 1e\+18\], got two"),
        ("yager(q=2)", r"t_conorm: expected a spec like"),
        ("yager(p=-1)", r"yager p: expected a number in \[1e-18, 1e\+18\], got -1.0"),
        ("yager(p=nan)", r"yager p: expected a number in .*, got nan"),
        ("frank(p=1)", r"frank p: expected .* other than 1, got 1.0: use Probabilistic"),
    ],
)
def test_bad_specs_say_what_is_allowed(text, message):
    with pytest.raises(ValueError, match=message):
        from_spec(text)


@pytest.mark.parametrize("cls", [c for c in TNORMS.values() if c.p_range], ids=lambda c: c.name)
def test_parameters_out_of_range_are_refused(cls):
    for p in (0.0, -2.0 if cls.p_range[0] > 0 else 2.0, float("inf"), float("nan"), 1e19):
        with pytest.raises(
            ValueError, match=rf"^{cls.name} p: expected a number in \[.*\].*, got {re.escape(repr(p))}"
        ):
            cls(p)
        with pytest.raises(ValueError, match=rf"^{cls.name} p: expected a number in "):
            cls(torch.tensor(p, dtype=torch.float64))
    with pytest.raises(ValueError, match=rf"{cls.name} p: expected float32 or float64 \[\], got float32 \[1\]"):
        cls(torch.ones(1))
    with pytest.raises(TypeError, match=rf"{cls.name} p: expected a number, got str '2'"):
        cls("2")
    with pytest.raises(TypeError, match="NoneType None"):
        cls(None)


def test_a_parameter_that_an_optimiser_moved_out_of_range_is_refused():
    p = torch.tensor(0.5, requires_grad=True)
    t = Hamacher(p)
    with torch.no_grad():
        p.sub_(1)
    with pytest.raises(ValueError, match=r"hamacher p: expected a number in .*, got -0.5"):
        t.aggregate(torch.rand(3))


def test_frank_refuses_one_as_a_tensor_too():
    with pytest.raises(ValueError, match="use Probabilistic"):
        Frank(torch.tensor(1.0))


def test_bad_tensors_are_refused():
    t = Probabilistic()
    a = torch.rand(2, 3)
    for call, message in (
        (lambda: t.aggregate(a.long()), r"a: expected float32 or float64 .*, got int64 \[2, 3\]"),
        (lambda: t.aggregate(a, 2), "dim: expected a dimension of a 2-dimensional tensor, got int 2"),
        (lambda: t.aggregate(torch.tensor(0.5)), "dim: expected a dimension of a 0-dimensional tensor"),
        (lambda: t.aggregate(a, q=a[0]), r"q: expected float32 \[2, 3\], got float32 \[3\]"),
        (lambda: t.aggregate(a, q=a.double()), r"q: expected float32 \[2, 3\], got float64 \[2, 3\]"),
        (lambda: t.conorm(a, a.double()), "b: expected float32 .*, got float64"),
        (lambda: t.norm(a, a[:, :2]), r"b: expected a shape that broadcasts against \[2, 3\], got float32 \[2, 2\]"),
        (lambda: t.face_cutoff(-1.0), "cutoff: expected a number in"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError, match=r"a: expected a tensor, .*, got float 0\.5"):
        t.conorm(0.5, a)
    for method in (Average().conorm, Average().norm):
        with pytest.raises(TypeError, match="average: expected a T-conorm"):
            method(a, a)


def test_cutoffs_of_steep_generators():
    assert Yager(0.5).face_cutoff(1e-6) == pytest.approx(1e-12)
    assert Yager(2.0).face_cutoff(1e-6) == 1e-6
    assert Hamacher(4).face_cutoff(1e-6) == 2.5e-7
    assert Hamacher(0.5).face_cutoff(1e-6) == 1e-6
    assert Probabilistic().face_cutoff(0.0) == 0.0


def test_a_new_t_conorm_is_one_class():
    try:

        class Squared(ProductForm):
            """`z(a) = a^2`."""

            name = "squared_for_a_test"
            formula = "sqrt(a^2 + b^2 - a^2 b^2)"
            source = "this test"

            def _split(self, a, q):
                return a * a, q * (1 + a)

            def _unsplit(self, z, zbar):
                out = z.sqrt()
                return out, zbar / (1 + out)

        t = from_spec("squared_for_a_test")
        assert isinstance(t, Squared)
        assert t.aggregate(torch.tensor([0.5, 0.5])).item() == pytest.approx(0.4375**0.5)
        assert t.norm(torch.tensor(1.0), torch.tensor(0.25)).item() == pytest.approx(0.25)
        with pytest.raises(TypeError, match="name: expected a new T-norm name"):
            type("Again", (ProductForm,), {"name": "maximum"})
    finally:
        TNORMS.pop("squared_for_a_test", None)
