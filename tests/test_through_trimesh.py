"""The files that go to trimesh's parsers: they come out as from the strict readers, bit for bit; the others do not go.

And why the others do not: what trimesh makes of them.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh

from gendr.render.formats import obj, off, ply, stl, through_trimesh
from gendr.render.formats.beside import Beside
from gendr.render.formats.raw import RawMesh
from gendr.render.mesh import Mesh
from mesh_files import binary_ply, load_bytes
from test_mesh_glb_looks import triangle
from test_mesh_io import awkward_mesh


def strict_obj(data: bytes) -> RawMesh:
    return obj.read(data, Beside(Path("/nowhere")))


Reader = Callable[[bytes], RawMesh]
FrontEnd = Callable[[bytes], RawMesh | None]
BOTH: dict[str, tuple[FrontEnd, Reader]] = {
    ".obj": (through_trimesh.obj, strict_obj),
    ".off": (through_trimesh.off, off.read),
    ".ply": (through_trimesh.ply_, ply.read),
    ".stl": (through_trimesh.stl_, stl.read),
}


def assert_same(one: RawMesh | None, other: RawMesh) -> None:
    assert one is not None
    for a, b in zip(one.checked(torch.float64), other.checked(torch.float64), strict=True):
        assert (a is None) == (b is None)
        assert not isinstance(a, torch.Tensor) or torch.equal(a, b)  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", BOTH)
@pytest.mark.parametrize("mesh", [awkward_mesh(), awkward_mesh(torch.float64), Mesh.icosphere(2)])
def test_saved_meshes_go_through_trimesh(tmp_path: Path, suffix: str, mesh: Mesh) -> None:
    if mesh.vertices.dtype == torch.float64:
        mesh = mesh.with_vertices(mesh.vertices.clamp(-1e30, 1e30))
    if suffix == ".ply":
        mesh = Mesh(mesh.vertices, mesh.faces, vertex_colors=torch.rand(mesh.n_vertices, 3))
    mesh.save(tmp_path / f"a{suffix}")
    front_end, strict = BOTH[suffix]
    data = (tmp_path / f"a{suffix}").read_bytes()
    assert_same(front_end(data), strict(data))


SQUARE = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n"
EXACT = {
    "comments.obj": f"# v 9 9 9\n\n#f 1 2 9\n{SQUARE}f 1 2 3 \r\nf  1 3 4\n",
    "mixed_order.obj": "f 1 2 3\nv 0 0 0\nv 1 0 0\nf 1 3 2\nv 1 1 0",
    "numbers.obj": "v -.5 +1. 1e-5\nv 1.5E+3 00.1 -0\nv 1 2 3e0\nf 1 2 3",
    "plain.off": "OFF\n3 1\n0 0 0\n1 0 0\n1 1 0\n3 0 1 2",
    "edges.off": "OFF\r\n3 1 0\r\n0 0 0\r\n3 1 0\r\n1 1 0\r\n3 0 1 2 \r\n",
    "looks_like_a_face.off": "OFF\n4 2 0\n3 0 1\n1 0 0\n1 1 0\n3 3 3\n3 0 1 2\n3 3 0 1\n",
}


@pytest.mark.parametrize("name", EXACT)
def test_plain_files_go_through_trimesh(name: str) -> None:
    front_end, strict = BOTH[Path(name).suffix]
    data = EXACT[name].encode()
    assert_same(front_end(data), strict(data))


LEFT = {
    "polygon.obj": f"{SQUARE}f 1 2 3 4\n",
    "negative.obj": f"{SQUARE}f -1 -2 -3\n",
    "zero.obj": f"{SQUARE}f 0 1 2\n",
    "texture.obj": f"{SQUARE}vt 0 0\nf 1/1 2/1 3/1\n",
    "material.obj": f"{SQUARE}usemtl a\nf 1 2 3\n",
    "comment.obj": f"{SQUARE}f 1 2 3\n# usemtl a\nf 2 3 4\n",
    "colour.obj": "v 0 0 0 1 1 1\nv 1 0 0 1 1 1\nv 1 1 0 1 1 1\nf 1 2 3\n",
    "tail.obj": f"{SQUARE}f 1 2 3 # one\n",
    "nan.obj": f"{SQUARE}v nan 0 0\nf 1 2 3\n",
    "continued.obj": f"{SQUARE}f 1 2 \\\n3\n",
    "mac.obj": f"{SQUARE}f 1 2 3\n".replace("\n", "\r"),
    "quad.off": "OFF\n4 1 0\n0 0 0\n1 0 0\n1 1 0\n0 1 0\n4 0 1 2 3\n",
    "order.off": "OFF\n3 1 0\n0 0 0\n1 0 0\n3 0 1 2\n1 1 0\n",
    "counts.off": "OFF\n4 1 0\n0 0 0\n1 0 0\n1 1 0\n3 0 1 2\n",
    "colours.off": "COFF\n3 1 0\n0 0 0 1 1 1 1\n1 0 0 1 1 1 1\n1 1 0 1 1 1 1\n3 0 1 2\n",
}


@pytest.mark.parametrize("name", LEFT)
def test_other_files_do_not(name: str) -> None:
    assert BOTH[Path(name).suffix][0](LEFT[name].encode()) is None


def test_polygons_and_lists_in_binary_ply_do_not() -> None:
    for order in "<>":
        assert through_trimesh.ply_(binary_ply(order, [[0, 1, 2], [0, 2, 3]])) is None
    header = b"ply\nformat binary_little_endian 1.0\nelement vertex 3\n"
    header += b"property float x\nproperty float y\nproperty float z\n"
    header += b"element face 2\nproperty list uchar int vertex_indices\nend_header\n"
    # Two and four corners fill as many bytes as twice three.
    body = struct.pack("<9fB2iB4i", *range(9), 2, 0, 1, 4, 0, 1, 2, 0)
    assert through_trimesh.ply_(header + body) is None
    assert through_trimesh.ply_(header + struct.pack("<9fB3iB3i", *range(9), 3, 0, 1, 2, 3, 2, 1, 0)) is not None


def test_a_file_that_trimesh_cannot_place_is_read_again_for_its_line(tmp_path: Path) -> None:
    for text, reason in [
        (f"{SQUARE}f 1 2 5\n", "line 5: faces[0]: vertex index 4 .counted from 0. is out of range"),
        (f"{SQUARE}v 1e999 0 0\nf 1 2 3\n", "line 5: v: expected finite coordinates"),
        ("v 1e39 0 0\nv 0 0 0\nf 1 2 1\n", "line 1: vertices.0.: expected finite float32 coordinates"),
    ]:
        assert through_trimesh._NOT_PLAIN_OBJ.search(text.encode()) is None
        with pytest.raises(ValueError, match=reason.replace("[", r"\[").replace("]", r"\]")):
            load_bytes(tmp_path, text, ".obj")


# --- why not all files ---------------------------------------------------------------------------------------------


def by_trimesh(text: str, suffix: str) -> trimesh.Trimesh:
    loaded = trimesh.load_mesh(io.BytesIO(text.encode()), file_type=suffix, process=False, maintain_order=True)
    assert isinstance(loaded, trimesh.Trimesh)
    return loaded


def test_trimesh_misreads_odd_indices(tmp_path: Path) -> None:
    assert by_trimesh(f"{SQUARE}f 0 2 3\n", "obj").faces.tolist() == [[0, 1, 2]]
    assert by_trimesh(f"{SQUARE}f 1 2\nf 1 2 3 4\n", "obj").faces.tolist() == [[0, 1, 2], [2, 3, 0]]
    later = "v 0 0 0\nv 1 0 0\nv 1 1 0\nf -3 -2 -1\nv 7 7 7\n"
    assert by_trimesh(later, "obj").faces.tolist() == [[1, 2, 3]]
    assert load_bytes(tmp_path, later, ".obj").faces.tolist() == [[0, 1, 2]]


def test_trimesh_makes_several_meshes_of_several_materials() -> None:
    text = f"{SQUARE}usemtl a\nf 1 2 3\nusemtl b\nf 1 3 4\nusemtl a\nf 2 3 4\n"
    scene = trimesh.load_scene(io.BytesIO(text.encode()), file_type="obj")
    assert sorted(len(geometry.faces) for geometry in scene.geometry.values()) == [1, 2]


def test_trimesh_skips_a_colour_before_a_comment() -> None:
    parse = trimesh.exchange.obj.parse_mtl
    assert parse("newmtl a\nKd 1 0 0\n")["a"]["diffuse"] == [1, 0, 0]  # type: ignore[no-untyped-call]
    assert "diffuse" not in parse("newmtl a\nKd 1 0 0 # red\n")["a"]  # type: ignore[no-untyped-call]


def test_trimesh_and_files_that_are_cut_off_or_mixed() -> None:
    solid = b"solid a\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\n"
    assert not trimesh.load_scene(io.BytesIO(solid), file_type="stl").geometry
    assert by_trimesh("OFF\n3 9 0\n0 0 0\n1 0 0\n1 1 0\n3 0 1 2\n", "off").faces.tolist() == [[0, 1, 2]]
    with pytest.raises(ValueError, match="PLY is unexpected length"):
        trimesh.load_mesh(io.BytesIO(binary_ply("<", [[0, 1, 2], [0, 1, 2, 3]])), file_type="ply")
    header = "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
    text = header + "element face 1\nproperty list uchar int vertex_indices\nend_header\n0 0 a\n1 0 0\n0 1 0\n3 0 1 2\n"
    with pytest.raises((ValueError, DeprecationWarning), match="could not be read to its end"):
        by_trimesh(text, "ply")


def test_trimesh_does_not_scale_integers_of_gltf() -> None:
    rows = np.full((3, 2), 65535, np.uint16)
    data = triangle({"TEXCOORD_0": (5123, "VEC2", rows.tobytes())})
    (geometry,) = trimesh.load_scene(io.BytesIO(data), file_type="glb").geometry.values()
    assert geometry.visual.uv.max() == 65535


def test_trimesh_gives_one_coordinate_to_a_vertex_at_a_seam() -> None:
    text = f"{SQUARE}vt 0 0\nvt 1 0\nf 1/1 2/1 3/1\nf 1/2 3/2 4/2\n"
    assert len(by_trimesh(text, "obj").visual.uv) == 4  # kept in order: seams are gone
    split = trimesh.load_mesh(io.BytesIO(text.encode()), file_type="obj", process=False)
    assert len(split.vertices) == 6  # split: the vertices are others


def test_trimesh_fills_a_notch(tmp_path: Path) -> None:
    text = "v 0 0 0\nv 2 0 0\nv 2 2 0\nv 1 0.5 0\nv 0 2 0\nf 3 4 5 1 2\n"
    exact = load_bytes(tmp_path, text, ".obj").to_trimesh()
    assert exact.area == pytest.approx(2.5)
    assert by_trimesh(text, "obj").area > 2.6


def test_trimesh_writes_fewer_digits() -> None:
    tiny = Mesh.icosphere(0).with_vertices(1e-10 * Mesh.icosphere(0).vertices).to_trimesh()
    for suffix in ("obj", "off"):
        text = str(tiny.export(file_type=suffix))
        assert np.abs(by_trimesh(text, suffix).vertices - tiny.vertices).max() > 1e-11


def test_trimesh_joins_what_is_close() -> None:
    tiny = Mesh.icosphere(0).with_vertices(1e-10 * Mesh.icosphere(0).vertices).to_trimesh()
    data = tiny.export(file_type="stl")
    assert len(trimesh.load_mesh(io.BytesIO(data), file_type="stl").vertices) < 12
    raw = through_trimesh.stl_(data)
    assert raw is not None
    assert len(raw.vertices) == 12
