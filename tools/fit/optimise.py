"""The loop: a mesh to silhouettes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gendr import _check
from gendr._types import Alpha
from gendr.distributions import Heaviside
from gendr.optim import UniformAdam
from gendr.render import Camera, Mesh, MeshTopology, rasterize
from gendr.render.losses import flatten_loss, hard_iou_loss, iou_loss, laplacian_loss
from gendr.render.schedules import cosine
from gendr.tnorms import Maximum
from gendr.tools.fit.config import SCHEDULES, FitConfig
from gendr.tools.fit.shapes import OctantShape, Shape, SmoothShape, sphere


@dataclass(frozen=True)
class Step:
    """One rendered shape of a fit.

    Attributes:
        index: from 0.
        loss: what was minimised, softly rendered.
        hard_iou: intersection over union of the sharp silhouettes, the views' mean.
        tau: softness of this step.
        lr: learning rate of this step.
    """

    index: int
    loss: float
    hard_iou: float
    tau: float
    lr: float


@dataclass(frozen=True)
class FitResult:
    """What a fit gives.

    Attributes:
        mesh: the shape of the best step.
        start: the shape of the first.
        best: the step with the largest hard IoU.
        history: all steps, in order.
        config: as given.
        seconds: wall time of the loop.
        interrupted: whether it was stopped before its last step.
    """

    mesh: Mesh
    start: Mesh
    best: Step
    history: tuple[Step, ...]
    config: FitConfig
    seconds: float
    interrupted: bool


def fit(
    target: Alpha,
    camera: Camera,
    config: FitConfig | None = None,
    *,
    start: Mesh | None = None,
    on_step: Callable[[Step, Tensor], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> FitResult:
    r"""Fit a sphere to silhouettes seen by known cameras.

    Every step renders the shape softly into all views, compares it with the targets by IoU loss, measures the hard IoU
    (the same shape rendered with Heaviside and Maximum, against the targets above 1/2), and moves the parameters.

    Args:
        target: coverage [B, H, W] in [0, 1], float32: the silhouettes.
        camera: the `B` views.
        config: method and settings; by default large steps.
        start: where to begin, in place of the sphere; coordinates within (-1, 1) for the thesis method.
        on_step: called after every step with its numbers and its vertices [V, 3].
        should_stop: asked after every step; True ends the fit there.

    Returns:
        The best shape by hard IoU, and the course of the fit.

    Raises:
        TypeError, ValueError: shapes that do not match, or values out of range.

    Source: Petersen et al., "GenDR", CVPR 2022, section 5.1 (the task); Nicolet et al., "Large steps in inverse
    rendering of geometry", SIGGRAPH Asia 2021 (the default method).

    >>> from gendr.tools.fit import configure, ring, silhouettes
    >>> camera = ring(views=4, elevation=30.0)
    >>> target = silhouettes(Mesh.icosphere(2, radius=0.3), camera, image_size=16)
    >>> fit(target, camera, configure(steps=10, level=1)).best.hard_iou > 0.8
    True
    """
    config = config or FitConfig()
    _check.tensor("target", target, (len(camera), "H", "W"), (torch.float32,))
    start = start or sphere(config.level, config.radius, config.seed)
    began = time.perf_counter()
    loop = _Loop(target, camera.to(torch.float32), config, start)
    best, best_vertices, history = None, start.vertices, []
    for index in range(config.steps):
        step, vertices = loop.step(index)
        history.append(step)
        if best is None or step.hard_iou > best.hard_iou:
            best, best_vertices = step, vertices
        if on_step is not None:
            on_step(step, vertices)
        if should_stop is not None and should_stop():
            break
    assert best is not None  # there is at least one step
    seconds = time.perf_counter() - began
    interrupted = len(history) < config.steps
    return FitResult(start.with_vertices(best_vertices), start, best, tuple(history), config, seconds, interrupted)


class _Loop:
    """What stays the same from step to step, and the optimiser's state."""

    def __init__(self, target: Tensor, camera: Camera, config: FitConfig, start: Mesh) -> None:
        self.target, self.camera, self.config = target, camera, config
        self.corners = start.faces.flatten()
        self.shape, self.optimiser = _method(config, start)
        self.tau = SCHEDULES[config.schedule](*config.tau, config.steps)
        self.lr = cosine(*config.lr, config.steps)
        needs_topology = config.laplacian > 0.0 or config.flatten > 0.0
        self.topology = MeshTopology.from_faces(start.faces, start.n_vertices) if needs_topology else None

    def step(self, index: int) -> tuple[Step, Tensor]:
        """Render, measure, and, unless it is the last step, move; the vertices are those that were rendered."""
        tau, lr = self.tau(index), self.lr(index)
        vertices = self.shape.vertices()
        loss, hard_loss = self._losses(vertices, tau)
        if index < self.config.steps - 1:
            self._move(loss, lr)
        return Step(index, loss.item(), 1.0 - hard_loss.item(), tau, lr), vertices.detach()

    def _losses(self, vertices: Tensor, tau: float) -> tuple[Tensor, Tensor]:
        image_size = (self.target.shape[1], self.target.shape[2])
        # Projected and gathered once for both images; index_select has the faster backward pass.
        points = self.camera.project(vertices)
        faces = points.index_select(1, self.corners).view(len(points), -1, 3, 3)
        alpha = rasterize(faces, image_size, self.config.distribution, tau, self.config.t_conorm).alpha
        hard = rasterize(faces.detach(), image_size, Heaviside(), 1.0, Maximum()).alpha
        loss = iou_loss(alpha, self.target)
        if self.topology is not None:
            loss = loss + self.config.laplacian * laplacian_loss(vertices, self.topology)
            loss = loss + self.config.flatten * flatten_loss(vertices, self.topology)
        return loss, hard_iou_loss(hard, self.target)

    def _move(self, loss: Tensor, lr: float) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = lr
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()


def _method(config: FitConfig, start: Mesh) -> tuple[Shape, torch.optim.Optimizer]:
    if config.method == "thesis":
        if start.vertices.abs().max() >= 1.0:
            _check.fail("start", "coordinates within (-1, 1) for the thesis method", "larger ones")
        octants = OctantShape(start)
        return octants, torch.optim.Adam(octants.parameters, config.lr[0], betas=config.betas)
    smooth = SmoothShape(start, config.lambda_)
    return smooth, UniformAdam(smooth.parameters, config.lr[0], config.betas)
