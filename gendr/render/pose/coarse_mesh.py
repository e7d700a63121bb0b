"""A mesh of fewer faces with nearly the same silhouettes, for images that are small and blurred."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor


def clustered(vertices: Float[Tensor, "V 3"], faces: Int64[Tensor, "F 3"], cell: float) -> tuple[Tensor, Tensor]:
    """Merge the vertices within each cube of a grid into their mean; drop the faces that this makes degenerate.

    Args:
        vertices: of the mesh.
        faces: of the mesh.
        cell: side of the cubes. No vertex moves by more than their diagonal.

    Returns:
        Vertices and faces; those given where less than one face would be left.

    Source: Rossignac and Borrel, "Multi-resolution 3D approximations for rendering complex scenes", 1993.

    >>> corners = torch.tensor([[0.0, 0, 0], [0.1, 0, 0], [1, 0, 0], [0, 1, 0]])
    >>> clustered(corners, torch.tensor([[0, 2, 3], [1, 2, 3], [0, 1, 2]]), 0.5)[1].tolist()
    [[0, 2, 1]]
    """
    used, corners = torch.unique(faces, return_inverse=True)
    points = vertices[used]
    cubes = ((points - points.amin(0)) / cell).floor().long()
    _, cluster = torch.unique(cubes, dim=0, return_inverse=True)
    count = int(cluster.max()) + 1
    total = torch.zeros(count, 4, dtype=torch.float64)
    total.index_add_(0, cluster, torch.cat((points.double(), torch.ones(len(points), 1, dtype=torch.float64)), 1))
    merged = cluster[corners]
    a, b, c = merged.unbind(1)
    merged = merged[(a != b) & (b != c) & (c != a)]
    if not len(merged):
        return vertices, faces
    # Two faces with the same corners cover the same pixels, whichever way round.
    _, group = torch.unique(merged.sort(1).values, dim=0, return_inverse=True)
    first = torch.full((int(group.max()) + 1,), len(merged)).scatter_reduce(0, group, torch.arange(len(merged)), "amin")
    return (total[:, :3] / total[:, 3:]).to(vertices.dtype), merged[first]
