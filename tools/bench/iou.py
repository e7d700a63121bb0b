"""Intersection over union of every image apart: what runs that share a call must not share."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from gendr._types import Alpha


def soft_iou(alpha: Alpha, target: Alpha) -> Float[Tensor, " B"]:
    """`sum(a t) / sum(a + t - a t)` of each image [B, H, W]; 1, with gradient 0, where both are empty.

    `1 - soft_iou(...).mean()` is `gendr.render.losses.iou_loss`; of 0-1 images it is the hard IoU.

    >>> import torch
    >>> soft_iou(torch.tensor([[[1.0, 0.5]], [[0.0, 0.0]]]), torch.tensor([[[1.0, 0.0]], [[0.0, 0.0]]]))
    tensor([0.6667, 1.0000])
    """
    both = (alpha * target).sum((1, 2))
    either = alpha.sum((1, 2)) + target.sum((1, 2)) - both
    empty = either == 0
    return (both / either.masked_fill(empty, 1.0)).masked_fill(empty, 1.0)
