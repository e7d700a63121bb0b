"""Where no gradient leads to: images whose target lies outside the support of every face, or that are all 0 and 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from gendr import _check
from gendr._types import Alpha


@dataclass(frozen=True, eq=False)
class ReachReport:
    """What of the target a rendering can be pulled to; made by `reach_report`.

    A pixel whose alpha is exactly 0 lies outside the support of every face, or where all are below the cut-off: it has
    no gradient. Neither has one whose alpha is exactly 1.

    Attributes:
        target_pixels: `[B]`, pixels of the target.
        outside: `[B]`, those of them that no face reaches: alpha is 0 there.
        gap: `[B]`, pixels between the target and the nearest pixel with some alpha; 0 where they meet, infinite where
            alpha is 0 everywhere or the target is empty.
        is_outside: `[B]`, whether no pixel of a target that is not empty is reached.
        is_still: `[B]`, whether the image differs from its target and has no gradient at all.
    """

    target_pixels: Int64[Tensor, " B"]
    outside: Int64[Tensor, " B"]
    gap: Float[Tensor, " B"]
    is_outside: Bool[Tensor, " B"]
    is_still: Bool[Tensor, " B"]

    @property
    def message(self) -> str | None:
        """What is wrong and what helps, in one line; None where every target is reached by a gradient.

        >>> alpha, target = torch.zeros(1, 4, 4), torch.zeros(1, 4, 4)
        >>> alpha[0, :, 0], target[0, :, 3] = 0.5, 1.0
        >>> print(reach_report(alpha, target).message)
        the target lies outside the support of every face, 3 pixels away: raise tau, or take a distribution with \
longer tails, or start nearer
        """
        count = len(self.is_outside)
        if bool(self.is_outside.any()):
            where = _images(int(self.is_outside.sum()), count)
            gap = float(self.gap[self.is_outside].max())
            if gap == float("inf"):
                return f"{where}nothing of the mesh is seen: move it or the camera, or raise tau"
            away = f"{gap:.0f} pixel{'s' if round(gap) != 1 else ''} away"
            return (
                f"{where}the target lies outside the support of every face, {away}: raise tau, or take a distribution "
                "with longer tails, or start nearer"
            )
        if bool(self.is_still.any()):
            where = _images(int(self.is_still.sum()), count)
            return f"{where}no pixel has a gradient, as alpha is 0 or 1 everywhere: raise tau, or smooth the renderer"
        return None


def reach_report(alpha: Alpha, target: Alpha, gradient: Tensor | None = None) -> ReachReport:
    """Tell where a rendering cannot be pulled to its target.

    A loss on alpha moves a face only through pixels that the face reaches. Where a whole target lies outside of every
    face's support, the loss can shrink the shape but not move it there, however long it runs.

    Args:
        alpha: rendered coverage `[B, H, W]`, values in [0, 1].
        target: coverage to be reached, of the same shape and dtype; above 1/2 a pixel belongs to it.
        gradient: of the loss in what is optimised, `[B, ...]`; without it, an image counts as still where each alpha is
            exactly 0 or 1.

    Returns:
        A `ReachReport`, whose `message` is one line, or None where nothing is wrong.

    Raises:
        TypeError, ValueError: no float tensors, or the shapes do not match.

    >>> target = torch.eye(4)[None]
    >>> report = reach_report(0.9 * target, target)
    >>> report.outside, report.message
    (tensor([0]), None)
    """
    _check.tensor("alpha", alpha, ("B", "H", "W"))
    _check.tensor("target", target, alpha.shape, (alpha.dtype,))
    wanted, seen = target.detach() > 0.5, alpha.detach() > 0
    pixels, outside = wanted.sum((1, 2)), (wanted & ~seen).sum((1, 2))
    is_outside = (pixels > 0) & (outside == pixels)
    gap = torch.tensor([_gap(*pair) for pair in zip(seen, wanted, strict=True)], dtype=torch.float64)
    differs = ((alpha.detach() > 0.5) != wanted).any(2).any(1)
    return ReachReport(pixels, outside, gap, is_outside, differs & ~_moves(alpha, gradient))


def _moves(alpha: Tensor, gradient: Tensor | None) -> Tensor:
    """Which images have a gradient `[B]`."""
    if gradient is None:
        return ((alpha > 0) & (alpha < 1)).any(2).any(1)
    if not isinstance(gradient, Tensor):
        raise TypeError(f"gradient: expected a tensor [{len(alpha)}, ...], got {_check.describe(gradient)}")
    if not gradient.ndim or len(gradient) != len(alpha):
        _check.fail("gradient", f"a tensor [{len(alpha)}, ...]", gradient)
    return (gradient.detach() != 0).flatten(1).any(1) if gradient.ndim > 1 else gradient.detach() != 0


def _gap(seen: Tensor, wanted: Tensor) -> float:
    """Pixels between two sets of pixels."""
    if bool((seen & wanted).any()):
        return 0.0
    if not bool(seen.any()) or not bool(wanted.any()):
        return float("inf")
    from scipy.ndimage import distance_transform_edt  # type: ignore[import-untyped]  # only for the images where something is wrong

    distance = distance_transform_edt(~seen.cpu().numpy())
    return float(np.min(distance[wanted.cpu().numpy()]))


def _images(some: int, count: int) -> str:
    if count == 1:
        return ""
    return "in all images " if some == count else f"in {some} of {count} images "
