"""The mesh value object: vertices, or a batch of them, over one list of triangles."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from gendr import _check
from gendr._types import FaceVertices
from gendr.distributions._values import concrete
from gendr.render import formats, subdivision

if TYPE_CHECKING:
    import trimesh


@dataclass(frozen=True, eq=False, repr=False)
class Mesh:
    """Triangles over vertices; checked when it is made and not changed afterwards.

    The tensors are not copied, so gradients flow through `vertices`. A mesh equals only itself.

    Args:
        vertices: float32 or float64 `[V, 3]`, or `[B, V, 3]` for a batch of meshes that share `faces`. Any unit;
            y is up wherever gendr needs an up.
        faces: int64 `[F, 3]`, indices into the vertices; counter-clockwise seen from outside.

    Raises:
        TypeError: an argument is not a tensor.
        ValueError: wrong shape, dtype or device, a coordinate that is not finite, or an index out of range. Values
            cannot be looked at, and are not checked, within `torch.func.vmap` and under `torch.compile`.

    Example:
        >>> Mesh(torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]), torch.tensor([[0, 1, 2]]))
        Mesh(vertices=float32 [3, 3], faces=[1, 3])
    """

    vertices: Tensor
    faces: Tensor

    def __post_init__(self) -> None:
        _check.tensor("faces", self.faces, ["F", 3], [torch.int64])
        _check_vertices(self.vertices, self.faces.device)
        outside = (self.faces < 0) | (self.faces >= self.n_vertices)
        if concrete(outside.any()):
            row, column = outside.nonzero()[0].tolist()
            index = int(self.faces[row, column])
            raise ValueError(f"faces[{row}]: vertex index {index} is out of range for {self.n_vertices} vertices")

    def __repr__(self) -> str:
        return f"Mesh(vertices={_check.describe(self.vertices)}, faces={list(self.faces.shape)})"

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
        """Read an OBJ, OFF, PLY, STL or GLB file.

        Vertices keep the file's order and are not joined (except in STL, where equal ones are), polygons are cut into
        triangles. Materials, textures and anything else outside the file are not opened.

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

        Raises:
            gendr.render.formats.MeshError: a `ValueError`: unknown suffix, no such folder, or coordinates too large.
            ValueError: the mesh is a batch (save its items), or has no faces.

        Example:
            See `load`.
        """
        self._single("save")
        if not self.n_faces:
            raise ValueError("save: expected a mesh with faces, got none")
        formats.write(path, self.vertices, self.faces)

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

    def with_vertices(self, vertices: Tensor) -> Mesh:
        """The same faces over other vertices, `[V, 3]` or `[B, V, 3]`, for instance deformed ones that carry gradients.

        Example:
            >>> sphere = Mesh.icosphere(1)
            >>> sphere.with_vertices(torch.stack([sphere.vertices, 2 * sphere.vertices]))
            Mesh(vertices=float32 [2, 42, 3], faces=[80, 3])
        """
        _check_vertices(vertices, self.faces.device)
        if vertices.shape[-2] != self.n_vertices:
            _check.fail("vertices", f"{self.n_vertices} vertices, as the mesh has", vertices)
        # The faces have passed their check already: past __init__, because loops come here at every step.
        mesh = object.__new__(Mesh)
        object.__setattr__(mesh, "vertices", vertices)
        object.__setattr__(mesh, "faces", self.faces)
        return mesh

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Mesh:
        """The mesh on another device or with vertices of another dtype (faces stay int64); differentiable.

        Example:
            >>> Mesh.icosphere(0).to(dtype=torch.float64)
            Mesh(vertices=float64 [12, 3], faces=[20, 3])
        """
        return Mesh(self.vertices.to(device=device, dtype=dtype), self.faces.to(device=device))

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
        vertices = self.vertices if self.is_batched else self.vertices[None]
        # Each device has one gather whose backward adds in a fixed order, and so gives the same bits every time.
        if vertices.is_cuda:
            return vertices[:, self.faces]
        flat = vertices.index_select(1, self.faces.reshape(-1))
        return flat.view(vertices.shape[0], self.n_faces, 3, 3)

    def to_trimesh(self) -> trimesh.Trimesh:
        """A copy for the library trimesh; vertices and faces as they are, neither joined nor reordered.

        Raises:
            ValueError: the mesh is a batch (convert its items).

        Example:
            >>> Mesh.icosphere(2).to_trimesh().is_watertight
            True
        """
        import trimesh

        self._single("to_trimesh")
        vertices = self.vertices.detach().cpu().double().numpy()
        return trimesh.Trimesh(vertices, self.faces.cpu().numpy(), process=False)

    @classmethod
    def from_trimesh(cls, mesh: trimesh.Trimesh, dtype: torch.dtype = torch.float32) -> Mesh:
        """A copy of the geometry of a `trimesh.Trimesh`.

        Raises:
            TypeError: `mesh` is something else, for instance a scene (join it with its `to_mesh()`).

        Example:
            >>> import trimesh
            >>> Mesh.from_trimesh(trimesh.creation.box())
            Mesh(vertices=float32 [8, 3], faces=[12, 3])
        """
        import trimesh

        if not isinstance(mesh, trimesh.Trimesh):
            raise TypeError(f"mesh: expected trimesh.Trimesh, got {type(mesh).__name__}")
        return _from_arrays(mesh.vertices, mesh.faces, dtype)

    def to_open3d(self) -> Any:
        """A copy as an `open3d.geometry.TriangleMesh`; needs `pip install 'gendr[open3d]'`.

        Raises:
            ImportError: open3d is not installed, or a system library that it needs is missing.
            ValueError: the mesh is a batch (convert its items).

        Example:
            >>> Mesh.icosphere(2).to_open3d().is_watertight()  # doctest: +SKIP
            True
        """
        self._single("to_open3d")
        o3d = _open3d()
        vertices = o3d.utility.Vector3dVector(self.vertices.detach().cpu().double().numpy())
        return o3d.geometry.TriangleMesh(vertices, o3d.utility.Vector3iVector(self.faces.cpu().int().numpy()))

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
        o3d = _open3d()
        if not isinstance(mesh, o3d.geometry.TriangleMesh):
            raise TypeError(f"mesh: expected open3d.geometry.TriangleMesh, got {type(mesh).__name__}")
        return _from_arrays(mesh.vertices, mesh.triangles, dtype)

    def _single(self, method: str) -> None:
        if self.is_batched:
            batch = len(self.vertices)
            raise ValueError(f"{method}: expected one mesh, got a batch of {batch}: use mesh[i].{method}(...)")


def _check_vertices(vertices: Tensor, device: torch.device) -> None:
    _check.tensor("vertices", vertices, ["*", "V", 3])
    if vertices.dim() not in (2, 3):
        _check.fail("vertices", "float32 or float64 [V, 3] or [B, V, 3]", vertices)
    if vertices.device != device:
        _check.fail("faces", f"the device of the vertices, {vertices.device}", str(device))
    if concrete(~torch.isfinite(vertices).all()):
        index = (~torch.isfinite(vertices)).any(dim=-1).nonzero()[0].tolist()
        got = ", ".join(f"{x:g}" for x in vertices[tuple(index)].tolist())
        raise ValueError(f"vertices[{', '.join(map(str, index))}]: expected finite coordinates, got ({got})")


def _from_arrays(vertices: Any, faces: Any, dtype: torch.dtype) -> Mesh:
    """Of copies, as the other library may change its own arrays afterwards."""
    points = np.array(vertices, dtype=np.float64).reshape(-1, 3)
    triangles = np.array(faces, dtype=np.int64).reshape(-1, 3)
    return Mesh(torch.from_numpy(points).to(dtype), torch.from_numpy(triangles))


def _open3d() -> Any:
    try:
        return importlib.import_module("open3d")
    except (ImportError, OSError) as error:
        raise ImportError(
            f"open3d cannot be imported ({error}): pip install 'gendr[open3d]', and on Debian or Ubuntu also"
            " apt-get install libusb-1.0-0"
        ) from error
