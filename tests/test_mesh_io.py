"""Reading and writing mesh files: exact round trips, legal but unusual files, all-or-nothing saving."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gendr.render.formats import FORMATS, MeshError, read, write
from gendr.render.mesh import Mesh
from gendr.render.mesh_parts import MeshParts
from mesh_files import binary_ply, load_bytes

EXACT = [".obj", ".off", ".ply", ".glb"]  # the formats that keep vertex numbers


def awkward_mesh(dtype: torch.dtype = torch.float32) -> Mesh:
    """Random faces over coordinates of every magnitude, with unused vertices."""
    generator = torch.Generator().manual_seed(5)
    vertices = torch.randn(50, 3, generator=generator, dtype=torch.float64)
    vertices *= 10.0 ** torch.randint(-30, 30, (50, 3), generator=generator)
    vertices[0] = torch.tensor([0.0, -0.0, 1 / 3])
    vertices[1] = torch.tensor([1.4e-45, 3.4028235e38, -1.17549435e-38])  # float32's smallest, largest and near-normal
    faces = torch.randint(0, 45, (70, 3), generator=generator)
    return Mesh(vertices.to(dtype), faces)


# --- round trips -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", EXACT)
@pytest.mark.parametrize("mesh", [awkward_mesh(), Mesh.icosphere(3, radius=0.3)], ids=["awkward", "icosphere"])
def test_every_bit_of_float32_comes_back(tmp_path: Path, mesh: Mesh, suffix: str) -> None:
    file = tmp_path / f"a{suffix}"
    mesh.save(file)
    back = Mesh.load(file)
    assert back.vertices.dtype == torch.float32
    assert torch.equal(back.vertices.view(torch.int32), mesh.vertices.view(torch.int32))
    assert torch.equal(back.faces, mesh.faces)


@pytest.mark.parametrize("suffix", [".obj", ".off"])
def test_text_keeps_every_bit_of_float64(tmp_path: Path, suffix: str) -> None:
    mesh = awkward_mesh(torch.float64)
    mesh.save(tmp_path / f"a{suffix}")
    assert torch.equal(Mesh.load(tmp_path / f"a{suffix}", dtype=torch.float64).vertices, mesh.vertices)


def test_stl_comes_back_welded_with_the_same_triangles(tmp_path: Path) -> None:
    mesh = Mesh.icosphere(3)
    mesh.save(tmp_path / "a.stl")
    back = Mesh.load(tmp_path / "a.stl")
    assert back.n_vertices == 642
    assert torch.equal(back.face_vertices(), mesh.face_vertices())
    assert back.faces[0].tolist() == [0, 1, 2]  # numbered by first use
    assert back.to_trimesh().is_watertight


def test_stl_joins_minus_zero_with_zero(tmp_path: Path) -> None:
    solid = "solid a\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\nendloop\nendfacet\n"
    solid += (
        "facet normal 0 0 1\nouter loop\nvertex -0 -0 -0\nvertex 0 1 0\nvertex -1 0 0\nendloop\nendfacet\nendsolid\n"
    )
    mesh = load_bytes(tmp_path, solid, ".stl")
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 3]]


@pytest.mark.parametrize("suffix", FORMATS)
def test_gradients_and_upper_case_suffixes_do_not_matter(tmp_path: Path, suffix: str) -> None:
    sphere = Mesh.icosphere(1)
    file = tmp_path / f"A{suffix.upper()}"
    sphere.with_vertices(sphere.vertices.clone().requires_grad_()).save(file)
    back = Mesh.load(str(file))
    assert not back.vertices.requires_grad
    assert back.n_faces == 80


# --- legal, if unusual -------------------------------------------------------------------------------------------

SQUARE = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]]
PLY_VERTEX = "property float x\nproperty float y\nproperty float z\n"
LEGAL = {
    "crlf.obj": "v 0 0 0\r\nv 1 0 0\r\nv 1 1 0\r\nv 0 1 0\r\nf 1 2 3 4\r\n",
    "mac.obj": "v 0 0 0\rv 1 0 0\rv 1 1 0\rv 0 1 0\rf 1 2 3 4\r",
    "bom.obj": "\ufeffv 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf 1 2 3 4",
    "faces_first.obj": "f 1 2 3 4\nv 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n",
    "negative.obj": "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf -4 -3 -2 -1\nv 7 7 7\n",
    "slashes.obj": "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvn 0 0 1\nf 1/1 2//1 3/1/1 4/\n",
    "seams.obj": "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1 0\nf 1/1 2/1 3/2\nf 1/2 3/1 4/1\n",
    "continued.obj": "v 0 0 \\\n 0\nv 1 0 0 # one \\\nv 1 1 0\nv 0 1 0\nf 1 2 \\\n\\\n3 4\n",
    "comments.obj": "# v 9 9 9\n  v 0 0 0#here\nv 1 0 0 # there\nv 1 1 0 1.0\nv 0 1 0 0.5 nan 0.5\n\tf\t1 2  3 4 #x\n",
    "other_elements.obj": "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\np 1\nl 1 2\nf 1 2 3 4\no \xe4\ng\nusemtl\ns off\nxyz\n",
    "plain.off": "OFF\n4 1 4\n0 0 0\n1 0 0\n1 1 0\n0 1 0\n4 0 1 2 3\n",
    "touching.off": "OFF4 1 4\n0 0 0\n1 0 0\n1 1 0\n0 1 0\n4 0 1 2 3\n",
    "one_line.off": "OFF 4 1 4\n0 0 0\n1 0 0\n1 1 0\n0 1 0\n4 0 1 2 3\n",
    "no_edges.off": "# first\nOFF # then\n\n4 1\n0 0 0\n1 0 0\n\n1 1 0\n0 1 0\n4 0 1 2 3 # last",
    "coff.off": "COFF\n4 1 4\n0 0 0 1 0 0 1\n1 0 0 1 0 0 1\n1 1 0 1 0 0 1\n0 1 0 1 0 0 1\n4 0 1 2 3 255 0 0\n",
    "text.ply": f"ply\nformat ascii 1.0\ncomment TextureFile no.png\nelement vertex 4\n{PLY_VERTEX}property uchar red\n"
    "element face 1\nproperty list uchar int vertex_index\nelement edge 1\nproperty int vertex1\nproperty int vertex2\n"
    "end_header\n0 0 0 255\n1 0 0 255\n1 1 0 255\n0 1 0 255\n4 0 1 2 3\n0 1\n",
    "crlf.ply": f"ply\nformat ascii 1.0\nobj_info x\nelement face 1\nproperty list int uint vertex_indices\n"
    f"element vertex 4\n{PLY_VERTEX}end_header\n4 0 1 2 3\n0 0 0\n1 0 0\n1 1 0\n0 1 0\n".replace("\n", "\r\n"),
}


@pytest.mark.parametrize("name", LEGAL)
def test_legal_but_unusual_files_load(tmp_path: Path, name: str) -> None:
    data = LEGAL[name].encode("latin-1" if "other" in name else "utf-8")
    mesh = load_bytes(tmp_path, data, Path(name).suffix)
    assert mesh.vertices[:4].tolist() == SQUARE
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 3]]


@pytest.mark.parametrize("order", ["<", ">"])
def test_binary_ply_of_either_byte_order(tmp_path: Path, order: str) -> None:
    same = load_bytes(tmp_path, binary_ply(order, [[0, 1, 2], [0, 2, 3]]), ".ply")
    mixed = load_bytes(tmp_path, binary_ply(order, [[0, 1, 2], [0, 2, 3], [0, 1, 2, 3]]), ".ply")
    assert same.vertices.tolist() == SQUARE
    assert mixed.vertices.tolist() == SQUARE
    assert same.faces.tolist() == [[0, 1, 2], [0, 2, 3]]
    assert mixed.faces.tolist() == [[0, 1, 2], [0, 2, 3], [0, 1, 2], [0, 2, 3]]


def test_binary_stl_may_begin_with_solid(tmp_path: Path) -> None:
    Mesh.icosphere(0).save(tmp_path / "a.stl")
    data = bytearray((tmp_path / "a.stl").read_bytes())
    data[:6] = b"solid "
    assert load_bytes(tmp_path, bytes(data), ".stl").n_faces == 20


# --- errors before and around parsing ----------------------------------------------------------------------------


def test_the_file_itself(tmp_path: Path) -> None:
    (tmp_path / "empty.obj").touch()
    (tmp_path / "folder.obj").mkdir()
    (tmp_path / "mesh.xyz").write_text("0 0 0")
    (tmp_path / "mesh").write_text("0 0 0")
    os.mkfifo(tmp_path / "pipe.obj")
    for name, reason in {
        "missing.obj": "no such file",
        "empty.obj": "the file is empty",
        "folder.obj": "is a folder, not a mesh file",
        "pipe.obj": "is not a regular file",
        "mesh.xyz": "unknown mesh format '.xyz', expected one of .obj, .off, .ply, .stl, .glb",
        "mesh": "unknown mesh format ''",
    }.items():
        with pytest.raises(MeshError) as raised:
            Mesh.load(tmp_path / name)
        assert str(raised.value).startswith(f"{tmp_path / name}: {reason}")
        assert isinstance(raised.value, ValueError)


# --- writing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_failed_save_leaves_the_old_file_and_no_other(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / f"a{suffix}"
    Mesh.icosphere(0).save(file)
    before = file.read_bytes()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, fail)
            with pytest.raises(OSError, match="No space left"):
                Mesh.icosphere(1).save(file)
        assert file.read_bytes() == before
        assert [f.name for f in tmp_path.iterdir()] == [file.name]
    Mesh.icosphere(1).save(file)
    assert Mesh.load(file).n_faces == 80
    assert file.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_saving_writes_through_a_symbolic_link(tmp_path: Path) -> None:
    (tmp_path / "link.obj").symlink_to(tmp_path / "real.obj")
    Mesh.icosphere(0).save(tmp_path / "link.obj")
    assert (tmp_path / "link.obj").is_symlink()
    assert Mesh.load(tmp_path / "real.obj").n_faces == 20


def test_what_cannot_be_saved(tmp_path: Path) -> None:
    mesh = Mesh.icosphere(0)
    (tmp_path / "folder.obj").mkdir()
    large = mesh.with_vertices(mesh.vertices.double() * 1e39)
    cases: list[tuple[Callable[[], None], str]] = [
        (lambda: mesh.save(tmp_path / "a.xyz"), "unknown mesh format '.xyz'"),
        (lambda: mesh.save(tmp_path / "none" / "a.obj"), "none does not exist"),
        (lambda: mesh.save(tmp_path / "folder.obj"), "is a folder"),
        (lambda: large.save(tmp_path / "a.ply"), "PLY holds float32, and a coordinate is as large as"),
        (lambda: Mesh(mesh.vertices, mesh.faces[:0]).save(tmp_path / "a.obj"), "expected a mesh with faces"),
    ]
    for call, reason in cases:
        with pytest.raises(ValueError, match=reason):
            call()
    large.save(tmp_path / "a.off")
    assert torch.equal(read(tmp_path / "a.off", torch.float64)[0], large.vertices)
    write(tmp_path / "b.ply", MeshParts(mesh.vertices, mesh.faces))
    assert {f.name for f in tmp_path.iterdir()} == {"folder.obj", "a.off", "b.ply"}
