"""A folder of results that appears whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from gendr import _check


def checked_folder(out: Path, own: Collection[str], *, overwrite: bool) -> Path:
    """The folder to write, when it may be written: new, empty, or with old results and leave to replace them.

    Args:
        out: the folder.
        own: names of what results consist of.
        overwrite: whether such results may be replaced.

    Raises:
        ValueError: it is a file, holds other things, or holds results and `overwrite` is False.
    """
    if out.exists() and not out.is_dir():
        _check.fail("out", "a folder", f"the file {out}")
    names = sorted(os.listdir(out)) if out.exists() else []
    foreign = [name for name in names if name not in own]
    if foreign:
        _check.fail("out", "a new or empty folder", f"{out}, which holds {foreign[0]}")
    if names and not overwrite:
        _check.fail("out", "a new or empty folder, or --overwrite to replace the results in it", f"{out}")
    return out


@contextmanager
def staged(out: Path) -> Iterator[Path]:
    """A folder to write into, which takes the place of `out` at the end of the block, and is dropped on an error.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with staged(Path(folder, "out")) as stage:
    ...         _ = (stage / "metrics.json").write_text("{}")
    ...     sorted(path.name for path in Path(folder, "out").iterdir())
    ['metrics.json']
    """
    out = Path(os.path.abspath(out))
    out.parent.mkdir(parents=True, exist_ok=True)
    stage = out.parent / f".{out.name}.{secrets.token_hex(4)}"
    stage.mkdir()
    try:
        yield stage
        _replace(out, stage)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _replace(out: Path, stage: Path) -> None:
    """Rename; a folder in the way steps aside first, and comes back when the rename fails."""
    if not out.exists():
        stage.rename(out)
        return
    aside = stage.with_name(f"{stage.name}.old")
    out.rename(aside)
    try:
        stage.rename(out)
    except OSError:
        aside.rename(out)
        raise
    shutil.rmtree(aside, ignore_errors=True)
