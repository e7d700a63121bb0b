"""What a mesh file holds before anyone has checked it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gendr._check import dtype_name
from gendr.render.formats.error import MeshError
from gendr.render.formats.triangulate import triangle_corners
from gendr.render.material import Material
from gendr.render.mesh_parts import MeshParts

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class RawMesh:
    """Vertices and polygons as a reader found them.

    `vertices` is `[V, 3]`; polygon `k` has `counts[k]` corners, which follow one another in `corners`. Text formats
    also tell the line of every vertex and polygon, so that an error can name it.

    The rest is optional: `vertex_colors` `[V, 3]`; `uvs` `[T, 2]` and, for each corner, its row or -1 in `uv_corners`;
    `materials` and, for each polygon, its index or -1 in `polygon_material`.
    """

    vertices: Floats
    counts: Ints
    corners: Ints
    vertex_lines: Sequence[int] = ()
    face_lines: Sequence[int] = ()
    vertex_colors: Floats | None = None
    uvs: Floats | None = None
    uv_corners: Ints | None = None
    materials: tuple[Material, ...] = ()
    polygon_material: Ints | None = None

    def checked(self, dtype: torch.dtype) -> MeshParts:
        """Vertices `[V, 3]` of `dtype`, triangles int64 `[F, 3]` and the rest, or a `MeshError` that says why not."""
        if not len(self.vertices):
            raise MeshError("the file has no vertices")
        if not len(self.counts):
            raise MeshError(f"the file has {len(self.vertices)} vertices but no faces")
        self._check_polygons()
        vertices = self._check_finite(dtype)
        places = triangle_corners(self.vertices, self.counts, self.corners)
        faces = torch.from_numpy(np.ascontiguousarray(self.corners[places]))
        uvs = face_uvs = face_material = None
        if self.uvs is not None and self.uv_corners is not None and (self.uv_corners >= 0).any():
            uvs = torch.from_numpy(self.uvs).to(dtype)
            face_uvs = torch.from_numpy(np.ascontiguousarray(self.uv_corners[places]))
        if self.materials and self.polygon_material is not None:
            # A polygon of n corners has become n - 2 triangles.
            face_material = torch.from_numpy(np.repeat(self.polygon_material, self.counts - 2))
        materials = self.materials if face_material is not None else ()
        return MeshParts(vertices, faces, self._colors(dtype), uvs, face_uvs, materials, face_material)

    def _colors(self, dtype: torch.dtype) -> Tensor | None:
        if self.vertex_colors is None or not np.isfinite(self.vertex_colors).all():
            return None
        return torch.from_numpy(self.vertex_colors).to(dtype)

    def _check_polygons(self) -> None:
        if (short := _first(self.counts < 3)) is not None:
            where = _where("faces", short, self.face_lines)
            raise MeshError(f"{where}: expected 3 or more corners, got {self.counts[short]}")
        wrong = (self.corners < 0) | (self.corners >= len(self.vertices))
        if (corner := _first(wrong)) is not None:
            face = int(np.searchsorted(np.cumsum(self.counts), corner, side="right"))
            where = _where("faces", face, self.face_lines)
            index, size = self.corners[corner], len(self.vertices)
            raise MeshError(f"{where}: vertex index {index} (counted from 0) is out of range for {size} vertices")

    def _check_finite(self, dtype: torch.dtype) -> Tensor:
        vertices = torch.from_numpy(self.vertices).to(dtype)
        if (row := _first(~torch.isfinite(vertices).all(dim=1).numpy())) is not None:
            where = _where("vertices", row, self.vertex_lines)
            got = ", ".join(f"{x:g}" for x in self.vertices[row])
            raise MeshError(f"{where}: expected finite {dtype_name(dtype)} coordinates, got ({got})")
        return vertices


def _first(mask: NDArray[np.bool_]) -> int | None:
    """The first index at which `mask` holds, or None."""
    return int(mask.argmax()) if mask.any() else None


def _where(name: str, index: int, lines: Sequence[int]) -> str:
    """`line 12: faces[3]` for a text format, `faces[3]` for a binary one."""
    return f"line {lines[index]}: {name}[{index}]" if lines else f"{name}[{index}]"
