"""Cameras from OpenCV and back: intrinsic matrix, rotation, translation, distortion."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from typing_extensions import Self

from gendr import _check
from gendr._autocast import in_single_precision
from gendr.render.camera.distortion import Distortion, lens_for
from gendr.render.camera.exchange import Exchange
from gendr.render.camera.inputs import Numbers, as_batch, close, column
from gendr.render.camera.model import image_size


class OpenCVCamera(NamedTuple):
    """What `Camera.from_opencv` takes, in its order.

    Attributes:
        K: [B, 3, 3], intrinsic matrices in pixels.
        R: [B, 3, 3], rotations of the world into the camera (x right, y down, z forward).
        t: [B, 3], translations of the world into the camera.
        size: (H, W) in pixels.
        distortion: `B` lenses, whose `coefficients` are in OpenCV's order; None without distortion.
    """

    K: Tensor
    R: Tensor
    t: Tensor
    size: tuple[int, int]
    distortion: Distortion | None


class FromOpenCV(Exchange):
    """`Camera.from_opencv` and `to_opencv`."""

    @classmethod
    @in_single_precision
    def from_opencv(
        cls,
        K: Numbers,
        R: Numbers,
        t: Numbers,
        size: tuple[int, int],
        distortion: Numbers | Distortion | None = None,
    ) -> Self:
        r"""Cameras of OpenCV: `(u, v) = (fx x' + cx, fy y' + cy)`, `(x', y')` the distorted `(X, Y) / Z` of `R p + t`.

        There x points right, **y down**, z forward, and pixel coordinates are whole numbers in the **middle of
        pixels**: the top left pixel's middle is (0, 0). An image of 640 columns with the principal point in its middle
        has `cx = 319.5`. COLMAP counts otherwise: `from_colmap`.

        Args:
            K: [3, 3] or [B, 3, 3], `((fx, 0, cx), (0, fy, cy), (0, 0, 1))` in pixels.
            R: [3, 3] or [B, 3, 3], world to camera. For a rotation vector (`rvec`):
                `gendr.render.pose.axis_angle_to_matrix`.
            t: [3], [3, 1], [B, 3] or [B, 3, 1], world to camera (`tvec`), in world units.
            size: (H, W) of the image in pixels, as in `image.shape[:2]`; OpenCV's own sizes are (W, H).
            distortion: OpenCV's vector of 4, 5, 8, 12 or 14 coefficients, [n] or [B, n] (see `Distortion.opencv`), or
                a `Distortion`; `Distortion.fisheye` for the `cv2.fisheye` module.

        Returns:
            `B` cameras, which show the world unmirrored; differentiable in everything that is a tensor.

        Raises:
            TypeError, ValueError: wrong shapes, values that are not finite, focal lengths not above 0, a skew, an `R`
                that is no rotation.

        Source: OpenCV's manual, module calib3d, "Detailed Description".

        >>> from gendr.render.camera import Camera
        >>> K = [[500, 0, 319.5], [0, 500, 239.5], [0, 0, 1]]
        >>> camera = Camera.from_opencv(K, torch.eye(3), [0, 0, 2], size=(480, 640))
        >>> camera.project(torch.tensor([[0.0, 0.0, 0.0], [0.1, 0.0, 0.0], [0.0, 0.1, 0.0]]))
        tensor([[[ 0.0000,  0.0000,  2.0000],
                 [ 0.1042,  0.0000,  2.0000],
                 [ 0.0000, -0.1042,  2.0000]]])
        """
        size = image_size("size", size)
        values = as_batch({"K": (3, 3), "R": (3, 3), "t": (3,)}, {"K": K, "R": R, "t": column(t)})
        matrix = values["K"]
        _check_intrinsics(matrix)
        focal = torch.stack((matrix[:, 0, 0], matrix[:, 1, 1]), -1)
        return cls._of_pixels(
            focal, matrix[:, :2, 2] + 0.5, values["R"], values["t"], size, lens_for(distortion, matrix)
        )

    @in_single_precision
    def to_opencv(self, size: tuple[int, int] | None = None) -> OpenCVCamera:
        """The cameras in OpenCV's terms, `from_opencv(*camera.to_opencv())` being the same cameras.

        Args:
            size: (H, W) of the image in pixels; None is the camera's own.

        Raises:
            ValueError: no size; an orthographic camera; or one that shows the world mirrored, as those of `look_at` do
                (`mirrored()` is its right-handed sister).

        >>> from gendr.render.camera import Camera
        >>> Camera.look_at(half_angle=45.0).mirrored().to_opencv(size=(480, 640)).K
        tensor([[[240.0000,   0.0000, 319.5000],
                 [  0.0000, 240.0000, 239.5000],
                 [  0.0000,   0.0000,   1.0000]]], dtype=torch.float64)
        """
        focal, center, rotation, translation, size = self._pixels(size)
        center = center - 0.5
        zero, one = torch.zeros_like(center[:, 0]), torch.ones_like(center[:, 0])
        rows = ((focal[:, 0], zero, center[:, 0]), (zero, focal[:, 1], center[:, 1]), (zero, zero, one))
        matrix = torch.stack([torch.stack(row, -1) for row in rows], -2)
        return OpenCVCamera(matrix, rotation, translation, size, self.distortion)


def _check_intrinsics(matrix: Tensor) -> None:
    fixed = matrix.detach()
    if bool((fixed[:, (0, 1), (0, 1)] <= 0.0).any()):
        _check.fail("K", "focal lengths above 0", "others among them")
    if not close(fixed[:, 2], (0.0, 0.0, 1.0)) or bool((fixed[:, 1, 0] != 0.0).any()):
        _check.fail("K", "((fx, 0, cx), (0, fy, cy), (0, 0, 1))", "another matrix (transposed?)")
    if bool((fixed[:, 0, 1] != 0.0).any()):
        _check.fail("K", "no skew, which OpenCV's projection has not either", "one with skew")
