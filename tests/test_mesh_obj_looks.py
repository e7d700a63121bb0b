"""OBJ with vertex colours, texture coordinates and materials: what is read, what is passed over, what comes back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from gendr.render.formats import MeshError
from gendr.render.material import Material
from gendr.render.mesh import Mesh
from gendr.render.mesh_exchange import from_image, to_image
from mesh_files import load_bytes

IMAGE = torch.randint(0, 256, (3, 5, 3), generator=torch.Generator().manual_seed(3)) / 255
SQUARE = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n"
CORNERS = "vt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"
QUAD = "f 1/1 2/2 3/3 4/4\n"


def obj(folder: Path, text: str, mtl: str = "", image: str = "") -> Mesh:
    """Load a square with a library m.mtl and an image beside it."""
    if mtl:
        (folder / "m.mtl").write_text(mtl)
        text = "mtllib m.mtl\n" + text
    if image:
        to_image(IMAGE).save(folder / image)
    return load_bytes(folder, text, ".obj")


# --- coordinates and colours -------------------------------------------------------------------------------------


def test_coordinates_follow_their_corners_through_triangulation(tmp_path: Path) -> None:
    notched = "v 0 0 0\nv 2 0 0\nv 2 2 0\nv 1 0.5 0\nv 0 2 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0.5 0.25 9\nvt 0 1\nvt 7\n"
    mesh = load_bytes(tmp_path, notched + "f 1/1 2/2 3/3 4/4 5/5\nf 1 2//1 3\n", ".obj")
    assert mesh.uvs is not None
    assert mesh.face_uvs is not None
    assert mesh.uvs[5].tolist() == [7, 0]
    assert torch.equal(mesh.face_uvs[:3], mesh.faces[:3])
    assert torch.equal(2 * mesh.uvs[mesh.face_uvs[:3]], mesh.vertices[mesh.faces[:3], :2])
    assert mesh.face_uvs[3].tolist() == [-1, -1, -1]


def test_negative_indices_of_coordinates_and_normals(tmp_path: Path) -> None:
    text = "v 0 0 0\nv 1 0 0\nv 1 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nvn 0 0 1\nf -3/-3/-1 -2/-2/-1 -1/-1/-1\n"
    mesh = load_bytes(tmp_path, text + "vt 5 5\nf 1/-1/9 2/-4 3/3\n", ".obj")
    assert mesh.face_uvs is not None
    assert mesh.face_uvs.tolist() == [[0, 1, 2], [3, 0, 2]]


def test_coordinates_that_no_face_uses_are_none(tmp_path: Path) -> None:
    assert load_bytes(tmp_path, SQUARE + CORNERS + "f 1 2 3\nf 1//1 2//1 3//1\n", ".obj").uvs is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("vt x\n", "line 1: vt: expected 1 to 3 numbers, got 'x'"),
        ("vt\n", "line 1: vt: expected 1 to 3 numbers, got ''"),
        ("vt 0 nan\n", "line 1: vt: expected finite coordinates, got '0 nan'"),
        (SQUARE + CORNERS + "f 1/1 2/2 3/5\n", "line 9: f: vt index 5 is none of the 4 'vt'"),
        (SQUARE + CORNERS + "f 1/1 2/0 3/5\n", "line 9: f: vt index 0 is none of the 4 'vt' so far"),
        (SQUARE + CORNERS + "f 1/1 2/-5 3/1\n", "line 9: f: vt index -5 is none of the 4 'vt' so far"),
        (SQUARE + CORNERS + "f 1/a 2/1 3/1\n", "line 9: f: vt: expected integers, got 'a 1 1'"),
    ],
)
def test_wrong_coordinates_are_errors_with_their_line(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(MeshError) as raised:
        load_bytes(tmp_path, text, ".obj")
    assert reason in str(raised.value)


def test_vertex_colours(tmp_path: Path) -> None:
    mesh = load_bytes(tmp_path, "v 0 0 0 1 0 0\nv 1 0 0 0 1 0\nv 1 1 0 0 0 0.5\nf 1 2 3\n", ".obj")
    assert mesh.vertex_colors is not None
    assert mesh.vertex_colors.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0.5]]
    for third in ("v 1 1 0", "v 1 1 0 0 0 nan", "v 1 1 0 0 0 x", "v 1 1 0 1", "v 1 1 0 0 0 1 1"):
        text = f"v 0 0 0 1 0 0\nv 1 0 0 0 1 0\n{third}\nf 1 2 3\n"
        assert load_bytes(tmp_path, text, ".obj").vertex_colors is None


# --- materials ---------------------------------------------------------------------------------------------------


def test_everything_that_a_library_says(tmp_path: Path) -> None:
    mtl = (
        "# two\nKd 9 9 9\nnewmtl  red  one # not the name\n\tKd 1 0.5 0 # a comment\nKs 0.1 0.2 0.3\nNs 20\nillum 2\n"
        "d 1\nname other\nnewmtl wood\nKd 0.8 0.8 0.8\nmap_Kd -s 1 1 1 -blendu off -clamp on fuze uv.png\n"
        "newmtl unused\nmap_Kd nothing.png\n"
    )
    text = SQUARE + CORNERS + "f 1 2 3\nusemtl red one\n" + QUAD + "usemtl wood\n" + QUAD + "usemtl\nf 1 2 3\n"
    mesh = obj(tmp_path, text, mtl, "fuze uv.png")
    red, wood = mesh.materials
    assert (red.name, red.shininess, wood.name, wood.wrap) == ("red one", 20.0, "wood", "clamp")
    assert torch.allclose(red.base_color, torch.tensor([1.0, 0.5, 0]))
    assert torch.allclose(red.specular, torch.tensor([0.1, 0.2, 0.3]))
    assert wood.texture is not None
    assert torch.equal(wood.texture, IMAGE)
    assert torch.equal(wood.base_color, torch.ones(3))  # Kd beside a picture is not multiplied into it
    assert mesh.face_material is not None
    assert mesh.face_material.tolist() == [-1, 0, 0, 1, 1, -1]


@pytest.mark.parametrize(
    ("lines", "color", "specular"),
    [
        ("Kd 0.5", (0.5, 0.5, 0.5), (0, 0, 0)),
        ("Kd nan 0 0\nKs 1 1 1\nNs 10", (1, 1, 1), (1, 1, 1)),
        ("Kd spectral x.rfl\nKs 1 1 1\nNs 0", (1, 1, 1), (0, 0, 0)),  # an exponent of 0 is no highlight
        ("Kd 1 0\nKs 1 1 1\nNs 10\nillum 1", (1, 1, 1), (0, 0, 0)),  # a model without highlights
        ("kd 0 1 0\nNs many", (0, 1, 0), (0, 0, 0)),
        ("Kd 0 0 1\x0bname x\u2028diffuse x", (0, 0, 1), (0, 0, 0)),
        ("Kd 0.2 0.4 0.6\nmap_Kd missing.png", (0.2, 0.4, 0.6), (0, 0, 0)),
        ("Kd 0.2 0.4 0.6\nmap_Kd m.mtl", (0.2, 0.4, 0.6), (0, 0, 0)),  # no picture
        ("Kd 0.2 0.4 0.6\nmap_Kd", (0.2, 0.4, 0.6), (0, 0, 0)),
    ],
)
def test_odd_lines_of_a_library(
    tmp_path: Path, lines: str, color: tuple[float, ...], specular: tuple[float, ...]
) -> None:
    (material,) = obj(tmp_path, SQUARE + "usemtl a\nf 1 2 3\n", f"newmtl a\n{lines}\n").materials
    if "\x0b" not in lines:
        assert torch.allclose(material.base_color, torch.tensor(color).float())
    assert torch.allclose(material.specular, torch.tensor(specular).float())
    assert material.texture is None
    assert material.name == "a"


def test_several_libraries_and_folders_below(tmp_path: Path) -> None:
    (tmp_path / "sub" / "images").mkdir(parents=True)
    to_image(IMAGE).save(tmp_path / "sub" / "images" / "i.png")
    to_image(1 - IMAGE).save(tmp_path / "j.png")
    (tmp_path / "my lib.mtl").write_text("newmtl a\nKd 1 0 0\n")
    (tmp_path / "other.mtl").write_text("newmtl a\nKd 0 0 0\nnewmtl d\nKd 0 0 1\n")
    (tmp_path / "sub" / "b.mtl").write_text("newmtl b\nmap_Kd images\\i.png\nnewmtl c\nmap_Kd j.png\n")
    text = "mtllib my lib.mtl\nmtllib none.mtl sub/b.mtl other.mtl\n" + SQUARE
    mesh = load_bytes(tmp_path, text + "".join(f"usemtl {m}\nf 1 2 3\n" for m in "abcde"), ".obj")
    a, b, c, d, e = mesh.materials
    assert a.base_color.tolist() == [1, 0, 0]  # the first library that has it
    assert torch.equal(b.texture, IMAGE)  # type: ignore[arg-type]  # beside its library
    assert torch.allclose(c.texture, 1 - IMAGE, atol=1e-6)  # type: ignore[arg-type]  # beside the mesh
    assert d.base_color.tolist() == [0, 0, 1]
    assert (e.name, e.base_color.tolist()) == ("e", [1, 1, 1])  # nowhere


# --- saving ------------------------------------------------------------------------------------------------------


def painted() -> Mesh:
    vertices = torch.rand(6, 3, generator=torch.Generator().manual_seed(0))
    materials = (
        Material("plain  #1", torch.tensor([0.1, 0.2, 1 / 3]), specular=torch.tensor([0.3, 0.2, 0.1]), shininess=12.5),
        Material("picture", texture=IMAGE, wrap="clamp"),
        Material("picture", torch.tensor([1, 0.2, 0.6]), texture=IMAGE),
        Material(""),
    )
    return Mesh(
        vertices,
        torch.tensor([[0, 1, 2], [2, 1, 3], [3, 4, 5], [0, 4, 5], [1, 4, 5]]),
        vertex_colors=vertices.flip(0),
        uvs=vertices[:, :2] * 3,
        face_uvs=torch.tensor([[0, 1, 2], [2, 1, 3], [3, 4, 5], [0, -1, 5], [-1, -1, -1]]),
        materials=materials,
        face_material=torch.tensor([0, 1, 2, -1, 3]),
    )


def test_everything_comes_back(tmp_path: Path) -> None:
    mesh = painted()
    mesh.save(tmp_path / "a b.obj")
    assert {f.name for f in tmp_path.iterdir()} == {"a b.obj", "a_b.mtl", "a_b_1.png", "a_b_2.png"}
    back = Mesh.load(tmp_path / "a b.obj")
    for name in ("vertices", "faces", "vertex_colors", "uvs", "face_uvs"):
        assert torch.equal(getattr(back, name), getattr(mesh, name))
    assert back.face_material is not None
    order = [m.name for m in back.materials]
    assert order == ["plain _1", "picture", "picture_", "material_3"]
    assert back.face_material.tolist() == [0, 1, 2, -1, 3]
    for there, here in zip(back.materials, mesh.materials, strict=True):
        # 8 bit of a product of 8 bit values; the others exactly.
        assert torch.allclose(there.color_map(), here.color_map(), atol=0.5 / 255 + 1e-6)
        assert torch.equal(there.specular, here.specular)
        assert (there.shininess, there.wrap) == (here.shininess, here.wrap)
    assert torch.equal(back.materials[1].texture, IMAGE)  # type: ignore[arg-type]
    assert torch.equal(back.materials[0].base_color, mesh.materials[0].base_color)


def test_a_failed_save_leaves_all_files_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    painted().save(tmp_path / "a.obj")
    before = {f.name: f.read_bytes() for f in tmp_path.iterdir()}
    mesh = Mesh(painted().vertices * 2, painted().faces, materials=(Material("x", texture=1 - IMAGE),))

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, fail)
            with pytest.raises(OSError, match="No space left"):
                mesh.save(tmp_path / "a.obj")
        assert {f.name: f.read_bytes() for f in tmp_path.iterdir()} == before


def test_the_mesh_itself_is_put_in_its_place_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    placed: list[str] = []
    replace = os.replace

    def recorded(source: Path, target: Path) -> None:
        placed.append(Path(target).name)
        replace(source, target)

    monkeypatch.setattr(os, "replace", recorded)
    painted().save(tmp_path / "a.obj")
    assert len(placed) == 4
    assert placed[-1] == "a.obj"


def test_pictures_of_other_programs(tmp_path: Path) -> None:
    to_image(IMAGE).convert("RGBA").save(tmp_path / "i.tga")
    mesh = obj(tmp_path, SQUARE + CORNERS + "usemtl a\n" + QUAD, "newmtl a\nmap_Kd i.tga\n")
    assert torch.equal(mesh.materials[0].texture, IMAGE)  # type: ignore[arg-type]
    assert torch.equal(from_image(to_image(IMAGE)), IMAGE)
