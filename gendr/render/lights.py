r"""Lights: what reaches a surface, from everywhere at once or from one direction.

The colour of a light is what a white matte surface sends back that faces it: radiance, with the factor `1 / pi` of the
matte surface already in it. So an `AmbientLight`, a `DirectionalLight` or a `PointLight` of colour 1, or a
`SphericalHarmonicsLight` of radiance 1 from everywhere, each makes white paper white. Colours are RGB, unbounded,
linear; nothing clamps them.

A parameter is a tensor `[3]`, or `[B, 3]` for a batch whose first dimension is the images', or plain numbers. Plain
numbers are kept in float64 and take the dtype of what they shine on. Tensors carry gradients. Lights stand where the
positions and normals do, in the world as a rule.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import Self

from gendr import _check
from gendr._autocast import is_on, single, single_fields
from gendr.render.normals import Vectors, unit
from gendr.render.spherical_harmonics import irradiance

Colour = int | float | Sequence[int | float] | Tensor
Point = Sequence[int | float] | Tensor

GREATEST_GAIN = 1e6


class Light:
    """What all lights share; a light of your own overrides one of the two methods, or both."""

    def ambient(self, normals: Vectors) -> Tensor | None:
        """Radiance [*, 3] that a white matte surface of these unit normals returns of light without one direction."""
        return None

    def incident(self, positions: Vectors) -> tuple[Tensor, Tensor] | None:
        """Unit directions [*, 3] from the positions to the light, and the light's colour [*, 3] there."""
        return None

    def to(self, target: torch.dtype | torch.device | str) -> Self:
        """The same light in another dtype or on another device; differentiable.

        >>> AmbientLight([1.0, 0.5, 0.25]).to(torch.float32).color
        tensor([1.0000, 0.5000, 0.2500])
        """
        values: dict[str, Any] = dict(vars(self))
        moved = {name: value.to(target) for name, value in values.items() if isinstance(value, Tensor)}
        return dataclasses.replace(self, **moved)  # type: ignore[type-var]


@dataclass(frozen=True, eq=False)
class AmbientLight(Light):
    """The same light on every surface, whichever way it faces.

    Attributes:
        color: [3] or [B, 3]; a number is a grey.

    Raises:
        TypeError, ValueError: neither a number, three of them, nor a float tensor [3] or [B, 3].

    >>> AmbientLight(0.5).ambient(torch.tensor([[0.0, 0.0, 1.0]]))
    tensor([0.5000, 0.5000, 0.5000])
    """

    color: Any = 1.0

    def __post_init__(self) -> None:
        _settle(self, color=_triple("color", self.color, grey=True))

    def ambient(self, normals: Vectors) -> Tensor:
        """The colour."""
        return aligned(self.color, normals)


@dataclass(frozen=True, eq=False)
class DirectionalLight(Light):
    """A light so far away that its rays are parallel.

    Attributes:
        direction: [3] or [B, 3], of any length, **towards the light**: `(0, 1, 0)` shines down from above. (As a
            position of OpenGL's with w = 0, and as in PyTorch3D; the opposite of the rays' way.) The zero vector gives
            no light.
        color: [3] or [B, 3]; a number is a grey.

    Raises:
        TypeError, ValueError: neither numbers nor a float tensor of these shapes.

    >>> noon = DirectionalLight(direction=(0, 2, 0), color=(1.0, 0.9, 0.8))
    >>> noon.incident(torch.zeros(1, 3))
    (tensor([0., 1., 0.]), tensor([1.0000, 0.9000, 0.8000]))
    """

    direction: Any = (0.0, 1.0, 0.0)
    color: Any = 1.0

    def __post_init__(self) -> None:
        _settle(self, direction=_triple("direction", self.direction), color=_triple("color", self.color, grey=True))

    def incident(self, positions: Vectors) -> tuple[Tensor, Tensor]:
        """The direction at length 1, and the colour."""
        return unit(aligned(self.direction, positions)), aligned(self.color, positions)


@dataclass(frozen=True, eq=False)
class PointLight(Light):
    r"""A light at a point; at distance `d` its colour is divided by `c + l d + q d^2`, or not at all.

    Attributes:
        position: [3] or [B, 3].
        color: [3] or [B, 3]; a number is a grey.
        attenuation: None, or `(c, l, q)`: numbers in [0, inf), or a tensor [3] or [B, 3]. `(0, 0, 1)` is the inverse
            square. The divisor counts as 1e-6 where it is less.

    Raises:
        TypeError, ValueError: neither numbers nor a float tensor of these shapes, or a negative attenuation.

    >>> lamp = PointLight(position=(0, 2, 0), attenuation=(0, 0, 1))
    >>> lamp.incident(torch.zeros(1, 3))
    (tensor([[0., 1., 0.]]), tensor([[0.2500, 0.2500, 0.2500]]))
    """

    position: Any = (0.0, 0.0, 0.0)
    color: Any = 1.0
    attenuation: Any = None

    def __post_init__(self) -> None:
        _settle(self, position=_triple("position", self.position), color=_triple("color", self.color, grey=True))
        if self.attenuation is not None:
            _settle(self, attenuation=_triple("attenuation", self.attenuation, low=0.0))

    def incident(self, positions: Vectors) -> tuple[Tensor, Tensor]:
        """The direction to the light, 0 at the light itself, and its attenuated colour."""
        offset = aligned(self.position, positions) - positions
        direction, color = unit(offset), aligned(self.color, positions)
        if self.attenuation is None:
            return direction, color
        # The length as the projection on its own direction: its gradient is that direction, 0 at the light.
        distance = (offset * direction).sum(-1, keepdim=True)
        constant, linear, quadratic = aligned(self.attenuation, positions).split(1, -1)
        divisor = constant + distance * (linear + distance * quadratic)
        return direction, color / divisor.clamp_min(1.0 / GREATEST_GAIN)


@dataclass(frozen=True, eq=False)
class SphericalHarmonicsLight(Light):
    r"""A distant environment as spherical harmonics of degree 2, for matte reflection: `E(n) / pi`.

    Highlights do not see it. Negative radiance is possible between few strong sources, and kept.

    Attributes:
        coefficients: float tensor [9, 3] or [B, 9, 3], of the environment's radiance, in the order of
            `gendr.render.spherical_harmonics`, whose `project` finds them.

    Raises:
        TypeError, ValueError: no float tensor of these shapes.

    >>> grey = torch.zeros(9, 3)
    >>> grey[0] = (4 * torch.pi) ** 0.5  # radiance 1 from everywhere
    >>> SphericalHarmonicsLight(grey).ambient(torch.tensor([[0.0, 0.0, 1.0]]))
    tensor([[1.0000, 1.0000, 1.0000]])
    """

    coefficients: Float[Tensor, "*B 9 3"]

    def __post_init__(self) -> None:
        single_fields(self, "coefficients")
        _check.tensor("coefficients", self.coefficients, ("*", 9, 3))
        if self.coefficients.ndim > 3:
            _check.fail("coefficients", "[9, 3] or [B, 9, 3]", self.coefficients)

    def ambient(self, normals: Vectors) -> Tensor:
        """The irradiance, divided by pi."""
        _check_device(self.coefficients, normals)
        return irradiance(self.coefficients.to(normals.dtype), normals) / torch.pi


def aligned(parameter: Float[Tensor, "*P 3"], like: Vectors) -> Tensor:
    """A parameter in the dtype of `like` [B, ..., 3], and, when it is [B, 3], with its batch in the first dimension.

    >>> aligned(torch.zeros(2, 3), torch.zeros(2, 4, 5, 3)).shape
    torch.Size([2, 1, 1, 3])
    """
    _check_device(parameter, like)
    parameter = parameter.to(like.dtype)
    if parameter.ndim == 2 and like.ndim > 2:
        return parameter.reshape(len(parameter), *(1,) * (like.ndim - 2), 3)
    return parameter


def _check_device(parameter: Tensor, like: Tensor) -> None:
    if parameter.device != like.device:
        _check.fail("lights", f"tensors on {like.device}, as the normals are (see Light.to)", f"{parameter.device}")


def _settle(light: Light, **values: Tensor) -> None:
    for name, value in values.items():
        object.__setattr__(light, name, value)


def _triple(name: str, value: Any, *, grey: bool = False, low: float = -float("inf")) -> Tensor:
    """Three numbers, or one where that stands for a grey, as float64 [3]; a tensor [3] or [B, 3] as it is."""
    wanted = f"{'a number, ' if grey else ''}three numbers or a float tensor [3] or [B, 3]"
    if isinstance(value, Tensor):
        given = _check.tensor(name, single(value) if is_on() else value, ("*", 3))
        if given.ndim > 2:
            _check.fail(name, wanted, given)
        return given
    if grey and isinstance(value, (int, float)):
        value = (value, value, value)
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"{name}: expected {wanted}, got {_check.describe(value)}")
    if len(value) != 3:
        _check.fail(name, wanted, value)
    return torch.tensor([_check.number(name, entry, low) for entry in value], dtype=torch.float64)
