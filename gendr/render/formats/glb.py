"""Binary glTF 2.0, read and written by trimesh; before that, a check of what it would take on trust.

Triangles of all nodes of the scene, with the nodes' transforms, colours and materials, in one mesh.
"""

from __future__ import annotations

import copy
import io
import json
import struct
from typing import Any

import numpy as np
import torch

from gendr.render.formats.error import MeshError
from gendr.render.formats.images import Pictures, quietly
from gendr.render.formats.raw import RawMesh
from gendr.render.formats.text import shorten
from gendr.render.material import Material
from gendr.render.mesh_exchange import material_of, to_trimesh
from gendr.render.mesh_parts import MeshParts

_JSON = b"JSON"
_WRAPS = {33071: "clamp", 33648: "mirror", 10497: "repeat"}
# Attributes with a leading underscore come out of trimesh as they went in; these it would round, flip or overflow.
_AS_THEY_ARE = ("COLOR_0", "TEXCOORD_0")

_Piece = tuple[Any, Any, Any, Any, int]  # see `_piece`


def read(data: bytes) -> RawMesh:
    """Vertices, triangles and their looks; nothing but `data` itself is opened."""
    tree, binary = _chunks(data)
    _check(tree)
    import trimesh

    names = [str(material.get("name", "")) for material in tree.get("materials", [])]
    # Bytes without a resolver: trimesh has no way to another file, whatever the GLB asks for.
    with quietly():
        scene = trimesh.load_scene(io.BytesIO(_renamed(tree, binary)), file_type="glb", process=False)
    materials: dict[int, Material] = {}
    pictures = Pictures()
    pieces: list[_Piece] = []
    order = {name: index for index, name in enumerate(scene.geometry)}
    # trimesh lists the nodes from the last to the first; meshes are in the file's order.
    nodes = list(reversed(scene.graph.nodes_geometry))
    for node in sorted(nodes, key=lambda node: order[scene.graph[node][1]]):
        matrix, name = scene.graph[node]
        mesh: Any = scene.geometry[name]
        if isinstance(mesh, trimesh.Trimesh):
            pieces.append(_piece(len(pieces), mesh, matrix))
            index = pieces[-1][4]
            if index >= 0 and index not in materials:
                materials[index] = _material(names[index], mesh.visual, tree, index, pictures)
    return _join(pieces, materials)


def write(parts: MeshParts) -> bytes:
    """A scene with a mesh for each material, numbered as they are; vertices with several coordinates are split."""
    import trimesh

    scene = trimesh.Scene()
    materials: list[Material | None] = []
    for index, piece in _by_material(parts):
        scene.add_geometry(to_trimesh(piece), geom_name=f"mesh_{index}", node_name=f"node_{index}")
        materials.append(piece.materials[0] if piece.materials else None)

    def finish(tree: dict[str, Any]) -> None:
        """Give every mesh a material of its own, with its name and wrap, which trimesh does not write."""
        given, tree["materials"] = tree.get("materials", []), []
        for mesh, material in zip(tree["meshes"], materials, strict=True):
            (primitive,) = mesh["primitives"]
            if material is None:
                primitive.pop("material", None)
                continue
            own = copy.deepcopy(given[primitive["material"]])
            own["name"] = material.name
            color = [*material.base_color.detach().double().clamp(0, 1).tolist(), 1.0]
            own.setdefault("pbrMetallicRoughness", {})["baseColorFactor"] = color
            texture = own["pbrMetallicRoughness"].get("baseColorTexture")
            if texture is not None and material.wrap != "repeat":
                code = {name: number for number, name in _WRAPS.items()}[material.wrap]
                tree.setdefault("samplers", []).append({"wrapS": code, "wrapT": code})
                entry = tree["textures"][texture["index"]] | {"sampler": len(tree["samplers"]) - 1}
                tree["textures"].append(entry)
                texture["index"] = len(tree["textures"]) - 1
            primitive["material"] = len(tree["materials"])
            tree["materials"].append(own)
        if not tree["materials"]:
            del tree["materials"]

    export: Any = trimesh.exchange.gltf.export_glb
    return bytes(export(scene, tree_postprocessor=finish))


def _by_material(parts: MeshParts) -> list[tuple[int, MeshParts]]:
    """A piece for each material in use, -1 for none; its own vertices only, unless there is but one piece."""
    if not parts.materials:
        return [(0, parts._replace(uvs=None, face_uvs=None, face_material=None))]
    which = parts.face_material
    which = torch.zeros(len(parts.faces), dtype=torch.int64) if which is None else which.cpu()
    used = which.unique().tolist()
    pieces = []
    for index in used:
        own = (which == index).to(parts.faces.device)
        faces = parts.faces[own]
        kept = torch.arange(parts.vertices.shape[0], device=faces.device) if len(used) == 1 else faces.unique()
        face_uvs = None if parts.face_uvs is None else parts.face_uvs[own]
        bare = face_uvs is None or index < 0 or parts.materials[index].texture is None
        piece = MeshParts(
            parts.vertices[kept],
            torch.searchsorted(kept, faces),
            None if parts.vertex_colors is None else parts.vertex_colors[kept],
            None if bare else parts.uvs,
            None if bare else face_uvs,
            parts.materials[index : index + 1] if index >= 0 else (),
        )
        pieces.append((index, piece))
    return pieces


def _piece(index: int, mesh: Any, matrix: Any) -> _Piece:
    """Vertices in the scene, faces, colours, coordinates, and the number of the material (-1: none)."""
    faces = np.asarray(mesh.faces, np.int64)
    # Checked before they are joined: an index beyond its own primitive would land in the next one.
    if faces.size and not 0 <= faces.min() <= faces.max() < len(mesh.vertices):
        raise MeshError(f"primitive {index}: a vertex index is out of range for {len(mesh.vertices)} vertices")
    if np.linalg.det(matrix[:3, :3]) < 0:
        faces = faces[:, ::-1]  # a mirrored triangle keeps its outside
    vertices = np.asarray(mesh.vertices, np.float64)
    if not np.array_equal(matrix, np.eye(4)):
        vertices = vertices @ matrix[:3, :3].T + matrix[:3, 3]
    colors = _attribute(mesh, "_COLOR_0", 3)
    uv = _attribute(mesh, "_TEXCOORD_0", 2)
    if uv is not None:
        uv = np.stack([uv[:, 0], 1 - uv[:, 1]], axis=1)  # glTF counts v from the top
    material = int(mesh.visual.material.name) if mesh.visual.kind == "texture" else -1
    return vertices, faces, colors, uv, material


def _attribute(mesh: Any, name: str, columns: int) -> Any:
    """The first columns of an attribute; integers as parts of their largest value. None where it does not fit."""
    values = mesh.vertex_attributes.get(name)
    if values is None or np.ndim(values) != 2 or values.shape[0] != len(mesh.vertices) or values.shape[1] < columns:
        return None
    values = np.asarray(values[:, :columns])
    scale = np.iinfo(values.dtype).max if values.dtype.kind in "iu" else 1
    values = values / np.float64(scale)
    return values if np.isfinite(values).all() else None


def _join(pieces: list[_Piece], materials: dict[int, Material]) -> RawMesh:
    first = np.cumsum([0, *(len(piece[0]) for piece in pieces)])
    faces = [np.zeros((0, 3), np.int64), *(piece[1] + start for piece, start in zip(pieces, first, strict=False))]
    corners = np.concatenate(faces).reshape(-1)
    vertices = np.concatenate([np.zeros((0, 3)), *(piece[0] for piece in pieces)])
    colors = uvs = uv_corners = polygon_material = None
    if any(piece[2] is not None for piece in pieces):
        colors = np.concatenate([np.ones_like(piece[0]) if piece[2] is None else piece[2] for piece in pieces])
    if any(piece[3] is not None for piece in pieces):
        uvs = np.concatenate([np.zeros((len(piece[0]), 2)) if piece[3] is None else piece[3] for piece in pieces])
        has = np.concatenate([np.full(piece[1].size, piece[3] is not None) for piece in pieces])
        uv_corners = np.where(has, corners, -1)
    number = {index: k for k, index in enumerate(materials)} | {-1: -1}
    if materials:
        polygon_material = np.concatenate([np.full(len(piece[1]), number[piece[4]]) for piece in pieces])
    return RawMesh(
        vertices,
        np.full(len(corners) // 3, 3),
        corners,
        vertex_colors=colors,
        uvs=uvs,
        uv_corners=uv_corners,
        materials=tuple(materials.values()),
        polygon_material=polygon_material,
    )


def _material(name: str, visual: Any, tree: dict[str, Any], index: int, pictures: Pictures) -> Material:
    """A material of trimesh with its own name, exact colour and wrap; without its texture where that is refused."""
    pbr = visual.material
    given = tree["materials"][index].get("pbrMetallicRoughness", {})
    texture = pictures.texture(id(pbr.baseColorTexture), pbr.baseColorTexture)
    pbr.baseColorTexture = None
    plain = material_of(pbr)
    color = torch.tensor((given.get("baseColorFactor") or [1.0] * 4)[:3], dtype=torch.float32)
    wrap = "repeat"
    if texture is not None:
        entry = tree["textures"][given["baseColorTexture"]["index"]]
        sampler = tree.get("samplers", [])[entry["sampler"]] if "sampler" in entry else {}
        wrap = _WRAPS.get(sampler.get("wrapS", 0), "repeat")
    return Material(name, color, texture, plain.specular, plain.shininess, wrap)


def _chunks(data: bytes) -> tuple[dict[str, Any], bytes]:
    """The GLB's JSON chunk, after its header, and all that follows it."""
    if data[:4] != b"glTF" or len(data) < 20:
        raise MeshError("expected a GLB header (glTF, version, length)")
    version, length, chunk = (int.from_bytes(data[k : k + 4], "little") for k in (4, 8, 12))
    if version != 2:
        raise MeshError(f"header: expected glTF version 2, got {version}")
    if length != len(data) or data[16:20] != _JSON or 20 + chunk > len(data):
        raise MeshError(f"header: promises {length} bytes and a JSON chunk of {chunk}, but the file has {len(data)}")
    try:
        tree = json.loads(data[20 : 20 + chunk])
    except (ValueError, RecursionError) as error:
        raise MeshError(f"JSON chunk: {error}") from None
    if not isinstance(tree, dict):
        raise MeshError(f"JSON chunk: expected an object, got {type(tree).__name__}")
    return tree, data[20 + chunk :]


def _check(tree: dict[str, Any]) -> None:
    """Refuse what trimesh would read as zeros, from elsewhere, or for ever."""
    try:
        if tree.get("extensionsRequired"):
            raise MeshError(f"extensions are not supported: {shorten(tree['extensionsRequired'])}")
        for index, buffer in enumerate(tree.get("buffers", [])):
            uri = buffer.get("uri", "data:")
            if not uri.startswith("data:"):
                raise MeshError(f"buffers[{index}]: lies in another file, '{shorten([uri])}', which is not followed")
        for index, accessor in enumerate(tree.get("accessors", [])):
            if "bufferView" not in accessor or "sparse" in accessor:
                raise MeshError(f"accessors[{index}]: sparse or without data, which is not supported")
        children = [child for node in tree.get("nodes", []) for child in node.get("children", [])]
        roots = [root for scene in tree.get("scenes", []) for root in scene.get("nodes", [])]
        if len(set(children)) != len(children) or set(children) & set(roots):
            raise MeshError("nodes: one has two parents or is its own ancestor; glTF asks for a tree")
    except (AttributeError, TypeError) as error:
        raise MeshError(f"JSON chunk: not a glTF tree ({error})") from None


def _renamed(tree: dict[str, Any], binary: bytes) -> bytes:
    """The GLB with attributes under the names of `_AS_THEY_ARE` and materials under their numbers.

    A texture that asks for a second set of coordinates is left out, as trimesh would draw it with the first.
    """
    tree = copy.deepcopy(tree)
    for mesh in tree.get("meshes", []):
        for primitive in mesh.get("primitives", []):
            attributes = primitive.get("attributes", {})
            for name in _AS_THEY_ARE:
                if name in attributes:
                    attributes["_" + name] = attributes.pop(name)
    for index, material in enumerate(tree.get("materials", [])):
        material["name"] = str(index)
        pbr = material.get("pbrMetallicRoughness", {})
        if pbr.get("baseColorTexture", {}).get("texCoord", 0) != 0:
            del pbr["baseColorTexture"]
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    return (
        struct.pack("<4sII", b"glTF", 2, 20 + len(text) + len(binary))
        + struct.pack("<I", len(text))
        + _JSON
        + text
        + binary
    )
