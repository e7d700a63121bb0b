"""What is minimised: silhouettes of two predictions in both views against those of the object, and smoothness."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gendr._types import Alpha, Vertices
from gendr.render import Camera, Mesh, MeshTopology, Renderer
from gendr.render.losses import area_loss, flatten_loss, hard_iou, iou_loss, laplacian_loss
from gendr.tools.reconstruct.batches import Batch
from gendr.tools.reconstruct.settings import Settings
from gendr.tools.shapes.layout import VIEWS
from gendr.tools.shapes.views import cameras

TINY = 1e-8
"""Added to squared distances: a root has no slope at 0."""

TOLD = 8
"""Objects whose silhouettes tell how far meshes have been learnt."""


@dataclass(frozen=True)
class Objective:
    """The terms of one step, each a mean over the batch.

    Attributes:
        loss: what is minimised: `silhouette + w_l laplacian + w_f flatten + w_a area`, or a distance of vertices.
        silhouette: 1 - IoU of soft and true silhouettes over all renders.
        laplacian: of the predicted meshes.
        flatten: of the predicted meshes.
        area: of the predicted meshes.
        alphas: the renders. For predictions from both images `[2 K B, H, W]`: in the first view the predictions from
            the first and from the second image, then both in the second view, and so on.
        iou: of the silhouettes' masks, without gradient.
    """

    loss: Float[Tensor, ""]
    silhouette: Float[Tensor, ""]
    laplacian: Float[Tensor, ""]
    flatten: Float[Tensor, ""]
    area: Float[Tensor, ""]
    alphas: Alpha
    iou: Float[Tensor, ""]


class MultiView:
    """Renders two predictions of each object into two views or more, and compares.

    Args:
        template: faces of all predictions, and their dtype.
        settings: renderer and weights.
        image_size: of the silhouettes.
        device: of the predictions.

    Source: Liu et al., "Soft Rasterizer", ICCV 2019, section 5.1; Petersen, *Learning with Differentiable Algorithms*
    (2022), section 5.4.3.

    >>> sphere = Mesh.icosphere(1, radius=0.25)
    >>> objective = MultiView(sphere, Settings(("02691156",), (1,)), 16)
    >>> objective.render(sphere.vertices.expand(2, -1, -1), torch.tensor([0, 6]), tau=1e-4).shape
    torch.Size([2, 16, 16])
    """

    def __init__(
        self, template: Mesh, settings: Settings, image_size: int = 64, device: torch.device | str = "cpu"
    ) -> None:
        self._mesh = template.to(device)
        self._topology = MeshTopology.from_faces(self._mesh.faces, template.n_vertices)
        self._settings = settings
        self._size = image_size
        self._cameras: Camera = cameras(torch.arange(VIEWS), template.vertices.dtype).to(device)

    def __call__(self, vertices: Vertices, batch: Batch, tau: float) -> Objective:
        """The terms for predictions `[2 B, V, 3]` from a batch's images, or for one mesh `[B, V, 3]` of each object."""
        objects = len(batch)
        times, views_each = len(vertices) // objects, len(batch.views) // objects
        views = torch.cat([view for view in batch.views.split(objects) for _ in range(times)])
        targets = torch.cat([alpha for alpha in batch.alphas.split(objects) for _ in range(times)])
        alphas = self.render(torch.cat([vertices] * views_each), views, tau)
        silhouette = iou_loss(alphas, targets)
        laplacian, flatten = laplacian_loss(vertices, self._topology), flatten_loss(vertices, self._topology)
        weights = self._settings
        area = area_loss(vertices if weights.area else vertices.detach(), self._topology)
        loss = silhouette + weights.laplacian * laplacian + weights.flatten * flatten + weights.area * area
        return Objective(loss, silhouette, laplacian, flatten, area, alphas, hard_iou(alphas, targets).mean())

    def learning(
        self, vertices: Float[Tensor, "N V 3"], wanted: Float[Tensor, "B V 3"], batch: Batch, tau: float
    ) -> Objective:
        """The terms where predictions `[2 B, V, 3]` have meshes `[B, V, 3]` to learn.

        The loss is the mean distance of their vertices. The other terms only tell how far the predictions have come:
        they are of those from the first views of a few objects, and have no gradient.
        """
        distance = (vertices - wanted.repeat(2, 1, 1)).square().sum(-1).add(TINY).sqrt().mean()
        with torch.no_grad():
            terms = self(vertices[: min(TOLD, len(wanted))], batch.first(TOLD), tau)
        return replace(terms, loss=distance)

    def render(self, vertices: Vertices, views: Int64[Tensor, " B"], tau: float) -> Alpha:
        """The silhouettes `[B, H, W]` of meshes `[B, V, 3]`, each in its view, in one call of the rasterizer."""
        renderer = Renderer(self._size, self._settings.family, tau, self._settings.conorm)
        return renderer(self._mesh.with_vertices(vertices), self._cameras[views]).alpha
