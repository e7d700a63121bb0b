"""The presets side by side: what each draws, and how its image changes when the object moves."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor

from gendr import presets
from gendr.render import Mesh, Renderer
from gendr.scenes import teapot
from gendr.tools.gallery.looks import view
from gendr.tools.gallery.sheet import Cell, covered, painted, sheet

WIDE = 0.06
"""A tau at which differences can be seen; the squared ones have its square."""

STEP = 1e-6
SIZE = 84


def systems(size: int = SIZE) -> Image.Image:
    """Coverage of a coarse teapot with a wide softness, and its derivative.

    >>> systems(8).width
    204
    """
    names = list(presets.PRESETS)
    with torch.no_grad():
        wide: list[Cell] = [(name, covered(coverage(name, size))) for name in names]
        slopes: list[Cell] = [("", painted(signed(moving_right(name, size)))) for name in names]
    return sheet([wide, slopes], margin=84, heads=[f"coverage,\ntau {WIDE}", "the same,\nmoving\nright"])


def coverage(name: str, size: int, shift: float = 0.0) -> Tensor:
    """Alpha `[size, size]` of a coarse teapot, moved to the right by `shift` half image heights at its depth.

    >>> coverage("nmr", 8).unique().tolist()
    [0.0, 1.0]
    """
    return _drawn(presets.PRESETS[name](size, tau=_tau(name)), shift)


def moving_right(name: str, size: int) -> Tensor:
    """How `coverage` changes with `shift`: the derivative that a preset's backward pass contains.

    Of the sharp presets it is that of the renderer which they borrow their gradients from.

    >>> moving_right("nmr", 8).abs().amax() > 0
    tensor(True)
    """
    renderer = presets.PRESETS[name](size, tau=_tau(name))
    soft = renderer.backward if isinstance(renderer, presets.StraightThrough) else renderer
    return (_drawn(soft, STEP) - _drawn(soft, -STEP)) / (2 * STEP)


def signed(values: Tensor) -> Tensor:
    """Numbers `[H, W]` as red above 0 and blue below, white at 0, full colour at the largest; `[3, H, W]`.

    >>> signed(torch.tensor([[-1.0, 0.0, 1.0]])).movedim(0, -1)[0, 1]
    tensor([1., 1., 1.])
    """
    share = (values / values.abs().amax().clamp_min(1e-30)).abs().sqrt()
    red, blue = torch.tensor([0.84, 0.27, 0.25]), torch.tensor([0.20, 0.47, 0.78])
    hue = torch.where((values > 0)[..., None], red, blue)
    return (1 - share[..., None] * (1 - hue)).movedim(-1, 0)


def _tau(name: str) -> float:
    return WIDE**2 if name == "softras" else WIDE


def _drawn(renderer: Renderer, shift: float) -> Tensor:
    pot, camera = teapot(2), view(145.0, 25.0, 12.0)
    towards = camera.rotation[0, 0] * shift * 2.732 / float(camera.scale.reshape(-1)[0])
    moved = Mesh(pot.vertices.double() + towards, pot.faces)
    return renderer(moved, camera).alpha[0]
