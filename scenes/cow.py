"""A painted low-polygon cow of the project's own design: a tube of rings with legs, ears and a tail pulled out."""

from __future__ import annotations

import numpy as np

from gendr.render.mesh import Mesh
from gendr.scenes.modelling import Cage, Points, in_view, quads
from gendr.scenes.painting import painted

# Rings from the muzzle to the rump: z, radius, height of the centre. The head looks towards +z, y is up.
_RINGS = [
    (0.545, 0.050, 0.285),
    (0.505, 0.074, 0.290),
    (0.440, 0.074, 0.315),
    (0.370, 0.098, 0.350),
    (0.310, 0.105, 0.360),  # 4: the ears begin
    (0.260, 0.100, 0.345),  # 5: the ears end
    (0.215, 0.095, 0.300),
    (0.170, 0.125, 0.220),
    (0.110, 0.160, 0.145),  # 8: the front legs begin
    (0.030, 0.172, 0.110),  # 9: the front legs end
    (-0.090, 0.172, 0.105),
    (-0.215, 0.172, 0.105),  # 11: the hind legs begin
    (-0.310, 0.168, 0.112),  # 12: the hind legs end
    (-0.380, 0.130, 0.130),  # 13: the tail begins
    (-0.420, 0.080, 0.145),  # 14: the tail ends
]
_MUZZLE, _RUMP = (0.0, 0.283, 0.560), (0.0, 0.140, -0.435)

# A ring has eight vertices, at 22.5, 67.5, ... degrees.
_SIDES = 8
_TOP, _HIGH_RIGHT, _HIGH_LEFT, _LOW_RIGHT, _LOW_LEFT = 1, 0, 2, 6, 4

# Sections from the body to the hoof: height, x of the inner and the outer side; z of the fore and the hind side for the
# front legs. The hind legs stand _HIND behind.
_LEG = [
    (-0.075, 0.050, 0.142, 0.112, 0.026),
    (-0.170, 0.052, 0.122, 0.104, 0.036),
    (-0.280, 0.052, 0.116, 0.102, 0.040),
    (-0.300, 0.046, 0.124, 0.110, 0.034),
    (-0.345, 0.046, 0.124, 0.110, 0.034),
]
_HIND = 0.332

# Sections of an ear outwards: x, height of the lower and the upper side, z of the fore and the hind side.
_EAR = [
    (0.115, 0.385, 0.428, 0.302, 0.266),
    (0.175, 0.372, 0.428, 0.304, 0.272),
    (0.218, 0.366, 0.396, 0.296, 0.280),
]

# Sections of the tail: half width, then height and z of the outer and of the inner side.
_TAIL = [
    (0.016, 0.226, -0.432, 0.196, -0.440),
    (0.013, 0.190, -0.482, 0.174, -0.462),
    (0.011, 0.020, -0.492, 0.020, -0.472),
    (0.020, -0.040, -0.502, -0.040, -0.464),
    (0.006, -0.105, -0.488, -0.105, -0.478),
]

Colour = tuple[float, float, float]

_WHITE, _BROWN, _PINK, _HORN = (0.93, 0.91, 0.87), (0.36, 0.20, 0.12), (0.91, 0.66, 0.62), (0.22, 0.19, 0.18)
_PATCHES = [  # centre and radius, in the cage's coordinates
    (0.17, 0.20, -0.02, 0.135),
    (0.16, 0.04, -0.28, 0.120),
    (-0.17, 0.16, -0.20, 0.165),
    (-0.15, 0.12, 0.11, 0.095),
    (0.02, 0.29, -0.33, 0.100),
    (0.10, 0.38, 0.33, 0.088),
    (-0.20, 0.40, 0.29, 0.085),
    (0.20, 0.40, 0.29, 0.085),
]
_DOTS: list[tuple[tuple[float, float, float], float, Colour]] = [  # on the right side, and mirrored on the left
    ((0.080, 0.365, 0.390), 0.026, (0.98, 0.98, 0.98)),
    ((0.084, 0.366, 0.397), 0.018, (0.06, 0.05, 0.05)),
    ((0.024, 0.300, 0.556), 0.012, (0.45, 0.22, 0.22)),
]


def cow(resolution: int = 8) -> Mesh:
    """A spotted cow: one closed surface of genus 0, 1,984 triangles, with a texture; drawn for this project.

    Head towards +z, y up; the bounding box is centred at the origin and the farthest vertex is at distance 0.5, which
    the standard camera (distance 2.732, half angle 15 degrees) sees whole. Licence: MIT.

    Args:
        resolution: rows and columns of texels of a triangle, 2 to 64.

    Raises:
        ValueError: `resolution` is no integer in its range.

    Example:
        >>> cow().n_faces, cow().face_textures().image(0).shape
        (1984, torch.Size([360, 360, 3]))
    """
    return in_view(painted(_body().smooth().triangles(), _colour, resolution))


def _body() -> Cage:
    angles = np.radians(22.5 + 45 * np.arange(_SIDES))
    points = [(r * np.cos(a), y + r * np.sin(a), z) for z, r, y in _RINGS for a in angles]
    tube = np.arange(len(points)).reshape(len(_RINGS), _SIDES)
    around = np.concatenate([tube, tube[:, :1]], axis=1)
    ends: list[tuple[int, ...]] = []
    for pole, ring in ((len(points), around[0]), (len(points) + 1, around[-1, ::-1])):
        ends += [(pole, int(ring[k]), int(ring[k + 1])) for k in range(_SIDES)]
    cage = Cage([*points, _MUZZLE, _RUMP], quads(around) + ends)

    def pull(first: int, side: int, sections: list[Points]) -> None:
        patch = around[first : first + 2, side : side + 2]
        for section in sections:
            patch = cage.pull(patch, section)

    for first, back in ((8, 0.0), (11, _HIND)):
        pull(first, _LOW_RIGHT, [_leg(section, back, 1) for section in _LEG])
        pull(first, _LOW_LEFT, [_leg(section, back, -1) for section in _LEG])
    pull(4, _HIGH_RIGHT, [_ear(section, 1) for section in _EAR])
    pull(4, _HIGH_LEFT, [_ear(section, -1) for section in _EAR])
    pull(13, _TOP, [_tail(section) for section in _TAIL])
    return cage


def _leg(section: tuple[float, float, float, float, float], back: float, side: int) -> Points:
    y, inner, outer, fore, hind = section
    columns = (inner, outer) if side > 0 else (-outer, -inner)
    return np.array([[[x, y, z - back] for x in columns] for z in (fore, hind)])


def _ear(section: tuple[float, float, float, float, float], side: int) -> Points:
    x, low, high, fore, hind = section
    rows = (low, high) if side > 0 else (high, low)
    return np.array([[[side * x, y, z] for y in rows] for z in (fore, hind)])


def _tail(section: tuple[float, float, float, float, float]) -> Points:
    width, y0, z0, y1, z1 = section
    return np.array([[[x, y, z] for x in (width, -width)] for y, z in ((y0, z0), (y1, z1))])


def _colour(points: Points) -> Points:
    """Colours `[N, 3]` of points `[N, 3]` in the cage's coordinates: white with brown patches."""
    x, y, z = points.T
    wobble = 0.018 * (np.sin(23 * x + 31 * z) + np.sin(29 * y - 19 * z))
    colours = np.tile(np.array(_WHITE), (len(points), 1))

    def paint(where: Points, colour: Colour, edge: float = 0.012) -> None:
        """Colour where the distance is negative, with a soft edge."""
        share = np.clip(0.5 - where / edge, 0, 1)[:, None]
        colours[:] = (1 - share) * colours + share * np.array(colour)

    for *middle, radius in _PATCHES:
        paint(np.linalg.norm(points - middle, axis=1) - radius + wobble, _BROWN)
    paint(0.492 - z - 0.3 * wobble, _PINK)
    paint(y + 0.285, _HORN)
    paint(np.maximum(z + 0.44, y + 0.02), _BROWN)
    both_sides = np.stack([np.abs(x), y, z], axis=1)
    for centre, radius, colour in _DOTS:
        paint(np.linalg.norm(both_sides - centre, axis=1) - radius, colour, 0.006)
    return colours
