"""From results to the report's folder."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from itertools import chain, count
from pathlib import Path

from rich.console import Console

from gendr.tools.bench.report import folder, page
from gendr.tools.bench.report.origin import Origin
from gendr.tools.bench.report.progress import ReportProgress
from gendr.tools.bench.report.rows import Row
from gendr.tools.bench.report.section import Section
from gendr.tools.bench.report.study import Study
from gendr.tools.bench.report.tables import failures
from gendr.tools.bench.report.tallies import collect
from gendr.tools.bench.store import Store

_SHOWN = 200
"""Failed runs on the page; the file has all."""


def write(results: Path, out: Path, *, overwrite: bool = False, console: Console | None = None) -> None:
    """Read a results file and write its report: index.html, and its tables and pictures as files beside it.

    Args:
        results: of `gendr bench`.
        out: a folder, new or empty.
        overwrite: whether it may be an earlier report's, which is then replaced.
        console: where to show progress; None: nowhere.

    Raises:
        ValueError: no results file or one of another schema version, one without runs, or a folder with other things.
        OSError: something cannot be read or written.

    >>> write(Path("none.sqlite"), Path("report"))
    Traceback (most recent call last):
    FileNotFoundError: none.sqlite: there is no such file
    """
    folder.checked(out, overwrite=overwrite)
    progress = ReportProgress(console)
    with Store.open(results) as store:
        files = report(progress.over(store.each_row(), "runs read", store.count()), progress)
    folder.replace(out, files)


def report(rows: Iterable[Row], progress: ReportProgress | None = None) -> dict[str, bytes]:
    """The report's files by name.

    Raises:
        ValueError: there are no rows, or one that cannot be read.

    >>> report([])
    Traceback (most recent call last):
    ValueError: results: expected at least one run, got none
    """
    origin = Origin()
    studies, failed = collect(origin.over(rows))
    sections = list(_sections(studies))
    drawn = (picture for section in sections for picture in section.pictures())
    number = sum(len(section.figures) for section in sections)
    pictures = {picture[0]: picture for picture in (progress or ReportProgress()).over(drawn, "figures drawn", number)}
    files = {name: light for name, light, _ in pictures.values()}
    links = [(section.name, section.title) for section in sections] + [("failed", "failed runs")] * bool(failed)
    parts = ["<h1>gendr benchmark</h1>", f'<p class="note">{html.escape(origin.text())}</p>', page.contents(links)]
    for section in sections:
        files |= section.tables()
        parts += section.html([pictures[name] for name, *_ in section.figures])
    if failed:
        files["failed.csv"] = failures(failed).csv().encode()
        more = f"<p>The first {_SHOWN} of them; failed.csv has all.</p>" if len(failed) > _SHOWN else ""
        parts += [f'<h2 id="failed">Failed runs: {len(failed):,}</h2>{more}', page.table(failures(failed[:_SHOWN]))]
    files["index.html"] = page.page(parts).encode()
    return files


def _sections(studies: list[Study]) -> Iterator[Section]:
    """Each study over all its meshes, then over each mesh if there are several."""
    taken: set[str] = set()

    def free(name: str) -> str:
        found = next(n for n in chain([name], (f"{name}-{i}" for i in count(2))) if n not in taken)
        taken.add(found)
        return found

    for study in studies:
        name = free(study.protocol)
        yield Section(name, study)
        if len(study.meshes) > 1:
            for mesh in study.meshes:
                word = re.sub(r"[^A-Za-z0-9]+", "-", Path(mesh).stem).strip("-") or "mesh"
                yield Section(free(f"{name}-{word}"), study.on(mesh))
