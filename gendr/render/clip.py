"""Triangles cut at planes of constant depth: what lies beyond the near plane and before the far plane stays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gendr import _check
from gendr._autocast import in_single_precision
from gendr._types import FaceVertices
from gendr.distributions._values import at_hand
from gendr.render.clipped import Clipped, least_of_three, weighted


@in_single_precision
def clip_near(face_vertices: FaceVertices, near: int | float) -> Clipped:
    r"""Cut faces at the near plane: keep `z >= near`.

    A face with one corner in front leaves one triangle, one with two corners in front leaves a quadrilateral: two
    triangles. With corner `i` in front of the plane and corner `j` behind it, the cut point is
    `(1 - t) p_i + t p_j`, `t = (z_i - near) / (z_i - z_j)`, and its depth is `near` exactly (rounded up to the dtype),
    so that the rasterizer, which draws a face where all its depths are in range, draws the piece. The point does not
    depend on which face asks: neighbours meet without a crack, bit for bit.

    A face with `z >= near` everywhere stays as it is, corners on the plane included; one that reaches the plane from
    behind, with a corner or an edge, is dropped. Zero-area faces are treated like the others.

    Differentiable in the vertices, cut points included; which pieces there are is not. At a depth difference
    `z_i - z_j` below 1e-18 (float32; 1e-153 in float64) the gradient is held at that of the limit.

    Args:
        face_vertices: [B, F, 3, 3], camera-space x, y and depth z, finite, up to 1e15 in magnitude.
        near: depth of the plane, usually positive.

    Returns:
        `Clipped`. On the CPU `G - F` is the largest number of second triangles in any image of the batch, 0 when there
        are none; on other devices, and under `torch.compile` and `vmap`, `G = 2 F`, so that the shape does not depend
        on values and nothing waits for the device. A slot without a piece lies at the origin (for `near <= 0` at depth
        `2 near - 1`).

    Raises:
        TypeError, ValueError: wrong shape or dtype, or `near` is not a finite number.

    Source: Sutherland, Hodgman, "Reentrant polygon clipping", CACM 17(1), 1974, for one plane.

    >>> behind = [[0.0, 0.0, 0.5], [1.0, 0.0, 0.5], [0.0, 1.0, 0.5]]
    >>> across = [[0.0, 0.0, 2.0], [2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]
    >>> clip_near(torch.tensor([[behind, across]]), near=1.0).face_vertices
    tensor([[[[0., 0., 0.],
              [0., 0., 0.],
              [0., 0., 0.]],
    <BLANKLINE>
             [[0., 0., 2.],
              [1., 0., 1.],
              [0., 1., 1.]]]])
    """
    return _clip(face_vertices, _check.number("near", near), 1.0, 0.0 if near > 0 else 2.0 * near - 1.0)


@in_single_precision
def clip_far(face_vertices: FaceVertices, far: int | float) -> Clipped:
    """Cut faces at the far plane: keep `z <= far`. As `clip_near`, mirrored.

    A slot without a piece lies at depth `2 |far| + 1`, beyond the plane.

    Args, errors: as `clip_near`.

    >>> beyond = torch.tensor([[[[0.0, 0.0, 2.0], [2.0, 0.0, 4.0], [0.0, 2.0, 4.0]]]])
    >>> clip_far(beyond, far=3.0).face_vertices
    tensor([[[[0., 0., 2.],
              [1., 0., 3.],
              [0., 1., 3.]]]])
    """
    return _clip(face_vertices, _check.number("far", far), -1.0, 2.0 * abs(far) + 1.0)


@in_single_precision
def clip_depth(face_vertices: FaceVertices, near: int | float, far: int | float) -> Clipped:
    """Cut faces at both planes: keep `near <= z <= far`. As `clip_near`, and then `clip_far` of the pieces.

    Args:
        face_vertices, near: as in `clip_near`.
        far: depth of the far plane, not below `near`.

    Returns:
        `Clipped`, with up to three pieces a face; where `clip_near` has `G = 2 F`, here `G = 4 F`.

    Raises:
        TypeError, ValueError: as `clip_near`, and for `far` below `near`.

    >>> along = torch.tensor([[[[0.0, 0.0, 1.0], [0.0, 2.0, 1.0], [0.0, 0.0, 5.0]]]])
    >>> clip_depth(along, 2.0, 4.0).face_vertices[..., 2]
    tensor([[[2., 2., 4.],
             [4., 2., 4.]]])
    """
    before = clip_near(face_vertices, near)
    return before.then(clip_far(before.face_vertices, _check.number("far", far, near)))


def _clip(face_vertices: Tensor, depth: float, side: float, unused_depth: float) -> Clipped:
    """Keep `side * z >= side * depth`."""
    _check.tensor("face_vertices", face_vertices, ("B", "F", 3, 3))
    plane = _inner(depth, side, face_vertices.dtype)
    if not face_vertices.numel():
        return _whole(face_vertices)
    is_inside = _is_inside(face_vertices.detach(), plane, side)
    if is_inside:
        return _whole(face_vertices)
    unused = torch.nn.functional.pad(face_vertices.new_zeros(2), (0, 1), value=unused_depth)
    clip = _clip_every_face if is_inside is None else _clip_crossing_faces
    return clip(face_vertices, plane, side, unused)


def _inner(depth: float, side: float, dtype: torch.dtype) -> float:
    """The plane's depth in `dtype`, rounded towards what is kept: the rasterizer compares with the exact number."""
    if dtype == torch.float64:
        return depth
    rounded = np.float32(depth)
    if side * float(rounded) < side * depth:
        rounded = np.nextafter(rounded, np.float32(side * np.inf))
    return float(rounded)


def _is_inside(corners: Tensor, plane: float, side: float) -> bool | None:
    """Whether no corner is behind the plane; None where looking would wait for a device, or is not possible.

    An image in which nothing is cut pays for this and no more. Reduced over rows of 256 corners, and only then within
    the last row: torch takes elements that lie next to each other sixteen times as fast as every third one.
    """
    if not at_hand(corners):
        return None
    numbers = corners.reshape(-1)
    width = min(768, len(numbers))
    rows = numbers[: len(numbers) // width * width].view(-1, width)
    nearest, rest = (rows.amin(0) if side > 0 else rows.amax(0))[2::3], numbers[rows.numel() + 2 :: 3]
    try:
        return bool((side * nearest >= side * plane).all() & (side * rest >= side * plane).all())
    except RuntimeError:  # vmap forbids control flow that depends on values
        return None


def _whole(face_vertices: Tensor) -> Clipped:
    batch, faces = face_vertices.shape[:2]
    identity = torch.eye(3, dtype=face_vertices.dtype, device=face_vertices.device)
    source = torch.arange(faces, device=face_vertices.device)
    return Clipped(face_vertices, identity.expand(batch, faces, 3, 3), source.expand(batch, faces), _unchanged=True)


def _clip_every_face(face_vertices: Tensor, plane: float, side: float, unused: Tensor) -> Clipped:
    """Two slots for every face, no shape that depends on a value."""
    batch, faces = face_vertices.shape[:2]
    pieces = _cut(face_vertices, plane, side)
    is_whole = (least_of_three(side * face_vertices.detach()[..., 2]) >= side * plane)[..., None, None]
    identity = torch.eye(3, dtype=face_vertices.dtype, device=face_vertices.device)
    first = torch.where(is_whole, face_vertices, torch.where(pieces.has_first, pieces.first, unused))
    second = torch.where(pieces.has_second & ~is_whole, pieces.second, unused)
    weights = torch.cat((torch.where(is_whole, identity, pieces.first_weights), pieces.second_weights), 1)
    source = torch.arange(faces, device=face_vertices.device).repeat(2).expand(batch, -1)
    return Clipped(torch.cat((first, second), 1), weights, source, _copies=2)


def _clip_crossing_faces(face_vertices: Tensor, plane: float, side: float, unused: Tensor) -> Clipped:
    """Work on the faces that cross the plane only, and append their second pieces image by image."""
    batch, faces = face_vertices.shape[:2]
    z = side * face_vertices.detach()[..., 2]
    is_whole, is_gone = least_of_three(z) >= side * plane, -least_of_three(-z) <= side * plane
    crossing = (~is_whole & ~is_gone).flatten().nonzero()[:, 0]
    flat = face_vertices.flatten(0, 1)
    pieces = _cut(flat.index_select(0, crossing), plane, side)

    kept = torch.where((is_gone & ~is_whole).flatten()[:, None, None], unused, flat)
    first = kept.index_copy(0, crossing, pieces.first)
    identity = torch.eye(3, dtype=flat.dtype).expand(len(flat), 3, 3)
    weights = identity.index_copy(0, crossing, pieces.first_weights)

    two = pieces.has_second.flatten().nonzero()[:, 0]
    image, face = crossing[two] // faces, crossing[two] % faces
    counts = torch.bincount(image, minlength=batch)
    extra = int(counts.max())
    slot = torch.arange(len(two)) - (counts.cumsum(0) - counts)[image] + image * extra
    second = unused.expand(batch * extra, 3, 3).index_copy(0, slot, pieces.second.index_select(0, two))
    more = identity[:1].expand(batch * extra, 3, 3).index_copy(0, slot, pieces.second_weights.index_select(0, two))
    source = torch.zeros(batch * extra, dtype=torch.int64).index_copy(0, slot, face)

    return Clipped(
        torch.cat((first.unflatten(0, (batch, faces)), second.view(batch, extra, 3, 3)), 1),
        torch.cat((weights.unflatten(0, (batch, faces)), more.view(batch, extra, 3, 3)), 1),
        torch.cat((torch.arange(faces).expand(batch, faces), source.view(batch, extra)), 1),
    )


@dataclass(frozen=True, eq=False)
class _Pieces:
    """Corners and weights [..., 3, 3], meaningful where the masks [..., 1, 1] hold."""

    first: Tensor
    second: Tensor
    first_weights: Tensor
    second_weights: Tensor
    has_first: Tensor
    has_second: Tensor


def _cut(corners: Tensor, plane: float, side: float) -> _Pieces:
    """Cut triangles [..., 3, 3], each of which may cross the plane or not.

    A corner on the plane counts as behind it, so that no piece is a segment or a point; an edge from the front to such
    a corner is cut at that corner exactly, at `t = 1`.
    """
    height = side * (corners[..., 2] - plane)
    front = height.detach() > 0
    following = front.roll(-1, -1)
    crosses = front != following  # edge k runs from corner k to corner k + 1
    start, end = _edge_weights(height, front, crosses)
    identity = torch.eye(3, dtype=corners.dtype, device=corners.device)
    on_edge = start[..., None] * identity + end[..., None] * identity.roll(1, -1)  # row k: the cut point of edge k
    on_edge_before = on_edge.roll(1, -2)

    # A corner behind the plane moves to the cut point of the edge that joins it to the front; where both edges do, that
    # is the edge to the next corner, and the other one's cut point makes the second piece.
    first = torch.where(front[..., None], identity, torch.where(following[..., None], on_edge, on_edge_before))
    is_cut = crosses.roll(1, -1)
    second = torch.where(is_cut[..., None], on_edge_before, identity)
    count = front.sum(-1)[..., None, None]
    at = [_at_plane(weighted(w, corners), moved, plane) for w, moved in ((first, ~front), (second, is_cut))]
    return _Pieces(at[0], at[1], first, second, count > 0, count == 2)


def _edge_weights(height: Tensor, front: Tensor, crosses: Tensor) -> tuple[Tensor, Tensor]:
    """Weights [..., 3] of every edge's start and end at its cut point, formed from the front corner to the other."""
    ahead, behind = (torch.where(front == up, height, height.roll(-1, -1)) for up in (True, False))
    shortest = 10.0 * torch.finfo(height.dtype).tiny ** 0.5
    t = torch.where(crosses, ahead, 0.0) / torch.where(crosses, ahead - behind, 1.0).clamp_min(shortest)
    return torch.where(front, 1.0 - t, t), torch.where(front, t, 1.0 - t)


def _at_plane(points: Tensor, moved: Tensor, plane: float) -> Tensor:
    """The points [..., 3, 3], those that were moved [..., 3] at the plane's depth exactly."""
    depth = torch.where(moved, plane, points[..., 2])
    return torch.cat((points[..., :2], depth[..., None]), -1)
