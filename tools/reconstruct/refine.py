"""Predictions brought nearer to the silhouette that they were made from, through the renderer."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gendr import _check
from gendr._threads import threads_for_kernels
from gendr._types import Alpha, Vertices
from gendr.render.losses import hard_iou, iou_loss
from gendr.tools.reconstruct.objective import MultiView
from gendr.tools.reconstruct.predict import BATCH, Images, Trained
from gendr.tools.shapes.layout import VIEWS

SHARP = 1e-6
"""Softness of the silhouettes that tell the view."""


@dataclass(frozen=True)
class Refiner:
    r"""Images to vertices: a run's predictions, whose features then descend on the image's own silhouette.

    The network's features `z0` of an image give a mesh. Of the 24 views of the data's layout, those in which its
    silhouette agrees with the image's better than in the views beside them are likely ones; for each of the best of
    these Adam minimises

        1 - IoU(render(decode(z), view), alpha) + hold mean((z - z0)^2) / var(z0)

    over `z`, and the view whose minimum is lowest is taken. What the silhouette does not show is left to the decoder,
    which has only learnt objects. Nothing but the image is used; the view of an object that looks alike from several
    may still be wrong, and the mesh then follows it.

    Args:
        trained: a run.
        steps: of Adam; 0 gives the predictions as they are.
        lr: its step size, in standard deviations of `z0`'s numbers.
        hold: weight of what keeps the features.
        views: how many likely views are tried.

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
        _, tau = self.trained.settings.rates(self.trained.settings.steps - 1)
        views = likely_views(objective, first, alphas, self.views).flatten()
        with torch.no_grad():
            start = network.features(images).repeat(self.views, 1)
        alphas = alphas.repeat(self.views, 1, 1)
        unit = start.std(1, keepdim=True).clamp_min(1e-6)
        moves = torch.zeros_like(start, requires_grad=True)
        optimizer = torch.optim.Adam([moves], lr=self.lr)
        with torch.enable_grad():
            for _ in range(self.steps):
                missed = iou_loss(objective.render(network.decoder(start + unit * moves), views, tau), alphas)
                # Sums over the images, not means: what becomes of one does not depend on its company.
                loss = len(start) * (missed + self.hold * moves.square().mean())
                (moves.grad,) = torch.autograd.grad(loss, moves)
                optimizer.step()
        with torch.no_grad():
            refined = network.decoder(start + unit * moves)
            agreement = hard_iou(objective.render(refined, views, SHARP), alphas) - self.hold * moves.square().mean(1)
        best = agreement.unflatten(0, (self.views, -1)).argmax(0)
        chosen: Vertices = refined.unflatten(0, (self.views, -1))[best, torch.arange(len(images))]
        return chosen


def likely_views(objective: MultiView, vertices: Vertices, alphas: Alpha, count: int) -> Int64[Tensor, "K N"]:
    """For each mesh `[N, V, 3]` the views in which its silhouette agrees best with the alphas, the best first.

    Only views that are better than those beside them count, until there are no more of these.
    """
    with torch.no_grad():
        scores: list[Float[Tensor, " N"]] = []
        for view in range(VIEWS):
            views = torch.full((len(vertices),), view)
            scores.append(hard_iou(objective.render(vertices, views, SHARP), alphas))
    ring = torch.stack(scores)
    is_peak = (ring >= ring.roll(1, 0)) & (ring >= ring.roll(-1, 0))
    return (ring + is_peak).topk(count, 0).indices  # agreement lies in [0, 1]
