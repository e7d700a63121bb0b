"""A run's state on disk: tensors in safetensors, everything else in JSON, each state whole or not there at all."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gendr import _check
from gendr.tools.reconstruct.settings import Settings
from gendr.tools.training import restore, state_tensors

TENSORS = "state.safetensors"
FIGURES = "run.json"
KEPT = 2


class States:
    """The states in a folder, one subfolder each, named by their step.

    A state is written beside them and renamed when it is complete, then older ones are removed; so whenever the
    program is killed, the newest complete state is the one to go on from. Nothing is unpickled when they are read.

    Args:
        folder: of the states; made when the first is written.

    >>> states = States(Path("states"))
    >>> model = nn.Linear(2, 1)
    >>> optimizer = torch.optim.Adam(model.parameters())
    >>> states.latest()
    >>> states.save(7, model, optimizer, Settings(("02691156",), (3,)), {"seconds": 1.5})
    >>> states.latest().name
    'step_00000007'
    >>> states.load(states.latest(), model, optimizer)
    (7, {'seconds': 1.5})
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def latest(self) -> Path | None:
        """The folder of the newest state, or None."""
        found = self._all()
        return found[-1] if found else None

    def save(
        self,
        step: int,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        settings: Settings,
        figures: dict[str, Any],
    ) -> None:
        """Write the state after `step` steps: weights, the optimiser's moments, torch's random numbers, the rest.

        Raises:
            OSError: it cannot be written.
        """
        from safetensors.torch import save_file

        self.folder.mkdir(parents=True, exist_ok=True)
        stage = self.folder / f".{secrets.token_hex(4)}.partial"
        stage.mkdir()
        try:
            save_file({**state_tensors(model, optimizer), "random": torch.get_rng_state()}, stage / TENSORS)
            about = {"step": step, "settings": settings.plain(), "figures": figures}
            (stage / FIGURES).write_text(json.dumps(about, indent=1, allow_nan=False) + "\n", encoding="utf-8")
            for name in (TENSORS, FIGURES):
                _flush(stage / name)
            target = self.folder / f"step_{step:08d}"
            shutil.rmtree(target, ignore_errors=True)
            os.rename(stage, target)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
        self._tidy()

    def load(
        self, state: Path, model: nn.Module, optimizer: torch.optim.Optimizer | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Put a state back in place: weights, and with an optimiser its moments and torch's random numbers.

        Returns:
            The step, and the figures that were kept with it.

        Raises:
            OSError: it cannot be read.
            ValueError: a file is damaged, or the state is another model's.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        about = read_about(state)
        try:
            tensors = load_file(state / TENSORS)
        except SafetensorError as error:
            _check.fail(str(state / TENSORS), "a safetensors file, whole", str(error))
        restore(tensors, model, optimizer, source=str(state / TENSORS))
        if optimizer is not None:
            torch.set_rng_state(tensors["random"])
        return about["step"], about["figures"]

    def _all(self) -> list[Path]:
        return sorted(path for path in self.folder.glob("step_*") if path.name[5:].isdigit())

    def _tidy(self) -> None:
        """Remove what newer states replace, and what killed programs left half written."""
        for path in [*self._all()[:-KEPT], *self.folder.glob(".*.partial")]:
            shutil.rmtree(path, ignore_errors=True)


def read_about(state: Path) -> dict[str, Any]:
    """What the JSON file of a state says: `step`, `settings` (a `Settings`) and `figures`.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no such file.

    >>> Path("run.json").write_text("{}")
    2
    >>> read_about(Path("."))
    Traceback (most recent call last):
    ValueError: run.json: expected the state of a run, got something else
    """
    path = state / FIGURES
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        step, settings, figures = int(about["step"]), about["settings"], dict(about["figures"])
    except (ValueError, KeyError, TypeError):
        _check.fail(str(path), "the state of a run", "something else")
    return {"step": step, "settings": Settings.from_plain(str(path), settings), "figures": figures}


def _flush(path: Path) -> None:
    """Make sure that the bytes are on the disk before the name is, in case the machine stops."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
