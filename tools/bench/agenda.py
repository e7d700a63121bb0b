"""What a sweep has yet to do, in batches that no other process does meanwhile."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gendr.tools.bench.cells import Cell
from gendr.tools.bench.store import Store
from gendr.tools.bench.tasks import Run


@dataclass(frozen=True, eq=False)
class Group:
    """Cells whose runs may share a batch: those of one instance.

    Attributes:
        protocol: "shape" or "pose".
        meshes: those of the cells.
        distribution: the instance's.
        t_conorm: the instance's.
        cells: of the instance.
    """

    protocol: str
    meshes: tuple[str, ...]
    distribution: str
    t_conorm: str
    cells: Sequence[Cell]


@dataclass(frozen=True, eq=False)
class Plan:
    """A sweep.

    Attributes:
        groups: one for each instance, made as they are needed: a whole sweep is millions of runs.
        runs: about how many they come to.
        batch: most runs in a batch.
        protocol: "shape" or "pose".
        instances: specs of distribution and T-conorm.
        chosen: by other fields of a run, the values that occur; a softness that is searched for is not among them.
    """

    groups: Iterable[Group]
    runs: int
    batch: int
    protocol: str
    instances: Collection[tuple[str, str]]
    chosen: Mapping[str, Collection[Any]]

    def holds(self, config: Mapping[str, Any]) -> bool:
        """Whether a run of this protocol, as `Row.config` has it, has only values that occur."""
        if (config["distribution"], config["t_conorm"]) not in self.instances:
            return False
        return all(config[name] in values for name, values in self.chosen.items())


class _Open:
    """A group that is begun."""

    def __init__(self, group: Group, skip_failed: bool) -> None:
        self.group = group
        self.cells = list(group.cells)
        self.expected = sum(cell.expected for cell in self.cells)
        self.metrics: dict[str, float | None] = {}
        self.in_flight: set[str] = set()
        self.elsewhere: set[str] = set()
        self.finished = 0
        self._skip_failed = skip_failed

    def load(self, store: Store) -> None:
        """What the file knows by now. A failure counts as settled, unless it is to be tried again here."""
        group = self.group
        for mesh in group.meshes:
            found = store.metrics(group.protocol, mesh, group.distribution, group.t_conorm)
            for key, metric in found.items():
                if metric is not None or self._skip_failed:
                    self.metrics[key] = metric
        self.elsewhere.clear()

    def free(self) -> list[Run]:
        """What can be done now and is not being done, as far as is known."""
        runs = []
        for cell in list(self.cells):
            wanted = cell.next(self.metrics)
            if not wanted:
                self.cells.remove(cell)
                self.finished += cell.known
            runs += wanted
        busy = self.in_flight | self.elsewhere
        return [run for run in runs if run.key not in busy]

    @property
    def known(self) -> int:
        return self.finished + sum(cell.known for cell in self.cells)

    @property
    def total(self) -> int:
        return self.finished + sum(max(cell.expected, cell.known) for cell in self.cells)


class Agenda:
    """Batches of what is missing, claimed in the results file.

    Args:
        plan: the sweep.
        store: where results are, and where runs are claimed.
        retry_failed: do again what failed before.
    """

    def __init__(self, plan: Plan, store: Store, *, retry_failed: bool = False) -> None:
        self._store, self._batch, self._retry = store, plan.batch, retry_failed
        self._rest: Iterator[Group] = iter(plan.groups)
        self._open: list[_Open] = []
        self._owner: dict[str, _Open] = {}
        self._finished = 0
        self._unopened: int | None = plan.runs

    @property
    def done(self) -> int:
        """Settled runs, as far as was looked."""
        return self._finished + sum(group.known for group in self._open)

    @property
    def total(self) -> int:
        """About how many runs there are in all."""
        return self._finished + sum(group.total for group in self._open) + max(self._unopened or 0, 0)

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left: every run is settled."""
        return self._unopened is None and not self._open

    def take(self) -> list[Run]:
        """A batch to do now; it is claimed. Empty when nothing can be done before something else has ended.

        A group whose batches are being done waits until it has enough for a full one.

        Raises:
            OSError: the results file cannot be read or written.
        """
        place = 0
        while place < len(self._open) or self._open_next():
            group = self._open[place]
            runs = self._claimed(group)
            if runs:
                return runs
            place += 1
            if not group.cells:
                place -= 1
                self._open.remove(group)
                self._finished += group.finished
        return []

    def settle(self, run: Run, metric: float | None) -> None:
        """A batch's run has ended, and this is in the file."""
        group = self._owner.pop(run.key)
        group.in_flight.discard(run.key)
        group.metrics[run.key] = metric

    def refresh(self) -> None:
        """See what other processes did, where something is theirs.

        Raises:
            OSError: the results file cannot be read.
        """
        for group in self._open:
            if group.elsewhere:
                group.load(self._store)

    def _claimed(self, group: _Open) -> list[Run]:
        free = group.free()
        while free and (len(free) >= self._batch or not group.in_flight):
            wanted, free = free[: self._batch], free[self._batch :]
            runs = self._store.claim(wanted, retry_failed=self._retry)
            group.elsewhere |= {run.key for run in wanted} - {run.key for run in runs}
            group.in_flight |= {run.key for run in runs}
            self._owner |= {run.key: group for run in runs}
            if runs:
                return runs
        return []

    def _open_next(self) -> bool:
        group = next(self._rest, None)
        if group is None:
            self._unopened = None
            return False
        opened = _Open(group, skip_failed=not self._retry)
        opened.load(self._store)
        self._open.append(opened)
        if self._unopened is not None:
            self._unopened -= opened.expected
        return True
