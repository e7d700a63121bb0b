"""Tuning for shape: a sphere fitted to silhouettes by large steps, as `gendr fit` does it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch

from gendr import _check
from gendr.presets import softras
from gendr.tools.fit import Target, configure, fit, load_target
from gendr.tools.fit.config import SCHEDULES
from gendr.tools.fit.metrics import unseen_iou
from gendr.tools.renderer_file import Setting
from gendr.tools.tune.task import CONSTANT, Condition, Score

ELEVATIONS = (30.0, 0.0, -30.0)
"""Of the cameras during the search, in degrees; the first is `gendr fit`'s."""

HELD_OUT_ELEVATIONS = (15.0, 45.0, -15.0, 60.0, -45.0)
"""Of the cameras of the comparison."""

FITS = 3
"""Of the last rung, one at each elevation."""

HELD_OUT_SEED = 1000
THIN = 3
"""The first rung sees every third camera only."""

FIGURES = {"unseen": "loss from unseen views"}


@dataclass(frozen=True)
class View(Condition):
    """A fit from a start of its own.

    Attributes:
        elevation: of the cameras; None where the target brings its own.
        seed: of the start's noise of 1e-6.
        every: which of the cameras are used: every one, every third; the size is one part in so many.
    """

    elevation: float | None = None
    seed: int = 0
    every: int = 1


class ShapeTask:
    """See `gendr.tools.tune.task.Task`.

    A mesh is searched at elevations 30, 0 and -30 and compared at five others; of a folder of masks, whose cameras are
    what they are, only the starts differ.

    Args:
        target: as `gendr fit` takes it.
        views: cameras about a mesh, 24 by default.
        image_size: rows of pixels, as `gendr fit` has it.
        steps: of a fit.
        held_out: conditions of the comparison.

    Raises:
        ValueError: there is no such target, or it cannot be read, or a number is out of range.
        OSError: a file cannot be opened.

    >>> task = ShapeTask("teapot", views=6, image_size=16, steps=3)
    >>> score = task.score(task.default, task.rungs[0][0], 60.0, lambda: False, full=False)
    >>> 0.0 < score.loss < 1.0, [len(rung) for rung in task.rungs]
    (True, [1, 1, 3])
    """

    name = "shape"
    widths = (0.1, 10.0)
    falls = (0.0, 2.5)
    rates = (0.04, 0.6)
    schedules = (CONSTANT, *SCHEDULES)

    def __init__(
        self,
        target: str,
        *,
        views: int | None = None,
        image_size: int | None = None,
        steps: int = 100,
        held_out: int = 10,
    ) -> None:
        self.target, self.steps = target, steps
        self.figures: Mapping[str, str]
        self.rungs: Sequence[Sequence[Condition]]
        self.held_out: Sequence[Condition]
        self._options: dict[str, Any] = {"image_size": image_size}
        self.brings_cameras = Path(target).is_dir()
        if not self.brings_cameras:
            self._options["views"] = views
        elif views is not None:
            _check.fail("views", f"nothing, because the cameras of {target} are in its folder", f"{views}")
        self._target = cache(self._load)
        first = self._target(self._elevation(0, ELEVATIONS))
        self.image_size = int(first.alpha.shape[1])
        config = configure(steps=steps)
        self.default = Setting(str(config.distribution), str(config.t_conorm), config.tau, "log-linear", config.lr[0])
        preset = softras()
        sigma = float(preset.tau)
        spec = str(preset.distribution), str(preset.t_conorm)
        self.published = Setting(*spec, (sigma, sigma), "log-linear", config.lr[0])
        searched = [View(elevation=self._elevation(i, ELEVATIONS), seed=i) for i in range(FITS)]
        few = [replace(searched[0], size=1 / THIN, every=THIN)] if len(first.camera) >= 2 * THIN else []
        self.rungs = (*([few] if few else []), searched[:1], searched)
        self.held_out = [
            View(elevation=self._elevation(i, HELD_OUT_ELEVATIONS), seed=HELD_OUT_SEED + i) for i in range(held_out)
        ]
        self.figures = {} if self.brings_cameras else FIGURES

    def score(
        self, setting: Setting, condition: Condition, limit: float, should_stop: Callable[[], bool], *, full: bool
    ) -> Score:
        """A fit, and the best hard IoU loss among its shapes, in the views that it saw."""
        assert isinstance(condition, View)
        target, every = self._target(condition.elevation), slice(None, None, condition.every)
        distribution, t_conorm = setting.members()
        config = configure(
            distribution=distribution,
            t_conorm=t_conorm,
            tau=setting.tau,
            schedule=setting.schedule,
            lr=setting.lr,
            steps=self.steps,
            seed=condition.seed,
        )
        began, end = time.process_time(), time.monotonic() + limit * condition.size
        result = fit(
            target.alpha[every].contiguous(),
            target.camera[every],
            config,
            should_stop=lambda: should_stop() or time.monotonic() > end,
        )
        seconds = (time.process_time() - began) / condition.size
        unseen = unseen_iou(target, result.mesh) if full else None
        figures = {} if unseen is None else {"unseen": 1.0 - unseen}
        return Score(1.0 - result.best.hard_iou, seconds, result.interrupted, figures)

    def fingerprint(self) -> Mapping[str, Any]:
        """Task, steps, pixels, number of cameras, and the target's content."""
        target = self._target(self._elevation(0, ELEVATIONS))
        content = hashlib.sha256()
        tensors = [target.alpha, target.camera.rotation, target.camera.eye, target.camera.scale]
        if target.mesh is not None:
            tensors += [target.mesh.vertices, target.mesh.faces]
        for tensor in tensors:
            content.update(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
            content.update(tensor.detach().contiguous().numpy().tobytes())
        return {
            "task": self.name,
            "target": content.hexdigest()[:16],
            "steps": self.steps,
            "image_size": self.image_size,
            "views": len(target.camera),
        }

    def _load(self, elevation: float | None) -> Target:
        with torch.no_grad():
            return load_target(self.target, elevation=elevation, **self._options)

    def _elevation(self, index: int, elevations: tuple[float, ...]) -> float | None:
        return None if self.brings_cameras else elevations[index % len(elevations)]
