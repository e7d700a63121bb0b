"""Regularisers of a mesh.

They are sums over one mesh and means over the batch, which is what the weights of the published protocol refer to:
`iou_loss + 0.03 * laplacian_loss + 0.0003 * flatten_loss`. Their `faces` may be a `MeshTopology`, which an optimisation
loop builds once; with a plain tensor the connectivity is worked out anew at every call (milliseconds). Every one is a
0-dim tensor of its input's dtype.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from gendr import _check
from gendr._autocast import in_single_precision
from gendr._types import Faces, Vertices
from gendr.render.ordered_sums import taken
from gendr.render.topology import MeshTopology

Scalar = Float[Tensor, ""]


@in_single_precision
def laplacian_loss(vertices: Vertices, faces: Faces | MeshTopology) -> Scalar:
    r"""Uniform Laplacian smoothness: `mean_B sum_i | x_i - mean_{j in N(i)} x_j |^2`.

    0 for a mesh whose every vertex is the mean of its neighbours; isolated vertices add nothing. In units of length
    squared.

    Args:
        vertices: [V, 3] or [B, V, 3].
        faces: int64 [F, 3], or the `MeshTopology` built from it.

    Returns:
        0-dim, in [0, inf).

    Raises:
        TypeError, ValueError: wrong shapes or dtypes, or an index out of range.

    Source: Liu et al., "Soft Rasterizer", ICCV 2019, equation 10; Desbrun et al., SIGGRAPH 1999.

    >>> corner = torch.tensor([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]])
    >>> laplacian_loss(corner, torch.tensor([[0, 1, 2]]))  # each vertex is sqrt(1.5) from the middle of the other two
    tensor(4.5000)
    """
    return _mean_over_batch(_topology(vertices, faces).laplacian(vertices).square())


@in_single_precision
def flatten_loss(vertices: Vertices, faces: Faces | MeshTopology) -> Scalar:
    r"""Dihedral smoothness: `mean_B sum_e (cos theta_e + 1)^2` over the interior edges `e`.

    `theta_e` is the angle at the edge between its two faces: `pi` (cosine -1) where the surface is flat, 0 where it is
    folded onto itself; whichever way the faces wind. Border edges and edges of three and more faces add nothing.
    With `d` the edge and `p, q` the vectors from one of its ends to the two third vertices, all of unit length, the
    cosine is that of `d x p` and `d x q`. Where the sine of the angle between `d` and `p` is below four machine
    epsilons the face has no side to speak of; the vector fades to 0 there, so that degenerate faces, repeated vertices
    and edges shorter than 1e-18 (float32) give a finite value and gradient.

    Args:
        vertices: [V, 3] or [B, V, 3].
        faces: int64 [F, 3], or the `MeshTopology` built from it.

    Returns:
        0-dim, in [0, 4 I] for `I` interior edges; does not change with the mesh's size.

    Raises:
        TypeError, ValueError: wrong shapes or dtypes, or an index out of range.

    Source: Liu et al., "Soft Rasterizer", ICCV 2019, equation 11. (The published code forgets those edges that are the
    closing edge, third to first vertex, of both their faces.)

    >>> roof = torch.tensor([[0.0, 0, 0], [0, 1.0, 0], [1.0, 0, 0], [0, 0, 1.0]])  # two faces at a right angle
    >>> flatten_loss(roof, torch.tensor([[0, 1, 2], [1, 0, 3]]))
    tensor(1.)
    """
    hinges = _topology(vertices, faces).hinges
    limits = torch.finfo(vertices.dtype)
    # Coordinates as rows, [*, 3, 4, I]: reductions over three contiguous rows instead of over triples in memory.
    corners = taken(vertices.mT, -1, hinges.T.flatten()).reshape(*vertices.shape[:-2], 3, 4, len(hinges))
    rays = _unit(corners[..., 1:, :] - corners[..., :1, :], 10.0 * limits.tiny**0.5)
    sides = _unit(torch.stack(_cross(rays[..., :1, :].unbind(-3), rays[..., 1:, :].unbind(-3)), -3), 4.0 * limits.eps)
    cosines = (sides[..., 0, :] * sides[..., 1, :]).sum(-2, keepdim=True)
    return _mean_over_batch((cosines + 1.0).square())


@in_single_precision
def area_loss(vertices: Vertices, faces: Faces | MeshTopology) -> Scalar:
    r"""Area of the surface: `mean_B sum_f |(b - a) x (c - a)| / 2` over the faces `f = (a, b, c)`.

    Among the surfaces that agree with some silhouettes it is least for those that span what no silhouette shows like a
    film of soap: flat lids instead of the cones of the visual hull, and no dents, which a penalty of the volume would
    dig. Faces count as given, duplicates each time; a face of no area has the gradient 0 (a subgradient).

    Args:
        vertices: [V, 3] or [B, V, 3].
        faces: int64 [F, 3], or the `MeshTopology` built from it.

    Returns:
        0-dim, in [0, inf), in units of length squared.

    Raises:
        TypeError, ValueError: wrong shapes or dtypes, or an index out of range.

    >>> area_loss(torch.tensor([[0.0, 0, 0], [3.0, 0, 0], [0, 4.0, 0]]), torch.tensor([[0, 1, 2]]))
    tensor(6.)
    """
    topology = _topology(vertices, faces)
    if not len(topology.faces):
        return vertices.sum() * 0.0
    # Coordinates as rows, as in `flatten_loss`: [*, 3, 3, F].
    corners = taken(vertices.mT, -1, topology.faces.T.flatten()).unflatten(-1, (3, -1))
    edges = corners[..., 1:, :] - corners[..., :1, :]
    # The area does not depend on this length of reference; without it a square of squares would overflow.
    length = edges.detach().abs().amax((-3, -2)).clamp_min(torch.finfo(vertices.dtype).tiny)
    first, second = (side.unbind(-2) for side in (edges / length[..., None, None, :]).unbind(-2))
    x, y, z = _cross(first, second)
    square = x.square() + y.square() + z.square()
    flat = square == 0
    areas = 0.5 * length.square() * square.masked_fill(flat, 1.0).sqrt().masked_fill(flat, 0.0)
    return _mean_over_batch(areas[..., None])


@in_single_precision
def edge_length_loss(vertices: Vertices, faces: Faces | MeshTopology, target_length: int | float = 0.0) -> Scalar:
    r"""Evenness of the edges: `mean_B mean_e ( |x_a - x_b| - l )^2` over the edges `e = (a, b)`.

    The only regulariser here that is a mean over the mesh, so that its weight does not change with the resolution.
    0 for a mesh without edges. At an edge of length 0 the gradient is 0 (a subgradient).

    Args:
        vertices: [V, 3] or [B, V, 3].
        faces: int64 [F, 3], or the `MeshTopology` built from it.
        target_length: `l` in [0, inf), the length at rest, in units of the vertices.

    Returns:
        0-dim, in [0, inf).

    Raises:
        TypeError, ValueError: wrong shapes or dtypes, an index or `target_length` out of range.

    Source: Wang et al., "Pixel2Mesh", ECCV 2018, section 3.3 (there with l = 0 and a sum).

    >>> corner = torch.tensor([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]])
    >>> edge_length_loss(corner, torch.tensor([[0, 1, 2]]))
    tensor(2.)
    """
    topology = _topology(vertices, faces)
    target_length = _check.number("target_length", target_length, 0.0)
    if not len(topology.edges):
        return vertices.sum() * 0.0
    ends = _gather(vertices, topology.edges)
    edges = ends[..., 0, :] - ends[..., 1, :]
    if target_length == 0.0:
        return edges.square().mean() * 3.0
    lengths: Tensor = torch.linalg.vector_norm(edges, dim=-1)
    return (lengths - target_length).square().mean()


def _unit(rows: Tensor, shortest: float) -> Tensor:
    """Vectors [*, 3, K, I] at length 1, or divided by `shortest` when they are shorter."""
    return rows / rows.square().sum(-3, keepdim=True).clamp_min(shortest**2).sqrt()


def _cross(first: Sequence[Tensor], second: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Cross product by rows of coordinates, on which `torch.linalg.cross` takes more than twice as long."""
    (x, y, z), (u, v, w) = first, second
    return y * w - z * v, z * u - x * w, x * v - y * u


def _gather(vertices: Tensor, index: Tensor) -> Tensor:
    """`vertices[..., index, :]` [*, N, K, 3]."""
    chosen = taken(vertices, -2, index.flatten())
    return chosen.reshape(*vertices.shape[:-2], *index.shape, 3)


def _mean_over_batch(terms: Tensor) -> Tensor:
    """Sum over a mesh's terms, mean over the batch, which stands before the last two dimensions when there is one."""
    return terms.sum() if terms.ndim < 3 else terms.sum() / max(len(terms), 1)


def _topology(vertices: Tensor, faces: Tensor | MeshTopology) -> MeshTopology:
    _check.tensor("vertices", vertices, ("*", "V", 3))
    if vertices.ndim > 3:
        _check.fail("vertices", "[V, 3] or [B, V, 3]", vertices)
    if isinstance(faces, Tensor):
        return MeshTopology.from_faces(faces, vertices.shape[-2])
    if not isinstance(faces, MeshTopology):
        raise TypeError(f"faces: expected int64 [F, 3] or a MeshTopology, got {_check.describe(faces)}")
    if faces.n_vertices != vertices.shape[-2]:
        _check.fail("vertices", f"the topology's {faces.n_vertices} vertices", vertices)
    return faces
