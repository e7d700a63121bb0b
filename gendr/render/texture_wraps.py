"""Images that wrap in different ways, redrawn so that one way of wrapping fits them all."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from gendr import _check
from gendr.distributions._values import at_hand
from gendr.render.ordered_sums import taken

WRAPS = ("repeat", "clamp", "mirror")
_FARTHEST = 1.0  # a border this many times as wide as the image is the most that "clamp" is redrawn with


def in_one_wrap(
    images: Sequence[Tensor], uvs: Tensor, map_of_face: Tensor, wraps: Sequence[str]
) -> tuple[list[Tensor], Tensor, str]:
    """Images, coordinates and one wrap that show the same as `images` with a wrap each.

    Where the wraps differ it is "repeat": a mirrored image becomes the image and its three mirror images, a clamped one
    gets a border as wide as its faces' coordinates reach. Images of one texel fit every wrap. Differentiable.

    Args:
        images: [H, W, C] each.
        uvs: [B, F, 3, 2].
        map_of_face: int64 [F].
        wraps: "repeat", "clamp" or "mirror", for each image.

    Raises:
        ValueError: a clamped image among others whose faces have coordinates outside [-1, 2]. On a GPU, where nobody
            waits to see, these become NaN, which the rasterizer reports, and the border is as wide as the image.

    Example:
        >>> images = [torch.zeros(2, 3, 1), torch.ones(2, 3, 1)]
        >>> uvs = torch.tensor([[[[0.0, 0], [1, 0], [0, 1]]] * 2])
        >>> images, _, wrap = in_one_wrap(images, uvs, torch.tensor([0, 1]), ["repeat", "mirror"])
        >>> [tuple(image.shape) for image in images], wrap
        ([(2, 3, 1), (4, 6, 1)], 'repeat')
    """
    several = {wrap for image, wrap in zip(images, wraps, strict=True) if image.shape[:2] != (1, 1)}
    if len(several) < 2:
        return list(images), uvs, several.pop() if several else wraps[0]
    redrawn = list(images)
    for index, (image, wrap) in enumerate(zip(images, wraps, strict=True)):
        if wrap == "repeat" or image.shape[:2] == (1, 1):
            continue
        shown = map_of_face == index
        if wrap == "mirror":
            row = torch.cat([image, image.flip(1)], dim=1)
            redrawn[index] = torch.cat([row.flip(0), row])
            moved = uvs / 2
        else:
            redrawn[index], moved = _with_border(index, image, uvs, shown)
        uvs = torch.where(shown[:, None, None], moved, uvs)
    return redrawn, uvs, "repeat"


def _with_border(index: int, image: Tensor, uvs: Tensor, shown: Tensor) -> tuple[Tensor, Tensor]:
    reach = _FARTHEST
    if at_hand(uvs):
        own = uvs.detach()[:, shown]
        reach = max(0.0, float((own - 0.5).abs().max()) - 0.5) if own.numel() else 0.0
        if reach > _FARTHEST:
            _check.fail(
                f"images[{index}]", "coordinates in [-1, 2], as it is clamped and others are not", f"{reach:g} beyond"
            )
    else:  # nobody waits to see; what lies beyond is no number to the rasterizer, which reports it
        uvs = torch.where((uvs.detach() - 0.5).abs() <= 0.5 + _FARTHEST, uvs, torch.nan)
    border = [math.ceil(reach * side) + 1 for side in image.shape[:2]]
    rows, columns = (
        torch.arange(-b, side + b, device=image.device).clamp(0, side - 1)
        for b, side in zip(border, image.shape[:2], strict=True)
    )
    moved = [
        (coordinate * side + b) / (side + 2 * b)
        for coordinate, side, b in zip(uvs.unbind(-1), image.shape[1::-1], border[::-1], strict=True)
    ]
    return taken(taken(image, 0, rows), 1, columns), torch.stack(moved, -1)
