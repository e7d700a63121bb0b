"""Polygons to triangles: convex ones as fans, the others by cutting off ears, so that a notch stays a notch.

Source: G. H. Meisters, "Polygons have ears", American Mathematical Monthly 82 (1975).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gendr.render.formats.error import MeshError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Cutting ears is cubic in the worst case: above this many corners a hostile file could keep a reader busy for minutes.
MAX_CONCAVE_CORNERS = 1000


def triangulate(vertices: Floats, counts: Ints, corners: Ints) -> Ints:
    """Triangles `[F, 3]` of polygons, in the polygons' order and winding; `n` corners give `n - 2` triangles.

    A polygon that crosses itself, or whose corners all lie on one line, has no right answer and becomes a fan.

    Args:
        vertices: `[V, 3]`.
        counts: corners of each polygon, 3 or more.
        corners: the polygons' vertex indices, one polygon after the other.

    Raises:
        MeshError: a polygon of more than 1,000 corners is not convex.

    Example:
        >>> notched = np.array([[0.0, 0, 0], [2, 0, 0], [2, 2, 0], [1, 0.5, 0], [0, 2, 0]])
        >>> triangulate(notched, np.array([5]), np.arange(5)).tolist()
        [[1, 2, 3], [0, 1, 3], [0, 3, 4]]
    """
    return np.asarray(corners[triangle_corners(vertices, counts, corners)])


def triangle_corners(vertices: Floats, counts: Ints, corners: Ints) -> Ints:
    """The same, but the triangles `[F, 3]` are of places in `corners`, so that what else a corner has can follow.

    Example:
        >>> triangle_corners(np.eye(3), np.array([3]), np.array([2, 1, 0])).tolist()
        [[0, 1, 2]]
    """
    if (counts == 3).all():
        return np.arange(len(corners)).reshape(-1, 3)
    starts = np.cumsum(counts) - counts
    triangles = []
    for start, count in zip(starts.tolist(), counts.tolist(), strict=True):
        if count == 3:
            triangles.append(np.array([[start, start + 1, start + 2]]))
        else:
            triangles.append(start + _local_triangles(vertices[corners[start : start + count]]))
    return np.ascontiguousarray(np.concatenate(triangles))


def _local_triangles(points: Floats) -> Ints:
    """Triangles of one polygon, as indices into its corners."""
    flat, smallest = _project(points)
    turns = _cross(np.roll(flat, 1, axis=0), flat, np.roll(flat, -1, axis=0))
    if (turns > smallest).all():
        return _fan(list(range(len(points))))
    if len(points) > MAX_CONCAVE_CORNERS:
        raise MeshError(f"a polygon of {len(points)} corners is not convex (limit {MAX_CONCAVE_CORNERS})")
    return _cut_ears(flat, smallest)


def _project(points: Floats) -> tuple[Floats, float]:
    """Plane coordinates in which the polygon runs counter-clockwise, and the smallest area that is not rounding."""
    points = points - points[0]
    extent = float(np.abs(points).max())
    points = points / extent if extent > 0 else points
    normal = np.cross(points, np.roll(points, -1, axis=0)).sum(axis=0)
    axis = int(np.abs(normal).argmax())
    flat = points[:, [(axis + 1) % 3, (axis + 2) % 3]]
    return (flat if normal[axis] >= 0 else flat[:, ::-1]), 1e-12


def _cross(a: Floats, b: Floats, c: Floats) -> Floats:
    """Twice the signed area of the triangle `a b c`, positive when it runs counter-clockwise."""
    ab, ac = b - a, c - a
    return np.asarray(ab[..., 0] * ac[..., 1] - ab[..., 1] * ac[..., 0])


def _cut_ears(flat: Floats, smallest: float) -> Ints:
    left = list(range(len(flat)))
    triangles: list[Ints] = []
    while len(left) > 3:
        ear = next((k for k in range(len(left)) if _is_ear(flat, left, k, smallest)), None)
        if ear is None:  # the polygon crosses itself, or what is left of it is a line
            break
        triangles.append(np.array([[left[ear - 1], left[ear], left[(ear + 1) % len(left)]]]))
        del left[ear]
    return np.concatenate([*triangles, _fan(left)])


def _is_ear(flat: Floats, left: list[int], k: int, smallest: float) -> bool:
    """Whether the corner `left[k]` can be cut off: it turns left, and no other corner lies in its triangle."""
    a, b, c = flat[left[k - 1]], flat[left[k]], flat[left[(k + 1) % len(left)]]
    if _cross(a, b, c) <= smallest:
        return False
    others = flat[left]
    inside = (_cross(a, b, others) >= 0) & (_cross(b, c, others) >= 0) & (_cross(c, a, others) >= 0)
    # A corner at the same place as one of the triangle's own is no obstacle: bridges to holes run along an edge twice.
    own = (others == a).all(1) | (others == b).all(1) | (others == c).all(1)
    return not bool((inside & ~own).any())


def _fan(polygon: list[int]) -> Ints:
    return np.array([[polygon[0], polygon[k], polygon[k + 1]] for k in range(1, len(polygon) - 1)], dtype=np.int64)
