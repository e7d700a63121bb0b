"""The tables of a results file: making them, and refusing files that have others."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gendr import _check

VERSION = 1
"""Of the schema. A file of another version is not read."""

_TABLES = (
    """CREATE TABLE runs (
  key TEXT PRIMARY KEY, protocol TEXT NOT NULL, mesh TEXT NOT NULL, distribution TEXT NOT NULL,
  t_conorm TEXT NOT NULL, seed INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('done', 'failed')), metric REAL, details TEXT NOT NULL, error TEXT,
  seconds REAL, versions TEXT NOT NULL, "commit" TEXT, started TEXT NOT NULL, finished TEXT NOT NULL)""",
    "CREATE INDEX runs_of_instance ON runs (protocol, distribution, t_conorm, mesh)",
    """CREATE TABLE claims (
  key TEXT PRIMARY KEY, owner TEXT NOT NULL, place TEXT NOT NULL, pid INTEGER NOT NULL, born TEXT NOT NULL,
  beat REAL NOT NULL)""",
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
)
_WAIT = 60.0
"""Seconds to wait for another process's transaction, each of which takes milliseconds."""


@contextmanager
def told(path: Path) -> Iterator[None]:
    """SQLite's errors inside the block become `OSError`s that name the file.

    >>> with told(Path("a.sqlite")):
    ...     sqlite3.connect(":memory:").execute("SELECT * FROM songs")
    Traceback (most recent call last):
    OSError: a.sqlite: no such table: songs
    """
    try:
        yield
    except sqlite3.Error as error:
        raise OSError(f"{path}: {error}") from None


def connect(path: Path, *, create: bool) -> sqlite3.Connection:
    """Open a results file, and make its tables where it has none and may be made.

    Raises:
        ValueError: it is no results file, or one of another schema version.
        OSError: it cannot be opened or written.

    >>> connect(Path("results.sqlite"), create=True).execute("SELECT * FROM meta").fetchall()
    [('schema', '1')]
    """
    is_new = not path.exists()
    if is_new and not create:
        raise FileNotFoundError(f"{path}: there is no such file")
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(f"{path}: there is no such folder")
    if not is_new and not path.is_file():
        _check.fail("results", "a file", str(path))
    try:
        with told(path):
            db = _open(path, create=create)
            try:
                _check_tables(db, path, create=create)
            except BaseException:
                db.close()
                raise
    except OSError:
        if is_new:  # nothing half-made stays behind
            for ending in ("", "-wal", "-shm", "-journal"):
                Path(f"{path}{ending}").unlink(missing_ok=True)
        raise
    return db


def is_read_only(db: sqlite3.Connection) -> bool:
    """Whether the file was opened for reading only."""
    return bool(db.execute("PRAGMA query_only").fetchone()[0])


def _open(path: Path, *, create: bool) -> sqlite3.Connection:
    """The connection, with transactions in our own hands. Where nothing may be written, reading is all that is left."""
    writable = create or (os.access(path, os.W_OK) and os.access(path.absolute().parent, os.W_OK))
    mode = "rwc" if create else "rw" if writable else "ro"
    log = Path(f"{path}-wal")
    still = "" if writable or (log.exists() and log.stat().st_size) else "&immutable=1"  # no log file can be made
    address = f"{path.absolute().as_uri()}?mode={mode}{still}"
    db = sqlite3.connect(address, timeout=_WAIT, isolation_level=None, uri=True)
    if not writable:
        db.execute("PRAGMA query_only = 1")
    return db


def _check_tables(db: sqlite3.Connection, path: Path, *, create: bool) -> None:
    try:
        tables = _tables(db)
    except sqlite3.DatabaseError as error:
        if "not a database" not in str(error):
            raise
        _check.fail(str(path), "a results file of gendr bench", "a file that is no SQLite database")
    if not tables and create:
        db.execute("PRAGMA journal_mode = WAL")
        _make(db)
        tables = _tables(db)
    if "meta" not in tables or "runs" not in tables:
        _check.fail(
            str(path), "a results file of gendr bench", "another SQLite database" if tables else "an empty file"
        )
    found = db.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()
    if found != (str(VERSION),):
        got = f"version {found[0]}" if found else "none"
        wanted = f"a results file of schema version {VERSION}, which this version of gendr reads"
        _check.fail(str(path), wanted, got)


def _tables(db: sqlite3.Connection) -> set[str]:
    return {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _make(db: sqlite3.Connection) -> None:
    """Make the tables in one transaction, unless another process was faster."""
    db.execute("BEGIN IMMEDIATE")
    try:
        if not _tables(db):
            for statement in _TABLES:
                db.execute(statement)
            db.execute("INSERT INTO meta VALUES ('schema', ?)", (str(VERSION),))
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
