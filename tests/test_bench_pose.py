"""The pose protocol: its camera and gradient against autograd, its laws, and pairs in company as alone."""

import dataclasses

import numpy as np
import pytest
import torch

from gendr import set_num_threads
from gendr.tools.bench.batch import run_batch
from gendr.tools.bench.meshes import in_unit_ball, load_mesh
from gendr.tools.bench.pose_problems import problems, turn_of
from gendr.tools.bench.pose_protocol import HALF_ANGLES, _Adam, recover
from gendr.tools.bench.pose_view import PoseView
from gendr.tools.bench.tasks import PoseRun, ShapeRun

RUN = PoseRun("chair", "logistic(squared)", "probabilistic", lr=0.3, pairs=(0, 6), steps=5, image_size=24)
CHAIR = in_unit_ball(load_mesh("chair"))


def numbers(outcome):
    return outcome.metric, outcome.details


@pytest.fixture
def poses():
    """Poses about the starts, one beyond a pole."""
    values = problems(0, 5).start_parameters.clone()
    values[1, 1], values[2, 2] = 130.0, -200.0
    return values


def projected(parameters):
    corners = problems(0, 5).camera(parameters).project(CHAIR.vertices.double()).index_select(1, CHAIR.faces.flatten())
    return corners.view(5, -1, 3, 3)


def test_faces_are_where_the_camera_sees_them(poses):
    faces = PoseView(CHAIR, problems(0, 5)).faces(poses.numpy())
    assert faces.dtype == torch.float32
    assert torch.allclose(faces.double(), projected(poses), rtol=0.0, atol=2e-6)  # float32 of depths up to 11


def test_the_gradient_is_autograds(poses):
    view = PoseView(CHAIR, problems(0, 5))
    incoming = torch.randn(5, CHAIR.n_faces, 3, 3)
    incoming[..., 2] = 0.0  # of depth, which a silhouette does not depend on
    leaf = poses.clone().requires_grad_()
    (wanted,) = torch.autograd.grad((projected(leaf) * incoming).sum(), leaf)
    got = view.gradient(poses.numpy(), view.faces(poses.numpy()), incoming)
    scale = wanted.abs().amax(0)
    assert ((torch.from_numpy(got) - wanted).abs() / scale).max() < 1e-5  # sums of 5,000 float32 terms


def test_adam_is_torchs():
    random = np.random.default_rng(0)
    ours, adam = random.normal(size=(3, 4)), _Adam(3, 0.3)
    theirs = torch.tensor(ours, requires_grad=True)
    optimiser = torch.optim.Adam([theirs], 0.3, betas=(0.5, 0.99))
    for _ in range(5):
        gradient = random.normal(size=(3, 4))
        ours = ours - adam.step(gradient)
        theirs.grad = torch.from_numpy(gradient)
        optimiser.step()
    assert np.abs(ours - theirs.detach().numpy()).max() < 1e-12


def test_pairs_in_company_are_pairs_alone():
    mesh, run = CHAIR, dataclasses.replace(RUN, steps=4, image_size=16)
    together, losses = recover(mesh, problems(0, 7), run)
    for first, end in ((0, 1), (3, 6), (6, 7)):
        alone, loss = recover(mesh, problems(first, end), run)
        assert (alone == together[first:end]).all()
        assert torch.equal(loss, losses[first:end])


def test_runs_are_cut_into_calls_without_a_trace():
    run = dataclasses.replace(RUN, pairs=(0, 40), steps=2, image_size=8)
    (outcome,) = run_batch([run])
    (part,) = run_batch([dataclasses.replace(run, pairs=(30, 36))])
    assert outcome.details["errors"][30:36] == part.details["errors"]
    assert outcome.details["losses"][30:36] == part.details["losses"]


def test_results_depend_on_the_key_and_nothing_else():
    shape = ShapeRun("chair", "uniform", "einstein", 0.0, 0.03, 0.1, steps=1, views=1)
    other = dataclasses.replace(RUN, seed=1)
    first, second, third = run_batch([RUN, shape, other])[::2] + run_batch([RUN])
    assert numbers(first) == numbers(third) != numbers(second)
    set_num_threads(1)
    try:
        (single,) = run_batch([RUN])
    finally:
        set_num_threads(None)
    assert numbers(single) == numbers(first)


def test_a_pose_that_starts_at_the_goal_stays_there():
    these = problems(0, 3)
    there = dataclasses.replace(these, start_parameters=these.goal_parameters)
    run = dataclasses.replace(RUN, lr=0.03, steps=30, image_size=48, tau=(1e-4, 1e-6))
    found, losses = recover(CHAIR, there, run)
    assert turn_of(torch.from_numpy(found)).max() < 0.9  # 30 steps of at most 0.03 degrees, in two angles: 1.27
    assert losses.max() < 0.05  # the legs are a pixel or two wide


def test_easy_problems_are_solved():
    these = problems(0, 3)
    near = these.goal_parameters + torch.tensor([0.2, 6.0, -8.0, 1.0]).double()
    easy = dataclasses.replace(these, start_parameters=near)
    # At 40 pixels a thin chair's loss goes up and down for the first hundred steps, on every processor in its own way.
    run = dataclasses.replace(RUN, steps=250, image_size=40, tau=(1e-2, 1e-5))
    before = recover(CHAIR, easy, dataclasses.replace(run, steps=1))[1]
    found, after = recover(CHAIR, easy, run)
    assert turn_of(torch.from_numpy(found)).max() < 3.0 < turn_of(near).min()
    assert (after < before / 2).all()


def test_the_metric_counts_the_errors():
    run = dataclasses.replace(RUN, pairs=(0, 12), steps=60, tau=(1e-2, 1e-5))
    (outcome,) = run_batch([run])
    errors, initial = np.array(outcome.details["errors"]), np.array(outcome.details["initial"])
    assert np.allclose(initial, problems(0, 12).initial, atol=1e-4)
    assert outcome.metric == outcome.details["within5"] == (errors < 5).mean()
    assert outcome.details["within3"] == (errors < 3).mean()
    for number, (name, shares) in enumerate(outcome.details["ranges"].items()):
        assert name == ("15-35", "35-55", "55-75")[number]
        assert shares == {
            "pairs": 4,
            "within5": (errors[number::3] < 5).mean(),
            "within3": (errors[number::3] < 3).mean(),
        }
    assert 0.0 <= outcome.metric <= 1.0
    (one,) = run_batch([dataclasses.replace(RUN, pairs=(0, 1))])
    assert one.details["ranges"]["55-75"] == {"pairs": 0, "within5": None, "within3": None}


@pytest.mark.parametrize("tau", [(1e-30, 1e-30), (1e30, 1e30), (1.0, 1e-30)])
@pytest.mark.parametrize("lr", [0.3, 30.0])
def test_every_softness_and_rate_gives_numbers(tau, lr):
    run = dataclasses.replace(RUN, tau=tau, lr=lr, steps=6, image_size=8)
    poses, losses = recover(CHAIR, problems(0, 2), run)
    assert np.isfinite(poses).all()
    assert torch.isfinite(losses).all()
    assert (poses[:, 3] >= HALF_ANGLES[0]).all()
    assert (poses[:, 3] <= HALF_ANGLES[1]).all()


def test_meshes_that_do_not_exist_are_named():
    with pytest.raises(ValueError, match="mesh: expected a mesh file"):
        run_batch([dataclasses.replace(RUN, mesh="kettle")])
