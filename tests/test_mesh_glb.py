"""GLB: trees of nodes, what is refused; and that reading a mesh opens nothing outside its folder, whatever it asks."""

from __future__ import annotations

import json
import os
import struct
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from gendr.render.formats import MeshError
from gendr.render.mesh import Mesh


def glb(tree: dict[str, Any], binary: bytes = b"", length: int | None = None) -> bytes:
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<I4s", len(text), b"JSON") + text
    if binary:
        body += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(body) if length is None else length) + body


def glb_triangle(**changes: Any) -> bytes:
    """One triangle, (0 0 0) (1 0 0) (0 1 0); `changes` replace entries of its tree."""
    binary = struct.pack("<9f", 0, 0, 0, 1, 0, 0, 0, 1, 0) + struct.pack("<3I", 0, 1, 2)
    tree: dict[str, Any] = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "buffers": [{"byteLength": len(binary)}],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": 36},
            {"buffer": 0, "byteOffset": 36, "byteLength": 12},
        ],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"},
            {"bufferView": 1, "componentType": 5125, "count": 3, "type": "SCALAR"},
        ],
    }
    return glb(tree | changes, binary)


def load_bytes(folder: Path, data: bytes | str, suffix: str) -> Mesh:
    file = folder / f"mesh{suffix}"
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    return Mesh.load(file)


# --- GLB ---------------------------------------------------------------------------------------------------------


def test_glb_applies_the_nodes_transforms_and_joins_the_nodes(tmp_path: Path) -> None:
    nodes = [
        {"children": [1, 2], "translation": [0, 0, 5]},
        {"mesh": 0, "scale": [2, 2, 2]},
        {"mesh": 0, "scale": [-1, 1, 1]},
    ]
    mesh = load_bytes(tmp_path, glb_triangle(nodes=nodes), ".glb")
    triangles = {tuple(map(tuple, t)) for t in mesh.face_vertices()[0].tolist()}
    corners = [set(t) for t in triangles]
    assert {(0, 0, 5), (2, 0, 5), (0, 2, 5)} in corners
    assert {(0, 0, 5), (-1, 0, 5), (0, 1, 5)} in corners
    # A mirrored node turns its triangles over, so that their outside stays outside: both normals point along +z.
    a, b, c = mesh.face_vertices()[0].unbind(dim=1)
    assert (torch.linalg.cross(b - a, c - a)[:, 2] > 0).all()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (
            glb_triangle(buffers=[{"byteLength": 48, "uri": "../secret.bin"}]),
            r"buffers\[0\].*'\.\./secret\.bin'.*not foll",
        ),
        (glb_triangle(buffers=[{"byteLength": 48, "uri": "/etc/passwd"}]), r"buffers\[0\].*not followed"),
        (glb_triangle(buffers=[{"byteLength": 48, "uri": "file:///etc/passwd"}]), r"buffers\[0\].*not followed"),
        (glb_triangle(extensionsRequired=["KHR_draco_mesh_compression"]), "extensions are not supported: KHR_draco"),
        (glb_triangle(nodes=[{"mesh": 0, "children": [1]}, {"children": [0]}]), "its own ancestor"),
        (glb_triangle(accessors=[{"componentType": 5126, "count": 10**12, "type": "VEC3"}] * 2), r"accessors\[0\]"),
        (
            glb_triangle(accessors=[{"bufferView": 0, "componentType": 5126, "count": 9, "type": "VEC3"}] * 2),
            "not a valid",
        ),
        (glb_triangle(nodes=[]), "not a valid GLB file"),
        (glb_triangle(meshes=[]), "no vertices"),
        (glb_triangle(nodes=[{}]), "no vertices"),
        (glb_triangle(nodes=7), "not a glTF tree"),
        (glb({}), "no vertices"),
        (glb({}, length=99), "promises 99 bytes"),
        (b"glTF" + bytes(40), "expected glTF version 2, got 0"),
        (b"PK\x03\x04" + bytes(40), "expected a GLB header"),
        (struct.pack("<4sIII4s", b"glTF", 2, 24, 4, b"JSON") + b"[1] ", "expected an object, got list"),
        (struct.pack("<4sIII4s", b"glTF", 2, 24, 4, b"JSON") + b"{{{{", "JSON chunk"),
    ],
)
def test_broken_and_hostile_glb(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(MeshError, match=reason):
        load_bytes(tmp_path, data, ".glb")


def test_glb_index_out_of_its_own_primitive(tmp_path: Path) -> None:
    data = glb_triangle().replace(struct.pack("<3I", 0, 1, 2), struct.pack("<3I", 0, 1, 4))
    with pytest.raises(MeshError, match="primitive 0: a vertex index is out of range for 3 vertices"):
        load_bytes(tmp_path, data, ".glb")


# --- nothing outside the folder ----------------------------------------------------------------------------------

_opened: list[str] | None = None


def _record(event: str, arguments: tuple[object, ...]) -> None:
    if _opened is not None and event == "open":
        _opened.append(str(arguments[0]))


@pytest.fixture
def opened() -> Any:
    """The paths of all files that the process opens during the test, by whatever library."""
    global _opened
    if not getattr(sys, "_gendr_audit", False):
        sys.addaudithook(_record)  # cannot be taken away again; it does nothing outside this fixture
        sys._gendr_audit = True  # type: ignore[attr-defined]
    _opened = []
    yield _opened
    _opened = None


def test_nothing_outside_the_folder_is_opened(tmp_path: Path, opened: list[str]) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "planted.mtl").write_text("newmtl m\nmap_Kd ../planted.png\nmap_Kd /etc/hostname\n")
    (tmp_path / "planted.png").write_bytes(b"\x89PNG planted")
    (inside / "own.mtl").write_text("newmtl m\nmap_Kd ../planted.png\n")
    planted = str(tmp_path / "planted")
    cube = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nusemtl m\nf 1/1 2/1 3/1 4/1\n"
    for library in ("../planted.mtl", f"{planted}.mtl", "own.mtl"):
        assert load_bytes(inside, f"mtllib {library}\n{cube}", ".obj").n_faces == 2
    ply = (
        "ply\nformat ascii 1.0\ncomment TextureFile ../planted.png\nelement vertex 3\nproperty float x\n"
        "property float y\nproperty float z\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n"
        "0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n"
    )
    assert load_bytes(inside, ply, ".ply").n_faces == 1
    materials = {
        "images": [{"uri": "../planted.png"}, {"uri": f"{planted}.png"}],
        "textures": [{"source": 0}],
        "materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "material": 0}]}],
    }
    assert load_bytes(inside, glb_triangle(**materials), ".glb").n_faces == 1
    with pytest.raises(MeshError):
        load_bytes(inside, glb_triangle(buffers=[{"byteLength": 48, "uri": "../planted.png"}]), ".glb")
    assert any(name.endswith("mesh.obj") for name in opened)  # the recorder works
    touched = [name for name in opened if "planted" in name or "own.mtl" in name or "hostname" in name]
    # The test itself wrote three of them; the one in the folder was read, too.
    assert sorted(map(os.path.basename, touched)) == ["own.mtl", "own.mtl", "planted.mtl", "planted.png"]
