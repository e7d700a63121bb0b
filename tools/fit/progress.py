"""How far a fit is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn

from gendr.tools.fit.optimise import Step
from gendr.tools.terminal_bar import TerminalBar

LINES = 10


class FitProgress(TerminalBar):
    """Shows loss and IoU of every step.

    Args:
        steps: of the whole fit.
        console: where to; a terminal gets a bar, anything else about ten lines.
    """

    def __init__(self, steps: int, console: Console) -> None:
        numbers = TextColumn("loss {task.fields[loss]:.4f}  IoU {task.fields[iou]:.4f}")
        columns = (TextColumn("fitting"), BarColumn(), MofNCompleteColumn(), numbers, TimeElapsedColumn())
        super().__init__(console, steps, *columns, loss=1.0, iou=0.0)
        self._steps = steps

    def show(self, step: Step) -> None:
        """Note that a step is done."""
        done = step.index + 1
        self.update(completed=done, loss=step.loss, iou=step.hard_iou)
        if not self.is_drawn and (done == self._steps or done % max(1, self._steps // LINES) == 0):
            line = f"step {done}/{self._steps}  loss {step.loss:.4f}  IoU {step.hard_iou:.4f}"
            self.console.print(line, highlight=False)
