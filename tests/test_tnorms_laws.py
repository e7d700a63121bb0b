"""The laws of T-norms and T-conorms over the whole registry, their named coincidences and limits."""

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings

from gendr.tnorms import (
    TNORMS,
    AczelAlsina,
    Dombi,
    Einstein,
    Frank,
    Hamacher,
    Maximum,
    Probabilistic,
    SchweizerSklar,
    Yager,
)


def members(parameters=(-7.0, -1.0, -0.25, 0.25, 1.0, 2.0, 7.0)):
    """One object per class, or one per parameter that it accepts: new classes are tested without an edit here."""
    for cls in TNORMS.values():
        for p in parameters if cls.p_range else (None,):
            try:
                yield cls() if p is None else cls(p)
            except ValueError:
                continue


ALL = list(members())
CONORMS = [t for t in ALL if t.is_t_conorm]
over_all = pytest.mark.parametrize("t", ALL, ids=str)
over_conorms = pytest.mark.parametrize("t", CONORMS, ids=str)
laws = settings(max_examples=8, deadline=None, derandomize=True, database=None)
probability = st.one_of(
    st.floats(0, 1), st.floats(0, 1e-30), st.sampled_from([0.0, 1e-300, 1e-8, 0.25, 0.5, 1 - 1e-8, 1 - 2**-53, 1.0])
)
triples = st.lists(st.tuples(probability, probability, probability), min_size=4, max_size=4)
GRID = torch.linspace(0, 1, 21, dtype=torch.float64)
# Worst seen a hundredth of this over 20,000 pairs that include both ends of the range.
CLOSE = {"rtol": 1e-13, "atol": 1e-15}


def scalar(x):
    return torch.tensor(x, dtype=torch.float64)


def around(operation, inner, other):
    """The least and the largest result for an inner number known to 16 ulp, and more where logarithms are large."""
    slack = 16 * 2.2e-16 * (1 + inner.clamp(1e-308).log().abs())
    return [operation((inner * (1 + s * slack)).clamp(0, 1), other) for s in (-1, 1)]


@over_conorms
@given(rows=triples)
@laws
def test_lattice_laws(t, rows):
    a, b, c = torch.tensor(rows, dtype=torch.float64).unbind(-1)
    zero, one = scalar(0.0), scalar(1.0)
    for operation, neutral, annihilator in ((t.conorm, zero, one), (t.norm, one, zero)):
        torch.testing.assert_close(operation(a, b), operation(b, a), rtol=0, atol=0)
        torch.testing.assert_close(operation(a, neutral), a, **CLOSE)
        assert (operation(a, annihilator) == annihilator).all()
        low, high = torch.minimum(b, c), torch.maximum(b, c)
        assert (operation(a, low) <= operation(a, high) + 4e-16).all()  # monotone, to the last two digits
        # the inner result is a rounded number, which a steep outer one magnifies: the intervals must meet
        left, right = around(operation, operation(a, b), c), around(operation, operation(b, c), a)
        assert (left[0] <= right[1] + 1e-15).all()
        assert (right[0] <= left[1] + 1e-15).all()
        assert ((operation(a, b) >= 0) & (operation(a, b) <= 1)).all()


@over_conorms
@given(rows=triples)
@laws
def test_de_morgan_and_bounds(t, rows):
    a, b, _ = torch.tensor(rows, dtype=torch.float64).unbind(-1)
    torch.testing.assert_close(t.norm(a, b), 1 - t.conorm(1 - a, 1 - b), rtol=0, atol=1e-14)
    tiny = 2.3e-308  # numbers that are not normal may count as zero
    assert (t.conorm(a, b) >= torch.maximum(a, b) * (1 - 1e-12) - tiny).all()
    assert (t.norm(a, b) <= torch.minimum(a, b) * (1 + 1e-12) + tiny).all()


@over_conorms
def test_norm_keeps_its_digits_for_small_inputs(t):
    small, other = scalar(1e-20), scalar(0.75)
    assert t.norm(small, scalar(1.0)) == pytest.approx(1e-20, rel=1e-13)
    if t.name != "yager":  # Yager's norm is 0 around 0
        assert 0 < t.norm(small, other) <= 1e-20 * (1 + 1e-13)


@over_all
@given(values=st.lists(probability, max_size=12), seed=st.integers(0, 99))
@settings(parent=laws, max_examples=8)
def test_aggregate_does_not_depend_on_order_and_folds(t, values, seed):
    a = torch.tensor(values, dtype=torch.float64)
    out = t.aggregate(a, 0)
    shuffled = a[torch.randperm(len(a), generator=torch.Generator().manual_seed(seed))]
    torch.testing.assert_close(t.aggregate(shuffled, 0), out, rtol=1e-13, atol=0)
    torch.testing.assert_close(t.aggregate_complement(a, 0), 1 - out, rtol=0, atol=1e-15)
    if t.is_t_conorm and len(values) == 2:
        torch.testing.assert_close(t.conorm(a[0], a[1]), out, **CLOSE)


@over_all
def test_aggregate_of_every_dimension_and_of_one(t):
    a = torch.rand(3, 4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for dim in (-3, -1, 0, 1, 2):
        torch.testing.assert_close(t.aggregate(a, dim), t.aggregate(a.movedim(dim, -1)), rtol=1e-15, atol=0)
    torch.testing.assert_close(t.aggregate(a[None], 0), a, rtol=1e-14, atol=0)
    torch.testing.assert_close(t.aggregate_complement(a[None], 0), 1 - a, rtol=1e-13, atol=0)


def same(first, second, atol=1e-14):
    a, b = torch.meshgrid(GRID, GRID, indexing="ij")
    torch.testing.assert_close(first.conorm(a, b), second.conorm(a, b), rtol=0, atol=atol)
    torch.testing.assert_close(first.norm(a, b), second.norm(a, b), rtol=0, atol=atol)
    many = torch.rand(50, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    torch.testing.assert_close(first.aggregate(many), second.aggregate(many), rtol=0, atol=atol)


def test_corrected_table_of_coincidences():
    same(Einstein(), Hamacher(2))
    same(Probabilistic(), Hamacher(1))
    same(Probabilistic(), AczelAlsina(1))
    same(Probabilistic(), Frank(1 + 1e-9), atol=1e-9)  # Frank differs from its limit by O(p - 1)
    same(Probabilistic(), Frank(1 - 1e-9), atol=1e-9)
    same(Probabilistic(), SchweizerSklar(-1e-15))
    same(Dombi(1), Hamacher(1e-18), atol=1e-14)
    same(SchweizerSklar(-1), Hamacher(1e-18), atol=1e-14)


def test_corrected_dombi_conorm_has_a_neutral_element():
    assert Dombi(2).conorm(scalar(0.3), scalar(0.0)) == pytest.approx(0.3, rel=1e-15)
    assert Dombi(2).conorm(scalar(0.5), scalar(0.5)) == pytest.approx(1 - 1 / (1 + 2**0.5), rel=1e-15)


def test_named_forms():
    a, b = torch.meshgrid(GRID, GRID, indexing="ij")
    tolerance = {"rtol": 1e-14, "atol": 1e-15}
    torch.testing.assert_close(Probabilistic().conorm(a, b), a + b - a * b, **tolerance)
    torch.testing.assert_close(Probabilistic().norm(a, b), a * b, rtol=0, atol=0)
    torch.testing.assert_close(Einstein().conorm(a, b), (a + b) / (1 + a * b), **tolerance)
    torch.testing.assert_close(Einstein().norm(a, b), a * b / (2 - a - b + a * b), **tolerance)
    torch.testing.assert_close(Yager(1).conorm(a, b), (a + b).clamp(max=1), **tolerance)
    torch.testing.assert_close(Yager(1).norm(a, b), (a + b - 1).clamp(min=0), **tolerance)
    torch.testing.assert_close(Maximum().conorm(a, b), torch.maximum(a, b), rtol=0, atol=0)
    torch.testing.assert_close(Maximum().norm(a, b), torch.minimum(a, b), rtol=0, atol=0)
    for p in (0.1, 3.0, 1e6):  # the functional equation that only Frank's family solves
        torch.testing.assert_close(Frank(p).norm(a, b) + Frank(p).conorm(a, b), a + b, **tolerance)


@pytest.mark.parametrize("t", [Yager(1e4), Dombi(1e4), AczelAlsina(1e4), SchweizerSklar(-1e4)], ids=str)
def test_large_parameters_approach_maximum(t):
    # ln(2)/p is the largest change of ln R; the steepest map from it to a probability has slope 1
    same(t, Maximum(), atol=2e-4)
    same(type(t)(t.p * 1e10), Maximum())


@pytest.mark.parametrize("t", [Yager(1e-2), Dombi(1e-2), AczelAlsina(1e-2), Hamacher(1e18)], ids=str)
def test_limits_at_the_drastic_sum(t):
    inner = GRID[1:-1]
    a, b = torch.meshgrid(inner, inner, indexing="ij")
    assert (t.conorm(a, b) > 1 - 1e-12).all()
    torch.testing.assert_close(t.conorm(inner, 0 * inner), inner, rtol=0, atol=1e-14)


def test_limits_of_frank():
    rate = 1.8 / 41.4  # ln(n) / abs(ln p) for the n = 6 inputs of the aggregates
    same(Frank(1e-18), Maximum(), atol=rate)
    same(Frank(1e18), Yager(1), atol=rate)


@pytest.mark.parametrize("t", [t for t in ALL if t.is_t_conorm and t.name != "maximum"], ids=str)
def test_skipped_faces_change_the_sum_by_at_most_the_cutoff(t):
    for cutoff in (1e-3, 1e-6, 0.0):
        limit = t.face_cutoff(cutoff)
        assert 0 <= limit <= cutoff
        a = torch.full((100,), limit, dtype=torch.float64)
        if t.p is not None and t.p < 1 and t.name in ("yager", "dombi", "aczel_alsina"):
            total = t.aggregate(a) ** t.p  # the generator sum, to first order
            assert total <= 100 * cutoff * (1 + 1e-12) or total < 1
        else:
            assert t.aggregate(a) <= 100 * cutoff * 1.2
