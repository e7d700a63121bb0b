"""The published pose protocol, many pairs at once: cameras turned back to where a silhouette was seen from."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gendr import distributions, threads_for_kernels, tnorms
from gendr.distributions import Heaviside
from gendr.render import Mesh, rasterize
from gendr.render.schedules import log_linear
from gendr.tnorms import Maximum
from gendr.tools.bench.iou import soft_iou
from gendr.tools.bench.meshes import in_unit_ball, load_mesh
from gendr.tools.bench.pose_problems import RANGES, PoseProblems, problems, turn_of
from gendr.tools.bench.pose_view import Numbers, PoseView
from gendr.tools.bench.tasks import Outcome, PoseRun

BETAS = (0.5, 0.99)
EPS = 1e-8
HALF_ANGLES = (0.1, 89.0)
"""Half angles of view that a pose may reach, degrees; nothing else keeps them from passing 0, where no image is."""

PAIRS_IN_A_CALL = 32
RECOVERED = (5.0, 3.0)
"""Degrees within which a pose counts as found: the published code's, which is the metric, and the thesis's."""


def run_pose(run: PoseRun) -> Outcome:
    r"""Move cameras from their starts to where the mesh's silhouette is the goal's; count those that arrive.

    Every pair of `gendr.tools.bench.pose_problems` is an optimisation of its own: `steps` steps of Adam (betas 0.5 and
    0.99) in distance, elevation, azimuth and half angle (angles in degrees, all with the rate `lr`) down the IoU loss
    between the softly rendered image and the goal's sharp silhouette, while `tau` goes log-linearly from its first
    value to its last. The mesh is centred and scaled into the unit ball (`meshes.in_unit_ball`). Pairs share kernel
    calls; their numbers are the same bits in any company.

    Returns:
        `metric`: the share of pairs turned by less than 5 degrees from the goal at the end. `details`: `within5` and
        `within3` (shares), `errors` and `initial` (degrees, by pair), `losses` (by pair, the last that was minimised),
        and `ranges`: for "15-35", "35-55" and "55-75" the number of `pairs`, `within5` and `within3`.

    Raises:
        ValueError: a mesh that does not exist or cannot be read.

    Source: Petersen, *Learning with Differentiable Algorithms* (2022), section 5.4.2, which counts 3 degrees; the
    published code of Petersen et al., "GenDR", CVPR 2022, which counts 5, for betas, loss and parameters.

    >>> run = PoseRun("chair", "logistic", "probabilistic", lr=0.3, pairs=(0, 3), steps=2, image_size=16)
    >>> [round(angle) for angle in run_pose(run).details["initial"]]
    [27, 51, 57]
    """
    began = time.process_time()
    mesh = in_unit_ball(load_mesh(run.mesh))
    first, end = run.pairs
    errors, initial, losses = [], [], []
    with threads_for_kernels():
        for begin in range(first, end, PAIRS_IN_A_CALL):
            these = problems(begin, min(begin + PAIRS_IN_A_CALL, end), run.seed)
            poses, loss = recover(mesh, these, run)
            errors += turn_of(torch.from_numpy(poses)).tolist()
            initial += these.initial.tolist()
            losses += loss.tolist()
    details = {**_shares(errors), "ranges": _ranges(errors, initial)}
    lists = {"errors": errors, "initial": initial, "losses": losses}
    details |= {name: [round(value, 4) for value in values] for name, values in lists.items()}
    return Outcome(details["within5"], time.process_time() - began, details)


def recover(mesh: Mesh, these: PoseProblems, run: PoseRun) -> tuple[Numbers, Tensor]:
    """Optimise from `these.start_parameters`; the poses [P, 4] at the end, and the losses [P] of the last images.

    >>> from gendr.tools.bench.meshes import load_mesh
    >>> run = PoseRun("chair", "logistic", "probabilistic", lr=0.3, steps=1, image_size=16)
    >>> recover(load_mesh("chair"), problems(0, 2), run)[0].shape
    (2, 4)
    """
    view = PoseView(mesh, these)
    distribution, t_conorm = distributions.from_spec(run.distribution), tnorms.from_spec(run.t_conorm)
    with torch.no_grad():
        goal = view.faces(these.goal_parameters.numpy())
        target = rasterize(goal, run.image_size, Heaviside(), 1.0, Maximum()).alpha
    poses, adam, tau = these.start_parameters.numpy().copy(), _Adam(len(these), run.lr), log_linear(*run.tau, run.steps)
    losses = torch.zeros(len(these))
    for index in range(run.steps):
        faces = view.faces(poses).requires_grad_()
        alpha = rasterize(faces, run.image_size, distribution, tau(index), t_conorm).alpha
        losses = 1.0 - soft_iou(alpha, target)
        (grad_faces,) = torch.autograd.grad(losses.sum(), faces)
        poses -= adam.step(view.gradient(poses, faces.detach(), grad_faces))
        poses[:, 3] = poses[:, 3].clip(*HALF_ANGLES)
    return poses, losses.detach()


class _Adam:
    """Adam in double, from operations that round alike anywhere in memory (torch's fused ones do not)."""

    def __init__(self, poses: int, lr: float) -> None:
        self._lr, self._steps = lr, 0
        self._mean, self._square = np.zeros((poses, 4)), np.zeros((poses, 4))

    def step(self, gradient: Numbers) -> Numbers:
        """What to subtract from the poses."""
        self._steps += 1
        self._mean = BETAS[0] * self._mean + (1.0 - BETAS[0]) * gradient
        self._square = BETAS[1] * self._square + (1.0 - BETAS[1]) * (gradient * gradient)
        mean, square = self._mean / (1.0 - BETAS[0] ** self._steps), self._square / (1.0 - BETAS[1] ** self._steps)
        move: Numbers = self._lr * mean / (np.sqrt(square) + EPS)
        return move


def _ranges(errors: Sequence[float], initial: Sequence[float]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for low, high in RANGES:
        inside = [error for error, angle in zip(errors, initial, strict=True) if low <= angle < high]
        result[f"{low:g}-{high:g}"] = {"pairs": len(inside), **_shares(inside)}
    return result


def _shares(errors: Sequence[float]) -> dict[str, Any]:
    """Shares within 5 and 3 degrees; None of no pairs.

    >>> _shares([1.0, 4.0])
    {'within5': 1.0, 'within3': 0.5}
    """
    counts = {f"within{limit:g}": sum(error < limit for error in errors) for limit in RECOVERED}
    return {name: count / len(errors) if errors else None for name, count in counts.items()}
