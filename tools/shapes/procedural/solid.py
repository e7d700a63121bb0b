"""Closed bodies of one colour, to build things of: boxes, rods, lathe work, lofts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from gendr.render import Mesh

Points = NDArray[np.float64]
Faces = NDArray[np.int64]
Colour = tuple[float, float, float]
Point = Sequence[float] | Points


@dataclass(frozen=True, eq=False)
class Solid:
    """A closed surface of triangles, counter-clockwise from outside; x is right, y up, z to the front.

    Its methods return a changed copy.

    Attributes:
        points: `[V, 3]`, in any unit.
        faces: `[F, 3]`.
        colour: red, green, blue in [0, 1].

    >>> box(1, 2, 1).moved(y=1).turned("z", 90).points.min(0).round(6).tolist()
    [-2.0, -0.5, -0.5]
    """

    points: Points
    faces: Faces
    colour: Colour = (0.7, 0.7, 0.7)

    def moved(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Solid:
        """Shifted."""
        return replace(self, points=self.points + np.array([x, y, z]))

    def scaled(self, x: float = 1.0, y: float = 1.0, z: float = 1.0) -> Solid:
        """Stretched about the origin; factors are positive."""
        return replace(self, points=self.points * (x, y, z))

    def mirrored(self, axis: str = "x") -> Solid:
        """Reflected in the plane through the origin across an axis."""
        points = self.points.copy()
        points[:, "xyz".index(axis)] *= -1.0
        return replace(self, points=points, faces=self.faces[:, ::-1])

    def turned(self, axis: str, degrees: float) -> Solid:
        """Turned about an axis through the origin, counter-clockwise seen against the axis."""
        first, second = [(1, 2), (2, 0), (0, 1)]["xyz".index(axis)]
        cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        points = self.points.copy()
        points[:, first] = cosine * self.points[:, first] - sine * self.points[:, second]
        points[:, second] = sine * self.points[:, first] + cosine * self.points[:, second]
        return replace(self, points=points)

    def coloured(self, colour: Colour) -> Solid:
        """In another colour."""
        return replace(self, colour=colour)


def loft(sections: Sequence[ArrayLike], colour: Colour = (0.7, 0.7, 0.7)) -> Solid:
    """A skin over `S` sections of `K` corners each, closed by fans about the first and last section's centres.

    Corners run counter-clockwise for someone who looks back from the last section to the first.

    >>> loft([[[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 0, 1], [1, 0, 1], [0, 1, 1]]]).faces.shape
    (12, 3)
    """
    rings = np.array([np.asarray(section, dtype=np.float64) for section in sections])
    count, corners = rings.shape[:2]
    a = (np.arange(count - 1)[:, None] * corners + np.arange(corners)).reshape(-1)
    b = (np.arange(count - 1)[:, None] * corners + np.roll(np.arange(corners), -1)).reshape(-1)
    walls = np.concatenate([np.stack([a, b, b + corners], 1), np.stack([a, b + corners, a + corners], 1)])
    first, after = np.arange(corners), np.roll(np.arange(corners), -1)
    start, end = count * corners, count * corners + 1
    last = (count - 1) * corners
    caps = [
        np.stack([np.full(corners, start), after, first], 1),
        np.stack([np.full(corners, end), first + last, after + last], 1),
    ]
    points = np.concatenate([rings.reshape(-1, 3), [rings[0].mean(0), rings[-1].mean(0)]])
    return Solid(points, np.concatenate([walls, *caps]), colour)


def prism(outline: ArrayLike, depth: float, colour: Colour = (0.7, 0.7, 0.7)) -> Solid:
    """An outline `[K, 2]` in x and y, counter-clockwise seen from +z, from `-depth / 2` to `depth / 2` in z.

    All of the outline's border must be seen from the mean of its corners.
    """
    flat = np.asarray(outline, dtype=np.float64)
    return loft([np.insert(flat, 2, z, axis=1) for z in (-depth / 2, depth / 2)], colour)


def box(width: float, height: float, depth: float, colour: Colour = (0.7, 0.7, 0.7)) -> Solid:
    """A box about the origin: `width` in x, `height` in y, `depth` in z."""
    x, y = width / 2, height / 2
    return prism([[-x, -y], [x, -y], [x, y], [-x, y]], depth, colour)


def rounded_box(
    width: float, height: float, depth: float, radius: float, colour: Colour = (0.7, 0.7, 0.7), steps: int = 3
) -> Solid:
    """A box about the origin whose edges are all rounded; the radius is at most half of the smallest side."""
    radius = min(radius, 0.499 * min(width, height, depth))
    bends = np.linspace(0.0, np.pi / 2, steps + 1)
    sections = []
    for side, angles in ((-1.0, bends[::-1]), (1.0, bends)):
        for angle in angles:
            inset, z = radius * (1 - np.cos(angle)), side * (depth / 2 - radius + radius * np.sin(angle))
            sections.append(np.insert(_rounded(width, height, radius, inset, bends), 2, z, axis=1))
    return loft(sections, colour)


def tube(path: ArrayLike, radius: float | ArrayLike, colour: Colour = (0.7, 0.7, 0.7), sides: int = 10) -> Solid:
    """A round rod along a path `[S, 3]`, of one radius or one for each point."""
    along = np.asarray(path, dtype=np.float64)
    radii = np.broadcast_to(np.asarray(radius, dtype=np.float64), len(along))
    heading = np.gradient(along, axis=0)
    heading /= np.linalg.norm(heading, axis=1, keepdims=True)
    side = np.eye(3)[np.abs(heading[0]).argmin()]
    angles = np.linspace(0.0, 2 * np.pi, sides, endpoint=False)
    sections = []
    for point, forward, r in zip(along, heading, radii, strict=True):
        side = side - forward * (side @ forward)
        side /= np.linalg.norm(side)
        up = np.cross(forward, side)
        sections.append(point + r * (np.cos(angles)[:, None] * side + np.sin(angles)[:, None] * up))
    return loft(sections, colour)


def rod(start: Point, end: Point, radius: float | Sequence[float], colour: Colour = (0.7, 0.7, 0.7)) -> Solid:
    """A straight round rod; two radii make it a cone's part."""
    return tube(np.array([start, end], dtype=np.float64), np.asarray(radius), colour)


def lathe(profile: ArrayLike, colour: Colour = (0.7, 0.7, 0.7), sides: int = 20) -> Solid:
    """A profile `[S, 2]` of radius and height, from the bottom up, turned about the y axis.

    >>> float(lathe([[1, 0], [1, 2]]).points[:, 1].max())
    2.0
    """
    angles = np.linspace(0.0, 2 * np.pi, sides, endpoint=False)
    ring = np.stack([np.cos(angles), np.zeros(sides), -np.sin(angles)], 1)
    return loft([max(r, 1e-4) * ring + (0, y, 0) for r, y in np.asarray(profile, dtype=np.float64)], colour)


def ball(width: float, height: float, depth: float, colour: Colour = (0.7, 0.7, 0.7), sides: int = 16) -> Solid:
    """An ellipsoid about the origin with these diameters."""
    bends = np.linspace(-np.pi / 2, np.pi / 2, sides // 2 + 1)
    return lathe(np.stack([np.cos(bends), np.sin(bends)], 1) / 2, colour, sides).scaled(width, height, depth)


def assembled(parts: Sequence[Solid]) -> Mesh:
    """One mesh of all parts, centred, with a bounding box of diagonal 1, as ShapeNet has it; parts may overlap.

    >>> assembled([box(3, 1, 1), box(1, 4, 1)]).faces.shape[0]
    32
    """
    points = np.concatenate([part.points for part in parts])
    low, high = points.min(0), points.max(0)
    points = (points - (low + high) / 2) / np.linalg.norm(high - low)
    firsts = np.cumsum([0, *(len(part.points) for part in parts)])
    faces = np.concatenate([part.faces + first for part, first in zip(parts, firsts, strict=False)])
    colours = np.concatenate([np.broadcast_to(part.colour, part.points.shape) for part in parts])
    return Mesh(
        torch.from_numpy(points).float(), torch.from_numpy(faces), vertex_colors=torch.from_numpy(colours).float()
    )


def _rounded(width: float, height: float, radius: float, inset: float, bends: Points) -> Points:
    """A rectangle's outline with round corners, drawn in by `inset`, counter-clockwise."""
    r = radius - inset
    corners = []
    for quarter, (x, y) in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1))):
        centre = np.array([x * (width / 2 - radius), y * (height / 2 - radius)])
        angle = bends + quarter * np.pi / 2
        corners.append(centre + max(r, 1e-4) * np.stack([np.cos(angle), np.sin(angle)], 1))
    return np.concatenate(corners)
