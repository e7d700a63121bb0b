"""Which lines of a lattice, parallel to an axis, pass the bounding boxes of triangles: what a voxelisation looks at."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

AXES = ((1, 2, 0), (2, 0, 1), (0, 1, 2))
"""Across, across, along: for lines along x, y and z, each triple right-handed."""
_AT_ONCE = 1 << 18  # pairs of a line and a triangle in one step: what fits into a processor's cache serves best


def lines_at(triangles: Floats, along: int, size: int) -> Iterator[tuple[Ints, Floats, Floats]]:
    """Pairs of a triangle and a line that passes through its bounding box, in portions.

    Args:
        triangles: `[T, 3, 3]`, in units of the lattice.
        along: the axis that the lines are parallel to; 0, 1 or 2.
        size: lines lie at the integers from 0 to `size - 1` on both other axes.

    Yields:
        The triangle of each pair `[P]`, and where its line lies on the two axes `AXES[along][:2]`, `[P]` each.

    >>> corner = np.array([[[0.5, 0.5, 0.0], [2.5, 0.5, 0.0], [0.5, 1.5, 0.0]]])
    >>> [(face.tolist(), u.tolist(), v.tolist()) for face, u, v in lines_at(corner, 2, 4)]
    [([0, 0], [1.0, 2.0], [1.0, 1.0])]
    """
    flat = triangles[:, :, list(AXES[along][:2])]
    low = np.maximum(np.ceil(flat.min(1)), 0).astype(np.int64)
    high = np.minimum(np.floor(flat.max(1)), size - 1).astype(np.int64)
    extent = np.maximum(high - low + 1, 0)
    counts = extent[:, 0] * extent[:, 1]
    kept = counts.nonzero()[0]
    ends = np.cumsum(counts[kept])
    first = 0
    while first < len(kept):
        before = ends[first - 1] if first else 0
        last = max(int(np.searchsorted(ends, before + _AT_ONCE, "right")), first + 1)
        chosen = kept[first:last]
        face = np.repeat(chosen, counts[chosen])
        place = np.arange(len(face)) - np.repeat(ends[first:last] - counts[chosen] - before, counts[chosen])
        width = extent[face, 0]
        x, y = low[face, 0] + place % width, low[face, 1] + place // width
        yield face, x.astype(np.float64), y.astype(np.float64)
        first = last
