"""The 24 cameras of the published layout."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gendr import _check
from gendr.render import Camera
from gendr.tools.shapes.layout import VIEWS

DISTANCE = 2.732
"""From the eye to the object's centre, where the bounding box's diagonal is 1."""
ELEVATION = 30.0
"""Degrees above the horizon."""
HALF_ANGLE = 15.0
"""Degrees from the view axis to the image's border; half the angle of view."""
STEP = 15.0
"""Degrees from a view to the next."""


def cameras(view_indices: Sequence[int] | Tensor, dtype: torch.dtype = torch.float32) -> Camera:
    r"""The cameras that took views `v` of the published layout, `B` of them.

    In coordinates of the voxels, right-handed with y up, view `v` is seen from

        eye = d (-cos E sin 15v, sin E, cos E cos 15v),  d = 2.732, E = 30 degrees

    that is, view 0 looks against +z, where the fronts of this project's own shapes are, and the others follow
    clockwise seen from above. Half the angle of view is 15 degrees, and pictures are not mirrored.

    The published code sets the same views up as azimuth `-15 v` of its left-handed cameras, and turns the z axis of
    predicted voxels over before it compares them: there z points the other way. Here the cameras are right-handed, and
    meshes, pictures and voxels share one frame.

    Args:
        view_indices: `B` integers from 0 to 23.
        dtype: of the cameras.

    Raises:
        TypeError, ValueError: not integers, none, or out of range.

    Source: Kato, Ushiku, Harada, "Neural 3D Mesh Renderer" (CVPR 2018), its data; Liu et al., "Soft Rasterizer"
    (ICCV 2019), its cameras and evaluation.

    >>> [[round(x, 3) for x in eye] for eye in cameras([3, 9]).eye.tolist()]
    [[-1.673, 1.366, 1.673], [-1.673, 1.366, -1.673]]
    """
    views = torch.as_tensor(view_indices)
    if views.ndim != 1 or not len(views) or views.dtype.is_floating_point or views.dtype == torch.bool:
        _check.fail("view_indices", f"one or more integers in [0, {VIEWS - 1}]", view_indices)
    if bool(((views < 0) | (views >= VIEWS)).any()):
        _check.fail("view_indices", f"integers in [0, {VIEWS - 1}]", f"{views.min().item()} to {views.max().item()}")
    azimuth = 180.0 + STEP * views.to(dtype)
    return Camera.look_at(DISTANCE, ELEVATION, azimuth, half_angle=HALF_ANGLE).mirrored()
