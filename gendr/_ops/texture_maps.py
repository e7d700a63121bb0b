"""Which piece of the list of texels each face shows."""

from __future__ import annotations

from torch import Tensor

from gendr import _check


def require_maps(maps: Tensor, map_of_face: Tensor, texels: int) -> None:
    """Refuse maps beyond the texels, and faces without a map: the kernels trust what has passed here.

    Args:
        maps: int64 `[M, 3]` on the CPU: first texel, height, width.
        map_of_face: int64 `[F]`.
        texels: how many there are.

    Raises:
        ValueError: see above.

    >>> import torch
    >>> require_maps(torch.tensor([[0, 2, 3]]), torch.tensor([0, 0]), 6)
    """
    begin, height, width = maps.unbind(1)
    outside = (begin < 0) | (height < 1) | (width < 1) | (height > texels) | (width > texels)
    outside |= begin + height * width > texels
    if bool(outside.any()):
        index = int(outside.nonzero()[0])
        got = "first texel {}, height {}, width {}".format(*maps[index].tolist())
        _check.fail(f"maps[{index}]", f"one texel or more within the {texels}", got)
    if not map_of_face.numel():
        return
    least, most = (bound.item() for bound in map_of_face.aminmax())
    if least < 0 or most >= len(maps):
        face = int(((map_of_face < 0) | (map_of_face >= len(maps))).nonzero()[0])
        _check.fail(f"map_of_face[{face}]", f"one of {len(maps)} maps", str(int(map_of_face[face])))
