"""STL, binary and text: triangles without shared vertices, which are joined where their coordinates are equal.

A binary file of the length that it promises is read by trimesh. The text form is read here, because trimesh takes a
cut-off one for an empty one; and vertices are joined here, because trimesh joins what is closer than 1e-8.
"""

from __future__ import annotations

import numpy as np

from gendr.render.formats.error import MeshError
from gendr.render.formats.raw import Floats, RawMesh
from gendr.render.formats.text import lines, point, shorten

_HEADER = 80 + 4
_TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


def read(data: bytes) -> RawMesh:
    """Triangles in the file's order. Vertices are numbered by their first use; the stored normals are not read."""
    promised = int.from_bytes(data[80:_HEADER], "little") if len(data) >= _HEADER else -1
    # Many binary files begin with "solid" too: the length is the only sure sign.
    if is_binary(data):
        triangles = np.frombuffer(data, _TRIANGLE, offset=_HEADER)["corners"].astype(np.float64)
    elif data.lstrip()[:5].lower() == b"solid" and b"\0" not in data:
        triangles = _read_text(data)
    elif promised < 0:
        raise MeshError(f"{len(data)} bytes are too few for an STL header of {_HEADER}")
    else:
        wanted = _HEADER + promised * _TRIANGLE.itemsize
        raise MeshError(
            f"the header promises {promised} triangles, {wanted} bytes in all, but the file has {len(data)}"
        )
    return weld(triangles)


def is_binary(data: bytes) -> bool:
    """Whether the file is as long as the count in a binary file's header makes it."""
    if len(data) < _HEADER:
        return False
    return len(data) == _HEADER + int.from_bytes(data[80:_HEADER], "little") * _TRIANGLE.itemsize


def _read_text(data: bytes) -> Floats:
    """Triangles `[F, 3, 3]` of the text form; every loop must have three vertices and every solid its end."""
    corners: list[tuple[float, float, float]] = []
    number, words, opened, is_open = 0, [""], 0, False
    for number, words in lines(data):
        keyword = words[0].lower()
        if keyword == "solid":
            is_open = True
        elif keyword == "endsolid":
            is_open = False
        elif keyword == "vertex":
            corners.append(point(words[1:], number, "vertex"))
        elif keyword == "outer":
            opened = len(corners)
        elif keyword == "endloop" and len(corners) - opened != 3:
            raise MeshError(f"line {number}: expected 3 vertices in a loop, got {len(corners) - opened}")
    if is_open or len(corners) % 3:
        raise MeshError(f"line {number}: the file ends at '{shorten(words)}', without endsolid: it is cut off")
    return np.array(corners, dtype=np.float64).reshape(-1, 3, 3)


def weld(triangles: Floats) -> RawMesh:
    """Triangles `[F, 3, 3]` over vertices that are joined where their coordinates are equal, numbered by first use."""
    flat = triangles.reshape(-1, 3)
    broken = ~np.isfinite(flat).all(axis=1)
    if broken.any():
        row = int(broken.argmax())
        got = ", ".join(f"{x:g}" for x in flat[row])
        raise MeshError(f"triangle {row // 3}: expected finite coordinates, got ({got})")
    _, first, group = np.unique(flat, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    corners = np.argsort(order)[group.reshape(-1)]
    return RawMesh(flat[first[order]], np.full(len(triangles), 3), corners.astype(np.int64))
