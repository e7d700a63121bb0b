"""How far a training run is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class TrainingProgress:
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
        self._steps = steps
        self._console = console
        self._bar: Progress | None = None
        if console.is_terminal:
            columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[figures]}"), TimeRemainingColumn())
            self._bar = Progress(*columns, console=console)
            self._task = self._bar.add_task("train", total=steps, figures="")

    def __enter__(self) -> TrainingProgress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, done: int, **figures: float) -> None:
        """Note that `done` steps are done, and what was measured after the last."""
        text = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
        if self._bar is not None:
            self._bar.update(self._task, completed=done)
            if text:
                self._bar.update(self._task, figures=text)
        elif text:
            self._console.print(f"step {done}/{self._steps}  {text}", highlight=False)
