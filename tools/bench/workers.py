"""What a worker does, wherever it runs: a batch of runs, without one bad run spoiling the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from gendr import set_num_threads
from gendr.tools.bench.store import Made, now
from gendr.tools.bench.tasks import Outcome, Run

RunBatch = Callable[[Sequence[Run]], list[Outcome]]
"""Does runs of one mesh and instance; it lies in a module that workers can import."""


@dataclass(frozen=True)
class Results:
    """What a worker hands back.

    Attributes:
        runs: the batch.
        results: for each run its outcome, or what went wrong. None when the worker was lost with the batch.
        made: by what, and when; None when the worker was lost.
        loss: how it was lost.
    """

    runs: tuple[Run, ...]
    results: tuple[Outcome | str, ...] | None
    made: Made | None
    loss: str = ""


class Workers(Protocol):
    """Several workers, near or far."""

    @property
    def idle(self) -> int:
        """How many more batches would be worked on now."""

    def submit(self, runs: Sequence[Run]) -> None:
        """Hand out a batch.

        Raises:
            OSError: no worker can be started.
        """

    def wait(self, seconds: float) -> list[Results]:
        """The batches that ended, once there are any; none after so many seconds.

        Raises:
            OSError: the workers cannot be reached any more, or cannot do anything at all.
        """

    def close(self) -> None:
        """End all workers, and what they are at."""


def attempt(runs: Sequence[Run], run_batch: RunBatch) -> Results:
    """Run a batch; when that fails, each run alone, so that the error is told of the run that it belongs to.

    >>> from gendr.tools.bench.tasks import ShapeRun
    >>> def picky(runs):
    ...     return [Outcome(1 / run.seed, 0.0) for run in runs]
    >>> runs = [ShapeRun("teapot", "uniform", "maximum", elevation=0, lr=1, tau=1, seed=seed) for seed in (0, 2)]
    >>> attempt(runs, picky).results
    ('ZeroDivisionError: division by zero', Outcome(metric=0.5, seconds=0.0, details={}))
    """
    started = now()
    try:
        results: list[Outcome | str] = list(_checked(run_batch(runs), len(runs)))
    except Exception as error:
        results = [_told(error)] if len(runs) == 1 else [_alone(run, run_batch) for run in runs]
    return Results(tuple(runs), tuple(results), Made.since(started))


def single_threaded() -> None:
    """Let this process compute with one thread: the workers share out the cores, not each worker its work."""
    torch.set_num_threads(1)
    set_num_threads(1)


def _alone(run: Run, run_batch: RunBatch) -> Outcome | str:
    try:
        return _checked(run_batch([run]), 1)[0]
    except Exception as error:
        return _told(error)


def _checked(outcomes: list[Outcome], wanted: int) -> list[Outcome]:
    """Outcomes as the store takes them."""
    if len(outcomes) != wanted:
        raise ValueError(f"outcomes: expected {wanted}, got {len(outcomes)}")
    for outcome in outcomes:
        if not abs(outcome.metric) < float("inf"):
            raise ValueError(f"metric: expected a finite number, got {outcome.metric}")
    return outcomes


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
