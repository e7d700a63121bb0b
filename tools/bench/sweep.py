"""The sweep: what is missing goes to the workers, what they find into the results file, until nothing is missing."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from gendr.tools.bench.agenda import Agenda, Plan
from gendr.tools.bench.store import Store
from gendr.tools.bench.tasks import Outcome, Run
from gendr.tools.bench.workers import Results, Workers

LOSSES = 3
"""A run whose worker is lost this often has failed."""

TICK = 0.5
"""Seconds between two looks at the clock, at Ctrl-C, and at what is shown."""

LOOK = 2.0
"""Seconds between two looks at what other processes did."""

BEAT = 20.0
"""Seconds between two signs of life, much less than claims last (`store_claims.STALE`)."""


@dataclass
class Tally:
    """How far a sweep is.

    Attributes:
        done: runs that are settled, by this process or before.
        total: about how many there are.
        here: runs that this process did.
        failed: how many of these failed.
        best: the best run that this process did, and its metric.
        waits: whether all that is left is being done by other processes.
    """

    done: int = 0
    total: int = 0
    here: int = 0
    failed: int = 0
    best: tuple[Run, float] | None = None
    waits: bool = False


def sweep(
    plan: Plan,
    store: Store,
    workers: Workers,
    *,
    retry_failed: bool = False,
    show: Callable[[Tally], None] = lambda tally: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Do what is missing of a sweep.

    Every outcome is written as it comes. What is in the file is not done again, what another process is doing is
    waited for. A run that fails is recorded with its error. When a worker is lost, its batch is done again run by run,
    and a run that loses its worker three times has failed.

    Args:
        plan: the sweep.
        store: the results file.
        workers: they are closed at the end, and what they are at is given up.
        retry_failed: do again what failed before.
        show: called twice a second and at the end.
        should_stop: asked as often; True ends the sweep.

    Returns:
        Whether nothing is missing now.

    Raises:
        OSError: the file cannot be written, or there are no workers any more. What was recorded stays.

    >>> from gendr.tools.bench.agenda import Group
    >>> from gendr.tools.bench.cells import Listed
    >>> from gendr.tools.bench.pool import Here
    >>> from gendr.tools.bench.tasks import ShapeRun
    >>> run = ShapeRun("teapot", "uniform", "maximum", elevation=0, lr=1, tau=1)
    >>> groups = [Group("shape", ("teapot",), "uniform", "maximum", [Listed([run])])]
    >>> with Store.open("results.sqlite", create=True) as store:
    ...     sweep(Plan(groups, 1, 8, "shape", [], {}), store, Here(lambda runs: [Outcome(0.25, 1.0)]))
    ...     store.rows()[0].metric
    True
    0.25
    """
    course = _Course(Agenda(plan, store, retry_failed=retry_failed), store, workers)
    try:
        while not course.is_finished and not should_stop():
            course.hand_out()
            course.take_in()
            show(course.tally)
    finally:
        workers.close()
    course.count()
    show(course.tally)
    return course.is_finished


@dataclass
class _Course:
    """A sweep on its way."""

    agenda: Agenda
    store: Store
    workers: Workers
    tally: Tally = field(default_factory=Tally)
    again: deque[Run] = field(default_factory=deque)
    lost: Counter[str] = field(default_factory=Counter)
    out: int = 0
    looked: float = 0.0
    beaten: float = field(default_factory=time.monotonic)

    @property
    def is_finished(self) -> bool:
        return self.agenda.is_finished and not self.again and not self.out

    def hand_out(self) -> None:
        """Give every idle worker a batch, as far as there are any."""
        while self.workers.idle > 0:
            runs = [self.again.popleft()] if self.again else self.agenda.take()
            if not runs:
                break
            self.workers.submit(runs)
            self.out += 1

    def take_in(self) -> None:
        """Wait for batches a little, and record those that ended."""
        if self.out:
            for results in self.workers.wait(TICK):
                self.out -= 1
                self._record(results)
        elif not self.is_finished:
            time.sleep(TICK)
        now = time.monotonic()
        if now - self.looked > LOOK:
            self.looked = now
            self.agenda.refresh()
        if now - self.beaten > BEAT:
            self.beaten = now
            self.store.beat()
        self.count()
        self.tally.waits = not self.out and not self.again and not self.agenda.is_finished

    def count(self) -> None:
        """Bring the tally up to date."""
        self.tally.done, self.tally.total = self.agenda.done, self.agenda.total

    def _record(self, results: Results) -> None:
        if results.results is None:
            self._lose(results)
            return
        self.store.record(zip(results.runs, results.results, strict=True), results.made)
        for run, result in zip(results.runs, results.results, strict=True):
            self._settle(run, result)

    def _lose(self, results: Results) -> None:
        for run in results.runs:
            self.lost[run.key] += 1
            if self.lost[run.key] < LOSSES:
                self.again.append(run)
                continue
            error = f"lost {LOSSES} times: {results.loss}"
            self.store.fail(run, error)
            self._settle(run, error)

    def _settle(self, run: Run, result: Outcome | str) -> None:
        self.tally.here += 1
        if isinstance(result, str):
            self.tally.failed += 1
            self.agenda.settle(run, None)
            return
        self.agenda.settle(run, result.metric)
        sign = 1.0 if run.protocol == "shape" else -1.0
        if self.tally.best is None or sign * result.metric < sign * self.tally.best[1]:
            self.tally.best = run, result.metric
