"""Wavefront OBJ: the lines `v` and `f`.

Read here and not by trimesh, which splits vertices where texture coordinates meet, follows `mtllib`, stops at negative
indices and drops a face that has too few. Colours, normals, texture coordinates, groups and materials are not read.
"""

from __future__ import annotations

import numpy as np

from gendr.render.formats.error import MeshError
from gendr.render.formats.raw import Floats, Ints, RawMesh
from gendr.render.formats.text import integers, lines_without_comments, point, shorten


def read(data: bytes) -> RawMesh:
    """A vertex for each `v`, a polygon for each `f`, whose corners are `v`, `v/vt`, `v//vn` or `v/vt/vn`."""
    vertices: list[tuple[float, float, float]] = []
    counts: list[int] = []
    corners: list[int] = []
    vertex_lines: list[int] = []
    face_lines: list[int] = []
    others: dict[str, int] = {}
    for number, words in lines_without_comments(data):
        if words[0] == "v":
            vertices.append(point(words[1:], number, "v"))
            vertex_lines.append(number)
        elif words[0] == "f":
            polygon = _corners(words[1:], len(vertices), number)
            counts.append(len(polygon))
            corners += polygon
            face_lines.append(number)
        elif words[0] in ("p", "l", "curv", "surf"):
            others[words[0]] = others.get(words[0], 0) + 1
    if vertices and not counts and others:
        found = ", ".join(f"{count} '{name}'" for name, count in others.items())
        raise MeshError(f"the file has no faces ('f'), only other elements: {found}")
    return RawMesh(
        np.array(vertices, dtype=np.float64).reshape(-1, 3),
        np.array(counts, dtype=np.int64),
        np.array(corners, dtype=np.int64),
        vertex_lines,
        face_lines,
    )


def write(vertices: Floats, faces: Ints, digits: int) -> bytes:
    """`v` and `f` lines, with `digits` significant digits."""
    text = [f"v {x:.{digits}g} {y:.{digits}g} {z:.{digits}g}\n" for x, y, z in vertices.tolist()]
    text += [f"f {a} {b} {c}\n" for a, b, c in (faces + 1).tolist()]
    return "".join(text).encode()


def _corners(words: list[str], defined: int, line: int) -> list[int]:
    """Vertex indices from 0. A negative one counts back from the last vertex defined so far."""
    indices = integers([word.split("/", 1)[0] for word in words], line, "f")
    for index in indices:
        if index == 0:
            raise MeshError(f"line {line}: f: vertex index 0 in '{shorten(words)}' (OBJ counts from 1)")
        if index < -defined:
            raise MeshError(f"line {line}: f: vertex index {index} goes back beyond the {defined} vertices so far")
    return [index - 1 if index > 0 else defined + index for index in indices]
