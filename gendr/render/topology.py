"""Who is whose neighbour in a mesh: computed once from the faces, used by the losses at every step."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gendr import _check
from gendr._edges import checked_faces, unique_edges
from gendr._types import Faces, Vertices
from gendr.render.ordered_sums import added, taken


@dataclass(frozen=True, eq=False)
class MeshTopology:
    """The connectivity of a triangle mesh; build it once with `from_faces` and hand it to the losses in place of faces.

    Edges are a set: duplicate faces count once, a face's edge from a vertex to itself not at all.

    Attributes:
        n_vertices: `V`; vertices that no face uses are allowed.
        faces: int64 [F, 3], as given.
        edges: int64 [E, 2], every edge once, smaller vertex first, sorted.
        hinges: int64 [I, 4], one row `(a, b, c, d)` for every interior edge `(a, b)`, that is, an edge of exactly two
            faces; `c` and `d` are those faces' third vertices. Faces that repeat a vertex make no hinge, and neither do
            edges of one face (the border) or of three and more.
        neighbours: int64 [2, N], pairs `(i, j)`: vertex `j` is a neighbour of vertex `i`. `N = 2 E` plus one pair
            `(i, i)` for every isolated vertex, which so has itself as its only neighbour.
        valence: int64 [V], how many neighbours a vertex has (0 for an isolated one).

    >>> topology = MeshTopology.from_faces(torch.tensor([[0, 1, 2], [2, 1, 3]]), n_vertices=4)
    >>> topology.hinges.tolist(), topology.valence.tolist()
    ([[1, 2, 0, 3]], [2, 3, 3, 2])
    """

    n_vertices: int
    faces: Faces
    edges: Int64[Tensor, "E 2"]
    hinges: Int64[Tensor, "I 4"]
    neighbours: Int64[Tensor, "2 N"]
    valence: Int64[Tensor, " V"]
    _weights: Float[Tensor, "N 1"]

    @classmethod
    def from_faces(cls, faces: Faces, n_vertices: int) -> MeshTopology:
        """Work out the connectivity of `faces` among `n_vertices` vertices, on the device of `faces`.

        Raises:
            TypeError: `faces` is no tensor.
            ValueError: `faces` is not int64 [F, 3], or an index is outside `[0, n_vertices)`.
        """
        edges = unique_edges(faces, n_vertices)
        valence = torch.bincount(edges.flatten(), minlength=n_vertices)
        alone = (valence == 0).nonzero().T.expand(2, -1)
        neighbours = torch.cat((edges.T, edges.flip(1).T, alone), 1)
        weights = -1.0 / valence.clamp_min(1).double()[neighbours[0], None]
        return cls(n_vertices, faces, edges, _hinges(faces, n_vertices), neighbours, valence, weights)

    def to(self, device: torch.device | str) -> MeshTopology:
        """Return the same connectivity on another device."""
        tensors = (self.faces, self.edges, self.hinges, self.neighbours, self.valence, self._weights)
        return MeshTopology(self.n_vertices, *(tensor.to(device) for tensor in tensors))

    def laplacian(self, vertices: Vertices) -> Vertices:
        """Return the uniform Laplacian vectors `x_i - mean of its neighbours` [*, V, 3]; 0 for isolated vertices.

        Source: Desbrun, Meyer, Schröder, Barr, "Implicit fairing of irregular meshes", SIGGRAPH 1999 (the umbrella).

        Raises:
            TypeError, ValueError: `vertices` is no float tensor [V, 3] or [B, V, 3] of this mesh's `V`.
        """
        _check.tensor("vertices", vertices, ("*", self.n_vertices, 3))
        pulls = taken(vertices, -2, self.neighbours[1]) * self._weights.to(vertices.dtype)
        return added(vertices, -2, self.neighbours[0], pulls)


def _hinges(faces: Tensor, n_vertices: int) -> Tensor:
    """Pair the faces that meet in an edge: rows (edge's ends, the two third vertices), edges in sorted order."""
    a, b, c = checked_faces(faces, n_vertices).unbind(1)
    corners = faces[(a != b) & (b != c) & (c != a)]
    halves = corners[:, [0, 1, 2, 1, 2, 0, 2, 0, 1]].reshape(-1, 3)  # (end, end, third vertex) of a face's three edges
    low, high = halves[:, :2].amin(1), halves[:, :2].amax(1)
    keys, order = torch.sort(low * n_vertices + high, stable=True)
    _, counts = torch.unique_consecutive(keys, return_counts=True)
    first = (counts.cumsum(0) - counts)[counts == 2]
    one, other = order[first], order[first + 1]
    return torch.stack((low[one], high[one], halves[one, 2], halves[other, 2]), 1)
