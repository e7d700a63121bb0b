"""Rotations by parameters that an optimiser can move: axis-angle, quaternion, six numbers; and back.

All functions are differentiable, take any leading shape, and have finite values and gradients for every finite input.
`Camera.with_pose` makes a camera of a rotation and an eye.

>>> from gendr.render import Camera
>>> turn = torch.tensor([0.0, 0.1, 0.0], requires_grad=True)
>>> camera = Camera.look_at(torch.tensor(2.0))
>>> camera.with_pose(axis_angle_to_matrix(turn) @ camera.rotation).project(torch.zeros(1, 3))
tensor([[[0.3745, 0.0000, 1.9900]]], grad_fn=<TransposeBackward0>)
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from gendr import _check
from gendr._autocast import in_single_precision
from gendr.distributions._values import at_hand

AxisAngle = Float[Tensor, "*batch 3"]
Quaternion = Float[Tensor, "*batch 4"]
Rotation6D = Float[Tensor, "*batch 6"]
Matrix = Float[Tensor, "*batch 3 3"]

SMALL = 1.0 / 16.0  # squared angles below it take series, which are then exact to the last bits of float64


@in_single_precision
def axis_angle_to_matrix(axis_angle: AxisAngle) -> Matrix:
    r"""Turn about an axis `v`: Rodrigues' formula `I + sin(t) U + (1 - cos(t)) U²`, `t = |v|`, `U x = v / t × x`.

    Args:
        axis_angle: [..., 3], the axis times the angle in radians; 0 is no turn.

    Returns:
        [..., 3, 3], which turn column vectors counterclockwise as seen from the tip of the axis.

    Raises:
        TypeError, ValueError: no float tensor [..., 3].

    Source: Murray, Li and Sastry, "A mathematical introduction to robotic manipulation", 1994, (2.14).

    >>> axis_angle_to_matrix(torch.tensor([0.0, 0.0, torch.pi / 2])).round(decimals=4)
    tensor([[ 0., -1.,  0.],
            [ 1.,  0.,  0.],
            [ 0.,  0.,  1.]])
    """
    _check.tensor("axis_angle", axis_angle, ("*", 3))
    axis, angle, small, squared = _axis_and_length(axis_angle)
    sine = torch.where(small, _series(squared, 1), torch.sin(angle))
    versine = torch.where(small, _series(squared, 2), 2.0 * torch.sin(angle / 2.0) ** 2)
    cross = _cross_matrix(axis)
    identity = torch.eye(3, dtype=axis.dtype, device=axis.device)
    return identity + sine[..., None] * cross + versine[..., None] * (cross @ cross)


@in_single_precision
def matrix_to_axis_angle(matrix: Matrix) -> AxisAngle:
    r"""Axis times angle of a rotation, in radians: `2 atan2(|u|, w) u / |u|` of its quaternion `(w, u)`; at most pi.

    Accurate near no turn as near half a turn. At half a turn both signs of the axis are right; the one of
    `matrix_to_quaternion` is returned.

    Args:
        matrix: [..., 3, 3], rotations.

    Returns:
        [..., 3].

    Raises:
        TypeError, ValueError: no float tensor [..., 3, 3], or no rotation (see `matrix_to_quaternion`).

    >>> matrix_to_axis_angle(axis_angle_to_matrix(torch.tensor([0.1, -0.2, 0.3])))
    tensor([ 0.1000, -0.2000,  0.3000])
    """
    quaternion = matrix_to_quaternion(matrix)
    w, imaginary = quaternion.tensor_split((1,), -1)
    axis, sine, small, squared = _axis_and_length(imaginary)
    half = torch.where(small, _asin_series(squared), torch.atan2(sine, torch.where(small, 1.0, w)))
    return 2.0 * half * axis


@in_single_precision
def quaternion_to_matrix(quaternion: Quaternion) -> Matrix:
    r"""Rotation matrix of a quaternion `(w, x, y, z)` of any length; that of length 0 counts as (1, 0, 0, 0).

    Args:
        quaternion: [..., 4], the real part first, as in COLMAP, Blender and PyTorch3D (SciPy and ROS have it last).

    Returns:
        [..., 3, 3]; `q` and `-q` give the same.

    Raises:
        TypeError, ValueError: no float tensor [..., 4].

    Source: Shoemake, "Animating rotation with quaternion curves", SIGGRAPH 1985.

    >>> quaternion_to_matrix(torch.tensor([1.0, 0.0, 0.0, 1.0]))
    tensor([[ 0., -1.,  0.],
            [ 1.,  0.,  0.],
            [ 0.,  0.,  1.]])
    """
    _check.tensor("quaternion", quaternion, ("*", 4))
    one = torch.eye(4, dtype=quaternion.dtype, device=quaternion.device)[0]
    scaled = _scaled(quaternion, one)
    w, x, y, z = scaled.unbind(-1)
    s = 2.0 / scaled.square().sum(-1)
    rows = (
        (1.0 - s * (y * y + z * z), s * (x * y - z * w), s * (x * z + y * w)),
        (s * (x * y + z * w), 1.0 - s * (x * x + z * z), s * (y * z - x * w)),
        (s * (x * z - y * w), s * (y * z + x * w), 1.0 - s * (x * x + y * y)),
    )
    return torch.stack([torch.stack(row, -1) for row in rows], -2)


@in_single_precision
def matrix_to_quaternion(matrix: Matrix) -> Quaternion:
    r"""Unit quaternion `(w, x, y, z)`, `w >= 0`, of a rotation.

    Of the four quotients that give it, the one with the largest denominator is taken, at least 1: no digits are lost
    at any angle.

    Args:
        matrix: [..., 3, 3], rotations.

    Returns:
        [..., 4].

    Raises:
        TypeError, ValueError: no float tensor [..., 3, 3], or a matrix that is not orthogonal to 1e-3 or that mirrors.

    Source: Shepperd, "Quaternion from rotation matrix", Journal of Guidance and Control 1(3), 1978.

    >>> matrix_to_quaternion(torch.diag(torch.tensor([1.0, -1.0, -1.0])))
    tensor([0., 1., 0., 0.])
    """
    _check_rotation(matrix)
    (a, b, c), (d, e, f), (g, h, i) = (row.unbind(-1) for row in matrix.unbind(-2))
    # Row k is the quaternion times four times its k-th entry.
    candidates = torch.stack(
        [
            torch.stack((1.0 + a + e + i, h - f, c - g, d - b), -1),
            torch.stack((h - f, 1.0 + a - e - i, b + d, c + g), -1),
            torch.stack((c - g, b + d, 1.0 - a + e - i, f + h), -1),
            torch.stack((d - b, c + g, f + h, 1.0 - a - e + i), -1),
        ],
        -2,
    )
    best = candidates.diagonal(dim1=-2, dim2=-1).argmax(-1)[..., None, None].expand(*matrix.shape[:-2], 1, 4)
    chosen = candidates.gather(-2, best)[..., 0, :]
    quaternion = chosen / torch.linalg.vector_norm(chosen, dim=-1, keepdim=True)
    return torch.where(quaternion[..., :1] < 0.0, -quaternion, quaternion)


@in_single_precision
def rotation_6d_to_matrix(rotation_6d: Rotation6D) -> Matrix:
    r"""Rotation from two vectors: Gram and Schmidt's rows `x = unit(a)`, `y = unit(b - (x·b) x)`, `z = x × y`.

    Continuous and without a singular rotation, which is why networks learn it well. Where `a` or what remains of `b` is
    0 (to within rounding), a coordinate axis takes its place, and its gradient is 0.

    Args:
        rotation_6d: [..., 6], the vectors `a` and `b`; of any length.

    Returns:
        [..., 3, 3].

    Raises:
        TypeError, ValueError: no float tensor [..., 6].

    Source: Zhou et al., "On the continuity of rotation representations in neural networks", CVPR 2019, with rows in
    place of columns (as in PyTorch3D).

    >>> rotation_6d_to_matrix(torch.tensor([2.0, 0.0, 2.0, 5.0, 1.0, 5.0]))
    tensor([[ 0.7071,  0.0000,  0.7071],
            [ 0.0000,  1.0000,  0.0000],
            [-0.7071,  0.0000,  0.7071]])
    """
    _check.tensor("rotation_6d", rotation_6d, ("*", 6))
    first, second = rotation_6d.tensor_split(2, -1)
    axes = torch.eye(3, dtype=first.dtype, device=first.device)
    x = _unit(first, axes[0])
    second = _unit(second, axes[1])
    y = second - (x * second).sum(-1, keepdim=True) * x
    least = axes.index_select(0, x.detach().abs().argmin(-1).reshape(-1)).view(x.shape)
    spare = least - (x * least).sum(-1, keepdim=True) * x
    parallel = torch.linalg.vector_norm(y.detach(), dim=-1, keepdim=True) < 4.0 * torch.finfo(y.dtype).eps
    y = torch.where(parallel, spare, y)
    y = y / torch.linalg.vector_norm(y, dim=-1, keepdim=True)
    # Once more: where little of b remained, the rounding of the first step shows.
    y = y - (x * y).sum(-1, keepdim=True) * x
    y = y / torch.linalg.vector_norm(y, dim=-1, keepdim=True)
    return torch.stack((x, y, torch.linalg.cross(x, y)), -2)


@in_single_precision
def matrix_to_rotation_6d(matrix: Matrix) -> Rotation6D:
    """The first two rows of a rotation, of which `rotation_6d_to_matrix` makes it again.

    Args:
        matrix: [..., 3, 3], rotations.

    Returns:
        [..., 6].

    Raises:
        TypeError, ValueError: no float tensor [..., 3, 3], or no rotation (see `matrix_to_quaternion`).

    >>> matrix_to_rotation_6d(torch.eye(3))
    tensor([1., 0., 0., 0., 1., 0.])
    """
    _check_rotation(matrix)
    return matrix[..., :2, :].flatten(-2)


def _check_rotation(matrix: Tensor) -> None:
    """Where the values can be seen without waiting."""
    _check.tensor("matrix", matrix, ("*", 3, 3))
    if not at_hand(matrix):
        return
    fixed = matrix.detach()
    error = (fixed @ fixed.mT - torch.eye(3, dtype=fixed.dtype)).abs()
    if not bool((error <= 1e-3).all()):
        _check.fail("matrix", "rotations, orthogonal to 1e-3", "others among them")
    if not bool((torch.linalg.det(fixed) > 0.0).all()):
        _check.fail("matrix", "rotations, of determinant 1", "mirroring ones among them (determinant -1)")


def _axis_and_length(vector: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Axis and length [..., 1] of a vector, whether it is small, and its length's square.

    For small vectors the axis is the vector itself, the length means nothing, and the square is for a series; for
    others the axis has length 1, and the square is 0.
    """
    # Angles whose squares would overflow, far beyond those that floats tell from one another, are cut off.
    limit = torch.finfo(vector.dtype).max ** 0.5 / 2.0
    vector = vector * (limit / vector.detach().abs().amax(-1, keepdim=True).clamp_min(limit))
    squared = vector.square().sum(-1, keepdim=True)
    small = squared < SMALL
    length = torch.where(small, 1.0, squared).sqrt()
    return vector / length, length, small, torch.where(small, squared, 0.0)


def _series(squared: Tensor, first: int) -> Tensor:
    """`sin(t) / t` (`first` = 1) or `(1 - cos(t)) / t²` (`first` = 2) as a series in `t²`."""
    total = torch.zeros_like(squared)
    for term in reversed(range(7)):
        total = 1.0 / math.factorial(2 * term + first) - squared * total
    return total


def _asin_series(squared: Tensor) -> Tensor:
    """`asin(s) / s` as a series in `s²`."""
    total = torch.zeros_like(squared)
    for term in reversed(range(14)):
        total = squared * total + math.comb(2 * term, term) / float(4**term * (2 * term + 1))
    return total


def _unit(vector: Tensor, fallback: Tensor) -> Tensor:
    """A vector divided by its length; `fallback` for one too short to have a direction."""
    scaled = _scaled(vector, fallback)
    unit: Tensor = scaled / torch.linalg.vector_norm(scaled, dim=-1, keepdim=True)
    return unit


def _scaled(vector: Tensor, fallback: Tensor) -> Tensor:
    """A vector divided by its largest entry; `fallback` for one too short to have a direction."""
    largest = vector.detach().abs().amax(-1, keepdim=True)
    # The square root of the smallest float: shorter ones would have gradients that overflow.
    none = largest < torch.finfo(vector.dtype).tiny ** 0.5
    return torch.where(none, fallback, vector / torch.where(none, 1.0, largest))


def _cross_matrix(vector: Tensor) -> Tensor:
    """The matrix [..., 3, 3] of the cross product by a vector."""
    x, y, z = vector.unbind(-1)
    zero = torch.zeros_like(x)
    rows = ((zero, -z, y), (z, zero, -x), (-y, x, zero))
    return torch.stack([torch.stack(row, -1) for row in rows], -2)
