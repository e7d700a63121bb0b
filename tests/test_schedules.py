"""Schedules: exact ends, the right middle, monotone between, and values that survive a process pool."""

import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gendr.render.schedules import constant, cosine, log_linear

POSITIVE = st.floats(1e-300, 1e300)


@given(POSITIVE, POSITIVE, st.integers(1, 60))
def test_log_linear_is_exact_at_the_ends_and_within_them_between(start, end, steps):
    schedule = log_linear(start, end, steps)
    values = [schedule(step) for step in range(steps)]
    assert values[0] == start
    assert schedule(steps - 1) == (end if steps > 1 else start)
    # exp and log of numbers up to 690 lose 690 units in the last place
    assert all(min(start, end) * (1 - 1e-12) <= value <= max(start, end) * (1 + 1e-12) for value in values)
    assert schedule(steps + 5) == values[-1]


def test_log_linear_multiplies_by_a_constant_factor():
    schedule = log_linear(1e-4, 10**-6.5, 100)
    ratios = [schedule(step + 1) / schedule(step) for step in range(99)]
    assert ratios == pytest.approx([10 ** (-2.5 / 99)] * 99, rel=1e-12)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.integers(1, 60))
def test_cosine_is_exact_at_the_ends_and_within_them_between(start, end, steps):
    schedule = cosine(start, end, steps)
    values = [schedule(step) for step in range(steps)]
    assert values[0] == start
    assert schedule(steps - 1) == (end if steps > 1 else start)
    slack = 1e-9  # rounding of numbers up to 1e6
    assert all(min(start, end) - slack <= value <= max(start, end) + slack for value in values)


def test_cosine_is_half_a_wave():
    schedule = cosine(3.0, 1.0, 9)
    for step in range(9):
        assert schedule(step) == pytest.approx(2.0 + math.cos(math.pi * step / 8), abs=1e-15)
    assert schedule(1.5) == pytest.approx(2.0 + math.cos(math.pi * 1.5 / 8), abs=1e-15)


def test_constant_stays():
    assert {constant(0.3)(step) for step in (0, 1, 5.5, 1e9)} == {0.3}


@pytest.mark.parametrize("schedule", [constant(2.0), cosine(1.0, 0.1, 10), log_linear(1.0, 0.1, 10)])
def test_schedules_are_values(schedule):
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    with pytest.raises(AttributeError):
        schedule.start = 3.0


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("start", lambda: log_linear(0.0, 1.0, 5)),
        ("end", lambda: log_linear(1.0, -1.0, 5)),
        ("start", lambda: cosine(math.nan, 1.0, 5)),
        ("end", lambda: cosine(1.0, math.inf, 5)),
        ("steps", lambda: cosine(1.0, 0.1, 0)),
        ("steps", lambda: cosine(1.0, 0.1, 2.5)),
        ("value", lambda: constant("fast")),
        ("step", lambda: cosine(1.0, 0.1, 5)(-1)),
        ("step", lambda: constant(1.0)(math.nan)),
    ],
)
def test_wrong_arguments_are_named(name, make):
    with pytest.raises((ValueError, TypeError), match=name):
        make()
