"""The published measure: 3D IoU of predicted and true voxels, class by class."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor

from gendr._types import Faces
from gendr.tools.fit.pictures import spread
from gendr.tools.reconstruct.batches import Shapes
from gendr.tools.reconstruct.predict import BATCH, Predict
from gendr.tools.shapes.layout import VIEWS
from gendr.tools.shapes.voxels import iou_3d, voxelise

HEADINGS = {"cabinet": "Dresser", "loudspeaker": "Speaker", "telephone": "Phone"}
"""What the published tables call these classes; the others have their own names."""

Voxels = Bool[Tensor, "N R R R"]


class Solids(Shapes, Protocol):
    """Objects with images and voxels; `gendr.tools.shapes.layout.ShapeData` is one."""

    def voxels(self, name: str) -> NDArray[Any]:
        """`[N, 32, 32, 32]`, index order x, y, z."""


def evaluate(
    data: Solids,
    voxels_of: Callable[[Float[Tensor, "N 4 H W"]], Voxels],
    views: int = VIEWS,
    *,
    seen: Callable[[int], None] = lambda _: None,
) -> dict[str, float]:
    """Mean 3D IoU of each class over its objects and views.

    Args:
        data: images and true voxels.
        voxels_of: predicts voxels from images in [0, 1].
        views: how many of an object's 24 views are taken, evenly spread.
        seen: called with the number of images done after each lot.

    Returns:
        By class name, in the data's order; classes without objects are left out.

    >>> class Cubes:
    ...     classes = names = ["cabinet"]
    ...     counts = [2]
    ...     def images(self, name): return np.zeros((2, 24, 4, 64, 64), np.uint8)
    ...     def voxels(self, name): return np.ones((2, 32, 32, 32), bool)
    >>> evaluate(Cubes(), lambda images: torch.ones(len(images), 32, 32, 32, dtype=torch.bool), views=3)
    {'cabinet': 1.0}
    """
    chosen = spread(VIEWS, views)
    means = {}
    for name in data.names:
        images, truth = data.images(name), data.voxels(name)
        pairs = [(item, view) for item in range(len(images)) for view in chosen]
        scores = []
        for start in range(0, len(pairs), BATCH):
            lot = pairs[start : start + BATCH]
            pictures = pictures_of(images, lot)
            solid = np.stack([truth[item] for item, _ in lot]) != 0
            scores.append(iou_3d(voxels_of(pictures), torch.from_numpy(solid)))
            seen(len(lot))
        if scores:
            means[name] = float(torch.cat(scores).double().mean())
    return means


def predicted_voxels(predict: Predict, faces: Faces, resolution: int = 32) -> Callable[[Tensor], Voxels]:
    """A predictor of meshes as one of voxels.

    >>> from gendr import Mesh
    >>> ball = Mesh.icosphere(2, radius=0.4)
    >>> voxels_of = predicted_voxels(lambda images: ball.vertices.expand(len(images), -1, -1), ball.faces)
    >>> voxels_of(torch.zeros(2, 4, 64, 64)).shape
    torch.Size([2, 32, 32, 32])
    """
    return lambda images: voxelise(predict(images), faces, resolution)


def pictures_of(images: NDArray[Any], pairs: Sequence[tuple[int, int]]) -> Float[Tensor, "N 4 H W"]:
    """Images by object and view, in [0, 1].

    >>> pictures_of(np.full((1, 24, 4, 8, 8), 255, np.uint8), [(0, 3), (0, 5)]).shape
    torch.Size([2, 4, 8, 8])
    """
    rows = [images[item][view] for item, view in pairs]
    return torch.from_numpy(np.stack(rows) if rows else np.empty((0, *images.shape[2:]), np.uint8)).float() / 255.0


def mean(classes: Mapping[str, float]) -> float:
    """The classes' mean, in which each counts alike.

    >>> mean({"chair": 0.5, "table": 0.7})
    0.6
    """
    return sum(classes.values()) / len(classes)


def table(rows: Mapping[str, Mapping[str, float]]) -> str:
    """Methods by classes as Markdown, in the layout of the published tables: a row for each method, the mean last.

    >>> print(table({"gendr": {"chair": 0.5, "cabinet": 0.7}}))
    | Method | Chair | Dresser | Mean |
    | --- | --- | --- | --- |
    | gendr | 0.5000 | 0.7000 | 0.6000 |
    """
    names = list(next(iter(rows.values())))
    heads = [HEADINGS.get(name, name.title()) for name in names]
    lines = ["| " + " | ".join(["Method", *heads, "Mean"]) + " |", "| " + " | ".join(["---"] * (len(names) + 2)) + " |"]
    for method, classes in rows.items():
        figures = [*(classes[name] for name in names), mean(classes)]
        lines.append("| " + " | ".join([method, *(f"{figure:.4f}" for figure in figures)]) + " |")
    return "\n".join(lines)
