"""The Utah teapot from its Bezier patches, closed.

The control points are Martin Newell's (1975), in the form in which they are usually published: rim, body, bottom, lid,
handle and spout as bicubic patches, of which symmetry needs one quarter or one half. Rows of a surface of revolution
are kept here as radius and height, rows of handle and spout as the two points in the plane of symmetry and the half
width. In the data z is up and the spout points along +x.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from gendr import _check
from gendr.render.mesh import Mesh
from gendr.scenes.modelling import Points, in_view

# Profile from the lid's knob to the middle of the bottom: radius r, height, and the inner control points' offset k, so
# that a row's quarter has the control points (r, 0) (r, -k) (k, -r) (0, -r). Each patch shares a row with the next.
_LID = [
    (0.0, 3.15, 0.0),
    (0.8, 3.15, 0.45),
    (0.0, 2.85, 0.0),
    (0.2, 2.7, 0.112),
    (0.4, 2.55, 0.224),
    (1.3, 2.55, 0.728),
    (1.3, 2.4, 0.728),
]
_POT = [
    (1.4, 2.4, 0.784),
    (1.3375, 2.53125, 0.749),
    (1.4375, 2.53125, 0.805),
    (1.5, 2.4, 0.84),
    (1.75, 1.875, 0.98),
    (2.0, 1.35, 1.12),
    (2.0, 0.9, 1.12),
    (2.0, 0.45, 1.12),
    (1.5, 0.225, 0.84),
    (1.5, 0.15, 0.84),
    (1.5, 0.075, 0.84),
    (1.425, 0.0, 0.798),
    (0.0, 0.0, 0.0),
]
# Half a tube: x and z of the two points in the plane of symmetry, and the half width between them.
_HANDLE = [
    (-1.6, 2.025, -1.5, 2.25, 0.3),
    (-2.3, 2.025, -2.5, 2.25, 0.3),
    (-2.7, 2.025, -3.0, 2.25, 0.3),
    (-2.7, 1.8, -3.0, 1.8, 0.3),
    (-2.7, 1.575, -3.0, 1.35, 0.3),
    (-2.5, 1.125, -2.65, 0.9375, 0.3),
    (-2.0, 0.9, -1.9, 0.6, 0.3),
]
_SPOUT = [
    (1.7, 1.425, 1.7, 0.6, 0.66),
    (2.6, 1.425, 3.1, 0.825, 0.66),
    (2.3, 2.1, 2.4, 2.025, 0.25),
    (2.7, 2.4, 3.3, 2.4, 0.25),
    (2.8, 2.475, 3.525, 2.49375, 0.25),
    (2.9, 2.475, 3.45, 2.5125, 0.15),
    (2.8, 2.4, 3.2, 2.4, 0.15),
]

Triangles = NDArray[np.int64]


def teapot(resolution: int = 6) -> Mesh:
    """The Utah teapot: three closed surfaces, watertight each: pot with lid, handle, and spout.

    The published patches leave gaps, which are closed here: a flat ring joins the lid to the rim, and discs close the
    spout's mouth and the ends of spout and handle, which reach into the pot. So the parts overlap, as in the original,
    but none of them crosses itself. Spout towards +x, handle towards -x, y up; the bounding box is centred at the
    origin and the farthest vertex is at distance 0.5. Licence: MIT.

    Args:
        resolution: segments along each side of a patch, `n`, from 2 to 64. The mesh has `64 n**2 + 8 n` triangles:
            2,352 for the default.

    Raises:
        ValueError: `resolution` is no integer in its range.

    Example:
        >>> mesh = teapot()
        >>> mesh, mesh.to_trimesh().is_watertight
        (Mesh(vertices=float32 [1182, 3], faces=[2352, 3]), True)
    """
    if isinstance(resolution, bool) or not isinstance(resolution, int) or not 2 <= resolution <= 64:
        _check.fail("resolution", "an integer in [2, 64]", resolution)
    parts = [_revolved(resolution), _tube(_HANDLE, resolution), _tube(_SPOUT, resolution)]
    starts = np.cumsum([0] + [len(points) for points, _ in parts])
    points = np.concatenate([points for points, _ in parts])[:, [0, 2, 1]] * [1, 1, -1]  # z up becomes y up
    faces = np.concatenate([faces + start for (_, faces), start in zip(parts, starts, strict=False)])
    return in_view(Mesh(torch.from_numpy(points).float(), torch.from_numpy(faces)))


def _revolved(n: int) -> tuple[Points, Triangles]:
    """Pot and lid: rings of `4 n` points between two poles."""
    rows = np.concatenate([_rows(np.array(part), n) for part in (_LID, _POT)])
    radius, height, inner = rows[1:-1].T  # without the poles
    quarter = np.array([[radius, 0 * radius], [radius, -inner], [inner, -radius], [0 * radius, -radius]])
    x, y = np.einsum("uk,kcr->cru", _basis(n)[:-1], quarter)
    ring = np.concatenate([[x, y], [y, -x], [-x, -y], [-y, x]], axis=2)  # quarter turns, each without its end point
    rings = np.stack([*ring, np.broadcast_to(height[:, None], ring[0].shape)], axis=-1)
    return _closed(rings, np.array([0, 0, rows[0, 1]]), np.array([0, 0, rows[-1, 1]]))


def _tube(control: list[tuple[float, float, float, float, float]], n: int) -> tuple[Points, Triangles]:
    """Handle or spout: rings of `2 n` points, with a disc at either end."""
    x0, z0, x1, z1, width = _rows(np.array(control), n).T
    nothing = 0 * width
    half = np.array([[x0, nothing, z0], [x0, -width, z0], [x1, -width, z1], [x1, nothing, z1]])
    one = np.einsum("uk,kcr->ruc", _basis(n), half)
    other = one[:, -2:0:-1] * [1, -1, 1]
    rings = np.concatenate([one, other], axis=1)
    return _closed(rings, rings[0].mean(axis=0), rings[-1].mean(axis=0))


def _rows(control: Points, n: int) -> Points:
    """Points of a chain of cubic Bezier curves, `n` segments each, with both ends. Curves share their end points."""
    pieces = [_basis(n)[:-1] @ control[k : k + 4] for k in range(0, len(control) - 1, 3)]
    return np.concatenate([*pieces, control[-1:]])


def _basis(n: int) -> Points:
    """Bernstein polynomials of degree 3 at `n + 1` places, `[n + 1, 4]`."""
    t = np.linspace(0, 1, n + 1)
    return np.stack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3], axis=1)


def _closed(rings: Points, first: Points, last: Points) -> tuple[Points, Triangles]:
    """Rings `[R, N, 3]` joined by triangles, and a fan from either pole, from where the first ring runs clockwise."""
    number = np.arange(rings.shape[0] * rings.shape[1]).reshape(rings.shape[:2])
    after = np.roll(number, -1, axis=1)
    a, b, c, d = number[:-1], after[:-1], after[1:], number[1:]
    start, end = number.size, number.size + 1
    faces = [np.stack(t, axis=-1).reshape(-1, 3) for t in ((a, b, c), (a, c, d))]
    faces.append(np.stack([np.full_like(number[0], start), after[0], number[0]], axis=-1))
    faces.append(np.stack([np.full_like(number[0], end), number[-1], after[-1]], axis=-1))
    return np.concatenate([rings.reshape(-1, 3), [first, last]]), np.concatenate(faces)
