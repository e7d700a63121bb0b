"""Workers on this machine: processes with one thread each, replaced when they die."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from gendr import _check
from gendr.tools.bench.tasks import Run
from gendr.tools.bench.workers import Results, RunBatch, attempt, single_threaded
from gendr.tools.child_process import cores, leave_with_parent

_STILLBORN = 3
"""Workers in a row that may end before they are ready."""

_GRACE = 2.0
"""Seconds for a worker that has closed its pipe to end by itself, so that its own exit code is told."""


@dataclass(eq=False)
class _Worker:
    """A process, our end of the pipe to it, and what it is at."""

    process: SpawnProcess
    pipe: Connection
    runs: tuple[Run, ...] | None = None
    is_ready: bool = False


class Pool:
    """Local processes; see `workers.Workers` for the methods.

    Processes are spawned, not forked, because threads and locks of this one would not survive a fork; and each begins
    when there is work for it. A worker ends itself as soon as this process is gone, however it went. Use it in a
    `with` block.

    Args:
        run_batch: what they do with a batch.
        workers: how many; by default as many as this process may use cores.

    >>> with Pool(len, workers=3) as pool:
    ...     pool.idle
    3
    """

    def __init__(self, run_batch: RunBatch, workers: int | None = None) -> None:
        self._run_batch = run_batch
        self.size = cores() if workers is None else int(_check.number("workers", workers, 1, 1024))
        self._workers: list[_Worker] = []
        self._stillborn = 0
        self._context = multiprocessing.get_context("spawn")

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __str__(self) -> str:
        return f"{self.size} worker{'s' * (self.size > 1)}"

    @property
    def idle(self) -> int:
        """How many more batches would be worked on now."""
        return self.size - sum(worker.runs is not None for worker in self._workers)

    def submit(self, runs: Sequence[Run]) -> None:
        """Hand a batch to a worker; raises OSError when none can be started."""
        free = [worker for worker in self._workers if worker.runs is None]
        worker = free[0] if free else self._start()
        worker.runs = tuple(runs)
        with suppress(OSError):  # it died idle: `wait` finds it so, and the batch comes back as lost
            worker.pipe.send(worker.runs)

    def wait(self, seconds: float) -> list[Results]:
        """The batches that ended; raises OSError when workers end as soon as they begin."""
        connection.wait([end for worker in self._workers for end in (worker.pipe, worker.process.sentinel)], seconds)
        ended = []
        for worker in list(self._workers):
            try:
                while worker.pipe.poll():  # what it said last counts, also when it has ended since
                    message = worker.pipe.recv()
                    worker.is_ready, self._stillborn = True, 0
                    if isinstance(message, Results):
                        worker.runs = None
                        ended.append(message)
                has_ended = worker.process.exitcode is not None
            except (EOFError, OSError):
                has_ended = True
            if has_ended:
                ended += self._bury(worker)
        return ended

    def close(self) -> None:
        """End all workers, and what they are at."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.pipe.close()
        self._workers.clear()

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(theirs, self._run_batch), daemon=True)
        process.start()
        theirs.close()
        self._workers.append(_Worker(process, ours))
        return self._workers[-1]

    def _bury(self, worker: _Worker) -> list[Results]:
        """Remove a worker that has ended; what it was at, as lost."""
        worker.process.join(_GRACE)
        worker.process.kill()  # without effect on one that has ended
        worker.process.join()
        worker.pipe.close()
        self._workers.remove(worker)
        loss = f"the worker ended ({_how(worker.process.exitcode)})"
        if not worker.is_ready:
            self._stillborn += 1
            if self._stillborn >= _STILLBORN:
                raise ChildProcessError(f"workers: expected processes that work, but as it began {loss}")
        return [] if worker.runs is None else [Results(worker.runs, None, None, loss)]


class Here:
    """No workers but this process itself; see `workers.Workers` for the methods.

    >>> Here(len).idle
    1
    """

    def __init__(self, run_batch: RunBatch) -> None:
        self._run_batch = run_batch
        self._runs: Sequence[Run] | None = None

    @property
    def idle(self) -> int:
        """One while it has nothing to do."""
        return int(self._runs is None)

    def submit(self, runs: Sequence[Run]) -> None:
        """Take a batch."""
        self._runs = runs

    def wait(self, seconds: float) -> list[Results]:
        """Do it now, however long it takes."""
        runs, self._runs = self._runs, None
        return [] if runs is None else [attempt(runs, self._run_batch)]

    def close(self) -> None:
        """Nothing is left to end."""


def _work(pipe: Connection, run_batch: RunBatch) -> None:
    """A worker's life: batches in, results out, until the pipe closes."""
    leave_with_parent()
    single_threaded()
    with suppress(EOFError, OSError):
        pipe.send("ready")
        while True:
            pipe.send(attempt(pipe.recv(), run_batch))


def _how(code: int | None) -> str:
    if code is not None and code < 0:
        return signal.Signals(-code).name if -code in {s.value for s in signal.Signals} else f"signal {-code}"
    return f"exit code {code}"
