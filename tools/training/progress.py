"""How far a training run is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

from gendr.tools.terminal_bar import TerminalBar


class TrainingProgress(TerminalBar):
    """Shows the steps done and the latest figures.

    Args:
        steps: of the whole run.
        console: where to; a terminal gets a bar, anything else a line whenever there are figures.

    >>> import sys
    >>> with TrainingProgress(2, Console(file=sys.stdout)) as progress:
    ...     progress.show(1)
    ...     progress.show(2, loss=0.25)
    step 2/2  loss 0.25
    """

    def __init__(self, steps: int, console: Console) -> None:
        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[figures]}"), TimeRemainingColumn())
        super().__init__(console, steps, *columns, figures="")
        self._steps = steps

    def show(self, done: int, **figures: float) -> None:
        """Note that `done` steps are done, and what was measured after the last."""
        text = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
        self.update(completed=done)
        if text and self.is_drawn:
            self.update(figures=text)
        elif text:
            self.console.print(f"step {done}/{self._steps}  {text}", highlight=False)
