"""What `gendr bench shape` and `gendr bench pose` share: options, workers, and how a sweep begins and ends."""

from __future__ import annotations

import sys
from abc import abstractmethod
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import tyro
from rich.console import Console

from gendr.presets.instances import Instance
from gendr.tools.arguments import bad_arguments, option
from gendr.tools.bench import mesh_digest
from gendr.tools.bench.agenda import Plan
from gendr.tools.bench.batch import run_batch
from gendr.tools.bench.grid import instances
from gendr.tools.bench.pool import Pool
from gendr.tools.bench.progress import SweepProgress
from gendr.tools.bench.ranking import ranking
from gendr.tools.bench.ray_workers import RayWorkers
from gendr.tools.bench.store import Store
from gendr.tools.bench.sweep import sweep
from gendr.tools.bench.workers import Workers
from gendr.tools.extra import needs
from gendr.tools.interrupt import EXIT_CODE, Interrupt

WIDTH = 120
"""Of the ranking where there is no terminal."""


@dataclass(frozen=True)
class SweepCommand:
    """The arguments of both; what follows an attribute is its help."""

    protocol: ClassVar[str]

    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Results file (SQLite): a new one, or one to go on with; what it holds is not done again."""
    grid: str = "thesis"
    """thesis: 1,242 instances. quick: thirty. Or a text file with one `DISTRIBUTION + T_CONORM` a line."""
    distribution: Annotated[tuple[str, ...], option("SPEC ...", "all of the grid")] = ()
    """Only these: a name such as gamma is the whole family, "gamma(p=2, reversed)" or "logistic()" is one."""
    t_conorm: Annotated[tuple[str, ...], option("SPEC ...", "all of the grid")] = ()
    """Only these, likewise."""
    seeds: Annotated[tuple[int, ...], option("INT ...", "0")] = (0,)
    """Repetitions."""
    workers: Annotated[int | None, option("INT", "one for each core; of a cluster, all its CPUs")] = None
    """Processes of one thread each."""
    ray: Annotated[str | None, option("HOST:PORT|auto", "this machine's cores")] = None
    """Work on a Ray cluster; auto is the one that RAY_ADDRESS names or that runs here. Needs the extra ray."""
    retry_failed: tyro.conf.FlagCreatePairsOff[bool] = False
    """Do again what failed before."""

    @abstractmethod
    def plan(self, chosen: tuple[Instance, ...]) -> Plan:
        """The runs."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        is_terminal = sys.stdout.isatty()
        console = Console(soft_wrap=True, highlight=False, width=None if is_terminal else WIDTH)
        with bad_arguments(f"gendr bench {self.protocol}"):
            chosen = instances(self.grid, self.distribution, self.t_conorm)
            plan = self.plan(chosen)
            digests = {mesh: mesh_digest.digest(mesh) for mesh in plan.chosen["mesh"]}
            with closing(self._workers()) as workers, Store.open(self.out, create=True) as store:
                mesh_digest.note(store, digests)
                console.print(f"{len(chosen)} instances on {', '.join(digests)}, about {plan.runs:,} runs; {workers}")
                finished = self._sweep(plan, store, workers, console)
                if table := ranking(store, plan):
                    console.print(table)
        if not finished:
            console.print(f"interrupted: the same command goes on with {self.out}")
        return 0 if finished else EXIT_CODE

    def _sweep(self, plan: Plan, store: Store, workers: Workers, console: Console) -> bool:
        with Interrupt() as interrupt, SweepProgress(console) as progress:
            return sweep(
                plan,
                store,
                workers,
                retry_failed=self.retry_failed,
                show=progress.show,
                should_stop=lambda: interrupt.seen,
            )

    def _workers(self) -> Workers:
        if self.ray is None:
            return Pool(run_batch, self.workers)
        with needs(f"gendr bench {self.protocol}", "ray", ["ray"]):
            return RayWorkers(run_batch, self.ray, self.workers)
