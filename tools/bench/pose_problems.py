"""The pose protocol's problems: pairs of a camera to be found and a camera to begin with, from a seed.

The thesis says that the camera is turned by an angle drawn from [15, 75] degrees, and that distance and view angle are
random too; the other numbers here are those of the authors' published experiment. A pose has four parameters, distance,
elevation, azimuth and half angle of view, which count from the goal: elevation and azimuth 0 are its direction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from gendr import _check
from gendr.render import Camera

RANGES = ((15.0, 35.0), (35.0, 55.0), (55.0, 75.0))
"""Of the angle between start and goal, in degrees: the easy, the middle and the hard third of the problems."""

GOAL_DISTANCE = (2.5, 4.0)
GOAL_SPREAD = 60.0
GOAL_HALF_ANGLE = 20.0
START_DISTANCE = (2.0, 10.0)
START_HALF_ANGLE = (10.0, 30.0)

Parameters = Float64[Tensor, "N 4"]


@dataclass(frozen=True, eq=False)
class PoseProblems:
    """`N` problems: find the goal's camera from the object's silhouette in it, beginning with the start's.

    Attributes:
        goal: `N` cameras, float64.
        goal_parameters: [N, 4]: distance, 0, 0, half angle.
        start_parameters: [N, 4]: distance, elevation and azimuth (degrees, counted from the goal), half angle
            (degrees).
        initial: [N], the angle between start and goal in degrees, as `turn_of` measures it.

    >>> these = problems(0, 3)
    >>> [round(angle) for angle in these.initial.tolist()], len(these.start)
    ([27, 51, 57], 3)
    """

    goal: Camera
    goal_parameters: Parameters
    start_parameters: Parameters
    initial: Float64[Tensor, " N"]

    @property
    def start(self) -> Camera:
        """The cameras to begin with."""
        return self.camera(self.start_parameters)

    def camera(self, parameters: Parameters) -> Camera:
        """The cameras in the world that parameters stand for; those of `goal_parameters` are the goal's.

        >>> these = problems(0, 3)
        >>> bool(torch.allclose(these.camera(these.goal_parameters).eye, these.goal.eye))
        True
        """
        distance, elevation, azimuth, half_angle = parameters.unbind(-1)
        seen_from_goal = Camera.look_at(distance, elevation, azimuth, half_angle=half_angle)
        to_world = self.goal.rotation.mT
        eye = (to_world @ seen_from_goal.eye[:, :, None])[..., 0]
        return Camera(seen_from_goal.rotation @ self.goal.rotation, eye, seen_from_goal.scale)

    def __len__(self) -> int:
        return len(self.initial)


def problems(first: int, end: int, seed: int = 0) -> PoseProblems:
    """The problems `first` to `end - 1` of a seed; each is the same whichever others are asked for.

    Problem `i` lies in range `i % 3` of `RANGES`, uniformly, so that any 3 n in a row have n of each. Goals: distance
    uniform in [2.5, 4], elevation and azimuth normal with 60 degrees, half angle 20. Starts: distance uniform in
    [2, 10], half angle in [10, 30], the direction of the turn uniform on the circle.

    The angle of a turn is that of the rotation between both cameras, `cos(t/2) = cos(E/2) cos(A/2)`. The published
    code takes `sqrt(E^2 + A^2)` for it, which differs by at most 2.1 per cent up to 75 degrees.

    Raises:
        TypeError, ValueError: no whole numbers with `0 <= first < end`, or a negative seed.

    Source: Petersen, *Learning with Differentiable Algorithms* (2022), section 5.4.2, and the published code of
    Petersen et al., "GenDR", CVPR 2022.

    >>> bool((problems(0, 9).initial[4:6] == problems(4, 6).initial).all())
    True
    """
    for name, value, low in (("first", first, 0), ("end", end, first + 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{name}: expected a whole number, got {_check.describe(value)}")
        _check.number(name, value, low)
    drawn = torch.from_numpy(np.stack([_draw(index, seed) for index in range(first, end)]))
    goal_distance, goal_elevation, goal_azimuth, distance, half_angle, direction, angle = drawn.unbind(1)
    elevation, azimuth = turned(angle, direction)
    zero = torch.zeros_like(distance)
    goal = Camera.look_at(goal_distance, goal_elevation, goal_azimuth, half_angle=GOAL_HALF_ANGLE)
    goal_parameters = torch.stack((goal_distance, zero, zero, zero + GOAL_HALF_ANGLE), 1)
    start_parameters = torch.stack((distance, elevation, azimuth, half_angle), 1)
    return PoseProblems(goal, goal_parameters, start_parameters, turn_of(start_parameters))


def turned(angle: Float64[Tensor, " N"], direction: Float64[Tensor, " N"]) -> tuple[Tensor, Tensor]:
    """Elevation and azimuth (degrees) of a turn by `angle` (degrees, below 180) in a `direction` (radians).

    `sin(E/2) = sin(t/2) sin(phi)` and `tan(A/2) = tan(t/2) cos(phi)`, which solve `cos(t/2) = cos(E/2) cos(A/2)`.

    >>> [angle.round().tolist() for angle in turned(torch.tensor([60.0]).double(), torch.tensor([0.0]).double())]
    [[0.0], [60.0]]
    """
    half = torch.deg2rad(angle) / 2.0
    elevation = 2.0 * torch.asin(half.sin() * direction.sin())
    azimuth = 2.0 * torch.atan2(half.sin() * direction.cos(), half.cos())
    return torch.rad2deg(elevation), torch.rad2deg(azimuth)


def turn_of(parameters: Parameters) -> Float64[Tensor, " N"]:
    """The angle in degrees, from 0 to 180, by which cameras with these parameters are turned from the goal.

    From the Frobenius norm of `R - I`, which is `sqrt(8) sin(t/2)`: small angles keep their digits.

    >>> turn_of(torch.tensor([[3.0, 3.0, 4.0, 20.0]]).double())
    tensor([4.9996], dtype=torch.float64)
    """
    _, elevation, azimuth, _ = parameters.unbind(-1)
    rotation = Camera.look_at(torch.ones_like(elevation), elevation, azimuth).rotation
    difference = torch.linalg.matrix_norm(rotation - torch.eye(3, dtype=rotation.dtype))
    return torch.rad2deg(2.0 * torch.asin((difference / math.sqrt(8.0)).clamp(max=1.0)))


def _draw(index: int, seed: int) -> list[float]:
    """The random numbers of one problem, which depend on nothing but its index and the seed."""
    random = np.random.default_rng((seed, index))
    return [
        random.uniform(*GOAL_DISTANCE),
        random.normal(0.0, GOAL_SPREAD),
        random.normal(0.0, GOAL_SPREAD),
        random.uniform(*START_DISTANCE),
        random.uniform(*START_HALF_ANGLE),
        random.uniform(0.0, 2.0 * math.pi),
        random.uniform(*RANGES[index % len(RANGES)]),
    ]
