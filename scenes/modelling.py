"""Box modelling: a cage of polygons, faces pulled out of it, smoothed by Catmull-Clark subdivision.

A cage that begins closed stays closed: pulling out replaces faces by tubes with ends, and subdivision keeps topology.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from gendr.render.mesh import Mesh

Points = NDArray[np.float64]
Grid = NDArray[np.int64]


class Cage:
    """A closed surface of polygons, counter-clockwise from outside, that is built up step by step.

    Example:
        >>> corners = [[x, y, z] for x in (0.0, 1.0) for y in (0.0, 1.0) for z in (0.0, 1.0)]
        >>> quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
        >>> Cage(corners, quads).smooth().triangles()
        Mesh(vertices=float32 [26, 3], faces=[48, 3])
    """

    def __init__(self, points: Iterable[Sequence[float]], polygons: Iterable[tuple[int, ...]]) -> None:
        self.points: list[Points] = [np.array(p, dtype=np.float64) for p in points]
        self.polygons = list(polygons)

    def pull(self, grid: Grid, positions: Points) -> Grid:
        """Pull a patch of quads out of the surface.

        Args:
            grid: vertex numbers `[R, C]`; its quads, in the order of `quads`, must be polygons of the cage.
            positions: where the patch goes, `[R, C, 3]`; walls join it to where it was.

        Returns:
            The moved patch's vertex numbers `[R, C]`, to pull on.
        """
        for quad in quads(grid):
            self.polygons.remove(quad)
        moved = np.arange(len(self.points), len(self.points) + grid.size).reshape(grid.shape)
        self.points += list(positions.reshape(-1, 3))
        self.polygons += quads(moved)
        old, new = _outline(grid), _outline(moved)
        following = np.roll(old, -1), np.roll(new, -1)
        self.polygons += [(int(a), int(b), int(c), int(d)) for a, b, c, d in zip(old, *following, new, strict=True)]
        return moved

    def smooth(self) -> Cage:
        """One step of Catmull-Clark subdivision (Computer-Aided Design 10, 1978): quads of a rounder surface."""
        points = np.array(self.points)
        centres = np.array([points[list(polygon)].mean(axis=0) for polygon in self.polygons])
        sides: dict[tuple[int, int], list[int]] = {}
        for index, polygon in enumerate(self.polygons):
            for a, b in _edges(polygon):
                sides.setdefault((min(a, b), max(a, b)), []).append(index)
        ends = np.array(list(sides))
        of_edges = (points[ends].sum(axis=1) + centres[np.array(list(sides.values()))].sum(axis=1)) / 4
        # A vertex of valence n moves to (F + 2 R + (n - 3) P) / n: F and R are the means of the face centres and of the
        # edge midpoints around it.
        valence = np.bincount(ends.reshape(-1), minlength=len(points))[:, None]
        around = np.zeros_like(points)
        np.add.at(around, ends.reshape(-1), np.repeat(points[ends].mean(axis=1), 2, axis=0) * 2)
        for polygon, centre in zip(self.polygons, centres, strict=True):
            around[list(polygon)] += centre
        of_vertices = (around / valence + (valence - 3) * points) / valence
        number = {edge: len(points) + k for k, edge in enumerate(sides)}
        first_centre = len(points) + len(sides)
        polygons = []
        for index, polygon in enumerate(self.polygons):
            spokes = [number[min(a, b), max(a, b)] for a, b in _edges(polygon)]
            polygons += [(v, spokes[k], first_centre + index, spokes[k - 1]) for k, v in enumerate(polygon)]
        return Cage(np.concatenate([of_vertices, of_edges, centres]).tolist(), polygons)

    def triangles(self) -> Mesh:
        """A mesh in which every quad is cut along its shorter diagonal; the cage must consist of quads."""
        points, quad = np.array(self.points), np.array(self.polygons)
        a, b, c, d = (points[quad[:, k]] for k in range(4))
        other = np.linalg.norm(b - d, axis=1) < np.linalg.norm(a - c, axis=1)
        turned = np.where(other[:, None], np.roll(quad, -1, axis=1), quad)
        faces = np.concatenate([turned[:, [0, 1, 2]], turned[:, [0, 2, 3]]])
        return Mesh(torch.from_numpy(points).float(), torch.from_numpy(faces))


def quads(grid: Grid) -> list[tuple[int, ...]]:
    """The quads of a grid of vertex numbers `[R, C]`: first down the rows, then across the columns."""
    corners = np.stack([grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]], axis=-1)
    return [tuple(quad) for quad in corners.reshape(-1, 4).tolist()]


def in_view(mesh: Mesh, radius: float = 0.5) -> Mesh:
    """Centre the bounding box at the origin and scale so that the farthest vertex is at `radius`.

    A camera at distance 2.732 with a half angle of 15 degrees sees a ball of radius 0.707 whole.
    """
    centred = mesh.normalize().vertices.double()
    scaled = centred * (radius / centred.norm(dim=1).max())
    return mesh.with_vertices(scaled.to(mesh.vertices.dtype))


def _outline(grid: Grid) -> Grid:
    """The border of a grid in the winding of its quads."""
    return np.concatenate([grid[:-1, 0], grid[-1, :-1], grid[:0:-1, -1], grid[0, :0:-1]])


def _edges(polygon: tuple[int, ...]) -> list[tuple[int, int]]:
    return [(polygon[k], polygon[(k + 1) % len(polygon)]) for k in range(len(polygon))]
