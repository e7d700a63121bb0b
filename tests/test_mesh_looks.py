"""Colours, texture coordinates and materials of a mesh: what is accepted, what the methods keep, what faces show."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
import torch

from gendr.render.material import Material
from gendr.render.mesh import Mesh

IMAGE = torch.rand(4, 4, 3, generator=torch.Generator().manual_seed(1))
RED = torch.tensor([1.0, 0, 0])


def painted(**changes: Any) -> Mesh:
    """A tetrahedron with everything a mesh can have."""
    fields: dict[str, Any] = {
        "vertices": torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 4]]),
        "faces": torch.tensor([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]]),
        "vertex_colors": torch.eye(4)[:, :3],
        "uvs": torch.tensor([[0.0, 0], [1, 0], [0, 1], [1, 1], [0.5, 0.5]]),
        "face_uvs": torch.tensor([[0, 1, 2], [4, 1, 2], [0, 3, 2], [0, -1, 2]]),
        "materials": (
            Material("plain", RED, specular=0.5 * torch.ones(3), shininess=30.0),
            Material("image", texture=IMAGE),
        ),
        "face_material": torch.tensor([0, 1, 1, -1]),
    }
    return Mesh(**(fields | changes))


NAMES = [field.name for field in dataclasses.fields(Mesh)]


def test_everything_shows_in_the_text() -> None:
    text = "Mesh(vertices=float32 [4, 3], faces=[4, 3], vertex_colors, uvs=[5, 2], materials=2)"
    assert repr(painted()) == text


def test_other_vertices_and_batches_keep_the_looks() -> None:
    mesh = painted()
    moved = mesh.with_vertices(mesh.vertices + 1)
    batch = mesh.with_vertices(torch.stack([mesh.vertices, 2 * mesh.vertices]))
    for other in (moved, batch, batch[1], mesh.normalize(), mesh.normalize("diagonal")):
        for name in NAMES[1:]:
            assert getattr(other, name) is getattr(mesh, name)
    textures = batch.face_textures()
    assert textures is not None
    assert textures.uvs.shape == (1, 4, 3, 2)
    assert dataclasses.replace(mesh, vertex_colors=None).vertex_colors is None


def test_to_moves_everything_and_keeps_gradients() -> None:
    colors = torch.rand(4, 3, requires_grad=True)
    mesh = painted(vertex_colors=colors).to(dtype=torch.float64)
    for value in (mesh.vertices, mesh.vertex_colors, mesh.uvs, mesh.materials[1].texture, mesh.materials[0].specular):
        assert value is not None
        assert value.dtype == torch.float64
    assert mesh.face_uvs is not None
    assert mesh.face_uvs.dtype == torch.int64
    assert mesh.vertex_colors is not None
    mesh.vertex_colors.sum().backward()
    assert colors.grad is not None
    bare = Mesh.icosphere(0).to(dtype=torch.float64)
    assert bare.vertex_colors is None


def test_corner_colours() -> None:
    mesh = painted().to(dtype=torch.float64)
    corners = mesh.face_vertex_colors()
    assert corners is not None
    assert torch.equal(corners[0], mesh.vertex_colors[mesh.faces])  # type: ignore[index]
    assert Mesh.icosphere(0).face_vertex_colors() is None
    assert Mesh.icosphere(0).face_textures() is None


def test_textures_of_the_faces() -> None:
    textures = painted().face_textures()
    assert textures is not None
    corners = textures.sample(textures.uvs, textures.map_of_face[:, None])[0]
    assert torch.allclose(corners[0], RED.expand(3, 3), atol=1e-6)
    assert torch.allclose(corners[3], torch.ones(3, 3), atol=1e-6)
    assert torch.allclose(corners[1, 0], IMAGE[1:3, 1:3].mean((0, 1)), atol=1e-6)  # uv (1/2, 1/2)
    one = painted(materials=(Material("image", texture=IMAGE),), face_material=None).face_textures()
    assert one is not None
    assert one.map_of_face.tolist() == [0, 0, 0, 1]  # the last face has a corner without coordinates


def test_texture_gradients_reach_image_colour_and_coordinates() -> None:
    uvs = (0.1 + 0.8 * torch.rand(5, 2, dtype=torch.float64)).requires_grad_()
    image = torch.rand(4, 4, 3, dtype=torch.float64, requires_grad=True)
    color = torch.rand(3, dtype=torch.float64, requires_grad=True)

    def corners(uvs: torch.Tensor, image: torch.Tensor, color: torch.Tensor) -> torch.Tensor:
        materials = (Material(base_color=color), Material(base_color=color, texture=image))
        textures = painted(uvs=uvs, materials=materials).to(dtype=torch.float64).face_textures()
        assert textures is not None
        return textures.sample(textures.uvs, textures.map_of_face[:, None])

    assert torch.autograd.gradcheck(corners, (uvs, image, color))


def test_gloss_of_the_faces() -> None:
    specular, shininess = painted().face_gloss()
    assert specular.tolist() == [[0.5, 0.5, 0.5], [0, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert shininess.tolist() == [30, 1, 1, 1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vertex_colors": torch.zeros(3, 3)}, "vertex_colors: expected float32 or float64 [4, 3], got float32 [3, 3]"),
        (
            {"vertex_colors": torch.full((4, 3), math.nan)},
            "vertex_colors[0]: expected finite numbers, got [nan, nan, nan]",
        ),
        ({"uvs": torch.zeros(5, 3)}, "uvs: expected float32 or float64 [T, 2], got float32 [5, 3]"),
        ({"uvs": torch.full((5, 2), math.inf)}, "uvs[0]: expected finite numbers, got [inf, inf]"),
        ({"uvs": None}, "uvs: expected a tensor, as face_uvs is given, got NoneType None"),
        ({"face_uvs": None}, "face_uvs: expected a tensor, as uvs is given, got NoneType None"),
        ({"face_uvs": torch.zeros(3, 3).long()}, "face_uvs: expected int64 [4, 3], got int64 [3, 3]"),
        ({"face_uvs": torch.full((4, 3), 5)}, "face_uvs[0]: expected -1 or an index into 5, got [5, 5, 5]"),
        ({"face_uvs": torch.full((4, 3), -2)}, "face_uvs[0]: expected -1 or an index into 5, got [-2, -2, -2]"),
        ({"face_material": torch.tensor([0, 0, 2, 0])}, "face_material[2]: expected -1 or an index into 2, got 2"),
        ({"face_material": torch.zeros(4)}, "face_material: expected int64 [4], got float32 [4]"),
        ({"materials": ()}, "face_material[0]: expected -1 or an index into 0, got 0"),
        ({"materials": (Material().to("meta"),) * 2}, "materials[0]: expected the device of the faces, cpu, got meta"),
        ({"uvs": torch.zeros(5, 2, device="meta")}, "uvs: expected the device of the faces, cpu, got meta"),
    ],
)
def test_bad_arguments_say_name_wanted_and_got(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 (the message is compared below)
        painted(**changes)
    assert message in str(raised.value)


@pytest.mark.parametrize("materials", [[Material()] * 2, (RED, RED), Material()])
def test_materials_are_a_tuple(materials: Any) -> None:
    with pytest.raises(TypeError, match="materials: expected a tuple of Material, got"):
        painted(materials=materials)
