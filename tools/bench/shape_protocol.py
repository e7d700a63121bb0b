"""The published shape protocol, many runs at once: a sphere fitted to a mesh's silhouettes within 100 steps."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch
from torch import Tensor

from gendr import distributions, threads_for_kernels, tnorms
from gendr.distributions import Heaviside
from gendr.render import MeshTopology, rasterize
from gendr.render.losses import flatten_loss, laplacian_loss
from gendr.tnorms import Maximum
from gendr.tools.bench.iou import soft_iou
from gendr.tools.bench.meshes import ring_camera, ring_silhouettes
from gendr.tools.bench.tasks import Outcome, ShapeRun
from gendr.tools.fit import OctantShape, configure, sphere

CONFIG = configure("thesis")
"""Betas, weights, level and radius are those of `gendr fit --method thesis`."""

CURVE_STEP = 10


def run_shapes(runs: Sequence[ShapeRun]) -> list[Outcome]:
    r"""Fit a sphere of 642 vertices to silhouettes, for all runs in one kernel call a step.

    Each run renders the shape softly into its `views`, takes a step of Adam (betas 0.5 and 0.95) down
    `1 - mean IoU + 0.03 Laplacian + 0.0003 flatten`, and measures the hard IoU loss of every shape that it rendered:
    the loss of `steps` shapes, between which lie `steps - 1` updates. Vertices stay in their octants
    (`gendr.tools.fit.OctantShape`). A run's numbers are the same bits whichever runs share its call.

    Args:
        runs: of one distribution, T-conorm, image size, number of views and of steps; mesh, elevation, rate, softness
            and seed may differ.

    Returns:
        Outcomes in the order of the runs: `metric` is the best hard IoU loss, in [0, 1], `seconds` the run's share of
        the processor time; `details` has `best_step` (from 0), `first` and `last` (hard losses), `soft` (the loss that
        was minimised, at the last step) and `curve` (the hard loss at every 10th step).

    Raises:
        ValueError: runs that cannot share a call, or a mesh that does not exist or cannot be read.

    Source: Petersen, *Learning with Differentiable Algorithms* (2022), section 5.4.1.

    >>> few = {"elevation": 30.0, "lr": 0.03, "steps": 2, "views": 2}
    >>> runs = [ShapeRun("airplane", "logistic", "probabilistic", tau=tau, **few) for tau in (0.1, 0.01)]
    >>> [0.0 < outcome.metric < 1.0 for outcome in run_shapes(runs)]
    [True, True]
    """
    require_alike(runs, ("distribution", "t_conorm", "image_size", "views", "steps"))
    began = time.process_time()
    with threads_for_kernels():
        batch = _Batch(runs)
        losses = torch.stack([batch.step(index) for index in range(runs[0].steps)], 1)
    seconds = (time.process_time() - began) / len(runs)
    return [_outcome(hard, float(soft), seconds) for hard, soft in zip(losses, batch.soft, strict=True)]


def require_alike(runs: Sequence[ShapeRun], names: tuple[str, ...]) -> None:
    """Refuse runs that differ in one of these fields, and no runs at all.

    >>> require_alike([], ("steps",))
    Traceback (most recent call last):
    ValueError: runs: expected at least one, got none
    """
    if not runs:
        raise ValueError("runs: expected at least one, got none")
    for name in names:
        values = {getattr(run, name) for run in runs}
        if len(values) > 1:
            raise ValueError(f"runs: expected one {name} in a call, got {', '.join(sorted(map(str, values)))}")


class _Fit:
    """One run's shape, cameras and optimiser."""

    def __init__(self, run: ShapeRun) -> None:
        self.camera = ring_camera(run.elevation, run.views)
        self.target = ring_silhouettes(run.mesh, run.elevation, run.views, run.image_size)
        self.shape = OctantShape(sphere(CONFIG.level, CONFIG.radius, run.seed or None))
        self.optimiser = torch.optim.Adam(self.shape.parameters, run.lr, CONFIG.betas)


class _Batch:
    """`R` runs, whose images are rendered in one call.

    What is shared is only what treats every image apart. The rest, some 2,000 numbers a run, is done run by run:
    elementwise functions and sums round differently at another place in memory, and within 100 steps of Adam that
    becomes another result.
    """

    def __init__(self, runs: Sequence[ShapeRun]) -> None:
        first = runs[0]
        self._views, self._size, self._last = first.views, first.image_size, first.steps - 1
        self._distribution = distributions.from_spec(first.distribution)
        self._t_conorm = tnorms.from_spec(first.t_conorm)
        self._tau = torch.tensor([run.tau for run in runs]).repeat_interleave(first.views)
        self._fits = [_Fit(run) for run in runs]
        self._target = torch.cat([fit.target for fit in self._fits])
        start = sphere(CONFIG.level, CONFIG.radius)
        self._topology = MeshTopology.from_faces(start.faces, start.n_vertices)
        self._corners = start.faces.flatten()
        self.soft = torch.zeros(len(runs))

    def step(self, index: int) -> Tensor:
        """Render, measure, and, unless it is the last step, move; the hard losses [R] of what was rendered."""
        shapes = [fit.shape.vertices() for fit in self._fits]
        points = torch.cat([fit.camera.project(shape) for fit, shape in zip(self._fits, shapes, strict=True)])
        faces = points.index_select(1, self._corners).view(len(points), -1, 3, 3)
        with torch.no_grad():
            hard_loss = self._iou_loss(sharp(faces.detach(), self._size))
        alpha = rasterize(faces, self._size, self._distribution, self._tau, self._t_conorm).alpha
        loss = self._iou_loss(alpha) + torch.stack([self._roughness(shape) for shape in shapes])
        self.soft = loss.detach()
        if index < self._last:
            loss.sum().backward()
            for fit in self._fits:
                fit.optimiser.step()
                fit.optimiser.zero_grad()
        return hard_loss

    def _iou_loss(self, alpha: Tensor) -> Tensor:
        return 1.0 - soft_iou(alpha, self._target).view(-1, self._views).mean(1)

    def _roughness(self, shape: Tensor) -> Tensor:
        laplacian, flatten = laplacian_loss(shape, self._topology), flatten_loss(shape, self._topology)
        return CONFIG.laplacian * laplacian + CONFIG.flatten * flatten


def sharp(faces: Tensor, image_size: int) -> Tensor:
    """Silhouettes, 0 or 1, of faces [B, F, 3, 3] that form closed surfaces before the cameras.

    A ray meets a closed surface from outside as often as from inside, so that the faces towards the camera suffice,
    which takes 0.6 of the time.

    >>> sharp(torch.tensor([[[[-1.0, -1.0, 2.0], [3.0, -1.0, 2.0], [-1.0, 3.0, 2.0]]]]), 2)
    tensor([[[1., 1.],
             [1., 1.]]])
    """
    return rasterize(faces, image_size, Heaviside(), 1.0, Maximum(), cull="back").alpha


def _outcome(hard: Tensor, soft: float, seconds: float) -> Outcome:
    best = int(hard.argmin())
    numbers = [round(value, 6) for value in hard.tolist()]
    details = {
        "best_step": best,
        "first": numbers[0],
        "last": numbers[-1],
        "soft": round(soft, 6),
        "curve": numbers[::CURVE_STEP],
    }
    return Outcome(float(hard[best]), seconds, details)
