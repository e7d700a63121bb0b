"""Stand-ins for what a benchmark's worker does; in a module of their own, which workers can import."""

import json
import os
import signal
from dataclasses import replace

from gendr.tools.bench.agenda import Group, Plan
from gendr.tools.bench.cells import Listed
from gendr.tools.bench.tasks import Outcome, ShapeRun

RUN = ShapeRun("teapot", "uniform", "maximum", elevation=0, lr=1, tau=0.1)


def runs(seeds, **changes):
    return [replace(RUN, seed=seed, **changes) for seed in seeds]


def plan(wanted, batch=3):
    """One group of one cell for each distribution."""
    names = list(dict.fromkeys(run.distribution for run in wanted))
    cells = {name: Listed([run for run in wanted if run.distribution == name]) for name in names}
    groups = [Group("shape", ("teapot",), name, "maximum", [cells[name]]) for name in names]
    return Plan(groups, len(wanted), batch, "shape", {(name, "maximum") for name in names}, {})


def by_seed(batch):
    """Seed 13 fails, the others give a figure that follows from the seed."""
    if any(run.seed == 13 for run in batch):
        raise RuntimeError("it is\n  unlucky")
    return [Outcome(1 / (1 + run.seed), 0.5, {"seed": run.seed}) for run in batch]


def deadly(batch):
    """Seed 7 ends its worker, 8 says nonsense, 9 says so much that no pipe holds it."""
    seeds = {run.seed for run in batch}
    if 7 in seeds:
        os.kill(os.getpid(), signal.SIGKILL)
    if 8 in seeds:
        return [Outcome(float("nan"), 0.0)]
    return [Outcome(0.5, 0.0, {"pid": os.getpid(), "much": [0] * 100_000 * (run.seed == 9)}) for run in batch]


def table(store):
    """What two sweeps of the same runs have in common."""
    return [(row.key, row.status, row.metric, json.dumps(row.details), row.error) for row in store.rows()]
