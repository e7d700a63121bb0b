"""Poses of one mesh in a call: four numbers each to the faces in their images, and the gradient back."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gendr.render import Mesh
from gendr.render.camera import MIN_DEPTH
from gendr.tools.bench.pose_problems import PoseProblems

Numbers = NDArray[np.float64]


class PoseView:
    r"""`P` poses of a mesh, as `PoseProblems.camera` has them, with a gradient by hand.

    `(X, Y, Z) = R(E, A) p + (0, 0, d)` for points `p` in the goal's axes, and NDC `(x, y) = s (X, Y) / Z`, with
    `s = 1 / tan h`. With `g` the loss's gradient at a corner's `(x, y)`: `dL/ds = sum g.(x, y) / s`,
    `dL/d(X, Y) = s g / Z`, `dL/dZ = -g.(x, y) / Z`, `dL/dR = sum dL/d(X, Y, Z) p^T`, `dL/dd = sum dL/dZ`.

    Only operations that treat each pose by itself are used, and none whose rounding depends on where in memory a number
    stands (sines, fused multiplications), so that a pose's numbers have the same bits in every batch.

    Args:
        mesh: float32.
        problems: `P` of them.

    >>> from gendr.tools.bench.meshes import load_mesh
    >>> from gendr.tools.bench.pose_problems import problems
    >>> these = problems(0, 2)
    >>> PoseView(load_mesh("chair"), these).faces(these.start_parameters.numpy()).shape
    torch.Size([2, 1552, 3, 3])
    """

    def __init__(self, mesh: Mesh, problems: PoseProblems) -> None:
        self._corners = mesh.faces.flatten()
        points = problems.goal.rotation @ mesh.vertices.double().T
        self._points = points.float()
        self._corner_points = self._points.index_select(2, self._corners)

    def faces(self, poses: Numbers) -> Tensor:
        """Faces [P, F, 3, 3] in NDC and depth, float32, of poses [P, 4]; constants to torch."""
        distance, elevation, azimuth, half_angle = poses.T
        rotation, _, _ = rotations(elevation, azimuth)
        camera = torch.bmm(_single(rotation), self._points)
        depth = camera[:, 2] + _single(distance)[:, None]
        factor = _single(_zoom(half_angle))[:, None] / depth.clamp_min(MIN_DEPTH)
        image = torch.stack((camera[:, 0] * factor, camera[:, 1] * factor, depth), -1)
        return image.index_select(1, self._corners).view(len(poses), -1, 3, 3)

    def gradient(self, poses: Numbers, faces: Tensor, grad_faces: Tensor) -> Numbers:
        """The loss's gradient [P, 4] from that with respect to `faces`, those of `poses`."""
        _, elevation, azimuth, half_angle = poses.T
        x, y, depth = faces.view(len(poses), -1, 3).unbind(-1)
        to_x, to_y, _ = grad_faces.view(len(poses), -1, 3).unbind(-1)
        zoom, depth = _zoom(half_angle), depth.clamp_min(MIN_DEPTH)
        outward = to_x * x + to_y * y
        factor = _single(zoom)[:, None] / depth
        of_camera = torch.stack((to_x * factor, to_y * factor, -outward / depth), 1)
        # Sums of products instead of a matrix product, whose order of summation depends on the number of poses.
        products = [(of_camera[:, i : i + 1] * self._corner_points).sum(-1) for i in range(3)]
        to_rotation = torch.stack(products, 1).double().numpy()
        _, by_elevation, by_azimuth = rotations(elevation, azimuth)
        degree = np.pi / 180.0
        of_zoom = outward.sum(-1).double().numpy() / zoom
        return np.stack(
            (
                of_camera[:, 2].sum(-1).double().numpy(),
                (to_rotation * by_elevation).sum((1, 2)) * degree,
                (to_rotation * by_azimuth).sum((1, 2)) * degree,
                -of_zoom / np.sin(half_angle * degree) ** 2 * degree,
            ),
            1,
        )


def rotations(elevation: Numbers, azimuth: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """`Camera.look_at`'s rotations [P, 3, 3] for angles in degrees, and their derivatives by elevation and azimuth.

    The derivatives are by radians. Beyond 90 degrees of elevation the picture is turned upright, as there.

    >>> rotations(np.zeros(1), np.zeros(1))[0].tolist()
    [[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]]
    """
    e, a = np.radians(elevation), np.radians(azimuth)
    se, ce, sa, ca = np.sin(e), np.cos(e), np.sin(a), np.cos(a)
    upright, zero = np.where(ce < 0.0, -1.0, 1.0), np.zeros_like(e)
    flip = np.stack((upright, upright, np.ones_like(e)), 1)[:, :, None]
    value = _rows((ca, zero, sa), (-se * sa, ce, se * ca), (-ce * sa, -se, ce * ca)) * flip
    by_elevation = _rows((zero, zero, zero), (-ce * sa, -se, ce * ca), (se * sa, -ce, -se * ca)) * flip
    by_azimuth = _rows((-sa, zero, ca), (-se * ca, zero, -se * sa), (-ce * ca, zero, -ce * sa)) * flip
    return value + 0.0, by_elevation, by_azimuth


def _rows(*rows: tuple[Numbers, Numbers, Numbers]) -> Numbers:
    return np.stack([np.stack(row, -1) for row in rows], -2)


def _zoom(half_angle: Numbers) -> Numbers:
    return 1.0 / np.tan(np.radians(half_angle))


def _single(numbers: Numbers) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(numbers, dtype=np.float32))
