"""The edges of a triangle mesh as a set, which preconditioners and mesh losses share."""

from __future__ import annotations

import torch
from torch import Tensor

from gendr import _check


def checked_faces(faces: Tensor, n_vertices: int) -> Tensor:
    """Return `faces` when it is int64 [F, 3] and every index lies in `[0, n_vertices)`.

    Raises:
        TypeError: `faces` is no tensor.
        ValueError: wrong dtype, shape, or an index out of range.
    """
    _check.tensor("faces", faces, ("F", 3), (torch.int64,))
    if len(faces):
        low, high = (int(bound) for bound in torch.aminmax(faces))
        if low < 0 or high >= n_vertices:
            _check.fail("faces", f"indices in [0, {n_vertices - 1}]", f"index {low if low < 0 else high}")
    return faces


def unique_edges(faces: Tensor, n_vertices: int) -> Tensor:
    r"""Return every edge once as int64 [E, 2], smaller vertex first, sorted; an edge from a vertex to itself is none.

    Duplicate faces and edges with more than two faces add nothing: the edges are a set.

    >>> unique_edges(torch.tensor([[0, 1, 2], [2, 1, 3]]), 4).tolist()
    [[0, 1], [0, 2], [1, 2], [1, 3], [2, 3]]
    """
    ends = checked_faces(faces, n_vertices)[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    low, high = ends.amin(1), ends.amax(1)
    keys = torch.unique((low * n_vertices + high)[low != high])  # one integer per edge: a one-dimensional sort
    return torch.stack((keys // max(n_vertices, 1), keys % max(n_vertices, 1)), 1)
