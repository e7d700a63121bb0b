"""`python -m gendr.tools.bench.fidelity`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from gendr.tools.arguments import bad_arguments, option
from gendr.tools.bench.fidelity.table import Part, parts
from gendr.tools.bench.report.progress import ReportProgress
from gendr.tools.bench.report.tallies import collect
from gendr.tools.bench.store import Store

NAME = "python -m gendr.tools.bench.fidelity"

HELP = """Compare a benchmark's results with the thesis's findings: finding, published, here, agrees.

Prints a table for each protocol in the file; Markdown where the output is no terminal. docs/fidelity.md says how the
figures are made.

For example:
  python -m gendr.tools.bench.fidelity RESULTS.sqlite
  python -m gendr.tools.bench.fidelity RESULTS.sqlite --mesh chair > chair.md"""


@dataclass(frozen=True)
class Fidelity:
    """The arguments of the command; what follows an attribute is its help."""

    results: tyro.conf.Positional[Path]
    """Results file of `gendr bench`."""
    mesh: Annotated[str | None, option("MESH", "airplane for shape and teapot for pose, where they are there")] = None
    """Only the runs of this mesh; `all` for all meshes together."""

    def run(self) -> int:
        """Print the tables; the exit code."""
        with bad_arguments(NAME), Store.open(self.results) as store:
            errors = Console(stderr=True)
            rows = ReportProgress(errors if errors.is_terminal else None).over(
                store.each_row(), "runs read", store.count()
            )
            found = parts(collect(rows)[0], self.mesh)
        console = Console()
        for part in found:
            if console.is_terminal:
                console.print(_drawn(part))
            else:
                print(f"{part.title}\n\n{part.table.markdown()}\n")
        return 0


def _drawn(part: Part) -> RichTable:
    table = RichTable(*part.table.heads, title=escape(part.title), title_justify="left")
    for line in part.table.texts:
        table.add_row(*map(escape, line))
    return table


if __name__ == "__main__":
    sys.exit(tyro.cli(Fidelity, prog=NAME, description=HELP).run())
