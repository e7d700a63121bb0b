"""What made the results: programs, time, and how many runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from gendr.tools.bench.report.rows import Row

_LISTED = 5


class Origin:
    """Counts rows as they pass, and tells of them.

    >>> Origin().text()
    '0 runs.'
    """

    def __init__(self) -> None:
        self._runs = 0
        self._seconds = 0.0
        self._made: Counter[str] = Counter()
        self._first, self._last = "", ""

    def over(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The rows themselves."""
        for row in rows:
            self._runs += 1
            self._seconds += row.seconds or 0.0
            programs = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in row.versions.items())
            self._made[f"{programs}, commit {row.commit[:12] if row.commit else 'unknown'}"] += 1
            self._first = min(self._first or row.started, row.started)
            self._last = max(self._last, row.finished)
            yield row

    def text(self) -> str:
        """A sentence or two."""
        if not self._runs:
            return "0 runs."
        hours = f"{self._seconds / 3600:,.1f} hours" if self._seconds >= 3600 else f"{self._seconds / 60:,.1f} minutes"
        when = f"{self._first[:16].replace('T', ' ')} to {self._last[:16].replace('T', ' ')} UTC"
        most = self._made.most_common(_LISTED)
        made = [f"{by} ({number:,} runs)" if len(most) > 1 else by for by, number in most]
        more = f"; and {len(self._made) - _LISTED} others" if len(self._made) > _LISTED else ""
        return f"{self._runs:,} runs, {hours} of processor time, {when}. Made by {'; '.join(made)}{more}."
