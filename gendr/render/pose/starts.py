"""Where the search begins: directions near a guess, or all over the sphere, of which the most promising descend."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float64
from torch import Tensor

from gendr.render.camera import Camera
from gendr.render.pose.silhouette import Silhouettes
from gendr.render.pose.unknowns import (
    AZIMUTH,
    DEPTH,
    ELEVATION,
    PIVOT_X,
    PIVOT_Y,
    ROLL,
    SIZE,
    Unknowns,
    flip,
    turn,
)

NEAR = (-75.0, -45.0, -15.0, 15.0, 45.0, 75.0)
"""Degrees of elevation and of azimuth about the guess."""

DIRECTIONS, ROLLS = 60, 8
"""Of the starts anywhere: 60 lie within some 20 degrees of each other, 8 within 45."""

HOP = 12.0
"""Degrees of elevation and of azimuth from a pose to its neighbours."""

HOP_DEPTHS = (1.8, 4.0)
"""Radii from the eye to the pivot: what is seen from near and from afar has minima of its own."""

Turns = Float64[Tensor, "S 3"]


def near() -> Turns:
    """Elevation, azimuth and roll in radians of the starts about a guess.

    >>> near().shape
    torch.Size([36, 3])
    """
    angles = torch.deg2rad(torch.tensor(NEAR, dtype=torch.float64))
    return torch.cartesian_prod(angles, angles, torch.zeros(1, dtype=torch.float64))


def anywhere(*, is_upright: bool) -> Turns:
    """Elevation, azimuth and roll in radians of starts all over the sphere, on a Fibonacci spiral.

    >>> anywhere(is_upright=True).shape, anywhere(is_upright=False).shape
    (torch.Size([60, 3]), torch.Size([480, 3]))
    """
    index = torch.arange(DIRECTIONS, dtype=torch.float64)
    elevation = torch.asin((2.0 * index + 1.0) / DIRECTIONS - 1.0)
    azimuth = index * (math.pi * (3.0 - math.sqrt(5.0)))
    rolls = torch.arange(1 if is_upright else ROLLS, dtype=torch.float64) * (2.0 * math.pi / ROLLS)
    directions = torch.stack((elevation, azimuth), 1).repeat_interleave(len(rolls), 0)
    return torch.cat((directions, rolls.repeat(DIRECTIONS)[:, None]), 1)


def placed(
    guess: Camera, turns: Turns, pivot: Tensor, radius: float, fixed: frozenset[str], *, is_near: bool
) -> tuple[Unknowns, Tensor]:
    """The unknowns of `B` guesses' `S` starts each, in that order, and their numbers [B S, 7].

    Args:
        guess: `B` cameras.
        turns: from the guess, or (not `is_near`) from the camera that looks along z.
        pivot: the point that stays in its place in the image.
        radius: of the mesh about it.
        fixed: as in `estimate`.
        is_near: what the turns count from.
    """
    elevation, azimuth, roll = turns.repeat(len(guess), 1).unbind(1)
    template = guess[torch.arange(len(guess)).repeat_interleave(len(turns))]
    values = torch.zeros(len(template), 7, dtype=torch.float64)
    unmirrored = flip(template.rotation) @ template.rotation
    identity = torch.eye(3, dtype=torch.float64).expand(len(template), 3, 3)
    if "roll" in fixed:
        z = unmirrored[:, 2]
        values[:, ELEVATION] = elevation + (torch.asin((-z[:, 1]).clamp(-1.0, 1.0)) if is_near else 0.0)
        values[:, AZIMUTH] = azimuth + (torch.atan2(-z[:, 0], z[:, 2]) if is_near else 0.0)
        base = identity
    else:
        base = turn(elevation, azimuth, roll) @ (unmirrored if is_near else identity)
    local = template.to_camera(pivot[None])[:, 0]
    depth = local[:, 2].clamp_min(1.1 * radius)
    scale = template.scale[:, None].expand(-1, 2) if template.scale.ndim == 1 else template.scale
    values[:, PIVOT_X], values[:, PIVOT_Y] = (scale * local[:, :2] / depth[:, None]).unbind(1)
    values[:, SIZE], values[:, DEPTH] = (scale[:, 1] / depth).log(), depth.log()
    free = [ELEVATION, AZIMUTH]
    free += [] if "roll" in fixed else [ROLL]
    free += [] if "shift" in fixed else [PIVOT_X, PIVOT_Y]
    free += [SIZE] if "fov" in fixed else [SIZE, DEPTH]
    return Unknowns(template, base, pivot, tuple(free), "fov" in fixed), values


def sized(unknowns: Unknowns, values: Tensor, wanted: Tensor, images: Silhouettes, rounds: int = 2) -> Tensor:
    """The numbers, with the distance that the masks' areas ask for, and where it is free the place of their middles.

    Args:
        unknowns: of `N` poses.
        values: [N, 7].
        wanted: [N, H, W], masks.
        images: at the masks' size.
        rounds: each goes about all of the way, unless the object is cut off by the image's border.
    """
    values = values.clone()
    area, middle = _moments(wanted)
    is_shift_free = PIVOT_X in unknowns.free
    if is_shift_free:  # wherever the guess has it, which may be out of the image
        values[:, PIVOT_X : PIVOT_Y + 1] = middle
    for _ in range(rounds):
        drawn_area, drawn_middle = _moments(images.sharp(unknowns.cameras(values)))
        values[:, SIZE] += 0.5 * (area.clamp_min(1.0) / drawn_area.clamp_min(1.0)).log()
        if is_shift_free:
            seen = (drawn_area > 0.0)[:, None]
            values[:, PIVOT_X : PIVOT_Y + 1] += torch.where(seen, middle - drawn_middle, 0.0)
    return values


def neighbours(unknowns: Unknowns, values: Tensor, radius: float) -> tuple[Unknowns, Tensor]:
    """Poses beside each of `N`, in its order: turned a little, and where the depth is free nearer and further away.

    Descents end in minima beside the one that is sought, of the depth above all; such a hop leads out of them.
    """
    hop = math.radians(HOP)
    moves = torch.zeros(4, 7, dtype=values.dtype)
    moves[:, [ELEVATION, AZIMUTH]] = torch.tensor([[hop, 0.0], [-hop, 0.0], [0.0, hop], [0.0, -hop]]).double()
    beside = values[:, None] + moves
    if DEPTH in unknowns.free:
        deeper = values[:, None].repeat(1, len(HOP_DEPTHS), 1)
        deeper[:, :, DEPTH] = (torch.tensor(HOP_DEPTHS, dtype=values.dtype) * radius).log()
        beside = torch.cat((beside, deeper), 1)
    index = torch.arange(len(values)).repeat_interleave(beside.shape[1])
    return unknowns[index], beside.reshape(-1, 7)


def _moments(images: Tensor) -> tuple[Tensor, Tensor]:
    """Areas [N] in pixels and centroids [N, 2] in NDC of images [N, H, W]."""
    images = images.double()
    high, wide = images.shape[1:]
    x = (2.0 * torch.arange(wide, dtype=torch.float64) + 1.0 - wide) / high
    y = (high - 1.0 - 2.0 * torch.arange(high, dtype=torch.float64)) / high
    area = images.sum((1, 2))
    sums = torch.stack((images.sum(1) @ x, images.sum(2) @ y), 1)
    return area, sums / area.clamp_min(1e-9)[:, None]
