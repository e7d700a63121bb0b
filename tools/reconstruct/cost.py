"""What a training step costs, part by part, in CPU time: `python -m gendr.tools.reconstruct.cost`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
import tyro
from torch import Tensor

import gendr
from gendr.render.losses import flatten_loss, iou_loss, laplacian_loss
from gendr.render.topology import MeshTopology
from gendr.tools.machine import machine
from gendr.tools.reconstruct.model import build
from gendr.tools.reconstruct.objective import MultiView
from gendr.tools.reconstruct.settings import Settings


@dataclass(frozen=True)
class Cost:
    """Time the parts of a step, the fastest of --repeats each, in milliseconds of all threads' CPU time.

    Silhouettes are random balls and predictions are moved at random, so that no data set is needed.
    """

    model: Literal["published", "modern", "modern-plain", "modern-convolutions"] = "published"
    """Which network."""
    batch: int = 64
    """Objects a step; there are twice as many images and four times as many renders."""
    distribution: str = "logistic(squared)"
    """Of the occlusion test."""
    t_conorm: str = "probabilistic"
    """Joins the faces."""
    tau: float = 1e-4
    """Softness."""
    threads: int = 1
    """torch's and the kernels'."""
    repeats: int = 3
    """Of each part."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        torch.set_num_threads(self.threads)
        print(json.dumps({"machine": machine(), **parts(self)}, indent=1))
        return 0


def parts(cost: Cost) -> dict[str, float]:
    """Milliseconds by part, and the renderer's share of their sum.

    >>> sorted(parts(Cost("modern", batch=1, repeats=1)))
    ['adam', 'network', 'regularisers', 'renderer', 'renderer_share', 'step', 'wall_step']
    """
    settings = Settings(
        ("02691156",), (1,), cost.model, cost.distribution, cost.t_conorm, str(cost.tau), batch=cost.batch
    )
    network = build(cost.model)
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    objective = MultiView(network.template, settings)
    topology = MeshTopology.from_faces(network.template.faces, network.template.n_vertices)
    images = torch.rand(2 * cost.batch, 4, 64, 64)
    views = torch.arange(4 * cost.batch) % 24
    targets = (torch.rand(4 * cost.batch, 64, 64) > 0.5).float()
    gradient = 1e-3 * torch.randn(2 * cost.batch, network.template.n_vertices, 3)
    moved = network.template.vertices * (0.5 if cost.model == "published" else 1.0) + 3.0 * gradient

    def network_step() -> None:
        network.zero_grad()
        network(images).backward(gradient)

    def renderer_step() -> None:
        vertices = moved.clone().requires_grad_()
        iou_loss(objective.render(torch.cat((vertices, vertices)), views, cost.tau), targets).backward()

    def smooth_step() -> None:
        vertices: Tensor = moved.clone().requires_grad_()
        (laplacian_loss(vertices, topology) + flatten_loss(vertices, topology)).backward()

    found = {
        "network": _fastest(network_step, cost.repeats)[0],
        "renderer": _fastest(renderer_step, cost.repeats)[0],
        "regularisers": _fastest(smooth_step, cost.repeats)[0],
        "adam": _fastest(lambda: optimizer.step() and None, cost.repeats)[0],
    }
    found["step"] = sum(found.values())
    found["renderer_share"] = found["renderer"] / found["step"]

    def whole() -> None:
        for part in (network_step, renderer_step, smooth_step, optimizer.step):
            part()

    found["wall_step"] = _fastest(whole, cost.repeats)[1]
    return found


def _fastest(work: Callable[[], None], repeats: int) -> tuple[float, float]:
    """CPU and wall milliseconds, each the least of several runs after one that does not count."""
    times = []
    with torch.enable_grad():
        work()
        for _ in range(repeats):
            cpu, wall = time.process_time(), time.perf_counter()
            work()
            times.append((1e3 * (time.process_time() - cpu), 1e3 * (time.perf_counter() - wall)))
    return min(t[0] for t in times), min(t[1] for t in times)


if __name__ == "__main__":
    gendr.set_num_threads(None)
    raise SystemExit(tyro.cli(Cost, prog="reconstruct.cost").run())
