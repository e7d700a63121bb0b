"""Optuna's studies in the folder's SQLite file: opened, cleared of what a killed process left, and closed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.pruners import SuccessiveHalvingPruner
from optuna.samplers import TPESampler
from optuna.storages import BaseStorage, RDBStorage
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

FACTOR = 3
"""A third of the trials goes from one rung to the next, and a rung has three times the work of the one below."""

AGAIN = "again"
"""Marks a trial that repeats one that was broken off."""

_WAIT = 60.0


class _Connection(sqlite3.Connection):
    """With a write-ahead log: a trial is some thirty transactions, and each would wait for the disk twice.

    After `kill -9` nothing is lost; after a power cut perhaps the last few seconds.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.execute("PRAGMA journal_mode = WAL").close()
        self.execute("PRAGMA synchronous = NORMAL").close()


@contextmanager
def storage_at(path: Path) -> Iterator[RDBStorage]:
    """The file's storage; what goes wrong with it within the block is an `OSError` that names the file.

    >>> with storage_at(Path("study.sqlite")) as storage:
    ...     study_in(storage, "search", seed=0).trials
    []
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = None
    try:
        address = f"sqlite:///{path.absolute()}"
        storage = RDBStorage(address, engine_kwargs={"connect_args": {"timeout": _WAIT, "factory": _Connection}})
        yield storage
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        cause = error.__cause__ if isinstance(error, optuna.exceptions.StorageInternalError) else error
        raise OSError(f"{path}: {getattr(cause, 'orig', None) or cause or error}") from None
    finally:
        if storage is not None:
            storage.remove_session()
            storage.engine.dispose()


def study_in(storage: BaseStorage, name: str, *, seed: int) -> optuna.Study:
    """A study of the file, new or as it was left; trials that a killed process had begun have failed, and come again.

    Only one process at a time may work on the file (`gendr.tools.tune.folder.claimed`): whatever is still running when
    a study is opened belongs to one that is no more.

    Args:
        storage: where it is.
        name: of the study.
        seed: of the sampler, which begins anew, and elsewhere, with every process.
    """
    study = optuna.create_study(
        storage=storage,
        study_name=name,
        direction="minimize",
        load_if_exists=True,
        pruner=SuccessiveHalvingPruner(min_resource=1, reduction_factor=FACTOR),
    )
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        come_again(study, trial)
    sampler_seed = seed + 7919 * len(study.get_trials(deepcopy=False))
    study.sampler = TPESampler(seed=sampler_seed, multivariate=True)
    return study


def come_again(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
    """Have a trial's numbers tried once more, unless they had been before: something in them may break the program."""
    values = {**trial.system_attrs.get("fixed_params", {}), **trial.params}
    if values and AGAIN not in trial.user_attrs:
        study.enqueue_trial(values, user_attrs={**trial.user_attrs, AGAIN: True})
