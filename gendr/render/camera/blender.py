"""Cameras from Blender and back: pose of the camera object, lens and sensor."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from typing_extensions import Self

from gendr import _check
from gendr._autocast import in_single_precision
from gendr.render.camera.exchange import Exchange
from gendr.render.camera.inputs import Numbers, as_batch, close, flipped, positive, rigid
from gendr.render.camera.model import image_size

SENSOR_FITS = ("AUTO", "HORIZONTAL", "VERTICAL")


class BlenderCamera(NamedTuple):
    """What Blender's Python names so: of the camera object, of its data, and of the scene's render settings.

    Attributes:
        matrix_world: [B, 4, 4], camera to world.
        size: (H, W): `resolution_y`, `resolution_x`.
        lens: [B], focal lengths in millimetres; None for an orthographic camera.
        ortho_scale: [B], in world units; None for a perspective camera.
        sensor_width: in millimetres.
        sensor_fit: `"HORIZONTAL"`.
        shift_x: [B].
        shift_y: [B].
        pixel_aspect: [B], `pixel_aspect_y / pixel_aspect_x`.
    """

    matrix_world: Tensor
    size: tuple[int, int]
    lens: Tensor | None
    ortho_scale: Tensor | None
    sensor_width: float
    sensor_fit: str
    shift_x: Tensor
    shift_y: Tensor
    pixel_aspect: Tensor


class FromBlender(Exchange):
    """`Camera.from_blender` and `to_blender`."""

    @classmethod
    @in_single_precision
    def from_blender(
        cls,
        matrix_world: Numbers,
        size: tuple[int, int],
        *,
        lens: Numbers | None = None,
        angle: Numbers | None = None,
        ortho_scale: Numbers | None = None,
        sensor_width: float = 36.0,
        sensor_height: float = 24.0,
        sensor_fit: str = "AUTO",
        shift_x: Numbers = 0.0,
        shift_y: Numbers = 0.0,
        pixel_aspect: Numbers = 1.0,
    ) -> Self:
        r"""Cameras of Blender: they look along their own **-z**, x right and y up, from `matrix_world`'s origin.

        The focal length in pixels is `lens / sensor · S`, where sensor and `S` are `sensor_width` and the image's width
        with `sensor_fit` `"HORIZONTAL"`, `sensor_height` and the height with `"VERTICAL"`; `"AUTO"` takes
        `sensor_width` and the longer side. The shifts move the view by parts of `S`. Blender's world has z up; its
        exporters to OBJ and glTF turn it to y up, and the camera must then be turned with it.

        Args:
            matrix_world: [4, 4] or [B, 4, 4], camera to world, `object.matrix_world`; its scale is ignored, as there.
            size: (H, W) of the image in pixels.
            lens: [] or [B], focal length in millimetres. Give one of `lens`, `angle` and `ortho_scale`.
            angle: [] or [B], in **radians** as Blender's Python has it, the angle of view over `S`.
            ortho_scale: [] or [B], the length of `S` in world units: an orthographic camera.
            sensor_width: in millimetres.
            sensor_height: in millimetres, used with `"VERTICAL"` only.
            sensor_fit: `"AUTO"`, `"HORIZONTAL"` or `"VERTICAL"`.
            shift_x: [] or [B], positive moves the view to the right, and the picture to the left.
            shift_y: [] or [B], positive moves the view up.
            pixel_aspect: [] or [B], `pixel_aspect_y / pixel_aspect_x` of the render settings.

        Returns:
            `B` cameras, which show the world unmirrored; differentiable in everything that is a tensor.

        Raises:
            TypeError, ValueError: wrong shapes, values that are not finite or not above 0, several of `lens`, `angle`
                and `ortho_scale` or none, a `matrix_world` that shears or mirrors.

        Source: Blender's manual, "Cameras"; its source, `BKE_camera_params_compute_viewplane`.

        >>> from gendr.render.camera import Camera
        >>> pose = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 2], [0, 0, 0, 1]]
        >>> camera = Camera.from_blender(pose, size=(270, 480), lens=36.0)
        >>> camera.project(torch.tensor([[0.0, 0.0, 0.0], [0.5, 0.5, 0.0]]))
        tensor([[[0.0000, 0.0000, 2.0000],
                 [0.8889, 0.8889, 2.0000]]])
        """
        height, width = image_size("size", size)
        zooms = {"lens": lens, "angle": angle, "ortho_scale": ortho_scale}
        chosen = {name: value for name, value in zooms.items() if value is not None}
        if len(chosen) != 1:
            _check.fail("lens, angle, ortho_scale", "one of them", ", ".join(chosen) or "none")
        ((name, zoom),) = chosen.items()
        given = {"matrix_world": matrix_world, name: zoom}
        given |= {"shift_x": shift_x, "shift_y": shift_y, "pixel_aspect": pixel_aspect}
        values = as_batch({key: (4, 4) if key == "matrix_world" else () for key in given}, given)
        for key in (name, "pixel_aspect"):
            positive(key, values[key])
        vertical = _check.choice("sensor_fit", sensor_fit, SENSOR_FITS) == "VERTICAL"
        sensor_name, sensor = ("sensor_height", sensor_height) if vertical else ("sensor_width", sensor_width)
        sensor = _check.number(sensor_name, sensor, 0.0, open_low=True)

        aspect = values["pixel_aspect"]
        over_width = torch.full_like(aspect, width)  # S in units of a pixel's width
        over_height = aspect * height
        longer = torch.maximum(over_width, over_height)
        side = {"AUTO": longer, "HORIZONTAL": over_width, "VERTICAL": over_height}[sensor_fit]
        if name == "angle":
            if bool((values[name].detach() >= torch.pi).any()):
                _check.fail("angle", "radians in (0, pi)", "others among them (degrees?)")
            focal = side / (2.0 * torch.tan(values[name] / 2.0))
        else:
            focal = side * values[name] / sensor if name == "lens" else side / values[name]
        to_ndc = torch.stack((torch.full_like(aspect, 2.0 / height), 2.0 / (aspect * height)), -1)
        shift = torch.stack((values["shift_x"], values["shift_y"]), -1)
        rotation, eye = _pose(values["matrix_world"])
        kind = "orthographic" if name == "ortho_scale" else "perspective"
        scale, center = focal[:, None] * to_ndc, -shift * side[:, None] * to_ndc
        return cls(rotation, eye, scale, kind, center, size=(height, width))

    @in_single_precision
    def to_blender(self, size: tuple[int, int] | None = None, *, sensor_width: float = 36.0) -> BlenderCamera:
        """The cameras in Blender's terms; set them there with `sensor_fit = "HORIZONTAL"` to see the same view.

        `from_blender(**camera.to_blender()._asdict())` are the same cameras.

        Args:
            size: (H, W) of the image in pixels; None is the camera's own.
            sensor_width: in millimetres.

        Raises:
            ValueError: no size, a distortion, or a camera that shows the world mirrored, as those of `look_at` do
                (`mirrored()` is its right-handed sister).

        >>> from gendr.render.camera import Camera
        >>> Camera.look_at(fov=40.0).mirrored().to_blender(size=(100, 200)).lens
        tensor([24.7273], dtype=torch.float64)
        """
        sensor_width = _check.number("sensor_width", sensor_width, 0.0, open_low=True)
        height, width = self._size(size)
        self._no_distortion()
        scale, center = self._intrinsics()
        rotation, _ = self._rigid((1.0, 1.0, -1.0))
        last = rotation.new_tensor([0.0, 0.0, 0.0, 1.0]).expand(len(self), 1, 4)
        matrix = torch.cat((torch.cat((rotation.mT, self.eye[:, :, None]), 2), last), 1)
        aspect = scale[:, 0] / scale[:, 1]
        focal = scale[:, 0] * (height / (2.0 * width))  # in widths
        perspective = self.projection == "perspective"
        return BlenderCamera(
            matrix,
            (height, width),
            focal * sensor_width if perspective else None,
            None if perspective else 1.0 / focal,
            sensor_width,
            "HORIZONTAL",
            -center[:, 0] * (height / (2.0 * width)),
            -center[:, 1] * aspect * (height / (2.0 * width)),
            aspect,
        )


def _pose(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Rotation and eye of camera-to-world matrices, the axes' lengths taken away."""
    if not close(matrix[:, 3], (0.0, 0.0, 0.0, 1.0)):
        _check.fail("matrix_world", "a last row of (0, 0, 0, 1)", "another one (transposed?)")
    axes = matrix[:, :3, :3]
    lengths = torch.linalg.vector_norm(axes, dim=1, keepdim=True)
    positive("matrix_world's scale", lengths)
    rotation = (axes / lengths).mT
    rigid("matrix_world", rotation)
    return flipped((1.0, 1.0, -1.0), rotation), matrix[:, :3, 3]
