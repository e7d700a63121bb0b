"""Cameras from COLMAP and back: camera models with their lists of parameters, quaternions, half pixels."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from typing_extensions import Self

from gendr import _check
from gendr._autocast import in_single_precision
from gendr.render.camera.distortion import Distortion
from gendr.render.camera.exchange import Exchange
from gendr.render.camera.inputs import Numbers, as_batch, positive
from gendr.render.camera.model import image_size
from gendr.render.rotations import matrix_to_quaternion, quaternion_to_matrix

# The parameters of each model in COLMAP's order; f stands for both focal lengths, k for k1.
MODELS = {
    "SIMPLE_PINHOLE": "f cx cy",
    "PINHOLE": "fx fy cx cy",
    "SIMPLE_RADIAL": "f cx cy k1",
    "RADIAL": "f cx cy k1 k2",
    "OPENCV": "fx fy cx cy k1 k2 p1 p2",
    "FULL_OPENCV": "fx fy cx cy k1 k2 p1 p2 k3 k4 k5 k6",
    "SIMPLE_RADIAL_FISHEYE": "f cx cy k1",
    "RADIAL_FISHEYE": "f cx cy k1 k2",
    "OPENCV_FISHEYE": "fx fy cx cy k1 k2 k3 k4",
}
FISHEYE = ("k1", "k2", "k3", "k4")
RADIAL = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")


class ColmapCamera(NamedTuple):
    """What `Camera.from_colmap` takes, in its order.

    Attributes:
        model: COLMAP's name of the camera model.
        params: [B, n], in COLMAP's order.
        quaternion: [B, 4], `(qw, qx, qy, qz)`, world to camera.
        translation: [B, 3], world to camera.
        size: (H, W) in pixels.
    """

    model: str
    params: Tensor
    quaternion: Tensor
    translation: Tensor
    size: tuple[int, int]


class FromColmap(Exchange):
    """`Camera.from_colmap` and `to_colmap`."""

    @classmethod
    @in_single_precision
    def from_colmap(
        cls, model: str, params: Numbers, quaternion: Numbers, translation: Numbers, size: tuple[int, int]
    ) -> Self:
        r"""Cameras of COLMAP: `(u, v) = (fx x' + cx, fy y' + cy)`, `(x', y')` the distorted `(X, Y) / Z` of `R p + t`.

        Axes and distortion are OpenCV's (x right, y down, z forward), but pixels are counted from the **corner** of the
        image: the top left pixel's middle is (0.5, 0.5), and `cx` is half a pixel more than OpenCV's. `load_colmap`
        reads a reconstruction from its files.

        Args:
            model: SIMPLE_PINHOLE, PINHOLE, SIMPLE_RADIAL, RADIAL, OPENCV, FULL_OPENCV, SIMPLE_RADIAL_FISHEYE,
                RADIAL_FISHEYE or OPENCV_FISHEYE.
            params: [n] or [B, n], in the model's order, in pixels; for OPENCV `fx fy cx cy k1 k2 p1 p2`.
            quaternion: [4] or [B, 4], `(qw, qx, qy, qz)`, world to camera; of any length but 0.
            translation: [3] or [B, 3], world to camera.
            size: (H, W) of the image in pixels; COLMAP's files have WIDTH first.

        Returns:
            `B` cameras, which show the world unmirrored; differentiable in everything that is a tensor.

        Raises:
            TypeError, ValueError: an unknown model, a wrong number of parameters, wrong shapes, values that are not
                finite, focal lengths not above 0, a quaternion of length 0.

        Source: COLMAP, src/colmap/sensor/models.h; its manual, "Output format".

        >>> from gendr.render.camera import Camera
        >>> camera = Camera.from_colmap("SIMPLE_PINHOLE", [500, 320, 240], [1, 0, 0, 0], [0, 0, 2], size=(480, 640))
        >>> camera.project(torch.tensor([[0.0, 0.0, 0.0], [0.1, 0.0, 0.0], [0.0, 0.1, 0.0]]))
        tensor([[[ 0.0000,  0.0000,  2.0000],
                 [ 0.1042,  0.0000,  2.0000],
                 [ 0.0000, -0.1042,  2.0000]]])
        """
        names = MODELS[_check.choice("model", model, tuple(MODELS))].split()
        size = image_size("size", size)
        shapes: dict[str, tuple[int, ...]] = {"params": (len(names),), "quaternion": (4,), "translation": (3,)}
        values = as_batch(shapes, {"params": params, "quaternion": quaternion, "translation": translation})
        named = dict(zip(names, values["params"].unbind(-1), strict=True))
        focal = torch.stack([named["f" if "f" in named else name] for name in ("fx", "fy")], -1)
        positive("params: focal length", focal)
        positive("quaternion's length", torch.linalg.vector_norm(values["quaternion"], dim=-1))
        center = torch.stack((named["cx"], named["cy"]), -1)
        rotation = quaternion_to_matrix(values["quaternion"])
        return cls._of_pixels(focal, center, rotation, values["translation"], size, _lens(model, named))

    @in_single_precision
    def to_colmap(self, size: tuple[int, int] | None = None) -> ColmapCamera:
        """The cameras in COLMAP's terms, `from_colmap(*camera.to_colmap())` being the same cameras.

        The model is PINHOLE, OPENCV, FULL_OPENCV or OPENCV_FISHEYE, the first that has all that is needed.

        Args:
            size: (H, W) of the image in pixels; None is the camera's own.

        Raises:
            ValueError: no size; an orthographic camera; or one that shows the world mirrored, as those of `look_at` do
                (`mirrored()` is its right-handed sister).

        >>> from gendr.render.camera import Camera
        >>> Camera.look_at(half_angle=45.0).mirrored().to_colmap(size=(480, 640)).params
        tensor([[240.0000, 240.0000, 320.0000, 240.0000]], dtype=torch.float64)
        """
        focal, center, rotation, translation, size = self._pixels(size)
        model, lens = "PINHOLE", focal[:, :0]
        if self.distortion is not None:
            lens = self.distortion.coefficients
            if self.distortion.model == "fisheye":
                model = "OPENCV_FISHEYE"
            elif bool((lens.detach()[:, 4:] != 0.0).any()):
                model = "FULL_OPENCV"
            else:
                model, lens = "OPENCV", lens[:, :4]
        params = torch.cat((focal, center, lens), 1)
        return ColmapCamera(model, params, matrix_to_quaternion(rotation), translation, size)


def _lens(model: str, named: dict[str, Tensor]) -> Distortion | None:
    if model.endswith("PINHOLE"):
        return None
    fisheye = model.endswith("FISHEYE")
    zero = torch.zeros_like(named["cx"])
    columns = [named.get(name, zero) for name in (FISHEYE if fisheye else RADIAL)]
    return Distortion("fisheye" if fisheye else "radial-tangential", torch.stack(columns, -1))
