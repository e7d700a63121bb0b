"""Files that a mesh file names: none outside its folder is opened, none large is decoded, none stops the mesh."""

from __future__ import annotations

import logging
import struct
import sys
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
import torch

from gendr.render.formats.beside import Beside
from gendr.render.formats.images import MOST_PIXELS
from gendr.render.mesh import Mesh

SQUARE = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 1 1\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a red material and picture outside of it, and links that lead there."""
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.mtl").write_text("newmtl a\nKd 1 0 0\n")
    PIL.Image.new("RGB", (2, 2), (255, 0, 0)).save(tmp_path / "secret.png")
    (inside / "link.mtl").symlink_to(tmp_path / "secret.mtl")
    (inside / "link.png").symlink_to(tmp_path / "secret.png")
    (inside / "out").symlink_to(tmp_path)
    return inside


def loaded(folder: Path, text: str) -> Mesh:
    (folder / "mesh.obj").write_text(text)
    return Mesh.load(folder / "mesh.obj")


def escapes(folder: Path, suffix: str) -> list[str]:
    outside = folder.parent / f"secret{suffix}"
    return [
        f"../secret{suffix}",
        f"..\\secret{suffix}",
        f"./x/../../secret{suffix}",
        f"{outside}",
        f"C:\\secret{suffix}",
        f"file://{outside}",
        f"https://example.com/secret{suffix}",
        f"link{suffix}",
        f"out/secret{suffix}",
        "out",
        ".",
        f"secret{suffix}\0",
    ]


def test_libraries_outside_are_not_read(folder: Path) -> None:
    for name in escapes(folder, ".mtl"):
        mesh = loaded(folder, f"mtllib {name}\n{SQUARE}usemtl a\nf 1 2 3\n")
        assert mesh.n_faces == 1
        assert mesh.materials[0].base_color.tolist() == [1, 1, 1]


def test_pictures_outside_are_not_read(folder: Path) -> None:
    for name in escapes(folder, ".png"):
        (folder / "own.mtl").write_text(f"newmtl a\nKd 0 0 1\nmap_Kd {name}\n")
        mesh = loaded(folder, f"mtllib own.mtl\n{SQUARE}usemtl a\nf 1/1 2/2 3/3\n")
        assert mesh.materials[0].texture is None
        assert mesh.materials[0].base_color.tolist() == [0, 0, 1]


def test_links_within_the_folder_are_fine(folder: Path) -> None:
    PIL.Image.new("RGB", (1, 1), (0, 255, 0)).save(folder / "real.png")
    (folder / "alias.png").symlink_to("real.png")
    (folder / "own.mtl").write_text("newmtl a\nmap_Kd alias.png\n")
    (folder.parent / "elsewhere").symlink_to(folder)
    (material,) = loaded(folder.parent / "elsewhere", f"mtllib own.mtl\n{SQUARE}usemtl a\nf 1 2 3\n").materials
    assert material.color_map().tolist() == [[[0, 1, 0]]]


def test_the_reason_goes_to_the_log(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "gendr.render.formats"):
        assert Beside(folder).read("../secret.mtl") is None
        assert Beside(folder).read("nothing.mtl") is None
        assert Beside(folder).read("out/secret.mtl") is None
        assert Beside(folder).read("https://x/y") is None
    reasons = [record.message.rpartition(": ")[2] for record in caplog.records]
    assert reasons == [
        "'..' in the path",
        "no such file, or not a regular one",
        "a symbolic link leads out of the folder",
        "a URL, a drive or an absolute path",
    ]


def bomb(width: int, height: int) -> bytes:
    """A valid PNG of grey pixels, whose file is a thousand times smaller than they are."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compressobj(9)
    body = b"".join(rows.compress(bytes(1 + width)) for _ in range(height)) + rows.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def test_large_pictures_are_not_decoded(folder: Path) -> None:
    (folder / "big.png").write_bytes(bomb(10_000, 10_000))  # more than Pillow's own warning, which must not come
    (folder / "own.mtl").write_text("newmtl a\nmap_Kd big.png\n")
    import trimesh  # noqa: F401 (so that its import is not measured)

    tracemalloc.start()
    try:
        mesh = loaded(folder, f"mtllib own.mtl\n{SQUARE}usemtl a\nf 1 2 3\n")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert mesh.materials[0].texture is None
    assert peak < 30e6  # the picture has 100 MB, its texture would have 1.2 GB
    assert MOST_PIXELS < 10_000 * 10_000


@pytest.mark.parametrize(
    "data", [b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"\x89PNG\r\n\x1a\n", bomb(9, 9)[:-30]]
)
def test_strange_and_broken_pictures_are_passed_over(folder: Path, data: bytes) -> None:
    (folder / "odd.png").write_bytes(data)
    (folder / "own.mtl").write_text("newmtl a\nKd 0 1 0\nmap_Kd odd.png\n")
    (material,) = loaded(folder, f"mtllib own.mtl\n{SQUARE}usemtl a\nf 1 2 3\n").materials
    assert material.texture is None
    assert torch.equal(material.base_color, torch.tensor([0.0, 1, 0]))


def test_all_pictures_together_have_a_limit_and_each_is_decoded_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gendr.render.formats.images.MOST_IN_ALL", 100)
    for k in range(3):
        PIL.Image.new("RGB", (7, 7), (k, 0, 0)).save(folder / f"{k}.png")
    library = "".join(f"newmtl {k}\nmap_Kd {k % 3}.png\n" for k in range(6))
    (folder / "own.mtl").write_text(library)
    mesh = loaded(folder, f"mtllib own.mtl\n{SQUARE}" + "".join(f"usemtl {k}\nf 1/1 2/2 3/3\n" for k in range(6)))
    textures = [material.texture for material in mesh.materials]
    assert [texture is None for texture in textures] == [False, False, True] * 2
    assert textures[0] is textures[3]
    seen = mesh.face_textures()
    assert seen is not None
    assert seen.map_of_face.tolist()[:2] == seen.map_of_face.tolist()[3:5]
    mesh.save(folder / "saved.obj")
    assert len(list(folder.glob("saved*.png"))) == 2


def test_nothing_else_is_opened(folder: Path) -> None:
    opened: list[str] = []
    armed = [True]

    def record(event: str, arguments: tuple[Any, ...]) -> None:
        if armed and event == "open" and isinstance(arguments[0], (str, bytes)):
            opened.append(str(arguments[0]))

    sys.addaudithook(record)  # cannot be taken away again; without `armed` it does nothing
    try:
        (folder / "own.mtl").write_text(
            "".join(f"newmtl {k}\nmap_Kd {n}\n" for k, n in enumerate(escapes(folder, ".png")))
        )
        faces = "".join(f"usemtl {k}\nf 1 2 3\n" for k in range(12))
        before = len(opened)
        loaded(folder, "".join(f"mtllib {n}\n" for n in ["own.mtl", *escapes(folder, ".mtl")]) + SQUARE + faces)
    finally:
        armed.clear()
    assert any(name.endswith("own.mtl") for name in opened[before:])
    assert not [name for name in opened[before:] if "secret" in name]
