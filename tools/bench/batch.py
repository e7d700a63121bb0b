"""The entry of the benchmark: any runs in, their outcomes out, as many as possible of them in one kernel call."""

from __future__ import annotations

from collections.abc import Sequence

from gendr.tools.bench.pose_protocol import run_pose
from gendr.tools.bench.shape_protocol import run_shapes
from gendr.tools.bench.tasks import Outcome, PoseRun, Run, ShapeRun

SHAPES = 8
"""Shape runs in one call: 192 images of 24 views. More only take more memory."""


def run_batch(runs: Sequence[Run]) -> list[Outcome]:
    """Run them; the outcomes in the order of the runs.

    Shape runs of one distribution, T-conorm, image size, number of views and of steps share kernel calls; mesh,
    elevation, rate, softness and seed may differ. The pairs of a pose run share them, too. An outcome, apart from its
    seconds, is the same whatever else is in the batch and however many threads the kernels have.

    Raises:
        TypeError: something that is no run.
        ValueError: a mesh that does not exist or cannot be read.

    >>> runs = [ShapeRun("teapot", "uniform", "einstein", 0.0, 0.03, tau, steps=1, views=1) for tau in (0.1, 0.01)]
    >>> len(run_batch(runs))
    2
    """
    for run in runs:
        if not isinstance(run, (ShapeRun, PoseRun)):
            raise TypeError(f"runs: expected ShapeRun or PoseRun, got {type(run).__name__}")
    outcomes = {i: run_pose(run) for i, run in enumerate(runs) if isinstance(run, PoseRun)}
    for members in _grouped(runs).values():
        for begin in range(0, len(members), SHAPES):
            chosen = members[begin : begin + SHAPES]
            results = run_shapes([run for run in (runs[i] for i in chosen) if isinstance(run, ShapeRun)])
            outcomes |= dict(zip(chosen, results, strict=True))
    return [outcomes[i] for i in range(len(runs))]


def _grouped(runs: Sequence[Run]) -> dict[tuple[object, ...], list[int]]:
    groups: dict[tuple[object, ...], list[int]] = {}
    for i, run in enumerate(runs):
        if isinstance(run, ShapeRun):
            groups.setdefault((run.distribution, run.t_conorm, run.image_size, run.views, run.steps), []).append(i)
    return groups
