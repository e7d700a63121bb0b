"""Coverage in plain torch: slow, complete, differentiable to any order. The oracle of every kernel.

It forms all pixel-face pairs at once, in memory proportional to `B * F * H * W`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gendr.distributions import Distribution
from gendr.tnorms import TNorm

COORDINATE_BOUND = 1e15  # as in kernels/include/gendr/triangle.h


def coverage(
    face_vertices: Tensor,
    tau: Tensor,
    pixels: Tensor,
    distribution: Distribution,
    t_conorm: TNorm,
    *,
    near: float,
    far: float,
    cull: str,
    cutoff: float,
) -> Tensor:
    """Alpha at given points, the definition itself: `conorm_t F(d(pixel, t) / tau)` over all faces `t` that take part.

    Args:
        face_vertices: `[B, F, 3, 3]`, NDC x, y and depth.
        tau: `[B]`.
        pixels: `[P, 2]`, NDC coordinates.
        distribution: `F`.
        t_conorm: joins the faces.
        near: least depth; a face takes part where all three corners lie in `[near, far]`.
        far: greatest depth.
        cull: "none", "back" or "front".
        cutoff: faces of lower probability at a pixel are skipped there; 0 skips none.

    Returns:
        `[B, P]`.

    >>> from gendr.distributions import Logistic
    >>> from gendr.tnorms import Probabilistic
    >>> triangle = torch.tensor([[[[0.0, 0.0, 2.0], [1.0, 0.0, 2.0], [0.0, 1.0, 2.0]]]])
    >>> edge = torch.tensor([[0.5, 0.0]])
    >>> options = dict(near=1.0, far=100.0, cull="none", cutoff=0.0)
    >>> coverage(triangle, torch.tensor([0.1]), edge, Logistic(), Probabilistic(), **options)
    tensor([[0.5000]])
    """
    triangles = face_vertices[..., :2].clamp(-COORDINATE_BOUND, COORDINATE_BOUND)
    distance = signed_distance(pixels, triangles)  # [B, P, F]
    scale = tau[:, None, None]
    a, q = distribution.cdf(distance, scale), distribution.sf(distance, scale)
    least = t_conorm.face_cutoff(cutoff)
    counts = (a.detach() >= least) & (a.detach() > 0) & takes_part(face_vertices, near, far, cull)[:, None, :]
    return t_conorm.aggregate(torch.where(counts, a, 0), dim=-1, q=torch.where(counts, q, 1))


def pixel_centres(height: int, width: int, like: Tensor) -> Tensor:
    """NDC coordinates of all pixel centres, row by row, `[H * W, 2]`, in the dtype and on the device of `like`.

    Pixel `(row, col)` samples `x = (2 col + 1 - W) / H`, `y = (H - 1 - 2 row) / H`.

    >>> pixel_centres(1, 2, torch.zeros(1))
    tensor([[-1.,  0.],
            [ 1.,  0.]])
    """
    col = torch.arange(width, dtype=like.dtype, device=like.device)
    row = torch.arange(height, dtype=like.dtype, device=like.device)
    y, x = torch.meshgrid((height - 1 - 2 * row) / height, (2 * col + 1 - width) / height, indexing="ij")
    return torch.stack([x, y], -1).reshape(-1, 2)


def takes_part(face_vertices: Tensor, near: float, far: float, cull: str) -> Tensor:
    """Which faces are drawn at all, `[B, F]`: those with all depths in `[near, far]`, less the culled side.

    >>> takes_part(torch.tensor([[[[0.0, 0.0, 2.0], [1.0, 0.0, 2.0], [0.0, 1.0, 0.5]]]]), 1.0, 100.0, "none")
    tensor([[False]])
    """
    z = face_vertices[..., 2]
    kept = ((z >= near) & (z <= far)).all(-1)
    if cull == "none":
        return kept
    area = signed_area(face_vertices[..., :2])
    return kept & (area >= 0 if cull == "back" else area <= 0)


def signed_area(triangles: Tensor) -> Tensor:
    """Twice the signed area of triangles `[..., 3, 2]`, positive for counter-clockwise corners.

    >>> signed_area(torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
    tensor(1.)
    """
    first, second = triangles[..., 1, :] - triangles[..., 0, :], triangles[..., 2, :] - triangles[..., 0, :]
    return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]


def signed_distance(points: Tensor, triangles: Tensor) -> Tensor:
    """Euclidean distance to the boundary, positive inside; triangles of no area have no inside.

    The gradient is continuous through 0: where the foot point lies within an edge, the distance is the one to the
    edge's line, and only at corners the one to a point.

    Args:
        points: `[P, 2]`.
        triangles: `[..., F, 3, 2]`, of either winding.

    Returns:
        `[..., P, F]`.

    >>> triangle = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
    >>> signed_distance(torch.tensor([[0.25, 0.25], [-3.0, -4.0]]), triangle)
    tensor([[ 0.2500],
            [-5.0000]])
    """
    area = signed_area(triangles)[..., None, :]
    squares, signed, normals = [], [], []
    for i in range(3):
        square, to_edge, normal = _edge_distance(points, triangles[..., i, :], triangles[..., (i + 1) % 3, :], area)
        squares.append(square)
        signed.append(to_edge)
        normals.append(normal)
    nearest_is_first = (squares[0] <= squares[1]) & (squares[0] <= squares[2])
    nearest_is_second = ~nearest_is_first & (squares[1] <= squares[2])
    nearest = torch.where(nearest_is_first, signed[0], torch.where(nearest_is_second, signed[1], signed[2]))
    inside = (normals[0] > 0) & (normals[1] > 0) & (normals[2] > 0) & (area != 0)
    outside = torch.where(~inside & (nearest > 0), -nearest, nearest)
    return torch.where(area == 0, outside - 1e-18, outside)


def _edge_distance(points: Tensor, start: Tensor, end: Tensor, area: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of points `[P, 2]` and edges `[..., F, 2]`: squared distance (a value), signed distance, distance to the line."""
    start, end, at = start[..., None, :, :], end[..., None, :, :], points[:, None, :]
    edge = end - start
    square_length = (edge * edge).sum(-1, keepdim=True)
    has_length = square_length > 0
    length = torch.where(has_length, square_length, 1).sqrt()
    sideways = torch.tensor([1.0, 0.0], dtype=edge.dtype, device=edge.device)
    tangent = torch.where(has_length, edge / length, sideways)
    from_start, from_end = at - start, at - end
    along = (from_start * tangent).sum(-1)
    across = from_start[..., 1] * tangent[..., 0] - from_start[..., 0] * tangent[..., 1]
    normal = torch.where(area < 0, -across, across)
    before, beyond = along < 0, along > torch.where(has_length, length, 0)[..., 0]
    to_corner = torch.where(before[..., None], from_start, from_end)
    square = (to_corner * to_corner).sum(-1)
    at_corner = (before | beyond) & (square > 0)  # on the corner itself the edge's normal serves
    corner_distance = torch.where(at_corner, square, 1).sqrt()
    chosen = torch.where(at_corner, square, normal * normal).detach()
    return chosen, torch.where(at_corner, -corner_distance, normal), normal.detach()
