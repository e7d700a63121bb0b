"""Batches of different meshes, one after the other in the same tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gendr import _check, _cuda
from gendr._autocast import in_single_precision
from gendr.render.camera import Camera
from gendr.render.material import Material
from gendr.render.mesh import Mesh
from gendr.render.texture import FaceTextures


@dataclass(frozen=True, eq=False, repr=False)
class MeshBatch:
    """`B` meshes packed into one: `V` vertices and `N` faces in all, and who owns which; made by `pack`.

    The rasterizer draws packed faces into an image for each range of faces:
    `rasterize(batch.face_vertices(batch.project(camera)), ..., face_ranges=batch.face_ranges)`.

    Attributes:
        mesh: all of them as one `Mesh`, whose faces count the packed vertices; materials that several meshes share, the
            same object, are there once. Draw this one to see all meshes in one image.
        vertex_ranges: int64 [B, 2], first and one past the last vertex of each mesh.
        face_ranges: int64 [B, 2], first and one past the last face of each mesh.

    >>> batch = MeshBatch.pack([Mesh.icosphere(0), Mesh.icosphere(1)])
    >>> batch
    MeshBatch(meshes=2, vertices=float32 [54, 3], faces=[100, 3])
    >>> batch.face_ranges.tolist()
    [[0, 20], [20, 100]]
    """

    mesh: Mesh
    vertex_ranges: Int64[Tensor, "B 2"]
    face_ranges: Int64[Tensor, "B 2"]
    _meshes: tuple[Mesh, ...]

    def __repr__(self) -> str:
        vertices, faces = _check.describe(self.mesh.vertices), list(self.mesh.faces.shape)
        return f"MeshBatch(meshes={len(self)}, vertices={vertices}, faces={faces})"

    def __len__(self) -> int:
        return len(self._meshes)

    @classmethod
    def pack(cls, meshes: Sequence[Mesh]) -> MeshBatch:
        """Pack meshes, one or more, each with vertices [V_b, 3]; differentiable in all their tensors.

        Where some meshes have colours and others have not, the others are white.

        Raises:
            TypeError: an item is no `Mesh`.
            ValueError: no meshes, one that is itself a batch, or different dtypes or devices.

        >>> MeshBatch.pack([Mesh.icosphere(0)] * 3).vertex_ranges.tolist()
        [[0, 12], [12, 24], [24, 36]]
        """
        meshes = tuple(meshes)
        if not meshes:
            _check.fail("meshes", "one or more", "none")
        for index, mesh in enumerate(meshes):
            if not isinstance(mesh, Mesh):
                raise TypeError(f"meshes[{index}]: expected a Mesh, got {type(mesh).__name__}")
            _check.tensor(f"meshes[{index}].vertices", mesh.vertices, ["V", 3], [meshes[0].vertices.dtype])
            if mesh.vertices.device != meshes[0].vertices.device:
                _check.fail(f"meshes[{index}]", f"the device of the first, {meshes[0].vertices.device}", mesh.vertices)
        device = meshes[0].faces.device
        vertex_ranges = _ranges([mesh.n_vertices for mesh in meshes]).to(device)
        face_ranges = _ranges([mesh.n_faces for mesh in meshes]).to(device)
        return cls(_joined(meshes), vertex_ranges, face_ranges, meshes)

    def unpack(self) -> list[Mesh]:
        """The meshes one by one, with the batch's vertices; differentiable.

        >>> [mesh.n_vertices for mesh in MeshBatch.pack([Mesh.icosphere(0), Mesh.icosphere(1)]).unpack()]
        [12, 42]
        """
        pieces = self.mesh.vertices.split([mesh.n_vertices for mesh in self._meshes])
        return [mesh.with_vertices(vertices) for mesh, vertices in zip(self._meshes, pieces, strict=True)]

    @in_single_precision
    def with_vertices(self, vertices: Float[Tensor, "V 3"]) -> MeshBatch:
        """The same meshes over other packed vertices [V, 3], for instance deformed ones that carry gradients.

        >>> batch = MeshBatch.pack([Mesh.icosphere(0), Mesh.icosphere(1)])
        >>> batch.with_vertices(2 * batch.mesh.vertices).unpack()[1].vertices.norm(dim=1).max().item()
        2.0
        """
        _check.tensor("vertices", vertices, [self.mesh.n_vertices, 3])
        return replace(self, mesh=self.mesh.with_vertices(vertices))

    def project(self, camera: Camera) -> Float[Tensor, "V 3"]:
        """NDC x and y and the depth of every packed vertex, [V, 3]; differentiable.

        Args:
            camera: one for all meshes, or as many as meshes, each for its own.

        Raises:
            ValueError: another number of cameras.

        >>> batch = MeshBatch.pack([Mesh.icosphere(0), Mesh.icosphere(1)])
        >>> batch.project(Camera.look_at(azimuth=torch.tensor([0.0, 90.0]))).shape
        torch.Size([54, 3])
        """
        return self._seen(camera, image=True)

    def to_camera(self, camera: Camera) -> Float[Tensor, "V 3"]:
        """Every packed vertex in its camera's space (x right, y up, z forward), [V, 3]; for the rest see `project`.

        >>> batch = MeshBatch.pack([Mesh.icosphere(0), Mesh.icosphere(1)])
        >>> batch.to_camera(Camera.look_at(distance=3.0)).mean(0)[2].round().item()
        3.0
        """
        return self._seen(camera, image=False)

    def face_vertices(self, vertices: Float[Tensor, "V 3"] | None = None) -> Float[Tensor, "N 3 3"]:
        """The corners of all faces, [N, 3, 3], packed; of the meshes' vertices or of others [V, 3], as from `project`.

        >>> MeshBatch.pack([Mesh.icosphere(0), Mesh.icosphere(1)]).face_vertices().shape
        torch.Size([100, 3, 3])
        """
        mesh = self.mesh
        if vertices is not None:
            _check.tensor("vertices", vertices, [mesh.n_vertices, 3])
            mesh = mesh.with_vertices(vertices)
        return mesh.face_vertices()[0]

    def face_textures(self) -> FaceTextures | None:
        """The materials' colours of all faces in one `FaceTextures` (uvs [1, N, 3, 2]), or None where none has any.

        >>> sphere = Mesh.icosphere(0)
        >>> red = Material(base_color=torch.tensor([1.0, 0.0, 0.0]))
        >>> MeshBatch.pack([sphere, Mesh(sphere.vertices, sphere.faces, materials=(red,))]).face_textures()
        FaceTextures(uvs=float32 [1, 40, 3, 2], texels=float32 [2, 3], maps=2, wrap='repeat')
        """
        return self.mesh.face_textures()

    def face_mesh(self) -> Int64[Tensor, " N"]:
        """Which mesh each face belongs to, int64 [N].

        >>> MeshBatch.pack([Mesh.icosphere(0), Mesh.icosphere(1)]).face_mesh().bincount().tolist()
        [20, 80]
        """
        owner = torch.arange(len(self), device=self.face_ranges.device)
        return owner.repeat_interleave(self.face_ranges[:, 1] - self.face_ranges[:, 0], output_size=self.mesh.n_faces)

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> MeshBatch:
        """The batch on another device or in another dtype; differentiable.

        >>> MeshBatch.pack([Mesh.icosphere(0)]).to(dtype=torch.float64)
        MeshBatch(meshes=1, vertices=float64 [12, 3], faces=[20, 3])
        """
        return MeshBatch.pack([mesh.to(device, dtype) for mesh in self.unpack()])

    def face_ranges_on_cpu(self) -> Int64[Tensor, "B 2"]:
        """`face_ranges` as `gendr.rasterize` takes them, without waiting for the device that holds the meshes.

        >>> MeshBatch.pack([Mesh.icosphere(0), Mesh.icosphere(1)]).face_ranges_on_cpu().tolist()
        [[0, 20], [20, 100]]
        """
        return _ranges([mesh.n_faces for mesh in self._meshes])

    def _seen(self, camera: Camera, image: bool) -> Tensor:
        vertices = self.mesh.vertices
        if len(camera) not in (1, len(self)):
            _check.fail("camera", f"one camera, or one for each of {len(self)} meshes", f"{len(camera)} cameras")
        look = camera.project if image else camera.to_camera
        if len(camera) == 1 or not len(vertices):
            return look(vertices)[0]
        # A row of vertices for each camera; shorter ones are filled up with any vertex, which is then left out again.
        # All indices are made on the CPU, from numbers that compilers know too: nothing is read from a device.
        counts = [mesh.n_vertices for mesh in self._meshes]
        longest = max(counts)
        firsts = torch.tensor([0, *accumulate(counts)][:-1])
        places = (firsts[:, None] + torch.arange(longest)).clamp(max=len(vertices) - 1).flatten()
        own = torch.cat([torch.arange(row * longest, row * longest + n) for row, n in enumerate(counts)])
        places, own = (_cuda.to_device(index, vertices.device) for index in (places, own))
        rows = look(vertices.index_select(0, places).view(len(counts), -1, 3))
        return rows.reshape(-1, 3).index_select(0, own)


def _ranges(counts: list[int]) -> Tensor:
    ends = torch.tensor(list(accumulate(counts)))
    return torch.stack([ends - torch.tensor(counts), ends], dim=1)


def _joined(meshes: tuple[Mesh, ...]) -> Mesh:
    """All meshes as one, white where only others have colours."""
    vertices = torch.cat([mesh.vertices for mesh in meshes])
    firsts = [0, *accumulate(mesh.n_vertices for mesh in meshes)]
    faces = torch.cat([mesh.faces + first for mesh, first in zip(meshes, firsts, strict=False)])
    colors = uvs = face_uvs = face_material = None
    if any(mesh.vertex_colors is not None for mesh in meshes):
        given = [torch.ones_like(m.vertices) if m.vertex_colors is None else m.vertex_colors for m in meshes]
        colors = torch.cat([color.to(vertices.dtype) for color in given])
    if any(mesh.uvs is not None for mesh in meshes):
        tables = [vertices.new_zeros(0, 2) if m.uvs is None else m.uvs.to(vertices.dtype) for m in meshes]
        uvs, firsts = torch.cat(tables), [0, *accumulate(map(len, tables))]
        given = [torch.full_like(m.faces, -1) if m.face_uvs is None else m.face_uvs for m in meshes]
        face_uvs = torch.cat([torch.where(g < 0, -1, g + f) for g, f in zip(given, firsts, strict=False)])
    materials = list({id(material): material for mesh in meshes for material in mesh.materials}.values())
    if materials:
        face_material = torch.cat([_among(materials, mesh) for mesh in meshes])
    return Mesh(vertices, faces, colors, uvs, face_uvs, tuple(materials), face_material)


def _among(materials: list[Material], mesh: Mesh) -> Tensor:
    """The index of each face's material among all `materials`."""
    number = {id(material): index for index, material in enumerate(materials)}
    own = torch.tensor([*(number[id(material)] for material in mesh.materials), -1], device=mesh.faces.device)
    if mesh.face_material is None:
        return own[:1].expand(mesh.n_faces)
    return own[mesh.face_material]  # the last one for faces without
