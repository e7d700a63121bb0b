"""The camera from which a mesh looks like a mask: many starts, of which the best few are refined."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gendr import _check
from gendr._threads import threads_for_kernels
from gendr._types import Alpha
from gendr.render.camera import Camera
from gendr.render.losses import hard_iou
from gendr.render.mesh import Mesh
from gendr.render.pose.gauss_newton import descend
from gendr.render.pose.silhouette import Silhouettes, resized
from gendr.render.pose.unknowns import AZIMUTH, DEPTH, ELEVATION, PIVOT_X, PIVOT_Y, ROLL, SIZE, Unknowns, flip, turn

OFFSETS = (-45.0, -15.0, 15.0, 45.0)


class Level(NamedTuple):
    """A round of the descent: rows that are drawn, thinning and width of the blur (pixels), steps, poses that go on."""

    rows: int
    thinning: int
    sigma: float
    steps: int
    kept: int


LEVELS = (Level(32, 2, 2.0, 6, 6), Level(64, 2, 2.0, 8, 3), Level(64, 1, 0.7, 10, 3))

DISTINCT = 15.0
"""Degrees between poses that count as two."""


@dataclass(frozen=True, eq=False)
class PoseEstimate:
    """What `estimate` returns.

    Attributes:
        camera: `B` cameras, float64.
        loss: [B], `1 - IoU` of sharp silhouettes at the masks' size.
        confidence: [B], in [0, 1): `1 - (loss + f) / (next + f)`, where `next` is the loss of the best pose more than
            15 degrees away among those refined (1 where there is none), and `f = 0.01` about what pixels alone give.
        is_ambiguous: [B], whether such a pose has a loss no larger than `loss + f`.
    """

    camera: Camera
    loss: Float[Tensor, " B"]
    confidence: Float[Tensor, " B"]
    is_ambiguous: Bool[Tensor, " B"]


def estimate(mesh: Mesh, masks: Alpha, guess: Camera, fixed: Collection[str] = ("fov",)) -> PoseEstimate:
    """Find the cameras from which a mesh's silhouettes are the masks, near a guess.

    Sixteen starts a mask, at `{+-15, +-45}²` degrees about the guess, with the distance that the mask's area asks for,
    descend at 32 rows; the best six go on, and three of them at 64.

    Args:
        mesh: one mesh with faces.
        masks: [B, H, W] on the CPU, float32, coverage in [0, 1]; none of them empty.
        guess: perspective cameras, one for all masks or `B`: about where the object is seen from. Their handedness and
            principal points hold.
        fixed: what is as in the guess: "fov" (intrinsics known), "roll" (elevation and azimuth alone turn the
            camera, upright in the world's coordinates), "shift" (the origin's place in the image).

    Returns:
        A `PoseEstimate`; each mask's is what it is alone, to within rounding.

    Raises:
        TypeError, ValueError: an argument of the wrong kind or shape, a mesh without faces, an empty mask, values that
            are not finite.

    >>> mesh = Mesh(torch.tensor([[0.0, 0, 0], [0.9, 0, 0], [0, 0.5, 0], [0, 0, 0.3]]),
    ...             torch.tensor([[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]]))
    >>> truth = Camera.look_at(3.0, 30.0, 40.0)
    >>> from gendr.render.renderer import Renderer
    >>> mask = (Renderer(32, tau=1e-4)(mesh, truth).alpha > 0.5).float()
    >>> bool(estimate(mesh, mask, Camera.look_at(3.0, 20.0, 20.0)).loss < 0.05)
    True
    """
    guess = _checked(mesh, masks, guess, fixed)
    with torch.no_grad(), threads_for_kernels():
        return _estimate(mesh, masks, guess, frozenset(fixed))


def _checked(mesh: Mesh, masks: Tensor, guess: Camera, fixed: Collection[str]) -> Camera:
    _check.tensor("mesh.vertices", mesh.vertices, ["V", 3])
    if not mesh.n_faces:
        _check.fail("mesh", "a mesh with faces", "none")
    if not bool(mesh.vertices.isfinite().all()):
        _check.fail("mesh.vertices", "finite coordinates", "others among them")
    _check.tensor("masks", masks, ["B", "H", "W"], [torch.float32])
    if not bool(((masks >= 0.0) & (masks <= 1.0)).all()):
        _check.fail("masks", "values in [0, 1]", "others among them")
    empty = (masks <= 0.5).all(2).all(1)
    if bool(empty.any()):
        _check.fail(f"masks[{int(empty.int().argmax())}]", "a mask with something in it", "an empty one")
    if guess.projection != "perspective" or len(guess) not in (1, len(masks)):
        _check.fail("guess", f"1 or {len(masks)} perspective cameras", f"{len(guess)} {guess.projection} ones")
    for name in fixed:
        _check.choice("fixed", name, ("fov", "roll", "shift"))
    return guess.to(torch.float64)[torch.zeros(len(masks), dtype=torch.int64) if len(guess) == 1 else slice(None)]


def _estimate(mesh: Mesh, masks: Tensor, guess: Camera, fixed: frozenset[str]) -> PoseEstimate:
    batch, size = len(masks), (masks.shape[1], masks.shape[2])
    vertices = mesh.vertices.detach().float()
    middle = (vertices.amax(0) + vertices.amin(0)).double() / 2.0
    pivot = torch.zeros_like(middle) if "shift" in fixed else middle
    radius = max(float((vertices - pivot.float()).norm(dim=1).max()), 1e-6)
    unknowns, values = _starts(guess, pivot, radius, fixed)
    owner = torch.arange(batch).repeat_interleave(len(OFFSETS) ** 2)
    losses = torch.zeros(len(owner), dtype=torch.float64)
    for level in LEVELS:
        shape = (level.rows, max(1, round(level.rows * size[1] / size[0])))
        images = Silhouettes.at(vertices, mesh.faces, shape, level.thinning, level.sigma)
        wanted = resized(masks, shape)
        if level is LEVELS[0]:
            for _ in range(2):
                area = images.sharp(unknowns.cameras(values)).sum((1, 2)).clamp_min(1.0)
                values[:, SIZE] += 0.5 * (wanted.sum((1, 2))[owner].clamp_min(1.0) / area).log().double()
        values, losses = descend(unknowns, values, images.blur(wanted)[owner], images, radius, level.steps)
        best = losses.view(batch, -1).topk(level.kept, largest=False).indices
        chosen = (best + torch.arange(batch)[:, None] * (len(losses) // batch)).flatten()
        unknowns, values, owner = unknowns[chosen], values[chosen], owner[chosen]
    camera = unknowns.cameras(values)
    images = Silhouettes.at(vertices, mesh.faces, size, 1, 1.0)
    loss = (1.0 - hard_iou(images.sharp(camera), masks[owner])).view(batch, -1)
    return _result(camera, loss)


def _starts(guess: Camera, pivot: Tensor, radius: float, fixed: frozenset[str]) -> tuple[Unknowns, Tensor]:
    batch, n_starts = len(guess), len(OFFSETS) ** 2
    offsets = torch.deg2rad(torch.cartesian_prod(*[torch.tensor(OFFSETS, dtype=torch.float64)] * 2)).repeat(batch, 1)
    template = guess[torch.arange(batch).repeat_interleave(n_starts)]
    unmirrored = flip(template.rotation) @ template.rotation
    values = torch.zeros(batch * n_starts, 7, dtype=torch.float64)
    if "roll" in fixed:
        z = unmirrored[:, 2]
        values[:, ELEVATION] = torch.asin((-z[:, 1]).clamp(-1.0, 1.0)) + offsets[:, 0]
        values[:, AZIMUTH] = torch.atan2(-z[:, 0], z[:, 2]) + offsets[:, 1]
        base = torch.eye(3, dtype=torch.float64).expand(len(template), 3, 3)
    else:
        base = turn(offsets[:, 0], offsets[:, 1], torch.zeros_like(offsets[:, 0])) @ unmirrored
    local = template.to_camera(pivot[None])[:, 0]
    depth = local[:, 2].clamp_min(1.1 * radius)
    high = template.scale if template.scale.ndim == 1 else template.scale[:, 1]
    scale = template.scale[:, None] if template.scale.ndim == 1 else template.scale
    values[:, PIVOT_X], values[:, PIVOT_Y] = (scale * local[:, :2] / depth[:, None]).unbind(1)
    values[:, SIZE], values[:, DEPTH] = (high / depth).log(), depth.log()
    free = [ELEVATION, AZIMUTH]
    free += [] if "roll" in fixed else [ROLL]
    free += [] if "shift" in fixed else [PIVOT_X, PIVOT_Y]
    free += [SIZE] if "fov" in fixed else [SIZE, DEPTH]
    return Unknowns(template, base, pivot, tuple(free), "fov" in fixed), values


def _result(camera: Camera, loss: Tensor) -> PoseEstimate:
    batch, kept = loss.shape
    best = loss.argmin(1)
    rotation = camera.rotation.view(batch, kept, 3, 3)
    chosen = rotation[torch.arange(batch), best][:, None]
    cosine = ((rotation * chosen).sum((2, 3)) - 1.0) / 2.0
    least = loss.gather(1, best[:, None])[:, 0]
    others = torch.where(cosine < math.cos(math.radians(DISTINCT)), loss, 1.0).amin(1)
    confidence = (1.0 - (least + 0.01) / (others + 0.01)).clamp_min(0.0)
    index = torch.arange(batch) * kept + best
    return PoseEstimate(camera[index], least, confidence, others <= least + 0.01)
