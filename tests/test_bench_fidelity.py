"""The thesis's findings: which pairs speak for each, what a verdict needs, and the command."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

import bench_rows
from gendr.presets import THESIS, Instance
from gendr.tools.bench.fidelity import pairs
from gendr.tools.bench.fidelity.__main__ import Fidelity
from gendr.tools.bench.fidelity.agreement import similar
from gendr.tools.bench.fidelity.compare import is_ahead, is_equal, lead
from gendr.tools.bench.fidelity.findings import ORDER, RATES, SETTINGS
from gendr.tools.bench.fidelity.table import parts
from gendr.tools.bench.report.tallies import collect
from gendr.tools.bench.store import Store
from gendr.tools.bench.tasks import Outcome, PoseRun, ShapeRun

GOOD, BAD = (Instance.from_spec(f"{d} + probabilistic") for d in ("gaussian", "cauchy"))
SLOW = (*pairs.LINEAR, *pairs.LEVY)


def as_published(instance):
    """A loss that agrees with every sentence of the thesis."""
    name, t_conorm = str(instance.distribution).replace(", squared", "").replace("(squared)", ""), instance.t_conorm
    groups = [((pairs.BEST_DISTRIBUTION,), 0.0), (pairs.GAMMA_REVERSED, 0.02), (("gumbel_min",), 0.02)]
    groups += [(("exponential(reversed)",), 0.02), (pairs.EXPONENTIAL, 0.03), (pairs.LINEAR, 0.1), (pairs.LEVY, 0.15)]
    loss = next((value for group, value in groups if name in group), 0.08)
    loss += (-0.02 if name in SLOW else 0.02) * instance.distribution.is_squared
    joins = [(pairs.BEST, 0.0), (pairs.NEXT, 0.02), (pairs.POOR, 0.2), (pairs.EXTREME, 0.1)]
    return 0.2 + loss + next((value for group, value in joins if str(t_conorm) in group), 0.03)


def study_of(rows):
    (study,), _ = collect(rows)
    return study


@pytest.fixture(scope="module")
def whole():
    """All instances, once: intervals are over pairs."""
    return study_of(bench_rows.shape_row(instance, as_published(instance)) for instance in THESIS)


@pytest.mark.parametrize(
    ("chosen", "number"),
    [
        (pairs.squared_under(SLOW, others=True), (23 - 6) * 27),
        (pairs.squared_under(pairs.LINEAR), 2 * 27),
        (pairs.distribution_over(pairs.EXPONENTIAL, pairs.LINEAR), 4 * 2 * 27),
        (pairs.distribution_over([pairs.BEST_DISTRIBUTION]), 22 * 27),
        (pairs.one_by_one(pairs.GAMMA_REVERSED, pairs.GAMMA), 3 * 27),
        (pairs.t_conorm_over(pairs.BEST, pairs.NEXT), 2 * 2 * 46),
        (pairs.t_conorm_over(pairs.BEST), 2 * 25 * 46),
        (pairs.t_conorm_under(["maximum"]), 18 * 46),
        (pairs.t_conorm_under(pairs.EXTREME, spared=pairs.SPARED), 18 * 7 * (46 - 16)),
    ],
)
def test_every_pair_of_the_whole_grid_is_found_once(whole, chosen, number):
    found = chosen(whole)
    assert len(set(found)) == len(found) == number
    for first, second in found:
        one, other = whole.instances[first], whole.instances[second]
        assert (one.distribution == other.distribution) != (one.t_conorm == other.t_conorm)


def test_results_as_published_confirm_all_and_their_opposite_none(whole):
    assert [finding.measure(whole).verdict for finding in ORDER] == ["confirmed"] * len(ORDER)
    opposite = dataclasses.replace(whole, values={name: 1.0 - values for name, values in whole.values.items()})
    verdicts = [finding.measure(opposite).verdict for finding in ORDER]
    assert verdicts == ["not confirmed"] * (len(ORDER) - 1) + ["confirmed"]  # equals stay equal


def test_the_interval_is_that_of_paired_differences():
    random = np.random.default_rng(0)
    losses = random.uniform(0.2, 0.4, (2, 5))
    rows = [
        bench_rows.shape_row(instance, float(loss), elevation=elevation)
        for instance, values in zip((GOOD, BAD), losses, strict=True)
        for elevation, loss in zip(bench_rows.ELEVATIONS, values, strict=True)
    ]
    study = study_of(rows)
    first, second = study.instances.index(GOOD), study.instances.index(BAD)
    found = lead(study, [(first, second)])
    known = stats.ttest_rel(losses[1], losses[0]).confidence_interval(0.95)
    assert found.interval == pytest.approx((losses[1].mean() - losses[0].mean(), known.low, known.high))
    assert found.over == "5 elevations"


@pytest.mark.parametrize(
    ("differences", "ahead", "equal"),
    [
        ((0.05, 0.051), "confirmed", "not confirmed"),
        ((-0.05, -0.051), "not confirmed", "not confirmed"),
        ((0.001, 0.0011), "confirmed", "confirmed"),
        ((0.05, -0.05), "undecided", "undecided"),
        ((0.05,), "undecided", "undecided"),
    ],
)
def test_verdicts(differences, ahead, equal):
    rows = [
        bench_rows.shape_row(instance, 0.3 + (instance == BAD) * difference, seed=seed)
        for seed, difference in enumerate(differences)
        for instance in (GOOD, BAD)
    ]
    study = study_of(rows)
    couple = [(study.instances.index(GOOD), study.instances.index(BAD))]
    assert (is_ahead(study, couple).verdict, is_equal(study, couple).verdict) == (ahead, equal)
    assert is_ahead(study, []) is None


@pytest.mark.parametrize("best", [1, 0])
def test_learning_rate_and_ends_of_tau(best):
    rows = [
        bench_rows.shape_row(i, 0.3 + 0.1 * (r != best) + 0.1 * (t != best), lr=lr, tau=tau)
        for i in (GOOD, BAD)
        for r, lr in enumerate(RATES)
        for t, tau in enumerate((1.0, 1e-3, 1e-8))
    ]
    study = study_of(rows)
    assert [f.measure(study).verdict for f in SETTINGS] == ["confirmed" if best else "not confirmed"] * 2
    assert [f.measure(study_of(rows[:1])) for f in SETTINGS] == [None, None]


def test_shape_and_pose_agree_when_their_ranks_do():
    chosen = list(THESIS)[:20]
    shape = study_of(bench_rows.shape_row(instance, 0.1 + 0.01 * k) for k, instance in enumerate(chosen))
    initial = [30.0] * 40

    def pose(hits):
        return study_of(
            bench_rows.pose_row(instance, [1.0] * hits(k) + [50.0] * (40 - hits(k)), initial)
            for k, instance in enumerate(chosen)
        )

    assert similar(shape, pose(lambda k: 40 - k)).verdict == "confirmed"
    assert similar(shape, pose(lambda k: 20 + k)).verdict == "not confirmed"
    assert similar(shape, pose(lambda k: 20)) is None


def test_the_thesis_mesh_and_budget_are_preferred():
    rows = [bench_rows.shape_row(GOOD, 0.3, mesh=mesh, seed=seed) for mesh in ("airplane", "chair") for seed in (0, 1)]
    rows += [bench_rows.shape_row(GOOD, 0.3, mesh="airplane", steps=9, seed=seed) for seed in range(9)]
    studies, _ = collect(rows)
    (part,) = parts(studies)
    assert part.title.startswith("shape: airplane; steps 100,")
    assert parts(studies, "all")[0].title.startswith("shape: airplane, chair; steps 100,")
    assert parts(studies, "chair")[0].title.startswith("shape: chair; steps 100,")
    assert "(not the published budget)" in parts([s for s in studies if s.budget[0] == ("steps", 9)])[0].title
    assert {texts[-1] for texts in part.table.texts} == {"not measured"}
    with pytest.raises(ValueError, match=r"mesh: expected one of the results': airplane, chair, got 'cow'"):
        parts(studies, "cow")


def test_the_command_prints_markdown_and_refuses_what_is_no_results_file(tmp_path, capsys):
    file = tmp_path / "results.sqlite"
    with Store.open(file, create=True) as store:
        for elevation in (0, 30, 60):
            for instance, loss in ((GOOD, 0.2), (BAD, 0.3 + elevation / 1000)):
                specs = str(instance.distribution), str(instance.t_conorm)
                store.add(ShapeRun("airplane", *specs, elevation, lr=0.03, tau=0.01), Outcome(loss, 1.0))
        angles = {"errors": [1.0, 50.0], "initial": [20.0, 60.0]}
        run = PoseRun("teapot", "uniform", "probabilistic", lr=0.3, pairs=(0, 2))
        store.add(run, Outcome(0.5, 1.0, angles))
    (tmp_path / "none.sqlite").write_text("no database at all")

    assert Fidelity(file).run() == 0
    printed = capsys.readouterr().out
    assert "| finding | published | here | agrees |" in printed
    half = stats.t.ppf(0.975, 2) * np.std([0.1, 0.13, 0.16], ddof=1) / math.sqrt(3)
    interval = f"[{0.13 - half:+.4f}, {0.13 + half:+.4f}] over 3 elevations"
    assert f"+0.1300 {interval}; 1 of 1 pairs | confirmed |" in printed
    assert "pose: teapot" in printed
    with pytest.raises(SystemExit, match="2"):
        Fidelity(tmp_path / "none.sqlite").run()
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
