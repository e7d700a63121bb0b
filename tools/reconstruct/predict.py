"""A trained run as a function from images to meshes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from gendr import _check
from gendr._types import Faces, Vertices
from gendr.render import Mesh
from gendr.tools.reconstruct.model import IMAGE_SIZE, Reconstructor
from gendr.tools.reconstruct.run import STATES
from gendr.tools.reconstruct.settings import Settings
from gendr.tools.reconstruct.state import States, read_about

BATCH = 64
"""Images that are predicted from at once."""

Images = Float[Tensor, "N 4 H W"]


@dataclass(frozen=True)
class Trained:
    """What a run has learnt.

    Attributes:
        settings: of the run.
        step: steps that it has done.
        figures: that were kept with the state.
        network: when evaluating.
    """

    settings: Settings
    step: int
    figures: dict[str, Any]
    network: Reconstructor

    @property
    def faces(self) -> Faces:
        """Faces of every predicted mesh."""
        return self.network.template.faces

    def vertices(self, images: Images) -> Vertices:
        """Predict a mesh for each image, `[N, V, 3]`, without gradients.

        Args:
            images: red, green, blue, alpha in [0, 1], `[N, 4, 64, 64]`.

        Raises:
            TypeError, ValueError: images of another dtype, shape, or values out of range.
        """
        _check.tensor("images", images, ("N", 4, IMAGE_SIZE, IMAGE_SIZE))
        if bool(((images < 0) | (images > 1) | images.isnan()).any()):
            _check.fail("images", "values in [0, 1]", "others")
        with torch.no_grad():
            parts = [self.network(part) for part in images.split(BATCH)]
        return torch.cat(parts) if parts else images.new_zeros(0, self.network.template.n_vertices, 3)

    def meshes(self, images: Images) -> Iterator[Mesh]:
        """The same as meshes, one after the other."""
        return map(self.network.mesh, self.vertices(images))


def load_run(folder: Path) -> Trained:
    """The newest state of a run.

    Raises:
        OSError: it cannot be read.
        ValueError: the folder holds no run, or a damaged one.

    >>> load_run(Path("nothing"))
    Traceback (most recent call last):
    ValueError: run: expected a folder that gendr train wrote, got nothing
    """
    states = States(folder / STATES)
    latest = states.latest()
    if latest is None:
        _check.fail("run", "a folder that gendr train wrote", str(folder))
    settings: Settings = read_about(latest)["settings"]
    network = settings.network()
    step, figures = states.load(latest, network)
    if step <= settings.codes > 0:
        _check.fail("run", f"one whose encoder has learnt something, after step {settings.codes}", f"step {step}")
    return Trained(settings, step, figures, network.eval())


Predict = Callable[[Images], Vertices]
