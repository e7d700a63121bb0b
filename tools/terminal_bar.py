"""A progress bar where there is a terminal to draw it on."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.progress import Progress, ProgressColumn
from typing_extensions import Self


class TerminalBar:
    """A bar while the block runs, where the console is a terminal; anywhere else nothing.

    Args:
        console: where to.
        total: what is to be done in all; None while that is not known.
        columns: of `rich.progress`.
        fields: what the columns name besides, to begin with.

    >>> import sys
    >>> with TerminalBar(Console(file=sys.stdout), 3) as bar:
    ...     bar.is_drawn, bar.update(completed=1)
    (False, None)
    """

    def __init__(self, console: Console, total: float | None, *columns: ProgressColumn, **fields: Any) -> None:
        self.console = console
        self._progress = Progress(*columns, console=console) if console.is_terminal else None
        if self._progress is not None:
            self._task = self._progress.add_task("", total=total, **fields)

    @property
    def is_drawn(self) -> bool:
        """Whether there is a terminal."""
        return self._progress is not None

    def __enter__(self) -> Self:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def update(self, **changes: Any) -> None:
        """Draw other numbers: `completed`, `total`, or a field."""
        if self._progress is not None:
            self._progress.update(self._task, **changes)
