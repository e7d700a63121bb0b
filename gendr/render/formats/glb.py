"""Binary glTF 2.0, read by trimesh after a check of what it would take on trust.

Triangles of all nodes of the scene, with the nodes' transforms, in one mesh. Materials and images are not opened.
"""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np

from gendr.render.formats.error import MeshError
from gendr.render.formats.raw import RawMesh
from gendr.render.formats.text import shorten

_JSON = b"JSON"


def read(data: bytes) -> RawMesh:
    """Vertices and triangles; nothing but `data` itself is opened."""
    _check(_json(data))
    import trimesh

    # Bytes without a resolver: trimesh has no way to another file, whatever the GLB asks for.
    scene = trimesh.load_scene(io.BytesIO(data), file_type="glb", skip_materials=True, process=False)
    meshes = [mesh for mesh in scene.dump() if isinstance(mesh, trimesh.Trimesh)]
    offsets = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    vertices = [np.asarray(mesh.vertices, np.float64) for mesh in meshes]
    faces = [np.asarray(mesh.faces, np.int64) for mesh in meshes]
    for index, (own, mesh) in enumerate(zip(faces, meshes, strict=True)):
        # Checked before they are joined: an index beyond its own primitive would land in the next one.
        if own.size and not 0 <= own.min() <= own.max() < len(mesh.vertices):
            raise MeshError(f"primitive {index}: a vertex index is out of range for {len(mesh.vertices)} vertices")
    joined = [own.reshape(-1) + offset for own, offset in zip(faces, offsets[:-1], strict=True)]
    corners = np.concatenate([np.zeros(0, np.int64), *joined])
    return RawMesh(np.concatenate([np.zeros((0, 3)), *vertices]), np.full(len(corners) // 3, 3), corners)


def _json(data: bytes) -> dict[str, Any]:
    """The GLB's JSON chunk, after its header."""
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
    return tree


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
