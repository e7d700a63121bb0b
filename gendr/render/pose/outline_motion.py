"""How blurred silhouettes change with the pose: the motion of their outlines."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from gendr.render.camera import Camera
from gendr.render.pose.silhouette import Silhouettes
from gendr.render.pose.unknowns import Unknowns

NUDGE = 1e-3
"""Of a unit: how far the pose goes to see where points move."""


def outline_motion(
    unknowns: Unknowns, values: Tensor, unit: Tensor, alpha: Tensor, depth: Tensor, images: Silhouettes
) -> Float[Tensor, "N K P"]:
    r"""Derivatives of blurred silhouettes by the `K` free numbers, each in its unit, from one drawing.

    A silhouette `S` whose points move with velocity `v` changes by `-v . grad S`, which is nothing but at the outline.
    In pixels `grad S` lies between neighbours of which one is covered; the covered one's surface point is what moves.
    (It stands half a pixel inside the outline, where the surface turns away from the eye, and so is a little too near;
    that costs the descent a step, not its goal.)

    Args:
        unknowns: of `N` poses.
        values: [N, 7].
        unit: [N, 7].
        alpha: [N, H, W], sharp silhouettes.
        depth: [N, H, W], of the surface where they cover.
        images: at that size.
    """
    batch, high, wide = alpha.shape
    free = list(unknowns.free)
    across, down = alpha.diff(dim=2), alpha.diff(dim=1)
    image, row, column, jump, is_across = _borders(across, down)
    if not len(image):
        return alpha.new_zeros(batch, len(free), images.rows.shape[0] * images.columns.shape[0])
    inner_row = row + ((jump > 0) & ~is_across)
    inner_column = column + ((jump > 0) & is_across)
    x = (2.0 * (column + 0.5 * is_across) + 1.0 - wide) / high
    y = (high - 1.0 - 2.0 * (row + 0.5 * ~is_across)) / high
    z = depth[image, inner_row, inner_column].double()
    slot, most = _slots(image, batch)
    rays = torch.zeros(batch, most, 3, dtype=torch.float64)
    rays[:, :, 2] = 1.0
    rays[image, slot] = torch.stack((x, y, z), 1)
    camera = unknowns.cameras(values)
    points = _world(camera, rays)
    moved = values[:, None].repeat(1, len(free), 1)
    moved[:, torch.arange(len(free)), free] += NUDGE * unit[:, free]
    others = unknowns[torch.arange(batch).repeat_interleave(len(free))].cameras(moved.reshape(-1, 7))
    at = camera.project(points)[:, None, :, :2]
    motion = (
        others.project(points.repeat_interleave(len(free), 0)).view(batch, len(free), most, 3)[..., :2] - at
    ) / NUDGE
    chosen = motion[image, :, slot]  # [M, K, 2]
    along = torch.where(is_across[:, None], -chosen[..., 0], chosen[..., 1])
    change = (along * (jump.double() * (high / 4.0))[:, None]).float()  # half of it to either neighbour
    result = alpha.new_zeros(batch * high * wide, len(free))
    place = (image * high + row) * wide + column
    result.index_add_(0, place, change)
    result.index_add_(0, place + torch.where(is_across, 1, wide), change)
    return images.blur(result.view(batch, high, wide, len(free)).permute(0, 3, 1, 2)).flatten(2)


def _world(camera: Camera, rays: Tensor) -> Tensor:
    """Points of the world [N, P, 3] that are seen at NDC x, y and depth; as if the lens did not distort."""
    scale = camera.scale[:, None] if camera.scale.ndim == 1 else camera.scale
    center = 0.0 if camera.center is None else camera.center[:, None]
    flat = (rays[..., :2] - center) / scale[:, None] * rays[..., 2:]
    local = torch.cat((flat, rays[..., 2:]), -1)
    return local @ camera.rotation + camera.eye[:, None]


def _borders(across: Tensor, down: Tensor) -> tuple[Tensor, ...]:
    """Image, row and column of the left or upper of two pixels that differ, the right or lower one's excess, which."""
    sides = [(difference, difference.nonzero()) for difference in (across, down)]
    places = torch.cat([place for _, place in sides])
    jumps = torch.cat([difference[tuple(place.T)] for difference, place in sides])
    is_across = torch.arange(len(places)) < len(sides[0][1])
    order = places[:, 0].argsort(stable=True)
    image, row, column = places[order].unbind(1)
    return image, row, column, jumps[order], is_across[order]


def _slots(image: Tensor, batch: int) -> tuple[Tensor, int]:
    """The place of each entry among those of its image (sorted), and the largest number of them."""
    counts = torch.bincount(image, minlength=batch)
    before = counts.cumsum(0) - counts
    return torch.arange(len(image)) - before[image], int(counts.max())
