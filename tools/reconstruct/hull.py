"""What silhouettes tell of objects at best: `python -m gendr.tools.reconstruct.hull DATA` measures visual hulls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
import tyro
from jaxtyping import Bool, Float, Int64
from numpy.typing import NDArray
from rich.console import Console
from torch import Tensor

from gendr import _check
from gendr.tools.arguments import bad_arguments
from gendr.tools.reconstruct.data import opened
from gendr.tools.reconstruct.evaluate import Solids, table
from gendr.tools.shapes.layout import VIEWS
from gendr.tools.shapes.views import cameras
from gendr.tools.shapes.voxels import iou_3d
from gendr.tools.training import TrainingProgress

RESOLUTION = 32
FINER = 5
"""Points along a voxel's side. As in the measure's own voxels, one of them within makes it count."""
ORDER = sorted(range(VIEWS), key=lambda view: (-(view % 6 == 0), view))
"""Of the views: those at right angles first, which leave the fewest points to the others."""


@dataclass(frozen=True)
class Hull:
    """The 3D IoU of objects with the visual hulls of all their views: all that agrees with every silhouette.

    The last row is the share of an object's voxels that its hull holds; what is missing of 1 was lost at silhouettes'
    rims.
    """

    data: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(name="data")]
    """Folder of images and voxels in the published layout."""
    split: Literal["train", "val", "test"] = "test"
    """Which part of it."""
    classes: str = "all"
    """Names or ShapeNet's numbers, separated by commas, or all."""
    objects: int = 10
    """Of each class, the first ones, at most."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        with bad_arguments("hull"):
            _check.number("objects", self.objects, 1)
            data = opened(self.data, self.classes, self.split)
        console = Console(soft_wrap=True, highlight=False)
        with TrainingProgress(sum(min(count, self.objects) for count in data.counts), console) as progress:
            rows = agreement(data, self.objects, seen=progress.show)
        console.print(table(rows), markup=False)
        return 0


def agreement(
    data: Solids, objects: int, *, seen: Callable[[int], None] = lambda _: None
) -> dict[str, dict[str, float]]:
    """By class the mean IoU of hulls and objects, and the mean share of objects that their hulls hold."""
    rows: dict[str, dict[str, float]] = {"visual hull of 24 views": {}, "share of the object within": {}}
    done = 0
    for name in data.names:
        scores = []
        for images, solid in zip(data.images(name)[:objects], data.voxels(name)[:objects], strict=True):
            hull, truth = visual_hull(images[:, 3]), torch.from_numpy(solid != 0)
            scores.append((float(iou_3d(hull[None], truth[None])), float(hull[truth].double().mean())))
            done += 1
            seen(done)
        for row, values in zip(rows.values(), zip(*scores, strict=True), strict=False):
            row[name] = sum(values) / len(values)
    return rows


def visual_hull(alphas: NDArray[np.uint8]) -> Bool[Tensor, "R R R"]:
    """The voxels in which one of `FINER^3` points lies within all silhouettes `[24, H, W]`.

    >>> int(visual_hull(np.full((24, 8, 8), 255, np.uint8)).sum()) == 32**3
    True
    >>> int(visual_hull(np.zeros((24, 8, 8), np.uint8)).sum())
    0
    """
    points, place = _points(FINER)
    masks = torch.from_numpy(alphas > 127)
    size = masks.shape[-1]
    for view in ORDER:
        x, y, _ = cameras([view]).project(points)[0].unbind(-1)
        col, row = (((side + 1) * size / 2).floor().long().clamp(0, size - 1) for side in (x, -y))
        within = masks[view, row, col]
        points, place = points[within], place[within]
    hull = torch.zeros(RESOLUTION**3, dtype=torch.bool)
    hull[place] = True
    return hull.reshape(RESOLUTION, RESOLUTION, RESOLUTION)


@cache
def _points(finer: int) -> tuple[Float[Tensor, "P 3"], Int64[Tensor, " P"]]:
    """`finer^3` points in each voxel, and the number of each one's voxel."""
    along = (torch.arange(RESOLUTION * finer) - (finer - 1) / 2) / finer / (RESOLUTION - 1) - 0.5
    at = torch.arange(RESOLUTION).repeat_interleave(finer)
    x, y, z = at[:, None, None] * RESOLUTION**2, at[:, None] * RESOLUTION, at
    return torch.cartesian_prod(along, along, along), (x + y + z).flatten()


if __name__ == "__main__":
    raise SystemExit(tyro.cli(Hull, prog="hull").run())
