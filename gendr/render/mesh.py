"""The mesh value object: vertices, or a batch of them, over one list of triangles, and how these look."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from gendr import _check, _cuda
from gendr._autocast import in_single_precision, single_fields
from gendr._types import FaceVertices
from gendr.distributions._values import at_hand, concrete
from gendr.render import formats, mesh_exchange, subdivision
from gendr.render.material import TENSORS, Material, material_textures
from gendr.render.mesh_parts import MeshParts
from gendr.render.ordered_sums import taken
from gendr.render.texture import FaceTextures

if TYPE_CHECKING:
    import trimesh


@dataclass(frozen=True, eq=False, repr=False)
class Mesh:
    """Triangles over vertices; checked when it is made and not changed afterwards.

    The tensors are not copied, so gradients flow through `vertices`. A mesh equals only itself.

    How a face looks is the product of its vertices' colours, where there are any, and its material's colour.

    Args:
        vertices: float32 or float64 `[V, 3]`, or `[B, V, 3]` for a batch of meshes that share all else. Any unit;
            y is up wherever gendr needs an up.
        faces: int64 `[F, 3]`, indices into the vertices; counter-clockwise seen from outside.
        vertex_colors: float `[V, 3]`, red, green, blue, 1 is full; or None.
        uvs: float `[T, 2]`, texture coordinates: (0, 0) is an image's bottom left corner; or None.
        face_uvs: int64 `[F, 3]`, the coordinates of the faces' corners, indices into `uvs`; -1 is none. Given with
            `uvs`, and only then.
        materials: of the faces; () is no colour at all.
        face_material: int64 `[F]`, index into the materials; -1 is none. None: all faces are of the first material.

    Raises:
        TypeError: an argument is not a tensor, or one of the materials no `Material`.
        ValueError: wrong shape, dtype or device, a value that is not finite, or an index out of range. Values
            cannot be looked at, and are not checked, within `torch.func.vmap` and under `torch.compile`.

    Example:
        >>> Mesh(torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]), torch.tensor([[0, 1, 2]]))
        Mesh(vertices=float32 [3, 3], faces=[1, 3])
    """

    vertices: Tensor
    faces: Tensor
    vertex_colors: Tensor | None = None
    uvs: Tensor | None = None
    face_uvs: Tensor | None = None
    materials: tuple[Material, ...] = ()
    face_material: Tensor | None = None

    def __post_init__(self) -> None:
        single_fields(self, "vertices", "vertex_colors", "uvs")
        _check.tensor("faces", self.faces, ["F", 3], [torch.int64])
        _check_vertices(self.vertices, self.faces.device)
        outside = (self.faces < 0) | (self.faces >= self.n_vertices)
        if concrete(outside.any()):
            row, column = outside.nonzero()[0].tolist()
            index = int(self.faces[row, column])
            raise ValueError(f"faces[{row}]: vertex index {index} is out of range for {self.n_vertices} vertices")
        MeshParts(*self._parts()).check_looks()

    def __repr__(self) -> str:
        looks = "" if self.vertex_colors is None else ", vertex_colors"
        looks += "" if self.uvs is None else f", uvs={list(self.uvs.shape)}"
        looks += f", materials={len(self.materials)}" if self.materials else ""
        return f"Mesh(vertices={_check.describe(self.vertices)}, faces={list(self.faces.shape)}{looks})"

    def __getitem__(self, index: int) -> Mesh:
        """Mesh `index` of a batch."""
        if not self.is_batched:
            raise TypeError("a mesh of vertices [V, 3] is no batch and has no items")
        return self.with_vertices(self.vertices[index])

    @property
    def is_batched(self) -> bool:
        """Whether the vertices are `[B, V, 3]`."""
        return self.vertices.dim() == 3

    @property
    def n_vertices(self) -> int:
        """`V`, the number of vertices of one mesh."""
        return self.vertices.shape[-2]

    @property
    def n_faces(self) -> int:
        """`F`, the number of triangles."""
        return self.faces.shape[0]

    @classmethod
    def load(cls, path: str | os.PathLike[str], dtype: torch.dtype = torch.float32) -> Mesh:
        """Read an OBJ, OFF, PLY, STL or GLB file, with colours, texture coordinates, materials and textures.

        Vertices keep the file's order and are not joined (except in STL, where equal ones are), polygons are cut into
        triangles. Material libraries and images are read where they lie in the file's own folder or below it; one that
        is missing, broken or elsewhere is passed over, and the mesh is as if the file did not name it. See
        `docs/meshes.md`.

        Raises:
            gendr.render.formats.MeshError: a `ValueError` that names file, place and reason: the file is missing, empty
                or broken, or it has no faces.

        Example:
            >>> import pathlib, tempfile
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     file = pathlib.Path(folder, "sphere.ply")
            ...     Mesh.icosphere(1).save(file)
            ...     Mesh.load(file)
            Mesh(vertices=float32 [42, 3], faces=[80, 3])
        """
        return cls(*formats.read(path, dtype))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a file of the format that the suffix names: .obj, .off, .ply, .stl or .glb.

        The file appears whole or not at all. Coordinates keep every bit of float32 (OBJ and OFF of float64 too).
        Colours and textures go into OBJ (materials and images into files beside it) and GLB, vertex colours into OBJ,
        PLY and GLB, with 8 bits; OFF and STL have no place for them. See `docs/meshes.md`.

        Raises:
            gendr.render.formats.MeshError: a `ValueError`: unknown suffix, no such folder, or coordinates too large.
            ValueError: the mesh is a batch (save its items), or has no faces.

        Example:
            See `load`.
        """
        self._single("save")
        if not self.n_faces:
            raise ValueError("save: expected a mesh with faces, got none")
        formats.write(path, MeshParts(*self._parts()))

    @classmethod
    def icosphere(cls, level: int = 3, radius: float = 1.0, dtype: torch.dtype = torch.float32) -> Mesh:
        """Sphere about the origin from an icosahedron: `10 * 4**level + 2` vertices, `20 * 4**level` triangles.

        Args:
            level: how often each triangle is split into four, 0 to 8; level 3 has 642 vertices and 1,280 faces.
            radius: of the sphere on which all vertices lie, positive.
            dtype: of the vertices.

        Example:
            >>> Mesh.icosphere(3)
            Mesh(vertices=float32 [642, 3], faces=[1280, 3])
        """
        radius = _check.number("radius", radius, 0.0, open_low=True)
        vertices, faces = subdivision.icosphere(level)
        return cls((vertices * radius).to(dtype), faces)

    @in_single_precision
    def with_vertices(self, vertices: Tensor) -> Mesh:
        """The same faces and looks over other vertices, `[V, 3]` or `[B, V, 3]`, for instance deformed ones.

        Example:
            >>> sphere = Mesh.icosphere(1)
            >>> sphere.with_vertices(torch.stack([sphere.vertices, 2 * sphere.vertices]))
            Mesh(vertices=float32 [2, 42, 3], faces=[80, 3])
        """
        _check_vertices(vertices, self.faces.device, wait=False)
        if vertices.shape[-2] != self.n_vertices:
            _check.fail("vertices", f"{self.n_vertices} vertices, as the mesh has", vertices)
        # The rest has passed its check already: past __init__, because loops come here at every step.
        mesh = object.__new__(Mesh)
        mesh.__dict__.update(self.__dict__ | {"vertices": vertices})
        return mesh

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Mesh:
        """The mesh on another device or in another dtype (indices stay int64); differentiable.

        Example:
            >>> Mesh.icosphere(0).to(dtype=torch.float64)
            Mesh(vertices=float64 [12, 3], faces=[20, 3])
        """

        moved: dict[int, Tensor] = {}  # what materials share stays shared

        def move(value: Any) -> Any:
            if isinstance(value, Tensor):
                if id(value) not in moved:
                    moved[id(value)] = value.to(device=device, dtype=dtype if value.is_floating_point() else None)
                return moved[id(value)]
            if isinstance(value, Material):
                return replace(value, **{name: move(getattr(value, name)) for name in TENSORS})
            return None if value is None else tuple(map(move, value))

        return Mesh(*map(move, self._parts()))

    def normalize(self, size: str = "side") -> Mesh:
        """Move the centre of the bounding box to the origin and scale the mesh, differentiably; batches mesh by mesh.

        Args:
            size: what becomes 1: "side", the longest side of the bounding box (every coordinate then lies in
                [-1/2, 1/2]: the unit box), or "diagonal", the box's diagonal (the rule of ShapeNet).

        Raises:
            ValueError: no vertices, or all of them at one point.

        Example:
            >>> box = Mesh.icosphere(2).normalize().vertices
            >>> [round(x, 6) for x in (box.amax(0) - box.amin(0)).tolist()]
            [1.0, 1.0, 1.0]
        """
        _check.choice("size", size, ("side", "diagonal"))
        if not self.n_vertices:
            _check.fail("vertices", "one vertex or more", self.vertices)
        low, high = self.vertices.amin(dim=-2, keepdim=True), self.vertices.amax(dim=-2, keepdim=True)
        box = high - low
        if concrete((box.amax(dim=-1) <= 0).any()):
            raise ValueError("vertices: expected a mesh with an extent, got all vertices at one point")
        extent = box.amax(dim=-1, keepdim=True) if size == "side" else box.norm(dim=-1, keepdim=True)
        return self.with_vertices((self.vertices - (low + high) / 2) / extent)

    def face_vertices(self) -> FaceVertices:
        """The corners of every triangle, `[B, F, 3, 3]` (B = 1 for a single mesh), differentiable.

        Example:
            >>> Mesh.icosphere(0).face_vertices().shape
            torch.Size([1, 20, 3, 3])
        """
        return _at_corners(self.vertices if self.is_batched else self.vertices[None], self.faces)

    def face_vertex_colors(self) -> Float[Tensor, "1 F 3 3"] | None:
        """The vertices' colours at the corners of every triangle, `[1, F, 3, 3]`, or None; differentiable.

        Example:
            >>> sphere = Mesh.icosphere(0)
            >>> Mesh(sphere.vertices, sphere.faces, sphere.vertices / 2 + 0.5).face_vertex_colors().shape
            torch.Size([1, 20, 3, 3])
        """
        if self.vertex_colors is None:
            return None
        return _at_corners(self.vertex_colors.to(self.vertices.dtype)[None], self.faces)

    def face_textures(self) -> FaceTextures | None:
        """The colours of the materials as textures of the faces, or None without materials; differentiable.

        One texel stands for a material without texture. Faces without a material are white; those without texture
        coordinates have their material's `base_color`. Of the vertices' dtype.

        Example:
            >>> sphere = Mesh.icosphere(0)
            >>> Mesh(sphere.vertices, sphere.faces, materials=(Material("chalk"),)).face_textures()
            FaceTextures(uvs=float32 [1, 20, 3, 2], texels=float32 [1, 3], maps=1, wrap='repeat')
        """
        if not self.materials:
            return None
        which = self.face_material
        if which is None:
            which = torch.zeros(self.n_faces, dtype=torch.int64, device=self.faces.device)
        return material_textures(self.materials, which, self.uvs, self.face_uvs, self.vertices.dtype)

    def face_gloss(self) -> tuple[Float[Tensor, "F 3"], Float[Tensor, " F"]]:
        """The highlights' colour `[F, 3]` and exponent `[F]` of every face, of the vertices' dtype; differentiable.

        Faces without a material have no highlight: 0 and 1.

        Example:
            >>> specular, shininess = Mesh.icosphere(0).face_gloss()
            >>> specular.shape, shininess[0].item()
            (torch.Size([20, 3]), 1.0)
        """
        dtype = self.vertices.dtype
        none = self.vertices.new_zeros(3)
        colors = torch.stack([*(material.specular.to(dtype) for material in self.materials), none])
        shininess = torch.tensor([*(material.shininess for material in self.materials), 1.0], dtype=dtype)
        exponents = _cuda.to_device(shininess, colors.device)
        which = self.face_material
        if which is None:
            which = torch.full_like(self.faces[:, 0], 0 if self.materials else -1)
        which = torch.where(which < 0, len(self.materials), which)
        return colors[which], exponents[which]

    def to_trimesh(self) -> trimesh.Trimesh:
        """A copy for the library trimesh, with its colours, materials and textures.

        Vertices and faces are as they are, neither joined nor reordered; with one exception: trimesh has one pair of
        texture coordinates for a vertex, so a vertex with several becomes several (the first keeps its number) where
        there is a texture; where there is none, such coordinates are left out.

        Raises:
            ValueError: the mesh is a batch (convert its items).

        Example:
            >>> Mesh.icosphere(2).to_trimesh().is_watertight
            True
        """
        self._single("to_trimesh")
        return mesh_exchange.to_trimesh(MeshParts(*self._parts()))

    @classmethod
    def from_trimesh(cls, mesh: trimesh.Trimesh, dtype: torch.dtype = torch.float32) -> Mesh:
        """A copy of a `trimesh.Trimesh` with its vertex or face colours, or its materials and textures.

        Raises:
            TypeError: `mesh` is something else, for instance a scene (join it with its `to_mesh()`).

        Example:
            >>> import trimesh
            >>> Mesh.from_trimesh(trimesh.creation.box())
            Mesh(vertices=float32 [8, 3], faces=[12, 3])
        """
        return cls(*mesh_exchange.from_trimesh(mesh, dtype))

    def to_open3d(self) -> Any:
        """A copy of the geometry as an `open3d.geometry.TriangleMesh`; needs `pip install 'gendr[open3d]'`.

        Raises:
            ImportError: open3d is not installed, or a system library that it needs is missing.
            ValueError: the mesh is a batch (convert its items).

        Example:
            >>> Mesh.icosphere(2).to_open3d().is_watertight()  # doctest: +SKIP
            True
        """
        self._single("to_open3d")
        return mesh_exchange.to_open3d(MeshParts(*self._parts()))

    @classmethod
    def from_open3d(cls, mesh: Any, dtype: torch.dtype = torch.float32) -> Mesh:
        """A copy of the geometry of an `open3d.geometry.TriangleMesh`; needs `pip install 'gendr[open3d]'`.

        Raises:
            ImportError: open3d is not installed, or a system library that it needs is missing.
            TypeError: `mesh` is something else.

        Example:
            >>> Mesh.from_open3d(open3d.geometry.TriangleMesh.create_box())  # doctest: +SKIP
            Mesh(vertices=float32 [8, 3], faces=[12, 3])
        """
        return cls(*mesh_exchange.from_open3d(mesh, dtype))

    def _parts(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in MeshParts._fields)

    def _single(self, method: str) -> None:
        if self.is_batched:
            batch = len(self.vertices)
            raise ValueError(f"{method}: expected one mesh, got a batch of {batch}: use mesh[i].{method}(...)")


def _at_corners(values: Tensor, faces: Tensor) -> Tensor:
    """What vertices hold, [B, V, 3], at the corners of every face, [B, F, 3, 3]."""
    return taken(values, 1, faces.reshape(-1)).view(values.shape[0], len(faces), 3, 3)


def _check_vertices(vertices: Tensor, device: torch.device, wait: bool = True) -> None:
    """With `wait` the values are looked at on any device; without, where that costs no waiting for the device."""
    _check.tensor("vertices", vertices, ["*", "V", 3])
    if vertices.dim() not in (2, 3):
        _check.fail("vertices", "float32 or float64 [V, 3] or [B, V, 3]", vertices)
    if vertices.device != device:
        _check.fail("faces", f"the device of the vertices, {vertices.device}", str(device))
    if (wait or at_hand(vertices)) and concrete(~torch.isfinite(vertices).all()):
        index = (~torch.isfinite(vertices)).any(dim=-1).nonzero()[0].tolist()
        got = ", ".join(f"{x:g}" for x in vertices[tuple(index)].tolist())
        raise ValueError(f"vertices[{', '.join(map(str, index))}]: expected finite coordinates, got ({got})")
