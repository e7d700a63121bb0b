"""How far a search for poses is: a bar on a terminal, a line for every image elsewhere."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from gendr.tools.terminal_bar import TerminalBar


class PoseProgress(TerminalBar):
    """Shows the images done and the last one's loss.

    Args:
        images: of all.
        console: where to.

    >>> import sys
    >>> with PoseProgress(2, Console(file=sys.stdout)) as progress:
    ...     progress.begin(1)
    ...     progress.show({"image": "b.png", "loss": 0.02, "confidence": 0.8, "alternatives": []})
    2/2 b.png: loss 0.0200, confidence 0.80
    """

    def __init__(self, images: int, console: Console) -> None:
        columns = (TextColumn("poses"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        super().__init__(console, images, *columns, TextColumn("{task.fields[last]}"), last="")
        self._images = images
        self._done = 0

    def begin(self, done: int) -> None:
        """Note how many were done before."""
        self._done = done
        self.update(completed=done)
        if done == self._images:
            self.console.print(f"all {done} were done before")

    def show(self, entry: dict[str, Any]) -> None:
        """Note that an image is done."""
        self._done += 1
        last = in_words(entry)
        self.update(completed=self._done, last=last)
        if not self.is_drawn:
            self.console.print(f"{self._done}/{self._images} {last}", highlight=False)


def in_words(entry: dict[str, Any]) -> str:
    """An image's result on a line.

    >>> in_words({"image": "a.png", "loss": 0.01, "confidence": 0.0, "alternatives": [{}, {}]})
    'a.png: loss 0.0100, confidence 0.00, 2 other poses explain it as well'
    """
    others = len(entry["alternatives"])
    told = f", {others} other pose{'s' * (others > 1)} explain{'s' * (others == 1)} it as well" if others else ""
    return f"{entry['image']}: loss {entry['loss']:.4f}, confidence {entry['confidence']:.2f}{told}"
