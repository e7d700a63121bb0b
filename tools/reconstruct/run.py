"""A run: settings, model, optimiser and state, and the one step that is repeated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gendr import _check
from gendr.tools.reconstruct.batches import Batch, Draw, Shapes, draw, load
from gendr.tools.reconstruct.model import Reconstructor
from gendr.tools.reconstruct.objective import MultiView, Objective
from gendr.tools.reconstruct.settings import Settings
from gendr.tools.reconstruct.state import States, read_about

STATES = "states"
LOG = "log.csv"
BOARD = "tensorboard"
OWN = (STATES, LOG, BOARD)
"""What a run's folder holds."""


CODES_PACE = 10.0
"""Step size of codes, as a multiple of that of weights: a code moves only when its object is drawn."""


class NotFinite(ArithmeticError):
    """A step came to a number that is not finite; the message names step and batch."""


class Run:
    """A training run in a folder, new or gone on with.

    Args:
        folder: of the run.
        settings: of the run.
        data: training objects of these classes.
        fabric: a launched `lightning_fabric.Fabric`, which brings devices and processes.
        resume: whether the folder's newest state is gone on from.

    Raises:
        OSError: the folder cannot be read.
        ValueError: the folder holds a run and `resume` is False, or one of other settings; the batch cannot be shared
            out among the processes; or the processes see different folders.
    """

    def __init__(self, folder: Path, settings: Settings, data: Shapes, fabric: Any, *, resume: bool = False) -> None:
        self.folder, self.settings, self.data, self.fabric = folder, settings, data, fabric
        if settings.batch % fabric.world_size:
            _check.fail("batch", f"a multiple of the {fabric.world_size} processes", settings.batch)
        self.states = States(folder / STATES)
        state = checked_state(folder, settings, resume=resume)
        torch.manual_seed(settings.seed)
        self.network: Reconstructor = settings.network()
        optimizer = torch.optim.Adam(_groups(self.network), lr=settings.rates(0)[0], fused=True)
        self.step = 0
        self.figures: dict[str, Any] = {"seconds": 0.0}
        if state is not None:
            self.step, self.figures = self.states.load(state, self.network, optimizer)
        _expect_one_folder(fabric, self.step)
        self._model, self._optimizer = fabric.setup(self.network, optimizer)
        self.objective = MultiView(self.network.template, settings, device=fabric.device)

    def advance(self) -> dict[str, float]:
        """Take one step.

        Returns:
            This process's figures: loss, iou, laplacian, flatten, area, lr, tau, and norm, of the gradient before
            clipping.

        Raises:
            NotFinite: predictions, loss or gradient are not finite. The weights are as they were before the step.
        """
        settings = self.settings
        drawn = draw(
            self.data.counts,
            settings.batch,
            seed=settings.seed,
            step=self.step,
            silhouettes=settings.silhouettes,
        )
        drawn = drawn.part(self.fabric.global_rank, self.fabric.world_size)
        batch = load(self.data, drawn, self.fabric.device, augment=settings.augment)
        lr, tau = settings.rates(self.step)
        self._model.train()
        objective = self._forward(batch, drawn, tau)
        self._optimizer.zero_grad()
        self.fabric.backward(objective.loss)
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), settings.clip)
        self._expect_finite("the gradient", norm.expand(len(drawn)), drawn)
        paces = (1.0, 0.0 if self._learns else 1.0, CODES_PACE)
        for group, pace in zip(self._optimizer.param_groups, paces, strict=False):
            group["lr"] = pace * lr
        self._optimizer.step()
        self.step += 1
        terms = ("loss", "iou", "laplacian", "flatten", "area")
        figures = {name: float(getattr(objective, name).detach()) for name in terms}
        return {**figures, "lr": lr, "tau": tau, "norm": float(norm)}

    def begin_with(self, trained: Reconstructor) -> None:
        """Take the weights of a network of the same kind, which has seen other objects, or these for longer."""
        self.network.encoder.load_state_dict(trained.encoder.state_dict())
        self.network.decoder.load_state_dict(trained.decoder.state_dict())

    def save(self) -> None:
        """Write the state; in one process only, while the others wait."""
        if self.fabric.is_global_zero:
            self.states.save(self.step, self.network, self._optimizer, self.settings, self.figures)
        self.fabric.barrier()

    @property
    def fits_codes(self) -> bool:
        """Whether the next step fits objects' codes, with no look at an image."""
        return self.step < self.settings.codes

    @property
    def _learns(self) -> bool:
        """Whether the encoder has codes to learn; then the decoder stays as it is, and with it what they stand for."""
        return 0 < self.settings.codes <= self.step

    def _forward(self, batch: Batch, drawn: Draw, tau: float) -> Objective:
        objects = drawn.numbers(self.data.counts).to(self.fabric.device)
        vertices = self._model(objects if self.fits_codes else batch.images)
        self._expect_finite("the predictions", vertices.detach(), drawn)
        if self._learns:
            with torch.no_grad():
                wanted = self.network.of_objects(objects)
            objective = self.objective.learning(vertices, wanted, batch, tau)
        else:
            objective = self.objective(vertices, batch, tau)
        self._expect_finite("the loss", objective.loss.detach().expand(len(drawn)), drawn)
        return objective

    def _expect_finite(self, what: str, values: Tensor, drawn: Draw) -> None:
        """Refuse values `[k B, ...]` of which one is not finite, in the words of the batch."""
        if bool(values.isfinite().all()):
            return
        bad = ~values.isfinite().flatten(1).all(1) if values.ndim > 1 else ~values.isfinite()
        rows = (bad.nonzero()[:, 0] % len(drawn)).unique().tolist()
        told = "; ".join(drawn.describe(row, self.data.names) for row in rows[:3])
        more = f" and {len(rows) - 3} more" if len(rows) > 3 else ""
        raise NotFinite(f"step {self.step}: {what} of {told}{more} are not finite; try a smaller lr or clip")


def _groups(network: Reconstructor) -> list[dict[str, Any]]:
    """The weights of encoder, decoder and codes, which take steps of different sizes."""
    parts = [network.encoder, network.decoder] + ([network.codes] if network.codes is not None else [])
    return [{"params": list(part.parameters())} for part in parts]


def _expect_one_folder(fabric: Any, step: int) -> None:
    """All processes must go on from the same state; those of another machine may have read none."""
    if fabric.world_size > 1:
        steps = fabric.all_gather(torch.tensor(step)).tolist()
        if len(set(steps)) > 1:
            _check.fail("out", "a folder that all machines share", f"one with a state of step {steps}")


def checked_state(folder: Path, settings: Settings, *, resume: bool) -> Path | None:
    """The state to go on from: None for a new run.

    Raises:
        OSError: the folder cannot be read.
        ValueError: the folder is a file, holds other things, or a run that must not be gone on with.

    >>> checked_state(Path("new"), Settings(("02691156",), (3,)), resume=False)
    """
    if folder.exists() and not folder.is_dir():
        _check.fail("out", "a folder", f"the file {folder}")
    states = States(folder / STATES)
    latest = states.latest()
    if latest is None:
        foreign = sorted(path.name for path in folder.glob("*") if not resume or path.name not in OWN)
        if foreign:
            _check.fail("out", "a new or empty folder", f"{folder}, which holds {foreign[0]}")
        return None
    if not resume:
        _check.fail("out", "a new or empty folder, or --resume to go on with the run in it", str(folder))
    about = read_about(latest)
    other = about["settings"].same_until(settings, about["step"])
    if other is not None:
        _check.fail("resume", f"the settings of the run in {folder}, {other}", "others")
    return latest
