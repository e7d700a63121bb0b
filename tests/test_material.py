"""Materials, their colours as textures of faces, and images that wrap in different ways."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from gendr.render.material import Material, material_textures
from gendr.render.mesh import Mesh
from gendr.render.texture import FaceTextures

RED, BLUE = torch.tensor([1.0, 0, 0]), torch.tensor([0, 0, 1.0])
SQUARE = torch.tensor([[0.0, 0], [1, 0], [0, 1], [1, 1]])


def test_a_plain_material_is_matt_and_white() -> None:
    plain = Material()
    assert plain.color_map().tolist() == [[[1.0, 1.0, 1.0]]]
    assert plain.specular.tolist() == [0, 0, 0]
    assert repr(Material("a", RED, torch.zeros(2, 3, 3))) == "Material('a', base_color=(1, 0, 0), texture=[2, 3])"


def test_colour_times_texture_and_its_gradients() -> None:
    color = torch.rand(3, dtype=torch.float64, requires_grad=True)
    image = torch.rand(2, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.equal(Material(base_color=color, texture=image).color_map(), color * image)
    assert torch.autograd.gradcheck(lambda c, t: Material(base_color=c, texture=t).color_map(), (color, image))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"base_color": torch.zeros(4)}, "base_color: expected float32 or float64 [3], got float32 [4]"),
        ({"base_color": RED * math.nan}, "base_color: expected finite numbers, got"),
        ({"specular": RED.long()}, "specular: expected float32 or float64 [3], got int64 [3]"),
        ({"texture": torch.zeros(2, 2, 4)}, "texture: expected float32 or float64 [H, W, 3], got float32 [2, 2, 4]"),
        ({"texture": torch.zeros(0, 2, 3)}, "texture: expected one texel or more, got float32 [0, 2, 3]"),
        ({"texture": torch.full((1, 1, 3), math.inf)}, "texture: expected finite numbers, got 3 that are not"),
        ({"shininess": -1.0}, "shininess: expected a number in [0, inf), got -1.0"),
        ({"wrap": "once"}, "wrap: expected one of repeat, clamp, mirror, got 'once'"),
    ],
)
def test_bad_arguments_say_name_wanted_and_got(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 (the message is compared below)
        Material(**changes)
    assert message in str(raised.value)


def test_a_name_is_text() -> None:
    with pytest.raises(TypeError, match="name: expected a str, got int 7"):
        Material(7)  # type: ignore[arg-type]


# --- faces -------------------------------------------------------------------------------------------------------


def test_each_face_shows_its_material() -> None:
    image = torch.rand(4, 5, 3)
    materials = (Material(base_color=RED), Material(base_color=BLUE, texture=image), Material(texture=image[:2]))
    face_uvs = torch.tensor([[0, 1, 2], [0, 1, 2], [3, 2, 1], [0, -1, 2], [0, 1, 3]])
    textures = material_textures(materials, torch.tensor([0, 1, 2, 1, -1]), SQUARE, face_uvs, torch.float32)
    colors = textures.sample(textures.uvs[0], textures.map_of_face[:, None])
    blue = FaceTextures.from_image(SQUARE[None, :3], BLUE * image)
    white = FaceTextures.from_image(SQUARE[None, :3], image[:2])
    assert torch.allclose(colors[0], RED.expand(3, 3), atol=1e-6)
    assert torch.allclose(colors[1], blue.sample(SQUARE[:3], torch.tensor(0)))
    assert torch.allclose(colors[2], white.sample(SQUARE[[3, 2, 1]], torch.tensor(0)))
    assert torch.allclose(colors[3], BLUE.expand(3, 3), atol=1e-6)  # a corner has no coordinates
    assert torch.allclose(colors[4], torch.ones(3, 3), atol=1e-6)  # a face without a material


def test_no_map_more_than_needed() -> None:
    textures = material_textures((Material(),), torch.tensor([0]), SQUARE, torch.tensor([[0, 1, 2]]), torch.float64)
    assert textures.maps.tolist() == [[0, 1, 1]]
    assert textures.texels.dtype == torch.float64


def test_materials_that_share_their_look_share_a_map() -> None:
    white, image = torch.ones(3), torch.rand(4, 4, 3)
    materials = (
        Material("a", white, image),
        Material("b", RED),
        Material("c", white, image),
        Material("d", BLUE, image),
    )
    face_uvs = torch.tensor([[0, 1, 2], [0, 1, 2], [0, 1, 2], [0, -1, 2], [0, -1, 2]])
    which = torch.tensor([2, 1, 0, 3, -1])
    textures = material_textures(materials, which, SQUARE, face_uvs, torch.float32)
    assert textures.maps[:3].tolist() == [[0, 4, 4], [16, 1, 1], [17, 4, 4]]
    assert textures.map_of_face[:3].tolist() == [0, 1, 0]
    bare = textures.sample(textures.uvs[0, 3:, 0], textures.map_of_face[3:])
    assert bare.tolist() == [[0, 0, 1], [1, 1, 1]]
    mesh = Mesh(torch.eye(3), torch.tensor([[0, 1, 2]]), materials=materials).to(dtype=torch.float64)
    assert mesh.materials[0].texture is mesh.materials[2].texture


# --- wraps -------------------------------------------------------------------------------------------------------


def test_images_of_different_wraps_show_what_they_show_alone() -> None:
    images = [torch.rand(h, w, 2, dtype=torch.float64) for h, w in ((3, 4), (5, 2), (2, 3), (1, 1))]
    wraps = ["repeat", "mirror", "clamp", "mirror"]
    uvs = 3 * torch.rand(4, 3, 2, dtype=torch.float64) - 1
    joined = FaceTextures.from_maps(uvs, images, torch.arange(4), wraps)
    assert joined.wrap == "repeat"
    weights = torch.rand(4, 20, 3, dtype=torch.float64)
    weights /= weights.sum(-1, keepdim=True)
    seen = joined.sample(weights @ joined.uvs[0], torch.arange(4)[:, None])
    for k, (image, wrap) in enumerate(zip(images, wraps, strict=True)):
        alone = FaceTextures.from_image(uvs, image, wrap).sample(weights[k] @ uvs[k], torch.tensor(0))
        assert torch.allclose(seen[k], alone, atol=1e-12)


def test_mixed_wraps_keep_gradients_and_refuse_endless_borders() -> None:
    image = torch.rand(2, 2, 3, requires_grad=True)
    uvs = torch.rand(2, 3, 2, requires_grad=True)
    textures = FaceTextures.from_maps(uvs, [image, image], torch.tensor([0, 1]), ["mirror", "clamp"])
    textures.sample(textures.uvs, textures.map_of_face[:, None]).square().sum().backward()
    assert image.grad is not None
    assert uvs.grad is not None
    with pytest.raises(
        ValueError, match=r"images\[1\]: expected coordinates in \[-1, 2\], as it is clamped and others"
    ):
        FaceTextures.from_maps(uvs.detach() + 9, [image, image], torch.tensor([0, 1]), ["mirror", "clamp"])
    assert (
        FaceTextures.from_maps(uvs + 9, [image, image[:1, :1]], torch.tensor([0, 1]), ["clamp", "mirror"]).wrap
        == "clamp"
    )
    with pytest.raises(ValueError, match="wrap: expected one for each of 2 images, got 1"):
        FaceTextures.from_maps(uvs, [image, image], torch.tensor([0, 1]), ["mirror"])
