"""A low-polygon airliner of the project's own design: a tube of rings, wings and tail pulled out of its sides."""

from __future__ import annotations

import numpy as np

from gendr.render.mesh import Mesh
from gendr.scenes.modelling import Cage, Grid, Points, in_view, quads

# Rings of the fuselage from nose to tail: z, radius, height of the centre. The nose looks towards +z, y is up.
_RINGS = [
    (0.487, 0.020, -0.010),
    (0.455, 0.044, -0.006),
    (0.400, 0.062, -0.002),
    (0.310, 0.070, 0.000),
    (0.190, 0.071, 0.000),  # 4: the wings begin
    (0.110, 0.071, 0.000),
    (0.030, 0.071, 0.000),
    (-0.050, 0.071, 0.000),
    (-0.110, 0.071, 0.000),  # 8: the wings end
    (-0.190, 0.068, 0.003),
    (-0.270, 0.058, 0.011),  # 10: the fin begins
    (-0.340, 0.047, 0.020),  # 11: the tailplanes begin
    (-0.390, 0.038, 0.027),
    (-0.440, 0.029, 0.034),
    (-0.475, 0.022, 0.039),  # 14: fin and tailplanes end
    (-0.500, 0.012, 0.043),
]
_NOSE, _TAIL = (0.0, -0.012, 0.497), (0.0, 0.045, -0.506)

# A ring has eight vertices, at 22.5, 67.5, ... degrees, so that faces look exactly upwards, sideways and in between.
_SIDES = 8
_TOP, _RIGHT, _LEFT, _LOW_RIGHT, _LOW_LEFT = 1, 7, 3, 6, 4

# Sections from root to tip: distance from the plane of symmetry (for the fin: height), height (for the fin: nothing),
# z of the leading and of the trailing edge, thickness.
_WING = [
    (0.090, -0.036, 0.165, -0.118, 0.034),
    (0.140, -0.032, 0.110, -0.124, 0.027),
    (0.240, -0.020, 0.026, -0.136, 0.018),
    (0.400, 0.004, -0.090, -0.172, 0.010),
    (0.470, 0.015, -0.140, -0.190, 0.006),
]
_TAILPLANE = [
    (0.062, 0.036, -0.350, -0.472, 0.016),
    (0.120, 0.044, -0.410, -0.490, 0.010),
    (0.190, 0.054, -0.474, -0.512, 0.006),
]
_FIN = [
    (0.085, 0.0, -0.318, -0.478, 0.018),
    (0.130, 0.0, -0.370, -0.494, 0.013),
    (0.220, 0.0, -0.462, -0.526, 0.007),
]

# Sections of an engine from the wing down: height, z of the middle, half length, half width.
_ENGINE = [
    (-0.040, 0.058, 0.022, 0.007),
    (-0.050, 0.072, 0.060, 0.018),
    (-0.068, 0.076, 0.068, 0.029),
    (-0.086, 0.072, 0.060, 0.018),
]
_ENGINE_X = 0.182

_THICKNESS = [0.45, 1.0, 0.9, 0.6, 0.2]  # along the chord, at as many places as the patch has rows


def airplane() -> Mesh:
    """An airliner: one closed surface of genus 0, 2,736 triangles, drawn for this project.

    Nose towards +z, wings along x, y up; the bounding box is centred at the origin and the farthest vertex is at
    distance 0.5, which the standard camera (distance 2.732, half angle 15 degrees) sees whole. Licence: MIT.

    Example:
        >>> mesh = airplane()
        >>> mesh.to_trimesh().is_watertight, mesh.to_trimesh().euler_number
        (True, 2)
    """
    cage, tube = _fuselage()
    for side, wing, tail in ((1, _LOW_RIGHT, _RIGHT), (-1, _LOW_LEFT, _LEFT)):
        inner, outer = _pull_out(cage, _patch(tube, 4, 8, wing), [_section(s, 5, side) for s in _WING])[1:3]
        _pull_out(cage, _lower_side(inner, outer, side), [_level(s, side) for s in _ENGINE])
        _pull_out(cage, _patch(tube, 11, 14, tail), [_section(s, 4, side) for s in _TAILPLANE])
    _pull_out(cage, _patch(tube, 10, 14, _TOP), [_upright(_section(s, 5, 1)) for s in _FIN])
    return in_view(cage.smooth().triangles())


def _fuselage() -> tuple[Cage, Grid]:
    angles = np.radians(22.5 + 45 * np.arange(_SIDES))
    points = [(r * np.cos(a), y + r * np.sin(a), z) for z, r, y in _RINGS for a in angles]
    tube = np.arange(len(points)).reshape(len(_RINGS), _SIDES)
    around = np.concatenate([tube, tube[:, :1]], axis=1)
    nose, tail = len(points), len(points) + 1
    ends: list[tuple[int, ...]] = [(nose, int(around[0, k]), int(around[0, k + 1])) for k in range(_SIDES)]
    ends += [(tail, int(around[-1, k + 1]), int(around[-1, k])) for k in range(_SIDES)]
    return Cage([*points, _NOSE, _TAIL], quads(around) + ends), around


def _patch(tube: Grid, first: int, last: int, side: int) -> Grid:
    """The faces of one side between two rings."""
    return tube[first : last + 1, side : side + 2]


def _pull_out(cage: Cage, patch: Grid, sections: list[Points]) -> list[Grid]:
    """Pull a patch from section to section; returns the vertex numbers of each."""
    return [patch := cage.pull(patch, section) for section in sections]


def _lower_side(inner: Grid, outer: Grid, side: int) -> Grid:
    """The foremost face under the wing between two of its sections, as a patch of its own."""
    column = [inner[:2, 0], outer[:2, 0]] if side > 0 else [inner[1::-1, 1], outer[1::-1, 1]]
    return np.stack(column, axis=1)


def _level(section: tuple[float, float, float, float], side: int) -> Points:
    """Positions `[2, 2, 3]` of an engine's level section, in the order of `_lower_side`."""
    y, z, length, width = section
    rows = [z + side * length, z - side * length]
    columns = [side * (_ENGINE_X - width), side * (_ENGINE_X + width)]
    return np.array([[[x, y, z] for x in columns] for z in rows])


def _section(section: tuple[float, float, float, float, float], rows: int, side: int) -> Points:
    """Positions `[rows, 2, 3]` of a wing's section: from leading to trailing edge, on its lower and its upper side.

    Faces are counted counter-clockwise seen from the nose, so on the left the upper side comes first.
    """
    x, y, lead, trail, thickness = section
    along = np.linspace(0, 1, rows)
    half = thickness / 2 * np.interp(along, np.linspace(0, 1, len(_THICKNESS)), _THICKNESS)
    z = lead + (trail - lead) * along
    lower, upper = (np.stack([np.full(rows, side * x), y + s * half, z], axis=1) for s in (-1, 1))
    return np.stack([lower, upper] if side > 0 else [upper, lower], axis=1)


def _upright(section: Points) -> Points:
    """The section of the right wing turned up by a quarter turn: x becomes y, and y becomes -x."""
    return np.stack([-section[..., 1], section[..., 0], section[..., 2]], axis=-1)
