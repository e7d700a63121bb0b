"""How far a tuning is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, TextColumn

from gendr.tools.terminal_bar import TerminalBar
from gendr.tools.tune.standings import Tried

EVERY = 30.0
"""Seconds from one line to the next where there is no terminal."""


class TuneProgress(TerminalBar):
    """Shows what is being done, the trials so far, the best, and the time left of the budget.

    Args:
        console: where to.
        budget: seconds in all.

    >>> import sys
    >>> with TuneProgress(Console(file=sys.stdout), 60.0) as progress:
    ...     progress.show("search", "3 trials", None, used=30.0)
    search: 3 trials, 0:30 left
    """

    def __init__(self, console: Console, budget: float) -> None:
        columns = (TextColumn("{task.fields[part]}"), BarColumn(), TextColumn("{task.fields[figures]}"))
        super().__init__(console, budget, *columns, part="", figures="")
        self._budget, self._said = budget, 0.0

    def show(self, part: str, done: str, best: Tried | None, used: float) -> None:
        """Note how far it is.

        Args:
            part: what is being done.
            done: how much of it.
            best: of the trials so far.
            used: seconds of the budget.
        """
        left = max(round(self._budget - used), 0)
        figures = f"{done}, {left // 60}:{left % 60:02} left"
        if best is not None:
            figures += f", best {best.loss:.4f} on rung {best.rung + 1}: {best.setting}"
        self.update(completed=min(used, self._budget), part=part, figures=figures)
        now = time.monotonic()
        if not self.is_drawn and now - self._said > EVERY:
            self._said = now
            self.console.print(f"{part}: {figures}", highlight=False)
