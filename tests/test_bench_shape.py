"""The shape protocol: the published fit, many runs at once, each as it would be alone."""

import dataclasses
import math

import pytest
import torch

from gendr import set_num_threads
from gendr.distributions import from_spec
from gendr.tnorms import from_spec as conorm_from_spec
from gendr.tools.bench.batch import run_batch
from gendr.tools.bench.iou import soft_iou
from gendr.tools.bench.meshes import MESHES, load_mesh, ring_silhouettes
from gendr.tools.bench.shape_protocol import run_shapes
from gendr.tools.bench.tasks import ShapeRun
from gendr.tools.fit import configure, fit, load_target

RUN = ShapeRun("airplane", "gamma(p=0.5, reversed)", "yager(p=2)", 30.0, 10**-1.5, 10**-2.25, steps=4, views=3)


def numbers(outcome):
    return outcome.metric, outcome.details


@pytest.mark.parametrize("seed", [0, 4])
def test_a_run_is_the_published_method_of_the_fit(seed):
    run = dataclasses.replace(RUN, seed=seed, steps=12)
    target = load_target("airplane", views=3, elevation=30.0)
    config = configure(
        "thesis",
        distribution=from_spec(run.distribution),
        t_conorm=conorm_from_spec(run.t_conorm),
        tau=(run.tau, run.tau),
        lr=run.lr,
        steps=12,
        seed=seed or None,
    )
    result = fit(target.alpha, target.camera, config)
    (outcome,) = run_batch([run])
    # Both count the same pixels, and add ratios of whole numbers in float32.
    assert outcome.metric == pytest.approx(1 - result.best.hard_iou, abs=1e-6)
    assert outcome.details["best_step"] == result.best.index
    assert outcome.details["curve"] == pytest.approx([1 - s.hard_iou for s in result.history[::10]], abs=1e-6)
    assert outcome.details["soft"] == pytest.approx(result.history[-1].loss, abs=1e-6)


def test_a_run_in_a_batch_is_the_run_alone():
    changes = [{}, {"tau": 1e-1}, {"lr": 0.1, "elevation": -60.0}, {"mesh": "chair"}, {"seed": 1}]
    runs = [dataclasses.replace(RUN, **change) for change in changes]
    together = run_batch(runs)
    assert [numbers(o) for o in together] == [numbers(run_batch([run])[0]) for run in runs]
    assert len({o.metric for o in together}) == len(runs)
    backwards = run_batch(runs[::-1])[::-1]
    assert [numbers(o) for o in backwards] == [numbers(o) for o in together]


def test_batches_are_cut_and_mixed_without_a_trace():
    runs = [dataclasses.replace(RUN, steps=1 + i % 2, tau=10 ** (-1 - i / 10)) for i in range(19)]
    other = dataclasses.replace(RUN, distribution="uniform", t_conorm="maximum", image_size=32)
    outcomes = run_batch([*runs[:9], other, *runs[9:]])
    assert numbers(outcomes[9]) == numbers(run_batch([other])[0])
    for i in (0, 5, 18):
        assert numbers(outcomes[i + (i >= 9)]) == numbers(run_batch([runs[i]])[0])
    assert run_batch([]) == []


@pytest.mark.parametrize("threads", [1, 2])
def test_results_do_not_depend_on_threads(threads):
    set_num_threads(threads)
    try:
        (outcome,) = run_batch([RUN])
    finally:
        set_num_threads(None)
    assert numbers(outcome) == numbers(run_batch([RUN])[0])


def test_losses_fall_and_stay_within_bounds():
    runs = [dataclasses.replace(RUN, distribution=d, tau=10**-2, steps=40) for d in ("logistic", "cubic_hermite")]
    runs += [dataclasses.replace(RUN, t_conorm="probabilistic", steps=40)]
    for run in runs:
        (outcome,) = run_batch([run])
        # 0.53 to 0.76 of it, with tau moved by 1e-5 of itself too: a run follows its roundings
        assert 0.0 <= outcome.metric < 0.85 * outcome.details["first"]
        assert outcome.metric <= min(outcome.details["curve"]) + 1e-6  # rounded to six digits
        assert 0 <= outcome.details["best_step"] < run.steps
        assert outcome.seconds > 0


@pytest.mark.parametrize("tau", [1e-30, 1e-8, 1.0, 1e30])
def test_every_softness_gives_a_number(tau):
    (outcome,) = run_batch([dataclasses.replace(RUN, tau=tau, steps=3)])
    assert math.isfinite(outcome.metric)
    assert math.isfinite(outcome.details["soft"])


def test_seeds_change_the_start_a_little():
    first, second = run_batch([dataclasses.replace(RUN, seed=seed, steps=1) for seed in (1, 2)])
    assert first.details["soft"] == pytest.approx(second.details["soft"], abs=1e-4)  # 1e-6 on every coordinate
    one, other = run_batch([dataclasses.replace(RUN, seed=seed, steps=15) for seed in (1, 2)])
    assert one.metric != other.metric


# --- images and meshes -------------------------------------------------------------------------------------------


def test_iou_of_images_against_sets():
    masks = torch.rand(2, 4, 8, 8) > 0.5
    wanted = [(a & b).sum() / (a | b).sum() for a, b in zip(*masks, strict=True)]
    assert torch.equal(soft_iou(*masks.float()), torch.stack(wanted))
    empty = torch.zeros(1, 4, 4, requires_grad=True)
    ratio = soft_iou(empty, torch.zeros(1, 4, 4))
    ratio.sum().backward()
    assert ratio.item() == 1.0
    assert (empty.grad == 0).all()


@pytest.mark.parametrize("name", MESHES)
def test_the_own_meshes_are_seen_whole(name):
    silhouettes = ring_silhouettes(name, 30.0, views=6)
    border = torch.cat([silhouettes[:, 0], silhouettes[:, -1], silhouettes[:, :, 0], silhouettes[:, :, -1]], 1)
    assert (border == 0).all()
    assert (silhouettes.sum((1, 2)) > 50).all()
    assert ring_silhouettes(name, 30.0, views=6) is silhouettes


def test_files_are_read_anew_when_they_change(tmp_path):
    file = tmp_path / "mesh.obj"
    load_mesh("teapot").save(file)
    first = load_mesh(str(file))
    assert load_mesh(str(file)) is first
    load_mesh("chair").save(file)
    assert load_mesh(str(file)).n_faces == load_mesh("chair").n_faces != first.n_faces


def test_meshes_that_do_not_exist_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"mesh: expected a mesh file .* or one of airplane, chair.*, got 'zeppelin'"):
        run_batch([dataclasses.replace(RUN, mesh="zeppelin")])
    with pytest.raises(ValueError, match=r"mesh: expected a mesh file"):
        run_batch([dataclasses.replace(RUN, mesh=str(tmp_path / "none.obj"))])
    broken = tmp_path / "broken.obj"
    broken.write_text("v 0 0\n")
    with pytest.raises(ValueError, match=r"broken\.obj"):
        run_batch([dataclasses.replace(RUN, mesh=str(broken))])


def test_what_cannot_share_a_call_is_refused():
    with pytest.raises(ValueError, match="runs: expected one steps in a call, got 4, 7"):
        run_shapes([RUN, dataclasses.replace(RUN, steps=7)])
    with pytest.raises(ValueError, match="runs: expected at least one, got none"):
        run_shapes([])
    with pytest.raises(TypeError, match="runs: expected ShapeRun or PoseRun, got "):
        run_batch([RUN.key])
