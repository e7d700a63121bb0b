"""Meshes before their cameras: faces on the image plane, cut at the near and far planes, and what corners hold."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gendr import _cuda
from gendr.distributions._values import at_hand, concrete
from gendr.render.camera import Camera
from gendr.render.clip import clip_depth
from gendr.render.clipped import Clipped
from gendr.render.culling import culled, without
from gendr.render.mesh import Mesh
from gendr.render.mesh_batch import MeshBatch
from gendr.render.texture import FaceTextures


@dataclass(frozen=True, eq=False)
class Geometry:
    """Faces as `gendr.rasterize` takes them.

    Attributes:
        face_vertices: `[B, F, 3, 3]`, or packed `[N, 3, 3]` with `face_ranges`.
        face_ranges: int64 `[B, 2]` on the CPU, or None.
        clipped: the cut, where faces were cut or dropped: faces are then packed.
    """

    face_vertices: Tensor
    face_ranges: Tensor | None = None
    clipped: Clipped | None = None

    def attributes(self, values: Tensor) -> Tensor:
        """Values at the corners, `[B or 1, F, 3, C]`, for the faces as they are now.

        >>> sphere = Mesh.icosphere(0, radius=0.5)
        >>> project(sphere, Camera.look_at(), 1.0, 100.0, True).attributes(sphere.face_vertices()).shape
        torch.Size([1, 20, 3, 3])
        """
        if self.clipped is None:
            return values if self.face_ranges is None else values[0]
        return self._in_every_view(self.clipped, values)

    def textures(self, textures: FaceTextures | None) -> FaceTextures | None:
        """Textures of the meshes' faces for the faces as they are now.

        >>> project(Mesh.icosphere(0, radius=0.5), Camera.look_at(), 1.0, 100.0, True).textures(None)
        """
        if textures is None or self.clipped is None:
            return textures
        return textures.for_faces(self.clipped.source.flatten(), self._in_every_view(self.clipped, textures.uvs)[None])

    @staticmethod
    def _in_every_view(clipped: Clipped, values: Tensor) -> Tensor:
        """Packed as the faces are; where nothing was cut, `interpolate` leaves shared values as they are."""
        return clipped.interpolate(values).expand(len(clipped.source), -1, -1, -1).flatten(0, 1)

    def face_of_mesh(self, face_id: Tensor, first_faces: Tensor | None = None) -> Tensor:
        """From faces as they are now, `[B, H, W]`, -1 for none, to the meshes' own.

        Args:
            face_id: as `gendr.rasterize` numbers them: within each image.
            first_faces: `[B]`, of the meshes of a `MeshBatch`.

        >>> geometry = project(Mesh.icosphere(0, radius=0.5), Camera.look_at(), 1.0, 100.0, True)
        >>> geometry.face_of_mesh(torch.tensor([[[-1, 7]]]))
        tensor([[[-1,  7]]])
        """
        if self.clipped is None or self.face_ranges is None:
            return face_id
        begin = _cuda.to_device(self.face_ranges[:, 0], face_id.device)[:, None, None]
        source = self.clipped.source.flatten()
        if not len(source):
            return face_id
        own = source[(face_id.clamp_min(0) + begin).clamp_max(len(source) - 1)]
        if first_faces is not None:
            own = own - first_faces.to(own.device)[:, None, None]
        return torch.where(face_id < 0, face_id, own)


def project(
    mesh: Mesh | MeshBatch, camera: Camera, near: float, far: float, clip: bool, cull: str = "none"
) -> Geometry:
    """Every view of the camera: world to camera space, culling, the near and the far plane, the image.

    Args:
        mesh: one mesh, a batch of as many as there are cameras, or a `MeshBatch` under one camera or as many.
        camera: `B` views.
        near: depth of the near plane.
        far: depth of the far plane.
        clip: whether faces that cross a plane are cut; else `gendr.rasterize` drops them.
        cull: which faces go: "none", "back" or "front", as in `RasterStage`.

    >>> project(Mesh.icosphere(0), Camera.look_at(distance=1.5), 1.0, 100.0, True).face_vertices.shape
    torch.Size([26, 3, 3])
    """
    if isinstance(mesh, MeshBatch):
        return _project_batch(mesh, camera, near, far, clip, cull)
    dropped = None if cull == "none" else culled(mesh.face_vertices(), camera, cull)
    if not clip:
        return Geometry(without(_gathered(camera.project(mesh.vertices), mesh), dropped, near))
    local = camera.to_camera(mesh.vertices)
    if _is_between(local, near, far):
        return Geometry(without(_gathered(camera.to_image(local), mesh), dropped, near))
    clipped = clip_depth(without(_gathered(local, mesh), dropped, near), near, far)
    image = camera.to_image(clipped.face_vertices)
    batch, faces = image.shape[:2]
    ends = torch.arange(1, batch + 1) * faces
    return Geometry(image.flatten(0, 1), torch.stack([ends - faces, ends], 1), clipped)


def _project_batch(batch: MeshBatch, camera: Camera, near: float, far: float, clip: bool, cull: str) -> Geometry:
    dropped = _culled_of_batch(batch, camera, cull)
    local = batch.to_camera(camera) if clip else None
    if local is None or _is_between(local, near, far):
        image = batch.face_vertices(batch.project(camera))
        return Geometry(without(image, dropped, near), batch.face_ranges_on_cpu())
    faces = without(batch.face_vertices(local), dropped, near)[None]
    clipped, ranges = clip_depth(faces, near, far).packed(batch.face_ranges_on_cpu())
    corners = clipped.face_vertices
    if len(camera) == 1:
        return Geometry(camera.to_image(corners)[0], ranges, clipped)
    counts = ranges[:, 1] - ranges[:, 0]
    owner = torch.arange(len(batch)).repeat_interleave(counts, output_size=corners.shape[1])
    image = camera[_cuda.to_device(owner, corners.device)].to_image(corners[0, :, None])
    return Geometry(image[:, 0], ranges, clipped)


def _culled_of_batch(batch: MeshBatch, camera: Camera, cull: str) -> Tensor | None:
    """Of the packed faces `[N]`, each seen by its own mesh's camera."""
    if cull == "none":
        return None
    view = None if len(camera) == 1 else batch.face_mesh()
    return culled(batch.face_vertices()[None], camera, cull, view)[0]


def _is_between(points: Tensor, near: float, far: float) -> bool:
    """Whether nothing is to be cut, where that can be seen without waiting for a device."""
    if not at_hand(points):
        return False
    if not points.numel():
        return True
    least, greatest = points.detach()[..., 2].aminmax()
    return concrete((least >= near) & (greatest <= far))


def _gathered(points: Tensor, mesh: Mesh) -> Tensor:
    return mesh.with_vertices(points).face_vertices()
