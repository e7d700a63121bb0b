"""The figures of a training run as a CSV file that grows line by line."""

from __future__ import annotations

import csv
from pathlib import Path

from gendr import _check


class Log:
    """Appends rows to a CSV file; a resumed run goes on where its checkpoint stood.

    Args:
        path: of the file.
        columns: the first must be `step`.
        begin: rows of later steps than this are dropped from a file that is there already; 0 begins anew.

    Raises:
        OSError: the file cannot be read or written.
        ValueError: it has other columns.

    >>> log = Log(Path("run.csv"), ("step", "loss"))
    >>> log.write(10, 0.5)
    >>> log.write(20, 0.25)
    >>> Log(Path("run.csv"), ("step", "loss"), begin=10).rows
    [(10, 0.5)]
    """

    def __init__(self, path: Path, columns: tuple[str, ...], begin: int = 0) -> None:
        self._path = path
        self.columns = columns
        self.rows: list[tuple[float, ...]] = []
        if begin and path.is_file():
            self.rows = [row for row in self.read(path, columns) if row[0] <= begin]
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([columns, *self.rows])

    @staticmethod
    def read(path: Path, columns: tuple[str, ...]) -> list[tuple[float, ...]]:
        """The rows of a file.

        Raises:
            OSError: it cannot be read.
            ValueError: it has other columns, or something else than numbers in them.
        """
        with path.open(newline="", encoding="utf-8") as lines:
            header, *rows = [tuple(row) for row in csv.reader(lines)] or [()]
        if header != columns:
            _check.fail(str(path), f"columns {', '.join(columns)}", ", ".join(header) or "none")
        return [(int(row[0]), *(float(value) for value in row[1:])) for row in rows]

    def write(self, *row: float) -> None:
        """Add a row, rounded to six digits."""
        rounded = tuple(value if isinstance(value, int) else float(f"{value:.6g}") for value in row)
        self.rows.append(rounded)
        with self._path.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerow(rounded)
