"""The report's folder: new, empty, or an earlier report, which a later one replaces whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from gendr.tools.output_folder import checked_folder, staged

MANIFEST = "report.json"
"""Lists the files of a report: what a later one may replace."""
_MADE_BY = "gendr bench report"


def checked(out: Path, *, overwrite: bool) -> Path:
    """The folder, when a report may be written to it.

    Args:
        out: the folder.
        overwrite: whether an earlier report may be replaced.

    Raises:
        ValueError: it is a file, holds something that no report wrote, or a report and `overwrite` is False.

    >>> checked(Path("new"), overwrite=False).name
    'new'
    """
    return checked_folder(out, _own(out), overwrite=overwrite)


def replace(out: Path, files: Mapping[str, bytes]) -> None:
    """Write a report: all of it appears at once, in place of an earlier one.

    Raises:
        ValueError: see `checked`.
        OSError: it cannot be written; what was there before stays.

    >>> replace(Path("report"), {"index.html": b"<!doctype html>"})
    >>> sorted(path.name for path in Path("report").iterdir())
    ['index.html', 'report.json']
    """
    checked(out, overwrite=True)
    with staged(out) as stage:
        for name, content in files.items():
            (stage / name).write_bytes(content)
        manifest = {"made_by": _MADE_BY, "files": sorted([*files, MANIFEST])}
        (stage / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _own(out: Path) -> list[str]:
    """Names of the files that an earlier report wrote to the folder; none where there is no report."""
    try:
        found = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    files = found.get("files") if isinstance(found, dict) and found.get("made_by") == _MADE_BY else None
    return [name for name in files if isinstance(name, str)] if isinstance(files, list) else []
