"""The baseline that learns nothing: the voxels of the training object whose silhouette is most alike."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from gendr.tools.fit.pictures import spread
from gendr.tools.reconstruct.evaluate import Solids, Voxels
from gendr.tools.shapes.layout import VIEWS

BLOCK = 4096
"""Silhouettes that are compared at once."""


class Retrieval:
    """Images to voxels: those of the training object that has, in any view, the silhouette of largest IoU.

    All classes are searched. Voxels lie in the object's own frame, so the view need not be known.

    Args:
        train: training objects.
        views: how many of an object's 24 views are searched, evenly spread.

    Source: the kind of baseline of Yan et al., "Perspective Transformer Nets", NeurIPS 2016; theirs compares features
    of a network, which must be trained.

    >>> class Cubes:
    ...     classes = names = ["cabinet"]
    ...     counts = [1]
    ...     def images(self, name): return np.full((1, 24, 4, 8, 8), 255, np.uint8)
    ...     def voxels(self, name): return np.ones((1, 32, 32, 32), bool)
    >>> Retrieval(Cubes())(torch.ones(2, 4, 8, 8)).shape
    torch.Size([2, 32, 32, 32])
    """

    def __init__(self, train: Solids, views: int = VIEWS) -> None:
        chosen = spread(VIEWS, views)
        masks, owners, self._train = [], [], train
        for kind, name in enumerate(train.names):
            images = train.images(name)
            for item in range(len(images)):
                masks.append(images[item][chosen, 3] > 127)
                owners += [(kind, item)] * len(chosen)
        self._masks: Bool[Tensor, "T P"] = torch.from_numpy(np.concatenate(masks)).flatten(1)
        self._owners = owners

    def __call__(self, images: Float[Tensor, "N 4 H W"]) -> Voxels:
        """The voxels of the most alike object for each image."""
        found = nearest(self._masks, (images[:, 3] > 0.5).flatten(1))
        owners = [self._owners[index] for index in found.tolist()]
        return torch.from_numpy(np.stack([self._train.voxels(self._train.names[k])[i] for k, i in owners]) != 0)


def nearest(known: Bool[Tensor, "T P"], wanted: Bool[Tensor, "N P"]) -> Int64[Tensor, " N"]:
    """For each wanted mask the index of the known one with the largest intersection over union, the first among equals.

    >>> known = torch.tensor([[True, False, False], [True, True, False]])
    >>> nearest(known, torch.tensor([[True, True, True], [True, False, False]]))
    tensor([1, 0])
    """
    sought = wanted.float()
    best = torch.full((len(wanted),), -1.0)
    index = torch.zeros(len(wanted), dtype=torch.int64)
    for start in range(0, len(known), BLOCK):
        block = known[start : start + BLOCK].float()
        both = sought @ block.T
        either = sought.sum(1)[:, None] + block.sum(1) - both
        score, at = torch.where(either > 0, both / either.clamp_min(1.0), 1.0).max(1)
        better = score > best
        best, index = torch.where(better, score, best), torch.where(better, at + start, index)
    return index
