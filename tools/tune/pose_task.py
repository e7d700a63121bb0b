"""Tuning for pose: cameras turned back to where a silhouette was seen from, by the published single-start protocol."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gendr import _check
from gendr.presets import softras
from gendr.tools.bench.mesh_digest import digest
from gendr.tools.bench.pose_protocol import run_pose
from gendr.tools.bench.tasks import PoseRun
from gendr.tools.renderer_file import Setting
from gendr.tools.tune.task import CONSTANT, Condition, Score

PROBLEMS = (3, 9, 27)
"""Of each rung; of three in a row one begins 15 to 35 degrees away, one 35 to 55 and one 55 to 75."""

HELD_OUT_PROBLEMS = 6
"""Of each held-out condition."""

HELD_OUT_SEED = 1000
PUBLISHED_STEPS, PUBLISHED_RATE = 1000, 0.3
PUBLISHED_TAU = (1e-1, 1e-7)
PROBE = 2
"""Steps of a first look at what a renderer costs: one at the first softness and one at the last."""

HALF_WAY = 5.0
"""Degrees off at which a pose counts as half lost: the published experiment's threshold."""


@dataclass(frozen=True)
class Problems(Condition):
    """Some of a seed's problems; the size is their number.

    Attributes:
        first: the first of them.
        end: the one after the last.
        seed: of the problems.
    """

    first: int = 0
    end: int = 3
    seed: int = 0


class PoseTask:
    """See `gendr.tools.tune.task.Task`.

    The loss of a pose that ends `e` degrees off is `e / (e + 5)`: 0 when it is right, 1/2 at the protocol's threshold,
    and 1 when it is lost. Unlike the share of poses within 5 degrees it tells few problems apart.

    Args:
        target: a scene, or a mesh file.
        image_size: pixels along a side, 64 by default.
        steps: of an optimisation. The published protocol has 1,000 with the rate 0.3, and fewer steps begin with a rate
            as much larger.
        held_out: conditions of the comparison.

    Raises:
        ValueError: there is no such mesh, or it cannot be read, or a number is out of range.
        OSError: a file cannot be opened.

    >>> task = PoseTask("teapot", image_size=16, steps=2)
    >>> score = task.score(task.default, task.rungs[0][0], 60.0, lambda: False, full=True)
    >>> 0.5 < score.loss < 1.0, score.figures["lost"]
    (True, 1.0)
    """

    name = "pose"
    brings_cameras = False
    widths = (0.3, 30.0)
    falls = (0.0, 6.0)
    schedules: tuple[str, ...] = (CONSTANT, "log-linear")

    def __init__(self, target: str, *, image_size: int | None = None, steps: int = 200, held_out: int = 10) -> None:
        self.figures: Mapping[str, str] = {"lost": "share more than 5 degrees off"}
        if Path(target).is_dir():
            _check.fail("target", "a mesh for the task pose, whose silhouettes are made of it", f"the folder {target}")
        self.target, self.steps = target, steps
        self.image_size = 64 if image_size is None else image_size
        _check.number("steps", steps, 1)
        rate = PUBLISHED_RATE * PUBLISHED_STEPS / steps
        self.rates = (rate / 15.0, rate * 5.0)
        preset = softras()
        sigma, specs = float(preset.tau), (str(preset.distribution), str(preset.t_conorm))
        self.published = Setting(*specs, (sigma, sigma), "log-linear", rate)
        self.default = Setting("gaussian", "probabilistic", PUBLISHED_TAU, "log-linear", rate)
        ends = (0, *PROBLEMS)
        blocks = [_problems(first, end, 0) for first, end in zip(ends, PROBLEMS, strict=False)]
        self.rungs: Sequence[Sequence[Condition]] = [blocks[: rung + 1] for rung in range(len(PROBLEMS))]
        starts = range(0, held_out * HELD_OUT_PROBLEMS, HELD_OUT_PROBLEMS)
        self.held_out: Sequence[Condition] = [
            _problems(first, first + HELD_OUT_PROBLEMS, HELD_OUT_SEED) for first in starts
        ]
        self._run(self.default, blocks[0])  # refuses what is out of range
        self._digest = digest(target)

    def score(
        self, setting: Setting, condition: Condition, limit: float, should_stop: Callable[[], bool], *, full: bool
    ) -> Score:
        """Optimise the condition's poses; a renderer that will take too long is not begun with and has lost them."""
        assert isinstance(condition, Problems)
        run = self._run(setting, condition)
        if math.isfinite(limit):
            began = time.monotonic()
            probe = run_pose(replace(run, steps=PROBE))
            times = self.steps / PROBE
            if (time.monotonic() - began) * times > limit * condition.size:
                return Score(1.0, probe.seconds * times / condition.size, is_cut=True)
        outcome = run_pose(run)
        errors = outcome.details["errors"]
        loss = sum(error / (error + HALF_WAY) for error in errors) / len(errors)
        figures = {"lost": 1.0 - outcome.metric} if full else {}
        return Score(loss, outcome.seconds / len(errors), figures=figures)

    def fingerprint(self) -> Mapping[str, Any]:
        """Task, steps, pixels, and the mesh's content."""
        return {"task": self.name, "target": self._digest, "steps": self.steps, "image_size": self.image_size}

    def _run(self, setting: Setting, condition: Problems) -> PoseRun:
        return PoseRun(
            self.target,
            setting.distribution,
            setting.t_conorm,
            lr=setting.lr,
            pairs=(condition.first, condition.end),
            seed=condition.seed,
            steps=self.steps,
            image_size=self.image_size,
            tau=setting.tau,
        )


def _problems(first: int, end: int, seed: int) -> Problems:
    return Problems(size=float(end - first), first=first, end=end, seed=seed)
