"""The search for the softness: what it asks for, what it finds, and that it goes on alike after an interruption."""

import math
import random

import pytest

from gendr.tools.bench.check_tau_search import Check, Comparison, replay
from gendr.tools.bench.tau_search import GRID, TauSearch


def search_all(loss, search=None):
    search, outcomes = search or TauSearch(), {}
    while proposals := search.next(outcomes):
        assert not set(proposals) & set(outcomes)
        assert len(set(proposals)) == len(proposals)
        outcomes |= {tau: loss(tau) for tau in proposals}
    return outcomes


def test_the_grid_is_the_published_one():
    assert len(GRID) == 81
    assert [math.log10(tau) for tau in GRID] == pytest.approx([-0.1 * n for n in range(81)])


@pytest.mark.parametrize("place", range(81))
def test_the_bottom_of_a_valley_is_found_wherever_it_is(place):
    outcomes = search_all(lambda tau: 0.2 + 0.1 * abs(math.log10(tau) + 0.1 * place))
    assert min(outcomes, key=outcomes.get) == GRID[place]
    assert len(outcomes) <= 21


@pytest.mark.parametrize("seed", range(20))
def test_flat_bottoms_are_found_to_within_their_noise(seed):
    noise = random.Random(seed)
    middle, losses = noise.uniform(1.0, 6.0), {}
    for tau in GRID:
        losses[tau] = 0.15 + max(0.0, 0.2 * abs(math.log10(tau) + middle) - 0.1) + noise.gauss(0.0, 0.01)
    asked = replay(losses)
    # Of some ten draws at the bottom the least lies 1.5 deviations below their mean, the least of half as many 1.2.
    assert min(losses[tau] for tau in asked) < min(losses.values()) + 0.02
    assert len(asked) < 40


def test_what_it_asks_for_depends_only_on_what_it_asked_for():
    losses = {tau: (math.log10(tau) + 3.7) ** 2 for tau in GRID}
    outcomes, orders = {}, random.Random(1)
    while proposals := TauSearch().next(outcomes):  # a new search every time, interrupted at random
        done = orders.sample(proposals, orders.randint(1, len(proposals)))
        outcomes |= {tau: losses[tau] for tau in done}
    assert sorted(outcomes) == sorted(replay(losses))
    assert TauSearch().next(losses) == []  # other outcomes do not lead it on
    strangers = {3.3: 0.0, 1e-20: -1.0}
    assert TauSearch().next(strangers) == TauSearch().next({})


def test_softnesses_are_known_again_after_a_file():
    losses = {float(f"{tau:.15g}"): abs(math.log10(tau) + 2) for tau in GRID}
    assert TauSearch().next(losses) == []


@pytest.mark.parametrize("failure", [math.nan, math.inf])
def test_failed_runs_are_passed_by(failure):
    outcomes = search_all(lambda tau: failure if tau > 0.02 else abs(math.log10(tau) + 1.8))
    assert min((tau for tau in outcomes if math.isfinite(outcomes[tau])), key=outcomes.get) == GRID[18]
    assert len(search_all(lambda tau: failure)) < 40  # and it ends


def test_soft_runs_are_asked_for_only_where_the_loss_falls_that_way():
    asked = search_all(lambda tau: abs(math.log10(tau) + 2.0))
    assert max(asked) < 0.1
    assert 1.0 in search_all(lambda tau: -tau)
    assert max(search_all(lambda tau: 0.8)) == GRID[16]  # a plain: the sharpest, which take the least time


@pytest.mark.parametrize("grid", [[0.1], [1.0, 0.1, 0.01], list(GRID[20:41]), list(GRID[40:19:-1])])
def test_other_grids(grid):
    outcomes = search_all(lambda tau: tau, TauSearch(grid))
    assert min(outcomes) == min(grid)
    assert set(outcomes) <= set(grid)


def test_an_empty_grid_is_refused():
    with pytest.raises(ValueError, match="grid: expected at least one softness, got none"):
        TauSearch([])


def test_the_check_runs_and_resumes(tmp_path, capsys):
    check = Check(tmp_path / "t.sqlite", instances=("uniform + maximum",), views=1, image_size=8, steps=2, seeds=2)
    assert check.run() == 0
    first = capsys.readouterr().out
    assert "| uniform + maximum | " in first
    assert "% of the time saved; " in first
    assert check.run() == 0  # everything is in the file
    assert capsys.readouterr().out == first


def test_the_check_names_what_is_wrong(tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        Check(tmp_path / "t.sqlite", instances=("uniform",)).run()
    assert end.value.code == 2
    assert "instance: expected DISTRIBUTION + T_CONORM" in capsys.readouterr().err


def test_agreement_is_measured_in_jitter():
    assert Comparison("x", 0, 0.10, 3, 0.11, 20, (9.0, 1.0), 0.006).agrees
    assert not Comparison("x", 0, 0.10, 3, 0.12, 20, (9.0, 1.0), 0.006).agrees
