"""Files that trimesh's parsers read exactly: shown to be such by a strict look at every line or count, then read by it.

A front end returns None for any other file, which is then read by the strict reader of its format. Whatever trimesh
makes of a file is checked as the strict reader's work is; where the check fails, that reader reads the file again, and
its error says in which line.
"""

from __future__ import annotations

import io
import re
import struct
from typing import Any

import numpy as np

from gendr.render.formats import ply, stl
from gendr.render.formats.error import MeshError
from gendr.render.formats.raw import RawMesh

_NUMBER = rb"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,4})?"
_POINT = _NUMBER + rb"(?: +" + _NUMBER + rb"){2}"
# trimesh finds these words within comments too.
_COMMENT = rb"#(?:(?!usemtl|mtllib)[\x20-\x7e])*"
_NOT_PLAIN_OBJ = re.compile(rb"^(?!(?:v +%b|f(?: +[1-9]\d{0,17}){3}|%b)? *\r?$)" % (_POINT, _COMMENT), re.MULTILINE)
_OFF_HEADER = re.compile(rb"OFF *\r?\n(\d{1,9}) +(\d{1,9})(?: +\d{1,18})? *\r?\n")
_OFF_FACE = rb"3(?: +\d{1,18}){3} *\r?$"
_NOT_PLAIN_OFF = re.compile(rb"^(?!(?:%b *\r?|%b)$)" % (_POINT, _OFF_FACE[:-1]), re.MULTILINE)
_FACE_LINES = re.compile(rb"^" + _OFF_FACE, re.MULTILINE)
_VERTEX_AFTER_FACE = re.compile(rb"^%b\n%b *\r?$" % (_OFF_FACE[:-1], _POINT), re.MULTILINE)


def obj(data: bytes) -> RawMesh | None:
    """OBJ of comments, `v` with three numbers and `f` with three indices from 1, in any order."""
    if _NOT_PLAIN_OBJ.search(data):
        return None
    import trimesh

    found = trimesh.exchange.obj.load_obj(io.BytesIO(data), skip_materials=True, maintain_order=True)
    (geometry,) = found["geometry"].values()
    return _raw(geometry["vertices"], geometry["faces"])


def off(data: bytes) -> RawMesh | None:
    """OFF of triangles: the keyword and the counts in lines of their own, and nothing but numbers after them."""
    header = _OFF_HEADER.match(data)
    if header is None:
        return None
    n_vertices, n_faces = map(int, header.groups())
    body = data[header.end() :].rstrip()
    if body.count(b"\n") + 1 != n_vertices + n_faces or _NOT_PLAIN_OFF.search(body):
        return None
    if len(_FACE_LINES.findall(body)) != n_faces or _VERTEX_AFTER_FACE.search(body):
        return None
    import trimesh

    found = trimesh.exchange.off.load_off(io.BytesIO(data))
    return _raw(found["vertices"], found["faces"])


def ply_(data: bytes) -> RawMesh | None:
    """Binary PLY of vertices and then triangles, with one list in a face and colours, if any, of bytes."""
    order, elements, start = ply.read_header(data)
    header = data[:start].lower()
    if not order or [e.name for e in elements] != ["vertex", "face"] or header.count(b"end_header") != 1:
        return None
    vertex, face = elements
    if b"\r" in header or any(p.count_code for p in vertex.properties) or not vertex.count or not face.count:
        return None
    codes = {p.name: p.code for p in vertex.properties}
    plain = {*"xyz", "nx", "ny", "nz", "red", "green", "blue", "alpha"}
    if len(codes) != len(vertex.properties) or not {*"xyz"} <= set(codes) <= plain:
        return None
    if any(codes.get(name, "B") != "B" for name in ("red", "green", "blue", "alpha")):
        return None
    if len(face.properties) != 1 or face.properties[0].name not in ply.INDICES or not face.properties[0].count_code:
        return None
    if not _are_triangles(data, start, vertex, face, order):
        return None
    import trimesh

    found = trimesh.exchange.ply.load_ply(io.BytesIO(data), skip_materials=True)
    return _raw(found["vertices"], found["faces"], found.get("vertex_colors"))


def stl_(data: bytes) -> RawMesh | None:
    """Binary STL of as many triangles as it promises; equal vertices are joined afterwards, without a tolerance."""
    if not stl.is_binary(data):
        return None
    import trimesh

    found = trimesh.exchange.stl.load_stl_binary(io.BytesIO(data))
    return stl.weld(_mesh(found["vertices"], found["faces"]).triangles)


def _are_triangles(data: bytes, start: int, vertex: ply.Element, face: ply.Element, order: str) -> bool:
    """Whether the body is as long as for triangles, and every face says that it is one."""
    indices = face.properties[0]
    start += vertex.count * struct.calcsize(order + "".join(p.code for p in vertex.properties))
    row = np.dtype([("count", order + indices.count_code), ("corners", order + indices.code, 3)])
    if len(data) != start + face.count * row.itemsize:
        return False
    return bool((np.frombuffer(data, row, offset=start)["count"] == 3).all())


def _mesh(vertices: Any, faces: Any, colors: Any = None) -> Any:
    import trimesh

    return trimesh.Trimesh(vertices, faces, vertex_colors=colors, process=False)


def _raw(vertices: Any, faces: Any, colors: Any = None) -> RawMesh:
    mesh = _mesh(vertices, faces, colors)
    if mesh.faces.ndim != 2 or mesh.faces.shape[1] != 3:
        raise MeshError("expected triangles")
    vertex_colors = mesh.visual.vertex_colors[:, :3] / 255.0 if colors is not None else None
    corners = np.array(mesh.faces, dtype=np.int64).reshape(-1)
    points = np.array(mesh.vertices, dtype=np.float64)
    return RawMesh(points, np.full(len(corners) // 3, 3), corners, vertex_colors=vertex_colors)
