"""Schedules: exact ends, the right middle, monotone between, and values that survive a process pool."""

import math
import pickle

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gendr.render.schedules import constant, cosine, gradient_driven, log_linear

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


def test_gradient_driven_is_adam_on_the_logarithm():
    gradients = [3.0, -1.0, 0.5, 0.0, 2.0, -4.0]
    tau, log_tau = gradient_driven(0.1, rate=0.05), torch.tensor(0.1, dtype=torch.float64).log().requires_grad_()
    adam = torch.optim.Adam([log_tau], lr=0.05, betas=(0.9, 0.99), eps=0.0)
    for gradient in gradients:
        log_tau.grad = gradient * log_tau.detach().exp()
        adam.step()
        tau = tau.after(gradient)
        assert tau.value == pytest.approx(log_tau.exp().item(), rel=1e-12)


def test_gradient_driven_stays_within_its_bounds_whatever_the_gradient_is():
    for gradient in (1e300, -1e300, 1e-300, torch.tensor([1e38, 1e38])):
        tau = gradient_driven(1e-2, 1e-3, 1e-1, rate=10.0)
        for _ in range(5):
            tau = tau.after(gradient)
            assert 1e-3 <= tau.value <= 1e-1


def test_gradient_driven_waits_while_nothing_depends_on_tau():
    tau = gradient_driven(0.1)
    assert tau.after(None).after(0.0).value == 0.1
    leaf = tau.tensor()
    (3.0 * leaf.expand(4).sum()).backward()
    assert tau.after(leaf.grad).value < 0.1


def test_gradient_driven_finds_the_softness_that_a_blurred_edge_has():
    # The target is the same edge rendered with tau 0.05: following the gradient from 0.5 must end there.
    from gendr.distributions import Logistic
    from gendr.render import rasterize

    faces = torch.tensor([[[[0.0, -500.0, 2.0], [0.0, 500.0, 2.0], [900.0, 0.0, 2.0]]]], dtype=torch.float64)
    target = rasterize(faces, 16, Logistic(), 0.05, cutoff=0).alpha
    tau = gradient_driven(0.5, 1e-4, 1.0, rate=cosine(0.1, 0.001, 150))
    for _ in range(150):
        leaf = tau.tensor()
        (rasterize(faces, 16, Logistic(), leaf, cutoff=0).alpha - target).square().sum().backward()
        tau = tau.after(leaf.grad)
    assert tau.value == pytest.approx(0.05, rel=0.1)  # 0.0494


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gradient_driven(1.0, 2.0, 3.0), "start: expected a number in"),
        (lambda: gradient_driven(1.0, 2.0, 1.0), "high: expected a number in"),
        (lambda: gradient_driven(1.0, rate=0.0), "rate: expected a number in"),
        (lambda: gradient_driven(1.0, betas=(0.9, 1.0)), r"betas\[1\]: expected a number in \[0, 1\)"),
        (lambda: gradient_driven(1.0).after(math.nan), "gradient: expected"),
    ],
)
def test_wrong_arguments_of_gradient_driven_are_named(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()
