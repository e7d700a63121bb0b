"""What a mesh looks like: layers of values at its faces' corners, to be blended, and the picture they make.

Blending is linear. A product of two things that vary over a face, such as a texture and the light on it, is formed
after blending, at the pixel, from their means; values at the corners are multiplied there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor

from gendr.render.camera import Camera
from gendr.render.deferred import backdrop, compose, shade_deferred
from gendr.render.mesh import Mesh
from gendr.render.mesh_batch import MeshBatch
from gendr.render.normals import corner_normals, unit
from gendr.render.shading import Lights, facing, illuminate_corners
from gendr.render.stages import ShadeStage
from gendr.render.texture import FaceTextures

FARAWAY = 1e5  # where the eye of parallel projections stands, in world units


class Look(NamedTuple):
    """The layers `[B or 1, F, 3, C]` by name, the texture, and how lights are joined with them.

    `eye` is where each image is seen from, `[B, 3]`; `corner_eye` the same for the corners of the faces.
    """

    layers: dict[str, Tensor]
    textures: FaceTextures | None
    shade: ShadeStage
    lights: Lights | None
    eye: Tensor
    corner_eye: Tensor


def look_of(
    meshes: Mesh | MeshBatch,
    camera: Camera,
    lights: Lights | None,
    shade: ShadeStage,
    wants_rgb: bool,
    wants_normal: bool,
) -> Look:
    """The layers that an image needs; of the packed faces of a `MeshBatch` `[1, N, 3, C]`.

    >>> look = look_of(Mesh.icosphere(0), Camera.look_at(), None, ShadeStage(), True, False)
    >>> {name: tuple(layer.shape) for name, layer in look.layers.items()}
    {'color': (1, 20, 3, 3)}
    """
    mesh = meshes.mesh if isinstance(meshes, MeshBatch) else meshes
    eye = corner_eye = eye_of(camera).to(mesh.vertices)
    if isinstance(meshes, MeshBatch):
        eye = eye.expand(len(meshes), 3)
        corner_eye = eye[meshes.face_mesh()][None, :, None]
    look = Look({}, None, shade, lights, eye, corner_eye)
    if wants_rgb:
        color, textures = _own_colors(mesh)
        look = look._replace(textures=textures)
        if lights is None:
            _add(look.layers, color=color)
        elif shade.method == "pixel":
            _add(look.layers, color=color, position=mesh.face_vertices(), **_gloss(mesh, shade))
        else:
            _add_lit_corners(look, mesh, color)
    if wants_normal or (wants_rgb and lights is not None and shade.method == "pixel"):
        normals = corner_normals(mesh.vertices, mesh.faces, shade.method != "flat")
        look.layers["normal"] = facing(normals, mesh.face_vertices(), corner_eye) if shade.two_sided else normals
    return look


def picture(look: Look, layers: dict[str, Tensor], foreground: Tensor, background: Any) -> Tensor:
    """`rgb` `[B, 3, H, W]` from the blended layers.

    Args:
        look: what was blended.
        layers: `[B, C, H, W]` by name, the texture's as "texture"; sums over the faces.
        foreground: the faces' share of each pixel, `[B, H, W]`.
        background: a number, or a tensor `[3]`, `[B, 3]` or `[B, 3, H, W]`.

    >>> look = Look({}, None, ShadeStage(), None, torch.zeros(1, 3), torch.zeros(1, 3))
    >>> picture(look, {"color": torch.full((1, 3, 1, 1), 0.25)}, torch.full((1, 1, 1), 0.5), 1.0).flatten()
    tensor([0.7500, 0.7500, 0.7500])
    """
    albedo = layers["texture"] if "texture" in layers else layers["color"]
    also = layers.get("color") if "texture" in layers else None  # colours at the corners, or the light on them
    if look.lights is not None and look.shade.method == "pixel":
        if also is not None:
            albedo = compose(albedo, also, None, foreground)
        return shade_deferred(
            albedo,
            layers["normal"],
            layers["position"],
            foreground,
            look.eye,
            look.lights,
            background=background,
            model=look.shade.model,
            two_sided=look.shade.two_sided,
            **_blended_gloss(look.shade, layers),
        )
    if also is not None:
        return compose(albedo, also, layers.get("highlight"), foreground, background=background)
    image = albedo if "highlight" not in layers else albedo + layers["highlight"]
    return image + (1 - foreground)[:, None] * backdrop(background, image)


def normal_image(layer: Tensor) -> Tensor:
    """Unit normals `[B, 3, H, W]` of the blended ones; 0 where nothing is seen.

    >>> normal_image(torch.tensor([0.0, 0.0, 0.5]).view(1, 3, 1, 1)).flatten()
    tensor([0., 0., 1.])
    """
    return unit(layer.movedim(1, -1)).movedim(-1, 1)


def eye_of(camera: Camera) -> Tensor:
    """Where light that is seen arrives, `[B, 3]`: for parallel projections a point far back.

    >>> eye_of(Camera.look_at(distance=2.0)).tolist()
    [[0.0, 0.0, -2.0]]
    """
    if camera.projection == "perspective":
        return camera.eye
    return camera.eye - FARAWAY * camera.rotation[:, 2]


def _own_colors(mesh: Mesh) -> tuple[Tensor | None, FaceTextures | None]:
    """Colours at the corners `[1, F, 3, 3]` and the texture, whose product the mesh shows; white without any."""
    color, textures = mesh.face_vertex_colors(), mesh.face_textures()
    if textures is None or any(material.texture is not None for material in mesh.materials):
        is_white = color is None and textures is None
        white = mesh.vertices.new_ones(()).expand(1, mesh.n_faces, 3, 3)
        return (white if is_white else color), textures
    plain = textures.texels[textures.maps[textures.map_of_face, 0]][None, :, None].expand(-1, -1, 3, -1)
    return (plain if color is None else plain * color), None


def _add_lit_corners(look: Look, mesh: Mesh, color: Tensor | None) -> None:
    shade, corners = look.shade, mesh.face_vertices()
    normals = corner_normals(mesh.vertices, mesh.faces) if shade.method == "gouraud" else None
    gloss: dict[str, Any] = {}
    if shade.model == "blinn-phong":
        specular, shininess = mesh.face_gloss()
        # With a leading dimension for the images, so that no face is taken for one.
        per_face = (specular[None], shininess[None])
        if normals is not None:
            per_face = (specular[None, :, None], shininess[None, :, None])
        gloss = {
            "specular": per_face[0] if shade.specular is None else shade.specular,
            "shininess": per_face[1] if shade.shininess is None else shade.shininess,
        }
    if normals is not None:
        normals = facing(normals, corners, look.corner_eye) if shade.two_sided else normals
        corners = corners.expand(len(normals), -1, -1, -1)
    eye = look.corner_eye if normals is not None or look.corner_eye.ndim == 2 else look.corner_eye[:, :, 0]
    options = {"model": shade.model, "two_sided": shade.two_sided, **gloss}
    lighting = illuminate_corners(corners, normals, eye, look.lights, **options)  # type: ignore[arg-type]
    diffuse = lighting.diffuse if color is None else lighting.diffuse * color
    _add(look.layers, color=diffuse, highlight=lighting.highlight)


def _gloss(mesh: Mesh, shade: ShadeStage) -> dict[str, Tensor | None]:
    """The materials' highlights as layers, where nothing takes their place."""
    if shade.model != "blinn-phong":
        return {}
    specular, shininess = mesh.face_gloss()
    layers = {
        "specular": specular[None, :, None].expand(-1, -1, 3, -1),
        "shininess": shininess[None, :, None, None].expand(-1, -1, 3, -1),
    }
    return {name: layer for name, layer in layers.items() if getattr(shade, name) is None}


def _blended_gloss(shade: ShadeStage, layers: dict[str, Tensor]) -> dict[str, Any]:
    if shade.model != "blinn-phong":
        return {}
    return {
        "specular": layers["specular"] if shade.specular is None else shade.specular,
        "shininess": layers["shininess"][:, 0] if shade.shininess is None else shade.shininess,
    }


def _add(layers: dict[str, Tensor], **found: Tensor | None) -> None:
    layers.update({name: layer for name, layer in found.items() if layer is not None})
