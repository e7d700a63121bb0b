"""Curves and pictures of a run for TensorBoard."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import torch
from torch import Tensor

from gendr.tools.reconstruct.batches import draw, load
from gendr.tools.reconstruct.run import BOARD, Run

SHOWN = 6
PANEL_SEED = 2**31
"""The panel shows the same objects at every state, whatever the run's seed."""


class Board:
    """Writes a run's curves, and a panel of images at every state, into its folder `tensorboard`.

    The panel has an object in each column: the image, its silhouette, the silhouette of the mesh that was predicted
    from it (while codes are fitted, of the object's code), and that mesh's silhouette in the second view beside the
    true one.

    Args:
        run: whose figures are written.
        enabled: False writes nothing, as in all processes but one.
    """

    def __init__(self, run: Run, *, enabled: bool = True) -> None:
        self._run, self._enabled = run, enabled
        self._writer: Any = None

    def __enter__(self) -> Board:
        if self._enabled:
            from torch.utils.tensorboard import SummaryWriter

            folder = self._run.folder / BOARD
            # Points after the state that is gone on from are of steps that are taken again.
            self._writer = SummaryWriter(str(folder), purge_step=self._run.step + 1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def curves(self, figures: dict[str, float]) -> None:
        """Add a point to each curve."""
        if self._writer is not None:
            for name, value in figures.items():
                self._writer.add_scalar(f"train/{name}", value, self._run.step)

    def panel(self) -> None:
        """Add the picture of the present predictions."""
        if self._writer is not None:
            self._writer.add_image("predictions", panel(self._run), self._run.step)


def panel(run: Run) -> Tensor:
    """Images of objects and of their predicted meshes, `[3, 5 * 64, 6 * 64]`: a column each."""
    drawn = draw(run.data.counts, SHOWN, seed=PANEL_SEED, step=0)
    batch, objects = load(run.data, drawn, run.fabric.device), drawn.numbers(run.data.counts).to(run.fabric.device)
    network = run.network
    was_training = network.training
    network.eval()
    with torch.no_grad():
        # Whatever the network has come to, the picture must not stop the run: advance() says what is wrong.
        vertices = network(objects if run.fits_codes else batch.images[:SHOWN]).nan_to_num(0.0).clamp(-1.0, 1.0)
        alphas = run.objective.render(torch.cat((vertices, vertices)), batch.views, run.settings.rates(run.step)[1])
    network.train(was_training)
    over_white = batch.images[:SHOWN, :3] * batch.images[:SHOWN, 3:] + 1.0 - batch.images[:SHOWN, 3:]
    rows = [over_white, *_grey(batch.alphas[:SHOWN], alphas[:SHOWN], batch.alphas[SHOWN:], alphas[SHOWN:])]
    return torch.cat([torch.cat(list(row), 2) for row in rows], 1).clamp(0, 1).cpu()


def _grey(*rows: Tensor) -> list[Tensor]:
    return [1.0 - row[:, None].expand(-1, 3, -1, -1) for row in rows]
