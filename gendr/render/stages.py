"""The renderer's settings, a small object for each of its stages: raster, blend, shade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from gendr import _check
from gendr._autocast import single_fields
from gendr.render.culling import CULLS
from gendr.render.shading import MODELS

ANTIALIAS = (1, 2, 4)
SHADINGS = ("flat", "gouraud", "pixel")


@dataclass(frozen=True)
class RasterStage:
    """Which faces are drawn where.

    Attributes:
        near: depth of the near plane, positive for perspective cameras; faces that cross it are cut.
        far: depth of the far plane; faces that cross it are cut.
        cull: "none", "back" (drop faces seen from inside: their corners run counter-clockwise seen from outside) or
            "front".
        cutoff: faces less probable than this at a pixel are skipped there; see `gendr.rasterize`.
        clip: False drops faces that cross a plane whole, instead of cutting them.
        antialias: draws at 1, 2 or 4 times the size and averages. `tau`, in half image heights, keeps its meaning.
        backend: "auto", "cpu", "cuda" or "reference"; see `gendr.rasterize`.
        validate: on a GPU, look for values that are not finite or out of range at once, which waits for the device;
            without it a later call raises. On the CPU they are always refused.

    Raises:
        TypeError, ValueError: an argument of the wrong kind or out of range.

    >>> RasterStage(cull="back", antialias=2).antialias
    2
    """

    near: float = 1.0
    far: float = 100.0
    cull: str = "none"
    cutoff: float = 1e-6
    clip: bool = True
    antialias: int = 1
    backend: str = "auto"
    validate: bool = False

    def __post_init__(self) -> None:
        _check.number("near", self.near)
        _check.number("far", self.far, self.near)
        _check.choice("cull", self.cull, CULLS)
        if self.antialias not in ANTIALIAS or isinstance(self.antialias, bool):
            _check.fail("antialias", "1, 2 or 4", self.antialias)

    def limits(self) -> tuple[float, float, bool, str]:
        """What decides which parts of which faces are drawn: near, far, clip and cull.

        >>> RasterStage(cull="back").limits()
        (1.0, 100.0, True, 'back')
        """
        return self.near, self.far, self.clip, self.cull


@dataclass(frozen=True, eq=False)
class BlendStage:
    """How what the faces show becomes one colour.

    Attributes:
        mode: "soft", a softmax of depth weighted by occlusion, or "hard", the nearest face that covers the pixel.
        gamma: how much depth decides in the softmax, in shares of the way from far to near; a number or a tensor `[]`.
        eps: the background's place on that way, 0 at far and 1 at near.
        background: what stands behind: a number, three of them, or a tensor `[3]`, `[B, 3]` or `[B, 3, H, W]`.

    Raises:
        ValueError: an unknown mode.

    >>> BlendStage(background=1.0).mode
    'soft'
    """

    mode: str = "soft"
    gamma: float | Tensor = 1e-4
    eps: float = 1e-3
    background: float | Sequence[float] | Tensor = 0.0

    def __post_init__(self) -> None:
        single_fields(self, "gamma", "background")
        _check.choice("mode", self.mode, ("soft", "hard"))


@dataclass(frozen=True, eq=False)
class ShadeStage:
    """How lights act. Without lights a mesh shows its own colours.

    Attributes:
        method: where light is computed: "flat", once a face; "gouraud", at the corners, to be interpolated; "pixel", at
            every pixel, from blended normals and positions (deferred, Phong's interpolation).
        model: "lambert", or "blinn-phong" with the materials' highlights.
        two_sided: light both sides of a surface as they are seen.
        specular: the highlights' colour in place of the materials': a number, three of them, or a tensor `[3]`.
        shininess: the highlights' exponent in place of the materials'.

    Raises:
        ValueError: an unknown method or model.

    >>> ShadeStage(method="gouraud").model
    'lambert'
    """

    method: str = "pixel"
    model: str = "lambert"
    two_sided: bool = True
    specular: Any = None
    shininess: Any = None

    def __post_init__(self) -> None:
        single_fields(self, "specular", "shininess")
        _check.choice("method", self.method, SHADINGS)
        _check.choice("model", self.model, MODELS)
