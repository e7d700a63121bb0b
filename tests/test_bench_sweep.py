"""The sweep in one process: what is missing is done once, whatever fails, is lost, or is somebody else's."""

import json
import math
from dataclasses import replace

import pytest
from rich.console import Console

from bench_fakes import RUN, by_seed, plan, runs, table
from gendr.presets.instances import Instance
from gendr.tools.bench import mesh_digest
from gendr.tools.bench import sweep as sweep_module
from gendr.tools.bench.agenda import Agenda, Group, Plan
from gendr.tools.bench.cells import Searched
from gendr.tools.bench.plans import Taus, pose_plan, shape_plan
from gendr.tools.bench.pool import Here
from gendr.tools.bench.progress import SweepProgress, described
from gendr.tools.bench.ranking import ranking
from gendr.tools.bench.store import Store
from gendr.tools.bench.sweep import Tally, sweep
from gendr.tools.bench.tasks import Outcome, PoseRun, ShapeRun
from gendr.tools.bench.tau_search import GRID
from gendr.tools.bench.workers import Results


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results.sqlite"


@pytest.fixture
def store(path):
    with Store.open(path, create=True) as opened:
        yield opened


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(sweep_module, "TICK", 0.0)
    monkeypatch.setattr(sweep_module, "LOOK", 0.0)


class Counting(Here):
    """Does the work here, and notes it."""

    def __init__(self, run_batch=by_seed):
        super().__init__(run_batch)
        self.batches = []

    def submit(self, runs):
        self.batches.append([run.seed for run in runs])
        super().submit(runs)


def test_everything_is_done_once(store):
    workers, shown = Counting(), []
    wanted = [*runs(range(5)), *runs(range(2), distribution="logistic")]
    assert sweep(plan(wanted), store, workers, show=lambda tally: shown.append(replace(tally)))
    assert workers.batches == [[0, 1, 2], [3, 4], [0, 1]]  # batches hold runs of one instance
    assert {row.key: row.metric for row in store.rows()} == {run.key: 1 / (1 + run.seed) for run in wanted}
    assert (shown[-1].done, shown[-1].total, shown[-1].here, shown[-1].failed) == (7, 7, 7, 0)
    assert shown[-1].best == (wanted[4], 0.2)

    more, before = Counting(), table(store)
    assert sweep(plan([*wanted, *runs([5, 6, 7])]), store, more)
    assert more.batches == [[5, 6, 7]]
    assert set(before) < set(table(store))
    with Store.open(store.path) as other:
        assert other.claim(runs([99])) == runs([99])  # no claim stays behind, nor does one keep another off


def test_a_failed_run_is_recorded_and_the_rest_goes_on(store):
    wanted = runs([12, 13, 14, 15])
    shown = []
    assert sweep(plan(wanted), store, Counting(), show=lambda tally: shown.append(replace(tally)))
    rows = {row.seed: row for row in store.rows()}
    assert [rows[run.seed].status for run in wanted] == ["done", "failed", "done", "done"]
    assert rows[13].error == "RuntimeError: it is unlucky"
    assert (shown[-1].failed, shown[-1].done) == (1, 4)

    again = Counting()
    assert sweep(plan(wanted), store, again)
    assert again.batches == []
    luckier = Counting(lambda batch: [Outcome(0.5, 0.0) for _ in batch])
    assert sweep(plan(wanted), store, luckier, retry_failed=True)
    assert luckier.batches == [[13]]
    assert {row.status for row in store.rows()} == {"done"}


def test_a_failure_that_stays_is_tried_once(store):
    assert sweep(plan(runs([13])), store, Counting())
    again = Counting()
    assert sweep(plan(runs([13])), store, again, retry_failed=True)
    assert again.batches == [[13]]


class Losing(Counting):
    """Loses every batch with an unlucky run."""

    def wait(self, seconds):
        if self._runs is not None and any(run.seed == 13 for run in self._runs):
            lost, self._runs = tuple(self._runs), None
            return [Results(lost, None, None, "the worker ended (SIGKILL)")]
        return super().wait(seconds)


def test_a_lost_batch_is_done_run_by_run_and_three_losses_are_a_failure(store):
    workers = Losing()
    assert sweep(plan(runs([12, 13, 14, 15])), store, workers)
    assert workers.batches == [[12, 13, 14], [12], [13], [14], [13], [15]]
    rows = {row.seed: row for row in store.rows()}
    assert (rows[13].status, rows[13].error) == ("failed", "lost 3 times: the worker ended (SIGKILL)")
    assert {rows[seed].status for seed in (12, 14, 15)} == {"done"}


def test_what_another_process_does_is_waited_for(store, path):
    wanted = runs(range(4))
    with Store.open(path) as other:
        assert other.claim(wanted[:2]) == wanted[:2]
        waits = []

        def show(tally):
            waits.append(tally.waits)
            if len(waits) == 5:
                assert other.claim(wanted) == wanted[:2]
                other.record([(wanted[0], Outcome(0.125, 0.0))])
            if len(waits) == 10:
                other.release()  # it gave up: what it had is to be done here

        workers = Counting()
        assert sweep(plan(wanted), store, workers, show=show)
    assert workers.batches == [[2], [3], [1]] or workers.batches == [[2, 3], [1]]
    assert waits[4]
    assert {row.seed: row.metric for row in store.rows()} == {0: 0.125, 1: 0.5, 2: 1 / 3, 3: 0.25}


def test_it_stops_when_told_to_and_goes_on_later(store):
    answers = iter([False, False, True])
    assert not sweep(plan(runs(range(9))), store, Counting(), should_stop=lambda: next(answers))
    assert 0 < len(store.rows()) < 9
    assert sweep(plan(runs(range(9))), store, Counting())
    assert len(store.rows()) == 9


def valley(batch):
    return [Outcome(min(1.0, 0.1 + 0.2 * abs(math.log10(run.tau) + 2.6)), 0.0) for run in batch]


@pytest.mark.parametrize("stop", [1, 2, 3, 4])
def test_a_search_that_was_cut_off_goes_on_alike(tmp_path, stop):
    def searched():
        cells = [Taus.from_text("coarse-to-fine").cell(replace(RUN, seed=seed)) for seed in range(2)]
        return Plan([Group("shape", ("teapot",), "uniform", "maximum", cells)], 40, 8, "shape", [], {})

    tables, batches = [], []
    for cuts in (0, stop):
        with Store.open(tmp_path / f"{cuts}.sqlite", create=True) as store:
            left = iter([False] * cuts + [True])
            first = Counting(valley)
            finished = sweep(searched(), store, first, should_stop=lambda c=cuts, i=left: bool(c) and next(i))
            assert finished != bool(cuts)
            rest = Counting(valley)
            assert sweep(searched(), store, rest)
            tables.append(table(store))
            batches.append(sum(map(len, first.batches + rest.batches)))
    assert tables[0] == tables[1]
    assert batches[0] == batches[1] == len(tables[0]) < 2 * len(GRID) / 2
    taus = {row[0]: row[2] for row in tables[0]}
    best = ShapeRun.from_key(min(taus, key=taus.get)).tau
    assert best in (GRID[26], pytest.approx(10**-2.6))


def test_a_failed_softness_does_not_end_a_search():
    class Three:
        def next(self, outcomes):
            assert all(loss in (0.5, math.inf) for loss in outcomes.values())
            return [tau for tau in (0.1, 0.2, 0.3) if tau not in outcomes]

    cell = Searched(RUN, Three(), 3)
    first, second, third = cell.next({})
    assert cell.next({first.key: None, second.key: 0.5}) == [third]
    assert cell.next({first.key: None, second.key: 0.5, third.key: None}) == []
    assert cell.known == 3


def test_a_batch_waits_until_it_is_full(store):
    agenda = Agenda(plan([*runs(range(4)), *runs(range(3), distribution="logistic")]), store)
    first = agenda.take()
    assert [run.seed for run in first] == [0, 1, 2]
    second = agenda.take()
    assert {run.distribution for run in second} == {"logistic"}  # the fourth waits for company
    assert agenda.take() == []
    for run in first:
        agenda.settle(run, 0.5)
    assert [run.seed for run in agenda.take()] == [3]
    assert (agenda.done, agenda.total, agenda.is_finished) == (3, 7, False)


LOGISTIC, UNIFORM = (Instance.from_spec(f"{name} + einstein") for name in ("logistic", "uniform"))


def test_the_plan_of_shapes():
    few = Taus.from_text("0.1,0.01,0.1")
    planned = shape_plan([LOGISTIC, UNIFORM], ["teapot", "teapot"], [30], [0.1, 0.2], few, [0, 1], steps=7)
    assert planned.runs == 2 * 2 * 2 * 2
    groups = list(planned.groups)
    assert [group.distribution for group in groups] == ["logistic", "uniform"]
    found = [run for group in groups for cell in group.cells for run in cell.next({})]
    assert len({run.key for run in found}) == len(found) == planned.runs
    assert all(planned.holds(json.loads(run.key)) for run in found)
    assert {(run.mesh, run.elevation, run.steps, run.views) for run in found} == {("teapot", 30.0, 7, 24)}
    assert not planned.holds(json.loads(replace(found[0], steps=8).key))
    assert not planned.holds(json.loads(replace(found[0], t_conorm="maximum").key))


def test_the_plan_of_poses():
    planned = pose_plan([LOGISTIC], ["teapot", "chair"], [0.3], [0], pairs=45)
    found = [run for group in planned.groups for cell in group.cells for run in cell.next({})]
    assert planned.runs == len(found) == 6
    assert [run.pairs for run in found[:3]] == [(0, 20), (20, 40), (40, 45)]
    assert all(isinstance(run, PoseRun) and planned.holds(json.loads(run.key)) for run in found)


@pytest.mark.parametrize("text", ["", "fine", "1,2,x", "0", "-1", "nan", "1,,2"])
def test_softnesses_that_are_none(text):
    with pytest.raises(ValueError, match="taus: expected grid, coarse-to-fine, quick, or positive numbers"):
        Taus.from_text(text)


def test_a_mesh_that_changed_is_refused(store, tmp_path):
    file = tmp_path / "a.obj"
    file.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    mesh_digest.note(store, {str(file): mesh_digest.digest(str(file))})
    mesh_digest.note(store, {str(file): mesh_digest.digest(str(file))})
    file.write_text("v 0 0 0\nv 1 0 0\nv 0 0.5 0\nf 1 2 3\n")
    with pytest.raises(ValueError, match=r"mesh: expected the .*a\.obj that the results in .* are of"):
        mesh_digest.note(store, {str(file): mesh_digest.digest(str(file))})


def test_progress(capsys):
    tally = Tally(done=30, total=50, here=10, failed=2, best=(RUN, 0.25), waits=True)
    said = "1.00 runs/s  0:20 left  best 0.2500 uniform + maximum  2 failed  waiting for another process"
    assert described(tally, 10.0) == said
    pose = PoseRun("teapot", "uniform", "maximum", lr=0.3)
    assert described(replace(tally, best=(pose, 0.25), failed=0, waits=False), 10.0).endswith(
        "best 25% uniform + maximum"
    )
    with SweepProgress(Console(force_terminal=True, width=120)) as progress:
        progress.show(Tally(done=0, total=50))
        progress.show(tally)
    assert "30/50" in capsys.readouterr().out


def test_the_ranking_is_of_the_sweeps_own_runs(store):
    planned = shape_plan([LOGISTIC, UNIFORM], ["teapot"], [0, 30], [0.1], Taus.from_text("0.1,0.01"), [0])
    assert ranking(store, planned) is None
    losses = {("logistic", 0.1): 0.3, ("logistic", 0.01): 0.5, ("uniform", 0.1): 0.4, ("uniform", 0.01): 0.2}
    for (distribution, tau), loss in losses.items():
        for elevation in (0, 30):
            run = ShapeRun("teapot", distribution, "einstein", elevation, 0.1, tau)
            store.add(run, Outcome(loss + elevation / 1000, 1.0))
            store.add(replace(run, steps=3), Outcome(0.0, 1.0))
            store.add(replace(run, t_conorm="maximum"), Outcome(0.0, 1.0))
    console = Console(width=120)
    with console.capture() as said:
        console.print(ranking(store, planned))
    lines = [line.split() for line in said.get().splitlines() if line.lstrip()[:2] in ("1 ", "2 ") and "0." in line]
    assert [line[:4] for line in lines] == [
        ["1", "uniform", "einstein", "0.2150"],
        ["2", "logistic", "einstein", "0.3150"],
    ]
    assert [line[-2:] for line in lines] == [["0.01", "0.1"], ["0.1", "0.1"]]
