"""How far a report is: a bar on a terminal, a line a part elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

from gendr.tools.terminal_bar import TerminalBar

_Item = TypeVar("_Item")
_REFRESH = 256
"""Items between two looks at the bar, for those that take microseconds."""


class ReportProgress:
    """Shows which part of a report is made, and how much of it is left.

    Args:
        console: where to; a terminal gets a bar, anything else a line when a part is done; None: nothing.

    >>> import sys
    >>> list(ReportProgress(Console(file=sys.stdout)).over([1, 2], "runs read", 2))
    2 runs read
    [1, 2]
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console

    def over(self, items: Iterable[_Item], what: str, total: int) -> Iterator[_Item]:
        """The items themselves, each counted when the next one is asked for."""
        if self._console is None or not self._console.is_terminal:
            yield from items
            if self._console is not None:
                self._console.print(f"{total:,} {what}", highlight=False)
            return
        columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with TerminalBar(self._console, total, *columns) as bar:
            every = _REFRESH if total > 10 * _REFRESH else 1
            for done, item in enumerate(items, 1):
                yield item
                if done % every == 0:
                    bar.update(completed=done)
            bar.update(completed=total)
