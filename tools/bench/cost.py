"""What the benchmark's runs cost on this machine: `python -m gendr.tools.bench.cost`, a minute on a quiet one.

Shape runs are those of the protocol, 100 steps of 24 views of 64 x 64 pixels of 1,280 faces; of pose runs it does 32
pairs and a twentieth of the steps, over the same softnesses, and gives the seconds of 1,000.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import tyro

from gendr import set_num_threads
from gendr.tools.arguments import bad_arguments
from gendr.tools.bench.batch import run_batch
from gendr.tools.bench.tasks import PoseRun, ShapeRun
from gendr.tools.machine import machine

UNIFORM = ShapeRun("airplane", "uniform", "probabilistic", elevation=30.0, lr=10**-1.5, tau=10**-1.5)
SQUARED = replace(UNIFORM, distribution="logistic(squared)", tau=10**-3.6)
GAMMA = replace(UNIFORM, distribution="gamma(p=0.5, reversed)", tau=10**-2.1)
POSE = PoseRun("teapot", "uniform", "probabilistic", lr=0.3, pairs=(0, 32), steps=50)


@dataclass(frozen=True)
class Workload:
    """Some runs of a kind, and by what the seconds of all of them are divided to have those of one."""

    name: str
    runs: tuple[ShapeRun, ...] | tuple[PoseRun, ...]
    parts: float


WORKLOADS = (
    Workload("shape run, Uniform, Probabilistic", (UNIFORM,), 1.0),
    Workload("the same, one of eight in a call", tuple(replace(UNIFORM, seed=seed) for seed in range(8)), 8.0),
    Workload("shape run, Logistic squared, Probabilistic", (SQUARED,), 1.0),
    Workload("shape run, Gamma(0.5) reversed, Probabilistic", (GAMMA,), 1.0),
    Workload("pose pair, Uniform, Probabilistic", (POSE,), 32.0 * POSE.steps / 1000.0),
    Workload(
        "pose pair, Logistic, Probabilistic", (replace(POSE, distribution="logistic"),), 32.0 * POSE.steps / 1000.0
    ),
)
"""What is measured: each softness is about where the instance fits best."""


@dataclass(frozen=True)
class Cost:
    """Print the processor and the wall seconds of a shape run and of a pair of the pose protocol.

    Processor seconds are the least of some repeats, which other programs disturb by a third at most; wall seconds want
    a quiet machine.

    Example: python -m gendr.tools.bench.cost --threads 1 2
    """

    threads: Annotated[tuple[int, ...], tyro.conf.arg(metavar="N [N ...]")] = (1, 2)
    """Of the kernels."""
    repeats: int = 2
    """Of each workload."""

    def run(self, workloads: Sequence[Workload] = WORKLOADS) -> int:
        """Do it; returns the exit code."""
        with bad_arguments("cost"):
            if self.repeats < 1:
                raise ValueError(f"repeats: expected at least 1, got {self.repeats}")
            around = machine()
            print(f"{around['cpu']}, {around['cores']} cores, load {around['load'][0]:.1f}\n")
            print("| what | threads | CPU seconds | wall seconds |")
            print("| --- | --- | --- | --- |")
            for workload in workloads:
                for threads in self.threads:
                    cpu, wall = measure(workload, threads, self.repeats)
                    print(f"| {workload.name} | {threads} | {cpu:.2f} | {wall:.2f} |", flush=True)
        return 0


def measure(workload: Workload, threads: int, repeats: int = 1) -> tuple[float, float]:
    """Least processor and least wall seconds of one run or pair.

    >>> cpu, _ = measure(Workload("tiny", (replace(UNIFORM, steps=1, views=1),), 1.0), threads=1)
    >>> 0.0 < cpu < 10.0
    True
    """
    set_num_threads(threads)
    try:
        run_batch([replace(workload.runs[0], steps=2)])  # loads the mesh, fills the caches
        times = [_seconds(lambda: run_batch(workload.runs)) for _ in range(repeats)]
    finally:
        set_num_threads(None)
    return min(cpu for cpu, _ in times) / workload.parts, min(wall for _, wall in times) / workload.parts


def _seconds(call: Callable[[], object]) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    call()
    return time.process_time() - cpu, time.perf_counter() - wall


if __name__ == "__main__":
    raise SystemExit(tyro.cli(Cost, prog="python -m gendr.tools.bench.cost").run())
