"""The tuner: what it proposes, how trials climb, what is compared, and what is left of trials that were broken off."""

import sqlite3
import time
from itertools import count

import pytest
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState
from sqlalchemy import event

from gendr.tools.tune.clock import Clock
from gendr.tools.tune.halving import Halving
from gendr.tools.tune.held_out import LEAST, compare, measure, rows_of
from gendr.tools.tune.space import Space, chosen_distributions, chosen_t_conorms
from gendr.tools.tune.standings import failures, standings
from gendr.tools.tune.storage import storage_at, study_in
from tune_fakes import BEST, FakeTask


@pytest.fixture
def storage():
    return InMemoryStorage()


@pytest.fixture
def on_disk(tmp_path):
    with storage_at(tmp_path / "study.sqlite") as opened:
        yield opened


class Time(Clock):
    """A clock that stands still until it is set."""

    left = 1.0

    def __init__(self, left=1.0):
        self.left = left

    def note(self):
        pass


def space_of(task, distributions=None, t_conorms=None):
    return Space.of(task, chosen_distributions(distributions), chosen_t_conorms(t_conorms))


def search(storage, task, trials, space=None, first=(), time=None, stop=lambda: False):
    """Search until so many more trials are done."""
    study, done = study_in(storage, "search", seed=0), count()
    place = [next(done)]
    halving = Halving(study, space or space_of(task), task, time or Time(), 1.0, lambda: stop() or place[0] >= trials)
    halving.run(first, lambda: place.__setitem__(0, next(done)))
    return study


def test_it_comes_nearer_to_the_best_than_chance_does(storage):
    study = search(storage, FakeTask(), 60)
    tried = standings(study)
    assert tried[0].rung == 3
    assert tried[0].loss < 0.07  # 0.041; seeds 0 to 5: median 0.05; by chance 0.147, never below 0.07
    firsts = [trial.intermediate_values[1] for trial in study.trials[:20]]
    lasts = [trial.intermediate_values[1] for trial in study.trials[-20:]]
    assert sum(lasts) < 0.85 * sum(firsts)  # 0.4 to 0.82 times; by chance 0.88 and more


def test_a_third_climbs_and_no_condition_is_done_twice(storage):
    task = FakeTask(noise=0.001)
    study = search(storage, task, 40)
    asked = [(setting.key, condition) for setting, condition in task.asked]
    assert len(asked) == len(set(asked))
    reached = [sum(step >= 3**rung for step in (t.last_step for t in study.trials)) for rung in range(4)]
    assert reached[0] == 40
    assert 0 < reached[3] <= reached[2] <= reached[1] < 0.7 * 40  # more than a third, because later ones are better
    assert len(asked) == sum(n * more for n, more in zip(reached, (1, 1, 2, 6), strict=True))
    for one in standings(study):
        done = [condition for setting, condition in task.asked if setting == one.setting]
        losses = [task.score(one.setting, c, 1.0, None, full=False).loss for c in done if c in task.rungs[one.rung]]
        assert one.loss == pytest.approx(sum(losses) / len(losses))


def test_it_begins_with_what_it_is_told_and_stays_in_its_space(storage):
    task = FakeTask()
    space = space_of(task, ["logistic", "gaussian()"], ["einstein", "probabilistic"])
    study = search(storage, task, 12, space, first=[task.published, task.default])
    settings = [setting for setting, _ in task.asked]
    assert settings[0] == task.published
    assert task.default in settings
    assert {s.distribution for s in settings} <= {"logistic", "logistic(squared)", "gaussian"}
    assert {s.t_conorm for s in settings} <= {"einstein", "probabilistic"}
    assert all(task.rates[0] <= s.lr <= task.rates[1] and s.tau[1] <= s.tau[0] for s in settings)
    assert all(trial.state in (TrialState.COMPLETE, TrialState.PRUNED) for trial in study.trials)


def test_what_lies_outside_of_the_space_is_not_begun_with(storage):
    task = FakeTask()
    search(storage, task, 1, space_of(task, ["uniform()"], ["maximum"]), first=[task.published])
    assert task.asked[0][0].distribution == "uniform"


@pytest.mark.parametrize("tau", [(1e-2, 1e-2), (1e-2, 1e-3)])
@pytest.mark.parametrize("spec", chosen_distributions(None))
def test_widths_say_the_same_as_softnesses(spec, tau):
    task = FakeTask()
    space, square = space_of(task), "squared" in spec
    setting = type(BEST)(spec, "maximum", tuple(t**2 if square else t for t in tau), "cosine", 0.1)
    values = space.values(setting)
    again = space.setting(values)
    assert again.tau == pytest.approx(setting.tau, rel=1e-3)
    assert (again.distribution, again.t_conorm) == (setting.distribution, setting.t_conorm)
    assert (values["schedule"] == "constant") == (tau[0] == tau[1])


def test_the_first_run_has_all_the_time_and_slow_ones_are_cut_and_ranked_last(storage):
    task = FakeTask(slow=("logistic(squared)",))
    study = search(storage, task, 8, space_of(task, ["logistic", "gaussian()"]), first=[task.default, task.published])
    assert task.limits[0] == float("inf")
    assert all(limit == 1.0 for limit in task.limits[1:])
    cut = [one for one in standings(study) if one.is_cut]
    assert task.published in [one.setting for one in cut]
    assert all(one.rung == 0 for one in cut)
    assert standings(study)[-len(cut) :] == cut


def test_what_fails_is_noted_and_the_search_goes_on(storage):
    task = FakeTask(broken=("gaussian",))
    study = search(storage, task, 10, space_of(task, ["logistic()", "gaussian()"]), first=[task.default])
    assert study.trials[0].state == TrialState.FAIL
    assert failures(study)[0] == "ValueError: vertices: expected finite numbers, got others"
    assert len(standings(study)) + len(failures(study)) == 10
    assert standings(study)[0].setting.distribution == "logistic"


def test_a_search_in_which_all_fails_is_given_up(storage):
    task = FakeTask(broken=("gaussian",))
    with pytest.raises(
        ValueError, match=r"search: expected a renderer that can be tried, got 20 failures, the last: V"
    ):
        search(storage, task, 100, space_of(task, ["gaussian()"]))


def test_without_time_one_trial_is_tried_all_the_same(storage):
    task = FakeTask()
    study = search(storage, task, 100, time=Time(0.0))
    assert len(standings(study)) == 1
    assert len(task.asked) == 1


def test_a_trial_that_a_killed_process_left_has_failed_and_comes_again_once(on_disk):
    task = FakeTask()
    study = search(on_disk, task, 3)
    for states in (["FAIL", "WAITING"], ["FAIL", "FAIL"]):
        trial = study.ask()
        chosen = space_of(task).suggest(trial)  # and then the process is killed
        study = study_in(on_disk, "search", seed=0)
        assert [t.state.name for t in study.trials[3:]] == states
    begun = len(task.asked)
    search(on_disk, task, 1)
    assert all(t.state != TrialState.RUNNING for t in study.trials)
    assert task.asked[begun][0] != chosen  # not a third time


def test_an_interrupted_trial_keeps_its_rungs_or_comes_again(storage):
    task = FakeTask()
    study = search(storage, task, 5, first=[task.default], stop=lambda: len(task.asked) > 0)
    assert [t.state for t in study.trials] == [TrialState.FAIL, TrialState.WAITING]
    study = search(storage, task, 5, stop=lambda: len(task.asked) > 3)  # on its third rung
    assert task.asked[1][0] == task.default
    assert study.trials[1].state == TrialState.PRUNED
    assert standings(study)[0].rung == 1


def test_a_process_that_goes_on_does_not_propose_the_same_again(storage):
    task = FakeTask()
    search(storage, task, 4)
    study = search(storage, task, 4)
    keys = [setting.key for setting, condition in task.asked if condition.size < 1]
    assert len(keys) == len(set(keys)) == 8
    assert len(study.trials) == 8


def test_a_clock_goes_on_where_the_last_process_noted_it(storage):
    study = study_in(storage, "search", seed=0)
    study.set_user_attr("seconds", 50.0)
    clock = Clock(study, 60.0)
    assert 9.0 < clock.left <= 10.0
    clock.stop()
    left = clock.left
    time.sleep(0.01)
    assert clock.left == left
    assert 20.0 < Clock(study_in(storage, "search", seed=0), 80.0).left <= 30.0


def test_held_out_conditions_are_paired_and_not_done_twice(storage):
    task = FakeTask(noise=0.2)
    contenders = {"tuned": BEST, "SoftRas as published": task.published, "without tuning": task.default, "same": BEST}
    study = study_in(storage, "held-out", seed=0)
    clock = Time()
    asked = []

    def after():
        asked.append(len(task.asked))
        clock.left = 1.0 if len(task.asked) < 14 else 0.0

    measure(study, task, contenders, clock, lambda: False, after)
    assert len(task.asked) == 15  # a condition that is begun is done for all
    assert all(condition.number >= 100 for _, condition in task.asked)
    clock.left = 1.0
    measure(study, task, contenders, clock, lambda: False, lambda: None)
    assert len(task.asked) == len(set(task.asked)) == 30
    tuned, published, untuned, same = compare(rows_of(study), contenders, BEST)
    assert tuned.conditions == 10
    assert tuned.behind == same.behind == (0.0, 0.0, 0.0)
    difference = published.loss - tuned.loss
    assert published.behind == pytest.approx((difference,) * 3)  # the noise is the same for all, and goes out
    assert published.behind.low > 0.1
    assert untuned.figures["unseen"] == pytest.approx(untuned.loss + 0.1)


def test_three_conditions_are_done_without_time(storage):
    task = FakeTask()
    study = study_in(storage, "held-out", seed=0)
    measure(study, task, {"tuned": BEST, "other": task.default}, Time(0.0), lambda: False, lambda: None)
    assert len(task.asked) == 2 * LEAST


def test_search_and_comparison_share_no_condition():
    from gendr.tools.tune.shape_task import ShapeTask

    task = ShapeTask("teapot", views=6, image_size=8, steps=2)
    seen = {(c.elevation, c.seed) for rung in task.rungs for c in rung}
    held_out = {(c.elevation, c.seed) for c in task.held_out}
    assert not {e for e, _ in seen} & {e for e, _ in held_out}
    assert not {s for _, s in seen} & {s for _, s in held_out}
    assert len(held_out) == 10


def test_a_broken_database_is_one_line(tmp_path):
    (tmp_path / "study.sqlite").write_text("no database, whatever its name says")
    with pytest.raises(OSError, match=r"study.sqlite: file is not a database"), storage_at(tmp_path / "study.sqlite"):
        pass


def test_a_full_disk_is_one_line(tmp_path):
    path = tmp_path / "study.sqlite"
    with storage_at(path) as storage:
        study_in(storage, "search", seed=0)
    with sqlite3.connect(path) as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.close()

    def fill():
        with storage_at(path) as storage:

            @event.listens_for(storage.engine, "connect")
            def limit(connection, _):
                connection.execute(f"PRAGMA max_page_count = {pages}")

            storage.engine.dispose()
            search(storage, FakeTask(), 200)

    with pytest.raises(OSError, match=r"study\.sqlite: database or disk is full"):
        fill()
