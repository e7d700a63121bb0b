"""The pose protocol's problems: the stated angles, measured independently; ranges; seeds."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.spatial.transform import Rotation

from gendr.render import Camera
from gendr.tools.bench.pose_problems import RANGES, problems, turn_of, turned

MANY = problems(0, 600)


def angles_between(one, other):
    """In degrees, by SciPy's quaternions."""
    return np.degrees((Rotation.from_matrix(one.numpy()) * Rotation.from_matrix(other.numpy()).inv()).magnitude())


def test_starts_are_turned_by_the_stated_angles():
    measured = angles_between(MANY.start.rotation, MANY.goal.rotation)
    assert np.abs(measured - MANY.initial.numpy()).max() < 1e-9
    for index, (low, high) in enumerate(RANGES):
        third = measured[index::3]
        assert len(third) == 200
        assert low <= third.min() < third.max() <= high
        assert stats.kstest(third, "uniform", args=(low, high - low)).pvalue > 0.01
    assert stats.kstest(measured, "uniform", args=(15, 60)).pvalue > 0.01


def test_the_other_numbers_are_drawn_as_stated():
    start, goal = MANY.start_parameters, MANY.goal_parameters
    for values, low, high in ((start[:, 0], 2, 10), (start[:, 3], 10, 30), (goal[:, 0], 2.5, 4)):
        assert stats.kstest(values.numpy(), "uniform", args=(low, high - low)).pvalue > 0.01
    assert (goal[:, 1:3] == 0).all()
    assert (goal[:, 3] == 20).all()
    direction = torch.atan2(start[:, 1], start[:, 2]).numpy()  # of the turn, to second order in its angle
    assert stats.kstest(direction, "uniform", args=(-math.pi, 2 * math.pi)).pvalue > 0.01


def test_distances_and_views_are_those_of_the_parameters():
    start = MANY.start
    assert torch.allclose(start.eye.norm(dim=1), MANY.start_parameters[:, 0], rtol=1e-12)
    assert torch.allclose(1 / start.scale, torch.tan(torch.deg2rad(MANY.start_parameters[:, 3])), rtol=1e-12)
    middle = start.project(torch.zeros(1, 3, dtype=torch.float64))[:, 0]  # the object's middle is the image's
    assert middle[:, :2].abs().max() < 1e-12
    assert torch.allclose(middle[:, 2], MANY.start_parameters[:, 0], rtol=1e-12)


def test_the_goals_parameters_are_the_goal():
    camera = MANY.camera(MANY.goal_parameters)
    points = torch.randn(50, 3, dtype=torch.float64) * 0.2
    assert torch.allclose(camera.project(points), MANY.goal.project(points), atol=1e-12)
    assert turn_of(MANY.goal_parameters).abs().max() < 1e-12


def test_a_pose_is_look_at_in_the_goals_axes():
    parameters = MANY.start_parameters + torch.randn(600, 4, dtype=torch.float64) * torch.tensor([0.1, 60, 60, 1])
    points = torch.randn(50, 3, dtype=torch.float64) * 0.2
    goal_axes = (MANY.goal.rotation @ points.T).mT
    d, e, a, h = parameters.unbind(1)
    wanted = Camera.look_at(d, e, a, half_angle=h).project(goal_axes)
    assert torch.allclose(MANY.camera(parameters).project(points), wanted, atol=1e-9)  # beyond 90 degrees too


def test_a_problem_depends_on_its_index_and_its_seed_only():
    part = problems(7, 12)
    assert torch.equal(part.start_parameters, MANY.start_parameters[7:12])
    assert torch.equal(part.goal.rotation, MANY.goal.rotation[7:12])
    other = problems(7, 12, seed=1)
    assert not (part.start_parameters == other.start_parameters).any()
    assert len(part) == 5


def test_turns_are_measured_well_at_both_ends():
    phi = torch.linspace(0, 2 * math.pi, 25, dtype=torch.float64)
    for angle in (1e-7, 1e-3, 5.0, 75.0, 89.0):
        elevation, azimuth = turned(torch.full_like(phi, angle), phi)
        parameters = torch.stack((phi + 1, elevation, azimuth, phi + 1), 1)
        assert torch.allclose(turn_of(parameters), torch.full_like(phi, angle), rtol=1e-8)
        published = (elevation.square() + azimuth.square()).sqrt()
        assert angle > 75 or (published / angle - 1).abs().max() < 0.021


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3, 3), "end: expected a number in"),
        ((-1, 3), "first: expected a number in"),
        ((0, 3, -1), "seed: expected a number in"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        problems(*arguments)
