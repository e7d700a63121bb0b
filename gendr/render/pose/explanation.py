"""What a search's poses say together: the best one, how sure it is, and the others that explain the mask as well."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gendr.render.camera import Camera

DISTINCT = 15.0
"""Degrees between poses that count as two."""

PIXELS = 0.01
"""A loss about as large as that of pixels' rounding: poses no further apart in loss explain a mask equally well."""


@dataclass(frozen=True, eq=False)
class Alternatives:
    """Other poses that explain one mask as well, the best first.

    Attributes:
        camera: `M` cameras, float64; None where there are none.
        loss: [M], `1 - IoU`.
    """

    camera: Camera | None
    loss: Float[Tensor, " M"]

    def __len__(self) -> int:
        return len(self.loss)


@dataclass(frozen=True, eq=False)
class PoseEstimate:
    """What `estimate` returns.

    Attributes:
        camera: `B` cameras, float64.
        loss: [B], `1 - IoU` of sharp silhouettes at the masks' size.
        confidence: [B], in [0, 1): `1 - (loss + f) / (next + f)`, where `next` is the loss of the best pose more than
            15 degrees away among those refined (1 where there is none), and `f = 0.01` about what pixels alone give.
        is_ambiguous: [B], whether such a pose has a loss no larger than `loss + f`.
        alternatives: `B` lists of those poses, each 15 degrees away from all before it.
    """

    camera: Camera
    loss: Float[Tensor, " B"]
    confidence: Float[Tensor, " B"]
    is_ambiguous: Bool[Tensor, " B"]
    alternatives: tuple[Alternatives, ...]


def explained(camera: Camera, loss: Float[Tensor, "B N"]) -> PoseEstimate:
    """The estimate from `N` refined poses of each of `B` masks.

    >>> from gendr.render.camera import Camera
    >>> two = Camera.look_at(2.0, 0.0, torch.tensor([0.0, 90.0]).double())
    >>> found = explained(two, torch.tensor([[0.03, 0.02]]))
    >>> round(float(found.confidence), 2), len(found.alternatives[0])
    (0.25, 1)
    """
    batch, count = loss.shape
    rotation = camera.rotation.view(batch, count, 9)
    is_apart = (rotation @ rotation.mT - 1.0) / 2.0 < math.cos(math.radians(DISTINCT))
    order = loss.argsort(dim=1, stable=True)
    best = order[:, 0]
    least = loss.gather(1, best[:, None])[:, 0]
    others = torch.where(is_apart[torch.arange(batch), best], loss, 1.0).amin(1)
    alternatives = []
    for index in range(batch):
        chosen = [int(best[index])]
        for place in order[index].tolist():
            is_as_good = loss[index, place] <= least[index] + PIXELS
            if is_as_good and bool(is_apart[index, place, chosen].all()):
                chosen.append(place)
        places = torch.tensor(chosen[1:], dtype=torch.int64)
        alternatives.append(Alternatives(camera[index * count + places] if len(places) else None, loss[index, places]))
    confidence = (1.0 - (least + PIXELS) / (others + PIXELS)).clamp_min(0.0)
    is_ambiguous = torch.tensor([len(other) > 0 for other in alternatives])
    return PoseEstimate(
        camera[torch.arange(batch) * count + best], least, confidence, is_ambiguous, tuple(alternatives)
    )
