r"""Normals of faces, vertices and corners, finite where a surface has none.

The normal of corners `a, b, c` points along `(b - a) × (c - a)`: out of a mesh whose faces run counter-clockwise seen
from outside in right-handed coordinates, whichever camera looks at it. Take normals in the space in which the light is
given, the world's as a rule: a camera with a mirroring rotation turns the cross product over.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from gendr import _check
from gendr._autocast import in_single_precision
from gendr._types import Faces, Vertices
from gendr.render.ordered_sums import added, taken

WEIGHTINGS = ("angle", "area")

Vectors = Float[Tensor, "*N 3"]


def unit(vectors: Vectors, least: int | float = 0.0) -> Vectors:
    r"""Vectors at length 1: `v / |v|`, and 0, with gradient 0, where `|v|` is `least` or shorter.

    No square is formed of more or less than about 1: components up to the largest float are allowed, and vectors down
    to 1e-18 (float32; 1e-153 in float64) keep their direction. Shorter ones count as 0.

    Args:
        vectors: [*, 3].
        least: in [0, inf), in the vectors' own unit.

    Raises:
        TypeError, ValueError: no float tensor [*, 3], or `least` out of range.

    >>> unit(torch.tensor([[0.0, 3.0, 4.0], [0.0, 0.0, 0.0]]))
    tensor([[0.0000, 0.6000, 0.8000],
            [0.0000, 0.0000, 0.0000]])
    """
    _check.tensor("vectors", vectors, ("*", 3))
    least = max(_check.number("least", least, 0.0), 10.0 * torch.finfo(vectors.dtype).tiny ** 0.5)
    size = vectors.detach().abs().amax(-1, keepdim=True)
    scaled = vectors / size.clamp_min(least)  # a constant factor: the direction does not depend on it
    square = scaled.square().sum(-1, keepdim=True)
    is_long = size.clamp_min(least) * square.detach().sqrt() > least
    return torch.where(is_long, scaled, 0.0) / torch.where(is_long, square, 1.0).sqrt()


@in_single_precision
def face_normals(face_vertices: Float[Tensor, "*B F 3 3"]) -> Float[Tensor, "*B F 3"]:
    r"""Unit normals of triangles: `unit((b - a) × (c - a))` for corners `a, b, c`.

    Formed from the two shorter edges, each at length 1, so that neither the scale nor a needle's shape costs digits.
    Where the sine of their angle is below four machine epsilons, or an edge is shorter than 1e-18 (float32), the face
    has no side: normal and gradient are 0.

    Args:
        face_vertices: [*, F, 3, 3].

    Returns:
        [*, F, 3], differentiable.

    Raises:
        TypeError, ValueError: no float tensor [*, F, 3, 3].

    >>> face_normals(torch.tensor([[[0.0, 0.0, 0.0], [4.0, 0.0, 0.0], [1.0, 3.0, 0.0]], [[1.0, 1.0, 1.0]] * 3]))
    tensor([[0., 0., 1.],
            [0., 0., 0.]])
    """
    _check.tensor("face_vertices", face_vertices, ("*", "F", 3, 3))
    edges = _edges(face_vertices)
    return unit(_turn(edges, unit(edges)), 4.0 * torch.finfo(edges.dtype).eps)


@in_single_precision
def vertex_normals(vertices: Vertices, faces: Faces, weighting: str = "angle") -> Vertices:
    r"""Unit normals of vertices: `unit(sum over the corners c at v of w_c n_c)`, `n_c` the normal of the corner's face.

    `w` is the face's angle at the corner, which makes the sum independent of how flat parts are cut into triangles, or
    the face's area. Where the sum is shorter than four machine epsilons of the sum of the weights (sheets that lie on
    each other back to back, vertices of no face or of degenerate ones), normal and gradient are 0.

    Each vertex adds its corners in a fixed order: the same bits in every run, on the CPU and on CUDA, and backwards.

    Args:
        vertices: [V, 3] or [B, V, 3].
        faces: int64 [F, 3] with indices in `[0, V)`, which is not checked here (a `Mesh` has checked its faces).
        weighting: "angle" or "area".

    Returns:
        [V, 3] or [B, V, 3], differentiable.

    Raises:
        TypeError, ValueError: wrong shapes or dtypes, or an unknown weighting.

    Source: Thürmer, Wüthrich, "Computing vertex normals from polygonal facets", Journal of Graphics Tools 3(1), 1998.

    >>> roof = torch.tensor([[0.0, 0, 0], [0, 1.0, 0], [1.0, 0, 0], [0, 0, 1.0]])  # two faces at a right angle
    >>> vertex_normals(roof, torch.tensor([[0, 2, 1], [0, 1, 3]]))
    tensor([[0.7071, 0.0000, 0.7071],
            [0.7071, 0.0000, 0.7071],
            [0.0000, 0.0000, 1.0000],
            [1.0000, 0.0000, 0.0000]])
    """
    _check.choice("weighting", weighting, WEIGHTINGS)
    corners = _gathered(vertices, faces)
    edges = _edges(corners)
    directions = unit(edges)
    turn = _turn(edges, directions)
    normals = unit(turn, 4.0 * torch.finfo(edges.dtype).eps)
    weights = _angles(directions) if weighting == "angle" else _areas(edges, directions, turn)
    terms = torch.cat((weights[..., None] * normals[..., None, :], weights.detach()[..., None]), -1)
    totals = _sum_at_vertices(terms, faces, vertices.shape[-2]).reshape(*vertices.shape[:-1], 4)
    # Relative to the weights, so that the limit below which there is no normal does not depend on scale or valence.
    share = totals[..., :3] / totals[..., 3:].clamp_min(torch.finfo(vertices.dtype).tiny)
    return unit(share, 4.0 * torch.finfo(vertices.dtype).eps)


@in_single_precision
def corner_normals(
    vertices: Vertices, faces: Faces, smooth: bool = True, weighting: str = "angle"
) -> Float[Tensor, "B F 3 3"]:
    """Unit normals at every face's corners: the vertices' (`smooth`), or the face's own at all three.

    Args:
        vertices: [V, 3] or [B, V, 3].
        faces: int64 [F, 3].
        smooth: True for Gouraud and per-pixel shading of curved surfaces, False for facets.
        weighting: of the vertex normals, as in `vertex_normals`.

    Returns:
        [B, F, 3, 3] (B = 1 for one mesh), differentiable.

    Raises:
        TypeError, ValueError: as `vertex_normals`.

    >>> corner = torch.tensor([[0.0, 0, 0], [1.0, 0, 0], [0, 1.0, 0]])
    >>> corner_normals(corner, torch.tensor([[0, 1, 2]]), smooth=False)
    tensor([[[[0., 0., 1.],
              [0., 0., 1.],
              [0., 0., 1.]]]])
    """
    if smooth:
        return _gathered(vertex_normals(vertices, faces, weighting), faces)
    normals = face_normals(_gathered(vertices, faces))
    return normals[..., None, :].expand(*normals.shape[:-1], 3, 3)


def _gathered(vertices: Tensor, faces: Tensor) -> Tensor:
    """The corners [B, F, 3, 3] of every face."""
    _check.tensor("vertices", vertices, ("*", "V", 3))
    if vertices.ndim not in (2, 3):
        _check.fail("vertices", "[V, 3] or [B, V, 3]", vertices)
    _check.tensor("faces", faces, ("F", 3), (torch.int64,))
    batch = vertices if vertices.ndim == 3 else vertices[None]
    return taken(batch, 1, faces.flatten()).view(len(batch), len(faces), 3, 3)


def _edges(face_vertices: Tensor) -> Tensor:
    """Edge k [*, F, 3, 3], from corner k to corner k + 1."""
    return face_vertices.roll(-1, -2) - face_vertices


def _turn(edges: Tensor, directions: Tensor) -> Tensor:
    """Cross product [*, F, 3] of the directions of the two shorter edges, in the order in which they follow."""
    first, second = _beside_longest(edges, directions)
    turn: Tensor = torch.linalg.cross(first, second)
    return turn


def _beside_longest(edges: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """The values [*, F, C] of the two edges that follow the longest one, of those [*, F, 3, C] of all edges."""
    longest = edges.detach().abs().amax(-1).argmax(-1)[..., None]
    a, b, c = values.unbind(-2)
    first = torch.where(longest == 0, b, torch.where(longest == 1, c, a))
    second = torch.where(longest == 0, c, torch.where(longest == 1, a, b))
    return first, second


def _angles(directions: Tensor) -> Tensor:
    """The angle [*, F, 3] at each corner, in [0, pi]; its gradient counts as 0 where an edge has no direction."""
    before = -directions.roll(1, -2)
    cosine, sine = (before * directions).sum(-1), _length(torch.linalg.cross(directions, before))
    known = (cosine.detach() != 0) | (sine.detach() != 0)
    return torch.where(known, torch.atan2(sine, torch.where(known, cosine, 1.0)), 0.0)


def _areas(edges: Tensor, directions: Tensor, turn: Tensor) -> Tensor:
    """Twice the area of each face [*, F, 3], at every corner, in units of the mesh's greatest edge squared."""
    if not edges.numel():
        return edges.sum(-1)
    largest = edges.detach().abs().amax((-3, -2, -1), keepdim=True)
    scaled = edges / largest.clamp_min(10.0 * torch.finfo(edges.dtype).tiny ** 0.5)
    one, other = _beside_longest(edges, (scaled * directions).sum(-1, keepdim=True))
    return (one * other * _length(turn)[..., None]).expand(edges.shape[:-1])


def _length(vectors: Tensor) -> Tensor:
    """Lengths of vectors [*, 3] of length 1 or less, with the gradient 0 at 0."""
    square = vectors.square().sum(-1)
    is_some = square.detach() > torch.finfo(square.dtype).tiny
    return torch.where(is_some, torch.where(is_some, square, 1.0).sqrt(), 0.0)


def _sum_at_vertices(terms: Tensor, faces: Tensor, n_vertices: int) -> Tensor:
    """Add the corners' terms [B, F, 3, C] at their vertices: [B, V, C], in a fixed order on every device."""
    batch, _, _, channels = terms.shape
    rows, index = terms.flatten(1, 2).transpose(0, 1), faces.flatten()
    totals = terms.new_zeros(n_vertices, batch, channels)
    return added(totals, 0, index, rows).transpose(0, 1)
