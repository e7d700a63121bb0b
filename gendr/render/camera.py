"""Where the eye is and how the scene lands on the image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gendr import _check
from gendr._types import Vertices

PROJECTIONS = ("perspective", "orthographic")
MIN_DEPTH = 1e-6

Number = int | float | Tensor
Point = Sequence[int | float] | Tensor


@dataclass(frozen=True, eq=False)
class Camera:
    r"""A batch of `B` cameras: `(x, y, z) = rotation (p - eye)`, NDC `scale x / z`, `scale y / z`, depth `z`.

    The camera looks along +z, x is right and y is up in the image; NDC is [-1, 1] over the image's height. See
    `docs/cameras.md` and its picture of the axes. A plain value object: to change it, make another.

    Attributes:
        rotation: [B, 3, 3], rows are the camera's x, y and z axes in world coordinates. `look_at` gives determinant +1;
            -1 shows a scene modelled in right-handed coordinates unmirrored.
        eye: [B, 3] in world coordinates.
        scale: [B]; perspective: `1 / tan(half angle)`; orthographic: NDC units per world unit.
        projection: `"perspective"` or `"orthographic"` (NDC `scale x`, `scale y`).

    Raises:
        TypeError, ValueError: wrong shapes, or the dtypes or devices of the tensors differ.

    >>> camera = Camera.look_at(distance=2.0, elevation=90.0, half_angle=45.0)
    >>> camera.project(torch.tensor([[0.0, 0.0, 0.0], [0.5, 0.0, 0.0], [0.0, 0.0, 0.5]]))
    tensor([[[0.0000, 0.0000, 2.0000],
             [0.2500, 0.0000, 2.0000],
             [0.0000, 0.2500, 2.0000]]])
    """

    rotation: Float[Tensor, "B 3 3"]
    eye: Float[Tensor, "B 3"]
    scale: Float[Tensor, " B"]
    projection: str = "perspective"

    def __post_init__(self) -> None:
        _check.tensor("rotation", self.rotation, ("B", 3, 3))
        _check.tensor("eye", self.eye, (len(self.rotation), 3), (self.rotation.dtype,))
        _check.tensor("scale", self.scale, (len(self.rotation),), (self.rotation.dtype,))
        _check.choice("projection", self.projection, PROJECTIONS)
        if not self.rotation.device == self.eye.device == self.scale.device:
            _check.fail("eye, scale", f"the rotation's device {self.rotation.device}", f"{self.eye.device}")

    @staticmethod
    def look_at(
        distance: Number = 2.732,
        elevation: Number = 0.0,
        azimuth: Number = 0.0,
        *,
        fov: Number | None = None,
        half_angle: Number | None = None,
        at: Point = (0.0, 0.0, 0.0),
        up: Point = (0.0, 1.0, 0.0),
        projection: str = "perspective",
        scale: Number | None = None,
    ) -> Camera:
        r"""Look at a point from a distance, an elevation and an azimuth: the published convention of GenDR.

        `eye = at + d (cos E sin A, sin E, -cos E cos A)`, `z = unit(at - eye)`, `x = unit(up x z)`, `y = z x x`.

        Where the view axis is parallel to `up` (to within the square root of the machine epsilon) `up x z` says
        nothing, and the direction in which the elevation grows, `(-sin E sin A, cos E, sin E cos A)`, takes the place
        of `up`. With the default `up` that is the limit from |E| < 90: at the poles the picture does not jump.

        Angles are in degrees. Numbers give one camera, kept in float64; tensors may be 0-dim or [B] (points [3] or
        [B, 3]), broadcast against each other, give the camera their dtype, and are differentiable, all of them.

        Args:
            distance: `d` in (0, inf), from the eye to `at`.
            elevation: `E`, any angle; positive is above. Beyond +-90 the cross product keeps the image upright.
            azimuth: `A`, any angle.
            fov: full angle of view over the image's height, in (0, 180); the same as `half_angle = fov / 2`.
            half_angle: in (0, 90). Give this or `fov`, not both; with neither it is 15, as in the published protocols.
            at: the point in the image's middle.
            up: the direction that is up in the image, of any length but 0.
            projection: `"perspective"` or `"orthographic"`.
            scale: orthographic only: NDC units per world unit, in (0, inf); 1 when not given.

        Raises:
            TypeError: an argument is neither a number nor a float tensor.
            ValueError: a value out of its range, shapes that do not broadcast to one batch, `fov` and `half_angle`
                together, an angle of view with an orthographic camera, or `scale` with a perspective one.

        Source: Petersen et al., "GenDR: a generalized differentiable renderer", CVPR 2022, its published code.

        >>> Camera.look_at(distance=2.0, elevation=torch.tensor([0.0, 30.0]), fov=30.0).eye
        tensor([[ 0.0000,  0.0000, -2.0000],
                [ 0.0000,  1.0000, -1.7321]])
        """
        _check.choice("projection", projection, PROJECTIONS)
        zoom_name, zoom, zoom_end = _zoom(projection, fov, half_angle, scale)
        values = {"distance": distance, "elevation": elevation, "azimuth": azimuth, zoom_name: zoom, "at": at, "up": up}
        tensors = _broadcast(values)
        for name, value in tensors.items():
            low = 0.0 if name in ("distance", zoom_name) else -math.inf
            _check_range(name, value, low, zoom_end if name == zoom_name else math.inf)
        _check_range("up's length", torch.linalg.vector_norm(tensors["up"].detach(), dim=-1), 0.0, math.inf)

        direction, upward = _directions(torch.deg2rad(tensors["elevation"]), torch.deg2rad(tensors["azimuth"]))
        zoom = tensors[zoom_name]
        if projection == "perspective":
            zoom = 1.0 / torch.tan(torch.deg2rad(zoom / 2.0 if zoom_name == "fov" else zoom))
        eye = tensors["at"] + tensors["distance"][:, None] * direction
        return Camera(_axes(-direction, tensors["up"], upward), eye, zoom, projection)

    def project(self, vertices: Vertices) -> Float[Tensor, "B V 3"]:
        r"""Project points: NDC x (right) and y (up), and the depth z along the view axis.

        A point at or behind the camera's plane has no image. Its true depth (0 or negative) is returned, and x and y
        are divided by `MIN_DEPTH` = 1e-6 in place of depths below it, so that values and gradients stay finite (for
        coordinates up to 1e25 in float32); the rasterizer drops faces with a vertex nearer than `near`, so nothing is
        drawn from them.

        Args:
            vertices: [V, 3] or [B, V, 3] in world coordinates; a batch of one, of cameras or of vertices, is broadcast.

        Returns:
            [B, V, 3] in the dtype of `vertices` (the camera is rounded to it), differentiable in vertices and camera.

        Raises:
            TypeError, ValueError: wrong shape or dtype, batches that do not match, or another device than the camera's.
        """
        _check.tensor("vertices", vertices, ("*", "V", 3))
        batch = vertices.shape[0] if vertices.ndim == 3 else 1
        if vertices.ndim > 3 or (batch != len(self) and 1 not in (batch, len(self))):
            _check.fail("vertices", f"[V, 3] or [B, V, 3] for {len(self)} cameras", vertices)
        if vertices.device != self.eye.device:
            _check.fail("vertices", f"the camera's device {self.eye.device}", f"{vertices.device}")
        camera = self.to(vertices.dtype)
        # Coordinates as rows [B, 3, V] until the end: a third faster than [B, V, 3], forward and backward.
        local = camera.rotation @ (vertices.mT - camera.eye[:, :, None])
        plane, depth = local.tensor_split((2,), 1)
        factor = camera.scale[:, None, None]
        if self.projection == "perspective":
            factor = factor / depth.clamp_min(MIN_DEPTH)
        return torch.cat((plane * factor, depth), 1).mT

    def to(self, target: torch.dtype | torch.device | str) -> Camera:
        """Return the same cameras in another dtype or on another device; itself when nothing changes."""
        moved = self.eye.to(target)
        if moved is self.eye:
            return self
        return Camera(self.rotation.to(target), moved, self.scale.to(target), self.projection)

    def __len__(self) -> int:
        return len(self.eye)

    def __getitem__(self, index: int | slice | Tensor) -> Camera:
        chosen = slice(index, index + 1 or None) if isinstance(index, int) else index
        if isinstance(index, int) and not -len(self) <= index < len(self):
            raise IndexError(f"index: expected within {len(self)} cameras, got {index}")
        return Camera(self.rotation[chosen], self.eye[chosen], self.scale[chosen], self.projection)

    @staticmethod
    def cat(cameras: Sequence[Camera]) -> Camera:
        """Join cameras of one projection, dtype and device into one batch.

        Raises:
            ValueError: there are none, or their projections differ.
        """
        projections = sorted({camera.projection for camera in cameras})
        if len(projections) != 1:
            _check.fail("cameras", "at least one camera and one projection", f"projections {projections}")
        rotation, eye, scale = (torch.cat([getattr(c, n) for c in cameras]) for n in ("rotation", "eye", "scale"))
        return Camera(rotation, eye, scale, projections[0])


def _zoom(
    projection: str, fov: Number | None, half_angle: Number | None, scale: Number | None
) -> tuple[str, Number, float]:
    """Which of the three settings counts: its name, value and the end of its range."""
    if projection == "orthographic":
        for name, angle in (("fov", fov), ("half_angle", half_angle)):
            if angle is not None:
                _check.fail(name, "no angle of view with an orthographic camera (use scale)", angle)
        return "scale", 1.0 if scale is None else scale, math.inf
    if scale is not None:
        _check.fail("scale", "no scale with a perspective camera (use fov or half_angle)", scale)
    if fov is None:
        return "half_angle", 15.0 if half_angle is None else half_angle, 90.0
    if half_angle is not None:
        _check.fail("half_angle", "either fov or half_angle, not both", half_angle)
    return "fov", fov, 180.0


def _broadcast(values: dict[str, Number | Point]) -> dict[str, Tensor]:
    """Every value as a tensor [B], points as [B, 3], of one dtype and device."""
    given = {name: value for name, value in values.items() if isinstance(value, Tensor)}
    for name, value in given.items():
        _check.tensor(name, value, ("*", 3) if name in ("at", "up") else ("*",))
    dtype, device = torch.float64, torch.device("cpu")
    if given:
        first = next(iter(given.values()))
        dtype, device = first.dtype, first.device
        for value in given.values():
            dtype = torch.promote_types(dtype, value.dtype)
            if value.device != device:
                _check.fail(", ".join(given), "tensors on one device", f"{device} and {value.device}")
    tensors = {name: _as_tensor(name, value, dtype, device) for name, value in values.items()}
    shapes = {name: t.shape[:-1] if name in ("at", "up") else t.shape for name, t in tensors.items()}
    batch = max((shape[0] for shape in shapes.values() if shape), default=1, key=lambda size: (size != 1, size))
    for name, shape in shapes.items():
        if len(shape) > 1 or (shape and shape[0] not in (1, batch)) or not batch:
            _check.fail(name, f"a shape that broadcasts to a batch of {max(batch, 1)}", tensors[name])
    return {n: t.expand(batch, 3) if n in ("at", "up") else t.expand(batch) for n, t in tensors.items()}


def _as_tensor(name: str, value: Number | Point, dtype: torch.dtype, device: torch.device) -> Tensor:
    if isinstance(value, Tensor):
        return value.to(dtype)
    if name in ("at", "up"):
        if not isinstance(value, (list, tuple)) or len(value) != 3:
            _check.fail(name, "three numbers or a tensor [3] or [B, 3]", value)
        return torch.tensor([_check.number(name, entry) for entry in value], dtype=dtype, device=device)
    if not isinstance(value, (int, float)):
        raise TypeError(f"{name}: expected a number or a tensor, got {_check.describe(value)}")
    return torch.tensor(_check.number(name, value), dtype=dtype, device=device)


def _check_range(name: str, value: Tensor, low: float, high: float) -> None:
    """Refuse values outside the open range; not finite is outside."""
    smallest, largest = (bound.item() for bound in torch.aminmax(value.detach()))
    if not (low < smallest and largest < high):
        _check.fail(name, f"values in ({low:g}, {high:g})", f"{largest if low < smallest else smallest:g}")


def _directions(elevation: Tensor, azimuth: Tensor) -> tuple[Tensor, Tensor]:
    """Unit vectors [B, 3] from `at` to the eye, and along which that one moves when the elevation grows."""
    sin_e, cos_e, sin_a, cos_a = elevation.sin(), elevation.cos(), azimuth.sin(), azimuth.cos()
    outward = torch.stack((cos_e * sin_a, sin_e, -cos_e * cos_a), -1)
    upward = torch.stack((-sin_e * sin_a, cos_e, sin_e * cos_a), -1)
    return outward, upward


def _axes(z: Tensor, up: Tensor, fallback: Tensor) -> Tensor:
    """The camera's axes as rows [B, 3, 3]; `fallback`, perpendicular to `z`, replaces an `up` parallel to it."""
    right = torch.linalg.cross(up, z)
    with torch.no_grad():
        across, length = (torch.linalg.vector_norm(vector, dim=-1, keepdim=True) for vector in (right, up))
        parallel = across <= length * torch.finfo(z.dtype).eps ** 0.5
    right = torch.where(parallel, torch.linalg.cross(fallback, z), right)
    x = right / torch.linalg.vector_norm(right, dim=-1, keepdim=True)
    return torch.stack((x, torch.linalg.cross(z, x), z), -2)
