"""The search for poses: a round at each resolution, after which the best distinct ones go on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from gendr.render.camera import Camera
from gendr.render.losses import hard_iou
from gendr.render.mesh import Mesh
from gendr.render.pose.coarse_mesh import clustered
from gendr.render.pose.gauss_newton import descend
from gendr.render.pose.silhouette import Silhouettes, resized
from gendr.render.pose.starts import Turns, neighbours, placed, sized
from gendr.render.pose.unknowns import Unknowns

USUAL_STARTS = 16
"""With as many starts as this, `Level.kept` poses go on; with more, in proportion more."""

APART = 8.0
"""Degrees between poses that go on."""


class Level(NamedTuple):
    """A round: at least and at most so many rows, thinning and width of the blur in pixels, steps, poses that go on.

    The mesh is merged in cubes of radius / `cells` (0 for not at all); `hops` of the best poses go on with neighbours.
    """

    rows: tuple[int, int]
    thinning: int
    sigma: float
    cells: int
    steps: int
    kept: int
    hops: int = 0


LEVELS = (
    Level((32, 32), 2, 2.0, 16, 8, 8),
    Level((64, 64), 2, 1.5, 0, 10, 6, hops=3),
    Level((8, 96), 1, 0.7, 0, 14, 4),
    Level((8, 256), 1, 0.4, 0, 10, 3),
)


@dataclass(frozen=True, eq=False)
class Round:
    """Where `B` searches stand: `N` poses of each, in order.

    Attributes:
        unknowns: of the `B N` poses.
        values: [B N, 7].
        owner: int64 [B N], the mask of each.
        losses: [B, N].
    """

    unknowns: Unknowns
    values: Tensor
    owner: Tensor
    losses: Tensor

    def chosen(self, places: Tensor) -> Round:
        """The poses at places [B, n] of the `N`."""
        batch, count = self.losses.shape
        index = (places + torch.arange(batch)[:, None] * count).flatten()
        losses = self.losses.gather(1, places)
        return Round(self.unknowns[index], self.values[index], self.owner[index], losses)

    def with_others(self, other: Round) -> Round:
        """These poses of every mask and then the other's."""
        order = torch.cat((self.owner, other.owner)).argsort(stable=True)
        unknowns = self.unknowns.joined(other.unknowns)[order]
        values = torch.cat((self.values, other.values))[order]
        owner = torch.cat((self.owner, other.owner))[order]
        return Round(unknowns, values, owner, torch.cat((self.losses, other.losses), 1))

    def best(self, kept: int) -> Round:
        """The `kept` of least loss that are `APART`; where there are fewer, others."""
        batch, count = self.losses.shape
        rotation = self.unknowns.cameras(self.values).rotation.view(batch, count, 9)
        is_close = (rotation @ rotation.mT - 1.0) / 2.0 > math.cos(math.radians(APART))
        handicap = torch.zeros_like(self.losses)
        places = []
        for _ in range(min(kept, count)):
            place = (self.losses + handicap).argmin(1)
            places.append(place)
            handicap = handicap + torch.where(is_close[torch.arange(batch), place], 1e9, 0.0)
            handicap[torch.arange(batch), place] = torch.inf
        return self.chosen(torch.stack(places, 1))


@dataclass(frozen=True, eq=False)
class Search:
    """What a mesh's searches have in common.

    Attributes:
        mesh: with faces.
        pivot: float64 [3], about which poses turn.
        radius: of the mesh about it.
        turns: [S, 3], where to begin (`starts`).
        is_near: whether that counts from the guess.
        starts: how many of them descend.
        fixed: as in `estimate`.
    """

    mesh: Mesh
    pivot: Tensor
    radius: float
    turns: Turns
    is_near: bool
    starts: int
    fixed: frozenset[str]

    def run(self, masks: Tensor, guess: Camera) -> tuple[Camera, Tensor]:
        """The refined poses of masks [B, H, W]: `B N` cameras, float64, and losses [B, N], `1 - IoU` of the masks."""
        batch, breadth = len(masks), self.starts / USUAL_STARTS
        unknowns, values = placed(guess, self.turns, self.pivot, self.radius, self.fixed, is_near=self.is_near)
        owner = torch.arange(batch).repeat_interleave(len(self.turns))
        state = Round(unknowns, values, owner, torch.zeros(batch, len(self.turns), dtype=torch.float64))
        for level in LEVELS:
            images, wanted = self._images(level, masks.shape[1:]), resized(masks, self._size(level, masks.shape[1:]))
            target = images.blur(wanted)
            if level is LEVELS[0]:
                state = self._promising(state, wanted, target, images)
            state = self._descended(state, target, images, level.steps)
            if level.hops:
                state = state.best(max(1, round(level.kept * breadth)))
                hopped = self._neighbours(state, max(1, round(level.hops * breadth)), wanted, images)
                state = state.with_others(self._descended(hopped, target, images, level.steps))
            state = state.best(max(1, round(level.kept * breadth)))
        camera = state.unknowns.cameras(state.values)
        sharp = Silhouettes.at(self._vertices, self.mesh.faces, (masks.shape[1], masks.shape[2]), 1, 1.0).sharp(camera)
        return camera, (1.0 - hard_iou(sharp, masks[state.owner])).view(batch, -1)

    @property
    def _vertices(self) -> Tensor:
        return self.mesh.vertices.detach().float()

    def _size(self, level: Level, size: torch.Size) -> tuple[int, int]:
        rows = min(max(size[0], level.rows[0]), level.rows[1])
        return rows, max(1, round(rows * size[1] / size[0]))

    def _images(self, level: Level, size: torch.Size) -> Silhouettes:
        vertices, faces = self._vertices, self.mesh.faces
        if level.cells:
            vertices, faces = clustered(vertices, faces, self.radius / level.cells)
        return Silhouettes.at(vertices, faces, self._size(level, size), level.thinning, level.sigma)

    def _promising(self, state: Round, wanted: Tensor, target: Tensor, images: Silhouettes) -> Round:
        values = sized(state.unknowns, state.values, wanted[state.owner], images)
        missed = images.blurred(state.unknowns.cameras(values)) - target[state.owner]
        losses = missed.square().sum((1, 2)).double().view(state.losses.shape)
        least = losses.topk(min(self.starts, losses.shape[1]), largest=False).indices
        return Round(state.unknowns, values, state.owner, losses).chosen(least)

    def _descended(self, state: Round, target: Tensor, images: Silhouettes, steps: int) -> Round:
        values, losses = descend(state.unknowns, state.values, target[state.owner], images, self.radius, steps)
        return Round(state.unknowns, values, state.owner, losses.view(state.losses.shape))

    def _neighbours(self, state: Round, hops: int, wanted: Tensor, images: Silhouettes) -> Round:
        best = state.losses.argsort(1)[:, :hops]
        around = state.chosen(best)
        unknowns, values = neighbours(around.unknowns, around.values, self.radius)
        count = len(values) // len(around.values)
        owner = around.owner.repeat_interleave(count)
        values = sized(unknowns, values, wanted[owner], images, 1)
        return Round(unknowns, values, owner, around.losses.repeat_interleave(count, 1))
