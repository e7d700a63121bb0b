"""One mask's pose within a budget of time: more starts as long as the mask is not explained."""

from __future__ import annotations

import time
from dataclasses import dataclass

from torch import Tensor

from gendr.render import Mesh
from gendr.render.pose import PoseEstimate, estimate
from gendr.tools.pose.guess import Guess

NEAR_STARTS, ANYWHERE_STARTS = 16, 48
MOST_STARTS = 384
EXPLAINED = 0.03
"""A loss below which no better pose is looked for: masks of people's making are not better than that."""


@dataclass(frozen=True, eq=False)
class Found:
    """What was found, and after how much: starts of the last search, seconds of all."""

    estimate: PoseEstimate
    starts: int
    seconds: float


def find(mesh: Mesh, mask: Tensor, guess: Guess, starts: int | None, budget: float) -> Found:
    """Search, and while the mask is not explained and there is time for it, again with twice as many starts anywhere.

    Args:
        mesh: what is looked for.
        mask: [H, W].
        guess: where.
        starts: of the first search; None for 16 near a guess and 48 anywhere.
        budget: seconds after which no search begins; one that has begun is ended.
    """
    began = time.monotonic()
    is_near = guess.is_near
    count = starts or (NEAR_STARTS if is_near else ANYWHERE_STARTS)
    fixed = ("fov",) if guess.is_fov_known else ()
    best: PoseEstimate | None = None
    while True:
        started = time.monotonic()
        found = estimate(mesh, mask[None], guess.camera, fixed, starts=count, is_near=is_near)
        best = found if best is None or bool(found.loss < best.loss) else best
        now = time.monotonic()
        would_end = now + 2.0 * (now - started)
        if bool(best.loss <= EXPLAINED) or 2 * count > MOST_STARTS or would_end > began + budget:
            return Found(best, count, now - began)
        count, is_near = max(2 * count, ANYWHERE_STARTS), False
