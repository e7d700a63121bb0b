"""Which faces of a packed list belong to which image."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from gendr import _check


def most_faces(face_ranges: Tensor, faces: int) -> int:
    """Faces of the image that has most of them; the kernels, which read these ranges, trust what has passed here.

    Args:
        face_ranges: int64 `[B, 2]` on the CPU, ascending: image i holds the faces `[begin, end)`.
        faces: how many the packed list has.

    Raises:
        TypeError: no tensor.
        ValueError: another dtype, shape or device, ranges that descend or reach beyond the list.

    >>> most_faces(torch.tensor([[0, 3], [3, 4]]), 4)
    3
    """
    _check.tensor("face_ranges", face_ranges, ["B", 2], [torch.int64])
    if face_ranges.device.type != "cpu":
        _check.fail("face_ranges", "a tensor on the CPU", str(face_ranges.device))
    bounds = face_ranges.flatten().tolist()
    if any(a > b for a, b in pairwise([0, *bounds, faces])):
        _check.fail("face_ranges", f"ascending ranges within {faces} faces", str(face_ranges.tolist()))
    return max((end - begin for begin, end in zip(bounds[::2], bounds[1::2], strict=True)), default=0)
