"""A mesh before its cameras: faces on the image plane, cut at the near plane, and what is attached to their corners."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gendr.render.camera import Camera
from gendr.render.clip import Clipped, clip_near
from gendr.render.mesh import Mesh
from gendr.render.texture import FaceTextures


@dataclass(frozen=True, eq=False)
class Geometry:
    """Faces as `gendr.rasterize` takes them.

    Attributes:
        face_vertices: `[B, F, 3, 3]`, or packed `[N, 3, 3]` with `face_ranges`.
        face_ranges: int64 `[B, 2]`, or None.
        clipped: the cut, where faces were cut or dropped: faces are then packed.
    """

    face_vertices: Tensor
    face_ranges: Tensor | None = None
    clipped: Clipped | None = None

    def attributes(self, values: Tensor) -> Tensor:
        """Values at the corners, `[B or 1, F, 3, C]`, for the faces as they are now.

        >>> from gendr.render.mesh import Mesh
        >>> sphere = Mesh.icosphere(0, radius=0.5)
        >>> project(sphere, Camera.look_at(), 1.0, True).attributes(sphere.face_vertices()).shape
        torch.Size([1, 20, 3, 3])
        """
        return values if self.clipped is None else self.clipped.interpolate(values).flatten(0, 1)

    def textures(self, textures: FaceTextures | None) -> FaceTextures | None:
        """Textures of the mesh's faces for the faces as they are now.

        >>> project(Mesh.icosphere(0, radius=0.5), Camera.look_at(), 1.0, True).textures(None)
        """
        if textures is None or self.clipped is None:
            return textures
        uvs = self.clipped.interpolate(textures.uvs).flatten(0, 1)[None]
        return replace(textures, uvs=uvs, map_of_face=textures.map_of_face[self.clipped.source].flatten())

    def face_of_mesh(self, face_id: Tensor) -> Tensor:
        """From faces as they are now, `[B, H, W]`, -1 for none, to the mesh's own.

        >>> geometry = project(Mesh.icosphere(0, radius=0.5), Camera.look_at(), 1.0, True)
        >>> geometry.face_of_mesh(torch.tensor([[[-1, 7]]]))
        tensor([[[-1,  7]]])
        """
        if self.clipped is None:
            return face_id
        own = self.clipped.source.gather(1, face_id.clamp_min(0).flatten(1)).view(face_id.shape)
        return torch.where(face_id < 0, face_id, own)


def project(mesh: Mesh, camera: Camera, near: float, clip: bool) -> Geometry:
    """Every view of the camera: world to camera space, the near plane, the image.

    Args:
        mesh: one mesh, or a batch of as many as there are cameras.
        camera: `B` views.
        near: depth of the near plane.
        clip: whether faces that cross it are cut; else `gendr.rasterize` drops them.

    >>> project(Mesh.icosphere(0), Camera.look_at(distance=1.5), 1.0, True).face_vertices.shape
    torch.Size([26, 3, 3])
    """
    if not clip:
        return Geometry(_gathered(camera.project(mesh.vertices), mesh))
    local = camera.to_camera(mesh.vertices)
    if local.device.type == "cpu" and not torch.compiler.is_compiling() and bool((local[..., 2] >= near).all()):
        return Geometry(_gathered(camera.to_image(local), mesh))
    clipped = clip_near(_gathered(local, mesh), near)
    image = camera.to_image(clipped.face_vertices)
    batch, faces = image.shape[:2]
    ends = torch.arange(1, batch + 1) * faces
    return Geometry(image.flatten(0, 1), torch.stack([ends - faces, ends], 1), clipped)


def _gathered(points: Tensor, mesh: Mesh) -> Tensor:
    return mesh.with_vertices(points).face_vertices()
