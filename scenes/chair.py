"""A plain chair of the project's own design: a seat, four splayed legs and a back pulled out of it."""

from __future__ import annotations

import numpy as np

from gendr.render.mesh import Mesh
from gendr.scenes.modelling import Cage, Grid, Points, in_view, quads

# Lines of the seat's grid, across and from back to front; the outer strips carry the legs and the back.
_ACROSS = (-0.235, -0.175, -0.06, 0.06, 0.175, 0.235)
_ALONG = (-0.22, -0.165, -0.055, 0.055, 0.165, 0.22)
_SEAT, _THICKNESS = 0.0, 0.05

# Sections of a leg from the seat down: height, share of the strip's width, how far it has moved outwards.
_LEG = ((-0.06, 0.9, 0.0), (-0.25, 0.75, 0.02), (-0.44, 0.6, 0.04), (-0.46, 0.58, 0.042))

# Sections of the back from the seat up: height, how far it leans back, share of the seat's width, thickness.
_BACK = (
    (0.08, 0.004, 0.96, 0.045),
    (0.20, 0.022, 0.94, 0.038),
    (0.34, 0.050, 0.96, 0.034),
    (0.48, 0.085, 0.92, 0.030),
    (0.50, 0.090, 0.88, 0.026),
)


def chair() -> Mesh:
    """A chair: one closed surface of genus 0, 1,552 triangles, drawn for this project.

    Its front is towards +z, its back leans towards -z, y is up; the bounding box is centred at the origin and the
    farthest vertex is at distance 0.5. Licence: MIT.

    Example:
        >>> mesh = chair()
        >>> mesh, mesh.to_trimesh().is_watertight
        (Mesh(vertices=float32 [778, 3], faces=[1552, 3]), True)
    """
    lower, upper, cage = _seat()
    for row in (0, len(_ACROSS) - 2):
        for column in (0, len(_ALONG) - 2):
            leg = lower[row : row + 2, column : column + 2]
            for height, share, outwards in _LEG:
                leg = cage.pull(leg, _leg(row, column, height, share, outwards))
    back = upper[:2]
    for height, lean, width, thickness in _BACK:
        back = cage.pull(back, _back(height, lean, width, thickness))
    return in_view(cage.smooth().triangles())


def _seat() -> tuple[Grid, Grid, Cage]:
    """A slab; the vertex numbers of its underside, rows across, and of its top, rows from back to front."""
    z, x = np.meshgrid(_ALONG, _ACROSS, indexing="ij")
    flat = np.stack([x, np.full_like(x, _SEAT - _THICKNESS), z], axis=-1)
    sheet = np.arange(x.size).reshape(x.shape)
    # A sheet with an upper and a lower side on the same vertices; pulling its upper side up makes it a slab.
    cage = Cage(flat.reshape(-1, 3).tolist(), quads(sheet) + quads(sheet.T))
    return sheet.T, cage.pull(sheet, flat + np.array([0.0, _THICKNESS, 0.0])), cage


def _leg(row: int, column: int, height: float, share: float, outwards: float) -> Points:
    """Positions [2, 2, 3] of a leg's section, rows across."""
    x, z = _strip(_ACROSS, row, share, outwards), _strip(_ALONG, column, share, outwards)
    return np.array([[[a, height - _THICKNESS, b] for b in z] for a in x])


def _strip(lines: tuple[float, ...], index: int, share: float, outwards: float) -> list[float]:
    """Both sides of an outer strip, drawn together about its middle and moved outwards."""
    low, high = lines[index], lines[index + 1]
    middle = (low + high) / 2.0
    return [middle + share * (side - middle) + np.copysign(outwards, middle) for side in (low, high)]


def _back(height: float, lean: float, width: float, thickness: float) -> Points:
    """Positions [2, 6, 3] of the back's section, rows from back to front."""
    behind = _ALONG[0] - lean
    return np.array([[[width * x, _SEAT + height, z] for x in _ACROSS] for z in (behind, behind + thickness)])
