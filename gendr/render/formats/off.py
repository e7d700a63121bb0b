"""Object File Format (Geomview's OFF): a header, a line for each vertex, a line for each face.

Read here and not by trimesh, which believes the header's counts and drops what it cannot place.
"""

from __future__ import annotations

import re

import numpy as np

from gendr.render.formats.error import MeshError
from gendr.render.formats.raw import Floats, Ints, RawMesh
from gendr.render.formats.text import integers, lines_without_comments, point, shorten

# COFF, NOFF and STOFF put colours, normals or texture coordinates after x y z; 4OFF and nOFF have other coordinates.
_KEYWORD = re.compile(r"^(ST)?C?N?(?P<other>4?n?)OFF", re.ASCII)


def read(data: bytes) -> RawMesh:
    """Vertices and polygons as in the file; `#` starts a comment, and what follows the numbers needed is not read."""
    rows = list(lines_without_comments(data))
    n_vertices, n_faces, rows = _header(rows)
    body = len(rows)
    if n_vertices + n_faces != body:
        raise MeshError(
            f"the header promises {n_vertices} vertices and {n_faces} faces, one a line, but {body} lines follow it"
        )
    vertices = [point(words, number, f"vertices[{k}]") for k, (number, words) in enumerate(rows[:n_vertices])]
    counts: list[int] = []
    corners: list[int] = []
    for k, (number, words) in enumerate(rows[n_vertices:]):
        (count,) = integers(words[:1], number, f"faces[{k}]")
        polygon = integers(words[1 : 1 + max(count, 0)], number, f"faces[{k}]")
        if count < 3:
            raise MeshError(f"line {number}: faces[{k}]: expected 3 or more corners, got {count}")
        if len(polygon) != count:
            raise MeshError(f"line {number}: faces[{k}]: expected {count} vertex indices, got '{shorten(words[1:])}'")
        counts.append(count)
        corners += polygon
    return RawMesh(
        np.array(vertices, dtype=np.float64).reshape(-1, 3),
        np.array(counts, dtype=np.int64),
        np.array(corners, dtype=np.int64),
        [number for number, _ in rows[:n_vertices]],
        [number for number, _ in rows[n_vertices:]],
    )


def write(vertices: Floats, faces: Ints, digits: int) -> bytes:
    """The plain form, with `digits` significant digits."""
    text = [f"OFF\n{len(vertices)} {len(faces)} 0\n"]
    text += [f"{x:.{digits}g} {y:.{digits}g} {z:.{digits}g}\n" for x, y, z in vertices.tolist()]
    text += [f"3 {a} {b} {c}\n" for a, b, c in faces.tolist()]
    return "".join(text).encode()


def _header(rows: list[tuple[int, list[str]]]) -> tuple[int, int, list[tuple[int, list[str]]]]:
    """The two counts and the lines after them. They may stand beside the keyword, or touch it: `OFF8 6 12`."""
    if not rows:
        raise MeshError("the file has no header")
    number, words = rows[0]
    keyword = _KEYWORD.match(words[0])
    if keyword is None or keyword["other"] or words[1:2] == ["BINARY"]:
        raise MeshError(f"line {number}: expected the header OFF, COFF, NOFF or STOFF, got '{shorten(words)}'")
    counts = [words[0][keyword.end() :], *words[1:]]
    counts = [word for word in counts if word]
    rest = rows[1:]
    if not counts and rest:
        (number, counts), rest = rest[0], rest[1:]
    # The third count, of edges, is part of the format, but no reader needs it and some writers leave it out.
    values = integers(counts, number, "header")
    if len(values) not in (2, 3) or min(values[:2]) < 0:
        raise MeshError(f"line {number}: header: expected counts of vertices, faces and edges, got '{shorten(counts)}'")
    return values[0], values[1], rest
