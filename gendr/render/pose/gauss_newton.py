"""Damped Gauss-Newton steps on blurred silhouettes, for many poses at once."""

from __future__ import annotations

import torch
from torch import Tensor

from gendr.render.pose.outline_motion import outline_motion
from gendr.render.pose.silhouette import Silhouettes
from gendr.render.pose.unknowns import DEPTH, SIZE, Unknowns

LARGEST = 3.0
"""Longest step, in units that move the silhouette by about the blur's width."""


def descend(
    unknowns: Unknowns, values: Tensor, target: Tensor, images: Silhouettes, radius: float, steps: int
) -> tuple[Tensor, Tensor]:
    r"""Minimise `sum (blur(silhouette) - target)²` over the free numbers, by Levenberg and Marquardt's steps.

    A step that does not help is not taken.

    Args:
        unknowns: of `N` poses.
        values: float64 [N, 7], where to begin.
        target: [N, h, w], blurred masks.
        images: the resolution.
        radius: of the mesh about the pivot.
        steps: how many.

    Returns:
        Values [N, 7] and losses [N].

    Source: Marquardt, "An algorithm for least-squares estimation of nonlinear parameters", 1963.
    """
    free = list(unknowns.free)
    alpha, depth = images.with_depth(unknowns.cameras(values))
    residual = images.blur(alpha) - target
    loss = residual.square().sum((1, 2)).double()
    damping = torch.full_like(loss, 1e-2)
    for _ in range(steps):
        unit = _units(values, images.softness, radius)
        jacobian = outline_motion(unknowns, values, unit, alpha, depth, images)
        normal = (jacobian @ jacobian.mT).double()
        slope = (jacobian @ residual.flatten(1)[:, :, None])[..., 0].double()
        diagonal = normal.diagonal(dim1=1, dim2=2)
        # The mean keeps directions that the image does not show, such as a ball's, from running away.
        lift = damping[:, None] * diagonal + 1e-6 * diagonal.mean(1, keepdim=True) + 1e-9
        step = -torch.linalg.solve(normal + torch.diag_embed(lift), slope[:, :, None])[..., 0]
        step = step * (LARGEST / step.abs().amax(1, keepdim=True).clamp_min(LARGEST))
        trial = values.clone()
        trial[:, free] += step * unit[:, free]
        trial = _held(trial, radius)
        trial_alpha, trial_depth = images.with_depth(unknowns.cameras(trial))
        missed = images.blur(trial_alpha) - target
        missed_loss = missed.square().sum((1, 2)).double()
        better = missed_loss < loss
        values = torch.where(better[:, None], trial, values)
        loss = torch.where(better, missed_loss, loss)
        image = better[:, None, None]
        residual, alpha = torch.where(image, missed, residual), torch.where(image, trial_alpha, alpha)
        depth = torch.where(image, trial_depth, depth)
        damping = torch.where(better, damping * 0.3, damping * 5.0).clamp(1e-5, 1e3)
    return values, loss


def _units(values: Tensor, softness: float, radius: float) -> Tensor:
    """[N, 7]: how far each number goes to move the outline by about the blur."""
    across = values[:, SIZE].exp() * radius
    angle = (softness / across).clamp(1e-4, 0.3)
    depth = (2.0 * angle * (values[:, DEPTH].exp() / radius).clamp(1.0, 8.0)).clamp_max(0.7)
    shift = torch.full_like(angle, softness)
    return torch.stack((angle, angle, angle, shift, shift, angle, depth), -1)


def _held(values: Tensor, radius: float) -> Tensor:
    """Sizes and depths of this world: from 1/100 to 100 image heights, from 1.05 to 1000 radii away."""
    held = values.clone()
    size, depth = values[:, SIZE] + torch.log(torch.tensor(radius)), values[:, DEPTH] - torch.log(torch.tensor(radius))
    held[:, SIZE] += size.clamp(-4.6, 4.6) - size
    held[:, DEPTH] += depth.clamp(0.05, 6.9) - depth
    return held
