"""Meshes to trimesh and back: colours, coordinates and materials, with and without seams."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest
import torch
import trimesh

from gendr.render.material import Material
from gendr.render.mesh import Mesh
from gendr.render.mesh_exchange import from_image, split_at_seams, to_bytes, to_image
from gendr.render.mesh_parts import MeshParts

IMAGE = torch.randint(0, 256, (4, 6, 3), generator=torch.Generator().manual_seed(2)) / 255
TWO = torch.tensor([[0, 1, 2], [2, 1, 3]])
SQUARE = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]])


def corner_values(mesh: Mesh) -> torch.Tensor:
    textures = mesh.face_textures()
    assert textures is not None
    return textures.sample(textures.uvs, textures.map_of_face[:, None])[0]


def test_vertex_colours_there_and_back() -> None:
    colors = torch.randint(0, 256, (4, 3)) / 255
    there = Mesh(SQUARE, TWO, vertex_colors=colors).to_trimesh()
    assert there.visual.kind == "vertex"
    back = Mesh.from_trimesh(there)
    assert back.vertex_colors is not None
    assert torch.equal(back.vertex_colors, colors)
    assert back.materials == ()


def test_face_colours_become_materials() -> None:
    box = trimesh.creation.box()
    box.visual.face_colors = np.tile([[255, 0, 0, 255], [0, 51, 0, 255]], (6, 1))
    mesh = Mesh.from_trimesh(box)
    assert len(mesh.materials) == 2
    corners = corner_values(mesh)
    assert torch.allclose(corners[0], torch.tensor([1.0, 0, 0]).expand(3, 3))
    assert torch.allclose(corners[1], torch.tensor([0, 0.2, 0]).expand(3, 3))


def test_a_texture_without_seams_keeps_the_vertices() -> None:
    material = Material("wood", torch.tensor([1.0, 0.2, 0.4]), texture=IMAGE)
    mesh = Mesh(SQUARE, TWO, torch.eye(4)[:, 1:], SQUARE[:, :2].clone(), TWO, (material,))
    there = mesh.to_trimesh()
    assert np.array_equal(there.faces, TWO.numpy())
    assert np.array_equal(there.visual.uv, SQUARE[:, :2].numpy())
    back = Mesh.from_trimesh(there)
    assert (back.n_vertices, back.materials[0].name) == (4, "wood")
    assert torch.allclose(corner_values(back), corner_values(mesh), atol=1e-6)
    assert torch.equal(back.vertex_colors, torch.eye(4)[:, 1:])  # type: ignore[arg-type]


def test_seams_split_vertices_and_several_materials_stay_apart() -> None:
    uvs = torch.tensor([[0.0, 0], [1, 0], [0, 1], [1, 1], [0.3, 0.6]])
    face_uvs = torch.tensor([[0, 1, 2], [4, 1, 3]])  # vertex 2 has two
    materials = (Material("a", texture=IMAGE), Material("b", torch.tensor([0.2, 0.4, 0.6])))
    mesh = Mesh(SQUARE, TWO, None, uvs, face_uvs, materials, torch.tensor([1, 0]))
    there = mesh.to_trimesh()
    assert there.faces.tolist() == [[0, 1, 2], [4, 1, 3]]
    assert there.vertices[4].tolist() == SQUARE[2].tolist()
    back = Mesh.from_trimesh(there)
    assert [m.name for m in back.materials] == ["a", "b"]
    assert torch.equal(back.face_vertices(), mesh.face_vertices())
    assert torch.allclose(corner_values(back), corner_values(mesh), atol=1e-6)


def test_split_at_seams_keeps_every_corner() -> None:
    faces, face_uvs = torch.randint(0, 30, (50, 3)), torch.randint(-1, 20, (50, 3))
    vertices, uvs = torch.rand(30, 3), torch.rand(20, 2).double()
    split, vertex, uv = split_at_seams(MeshParts(vertices, faces, None, uvs, face_uvs))
    assert uv is not None
    assert np.array_equal(vertex[split], faces.numpy())
    assert np.array_equal(vertex[:30], np.arange(30))
    wanted = torch.where((face_uvs < 0)[..., None], 0.0, uvs[face_uvs])
    assert np.array_equal(uv[split], wanted.numpy())
    pairs = {(v, u) for v, u in zip(faces.flatten().tolist(), face_uvs.flatten().tolist(), strict=True)}
    assert len(vertex) == len(pairs) + 30 - len(faces.unique())


def test_trimesh_simple_material() -> None:
    there = trimesh.Trimesh(SQUARE.numpy(), TWO.numpy(), process=False)
    simple = trimesh.visual.material.SimpleMaterial(
        image=to_image(IMAGE), diffuse=[204, 204, 204, 255], specular=[51, 0, 0, 255], glossiness=20.0, name="old"
    )
    there.visual = trimesh.visual.TextureVisuals(uv=SQUARE[:, :2].numpy(), material=simple)
    (material,) = Mesh.from_trimesh(there).materials
    assert (material.name, material.shininess) == ("old", 20.0)
    assert torch.equal(material.color_map(), IMAGE)  # the colour beside an image does not darken it
    assert torch.allclose(material.specular, torch.tensor([0.2, 0, 0]))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1", "LA", "CMYK", "I;16"])
def test_pictures_of_every_kind_become_colours(mode: str) -> None:
    if mode == "I;16":
        image = PIL.Image.fromarray(np.array([[0, 65535]], np.uint16))
    else:
        image = PIL.Image.new("L", (2, 1), 0)
        image.putpixel((1, 0), 255)
        image = image.convert(mode)
    texture = from_image(image)
    assert texture.dtype == torch.float32
    assert texture.tolist() == [[[0.0] * 3, [1.0] * 3]]


def test_eight_bits_come_back_exactly() -> None:
    values = torch.arange(256.0)[:, None, None].expand(256, 1, 3) / 255
    assert torch.equal(from_image(to_image(values)), values)
    assert to_bytes(torch.tensor([-1.0, 2.0])).tolist() == [0, 255]
