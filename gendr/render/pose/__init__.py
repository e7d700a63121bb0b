"""Poses: rotations by parameters (from `gendr.render.rotations`), and the camera that explains a mask.

>>> from gendr.render import Camera
>>> Camera.look_at(torch.tensor(2.0)).with_pose(axis_angle_to_matrix(torch.zeros(3))).eye
tensor([[ 0.,  0., -2.]])
"""

from gendr.render.pose.estimation import estimate
from gendr.render.pose.explanation import Alternatives, PoseEstimate
from gendr.render.rotations import (
    axis_angle_to_matrix,
    matrix_to_axis_angle,
    matrix_to_quaternion,
    matrix_to_rotation_6d,
    quaternion_to_matrix,
    rotation_6d_to_matrix,
)

__all__ = [
    "Alternatives",
    "PoseEstimate",
    "axis_angle_to_matrix",
    "estimate",
    "matrix_to_axis_angle",
    "matrix_to_quaternion",
    "matrix_to_rotation_6d",
    "quaternion_to_matrix",
    "rotation_6d_to_matrix",
]
