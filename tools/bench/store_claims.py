"""Claims: which process works on which run, so that none is done twice and none is lost with its process."""

from __future__ import annotations

import os
import platform
import secrets
import sqlite3
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

STALE = 120.0
"""Seconds without a sign of life after which a claim from elsewhere, where no process can be looked at, lapses."""


@dataclass(frozen=True)
class Owner:
    """Who claims: a store of a process.

    Attributes:
        name: unlike any other's.
        place: machine, since its last start, and the namespace in which process ids mean something.
        pid: process id.
        born: when the process began, so that a later one with the same id is not taken for it.

    >>> Owner.here().lives()
    True
    """

    name: str
    place: str
    pid: int
    born: str

    @staticmethod
    def here() -> Owner:
        """A new owner in this process."""
        return Owner(secrets.token_hex(8), _place(), os.getpid(), _born(os.getpid()))

    def lives(self) -> bool:
        """Whether the process is still there; only asked of one whose place is this."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:  # another user's
            pass
        return _born(self.pid) == self.born  # a process that is killed and not yet buried was never born


def unsettled(db: sqlite3.Connection, keys: Sequence[str], settled: str) -> list[str]:
    """Those of the keys that have no row of a `settled` status, which is a list in SQL."""
    found = db.execute(f"SELECT key FROM runs WHERE status IN {settled} AND key IN ({_marks(keys)})", list(keys))
    done = {key for (key,) in found}
    return [key for key in keys if key not in done]


def take(db: sqlite3.Connection, owner: Owner, keys: Sequence[str]) -> set[str]:
    """Claim what is not claimed by another owner that lives; returns what was had."""
    query = f"SELECT key, owner, place, pid, born, beat FROM claims WHERE key IN ({_marks(keys)})"
    found = db.execute(query, list(keys)).fetchall()
    held = {key for key, *who, beat in found if who[0] != owner.name and not _lapsed(Owner(*who), beat, owner.place)}
    free = set(keys) - held
    rows = [(key, owner.name, owner.place, owner.pid, owner.born, time.time()) for key in free]
    db.executemany("INSERT OR REPLACE INTO claims VALUES (?, ?, ?, ?, ?, ?)", rows)
    return free


def beat(db: sqlite3.Connection, owner: Owner) -> None:
    """Renew an owner's claims."""
    db.execute("UPDATE claims SET beat = ? WHERE owner = ?", (time.time(), owner.name))


def release(db: sqlite3.Connection, owner: Owner) -> None:
    """Drop an owner's claims."""
    db.execute("DELETE FROM claims WHERE owner = ?", (owner.name,))


def _lapsed(other: Owner, last: float, place: str) -> bool:
    if other.place == place:
        return not other.lives()
    return time.time() - last > STALE


def _marks(values: Collection[str]) -> str:
    return ", ".join("?" * len(values))


def _place() -> str:
    parts = [platform.node()]
    for file in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        with suppress(OSError):  # only Linux has them
            parts.append(os.readlink(file) if "ns" in file else Path(file).read_text(encoding="ascii").strip())
    return " ".join(parts)


def _born(pid: int) -> str:
    """Clock ticks from the machine's start to the process's; "dead" for a zombie, empty where the system is silent."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    fields = text.rpartition(")")[2].split()
    return "dead" if fields[0] in "ZX" else fields[19]
