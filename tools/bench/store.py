"""The results of a sweep: one SQLite file that grows by one row a run, and that processes may share."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from gendr import _check
from gendr.tools import machine
from gendr.tools.bench import store_claims, store_schema
from gendr.tools.bench.store_claims import Owner
from gendr.tools.bench.tasks import Outcome, Run

_COLUMNS = (
    "key, protocol, mesh, distribution, t_conorm, seed, status, metric, details, error, seconds, "
    'versions, "commit", started, finished'
)
_WRITE = f"""INSERT INTO runs ({_COLUMNS}) VALUES ({", ".join("?" * 15)})
ON CONFLICT (key) DO UPDATE SET
  status = excluded.status, metric = excluded.metric, details = excluded.details, error = excluded.error,
  seconds = excluded.seconds, versions = excluded.versions, "commit" = excluded."commit",
  started = excluded.started, finished = excluded.finished
WHERE runs.status = 'failed'"""


@dataclass(frozen=True)
class Made:
    """What made a result, and when.

    Attributes:
        versions: of gendr, torch and Python, and the kernels' instruction set.
        commit: of gendr's source, `+` where it was changed; None outside a repository.
        started: UTC, ISO 8601.
        finished: likewise.

    >>> Made.since(now()).versions["gendr"] == __import__("gendr").__version__
    True
    """

    versions: Mapping[str, str]
    commit: str | None
    started: str
    finished: str

    @staticmethod
    def since(started: str) -> Made:
        """Made by this process, from then until now."""
        versions, commit = _program()
        return Made(versions, commit, started, now())


@dataclass(frozen=True)
class Row:
    """A run and what became of it.

    Attributes:
        key: the run's identity, `Run.key`.
        protocol: "shape" or "pose".
        mesh: a scene's name or a file.
        distribution: its spec.
        t_conorm: its spec.
        seed: of the run.
        status: "done" or "failed".
        metric: `Outcome.metric`; None for a failed run.
        details: `Outcome.details`; empty for a failed run.
        error: what went wrong; None for a run that is done.
        seconds: of processor time; None for a failed run.
        versions: as in `Made`; so are the next three.
        commit: of gendr's source.
        started: UTC, ISO 8601.
        finished: likewise.
    """

    key: str
    protocol: str
    mesh: str
    distribution: str
    t_conorm: str
    seed: int
    status: Literal["done", "failed"]
    metric: float | None
    details: dict[str, Any]
    error: str | None
    seconds: float | None
    versions: dict[str, str]
    commit: str | None
    started: str
    finished: str

    @property
    def config(self) -> dict[str, Any]:
        """All fields of the run, which its key holds."""
        fields: dict[str, Any] = json.loads(self.key)
        return fields

    @property
    def run(self) -> Run:
        """The run itself."""
        return Run.from_key(self.key)


def now() -> str:
    """The time in UTC, as rows hold it.

    >>> now()[10], now()[-6:]
    ('T', '+00:00')
    """
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


@cache
def _program() -> tuple[dict[str, str], str | None]:
    known = machine.machine()
    return {**known["versions"], "instruction_set": known["instruction_set"]}, known["commit"]


class Store:
    """An open results file. Made by `Store.open`; closes itself at the end of a `with` block.

    Every write is a transaction: after `kill -9` or on a full disk a run is in the file, whole, or it is not. SQLite's
    write-ahead log lets several processes of one machine read and write at once; it does not work across a network.

    >>> from gendr.tools.bench.tasks import ShapeRun
    >>> run = ShapeRun("teapot", "logistic", "probabilistic", elevation=30, lr=0.03, tau=1e-2)
    >>> with Store.open("results.sqlite", create=True) as store:
    ...     store.add(run, Outcome(metric=0.25, seconds=1.0))
    ...     [(row.run == run, row.metric) for row in store.rows("shape")]
    [(True, 0.25)]
    """

    def __init__(self, path: Path, db: sqlite3.Connection) -> None:
        self.path = path
        self._db = db
        self._owner = Owner.here()

    @staticmethod
    def open(path: str | os.PathLike[str], *, create: bool = False) -> Store:
        """Open a results file.

        Args:
            path: of the file.
            create: make it where there is none. Otherwise a file that may only be read is opened all the same.

        Raises:
            ValueError: it is no results file, or one of another schema version.
            OSError: there is none, it cannot be opened, or the disk is full.
        """
        place = Path(path)
        return Store(place, store_schema.connect(place, create=create))

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back what is claimed, and close the file."""
        with suppress(OSError):  # a full disk: the claims lapse with this process
            self.release()
        self._db.close()

    def add(self, run: Run, outcome: Outcome, made: Made | None = None) -> None:
        """Keep a run's outcome. One that is there already stays; a failure gives way.

        Raises:
            ValueError: the metric is not finite.
            OSError: the file cannot be written.
        """
        self.record([(run, outcome)], made)

    def fail(self, run: Run, error: str, made: Made | None = None) -> None:
        """Keep that a run failed, and why.

        Raises:
            OSError: the file cannot be written.
        """
        self.record([(run, error)], made)

    def record(self, results: Iterable[tuple[Run, Outcome | str]], made: Made | None = None) -> None:
        """Keep several runs' outcomes, or errors, in one transaction, and give up the claims on them.

        Raises:
            ValueError: a metric is not finite.
            OSError: the file cannot be written.
        """
        rows = [_row(run, result, made or Made.since(now())) for run, result in results]
        with self._transaction():
            self._db.executemany(_WRITE, rows)
            self._db.executemany("DELETE FROM claims WHERE key = ?", [row[:1] for row in rows])

    def done_keys(self) -> set[str]:
        """The keys of all runs that are done.

        Raises:
            OSError: the file cannot be read.
        """
        with store_schema.told(self.path):
            return {key for (key,) in self._db.execute("SELECT key FROM runs WHERE status = 'done'")}

    def rows(self, protocol: str | None = None) -> list[Row]:
        """All rows, or those of a protocol, ordered by key.

        Raises:
            OSError: the file cannot be read.
        """
        return list(self.each_row(protocol))

    def each_row(self, protocol: str | None = None) -> Iterator[Row]:
        """The same, one at a time, for files larger than memory; the file must stay open meanwhile."""
        where, values = ("", ()) if protocol is None else ("WHERE protocol = ?", (protocol,))
        with store_schema.told(self.path):
            for row in self._db.execute(f"SELECT {_COLUMNS} FROM runs {where} ORDER BY key", values):
                yield _read(row)

    def count(self) -> int:
        """How many rows there are.

        Raises:
            OSError: the file cannot be read.
        """
        with store_schema.told(self.path):
            number: int = self._db.execute("SELECT count(*) FROM runs").fetchone()[0]
        return number

    def metrics(self, protocol: str, mesh: str, distribution: str, t_conorm: str) -> dict[str, float | None]:
        """By key the metrics of the runs of one mesh and instance; None for failed ones.

        Raises:
            OSError: the file cannot be read.
        """
        where = "protocol = ? AND distribution = ? AND t_conorm = ? AND mesh = ?"
        with store_schema.told(self.path):
            values = (protocol, distribution, t_conorm, mesh)
            return dict(self._db.execute(f"SELECT key, metric FROM runs WHERE {where}", values).fetchall())

    def claim(self, runs: Sequence[Run], *, retry_failed: bool = False) -> list[Run]:
        """Take runs, so that no other process does them meanwhile.

        Returns:
            Those that are to be done now: neither done, nor failed (unless they are to be tried again), nor claimed by
            another store whose process lives.

        Raises:
            OSError: the file cannot be written.
        """
        with self._transaction():
            settled = "('done')" if retry_failed else "('done', 'failed')"
            free = store_claims.unsettled(self._db, [run.key for run in runs], settled)
            taken = store_claims.take(self._db, self._owner, free)
        return [run for run in runs if run.key in taken]

    def beat(self) -> None:
        """Say that this process lives and still works on what it claimed."""
        with self._transaction():
            store_claims.beat(self._db, self._owner)

    def release(self) -> None:
        """Give back all that is claimed and not recorded."""
        if self._db.in_transaction or store_schema.is_read_only(self._db):
            return
        with self._transaction():
            store_claims.release(self._db, self._owner)

    def remember(self, name: str, value: str) -> str:
        """Note a fact about the whole file under a name, unless there is one; returns what is noted."""
        with self._transaction():
            self._db.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (name, value))
            found: str = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()[0]
        return found

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All of the block or nothing; the write lock is taken at its beginning, so that what it reads stays true."""
        with store_schema.told(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise


def _row(run: Run, result: Outcome | str, made: Made) -> tuple[Any, ...]:
    fields = (run.key, run.protocol, run.mesh, run.distribution, run.t_conorm, run.seed)
    by = (json.dumps(dict(made.versions)), made.commit, made.started, made.finished)
    if isinstance(result, str):
        return (*fields, "failed", None, "{}", result, None, *by)
    metric = _check.number("metric", result.metric)
    return (*fields, "done", metric, json.dumps(dict(result.details)), None, result.seconds, *by)


def _read(row: Sequence[Any]) -> Row:
    values = list(row)
    for place in (8, 11):
        values[place] = json.loads(values[place])
    return Row(*values)
