"""Runs of the benchmark beside the published figures: `python -m gendr.tools.sort_digits.report RUN RUN ...`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from gendr.tools.arguments import bad_arguments
from gendr.tools.machine import machine
from gendr.tools.sort_digits.curve import draw_curves
from gendr.tools.sort_digits.train import COLUMNS
from gendr.tools.training import Log

PUBLISHED = {
    "logistic": (0.772, 0.898),
    "reciprocal": (0.850, 0.933),
    "cauchy": (0.849, 0.932),
    "optimal": (0.850, 0.933),
}
"""EM and EW for n = 5 after 200,000 steps: Petersen 2022, Table 3.7."""


@dataclass(frozen=True)
class Report:
    """Print a table of runs with n = 5 beside the published figures, and write JSON and the picture of their curves."""

    runs: tyro.conf.Positional[list[Path]]
    """Folders of runs, each named after its distribution."""
    json: Annotated[Path, tyro.conf.arg(name="json")] = Path("sort_digits.json")
    """Where to write the figures."""
    picture: Path = Path("sort_digits.png")
    """Where to draw the curves."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        with bad_arguments("report"):
            curves = {folder.name: read(folder) for folder in self.runs}
            draw_curves(curves, self.picture, {"published EM, 200,000 steps": 0.85})
            finals = {folder.name: final(folder) for folder in self.runs}
        print(table(finals))
        rows = {name: [dict(zip(COLUMNS, row, strict=True)) for row in rows] for name, rows in curves.items()}
        result: dict[str, Any] = {"machine": machine(), "final": finals, "runs": rows}
        self.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        return 0


def read(folder: Path) -> list[tuple[float, ...]]:
    """The figures of a run.

    Raises:
        ValueError: there are none.

    >>> read(Path("nowhere"))
    Traceback (most recent call last):
    ValueError: nowhere: expected a run's log.csv, got none
    """
    if not (folder / "log.csv").is_file():
        raise ValueError(f"{folder}: expected a run's log.csv, got none")
    return Log.read(folder / "log.csv", COLUMNS)


def final(folder: Path) -> dict[str, float]:
    """Steps, EM and EW of a run's test at its end, which has ten times the sets of those on the way.

    Raises:
        ValueError: there is no such test.

    >>> final(Path("nowhere"))
    Traceback (most recent call last):
    ValueError: nowhere: expected a run's result.json, got none
    """
    try:
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        return {name: result[name] for name in ("steps", "em", "ew")}
    except (OSError, ValueError, KeyError, TypeError):
        raise ValueError(f"{folder}: expected a run's result.json, got none") from None


def table(finals: dict[str, dict[str, float]]) -> str:
    """The runs beside the published figures, as Markdown.

    >>> print(table({"cauchy": {"steps": 100, "em": 0.25, "ew": 0.6}}))
    | distribution | steps | EM | EW | published EM (EW), 200,000 steps |
    |---|---|---|---|---|
    | cauchy | 100 | 25.0 | 60.0 | 84.9 (93.2) |
    """
    lines = ["| distribution | steps | EM | EW | published EM (EW), 200,000 steps |", "|---|---|---|---|---|"]
    for name, figures in finals.items():
        step, em, ew = figures["steps"], figures["em"], figures["ew"]
        known = PUBLISHED.get(name)
        published = f"{100 * known[0]:.1f} ({100 * known[1]:.1f})" if known else "-"
        lines.append(f"| {name} | {step:,} | {100 * em:.1f} | {100 * ew:.1f} | {published} |")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(tyro.cli(Report, prog="report").run())
