"""The shape benchmark: `python -m gendr.tools.bench_fit` prints the README's table and writes it as JSON.

Every figure is a loss, `1 - IoU` of sharp silhouettes at the best step, and the mean over starts that differ by noise
of 1e-6. It reads the airplane and the other meshes from the folder that GENDR_DATA names.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from gendr import threads_for_kernels
from gendr.distributions import from_spec
from gendr.tools.arguments import bad_arguments
from gendr.tools.fit import FitConfig, Target, configure, fit, load_target
from gendr.tools.fit.metrics import fine_iou, unseen_iou
from gendr.tools.machine import machine

AIRPLANE = "airplane_gendr"
ELEVATIONS = (-60.0, -30.0, 0.0, 30.0, 60.0)
OTHERS = (
    "armadillo",
    "bunny_stanford",
    "camel",
    "chair_1_gendr",
    "chair_2_gendr",
    "cow",
    "horse",
    "rocket",
    "spot",
    "teapot_gendr",
)
THESIS = (
    ("logistic(squared)", (-4.5, -4.4, -4.3, -4.2, -4.1)),
    ("gamma(p=0.5, reversed)", (-2.5, -2.4, -2.3, -2.2, -2.1)),
)
"""The renderers of the published protocol, and that part of its grid of log10(tau) in which the best values lie."""

THESIS_LR = (-1.25, -1.5, -1.75)
"""Its grid of log10(lr)."""


@dataclass(frozen=True)
class Row:
    """A line of the table: mean (or median) losses over its runs, and the spread of the first.

    Attributes:
        task: what was fitted, and how.
        loss: in the seen views at 64 pixels.
        spread: standard deviation of `loss` over the starts, or over the meshes.
        fine: in the seen views at 256 pixels.
        unseen: from unseen views.
        seconds: processor time of one fit, all threads together, the least of all runs.
        runs: how many fits.
    """

    task: str
    loss: float
    spread: float
    fine: float
    unseen: float
    seconds: float
    runs: int


@dataclass(frozen=True)
class Bench:
    """Measure how well and how fast the methods fit, print a table and write JSON."""

    seeds: int = 5
    """Starts per figure."""
    json: Annotated[Path, tyro.conf.arg(name="json")] = Path("bench_fit.json")
    """Where to write the figures."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        with bad_arguments("bench_fit"):
            folder = _meshes()
            if self.seeds < 1:
                raise ValueError(f"seeds: expected at least 1, got {self.seeds}")
        before = machine()
        print("| fit | loss | | at 256 px | unseen views | CPU s |\n|---|---|---|---|---|---|")
        rows = []
        with threads_for_kernels():
            for row in measure(folder, self.seeds):
                print(line(row), flush=True)
                rows.append(asdict(row))
        self.json.write_text(json.dumps({"machine": before, "rows": rows}, indent=1) + "\n", encoding="utf-8")
        print(f"\n{before['cpu']}, {before['threads']} threads, load {before['load'][0]:.1f}; wrote {self.json}")
        return 0


def measure(folder: Path, seeds: int) -> Iterator[Row]:
    """The rows of the table, one after the other."""
    airplane = load_target(folder / f"{AIRPLANE}.obj")
    for spec, grid in THESIS:
        task = f"published protocol, {spec}, best of {len(grid)} tau and {len(THESIS_LR)} lr"
        yield summary(task, _searches(airplane, spec, grid, seeds))
    for steps in (25, 50, 100):
        yield summary(f"default, {steps} steps", _runs(airplane, {"steps": steps}, seeds))
    turned = [load_target(folder / f"{AIRPLANE}.obj", elevation=elevation) for elevation in ELEVATIONS]
    each = [summary("", _runs(target, {}, seeds)) for target in turned]
    yield _over(f"default, mean of elevations {', '.join(f'{e:g}' for e in ELEVATIONS)}", each, statistics.fmean)
    others = [load_target(folder / f"{name}.obj") for name in OTHERS]
    each = [summary("", _runs(target, {}, seeds)) for target in others]
    yield _over(f"default, median of {len(OTHERS)} other meshes", each, statistics.median)


def summary(task: str, runs: list[tuple[float, float, float, float]]) -> Row:
    """Means over runs of (loss, fine, unseen, seconds).

    >>> summary("two", [(0.1, 0.2, 0.3, 2.0), (0.3, 0.4, 0.5, 1.0)]).seconds
    1.0
    """
    losses, fine, unseen, seconds = zip(*runs, strict=True)
    spread = statistics.stdev(losses) if len(losses) > 1 else 0.0
    means = [statistics.fmean(values) for values in (losses, fine, unseen)]
    return Row(task, means[0], spread, means[1], means[2], min(seconds), len(runs))


def line(row: Row) -> str:
    """A row as Markdown.

    >>> line(Row("x", 0.02, 0.001, 0.05, 0.1, 1.0, 5))
    '| x | 0.0200 | ±0.0010 | 0.050 | 0.100 | 1.0 |'
    """
    fine, unseen = f"{row.fine:.3f}", f"{row.unseen:.3f}"
    return f"| {row.task} | {row.loss:.4f} | ±{row.spread:.4f} | {fine} | {unseen} | {row.seconds:.1f} |"


def _runs(target: Target, settings: dict[str, Any], seeds: int) -> list[tuple[float, float, float, float]]:
    return [_run(target, configure(**settings, seed=seed)) for seed in range(seeds)]


def _searches(
    target: Target, spec: str, grid: tuple[float, ...], seeds: int
) -> list[tuple[float, float, float, float]]:
    """The protocol's grid search, once for every start: the best run of each."""

    def run(log_tau: float, log_lr: float, seed: int) -> tuple[float, float, float, float]:
        tau = (10.0**log_tau, 10.0**log_tau)
        return _run(target, configure("thesis", distribution=from_spec(spec), tau=tau, lr=10.0**log_lr, seed=seed))

    return [min(run(tau, lr, seed) for tau in grid for lr in THESIS_LR) for seed in range(seeds)]


def _run(target: Target, config: FitConfig) -> tuple[float, float, float, float]:
    began = time.process_time()
    result = fit(target.alpha, target.camera, config)
    seconds = time.process_time() - began
    fine, unseen = fine_iou(target, result.mesh), unseen_iou(target, result.mesh)
    return 1.0 - result.best.hard_iou, 1.0 - (fine or 0.0), 1.0 - (unseen or 0.0), seconds


def _over(task: str, rows: list[Row], combine: Any) -> Row:
    """One row of several targets' rows."""
    loss, fine, unseen = ([getattr(row, name) for row in rows] for name in ("loss", "fine", "unseen"))
    runs, seconds = sum(row.runs for row in rows), min(row.seconds for row in rows)
    return Row(task, combine(loss), statistics.stdev(loss), combine(fine), combine(unseen), seconds, runs)


def _meshes() -> Path:
    if "GENDR_DATA" not in os.environ:
        raise ValueError("GENDR_DATA: expected the folder of real data, got nothing")
    folder = Path(os.environ["GENDR_DATA"], "meshes", "classic")
    missing = [name for name in (AIRPLANE, *OTHERS) if not (folder / f"{name}.obj").is_file()]
    if missing:
        raise ValueError(f"GENDR_DATA: expected a file {folder / missing[0]}.obj, got none")
    return folder


if __name__ == "__main__":
    raise SystemExit(tyro.cli(Bench, prog="bench_fit").run())
