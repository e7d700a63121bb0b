"""What meshes can tell from silhouettes at best: `python -m gendr.tools.reconstruct.fitted DATA` fits one to all views.

A network sees one image of an object. Here a mesh of its kind descends on the silhouettes of all 24 views, on the loss
that networks are trained on, and is compared with the object: which weights are worth training with, in minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
import tyro
from rich.console import Console

from gendr import _check, threads_for_kernels
from gendr.tools.arguments import bad_arguments
from gendr.tools.reconstruct.batches import Draw, load
from gendr.tools.reconstruct.data import opened
from gendr.tools.reconstruct.evaluate import Solids, table
from gendr.tools.reconstruct.first import First
from gendr.tools.reconstruct.model import build
from gendr.tools.reconstruct.modern import SmoothDecoder
from gendr.tools.reconstruct.objective import MultiView
from gendr.tools.reconstruct.settings import Settings
from gendr.tools.shapes.layout import VIEWS
from gendr.tools.shapes.voxels import iou_3d, voxelise
from gendr.tools.training import TrainingProgress

HELP = """Fit a mesh to all 24 silhouettes of each object, and print the mean 3D IoU of meshes and objects.

For example:
  python -m gendr.tools.reconstruct.fitted data/things --area 0 0.1 0.2
  python -m gendr.tools.reconstruct.fitted data/things --laplacian 1e-3 --flatten 1e-4"""


@dataclass(frozen=True)
class Fitted:
    """The arguments; what follows an attribute is its help."""

    data: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(name="data")]
    """Folder of images and voxels in the published layout."""
    area: tuple[float, ...] = (0.0, 0.1)
    """Weights of the surface's area, a row of the table for each."""
    laplacian: float = 5e-3
    """Weight of the Laplacian term."""
    flatten: float = 5e-4
    """Weight of the dihedral term."""
    steps: int = 1000
    """Of Adam, each with two views of each object."""
    split: Literal["train", "val", "test"] = "val"
    """Which part of the data."""
    classes: str = "all"
    """Names or ShapeNet's numbers, separated by commas, or all."""
    objects: int = 3
    """Of each class, the first ones, at most."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        with bad_arguments("fitted"):
            _check.number("objects", self.objects, 1)
            if not self.area:
                raise ValueError("area: expected one weight or more, got none")
            data = First(opened(self.data, self.classes, self.split), self.objects)
            rows = {f"area {area:g}": self._settings(data, area) for area in self.area}
        console, found = Console(soft_wrap=True, highlight=False), {}
        with threads_for_kernels(), TrainingProgress(len(rows) * self.steps, console) as progress:
            for number, (label, settings) in enumerate(rows.items()):

                def seen(done: int, before: int = number * self.steps) -> None:
                    progress.show(before + done)

                found[label] = agreement(data, settings, seen=seen)
        console.print(table(found), markup=False)
        return 0

    def _settings(self, data: Solids, area: float) -> Settings:
        return Settings(
            tuple(data.classes),
            tuple(data.counts),
            "modern",
            tau="1e-4:3e-5",
            lr="2e-2:1e-3",
            steps=self.steps,
            laplacian=self.laplacian,
            flatten=self.flatten,
            area=area,
        )


def agreement(data: Solids, settings: Settings, *, seen: Callable[[int], None] = lambda _: None) -> dict[str, float]:
    """By class the mean 3D IoU of objects and meshes that were fitted to them.

    Args:
        data: objects, all of which are fitted at once.
        settings: weights, renderer, schedules and steps.
        seen: called with the number of steps done after each.
    """
    network = build("modern")
    objective, decoder = MultiView(network.template, settings), network.decoder
    assert isinstance(decoder, SmoothDecoder)
    numbers = torch.zeros(sum(data.counts), decoder.last.out_features, requires_grad=True)
    optimizer = torch.optim.Adam([numbers])
    for step in range(settings.steps):
        batch = load(data, every_object(data.counts, seed=settings.seed, step=step))
        optimizer.param_groups[0]["lr"], tau = settings.rates(step)
        loss = objective(decoder.surface(numbers), batch, tau).loss
        # A sum over the objects, not a mean: what becomes of one does not depend on its company.
        (numbers.grad,) = torch.autograd.grad(len(numbers) * loss, numbers)
        optimizer.step()
        seen(step + 1)
    with torch.no_grad():
        solids = voxelise(decoder.surface(numbers), network.template.faces).split(data.counts)
    return {
        name: float(iou_3d(solid, torch.from_numpy(data.voxels(name) != 0)).double().mean())
        for name, solid in zip(data.names, solids, strict=True)
        if len(solid)
    }


def every_object(counts: list[int], *, seed: int, step: int) -> Draw:
    """Each object once, in two views at random.

    >>> every_object([2, 1], seed=0, step=0).describe(2, ["chair", "table"])
    'table 0 (views 12 and 0)'
    """
    total = sum(counts)
    views = torch.from_numpy(np.random.default_rng([seed, step]).integers(VIEWS, size=(2, total)))
    kinds = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    objects = torch.cat([torch.arange(count) for count in counts])
    no_others = views[:0]
    return Draw(kinds, objects, views, no_others, torch.zeros(2, total), torch.ones(2, total, 3))


if __name__ == "__main__":
    raise SystemExit(tyro.cli(Fitted, prog="fitted", description=HELP).run())
