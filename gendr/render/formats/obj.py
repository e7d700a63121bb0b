"""Wavefront OBJ: the lines `v`, `vt`, `f`, `usemtl` and `mtllib`.

Read here and not by trimesh, which splits vertices where texture coordinates meet, sorts faces by material, stops at
negative indices and drops a face that has too few; what it reads exactly goes through `through_trimesh` before. Normals
and groups are not read.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

import numpy as np

from gendr.render.formats import mtl
from gendr.render.formats.beside import Beside
from gendr.render.formats.error import MeshError
from gendr.render.formats.raw import Floats, Ints, RawMesh
from gendr.render.formats.text import integers, lines_without_comments, point, shorten
from gendr.render.mesh_parts import MeshParts


@dataclass
class _Found:
    """What the lines so far have given."""

    vertices: list[tuple[float, float, float]] = field(default_factory=list)
    vertex_lines: list[int] = field(default_factory=list)
    colors: list[list[str]] = field(default_factory=list)
    uvs: list[tuple[float, float]] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    corners: list[int] = field(default_factory=list)
    uv_corners: list[int] = field(default_factory=list)
    face_lines: list[int] = field(default_factory=list)
    libraries: list[str] = field(default_factory=list)
    materials: dict[str, int] = field(default_factory=dict)
    material: int = -1
    polygon_material: list[int] = field(default_factory=list)
    uv_error: str = ""
    others: dict[str, int] = field(default_factory=dict)


def read(data: bytes, beside: Beside) -> RawMesh:
    """A vertex for each `v`, a polygon for each `f`, whose corners are `v`, `v/vt`, `v//vn` or `v/vt/vn`."""
    found = _Found()
    for number, words in lines_without_comments(data):
        match words[0]:
            case "v":
                found.vertices.append(point(words[1:], number, "v"))
                found.vertex_lines.append(number)
                found.colors.append(words[4:])
            case "vt":
                found.uvs.append(_coordinates(words[1:], number))
            case "f":
                _face(found, words[1:], number)
            case "usemtl":
                name = " ".join(words[1:])
                found.material = found.materials.setdefault(name, len(found.materials)) if name else -1
            case "mtllib":
                found.libraries.append(" ".join(words[1:]))
            case "p" | "l" | "curv" | "surf":
                found.others[words[0]] = found.others.get(words[0], 0) + 1
    if found.vertices and not found.counts and found.others:
        names = ", ".join(f"{count} '{name}'" for name, count in found.others.items())
        raise MeshError(f"the file has no faces ('f'), only other elements: {names}")
    return _raw(found, beside)


def write(parts: MeshParts, digits: int, stem: str) -> dict[str, bytes]:
    """The OBJ file itself, under the name "", and the files beside it, with `digits` significant digits."""
    vertices = parts.vertices.detach().cpu().double().numpy()
    if parts.vertex_colors is not None:
        vertices = np.concatenate([vertices, parts.vertex_colors.detach().cpu().double().numpy()], axis=1)
    files: dict[str, bytes] = {}
    text = []
    names = _material_names(parts)
    if names:
        base = re.sub(r"[^\w.-]", "_", stem).lstrip("-.") or "mesh"
        images = _image_names(parts, base)
        files |= {name: mtl.png(m) for name, m in zip(images, parts.materials, strict=True) if name}
        files[f"{base}.mtl"] = mtl.write(parts.materials, names, images)
        text.append(f"mtllib {base}.mtl\n")
    text += ["v " + " ".join(f"{x:.{digits}g}" for x in row) + "\n" for row in vertices.tolist()]
    if parts.uvs is not None:
        uvs = parts.uvs.detach().cpu().double()
        text += [f"vt {u:.{digits}g} {v:.{digits}g}\n" for u, v in uvs.tolist()]
    text += _face_text(parts, names)
    return files | {"": "".join(text).encode()}


def _face(found: _Found, words: list[str], line: int) -> None:
    pairs = [word.split("/") for word in words]
    found.corners += _vertex_indices([pair[0] for pair in pairs], len(found.vertices), line, words)
    given = [len(pair) > 1 and bool(pair[1]) for pair in pairs]
    texture = iter(integers([p[1] for p, is_given in zip(pairs, given, strict=True) if is_given], line, "f: vt"))
    found.uv_corners += [_uv_index(found, next(texture), line) if is_given else -1 for is_given in given]
    found.counts.append(len(pairs))
    found.face_lines.append(line)
    found.polygon_material.append(found.material)


def _vertex_indices(numbers: list[str], defined: int, line: int, words: list[str]) -> list[int]:
    """Vertex indices from 0. A negative one counts back from the last vertex defined so far."""
    indices = integers(numbers, line, "f")
    for index in indices:
        if index == 0:
            raise MeshError(f"line {line}: f: vertex index 0 in '{shorten(words)}' (OBJ counts from 1)")
        if index < -defined:
            raise MeshError(f"line {line}: f: vertex index {index} goes back beyond the {defined} vertices so far")
    return [index - 1 if index > 0 else defined + index for index in indices]


def _uv_index(found: _Found, index: int, line: int) -> int:
    """The same for a `vt`; a wrong one is an error only when the vertices are right."""
    defined = len(found.uvs)
    if index > 0:
        return index - 1
    if index == 0 or index < -defined:
        found.uv_error = found.uv_error or f"line {line}: f: vt index {index} is none of the {defined} 'vt' so far"
        return -1
    return defined + index


def _coordinates(words: list[str], line: int) -> tuple[float, float]:
    """u and v; v may be missing, w is not read."""
    try:
        u, v = float(words[0]), float(words[1]) if len(words) > 1 else 0.0
    except (IndexError, ValueError):
        raise MeshError(f"line {line}: vt: expected 1 to 3 numbers, got '{shorten(words)}'") from None
    if not (math.isfinite(u) and math.isfinite(v)):
        raise MeshError(f"line {line}: vt: expected finite coordinates, got '{shorten(words)}'")
    return u, v


def _raw(found: _Found, beside: Beside) -> RawMesh:
    uv_corners = np.array(found.uv_corners, dtype=np.int64)
    beyond = uv_corners >= len(found.uvs)
    if beyond.any() and not found.uv_error:
        corner = int(beyond.argmax())
        line = found.face_lines[int(np.searchsorted(np.cumsum(found.counts), corner, side="right"))]
        found.uv_error = f"line {line}: f: vt index {uv_corners[corner] + 1} is none of the {len(found.uvs)} 'vt'"
    if found.uv_error and found.vertices:
        raise MeshError(found.uv_error)
    return RawMesh(
        np.array(found.vertices, dtype=np.float64).reshape(-1, 3),
        np.array(found.counts, dtype=np.int64),
        np.array(found.corners, dtype=np.int64),
        found.vertex_lines,
        found.face_lines,
        _colors(found.colors),
        np.array(found.uvs, dtype=np.float64).reshape(-1, 2),
        uv_corners,
        mtl.read_libraries(found.libraries, list(found.materials), beside) if found.counts else (),
        np.array(found.polygon_material, dtype=np.int64),
    )


def _colors(words: list[list[str]]) -> Floats | None:
    """Red, green and blue after x, y, z: of all vertices or of none."""
    if not words or any(len(row) != 3 for row in words):
        return None
    try:
        return np.array(words, dtype=np.float64)
    except ValueError:
        return None


def _image_names(parts: MeshParts, base: str) -> list[str]:
    """File names for the materials' pictures, "" without; materials that look the same share one."""
    keys = [material.look() for material in parts.materials]
    return [
        "" if m.texture is None else f"{base}_{keys.index(k)}.png" for m, k in zip(parts.materials, keys, strict=True)
    ]


def _material_names(parts: MeshParts) -> list[str]:
    """Names for the materials: one line each, and no two the same."""
    names: list[str] = []
    for index, material in enumerate(parts.materials):
        name = " ".join(material.name.replace("#", "_").split()) or f"material_{index}"
        while name in names:
            name += "_"
        names.append(name)
    return names


def _face_text(parts: MeshParts, names: list[str]) -> list[str]:
    faces: Ints = (parts.faces.cpu().numpy() + 1).astype(np.int64)
    if parts.face_uvs is None:
        corners = [f"f {a} {b} {c}\n" for a, b, c in faces.tolist()]
    else:
        of_corner = (parts.face_uvs.cpu().numpy() + 1).reshape(-1).tolist()
        words = [f"{v}/{t}" if t else f"{v}" for v, t in zip(faces.reshape(-1).tolist(), of_corner, strict=True)]
        corners = [f"f {words[k]} {words[k + 1]} {words[k + 2]}\n" for k in range(0, len(words), 3)]
    if not names:
        return corners
    which = [0] * len(corners) if parts.face_material is None else parts.face_material.tolist()
    text, current = [], -1
    for row, index in zip(corners, which, strict=True):
        if index != current:
            text.append(f"usemtl {names[index]}\n" if index >= 0 else "usemtl\n")
            current = index
        text.append(row)
    return text
