"""What a cut leaves of faces: pieces in slots, the faces they come from, and values carried over to their corners."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gendr import _check, _cuda
from gendr._types import FaceVertices
from gendr.distributions._values import at_hand


@dataclass(frozen=True, eq=False)
class Clipped:
    """The pieces of `F` faces that a plane leaves, in `G >= F` slots.

    Slot `f < F` holds what is left of face `f`: all of it, its only piece, or its first piece; the slots from `F` on
    hold further pieces. A slot without a piece has all corners at one point that is out of depth, so that
    `gendr.rasterize` drops it.

    Attributes:
        face_vertices: [B, G, 3, 3], the pieces' corners in camera space; each piece winds as its face does.
        barycentrics: [B, G, 3, 3]; row `i` holds the weights of the face's three corners whose sum is the piece's
            corner `i`. Rows sum to 1.
        source: int64 [B, G], the face of each slot (any face for a slot without a piece).

    >>> from gendr.render import clip_near
    >>> quad = clip_near(torch.tensor([[[[0.0, 1.0, 3.0], [1.0, 0.0, 3.0], [0.0, 0.0, 0.0]]]]), near=1.0)
    >>> quad.source, quad.interpolate(torch.tensor([[[[0.0], [3.0], [6.0]]]]))[0, :, :, 0]  # a value per corner
    (tensor([[0, 0]]), tensor([[0., 3., 4.],
            [4., 3., 5.]]))
    """

    face_vertices: FaceVertices
    barycentrics: Float[Tensor, "B F 3 3"]
    source: Int64[Tensor, "B F"]
    _unchanged: bool = field(default=False, repr=False)
    _copies: int = field(
        default=0, repr=False
    )  # slots of every face, one round of all faces after the other; 0: others
    _order: Tensor | None = field(default=None, repr=False)  # of such rounds: which slot each packed one was

    def interpolate(self, attributes: Float[Tensor, "A F 3 C"]) -> Float[Tensor, "B G 3 C"]:
        """Carry values at the faces' corners over to the pieces' corners, linearly; differentiable.

        Neighbours that share a cut edge, and its values, get the same bits at the shared cut point.

        Args:
            attributes: [B or 1, F, 3, C], in the dtype of the vertices: colours, texture coordinates, normals,
                positions.

        Returns:
            [B, G, 3, C]; `attributes` itself where nothing was cut or dropped.

        Raises:
            TypeError, ValueError: wrong shape, dtype or device.
        """
        batch, slots = self.source.shape
        _check.tensor("attributes", attributes, ("B", "F", 3, "C"), (self.face_vertices.dtype,))
        if attributes.device != self.source.device:
            _check.fail("attributes", f"the vertices' device {self.source.device}", f"{attributes.device}")
        count, faces = attributes.shape[:2]
        if count not in (1, batch) or not faces <= slots <= 4 * faces:
            _check.fail("attributes", f"[{batch} or 1, F, 3, C] for the faces that were clipped", attributes)
        if self._unchanged:
            return attributes
        old = self._gathered(attributes)
        own = self.barycentrics.detach().diagonal(dim1=-2, dim2=-1)
        cut = rows_where(least_of_three(own) < 1)
        if cut is None:
            return weighted(self.barycentrics, old)
        # Few corners are cut as a rule; all others keep their values.
        some = weighted(self.barycentrics.flatten(0, 1).index_select(0, cut), old.flatten(0, 1).index_select(0, cut))
        return old.flatten(0, 1).index_copy(0, cut, some).view_as(old)

    def packed(self, face_ranges: Int64[Tensor, "R 2"]) -> tuple[Clipped, Int64[Tensor, "R 2"]]:
        """Of a packed list of faces, clipped as one image [1, N, 3, 3]: the slots of each image next to each other.

        Args:
            face_ranges: int64 [R, 2] on the CPU, ascending: image `i` holds the faces `[begin, end)`.

        Returns:
            The pieces with every image's further pieces behind its first ones, and the ranges of these slots.

        Raises:
            TypeError, ValueError: `face_ranges` has another form, or the faces are not one image.

        >>> from gendr.render import clip_near
        >>> triangle = torch.tensor([[0.0, 1.0, 3.0], [1.0, 0.0, 3.0], [0.0, 0.0, 0.0]])
        >>> two = clip_near(torch.stack([triangle, triangle])[None], 1.0)
        >>> clipped, ranges = two.packed(torch.tensor([[0, 1], [1, 2]]))
        >>> clipped.source.tolist(), ranges.tolist()
        ([[0, 0, 1, 1]], [[0, 2], [2, 4]])
        """
        _check.tensor("face_ranges", face_ranges, ("R", 2), (torch.int64,))
        if len(self.source) != 1 or face_ranges.device.type != "cpu":
            _check.fail("face_ranges", "ranges on the CPU, of faces clipped as one image", face_ranges)
        if self._unchanged:
            return self, face_ranges
        source = self._source_on_cpu()
        begin, end = face_ranges.T.contiguous()
        image = torch.searchsorted(end, source, right=True)  # the first range that ends beyond the face
        nowhere = torch.full((1,), len(source))
        image = torch.where(source < torch.cat((begin, nowhere))[image], len(end), image)
        slots, order = torch.sort(image, stable=True)
        bounds = torch.searchsorted(slots, torch.arange(len(end) + 1))
        order = _cuda.to_device(order, self.source.device)
        corners, weights = self.face_vertices.index_select(1, order), self.barycentrics.index_select(1, order)
        copies, moved = (self._copies, order) if self._copies else (0, None)
        clipped = Clipped(corners, weights, self.source.index_select(1, order), _copies=copies, _order=moved)
        return clipped, torch.stack((bounds[:-1], bounds[1:]), 1)

    def then(self, other: Clipped) -> Clipped:
        """This cut and one of its pieces, `other`, as one cut of the faces.

        >>> from gendr.render import clip_far, clip_near
        >>> triangle = torch.tensor([[[[0.0, 1.0, 1.0], [0.0, 0.0, 1.0], [0.0, 0.0, 5.0]]]])
        >>> near = clip_near(triangle, 2.0)
        >>> near.then(clip_far(near.face_vertices, 4.0)).interpolate(triangle)[0, 0, :, 2]
        tensor([2., 2., 4.])
        """
        if self._unchanged or other._unchanged:
            return other if self._unchanged else self
        rows = (
            other.source + torch.arange(len(other.source), device=other.source.device)[:, None] * self.source.shape[1]
        )
        inner = self.barycentrics.flatten(0, 1).index_select(0, rows.flatten()).view_as(other.barycentrics)
        weights = weighted(other.barycentrics, inner)
        source = self.source.gather(1, other.source)
        return Clipped(other.face_vertices, weights, source, _copies=self._copies * other._copies)

    def _source_on_cpu(self) -> Tensor:
        """The face [G] of each slot of one image; where slots come in rounds, without a look at the device."""
        if not self._copies:
            return self.source[0]
        source = torch.arange(self.source.shape[1] // self._copies).repeat(self._copies)
        return source if self._order is None else source[self._order.cpu()]

    def _gathered(self, attributes: Tensor) -> Tensor:
        """The face of every slot [B, G, 3, C]; backwards each face adds its slots' gradients in a fixed order."""
        batch, faces = len(self.source), attributes.shape[1]
        if self._copies:
            rounds = attributes.expand(batch, -1, -1, -1).repeat(1, self._copies, 1, 1)
            return rounds if self._order is None else rounds.index_select(1, self._order)
        rows = self.source + torch.arange(batch, device=self.source.device)[:, None] * faces
        flat = attributes.expand(batch, -1, -1, -1).flatten(0, 1)
        chosen: Tensor = flat.index_select(0, rows.flatten()).unflatten(0, rows.shape)
        return chosen


def rows_where(condition: Tensor) -> Tensor | None:
    """Flat indices of what holds; None where their number cannot be known, or only by waiting for a device."""
    if not at_hand(condition):
        return None
    try:
        return condition.flatten().nonzero()[:, 0]
    except RuntimeError:  # under vmap
        return None


def least_of_three(triples: Tensor) -> Tensor:
    """The least of three [..., 3]: two steps over all triples, where a reduction takes them one by one."""
    a, b, c = triples.unbind(-1)
    return torch.minimum(torch.minimum(a, b), c)


def weighted(weights: Tensor, corners: Tensor) -> Tensor:
    """`weights @ corners` [..., 3, C], in elementwise steps: a matrix product may round neighbours' sums apart."""
    parts = [weights[..., k, None] * corners[..., None, k, :] for k in range(3)]
    return parts[0] + parts[1] + parts[2]
