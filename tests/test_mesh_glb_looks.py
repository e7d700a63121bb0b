"""GLB and PLY with colours, texture coordinates and materials, against trimesh's own files and there and back."""

from __future__ import annotations

import contextlib
import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
import trimesh

from gendr.render.formats import MeshError
from gendr.render.material import Material
from gendr.render.mesh import Mesh
from gendr.render.mesh_exchange import to_image
from mesh_files import load_bytes
from test_mesh_glb import glb

IMAGE = torch.randint(0, 256, (4, 6, 3), generator=torch.Generator().manual_seed(4)) / 255
UV = [[0.25, 0.0], [1.0, 0.5], [0.0, 2.0]]


def corner_colors(mesh: Mesh) -> torch.Tensor:
    textures = mesh.face_textures()
    assert textures is not None
    return textures.sample(textures.uvs, textures.map_of_face[:, None])[0]


def png(image: torch.Tensor) -> bytes:
    stream = io.BytesIO()
    to_image(image).save(stream, format="PNG")
    return stream.getvalue()


def triangle(attributes: dict[str, tuple[int, str, bytes]], **tree: Any) -> bytes:
    """A GLB of one triangle; attributes are component type, shape and bytes of three values."""
    parts = [struct.pack("<9f", 0, 0, 0, 1, 0, 0, 0, 1, 0), *(data for _, _, data in attributes.values()), png(IMAGE)]
    padded = [part + bytes(-len(part) % 4) for part in parts]
    starts = np.cumsum([0, *map(len, padded)]).tolist()
    views = [{"buffer": 0, "byteOffset": s, "byteLength": len(p)} for s, p in zip(starts, parts, strict=False)]
    accessors = [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}]
    for k, (code, shape, _) in enumerate(attributes.values(), start=1):
        accessors.append(
            {"bufferView": k, "componentType": code, "count": 3, "type": shape, "normalized": code != 5126}
        )
    primitive = {"attributes": {"POSITION": 0} | {name: k for k, name in enumerate(attributes, start=1)}, "material": 0}
    base: dict[str, Any] = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [primitive]}],
        "buffers": [{"byteLength": starts[-1]}],
        "bufferViews": views,
        "accessors": accessors,
        "images": [{"bufferView": len(parts) - 1, "mimeType": "image/png"}],
        "textures": [{"source": 0, "sampler": 0}],
        "samplers": [{"wrapS": 33648, "wrapT": 33648}],
        "materials": [
            {
                "name": "fur",
                "pbrMetallicRoughness": {
                    "baseColorFactor": [1, 0.3, 1 / 3, 1],
                    "baseColorTexture": {"index": 0},
                    "roughnessFactor": 0.5,
                },
            }
        ],
    }
    return glb(base | tree, b"".join(padded))


FLOAT_UV = (5126, "VEC2", struct.pack("<6f", *np.array(UV).flatten()))


def test_material_texture_coordinates_and_wrap(tmp_path: Path) -> None:
    mesh = load_bytes(tmp_path, triangle({"TEXCOORD_0": FLOAT_UV}), ".glb")
    (material,) = mesh.materials
    assert (material.name, material.wrap) == ("fur", "mirror")
    assert torch.equal(material.base_color, torch.tensor([1, 0.3, 1 / 3]))
    assert torch.equal(material.texture, IMAGE)  # type: ignore[arg-type]
    assert material.shininess == pytest.approx(30.0)  # 2 / 0.5^4 - 2
    assert mesh.uvs is not None
    assert mesh.uvs.tolist() == [[0.25, 1.0], [1.0, 0.5], [0.0, -1.0]]  # v upwards


@pytest.mark.parametrize(("code", "dtype"), [(5121, np.uint8), (5123, np.uint16)])
def test_coordinates_and_colours_as_integers(tmp_path: Path, code: int, dtype: type) -> None:
    largest = np.iinfo(dtype).max
    uv = np.array([[0, largest], [largest, 0], [0, 0]], dtype)
    rgba = np.array([[largest, 0, 0, largest], [0, largest // 5, 0, 0], [0, 0, largest, 7]], dtype)
    padded = np.zeros((3, 4 // uv.itemsize), dtype)
    padded[:, :2] = uv
    data = triangle({"TEXCOORD_0": (code, "VEC2", uv.tobytes()), "COLOR_0": (code, "VEC4", rgba.tobytes())})
    mesh = load_bytes(tmp_path, data, ".glb")
    assert mesh.uvs is not None
    assert mesh.vertex_colors is not None
    assert mesh.uvs.tolist() == [[0, 0], [1, 1], [0, 1]]
    assert torch.allclose(mesh.vertex_colors, torch.tensor([[1, 0, 0], [0, 0.2, 0], [0, 0, 1]]))


def test_float_colours_without_a_material(tmp_path: Path) -> None:
    colors = torch.rand(3, 3)
    data = triangle({"COLOR_0": (5126, "VEC3", colors.numpy().tobytes())})
    tree = json.loads(data[20 : 20 + int.from_bytes(data[12:16], "little")])
    del tree["meshes"][0]["primitives"][0]["material"]
    mesh = load_bytes(tmp_path, glb(tree, data[28 + int.from_bytes(data[12:16], "little") :]), ".glb")
    assert torch.equal(mesh.vertex_colors, colors)  # type: ignore[arg-type]
    assert mesh.materials == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"images": [{"uri": "../secret.png"}]},
        {"images": [{"uri": "secret.png"}]},
        {"images": [{"uri": "data:image/png;base64,AAAA"}]},
        {"images": []},
        {"textures": []},
        {"materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0, "texCoord": 1}}}]},
    ],
)
def test_a_picture_that_cannot_be_had_is_passed_over(tmp_path: Path, changes: dict[str, Any]) -> None:
    PIL.Image.new("RGB", (1, 1)).save(tmp_path / "secret.png")
    mesh = load_bytes(tmp_path, triangle({"TEXCOORD_0": FLOAT_UV}, **changes), ".glb")
    assert mesh.n_faces == 1
    assert mesh.materials[0].texture is None


def test_trimesh_files_are_read_as_trimesh_reads_them(tmp_path: Path) -> None:
    sphere = trimesh.creation.uv_sphere(count=[8, 8])
    uv = np.random.default_rng(0).random((len(sphere.vertices), 2)).astype(np.float32)
    material = trimesh.visual.material.PBRMaterial(
        name="m", baseColorTexture=to_image(IMAGE), baseColorFactor=[255, 51, 0, 255]
    )
    sphere.visual = trimesh.visual.TextureVisuals(uv=uv, material=material)
    (tmp_path / "a.glb").write_bytes(sphere.export(file_type="glb"))
    mesh = Mesh.load(tmp_path / "a.glb")
    assert torch.allclose(mesh.vertices, torch.from_numpy(np.array(sphere.vertices)).float())
    assert np.array_equal(mesh.faces.numpy(), sphere.faces)
    assert torch.allclose(mesh.uvs, torch.from_numpy(uv), atol=1e-6)  # type: ignore[arg-type]  # 1 - (1 - v)
    assert torch.allclose(mesh.materials[0].color_map(), IMAGE * torch.tensor([1, 0.2, 0]), atol=1e-6)


# --- there and back ----------------------------------------------------------------------------------------------


def painted(**changes: Any) -> Mesh:
    fields: dict[str, Any] = {
        "vertices": torch.rand(6, 3, generator=torch.Generator().manual_seed(0)),
        "faces": torch.tensor([[0, 1, 2], [2, 1, 3], [3, 4, 5], [0, 4, 5]]),
        "vertex_colors": torch.randint(0, 256, (6, 3), generator=torch.Generator().manual_seed(1)) / 255,
        "uvs": torch.rand(7, 2, generator=torch.Generator().manual_seed(2)) * 3 - 1,
        "face_uvs": torch.tensor([[0, 1, 2], [6, 1, 3], [3, 4, 5], [0, 4, 5]]),
        "materials": (
            Material("plain", torch.tensor([0.1, 0.2, 1 / 3]), shininess=12.5),
            Material("one", texture=IMAGE, wrap="clamp"),
            Material("one", texture=IMAGE, wrap="mirror"),
        ),
        "face_material": torch.tensor([2, 1, 0, -1]),
    }
    return Mesh(**(fields | changes))


def test_several_materials_come_back(tmp_path: Path) -> None:
    mesh = painted()
    mesh.save(tmp_path / "a.glb")
    back = Mesh.load(tmp_path / "a.glb")
    assert [m.name for m in back.materials] == ["plain", "one", "one"]
    assert [m.wrap for m in back.materials] == ["repeat", "clamp", "mirror"]
    assert back.face_material is not None
    assert back.face_material.tolist() == [-1, 0, 1, 2]
    order = [3, 2, 1, 0]
    assert torch.equal(back.face_vertices()[0], mesh.face_vertices()[0, order])
    assert torch.equal(back.face_vertex_colors()[0], mesh.face_vertex_colors()[0, order])  # type: ignore[index]
    # 1 - (1 - v) has float32's rounding, times a texture of 4 rows and differences up to 1.
    assert torch.allclose(corner_colors(back), corner_colors(mesh)[order], atol=2e-5)
    assert torch.equal(back.materials[0].base_color, mesh.materials[0].base_color)
    assert torch.equal(back.materials[1].texture, IMAGE)  # type: ignore[arg-type]
    assert back.materials[0].shininess == pytest.approx(12.5)
    trimesh.load(tmp_path / "a.glb")


def test_one_material_without_seams_keeps_all_vertices(tmp_path: Path) -> None:
    mesh = painted(face_uvs=None, uvs=None, materials=(Material("m", torch.rand(3)),), face_material=None)
    mesh = Mesh(torch.cat([mesh.vertices, torch.ones(1, 3)]), mesh.faces, materials=mesh.materials)
    mesh.save(tmp_path / "a.glb")
    back = Mesh.load(tmp_path / "a.glb")
    assert torch.equal(back.vertices, mesh.vertices)
    assert torch.equal(back.faces, mesh.faces)
    assert torch.equal(back.materials[0].base_color, mesh.materials[0].base_color)


@pytest.mark.parametrize("suffix", [".ply", ".glb", ".obj"])
def test_vertex_colours_come_back(tmp_path: Path, suffix: str) -> None:
    mesh = painted(uvs=None, face_uvs=None, materials=(), face_material=None)
    mesh.save(tmp_path / f"a{suffix}")
    back = Mesh.load(tmp_path / f"a{suffix}")
    assert torch.equal(back.vertex_colors, mesh.vertex_colors)  # type: ignore[arg-type]
    assert torch.equal(back.vertices, mesh.vertices)


@pytest.mark.parametrize("suffix", [".off", ".stl", ".ply"])
def test_formats_without_materials_keep_the_geometry(tmp_path: Path, suffix: str) -> None:
    painted().save(tmp_path / f"a{suffix}")
    assert [f.name for f in tmp_path.iterdir()] == [f"a{suffix}"]
    back = Mesh.load(tmp_path / f"a{suffix}")
    assert torch.equal(back.face_vertices(), painted().face_vertices())
    assert back.materials == ()


@pytest.mark.parametrize("suffix", [".glb", ".obj"])
def test_damaged_files_load_or_raise_mesh_error(tmp_path: Path, suffix: str) -> None:
    painted().save(tmp_path / f"mesh{suffix}")
    generator = np.random.default_rng(7)
    files = {f: np.frombuffer(f.read_bytes(), np.uint8) for f in tmp_path.iterdir()}
    for _ in range(60):
        for file, data in files.items():
            damaged = data.copy()
            places = generator.integers(0, len(data), generator.integers(0, 5))
            damaged[places] = generator.integers(0, 256, len(places))
            file.write_bytes(damaged.tobytes())
        with contextlib.suppress(MeshError):  # any other error, or a warning, fails the test
            Mesh.load(tmp_path / f"mesh{suffix}")


# --- PLY ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "values", "wanted"),
    [
        ("uchar", "255 51 0", [1, 0.2, 0]),
        ("ushort", "65535 13107 0", [1, 0.2, 0]),
        ("float", "1 0.2 0", [1, 0.2, 0]),
        ("float", "1 nan 0", None),
        ("char", "1 2 3", None),
    ],
)
@pytest.mark.parametrize("names", ["red green blue", "diffuse_red diffuse_green diffuse_blue", "red green yellow"])
def test_colours_of_a_text_ply(tmp_path: Path, kind: str, values: str, wanted: list[float] | None, names: str) -> None:
    properties = "".join(f"property {kind} {name}\n" for name in names.split())
    text = (
        "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
        f"{properties}element face 1\nproperty list uchar int vertex_indices\nend_header\n"
        f"0 0 0 {values}\n1 0 0 {values}\n0 1 0 {values}\n3 0 1 2\n"
    )
    colors = load_bytes(tmp_path, text, ".ply").vertex_colors
    if wanted is None or "yellow" in names:
        assert colors is None
    else:
        assert torch.allclose(colors, torch.tensor(wanted).expand(3, 3))  # type: ignore[arg-type]
