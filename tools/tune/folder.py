"""The folder of a tuning: one process works in it, for one task; what is written appears whole or not at all."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gendr import _check
from gendr.tools.output_folder import staged

SETTINGS = "settings.json"
STUDY = "study.sqlite"
_SCHEMA = {"schema": "gendr.tune", "version": 1}


def check(out: Path, settings: Mapping[str, Any]) -> None:
    """See that the folder is new, empty, or one of the same settings.

    Raises:
        ValueError: it is a file, or holds something else.
        OSError: it cannot be read.

    >>> check(Path("new"), {"steps": 100})
    """
    if out.exists() and not out.is_dir():
        _check.fail("out", "a folder", f"the file {out}")
    names = sorted(os.listdir(out)) if out.exists() else []
    if not names:
        return
    if SETTINGS not in names:
        _check.fail("out", "a new or empty folder, or one of gendr tune", f"{out}, which holds {names[0]}")
    try:
        found = json.loads((out / SETTINGS).read_text(encoding="utf-8"))
    except ValueError:
        found = None
    wanted = _written(settings)
    if not isinstance(found, dict) or found.get("schema") != wanted["schema"]:
        _check.fail(
            "out", "a new or empty folder, or one of gendr tune", f"{out}, whose {SETTINGS} is not of gendr tune"
        )
    for name, value in wanted.items():
        if found.get(name) != value:
            told = f"{out}, where {name} is {_short(found.get(name))}, not {_short(value)}"
            _check.fail("out", "a new or empty folder, or one that was begun with the same settings", told)


@contextmanager
def claimed(out: Path, settings: Mapping[str, Any]) -> Iterator[None]:
    """Make the folder if it is new; within the block it is this process's alone, and however that ends, it is free.

    Raises:
        ValueError: as `check`; another process works in it.
        OSError: it cannot be written.

    >>> with claimed(Path("tuned"), {"steps": 100}):
    ...     sorted(path.name for path in Path("tuned").iterdir())
    ['settings.json']
    """
    check(out, settings)
    if not (out / SETTINGS).exists():
        with staged(out) as stage:
            (stage / SETTINGS).write_text(json.dumps(_written(settings), indent=1) + "\n", encoding="utf-8")
    with open(out / SETTINGS, encoding="utf-8") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _check.fail("out", "a folder in which no other process works", f"{out}, in which one does")
        yield


def write(path: Path, content: str | bytes) -> None:
    """Write a file, which appears whole, in place of an earlier one.

    >>> write(Path("a.txt"), "whole")
    >>> Path("a.txt").read_text()
    'whole'
    """
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        aside.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def _written(settings: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON gives it back."""
    content: dict[str, Any] = json.loads(json.dumps({**_SCHEMA, **settings}))
    return content


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
