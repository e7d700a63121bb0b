"""Cameras from PyTorch3D and back: row vectors, x left, NDC over the shorter side."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor
from typing_extensions import Self

from gendr import _check
from gendr._autocast import in_single_precision
from gendr.render.camera.exchange import Exchange
from gendr.render.camera.inputs import Numbers, as_batch, flipped, per_axis, positive, rigid
from gendr.render.camera.model import image_size


class PyTorch3DCamera(NamedTuple):
    """What `Camera.from_pytorch3d` takes, in its order.

    The first four are the arguments of PyTorch3D's `PerspectiveCameras` or `OrthographicCameras` under the same names.

    Attributes:
        R: [B, 3, 3], world to camera, for row vectors.
        T: [B, 3], world to camera.
        focal_length: [B, 2], in NDC units.
        principal_point: [B, 2], in NDC, x to the left.
        size: (H, W) in pixels.
        orthographic: whether these are `OrthographicCameras`.
    """

    R: Tensor
    T: Tensor
    focal_length: Tensor
    principal_point: Tensor
    size: tuple[int, int]
    orthographic: bool


class FromPyTorch3D(Exchange):
    """`Camera.from_pytorch3d` and `to_pytorch3d`."""

    @classmethod
    @in_single_precision
    def from_pytorch3d(
        cls,
        R: Numbers,
        T: Numbers,
        focal_length: Numbers,
        principal_point: Numbers = (0.0, 0.0),
        size: tuple[int, int] | None = None,
        orthographic: bool = False,
        *,
        in_ndc: bool = True,
    ) -> Self:
        r"""Cameras of PyTorch3D: `x = fx X / Z + px`, `y = fy Y / Z + py` of the row vector `(X, Y, Z) = p R + T`.

        There **x points left**, y up, z forward, in space as in NDC, which is [-1, 1] over the **shorter** side of the
        image. Points are rows, so `R` is the transpose of everybody else's. With `in_ndc=False` the camera counts in
        pixels from the image's top left corner (x right, y down): `fx = 2 fx' / s`, `px = -(2 px' - W) / s`,
        `py = -(2 py' - H) / s`, where `s = min(H, W)`.

        A `FoVPerspectiveCameras` of angle `fov` and aspect ratio 1 has `focal_length = 1 / tan(fov / 2)`.

        Args:
            R: [3, 3] or [B, 3, 3].
            T: [3] or [B, 3].
            focal_length: [], [B] or [B, 1] for both axes, or [B, 2].
            principal_point: [2] or [B, 2].
            size: (H, W) of the image in pixels; None is a square one, with `in_ndc`.
            orthographic: whether they are `OrthographicCameras`, `x = fx X + px`.
            in_ndc: PyTorch3D's argument of this name.

        Returns:
            `B` cameras, which show the world unmirrored; differentiable in everything that is a tensor.

        Raises:
            TypeError, ValueError: wrong shapes, values that are not finite, focal lengths not above 0, an `R` that is
                no rotation, `in_ndc=False` without a size.

        Source: PyTorch3D 0.7, docs/notes/cameras.md and renderer/cameras.py.

        >>> from gendr.render.camera import Camera
        >>> camera = Camera.from_pytorch3d(torch.eye(3), [0, 0, 2], focal_length=1.0)
        >>> camera.project(torch.tensor([[0.5, 0.0, 0.0], [0.0, 0.5, 0.0]]))
        tensor([[[-0.2500,  0.0000,  2.0000],
                 [ 0.0000,  0.2500,  2.0000]]])
        """
        if size is None and not in_ndc:
            _check.fail("size", "(H, W), because the camera counts in pixels (in_ndc=False)", size)
        height, width = (1, 1) if size is None else image_size("size", size)
        shapes = {"R": (3, 3), "T": (3,), "focal_length": (2,), "principal_point": (2,)}
        given = {"R": R, "T": T, "focal_length": per_axis(focal_length), "principal_point": principal_point}
        values = as_batch(shapes, given)
        rotation, focal, center = values["R"].mT, values["focal_length"], values["principal_point"]
        positive("focal_length", focal)
        rigid("R", rotation)
        shorter = min(height, width)
        if not in_ndc:
            focal = focal * (2.0 / shorter)
            center = (center.new_tensor([width, height]) - 2.0 * center) / shorter
        eye = -(rotation.mT @ values["T"][:, :, None])[:, :, 0]
        unit = center.new_tensor([shorter / height, shorter / height])
        return cls(
            flipped((-1.0, 1.0, 1.0), rotation),
            eye,
            focal * unit,
            "orthographic" if orthographic else "perspective",
            center * unit * center.new_tensor([-1.0, 1.0]),
            size=None if size is None else (height, width),
        )

    @in_single_precision
    def to_pytorch3d(self, size: tuple[int, int] | None = None) -> PyTorch3DCamera:
        """The cameras in PyTorch3D's terms, `from_pytorch3d(*camera.to_pytorch3d())` being the same cameras.

        Args:
            size: (H, W) of the image in pixels; None is the camera's own.

        Raises:
            ValueError: no size, a distortion, or a camera that shows the world mirrored, as those of `look_at` do
                (`mirrored()` is its right-handed sister).

        >>> from gendr.render.camera import Camera
        >>> Camera.look_at(distance=2.0, half_angle=45.0).mirrored().to_pytorch3d(size=(64, 64)).T
        tensor([[0., 0., 2.]], dtype=torch.float64)
        """
        height, width = self._size(size)
        self._no_distortion()
        scale, center = self._intrinsics()
        rotation, translation = self._rigid((-1.0, 1.0, 1.0))
        unit = height / min(height, width)
        center = center * unit * center.new_tensor([-1.0, 1.0])
        orthographic = self.projection == "orthographic"
        return PyTorch3DCamera(rotation.mT, translation, scale * unit, center, (height, width), orthographic)
