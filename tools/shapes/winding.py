"""Winding numbers of voxel centres, from what the surface's crossings with six rays add up to."""

from __future__ import annotations

import numpy as np

from gendr.tools.shapes.lattice import AXES, Floats, Ints, lines_at


def winding_numbers(triangles: Floats, owner: Ints, batch: int, size: int) -> Floats:
    r"""How often meshes wind around the points of a lattice, `[B, size, size, size]`.

    A ray from a point crosses the surface from inside to outside (+1) or back (-1); the sum is the winding number for
    every ray where the surface is closed: 1 inside, 2 where parts overlap, 0 outside, -1 inside a surface turned inside
    out. Where it is open, rays differ, and the mean over the six along the axes stands for the share of directions in
    which there is surface, the solid angle of the generalised winding number (Jacobson, Kavan, Sorkine-Hornung, "Robust
    inside-outside segmentation using generalized winding numbers", SIGGRAPH 2013).

    A ray that meets an edge or a vertex counts it for exactly one of the faces around it (sides of an edge are computed
    from the same numbers for both of its faces, and ties go one way), so that closed surfaces give integers, exactly.

    Args:
        triangles: `[T, 3, 3]`, points of the lattice lie at the integers.
        owner: int64 `[T]`, the mesh of each triangle.
        batch: how many meshes.
        size: points a side.

    >>> corners = np.array([[-9.0, -9, -9], [36, -9, -9], [-9, 36, -9], [-9, -9, 36]])
    >>> tetrahedron = corners[np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])]
    >>> winding_numbers(tetrahedron, np.zeros(4, np.int64), 1, 1).item()
    1.0
    """
    total = np.zeros((batch, size, size, size))
    for along in range(3):
        total += _along(triangles, owner, batch, size, along)
    return total / 3.0


def _along(triangles: Floats, owner: Ints, batch: int, size: int, along: int) -> Floats:
    """The mean of the winding numbers by the two rays along one axis."""
    across, up, depth = AXES[along]
    crossings = np.zeros(batch * size * size * (size + 1))
    for face, u, v in lines_at(triangles, along, size):
        corners = triangles[face]
        sign = _sides(corners[:, :, across], corners[:, :, up], u, v)
        met = sign.nonzero()[0]
        depths = _depth(corners[met][:, :, [across, up, depth]], u[met], v[met])
        above = np.clip(np.ceil(depths), 0, size).astype(np.int64)  # how many points of the line lie before it
        line = (owner[face[met]] * size + u[met].astype(np.int64)) * size + v[met].astype(np.int64)
        crossings += np.bincount(line * (size + 1) + above, sign[met], len(crossings))
    beyond = crossings.reshape(batch, size, size, size + 1)[..., ::-1].cumsum(-1)[..., ::-1]
    behind = beyond[..., :1] - beyond[..., 1:]
    # Lines are indexed by the axes across; turned into the order x, y, z.
    return np.moveaxis((beyond[..., 1:] - behind) / 2, (1, 2, 3), (across + 1, up + 1, depth + 1))


def _sides(x: Floats, y: Floats, u: Floats, v: Floats) -> Floats:
    """+1 where the point (u, v) is in the counter-clockwise triangle of corners (x, y) `[P, 3]`, -1 in a clockwise one.

    The sum over the edges that cross the point's horizontal to its right: upward ones 1, downward ones -1.
    """
    sign = np.zeros(len(u))
    below = y <= v[:, None]
    for a, b in ((0, 1), (1, 2), (2, 0)):
        crossing = below[:, a] != below[:, b]
        upward = below[:, a]
        # From the lower to the upper end, whichever the face's winding: the same numbers for both faces of the edge.
        low_x, low_y = np.where(upward, x[:, a], x[:, b]), np.where(upward, y[:, a], y[:, b])
        high_x, high_y = np.where(upward, x[:, b], x[:, a]), np.where(upward, y[:, b], y[:, a])
        rise = np.where(crossing, high_y - low_y, 1.0)
        at = low_x + (high_x - low_x) * ((v - low_y) / rise)
        sign += np.where(crossing & (at > u), np.where(upward, 1.0, -1.0), 0.0)
    return sign


def _depth(corners: Floats, u: Floats, v: Floats) -> Floats:
    """Where lines (u, v) meet the planes of triangles `[P, 3, 3]`, held to the triangle's own range."""
    origin = corners[:, 0]
    normal = np.cross(corners[:, 1] - origin, corners[:, 2] - origin)
    slope = normal[:, 0] * (u - origin[:, 0]) + normal[:, 1] * (v - origin[:, 1])
    depth = origin[:, 2] - slope / np.where(normal[:, 2] == 0, 1.0, normal[:, 2])
    return np.clip(depth, corners[:, :, 2].min(1), corners[:, :, 2].max(1))
