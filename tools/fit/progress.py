"""How far a fit is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from gendr.tools.fit.optimise import Step

LINES = 10


class FitProgress:
    """Shows loss and IoU of every step.

    Args:
        steps: of the whole fit.
        console: where to; a terminal gets a bar, anything else about ten lines.
    """

    def __init__(self, steps: int, console: Console) -> None:
        self._steps = steps
        self._console = console
        self._bar: Progress | None = None
        if console.is_terminal:
            numbers = TextColumn("loss {task.fields[loss]:.4f}  IoU {task.fields[iou]:.4f}")
            columns = (TextColumn("fitting"), BarColumn(), MofNCompleteColumn(), numbers, TimeElapsedColumn())
            self._bar = Progress(*columns, console=console)
            self._task = self._bar.add_task("fit", total=steps, loss=1.0, iou=0.0)

    def __enter__(self) -> FitProgress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, step: Step) -> None:
        """Note that a step is done."""
        done = step.index + 1
        if self._bar is not None:
            self._bar.update(self._task, completed=done, loss=step.loss, iou=step.hard_iou)
        elif done == self._steps or done % max(1, self._steps // LINES) == 0:
            line = f"step {done}/{self._steps}  loss {step.loss:.4f}  IoU {step.hard_iou:.4f}"
            self._console.print(line, highlight=False)
