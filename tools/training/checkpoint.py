"""A training run's state in one numpy file: arrays and JSON, nothing that could run when it is read."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from gendr import _check
from gendr.tools.training.state_tensors import restore, state_tensors


def save_checkpoint(
    path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, step: int, settings: dict[str, Any]
) -> None:
    """Write weights, the optimiser's state, the step and the settings, at once or not at all.

    Args:
        path: of the `.npz` file.
        model: whose parameters and buffers are kept.
        optimizer: of one parameter group; its state's numbers and tensors are kept.
        step: how many steps are done.
        settings: plain values, which `load_checkpoint` compares.

    Raises:
        OSError: the file cannot be written.

    >>> model = nn.Linear(2, 1)
    >>> optimizer = torch.optim.Adam(model.parameters())
    >>> save_checkpoint(Path("run.npz"), model, optimizer, 3, {"lr": 0.1})
    >>> load_checkpoint(Path("run.npz"), model, optimizer, {"lr": 0.1})
    3
    """
    arrays: dict[str, Any] = {name: value.numpy() for name, value in state_tensors(model, optimizer).items()}
    arrays["step"] = np.array(step)
    arrays["settings"] = np.array(json.dumps(settings, sort_keys=True))
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        np.savez(file, **arrays)
    os.replace(partial, path)


def load_checkpoint(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, settings: dict[str, Any]) -> int:
    """Put the state that `save_checkpoint` wrote back in place; returns the step.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no such file, was made with other settings, or does not fit the model.

    >>> Path("bad.npz").write_bytes(b"no archive")
    10
    >>> model = nn.Linear(2, 1)
    >>> load_checkpoint(Path("bad.npz"), model, torch.optim.Adam(model.parameters()), {})
    Traceback (most recent call last):
    ValueError: bad.npz: expected a checkpoint, got none
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        step, saved = int(arrays["step"]), json.loads(str(arrays["settings"]))
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile):
        _check.fail(str(path), "a checkpoint", "none")
    other = [name for name in {**saved, **settings} if saved.get(name) != settings.get(name)]
    if other:
        got = ", ".join(f"{name}={saved.get(name)!r}" for name in other)
        _check.fail(str(path), ", ".join(f"{name}={settings.get(name)!r}" for name in other), got)
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items() if "/" in name}
    restore(tensors, model, optimizer, source=str(path))
    return step
