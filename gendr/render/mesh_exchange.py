"""Meshes for trimesh and Open3D, and from them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gendr.render.material import Material
from gendr.render.mesh_parts import MeshParts

if TYPE_CHECKING:
    import trimesh
    from PIL.Image import Image

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def to_trimesh(parts: MeshParts) -> trimesh.Trimesh:
    """A copy as `trimesh.Trimesh`; see `Mesh.to_trimesh`.

    Texture coordinates and materials become `TextureVisuals`, several materials a `MultiMaterial` with
    `face_materials`; vertex colours become `ColorVisuals`, beside materials the visual's vertex attribute "color".

    >>> to_trimesh(MeshParts(torch.eye(3), torch.tensor([[0, 1, 2]]), vertex_colors=torch.eye(3))).visual.kind
    'vertex'
    """
    import trimesh

    split, vertex, uv = split_at_seams(parts)
    if len(vertex) > parts.vertices.shape[0] and all(material.texture is None for material in parts.materials):
        split, vertex, uv = split_at_seams(parts._replace(uvs=None))
    vertices = _array(parts.vertices)[vertex]
    mesh = trimesh.Trimesh(vertices, split, process=False)
    if parts.materials or uv is not None:
        mesh.visual = _visuals(parts, uv)
    if parts.vertex_colors is not None:
        rgba = np.full((len(vertices), 4), 255, np.uint8)
        rgba[:, :3] = to_bytes(parts.vertex_colors)[vertex]
        if parts.materials or uv is not None:
            visual: Any = mesh.visual
            visual.vertex_attributes["color"] = rgba
        else:
            mesh.visual = trimesh.visual.ColorVisuals(mesh, vertex_colors=rgba)
    return mesh


def from_trimesh(mesh: trimesh.Trimesh, dtype: torch.dtype) -> MeshParts:
    """A copy of a `trimesh.Trimesh`; see `Mesh.from_trimesh`.

    Raises:
        TypeError: `mesh` is something else.

    >>> import trimesh
    >>> from_trimesh(trimesh.creation.box(), torch.float32).faces.shape
    torch.Size([12, 3])
    """
    import trimesh

    if not isinstance(mesh, trimesh.Trimesh):
        raise TypeError(f"mesh: expected trimesh.Trimesh, got {type(mesh).__name__}")
    vertices, faces = _copied(mesh.vertices, mesh.faces, dtype)
    visual: Any = mesh.visual
    colors = None
    if visual.kind == "vertex":
        colors = visual.vertex_colors
    elif visual.kind == "texture":  # where trimesh's own reader of glTF puts them
        colors = visual.vertex_attributes.get("color")
    if colors is not None and np.shape(colors) in ((len(vertices), 3), (len(vertices), 4)):
        vertex_colors = _from_bytes(colors).to(dtype)
    else:
        vertex_colors = None
    parts = MeshParts(vertices, faces, vertex_colors)
    if visual.kind == "face":
        return _with_face_colors(parts, visual.face_colors)
    return _with_texture(parts, visual, dtype) if visual.kind == "texture" else parts


def to_open3d(parts: MeshParts) -> Any:
    """A copy of the geometry and the vertex colours as `open3d.geometry.TriangleMesh`; see `Mesh.to_open3d`.

    >>> to_open3d(MeshParts(torch.eye(3), torch.tensor([[0, 1, 2]]))).has_triangles()  # doctest: +SKIP
    True
    """
    o3d = _open3d()
    vertices = o3d.utility.Vector3dVector(_array(parts.vertices))
    mesh = o3d.geometry.TriangleMesh(vertices, o3d.utility.Vector3iVector(parts.faces.cpu().int().numpy()))
    if parts.vertex_colors is not None:
        mesh.vertex_colors = o3d.utility.Vector3dVector(_array(parts.vertex_colors))
    return mesh


def from_open3d(mesh: Any, dtype: torch.dtype) -> MeshParts:
    """A copy of the geometry and the vertex colours of an `open3d.geometry.TriangleMesh`; see `Mesh.from_open3d`.

    Raises:
        ImportError, TypeError: as there.

    >>> from_open3d(open3d.geometry.TriangleMesh.create_box(), torch.float32).faces.shape  # doctest: +SKIP
    torch.Size([12, 3])
    """
    o3d = _open3d()
    if not isinstance(mesh, o3d.geometry.TriangleMesh):
        raise TypeError(f"mesh: expected open3d.geometry.TriangleMesh, got {type(mesh).__name__}")
    vertices, faces = _copied(mesh.vertices, mesh.triangles, dtype)
    colors = torch.tensor(np.asarray(mesh.vertex_colors), dtype=dtype) if mesh.has_vertex_colors() else None
    return MeshParts(vertices, faces, colors)


def split_at_seams(parts: MeshParts) -> tuple[Ints, Ints, Floats | None]:
    """Faces over vertices with one pair of texture coordinates each, which vertices these were, and their coordinates.

    The first pair that the faces give a vertex stays with it under its number; further ones get numbers after the last
    vertex, in the order of the faces. Corners without coordinates get (0, 0).

    >>> parts = MeshParts(torch.eye(3), torch.tensor([[0, 1, 2], [2, 1, 0]]), None, torch.eye(3)[:, :2],
    ...     torch.tensor([[0, 1, 2], [0, 1, 2]]))
    >>> split, vertex, uv = split_at_seams(parts)
    >>> split.tolist(), vertex.tolist()
    ([[0, 1, 2], [3, 1, 4]], [0, 1, 2, 2, 0])
    """
    faces = parts.faces.cpu().numpy()
    n = parts.vertices.shape[-2]
    if parts.uvs is None or parts.face_uvs is None:
        return faces, np.arange(n), None
    corners, coordinates = faces.reshape(-1), parts.face_uvs.cpu().numpy().reshape(-1)
    pairs, first, group = np.unique(
        np.stack([corners, coordinates], axis=1), axis=0, return_index=True, return_inverse=True
    )
    order = np.argsort(first)  # the pairs by their first use
    owner = pairs[order, 0]
    fresh = np.ones(len(owner), dtype=bool)
    fresh[np.unique(owner, return_index=True)[1]] = False
    number = np.where(fresh, n + np.cumsum(fresh) - 1, owner)
    new = np.empty(len(pairs), np.int64)
    new[order] = number
    vertex = np.concatenate([np.arange(n), owner[fresh]])
    uv = np.zeros((len(vertex), 2))
    table = np.concatenate([_array(parts.uvs), np.zeros((1, 2))])  # row -1: none
    uv[number] = table[pairs[order, 1]]
    return new[group.reshape(-1)].reshape(faces.shape), vertex, uv


def to_bytes(values: Tensor) -> NDArray[np.uint8]:
    """Colours as 8 bit: 1 is 255, what lies outside [0, 1] is cut.

    >>> to_bytes(torch.tensor([0.0, 0.5, 1.0, 7.0])).tolist()
    [0, 128, 255, 255]
    """
    scaled: NDArray[np.uint8] = np.rint(_array(values).clip(0, 1) * 255).astype(np.uint8)
    return scaled


def to_image(texture: Tensor) -> Image:
    """A texture [H, W, 3] as a picture of 8 bit.

    >>> to_image(torch.zeros(2, 3, 3)).size
    (3, 2)
    """
    import PIL.Image

    return PIL.Image.fromarray(to_bytes(texture))


def from_image(image: Image) -> Tensor:
    """A picture as a texture, float32 [H, W, 3] in [0, 1]; alpha is dropped, grey and palettes become colours.

    >>> import PIL.Image
    >>> from_image(PIL.Image.new("L", (3, 2), 255))[0, 0].tolist()
    [1.0, 1.0, 1.0]
    """
    if image.mode.startswith(("I", "F")):  # 16 bit and more: Pillow's own conversion would cut instead of scale
        deep = np.asarray(image, dtype=np.float64)
        deep = deep / (65535 if image.mode.startswith("I") else 1)
        return torch.from_numpy(deep.clip(0, 1)).float()[..., None].repeat(1, 1, 3)
    return _from_bytes(np.asarray(image.convert("RGB")))


def _from_bytes(values: Any) -> Tensor:
    values = np.asarray(values)
    scale = 255 if values.dtype == np.uint8 else 65535 if values.dtype == np.uint16 else 1
    return torch.from_numpy(values[..., :3].astype(np.float32) / np.float32(scale))


def _visuals(parts: MeshParts, uv: Floats | None) -> Any:
    visuals = _visual_module()
    materials = [pbr_material(material) for material in parts.materials]
    if len(materials) < 2 and (parts.face_material is None or bool((parts.face_material == 0).all())):
        return visuals.TextureVisuals(uv=uv, material=materials[0] if materials else None)
    which = parts.face_material
    face_materials = np.zeros(len(parts.faces), np.int64) if which is None else which.cpu().numpy()
    multi = visuals.material.MultiMaterial(materials)
    return visuals.TextureVisuals(uv=uv, material=multi, face_materials=face_materials)


def pbr_material(material: Material) -> Any:
    """A material as glTF has it: base colour and texture; the highlight's exponent becomes a roughness.

    >>> round(pbr_material(Material("a", shininess=2.0)).roughnessFactor, 4)
    0.8409
    """
    return _visual_module().material.PBRMaterial(
        name=material.name,
        baseColorFactor=np.append(to_bytes(material.base_color), np.uint8(255)),
        baseColorTexture=None if material.texture is None else to_image(material.texture),
        metallicFactor=0.0,
        # From roughness^4 = 2 / (n + 2): B. Walter et al., "Microfacet models for refraction", EGSR 2007, alpha = r^2.
        roughnessFactor=(2 / (material.shininess + 2)) ** 0.25,
    )


def _with_face_colors(parts: MeshParts, face_colors: Any) -> MeshParts:
    colors, which = np.unique(np.asarray(face_colors)[:, :3], axis=0, return_inverse=True)
    materials = tuple(Material(f"color_{k}", color) for k, color in enumerate(_from_bytes(colors)))
    return parts._replace(materials=materials, face_material=torch.from_numpy(which.reshape(-1).astype(np.int64)))


def _with_texture(parts: MeshParts, visual: Any, dtype: torch.dtype) -> MeshParts:
    if visual.uv is not None and np.shape(visual.uv) == (len(parts.vertices), 2):
        parts = parts._replace(uvs=torch.tensor(np.asarray(visual.uv), dtype=dtype), face_uvs=parts.faces.clone())
    if isinstance(visual.material, _visual_module().material.MultiMaterial):
        which = visual.face_materials
        which = np.zeros(len(parts.faces)) if which is None else np.asarray(which)
        parts = parts._replace(face_material=torch.from_numpy(which.astype(np.int64)))
        materials = list(visual.material.materials)
    else:
        materials = [visual.material]
    return parts._replace(materials=tuple(material_of(material) for material in materials))


def material_of(material: Any) -> Material:
    """A `SimpleMaterial` or `PBRMaterial` of trimesh as a `Material`.

    The colour beside a texture counts in glTF's materials only, see `docs/meshes.md`.

    >>> import trimesh
    >>> material_of(trimesh.visual.material.PBRMaterial(name="a", baseColorFactor=[255, 0, 0, 255]))
    Material('a', base_color=(1, 0, 0))
    """
    name = str(material.name or "")
    is_pbr = isinstance(material, _visual_module().material.PBRMaterial)
    if is_pbr:
        image, factor = material.baseColorTexture, material.baseColorFactor
        color = torch.ones(3) if factor is None else _from_bytes(factor)
        roughness = material.roughnessFactor
        shininess = 1.0 if not roughness else max(0.0, min(2 / roughness**4 - 2, 1e6))
        specular = torch.zeros(3)
    else:
        image, color = material.image, _from_bytes(material.diffuse)
        specular, shininess = _from_bytes(material.specular), float(material.glossiness)
    texture = None if image is None else from_image(image)
    if texture is not None and not is_pbr:
        color = torch.ones(3)
    return Material(name, color, texture, specular, shininess)


def _visual_module() -> Any:
    """trimesh's module of materials, which has no types."""
    import trimesh

    return trimesh.visual


def _array(values: Tensor) -> Floats:
    return values.detach().cpu().double().numpy()


def _copied(vertices: Any, faces: Any, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Of copies, as the other library may change its own arrays afterwards."""
    points = np.array(vertices, dtype=np.float64).reshape(-1, 3)
    triangles = np.array(faces, dtype=np.int64).reshape(-1, 3)
    return torch.from_numpy(points).to(dtype), torch.from_numpy(triangles)


def _open3d() -> Any:
    try:
        return importlib.import_module("open3d")
    except (ImportError, OSError) as error:
        raise ImportError(
            f"open3d cannot be imported ({error}): pip install 'gendr[open3d]', and on Debian or Ubuntu also"
            " apt-get install libusb-1.0-0"
        ) from error
