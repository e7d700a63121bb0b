"""The camera's numbers and the way of a point through them: world, camera space, image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import Self

from gendr import _check
from gendr._autocast import in_single_precision, single_fields
from gendr._types import Vertices
from gendr.render.camera.distortion import Distortion

PROJECTIONS = ("perspective", "orthographic")
MIN_DEPTH = 1e-6


@dataclass(frozen=True, eq=False)
class CameraModel:
    """What a camera is and does; `Camera`, which says what the fields mean, adds the ways to make one."""

    rotation: Float[Tensor, "B 3 3"]
    eye: Float[Tensor, "B 3"]
    scale: Float[Tensor, " B"] | Float[Tensor, "B 2"]
    projection: str = "perspective"
    center: Float[Tensor, "B 2"] | None = None
    distortion: Distortion | None = None
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        single_fields(self, "rotation", "eye", "scale", "center")
        _check.tensor("rotation", self.rotation, ("B", 3, 3))
        batch, dtypes = len(self.rotation), (self.rotation.dtype,)
        _check.tensor("eye", self.eye, (batch, 3), dtypes)
        per_axis = isinstance(self.scale, Tensor) and self.scale.ndim == 2
        _check.tensor("scale", self.scale, (batch, 2) if per_axis else (batch,), dtypes)
        if self.center is not None:
            _check.tensor("center", self.center, (batch, 2), dtypes)
        _check.choice("projection", self.projection, PROJECTIONS)
        if self.distortion is not None:
            if self.projection == "orthographic":
                _check.fail("distortion", "none with an orthographic camera", self.distortion)
            coefficients = self.distortion.coefficients
            _check.tensor("distortion", coefficients, (batch, coefficients.shape[1]), dtypes)
        if self.size is not None:
            image_size("size", self.size)
        for name, value in (
            ("eye", self.eye),
            ("scale", self.scale),
            ("center", self.center),
            ("distortion", self.distortion),
        ):
            value = value.coefficients if isinstance(value, Distortion) else value
            if value is not None and value.device != self.rotation.device:
                _check.fail(name, f"the rotation's device {self.rotation.device}", f"{value.device}")

    @in_single_precision
    def to_camera(self, vertices: Vertices) -> Float[Tensor, "B V 3"]:
        r"""Take points of the world to camera space: `rotation (p - eye)`, x right, y up, z forward.

        Args:
            vertices: [V, 3] or [B, V, 3] in world coordinates; a batch of one, of cameras or of vertices, is broadcast.

        Returns:
            [B, V, 3] in world units and in the dtype of `vertices`, differentiable in vertices and camera. z is the
            depth along the view axis: 0 in the plane of the eye, negative behind it.

        Raises:
            TypeError, ValueError: wrong shape or dtype, batches that do not match, or another device than the camera's.

        >>> from gendr.render.camera import Camera
        >>> Camera.look_at(distance=2.0).to_camera(torch.tensor([[0.0, 0.5, 0.0], [0.0, 0.0, -3.0]]))
        tensor([[[ 0.0000,  0.5000,  2.0000],
                 [ 0.0000,  0.0000, -1.0000]]])
        """
        _check.tensor("vertices", vertices, ("*", "V", 3))
        if vertices.ndim > 3:
            _check.fail("vertices", f"[V, 3] or [B, V, 3] for {len(self)} cameras", vertices)
        return self._local("vertices", vertices).mT

    @in_single_precision
    def to_image(self, points: Float[Tensor, "*B V 3"]) -> Float[Tensor, "*C V 3"]:
        r"""Take points of camera space to the image: NDC x (right) and y (up), and the depth z as it is.

        Perspective: `(x, y) = scale · (X / Z, Y / Z) + center`, with `(X / Z, Y / Z)` distorted first where the camera
        has a lens; orthographic: `scale · (X, Y) + center`. Between `to_camera` and this is the place to clip faces at
        the near plane.

        A point at or behind the camera's plane has no image. Its x and y are divided by `MIN_DEPTH` = 1e-6 in place of
        depths below it, so that values and gradients stay finite (for coordinates up to 1e25 in float32).

        Args:
            points: [V, 3] or [B, ..., 3], for example corners of faces [B, F, 3, 3]; a batch of one is broadcast.

        Returns:
            [B, ..., 3] in the dtype of `points`, differentiable in points and camera.

        Raises:
            TypeError, ValueError: wrong shape or dtype, batches that do not match, or another device than the camera's.

        >>> from gendr.render.camera import Camera
        >>> Camera.look_at(half_angle=45.0).to_image(torch.tensor([[1.0, 0.5, 2.0], [0.0, 0.0, -1.0]]))
        tensor([[[ 0.5000,  0.2500,  2.0000],
                 [ 0.0000,  0.0000, -1.0000]]])
        """
        _check.tensor("points", points, ("*", "V", 3))
        batched = self._batched("points", points)
        rows = batched.reshape(len(batched), -1, 3).mT
        image = self.to(points.dtype)._image(rows).mT
        return image.reshape(len(image), *batched.shape[1:])

    @in_single_precision
    def project(self, vertices: Vertices) -> Float[Tensor, "B V 3"]:
        r"""Project points: `to_image(to_camera(vertices))`, NDC x (right) and y (up), and the depth z.

        A point at or behind the camera's plane has no image, and what is said in `to_image` holds for it: its true
        depth (0 or negative) is returned, values and gradients are finite. The rasterizer drops faces with a vertex
        nearer than `near`, so nothing is drawn from them.

        Args:
            vertices: [V, 3] or [B, V, 3] in world coordinates; a batch of one, of cameras or of vertices, is broadcast.

        Returns:
            [B, V, 3] in the dtype of `vertices` (the camera is rounded to it), differentiable in vertices and camera.

        Raises:
            TypeError, ValueError: wrong shape or dtype, batches that do not match, or another device than the camera's.

        >>> from gendr.render.camera import Camera
        >>> Camera.look_at(distance=2.0, half_angle=45.0).project(torch.tensor([[0.0, 0.5, 0.0]]))
        tensor([[[0.0000, 0.2500, 2.0000]]])
        """
        _check.tensor("vertices", vertices, ("*", "V", 3))
        if vertices.ndim > 3:
            _check.fail("vertices", f"[V, 3] or [B, V, 3] for {len(self)} cameras", vertices)
        camera = self.to(vertices.dtype)
        return camera._image(camera._local("vertices", vertices)).mT

    @in_single_precision
    def with_pose(
        self,
        rotation: Float[Tensor, "*B 3 3"] | None = None,
        eye: Float[Tensor, "*B 3"] | None = None,
    ) -> Self:
        r"""Return the same cameras in another place or turned another way, for poses that are optimised.

        `gendr.render.pose` makes rotations of parameters. They have determinant +1; to keep the handedness of a camera,
        multiply: `camera.with_pose(turn @ camera.rotation)` turns it about its own axes.

        Args:
            rotation: [3, 3] or [B, 3, 3], as in `Camera`; None keeps it. A batch of one, of cameras, rotations or
                eyes, is broadcast. Where the dtypes differ, the cameras get the more precise one.
            eye: [3] or [B, 3]; None keeps it.

        Raises:
            TypeError, ValueError: wrong shapes, or devices that differ from the camera's.

        >>> from gendr.render.camera import Camera
        >>> Camera.look_at(torch.tensor(2.0)).with_pose(eye=torch.tensor([0.0, 1.0, -2.0])).eye
        tensor([[ 0.,  1., -2.]])
        """
        rotation = self.rotation if rotation is None else _check.tensor("rotation", rotation, ("*", 3, 3))
        eye = self.eye if eye is None else _check.tensor("eye", eye, ("*", 3))
        if rotation.ndim > 3 or eye.ndim > 2:
            _check.fail("rotation, eye", "[B, 3, 3] and [B, 3]", f"{list(rotation.shape)} and {list(eye.shape)}")
        dtype = torch.promote_types(self.eye.dtype, torch.promote_types(rotation.dtype, eye.dtype))
        pose = {"rotation": rotation.reshape(-1, 3, 3).to(dtype), "eye": eye.reshape(-1, 3).to(dtype)}
        values = self.to(dtype)._batch() | pose
        batch = max(map(len, values.values()))
        if any(len(value) not in (1, batch) for value in values.values()):
            _check.fail(
                "rotation, eye", f"a batch of {len(self)} or 1", f"{len(values['rotation'])}, {len(values['eye'])}"
            )
        return replace(self, **{name: _expanded(value, batch) for name, value in values.items()})

    def mirrored(self) -> Self:
        """Return the cameras whose images are these ones' turned left to right.

        Of a camera by `look_at`, which shows scenes of right-handed coordinates mirrored, this is the one that shows
        them as they are, and that other systems can take.

        >>> from gendr.render.camera import Camera
        >>> Camera.look_at(distance=2.0, half_angle=45.0).mirrored().project(torch.tensor([[0.5, 0.0, 0.0]]))
        tensor([[[-0.2500,  0.0000,  2.0000]]])
        """
        right, up, forward = self.rotation.unbind(1)
        changes: dict[str, Any] = {"rotation": torch.stack((-right, up, forward), 1)}
        if self.center is not None:
            changes["center"] = torch.stack((-self.center[:, 0], self.center[:, 1]), 1)
        if self.distortion is not None:
            changes["distortion"] = self.distortion.mirrored()
        return replace(self, **changes)

    def to(self, target: torch.dtype | torch.device | str) -> Self:
        """Return the same cameras in another dtype or on another device; itself when nothing changes."""
        if self.eye.to(target) is self.eye:
            return self
        return replace(self, **{name: value.to(target) for name, value in self._batch().items()})

    def __len__(self) -> int:
        return len(self.eye)

    def __getitem__(self, index: int | slice | Tensor) -> Self:
        chosen = slice(index, index + 1 or None) if isinstance(index, int) else index
        if isinstance(index, int) and not -len(self) <= index < len(self):
            raise IndexError(f"index: expected within {len(self)} cameras, got {index}")
        return replace(self, **{name: value[chosen] for name, value in self._batch().items()})

    @classmethod
    def cat(cls, cameras: Sequence[Self]) -> Self:
        """Join cameras of one projection, model of distortion, image size, dtype and device into one batch.

        Cameras without an image size take the others'; those without a distortion get a radial-tangential one of zeros
        beside others that have it.

        Raises:
            ValueError: there are none, or their projections, models of distortion or image sizes differ.

        >>> from gendr.render.camera import Camera
        >>> len(Camera.cat([Camera.look_at(), Camera.look_at(azimuth=90.0)]))
        2
        """
        projections = sorted({camera.projection for camera in cameras})
        if len(projections) != 1:
            _check.fail("cameras", "at least one camera and one projection", f"projections {projections}")
        sizes = sorted({camera.size for camera in cameras if camera.size is not None})
        if len(sizes) > 1:
            _check.fail("cameras", "one image size", f"sizes (H, W) {', '.join(map(str, sizes))}")
        scales = [camera.scale for camera in cameras]
        if any(scale.ndim == 2 for scale in scales):
            scales = [scale if scale.ndim == 2 else scale[:, None].expand(-1, 2) for scale in scales]
        center = None
        if any(camera.center is not None for camera in cameras):
            zeros = [camera.eye.new_zeros(len(camera), 2) for camera in cameras]
            center = torch.cat([zero if c.center is None else c.center for c, zero in zip(cameras, zeros, strict=True)])
        return cls(
            torch.cat([camera.rotation for camera in cameras]),
            torch.cat([camera.eye for camera in cameras]),
            torch.cat(scales),
            projections[0],
            center,
            _joined_lenses(cameras),
            sizes[0] if sizes else None,
        )

    def _batch(self) -> dict[str, Any]:
        """The fields that have an entry for each camera."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: value for name, value in values.items() if value is not None and name not in ("projection", "size")
        }

    def _batched(self, name: str, points: Tensor) -> Tensor:
        """Points with a batch dimension that fits the cameras, on their device."""
        batched = points if points.ndim > 2 else points[None]
        if len(batched) != len(self) and 1 not in (len(batched), len(self)):
            _check.fail(name, f"[V, 3] or [B, V, 3] for {len(self)} cameras", points)
        if points.device != self.eye.device:
            _check.fail(name, f"the camera's device {self.eye.device}", f"{points.device}")
        return batched

    def _local(self, name: str, vertices: Tensor) -> Tensor:
        """Camera space with coordinates as rows [B, 3, V]: a third faster than [B, V, 3], forward and backward."""
        camera = self.to(self._batched(name, vertices).dtype)
        return camera.rotation @ (vertices.mT - camera.eye[:, :, None])

    def _image(self, rows: Tensor) -> Tensor:
        """Rows [B, 3, V] of camera space to rows of NDC x, y and depth."""
        plane, depth = rows.tensor_split((2,), 1)
        factor = self.scale[:, :, None] if self.scale.ndim == 2 else self.scale[:, None, None]
        if self.distortion is not None:
            right, up = (plane / depth.clamp_min(MIN_DEPTH)).unbind(1)
            right, down = self.distortion.distort_xy(right, -up)
            plane = torch.stack((right, -down), 1)
        elif self.projection == "perspective":
            factor = factor / depth.clamp_min(MIN_DEPTH)
        plane = plane * factor
        if self.center is not None:
            plane = plane + self.center[:, :, None]
        return torch.cat((plane, depth.expand(len(plane), -1, -1)), 1)


def _expanded(value: Any, batch: int) -> Any:
    return value.expand(batch) if isinstance(value, Distortion) else value.expand(batch, *value.shape[1:])


def _joined_lenses(cameras: Sequence[CameraModel]) -> Distortion | None:
    given = [camera.distortion for camera in cameras if camera.distortion is not None]
    if not given:
        return None
    plain = [Distortion("radial-tangential", camera.eye.new_zeros(len(camera), 8)) for camera in cameras]
    return Distortion.cat([c.distortion or zeros for c, zeros in zip(cameras, plain, strict=True)])


def image_size(name: str, value: object) -> tuple[int, int]:
    """Return an image's (H, W) when it is two positive whole numbers."""
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        _check.fail(name, "(H, W), height and width in pixels", value)
    for entry in value:
        if isinstance(entry, bool) or not isinstance(entry, int) or entry < 1:
            _check.fail(name, "(H, W), two whole numbers >= 1", value)
    return value[0], value[1]
