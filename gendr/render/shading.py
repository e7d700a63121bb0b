r"""Light on surfaces: Lambert and Blinn-Phong, at faces, vertices, corners or pixels.

With unit normal `n`, unit directions `l` to a light and `v` to the eye, and `h = unit(l + v)`, the light returned is

    albedo * (sum of ambient terms + sum over lights of colour * max(0, n . l))
    + specular * sum over lights with n . l > 0 of colour * max(0, n . h)^shininess        (Blinn-Phong only)

Colours are linear and are not clamped. Sources: Lambert, "Photometria", 1760; Blinn, "Models of light reflection for
computer synthesized pictures", SIGGRAPH 1977, without his distribution functions: the form of Wavefront's MTL files
(illumination model 2) and of fixed-function OpenGL.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from gendr import _check
from gendr._autocast import in_single_precision
from gendr.render.lights import Light, aligned
from gendr.render.normals import Vectors, face_normals, unit

MODELS = ("lambert", "blinn-phong")
GREATEST_SHININESS = 1e6

Lights = Light | Sequence[Light]
Anywhere = Float[Tensor, "... 3"]


@dataclass(frozen=True, eq=False)
class Lighting:
    """What a surface gets, before its own colour comes in: `albedo * diffuse + highlight`.

    Keep the two apart where the albedo is known later, as in a texture that is sampled at every pixel.

    Attributes:
        diffuse: [..., 3], multiplies the albedo.
        highlight: [..., 3], or None in the Lambert model, which has none.
    """

    diffuse: Anywhere
    highlight: Anywhere | None = None

    def on(self, albedo: Tensor) -> Tensor:
        """The colours [..., 3] of a surface of this albedo.

        >>> Lighting(torch.tensor([0.5, 0.5, 0.5])).on(torch.tensor([1.0, 0.5, 0.0]))
        tensor([0.5000, 0.2500, 0.0000])
        """
        matte = albedo * self.diffuse
        return matte if self.highlight is None else matte + self.highlight


@in_single_precision
def illuminate(
    normals: Vectors,
    positions: Anywhere,
    eye: Anywhere,
    lights: Lights,
    *,
    specular: Any = 0.0,
    shininess: Any = 32.0,
    model: str = "lambert",
    two_sided: bool = True,
) -> Lighting:
    """Light surfaces of any leading shape: faces, vertices, pixels. The formula is at the top of this module.

    A normal of length 0 gets ambient light alone; so does a surface in which a light lies.

    Args:
        normals: [..., 3] of any length.
        positions: [..., 3], broadcast with the normals.
        eye: [3], [B, 3] for normals [B, ..., 3], or anything that broadcasts. Of an orthographic view, in which all
            rays are parallel: `positions - axis`, with the axis along which it looks.
        lights: one `Light` or several; none is darkness.
        specular: share of the highlight, in [0, inf): a number, three of them, or a tensor [3], [B, 3] or [..., 3].
        shininess: exponent of the highlight: a number in [0, 1e6], or a tensor [], [B] or [...], whose values are
            held within that range. Greater is smaller: at `s` the highlight falls to half at about
            `arccos(2^(-1 / s))` between `n` and `h`, 12 degrees for 32.
        model: "lambert" or "blinn-phong".
        two_sided: whether a normal that points away from the eye is turned round, so that both sides of a surface are
            lit as they are seen. Otherwise the back is as dark as its normal has it.

    Returns:
        `Lighting`, differentiable in everything but `two_sided`'s choice of side. Highlights start abruptly at
        `n . l = 0`, as the formula has it.

    Raises:
        TypeError, ValueError: wrong kinds, shapes or dtypes, numbers out of range, or a light on another device.

    >>> up, origin = torch.tensor([[0.0, 1.0, 0.0]]), torch.zeros(1, 3)
    >>> from gendr.render.lights import DirectionalLight
    >>> sun = DirectionalLight((0, 1, 0))
    >>> illuminate(up, origin, torch.tensor([0.0, 1.0, 0.0]), sun, specular=0.5, model="blinn-phong")
    Lighting(diffuse=tensor([[1., 1., 1.]]), highlight=tensor([[0.5000, 0.5000, 0.5000]]))
    """
    _check.choice("model", model, MODELS)
    normals, positions = _vectors("normals", normals), _vectors("positions", positions, normals)
    strength, exponent = _strength(specular, normals), _exponent(shininess, normals)
    to_eye = aligned(_vectors("eye", eye, normals), normals) - positions
    n = unit(normals)
    if two_sided:
        n = _facing(n, to_eye)
    view = unit(to_eye) if model == "blinn-phong" else None
    diffuse, highlight = n.new_zeros(torch.broadcast_shapes(n.shape, to_eye.shape)), None
    for light in _as_sequence(lights):
        ambient, incident = light.ambient(n), light.incident(positions)
        if ambient is not None:
            diffuse = diffuse + ambient
        if incident is not None:
            towards, color = incident
            cosine = (n * towards).sum(-1, keepdim=True)
            diffuse = diffuse + color * cosine.clamp_min(0.0)
            if view is not None:
                shine = color * _lobe(n, unit(towards + view), cosine, exponent)
                highlight = shine if highlight is None else highlight + shine
    if view is None:
        return Lighting(diffuse)
    return Lighting(diffuse, torch.zeros_like(diffuse) if highlight is None else highlight * strength)


@in_single_precision
def shade(
    albedo: Anywhere,
    normals: Vectors,
    positions: Anywhere,
    eye: Anywhere,
    lights: Lights,
    *,
    specular: Any = 0.0,
    shininess: Any = 32.0,
    model: str = "lambert",
    two_sided: bool = True,
) -> Tensor:
    """Colours [..., 3] of lit surfaces: `illuminate(...)` on an albedo [..., 3] that broadcasts with the normals.

    Args, errors: as `illuminate`.

    >>> from gendr.render.lights import AmbientLight, DirectionalLight
    >>> lights = [AmbientLight(0.25), DirectionalLight(direction=(0, 1, 1), color=0.5)]
    >>> red, up = torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0])
    >>> shade(red, up, torch.zeros(3), torch.tensor([0.0, 5.0, 0.0]), lights)
    tensor([0.6036, 0.0000, 0.0000])
    """
    _vectors("albedo", albedo, normals)
    options = {"specular": specular, "shininess": shininess, "model": model, "two_sided": two_sided}
    return illuminate(normals, positions, eye, lights, **options).on(albedo)


@in_single_precision
def illuminate_corners(
    face_vertices: Float[Tensor, "*B F 3 3"],
    normals: Float[Tensor, "*B F 3 3"] | None,
    eye: Anywhere,
    lights: Lights,
    **options: Any,
) -> Lighting:
    """Light at every face's corners, to be interpolated over it: Gouraud shading, or flat without `normals`.

    Args:
        face_vertices: [B, F, 3, 3] positions in the space of the lights.
        normals: [B, F, 3, 3], such as `gendr.render.corner_normals` gives; None lights each face once, at its centroid
            and by its own normal.
        eye: as in `illuminate`.
        lights: as in `illuminate`.
        options: `specular`, `shininess`, `model`, `two_sided`, as in `illuminate`.

    Returns:
        `Lighting` of [B, F, 3, 3].

    Raises:
        TypeError, ValueError: as `illuminate`.

    >>> from gendr.render.lights import AmbientLight
    >>> illuminate_corners(torch.rand(2, 5, 3, 3), None, torch.zeros(3), AmbientLight(0.5)).diffuse.shape
    torch.Size([2, 5, 3, 3])
    """
    _check.tensor("face_vertices", face_vertices, ("*", "F", 3, 3))
    if normals is not None:
        return illuminate(normals, face_vertices, eye, lights, **options)
    once = illuminate(face_normals(face_vertices), face_vertices.mean(-2), eye, lights, **options)
    return Lighting(_thrice(once.diffuse), None if once.highlight is None else _thrice(once.highlight))


@in_single_precision
def facing(normals: Vectors, positions: Anywhere, eye: Anywhere) -> Tensor:
    """Normals turned to the eye's side of their surface: `-n` where `n . (eye - p) < 0`.

    Turn them before they are blended over a pixel: the two sides of a sheet would cancel there.

    Args, errors: as `illuminate`. Returns [..., 3] of the normals' own lengths.

    >>> facing(torch.tensor([[0.0, 0.0, 1.0]]), torch.zeros(1, 3), torch.tensor([0.0, 0.0, -2.0]))
    tensor([[-0., -0., -1.]])
    """
    normals, positions = _vectors("normals", normals), _vectors("positions", positions, normals)
    return _facing(normals, aligned(_vectors("eye", eye, normals), normals) - positions)


def _thrice(per_face: Tensor) -> Tensor:
    return per_face[..., None, :].expand(*per_face.shape[:-1], 3, 3)


def _facing(normals: Tensor, to_eye: Tensor) -> Tensor:
    return torch.where((normals * to_eye).sum(-1, keepdim=True) < 0, -normals, normals)


def _lobe(n: Tensor, h: Tensor, cosine: Tensor, exponent: Tensor) -> Tensor:
    """`max(0, n . h)^exponent` [..., 1] where the light is in front of the surface, 0 elsewhere.

    From `n . h = 1 - |n - h|^2 / 2`: near 1 the difference keeps digits that the product has lost, which a large
    exponent would bring to light.
    """
    product = (n * h).sum(-1, keepdim=True).detach()
    is_lit = (cosine.detach() > 0) & (product > torch.finfo(n.dtype).eps)
    below_one = torch.where(is_lit, (n - h).square().sum(-1, keepdim=True) / 2.0, 0.0)
    power = torch.exp(exponent * torch.log1p(-below_one.clamp_max(1.0 - torch.finfo(n.dtype).eps)))
    return torch.where(is_lit, power, 0.0)


def _as_sequence(lights: Lights) -> Sequence[Light]:
    sequence = [lights] if isinstance(lights, Light) else lights
    if not isinstance(sequence, (list, tuple)) or not all(isinstance(light, Light) for light in sequence):
        raise TypeError(f"lights: expected a gendr.render.lights.Light or a sequence of them, got {lights!r}")
    return sequence


def _vectors(name: str, value: Any, like: Tensor | None = None) -> Tensor:
    _check.tensor(name, value, ("*", 3), _check.FLOATS if like is None else (like.dtype,))
    tensor: Tensor = value
    if like is not None:
        _check_device(name, tensor, like)
    return tensor


def _check_device(name: str, value: Tensor, like: Tensor) -> None:
    if value.device != like.device:
        _check.fail(name, f"a tensor on {like.device}, as the normals are", f"{value.device}")


def _strength(specular: Any, like: Tensor) -> Tensor:
    if isinstance(specular, Tensor):
        _check.tensor("specular", specular, ("*",) if specular.ndim == 0 else ("*", 3))
        _check_device("specular", specular, like)
        return aligned(specular, like) if specular.ndim else specular.to(like)
    if isinstance(specular, (list, tuple)):
        if len(specular) != 3:
            _check.fail("specular", "a number, three of them, or a float tensor [..., 3]", specular)
        return torch.stack([like.new_full((), _check.number("specular", share, 0.0)) for share in specular])
    return like.new_full((), _check.number("specular", specular, 0.0))


def _exponent(shininess: Any, like: Tensor) -> Tensor:
    """The exponent as `[]`, `[B, 1, ..., 1]` or `[..., 1]`, within its range."""
    if not isinstance(shininess, Tensor):
        return like.new_full((), _check.number("shininess", shininess, 0.0, GREATEST_SHININESS))
    _check.tensor("shininess", shininess, ("*",))
    _check_device("shininess", shininess, like)
    exponent = shininess.to(like.dtype).clamp(0.0, GREATEST_SHININESS)
    if exponent.ndim == 1 and like.ndim > 2:
        return exponent.reshape(-1, *(1,) * (like.ndim - 1))
    return exponent[..., None] if exponent.ndim else exponent
