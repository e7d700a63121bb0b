"""Predictions brought nearer to the silhouette that they were made from, through the renderer."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gendr import _check
from gendr._threads import threads_for_kernels
from gendr._types import Alpha, Vertices
from gendr.render.losses import hard_iou, soft_iou
from gendr.tools.reconstruct.objective import MultiView
from gendr.tools.reconstruct.predict import BATCH, Images, Trained
from gendr.tools.shapes.layout import VIEWS

SHARP = 1e-6
"""Softness of the silhouettes that tell the view."""


@dataclass(frozen=True)
class Refiner:
    r"""Images to vertices: a run's predictions, whose features then descend on the image's own silhouette.

    The network's features `z0` of an image give a mesh. In each of a few of the 24 views of the data's layout, those in
    which the mesh's silhouette agrees best with the image's, Adam minimises

        1 - IoU(render(decode(z), view), alpha) + hold mean((z - z0)^2) / var(z0)

    over `z`; the view where that becomes least is taken to be the image's. What the silhouette does not show is left to
    the decoder, which has only learnt objects. Nothing but the image is used; the view of an object that looks alike
    from several may be wrong, and the mesh then follows it.

    Args:
        trained: a run.
        steps: of Adam; 0 gives the predictions as they are.
        lr: its step size, in standard deviations of `z0`'s numbers.
        hold: weight of what keeps the features.
        views: how many are tried, from 1 to 24.

    Raises:
        TypeError, ValueError: a number out of its range.
    """

    trained: Trained
    steps: int = 30
    lr: float = 0.03
    hold: float = 0.3
    views: int = 3

    def __post_init__(self) -> None:
        _check.number("steps", self.steps, 0)
        _check.number("lr", self.lr, 0.0, open_low=True)
        _check.number("hold", self.hold, 0.0)
        _check.number("views", self.views, 1, VIEWS)

    def vertices(self, images: Images) -> Vertices:
        """Refined meshes `[N, V, 3]`; arguments and errors are those of `Trained.vertices`."""
        first = self.trained.vertices(images)
        if not self.steps or not len(images):
            return first
        with threads_for_kernels():
            lots = zip(images.split(BATCH), first.split(BATCH), strict=True)
            parts = [self._refined(*lot) for lot in lots]
        return torch.cat(parts)

    def _refined(self, images: Images, first: Vertices) -> Vertices:
        network, alphas = self.trained.network, images[:, 3]
        objective = MultiView(network.template, self.trained.settings, images.shape[-1])
        views = likeliest_views(objective, first, alphas, self.views)
        with torch.no_grad():
            start = network.features(images)
            unit = start.std(1, keepdim=True).clamp_min(1e-6)
        tried = [self._descended(objective, start, unit, views_, alphas) for views_ in views]
        moves, losses = (torch.stack(parts) for parts in zip(*tried, strict=True))
        best = moves[losses.argmin(0), torch.arange(len(images))]
        with torch.no_grad():
            refined: Vertices = network.decoder(start + unit * best)
        return refined

    def _descended(
        self, objective: MultiView, start: Tensor, unit: Tensor, views: Int64[Tensor, " N"], alphas: Alpha
    ) -> tuple[Float[Tensor, "N D"], Float[Tensor, " N"]]:
        """How far the features have moved in units, each image's in its view, and what the loss was before the end."""
        decoder, settings = self.trained.network.decoder, self.trained.settings
        _, tau = settings.rates(settings.steps - 1)
        moves = torch.zeros_like(start, requires_grad=True)
        optimizer = torch.optim.Adam([moves], lr=self.lr)
        with torch.enable_grad():
            for _ in range(self.steps):
                met = soft_iou(objective.render(decoder(start + unit * moves), views, tau), alphas)
                losses = 1.0 - met + self.hold * moves.square().mean(1)
                # Sums over the images, not means: what becomes of one does not depend on its company.
                (moves.grad,) = torch.autograd.grad(losses.sum(), moves)
                optimizer.step()
        return moves.detach(), losses.detach()


def likeliest_views(objective: MultiView, vertices: Vertices, alphas: Alpha, count: int = 1) -> Int64[Tensor, "K N"]:
    """For each mesh `[N, V, 3]` the `count` views in which its silhouette agrees best with the alphas, best first."""
    with torch.no_grad():
        scores: list[Float[Tensor, " N"]] = []
        for view in range(VIEWS):
            views = torch.full((len(vertices),), view)
            scores.append(hard_iou(objective.render(vertices, views, SHARP), alphas))
    return torch.stack(scores).topk(count, 0).indices
