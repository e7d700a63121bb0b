"""A study's instances as a table: one list of columns for CSV, Markdown and the page."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gendr.tools.bench.pose_problems import RANGES
from gendr.tools.bench.report.intervals import Interval
from gendr.tools.bench.report.rows import Row
from gendr.tools.bench.report.standings import Standing, standings
from gendr.tools.bench.report.study import Metric, Study

Value = str | int | float | None


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        name: in the CSV file.
        head: what stands above it elsewhere; empty for a column of the CSV file only.
        value: of a line.
        text: how a value is shown.
    """

    name: str
    head: str
    value: Callable[[Standing], Value]
    text: Callable[[Any], str] = str


@dataclass(frozen=True)
class Table:
    r"""Heads, and lines of values with the texts that show them.

    >>> print(Table(("a", "b"), ("a", "b"), [[1, "x|y"]], [["1", "x|y"]]).markdown())
    | a | b |
    |---|---|
    | 1 | x\|y |
    """

    names: Sequence[str]
    heads: Sequence[str]
    values: Sequence[Sequence[Value]]
    texts: Sequence[Sequence[str]]

    def csv(self) -> str:
        """All columns, numbers in full, nothing where nothing is known."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(self.names)
        writer.writerows([["" if _unknown(v) else v for v in line] for line in self.values])
        return buffer.getvalue()

    def markdown(self) -> str:
        """The columns that have a head."""
        shown = [i for i, head in enumerate(self.heads) if head]
        head = "| " + " | ".join(self.heads[i] for i in shown) + " |"
        lines = ["| " + " | ".join(_cell(line[i]) for i in shown) + " |" for line in self.texts]
        return "\n".join([head, "|" + "---|" * len(shown), *lines])


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def instances(study: Study) -> Table:
    """Every instance's standing, the best first."""
    columns = _columns(study)
    lines = standings(study)
    values = [[column.value(line) for column in columns] for line in lines]
    texts = [["-" if _unknown(v) else c.text(v) for c, v in zip(columns, line, strict=True)] for line in values]
    return Table([c.name for c in columns], [c.head for c in columns], values, texts)


def failures(rows: Iterable[Row]) -> Table:
    """Every failed run and its error."""
    names = ("protocol", "mesh", "distribution", "t_conorm", "seed", "settings", "error")
    lines: list[list[Value]] = []
    for row in rows:
        settings = ", ".join(f"{k}={row.config[k]}" for k in ("elevation", "lr", "tau", "pairs") if k in row.config)
        error = row.error or f"no finite figure: {row.metric}"
        lines.append([row.protocol, row.mesh, row.distribution, row.t_conorm, row.seed, settings, error])
    return Table(
        names,
        ("protocol", "mesh", "distribution", "T-conorm", "seed", "settings", "error"),
        lines,
        [[str(v) for v in line] for line in lines],
    )


def _columns(study: Study) -> list[Column]:
    first = [
        Column("rank", "#", lambda s: s.rank),
        Column("distribution", "distribution", lambda s: str(s.instance.distribution)),
        Column("t_conorm", "T-conorm", lambda s: str(s.instance.t_conorm)),
    ]
    last = [
        Column("lr", "lr", lambda s: s.lr, lambda v: f"{v:.3g}"),
        Column("known", "", lambda s: s.known),
        Column("of", "", lambda s: len(study.conditions)),
        Column("n", "n", lambda s: s.known, lambda v: f"{v} of {len(study.conditions)}"),
        Column("runs", "runs", lambda s: s.runs.done),
        Column("failed", "failed", lambda s: s.runs.failed),
    ]
    middle = _shape_columns(study.metrics[0]) if study.protocol == "shape" else _pose_columns(study)
    return [*first, *middle, *last]


def _shape_columns(metric: Metric) -> list[Column]:
    return [
        Column(metric.name, "loss", lambda s: s.interval.mean, metric.text),
        Column("low", "", lambda s: s.interval.low),
        Column("high", "", lambda s: s.interval.high),
        Column("half_width", "± 95 %", lambda s: (s.interval.high - s.interval.low) / 2, metric.text),
        Column("interval_over", "over", lambda s: s.over),
        Column("tau", "tau", lambda s: s.tau.mean, lambda v: f"{v:.2g}"),
        Column("tau_lowest", "", lambda s: s.tau.low),
        Column("tau_highest", "", lambda s: s.tau.high),
    ]


def _pose_columns(study: Study) -> list[Column]:
    """Shares and their ends over all problems, then those of each range, for 3 and for 5 degrees."""
    found = []
    for metric in study.metrics:
        degrees = metric.name.removeprefix("within")
        for at, label in ((3, ""), *((i, f"{low:g}-{high:g}") for i, (low, high) in enumerate(RANGES))):
            prefix = f"{metric.name}_{label.replace('-', '_')}".rstrip("_")
            pick = _picker(metric.name, at)
            found += [
                Column(prefix, f"≤{degrees}° {label}".strip() + " %", _end(pick, "mean"), metric.text),
                Column(f"{prefix}_low", "" if label else "low", _end(pick, "low"), metric.text),
                Column(f"{prefix}_high", "" if label else "high", _end(pick, "high"), metric.text),
            ]
            if label:
                found.append(Column(f"{prefix}_n", "", _number_of_problems(metric.name, at)))
    return found


def _number_of_problems(name: str, at: int) -> Callable[[Standing], Value]:
    return lambda standing: standing.shares[name][at][1]


def _picker(name: str, at: int) -> Callable[[Standing], Interval]:
    return lambda standing: standing.shares[name][at][0]


def _end(pick: Callable[[Standing], Interval], end: str) -> Callable[[Standing], Value]:
    return lambda standing: float(getattr(pick(standing), end))


def _unknown(value: Value) -> bool:
    return value is None or value == "" or (isinstance(value, float) and not math.isfinite(value))
