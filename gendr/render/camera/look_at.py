"""Cameras by distance, elevation and azimuth: the published convention."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from typing_extensions import Self

from gendr import _check
from gendr._autocast import in_single_precision
from gendr.distributions._values import at_hand
from gendr.render.camera.model import PROJECTIONS, CameraModel

Number = int | float | Tensor
Point = Sequence[int | float] | Tensor


class LookAt(CameraModel):
    """`Camera.look_at`."""

    @classmethod
    @in_single_precision
    def look_at(
        cls,
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
    ) -> Self:
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

        >>> from gendr.render.camera import Camera
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
        return cls(_axes(-direction, tensors["up"], upward), eye, zoom, projection)


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
    sizes = [shape[0] for shape in shapes.values() if shape]
    several = [size for size in sizes if size != 1]
    batch = max(several) if several else 1
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
        return torch.stack([torch.full((), _check.number(name, x), dtype=dtype, device=device) for x in value])
    if not isinstance(value, (int, float)):
        raise TypeError(f"{name}: expected a number or a tensor, got {_check.describe(value)}")
    return torch.full((), _check.number(name, value), dtype=dtype, device=device)


def _check_range(name: str, value: Tensor, low: float, high: float) -> None:
    """Refuse values outside the open range, where they can be seen without waiting; not finite is outside."""
    if not at_hand(value):
        return
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
