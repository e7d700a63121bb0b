"""What a mesh is made of, as it passes between files, other libraries and `Mesh`."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from gendr import _check
from gendr.distributions._values import concrete
from gendr.render.material import Material


class MeshParts(NamedTuple):
    """The fields of a `Mesh`, in its order, not yet checked; see there for their meaning.

    >>> MeshParts(torch.zeros(3, 3), torch.tensor([[0, 1, 2]])).materials
    ()
    """

    vertices: Tensor
    faces: Tensor
    vertex_colors: Tensor | None = None
    uvs: Tensor | None = None
    face_uvs: Tensor | None = None
    materials: tuple[Material, ...] = ()
    face_material: Tensor | None = None

    def check_looks(self) -> None:
        """Check all but vertices and faces, of which only the counts matter here.

        Raises:
            TypeError, ValueError: as for `Mesh`.
        """
        if self.vertex_colors is not None:
            self._check_floats("vertex_colors", self.vertex_colors, [self.vertices.shape[-2], 3])
        if (self.uvs is None) != (self.face_uvs is None):
            given, missing = ("face_uvs", "uvs") if self.uvs is None else ("uvs", "face_uvs")
            _check.fail(missing, f"a tensor, as {given} is given", None)
        if self.uvs is not None and self.face_uvs is not None:
            self._check_floats("uvs", self.uvs, ["T", 2])
            self._check_indices("face_uvs", self.face_uvs, [len(self.faces), 3], len(self.uvs))
        if not isinstance(self.materials, tuple) or not all(isinstance(m, Material) for m in self.materials):
            raise TypeError(f"materials: expected a tuple of Material, got {_check.describe(self.materials)}")
        for index, material in enumerate(self.materials):
            self._check_device(f"materials[{index}]", material.base_color)
        if self.face_material is not None:
            self._check_indices("face_material", self.face_material, [len(self.faces)], len(self.materials))

    def _check_floats(self, name: str, values: Tensor, shape: list[int | str]) -> None:
        _check.tensor(name, values, shape)
        self._check_device(name, values)
        if concrete(~torch.isfinite(values).all()):
            row = int((~torch.isfinite(values)).any(dim=1).nonzero()[0])
            _check.fail(f"{name}[{row}]", "finite numbers", f"{values[row].tolist()}")

    def _check_indices(self, name: str, values: Tensor, shape: list[int | str], size: int) -> None:
        _check.tensor(name, values, shape, [torch.int64])
        self._check_device(name, values)
        outside = (values < -1) | (values >= size)
        if concrete(outside.any()):
            row = int(outside.nonzero()[0, 0])
            _check.fail(f"{name}[{row}]", f"-1 or an index into {size}", f"{values[row].tolist()}")

    def _check_device(self, name: str, values: Tensor) -> None:
        if values.device != self.faces.device:
            _check.fail(name, f"the device of the faces, {self.faces.device}", str(values.device))
