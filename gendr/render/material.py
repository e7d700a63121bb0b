"""What a surface is made of: colour, texture, gloss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gendr import _check, _cuda
from gendr._autocast import single_fields
from gendr._types import RGB
from gendr.distributions._values import at_hand, concrete
from gendr.render.ordered_sums import taken
from gendr.render.texture import FaceTextures
from gendr.render.texture_wraps import WRAPS

TENSORS = ("base_color", "texture", "specular")


@dataclass(frozen=True, eq=False, repr=False)
class Material:
    """A surface of colour `base_color * texture`, with a highlight for Blinn and Phong; differentiable in its tensors.

    Colours are used as they stand in files: no conversion between linear and sRGB values takes place.

    Attributes:
        name: as in the file; any text.
        base_color: [3], red, green, blue; 1 is full. MTL's `Kd` (see `docs/meshes.md`), glTF's `baseColorFactor`.
        texture: [H, W, 3], row 0 on top, or None: MTL's `map_Kd`, glTF's `baseColorTexture`, without its alpha.
        specular: [3], the highlight's colour, MTL's `Ks`.
        shininess: the highlight's exponent in [0, inf), MTL's `Ns`.
        wrap: what the texture does beyond its border: "repeat", "clamp" or "mirror".

    Raises:
        TypeError: a colour or the texture is no tensor, or the name no text.
        ValueError: wrong shape or dtype, a value that is not finite (on a GPU the rasterizer says so, as nobody waits
            for the device here), or one out of its range.

    >>> Material("brick", torch.tensor([0.7, 0.3, 0.2]), texture=torch.rand(64, 32, 3))
    Material('brick', base_color=(0.7, 0.3, 0.2), texture=[64, 32])
    """

    name: str = ""
    base_color: RGB = field(default_factory=lambda: torch.ones(3))
    texture: Float[Tensor, "H W 3"] | None = None
    specular: RGB = field(default_factory=lambda: torch.zeros(3))
    shininess: float = 1.0
    wrap: str = "repeat"

    def __post_init__(self) -> None:
        single_fields(self, *TENSORS)
        if not isinstance(self.name, str):
            raise TypeError(f"name: expected a str, got {_check.describe(self.name)}")
        for name in ("base_color", "specular"):
            _finite(name, _check.tensor(name, getattr(self, name), [3]))
        if self.texture is not None:
            _finite("texture", _check.tensor("texture", self.texture, ["H", "W", 3]))
            if not self.texture.numel():
                _check.fail("texture", "one texel or more", self.texture)
        _check.number("shininess", self.shininess, 0.0)
        _check.choice("wrap", self.wrap, WRAPS)

    def __repr__(self) -> str:
        color = ", ".join(f"{x:.4g}" for x in self.base_color.tolist())
        texture = "" if self.texture is None else f", texture={list(self.texture.shape[:2])}"
        return f"Material({self.name!r}, base_color=({color}){texture})"

    def color_map(self) -> Float[Tensor, "H W 3"]:
        """The image that the surface shows, `base_color * texture`; one texel without a texture.

        >>> Material(base_color=torch.tensor([0.5, 0.5, 1.0])).color_map().tolist()
        [[[0.5, 0.5, 1.0]]]
        """
        color = self.base_color.view(1, 1, 3)
        return color if self.texture is None else color.to(self.texture.dtype) * self.texture

    def look(self) -> tuple[int, int, str]:
        """The same for materials with the same colour, texture and wrap, that is, with the same tensors.

        >>> one = Material("one")
        >>> one.look() == Material("other", one.base_color).look(), one.look() == Material().look()
        (True, False)
        """
        return id(self.base_color), id(self.texture), self.wrap

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Material:
        """The material on another device or in another dtype; differentiable.

        >>> Material().to(dtype=torch.float64).base_color.dtype
        torch.float64
        """
        tensors = {name: getattr(self, name) for name in TENSORS}
        moved = {name: t.to(device=device, dtype=dtype) for name, t in tensors.items() if t is not None}
        return replace(self, **moved)


def material_textures(
    materials: Sequence[Material],
    face_material: Int64[Tensor, " F"],
    uvs: Float[Tensor, "T 2"] | None,
    face_uvs: Int64[Tensor, "F 3"] | None,
    dtype: torch.dtype,
) -> FaceTextures:
    """The faces' colours as textures: a map for each look of a material, of one texel where it has no texture.

    Faces of material -1 are white. A face with a corner without coordinates (-1) shows its material's `base_color`.

    Args:
        materials: any number.
        face_material: int64 [F], index into the materials, or -1.
        uvs: [T, 2] or None.
        face_uvs: int64 [F, 3], index into `uvs`, or -1; None without `uvs`.
        dtype: of the textures.

    >>> red = Material(base_color=torch.tensor([1.0, 0.0, 0.0]))
    >>> textures = material_textures([red], torch.tensor([0, -1]), None, None, torch.float32)
    >>> textures.sample(torch.zeros(2, 2), textures.map_of_face).tolist()
    [[1.0, 0.0, 0.0], [1.0, 1.0, 1.0]]
    """
    if uvs is None or face_uvs is None or not len(uvs):
        corners = torch.zeros(len(face_material), 3, 2, dtype=dtype, device=face_material.device)
        bare = torch.ones_like(face_material, dtype=torch.bool)
    else:
        corners = taken(uvs.to(dtype), 0, face_uvs.clamp(min=0).reshape(-1)).view(-1, 3, 2)
        bare = (face_uvs < 0).any(dim=1)
    device = face_material.device
    textured = torch.tensor([material.texture is not None for material in materials] + [False])
    bare &= _cuda.to_device(textured, device)[face_material]
    white = face_material < 0
    looks = {material.look(): material for material in materials}
    maps = [material.color_map() for material in looks.values()]
    wraps = [material.wrap for material in looks.values()]
    index = face_material
    if len(looks) < len(materials):
        number = {look: k for k, look in enumerate(looks)}
        of_material = torch.tensor([number[material.look()] for material in materials])
        index = _cuda.to_device(of_material, device)[index.clamp(min=0)]
    if not (at_hand(bare) and concrete(~bare.any())):
        index = torch.where(bare, face_material + len(maps), index)
        maps += [material.base_color.view(1, 1, 3) for material in materials]
    if not (at_hand(white) and concrete(~white.any())):
        index = torch.where(white, len(maps), index)
        maps.append(torch.ones(1, 1, 3, device=device))
    wraps += ["repeat"] * (len(maps) - len(wraps))
    return FaceTextures.from_maps(corners, [image.to(dtype) for image in maps], index, wraps)


def _finite(name: str, values: Tensor) -> None:
    if at_hand(values) and concrete(~torch.isfinite(values).all()):
        _check.fail(name, "finite numbers", f"{int((~torch.isfinite(values)).sum())} that are not")
