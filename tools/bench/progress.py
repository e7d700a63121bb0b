"""How far a sweep is: one bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

from gendr.tools.bench.sweep import Tally
from gendr.tools.terminal_bar import TerminalBar

EVERY = 60.0
"""Seconds from one line to the next where there is no terminal."""


class SweepProgress(TerminalBar):
    """Shows runs done, rate, time left, failures, and the best so far.

    Args:
        console: where to; a terminal gets a bar, anything else a line a minute and one at the end.

    >>> import sys
    >>> with SweepProgress(Console(file=sys.stdout)) as progress:
    ...     progress.show(Tally(done=5, total=9, failed=1))
    5 of 9 runs  1 failed
    """

    def __init__(self, console: Console) -> None:
        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("runs  {task.fields[figures]}"))
        super().__init__(console, None, *columns, figures="")
        self._began = self._said = time.monotonic()
        self._tally: Tally | None = None

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        if self._tally is not None and not self.is_drawn:
            self._say(self._tally)

    def show(self, tally: Tally) -> None:
        """Note how far it is."""
        now = time.monotonic()
        self._tally = tally
        if self.is_drawn:
            figures = described(tally, now - self._began)
            self.update(completed=tally.done, total=max(tally.total, 1), figures=figures)
        elif now - self._said > EVERY:
            self._said = now
            self._say(tally)

    def _say(self, tally: Tally) -> None:
        figures = described(tally, time.monotonic() - self._began)
        self.console.print(f"{tally.done} of {tally.total} runs  {figures}".rstrip(), highlight=False)


def described(tally: Tally, seconds: float) -> str:
    """What is known after so many seconds.

    >>> described(Tally(done=50, total=100, here=20), seconds=40.0)
    '0.50 runs/s  1:40 left'
    """
    parts = []
    if tally.here and seconds > 0.0:
        rate = tally.here / seconds
        parts.append(f"{rate:.2f} runs/s")
        if tally.total > tally.done:
            parts.append(f"{_clock((tally.total - tally.done) / rate)} left")
    if tally.best is not None:
        run, metric = tally.best
        figure = f"{metric:.4f}" if run.protocol == "shape" else f"{metric:.0%}"
        parts.append(f"best {figure} {run.distribution} + {run.t_conorm}")
    if tally.failed:
        parts.append(f"{tally.failed} failed")
    if tally.waits:
        parts.append("waiting for another process")
    return "  ".join(parts)


def _clock(seconds: float) -> str:
    """Hours and minutes from a day down, minutes and seconds from an hour down.

    >>> _clock(90.0), _clock(3700.0), _clock(200000.0)
    ('1:30', '1:01:40', '2 days 7:33:20')
    """
    days, rest = divmod(round(seconds), 86400)
    hours, rest = divmod(rest, 3600)
    clock = f"{hours}:{rest // 60:02}:{rest % 60:02}" if days or hours else f"{rest // 60}:{rest % 60:02}"
    return f"{days} day{'s' * (days > 1)} {clock}" if days else clock
