"""The training loop around a run: figures, pictures, states, until the steps are done or Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

from gendr.tools.interrupt import Interrupt
from gendr.tools.reconstruct.board import Board
from gendr.tools.reconstruct.run import LOG, Run
from gendr.tools.training import Log

COLUMNS = ("step", "loss", "iou", "laplacian", "flatten", "area", "lr", "tau", "norm", "seconds")


def train(
    run: Run, *, every: int = 20, save_every: int = 200, show: Callable[..., None] = lambda *_, **__: None
) -> bool:
    """Go on with a run until its steps are done, or until Ctrl-C or SIGTERM.

    Args:
        run: to go on with.
        every: steps from one line of log.csv, and one point of the curves, to the next; it holds their means.
        save_every: steps from one state, and one panel of images, to the next.
        show: called with the number of steps done after each, and with loss and IoU when there are new ones.

    Returns:
        Whether all steps are done.

    Raises:
        NotFinite: as `Run.advance`; the newest state is as it was.
        OSError: a file cannot be written.
    """
    fabric, began = run.fabric, time.process_time()
    before = float(run.figures["seconds"])
    leads = fabric.is_global_zero
    if leads:
        run.folder.mkdir(parents=True, exist_ok=True)
    log = Log(run.folder / LOG, COLUMNS, begin=run.step) if leads else None
    rows: list[dict[str, float]] = []
    with Interrupt() as interrupt, Board(run, enabled=leads) as board:
        if run.step == 0:
            run.save()  # so that the folder can be gone on with from its first moment
        stopped = False
        while run.step < run.settings.steps and not stopped:
            rows.append(run.advance())
            stopped = _anyone(fabric, interrupt.seen)
            last = run.step == run.settings.steps or stopped
            if run.step % every == 0 or last:
                means = _means(fabric, rows)
                rows.clear()
                run.figures["seconds"] = round(before + time.process_time() - began, 3)
                if log is not None:
                    log.write(run.step, *(means[name] for name in COLUMNS[1:-1]), run.figures["seconds"])
                board.curves(means)
                show(run.step, loss=means["loss"], IoU=means["iou"])
            else:
                show(run.step)
            if run.step % save_every == 0 or last:
                board.panel()
                run.save()
    return run.step >= run.settings.steps


def _anyone(fabric: Any, seen: bool) -> bool:
    """Whether any process was told to stop: they must stop at the same step."""
    if fabric.world_size == 1:
        return seen
    return bool(fabric.all_reduce(torch.tensor(float(seen)), reduce_op="sum") > 0)


def _means(fabric: Any, rows: list[dict[str, float]]) -> dict[str, float]:
    """Over steps and processes."""
    names = list(rows[0])
    table = torch.tensor([[row[name] for name in names] for row in rows], dtype=torch.float64).mean(0)
    if fabric.world_size > 1:
        table = fabric.all_reduce(table, reduce_op="mean")
    return dict(zip(names, table.tolist(), strict=True))
