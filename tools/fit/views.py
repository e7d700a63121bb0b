"""From where shapes are seen, and how they look from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from gendr import _check
from gendr.distributions import Heaviside
from gendr.render import Camera, Mesh, Renderer
from gendr.tnorms import Maximum

DISTANCE = 2.732
HALF_ANGLE = 15.0


def ring(views: int = 24, elevation: float = 30.0, turned: float = 0.0) -> Camera:
    """Cameras at equal angles about the vertical axis, as in the published protocol: distance 2.732, half angle 15.

    Args:
        views: how many, at least 1.
        elevation: of all of them, in degrees within [-90, 90].
        turned: azimuth of the first, in parts of the angle between two of them.

    >>> ring(4, elevation=0.0).eye[1]  # azimuth 90
    tensor([ 2.7320e+00,  0.0000e+00, -1.6729e-16], dtype=torch.float64)
    """
    if isinstance(views, bool) or not isinstance(views, int):
        raise TypeError(f"views: expected a whole number, got {_check.describe(views)}")
    _check.number("views", views, 1, 10_000)
    _check.number("elevation", elevation, -90.0, 90.0)
    azimuth = (torch.arange(views, dtype=torch.float64) + turned) * (360.0 / views)
    return Camera.look_at(DISTANCE, elevation, azimuth, half_angle=HALF_ANGLE)


def close_up(camera: Camera, meshes: Sequence[Mesh], share: float = 0.94) -> Camera:
    """The same views through a longer lens: as long as all the meshes stay in all the pictures, with a margin.

    >>> far = ring(1)
    >>> bool(close_up(far, [Mesh.icosphere(2, radius=0.1)]).scale > far.scale)
    True
    """
    reach = max(float(camera.project(mesh.vertices.double())[..., :2].abs().max()) for mesh in meshes)
    zoom = max(1.0, share / max(reach, 1e-3))
    center = None if camera.center is None else camera.center * zoom
    return replace(camera, scale=camera.scale * zoom, center=center)


def silhouettes(mesh: Mesh, camera: Camera, image_size: int | tuple[int, int]) -> Tensor:
    """Sharp silhouettes [B, H, W], 0 or 1: Heaviside and Maximum.

    >>> silhouettes(Mesh.icosphere(2, radius=0.3), ring(2), 16).unique()
    tensor([0., 1.])
    """
    with torch.no_grad():
        return Renderer(image_size, Heaviside(), 1.0, Maximum())(mesh, camera).alpha
