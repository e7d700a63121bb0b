"""Does the coarse-to-fine search find what the whole grid finds? `python -m gendr.tools.bench.check_tau_search`.

It runs some instances with all 81 softnesses on one mesh, replays the search on these outcomes, and compares. Every run
goes to a results file at once, so that a second call does only what is missing. By default the runs are those of the
protocol with fewer and smaller images, 6 views of 32 pixels, seven minutes of processor time.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import tyro
from rich.console import Console
from rich.progress import track

from gendr.presets.instances import Instance
from gendr.tools.arguments import bad_arguments
from gendr.tools.bench.batch import SHAPES, run_batch
from gendr.tools.bench.store import Store
from gendr.tools.bench.tasks import Outcome, Run, ShapeRun
from gendr.tools.bench.tau_search import GRID, TauSearch

SAMPLE = (
    "uniform + probabilistic",
    "gaussian + probabilistic",
    "logistic(squared) + probabilistic",
    "gamma(p=0.5, reversed) + probabilistic",
    "gumbel_min + einstein",
    "laplace + yager(p=2)",
    "cubic_hermite + dombi(p=0.5)",
    "exponential(reversed, squared) + hamacher(p=0.5)",
)


@dataclass(frozen=True)
class Comparison:
    """What grid and search find for an instance: the places in the grid, the losses there, and what the search takes.

    Attributes:
        runs: of the search, of the grid's 81.
        seconds: processor time of the grid's runs and of the search's among them.
        jitter: standard deviation of the loss at the grid's best softness over starts that differ by 1e-6.
    """

    instance: str
    grid_place: int
    grid_loss: float
    search_place: int
    search_loss: float
    runs: int
    seconds: tuple[float, float]
    jitter: float

    @property
    def agrees(self) -> bool:
        """Whether the search's loss is the grid's, or within two standard deviations of the jitter above it.

        >>> Comparison("x", 20, 0.100, 23, 0.104, 21, (60.0, 12.0), 0.005).agrees
        True
        """
        return self.search_loss <= self.grid_loss + 2.0 * self.jitter


@dataclass(frozen=True)
class Check:
    """Compare the coarse-to-fine search for the softness with the whole grid.

    Example: python -m gendr.tools.bench.check_tau_search --results tau.sqlite
    """

    results: Path = Path("tau_search.sqlite")
    """Where the runs go, and where those that are done are found."""
    mesh: str = "airplane"
    """A scene or a mesh file."""
    instances: tuple[str, ...] = SAMPLE
    """DISTRIBUTION + T_CONORM each."""
    views: int = 6
    """24 in the protocol."""
    image_size: int = 32
    """64 in the protocol."""
    steps: int = 100
    """Of a run."""
    seeds: int = 4
    """Jittered starts at the grid's best softness."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        with bad_arguments("check_tau_search"):
            chosen = [Instance.from_spec(text) for text in self.instances]
            with Store.open(self.results, create=True) as store:
                compared = [self._compare(store, instance) for instance in chosen]
        print("| instance | grid: log tau, loss | search: log tau, loss | runs of 81 | CPU seconds | jitter | agrees |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for row in compared:
            print(line(row))
        saved = 1.0 - statistics.fmean(row.runs for row in compared) / len(GRID)
        whole, searched = (sum(row.seconds[i] for row in compared) for i in (0, 1))
        agreeing = sum(row.agrees for row in compared)
        told = f"{100 * saved:.0f} % of the runs and {100 * (1 - searched / whole):.0f} % of the time saved"
        print(f"\n{told}; {agreeing} of {len(compared)} agree")
        return 0

    def _compare(self, store: Store, instance: Instance) -> Comparison:
        runs = [self._shape_run(instance, tau) for tau in GRID]
        rows = perform(store, runs, str(instance))
        losses = {tau: loss for tau, (loss, _) in zip(GRID, rows, strict=True)}
        best = min(losses, key=lambda tau: losses[tau])
        starts = [replace(self._shape_run(instance, best), seed=seed) for seed in range(1, self.seeds + 1)]
        spread = [losses[best], *(loss for loss, _ in perform(store, starts, f"{instance}: seeds"))]
        jitter = statistics.stdev(spread) if len(spread) > 1 else 0.0
        asked = replay(losses)
        found = min(asked, key=lambda tau: losses[tau])
        seconds = (sum(time for _, time in rows), sum(rows[GRID.index(tau)][1] for tau in asked))
        of_grid, of_search = (GRID.index(best), losses[best]), (GRID.index(found), losses[found])
        return Comparison(str(instance), *of_grid, *of_search, len(asked), seconds, jitter)

    def _shape_run(self, instance: Instance, tau: float) -> ShapeRun:
        run = ShapeRun(self.mesh, str(instance.distribution), str(instance.t_conorm), 30.0, 10**-1.5, tau)
        return replace(run, views=self.views, image_size=self.image_size, steps=self.steps)


def replay(losses: dict[float, float]) -> list[float]:
    """The softnesses that a search asks for when these are the outcomes.

    >>> len(replay({tau: abs(tau - 1e-2) for tau in GRID})) < 30
    True
    """
    search = TauSearch()
    outcomes: dict[float, float] = {}
    while proposals := search.next(outcomes):
        outcomes |= {tau: losses[tau] for tau in proposals}
    return list(outcomes)


def perform(store: Store, runs: Sequence[Run], name: str) -> list[tuple[float, float]]:
    """Metrics and seconds of runs, of which only those are run that the file does not hold yet."""
    missing = [run for run in runs if run.key not in store.done_keys()]
    cuts = range(0, len(missing), SHAPES)
    for begin in track(cuts, name, console=Console(stderr=True), disable=not cuts, transient=True):
        part = missing[begin : begin + SHAPES]
        outcomes: list[tuple[Run, Outcome | str]] = list(zip(part, run_batch(part), strict=True))
        store.record(outcomes)
    found = {row.key: (row.metric or 0.0, row.seconds or 0.0) for row in store.rows("shape")}
    return [found[run.key] for run in runs]


def line(row: Comparison) -> str:
    """A row as Markdown.

    >>> line(Comparison("x + y", 20, 0.1, 23, 0.104, 21, (60.0, 12.0), 0.005))
    '| x + y | -2.0, 0.1000 | -2.3, 0.1040 | 21 | 60, 12 | ±0.0050 | yes |'
    """
    grid = f"{-row.grid_place / 10:.1f}, {row.grid_loss:.4f}"
    search = f"{-row.search_place / 10:.1f}, {row.search_loss:.4f}"
    agrees = "yes" if row.agrees else "no"
    seconds = f"{row.seconds[0]:.0f}, {row.seconds[1]:.0f}"
    return f"| {row.instance} | {grid} | {search} | {row.runs} | {seconds} | ±{row.jitter:.4f} | {agrees} |"


if __name__ == "__main__":
    raise SystemExit(tyro.cli(Check, prog="check_tau_search").run())
