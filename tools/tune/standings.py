"""The trials of a study in their order: higher rungs first, and on a rung the lower loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import optuna
from optuna.trial import FrozenTrial

from gendr.tools.renderer_file import Setting
from gendr.tools.tune.storage import FACTOR

SETTING, SECONDS, ERROR, CUT = "setting", "seconds", "error", "cut"
"""What a trial has in Optuna's storage beside its numbers."""


@dataclass(frozen=True)
class Tried:
    """A setting that was tried.

    Attributes:
        number: of the trial.
        setting: what was tried.
        rung: the highest that it reached, from 0.
        loss: the mean on that rung.
        seconds: of the processor, for one run.
        is_cut: whether it was too slow.
    """

    number: int
    setting: Setting
    rung: int
    loss: float
    seconds: float
    is_cut: bool = False


def rung_of(trial: FrozenTrial) -> int | None:
    """The highest rung of which a trial has a loss."""
    if trial.last_step is None:
        return None
    return round(math.log(trial.last_step, FACTOR))


def standings(study: optuna.Study) -> list[Tried]:
    """What was tried and has a loss, best first. The losses of different rungs cannot be compared.

    >>> standings(optuna.create_study())
    []
    """
    found = []
    for trial in study.get_trials(deepcopy=False):
        rung = rung_of(trial)
        if rung is None or SETTING not in trial.user_attrs:
            continue
        loss = trial.intermediate_values[FACTOR**rung]
        setting, seconds = Setting.from_key(trial.user_attrs[SETTING]), trial.user_attrs[SECONDS]
        found.append(Tried(trial.number, setting, rung, loss, seconds, trial.user_attrs[CUT]))
    return sorted(found, key=lambda tried: (tried.is_cut, -tried.rung, tried.loss, tried.number))


def failures(study: optuna.Study) -> Sequence[str]:
    """What went wrong, one line a trial that could not be done."""
    return [trial.user_attrs[ERROR] for trial in study.get_trials(deepcopy=False) if ERROR in trial.user_attrs]
