"""Splitting every triangle into four, and the sphere that comes of it."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gendr import _check


def split_faces(faces: Tensor, n_vertices: int) -> tuple[Tensor, Tensor]:
    """Cut each triangle into four at the midpoints of its edges; edges that faces share get one midpoint.

    Vertex `n_vertices + e` is the midpoint of edge `e`.

    Args:
        faces: int64 `[F, 3]`.
        n_vertices: number of vertices before.

    Returns:
        The edges int64 `[E, 2]`, each once and with its smaller index first; and the new faces int64 `[4F, 3]`, which
        keep the winding: the three corners, then the middle one, of one face after the other. Neighbours stay near one
        another in the list, which drawing is faster for.

    Example:
        >>> edges, faces = split_faces(torch.tensor([[0, 1, 2]]), 3)
        >>> edges.tolist(), faces.tolist()
        ([[0, 1], [0, 2], [1, 2]], [[0, 3, 4], [1, 5, 3], [2, 4, 5], [3, 5, 4]])
    """
    _check.tensor("faces", faces, ["F", 3], [torch.int64])
    a, b, c = faces.unbind(dim=1)
    ends = torch.stack([torch.cat([a, b, c]), torch.cat([b, c, a])], dim=1).sort(dim=1).values
    edges, of_end = torch.unique(ends, dim=0, return_inverse=True)
    ab, bc, ca = (of_end + n_vertices).view(3, -1)
    corners = [torch.stack(t, dim=1) for t in ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))]
    return edges, torch.stack(corners, dim=1).flatten(0, 1)


def icosphere(level: int) -> tuple[Tensor, Tensor]:
    """Unit sphere: an icosahedron, `level` times split into four and pushed out to the sphere.

    Args:
        level: 0 to 8.

    Returns:
        Vertices float64 `[10 * 4**level + 2, 3]`, faces int64 `[20 * 4**level, 3]`, outward winding.

    Example:
        >>> [tuple(t.shape) for t in icosphere(3)]
        [(642, 3), (1280, 3)]
    """
    if isinstance(level, bool) or not isinstance(level, int) or not 0 <= level <= 8:
        _check.fail("level", "an integer in [0, 8]", level)
    golden = (1 + math.sqrt(5)) / 2
    corners = [(s, t * golden, 0.0) for t in (1.0, -1.0) for s in (-1.0, 1.0)]
    vertices = torch.tensor(corners, dtype=torch.float64)
    vertices = torch.cat([vertices, vertices.roll(1, dims=1), vertices.roll(2, dims=1)])
    vertices = vertices / vertices.norm(dim=1, keepdim=True)
    faces = _nearest_triples(vertices)
    for _ in range(level):
        edges, faces = split_faces(faces, len(vertices))
        middles = vertices[edges].sum(dim=1)
        vertices = torch.cat([vertices, middles / middles.norm(dim=1, keepdim=True)])
    return vertices, faces


def _nearest_triples(vertices: Tensor) -> Tensor:
    """The icosahedron's faces: triples of mutual neighbours (cosine 1 / sqrt 5), counter-clockwise from outside."""
    near = vertices @ vertices.T > 0.4
    triples = torch.combinations(torch.arange(len(vertices)), 3)
    a, b, c = triples.unbind(dim=1)
    faces = triples[near[a, b] & near[b, c] & near[c, a]]
    outward = torch.linalg.det(vertices[faces]) > 0
    return torch.where(outward[:, None], faces, faces.flip(1))
