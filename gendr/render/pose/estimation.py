"""The camera from which a mesh looks like a mask: many starts, of which the best few are refined."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor

from gendr import _check
from gendr._threads import threads_for_kernels
from gendr._types import Alpha
from gendr.render.camera import Camera
from gendr.render.mesh import Mesh
from gendr.render.pose.explanation import PoseEstimate, explained
from gendr.render.pose.search import USUAL_STARTS, Search
from gendr.render.pose.starts import anywhere, near

MASKS_AT_ONCE = 32
"""Bounds the memory."""


def estimate(
    mesh: Mesh,
    masks: Alpha,
    guess: Camera,
    fixed: Collection[str] = ("fov",),
    *,
    starts: int = USUAL_STARTS,
    is_near: bool = True,
) -> PoseEstimate:
    """Find the cameras from which a mesh's silhouettes are the masks.

    Directions up to 75 degrees of elevation and azimuth about the guess, or all over the sphere, are drawn with the
    distance that the mask's area asks for. The most promising descend, blurred less and less and at more and more rows,
    by Gauss-Newton steps; the best distinct poses and, once, their neighbours go on to the next resolution.

    Args:
        mesh: one mesh with faces.
        masks: [B, H, W] on the CPU, float32, coverage in [0, 1]; none of them empty.
        guess: perspective cameras, one for all masks or `B`: about where the object is seen from. Their handedness and
            principal points hold.
        fixed: what is as in the guess: "fov" (intrinsics known), "roll" (elevation and azimuth alone turn the
            camera, upright in the world's coordinates), "shift" (the origin's place in the image).
        starts: how many poses descend; those that go on are in proportion. 48 or more where nothing is known.
        is_near: False where the guess's direction says nothing.

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
    if isinstance(starts, bool) or not isinstance(starts, int):
        raise TypeError(f"starts: expected a whole number, got {_check.describe(starts)}")
    _check.number("starts", starts, 1, 10_000)
    with torch.no_grad(), threads_for_kernels():
        search = _search(mesh, frozenset(fixed), starts, is_near)
        parts = [
            search.run(masks[first : first + MASKS_AT_ONCE], guess[first : first + MASKS_AT_ONCE])
            for first in range(0, len(masks), MASKS_AT_ONCE)
        ]
        return explained(Camera.cat([camera for camera, _ in parts]), torch.cat([loss for _, loss in parts]))


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


def _search(mesh: Mesh, fixed: frozenset[str], starts: int, is_near: bool) -> Search:
    vertices = mesh.vertices.detach()[mesh.faces.unique()].double()
    middle = (vertices.amax(0) + vertices.amin(0)) / 2.0
    pivot = torch.zeros_like(middle) if "shift" in fixed else middle
    radius = max(float((vertices - pivot).norm(dim=1).max()), 1e-6)
    turns = near() if is_near else anywhere(is_upright="roll" in fixed)
    return Search(mesh, pivot, radius, turns, is_near, starts, fixed)
