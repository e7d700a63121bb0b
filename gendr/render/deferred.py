r"""Shading after blending: images of albedo, normals and positions, blended softly over the faces, become one image.

At a pixel the blend gives sums over the faces, `A = sum_t w_t a_t` and likewise for normals and positions, whose
weights total the foreground's `W = 1 - w_b`: the background has no normal and no position and adds nothing to the sums.
So the means are `A / W`. The surface is lit once, at the mean position and by the mean normal, and stands before the
background with weight `W`:

    C = W (A / W * diffuse + highlight) + (1 - W) background = A * diffuse + W highlight + (1 - W) background

The form on the right does not divide the albedo, so that nothing is lost where `W` is small, and where there is no
foreground at all (`W = 0`) values and gradients are those of the background.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from gendr import _check
from gendr._autocast import in_single_precision
from gendr.render.normals import unit
from gendr.render.shading import Anywhere, Lights, illuminate

Image = Float[Tensor, "B C H W"]
Weight = Float[Tensor, "B H W"]


@in_single_precision
def shade_deferred(
    albedo: Image,
    normals: Image,
    positions: Image,
    foreground_weight: Weight,
    eye: Anywhere,
    lights: Lights,
    *,
    background: Any = 0.0,
    specular: Any = 0.0,
    shininess: Any = 32.0,
    model: str = "lambert",
    two_sided: bool = True,
) -> Float[Tensor, "B 3 H W"]:
    """Light every pixel of a blended image, by the formula at the top of this module.

    Args:
        albedo: [B, 3, H, W], sums over the faces with their weights, against a background of 0.
        normals: [B, 3, H, W], sums likewise; turned to the eye before (`gendr.render.shading.facing`) where both sides
            of a surface may be seen at one pixel. Sums shorter than four machine epsilons of `W` have no direction.
        positions: [B, 3, H, W], sums likewise, in the space of the lights.
        foreground_weight: `W` [B, H, W] in [0, 1]. Exactly the sum of the weights is best: the blend of a feature that
            is 1 on every face; `1 - background_weight` loses the digits of weights below 1e-6, which hardly show.
            Weights below 1e-18 (float32; 1e-153 in float64) count as 0.
        eye: [3] or [B, 3], as in `illuminate`.
        lights: as in `illuminate`.
        background: what stands behind: a number, or a tensor [3], [B, 3] or [B, 3, H, W].
        specular: a number, three of them, or a tensor [3] or [B, 3]; or an image [B, 3, H, W], sums like the albedo's.
        shininess: a number or a tensor [] or [B]; or an image [B, H, W], sums like the albedo's.
        model: "lambert" or "blinn-phong".
        two_sided: as in `illuminate`.

    Returns:
        [B, 3, H, W], differentiable in all images, eye, lights and background.

    Raises:
        TypeError, ValueError: wrong kinds, shapes or dtypes, numbers out of range.

    >>> from gendr.render.lights import AmbientLight
    >>> half = torch.full((1, 3, 1, 1), 0.5)  # white, covering half the pixel, before red
    >>> red = torch.tensor([1.0, 0.0, 0.0])
    >>> shade_deferred(half, half, half, half[:, 0], torch.zeros(3), AmbientLight(), background=red).flatten()
    tensor([1.0000, 0.5000, 0.5000])
    """
    shape = tuple(_check.tensor("albedo", albedo, ("B", 3, "H", "W")).shape)
    _check.tensor("normals", normals, shape, (albedo.dtype,))
    _check.tensor("positions", positions, shape, (albedo.dtype,))
    weight = _weight(foreground_weight, albedo)
    lighting = illuminate(
        unit(_mean(normals, weight).movedim(1, -1), 4.0 * torch.finfo(albedo.dtype).eps),
        _mean(positions, weight).movedim(1, -1),
        eye,
        lights,
        specular=_mean(specular, weight).movedim(1, -1) if _is_image(specular, 4) else specular,
        shininess=_mean(shininess, weight[:, 0]) if _is_image(shininess, 3) else shininess,
        model=model,
        two_sided=two_sided,
    )
    image = albedo * lighting.diffuse.movedim(-1, 1)
    if lighting.highlight is not None:
        image = image + weight * lighting.highlight.movedim(-1, 1)
    return image + (1.0 - weight) * backdrop(background, albedo)


@in_single_precision
def compose(
    albedo: Image,
    diffuse: Image,
    highlight: Image | None,
    foreground_weight: Weight,
    *,
    background: Any = 0.0,
) -> Image:
    """Join a blended albedo, such as a texture's, and blended lighting, such as Gouraud's: `A D / W + H + (1 - W) b`.

    All images are sums over the faces as in `shade_deferred`; the mean albedo is multiplied with the mean light.

    Args:
        albedo: `A` [B, C, H, W].
        diffuse: `D` [B, C, H, W], of `Lighting.diffuse`.
        highlight: `H` [B, C, H, W], of `Lighting.highlight`, or None.
        foreground_weight: `W` [B, H, W], as in `shade_deferred`.
        background: a number, or a tensor [C], [B, C] or [B, C, H, W].

    Returns:
        [B, C, H, W], differentiable.

    Raises:
        TypeError, ValueError: wrong shapes or dtypes.

    >>> half = torch.full((1, 1, 1, 1), 0.5)
    >>> compose(0.8 * half, 0.5 * half, None, half[:, 0], background=1.0)  # 0.5 * 0.8 * 0.5 + 0.5 * 1
    tensor([[[[0.7000]]]])
    """
    shape = tuple(_check.tensor("albedo", albedo, ("B", "C", "H", "W")).shape)
    _check.tensor("diffuse", diffuse, shape, (albedo.dtype,))
    weight = _weight(foreground_weight, albedo)
    image = _mean(albedo, weight) * diffuse
    if highlight is not None:
        image = image + _check.tensor("highlight", highlight, shape, (albedo.dtype,))
    return image + (1.0 - weight) * backdrop(background, albedo)


def _weight(foreground_weight: Tensor, like: Tensor) -> Tensor:
    batch, _, height, width = like.shape
    return _check.tensor("foreground_weight", foreground_weight, (batch, height, width), (like.dtype,))[:, None]


def _mean(total: Tensor, weight: Tensor) -> Tensor:
    """`total / weight`; 0, and without gradient, where there is no foreground."""
    is_some = weight.detach() > 10.0 * torch.finfo(weight.dtype).tiny ** 0.5
    return torch.where(is_some, total, 0.0) / torch.where(is_some, weight, 1.0)


def _is_image(value: Any, dimensions: int) -> bool:
    return isinstance(value, Tensor) and value.ndim == dimensions


def backdrop(background: Any, like: Tensor) -> Tensor | float:
    """The background in a form that broadcasts with [B, C, H, W].

    Args:
        background: a number, or a tensor [C], [B, C] or [B, C, H, W].
        like: an image [B, C, H, W].

    Raises:
        TypeError, ValueError: something else, or no finite number.

    >>> backdrop(torch.tensor([0.5, 1.0]), torch.zeros(1, 2, 4, 4)).shape
    torch.Size([2, 1, 1])
    """
    if not isinstance(background, Tensor):
        return _check.number("background", background)
    batch, channels, height, width = like.shape
    wanted = {1: (channels,), 2: (batch, channels), 4: (batch, channels, height, width)}.get(background.ndim)
    if wanted is None or any(size not in (1, want) for size, want in zip(background.shape, wanted, strict=True)):
        shapes = f"[{channels}], [{batch}, {channels}] or {list(like.shape)}"
        _check.fail("background", f"a number or a tensor {shapes}", background)
    backdrop: Tensor = background.to(like.dtype)
    return backdrop if backdrop.ndim == 4 else backdrop[..., None, None]
