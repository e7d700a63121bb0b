"""What the conversions to and from other systems share: pixels, handedness, and what those cannot say."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from typing_extensions import Self

from gendr import _check
from gendr.render.camera.distortion import Distortion
from gendr.render.camera.inputs import flipped, rigid
from gendr.render.camera.model import CameraModel, image_size


class Exchange(CameraModel):
    """The base of `FromOpenCV` and its like."""

    @classmethod
    def _of_pixels(
        cls,
        focal: Tensor,
        center: Tensor,
        rotation: Tensor,
        translation: Tensor,
        size: tuple[int, int],
        distortion: Distortion | None,
    ) -> Self:
        """Cameras from pixels, counted from the image's corner, in OpenCV's axes."""
        rigid("R", rotation)
        height, width = size
        half = center.new_tensor([width / 2.0, height / 2.0])
        down = center.new_tensor([1.0, -1.0])
        eye = -(rotation.mT @ translation[:, :, None])[:, :, 0]
        return cls(
            flipped((1.0, -1.0, 1.0), rotation),
            eye,
            focal * (2.0 / height),
            "perspective",
            (center - half) * down * (2.0 / height),
            distortion,
            size,
        )

    def _pixels(self, size: tuple[int, int] | None) -> tuple[Tensor, Tensor, Tensor, Tensor, tuple[int, int]]:
        """Focal lengths and principal point in pixels, counted from the corner, rotation and translation; the size."""
        if self.projection != "perspective":
            _check.fail("projection", "perspective", self.projection)
        height, width = self._size(size)
        scale, center = self._intrinsics()
        half = center.new_tensor([width / 2.0, height / 2.0])
        rotation, translation = self._rigid((1.0, -1.0, 1.0))
        middle = center * center.new_tensor([1.0, -1.0]) * (height / 2.0) + half
        return scale * (height / 2.0), middle, rotation, translation, (height, width)

    def _size(self, size: tuple[int, int] | None) -> tuple[int, int]:
        """The image size given, or the camera's own."""
        if size is None and self.size is None:
            raise ValueError("size: expected (H, W), because the camera does not know its image's size, got None")
        return image_size("size", self.size if size is None else size)

    def _intrinsics(self) -> tuple[Tensor, Tensor]:
        """Scale and center, [B, 2] each."""
        scale = self.scale if self.scale.ndim == 2 else self.scale[:, None].expand(-1, 2)
        return scale, torch.zeros_like(scale) if self.center is None else self.center

    def _rigid(self, signs: Sequence[float]) -> tuple[Tensor, Tensor]:
        """Rotation [B, 3, 3] and translation [B, 3] of the world into axes that are gendr's with these signs."""
        if bool((torch.linalg.det(self.rotation.detach()) > 0.0).any()):
            wanted = "cameras that show right-handed scenes unmirrored, determinant -1 (see Camera.mirrored)"
            _check.fail("rotation", wanted, "determinant 1")
        rotation = flipped(signs, self.rotation)
        return rotation, 0.0 - (rotation @ self.eye[:, :, None])[:, :, 0]  # no negative zeros

    def _no_distortion(self) -> None:
        if self.distortion is not None and bool((self.distortion.coefficients.detach() != 0.0).any()):
            _check.fail("distortion", "none, because this system has no lenses", self.distortion.model)
