"""What other systems call a camera, as tensors of one batch, dtype and device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gendr import _check

Numbers = Tensor | NDArray[Any] | Sequence[Any] | float | int
"""A float tensor, a numpy array, or (nested lists of) numbers."""


def as_tensor(name: str, value: Numbers) -> Tensor:
    """A tensor as it is, anything else in float64; its values are finite.

    Raises:
        TypeError: no numbers.
        ValueError: rows of different lengths, or values that are not finite.
    """
    if not isinstance(value, Tensor):
        try:
            array = np.asarray(value)
        except ValueError:
            _check.fail(name, "rows of one length", value)
        if array.dtype.kind not in "iuf":
            raise TypeError(f"{name}: expected numbers, got {_check.describe(value)}")
        value = torch.from_numpy(array.astype(np.float64))
    elif value.dtype not in _check.FLOATS:
        raise TypeError(f"{name}: expected a float32 or float64 tensor, got {_check.describe(value)}")
    if not bool(value.detach().isfinite().all()):
        _check.fail(name, "finite numbers", "others among them")
    return value


def as_batch(shapes: dict[str, tuple[int, ...]], values: dict[str, Numbers]) -> dict[str, Tensor]:
    """Values of given trailing shapes, alone or with a leading batch, as [B, ...] of one dtype and device.

    Tensors set dtype and device; without one they are float64 on the CPU.

    Raises:
        TypeError, ValueError: see `as_tensor`; wrong shapes, batches that do not match, or several devices.
    """
    given = {name: value for name, value in values.items() if isinstance(value, Tensor)}
    devices = {value.device for value in given.values()}
    if len(devices) > 1:
        _check.fail(", ".join(given), "tensors on one device", " and ".join(map(str, devices)))
    dtype = torch.float32 if given else torch.float64
    tensors: dict[str, Tensor] = {}
    for name, value in values.items():
        tensor, shape = as_tensor(name, value), shapes[name]
        if name in given:
            dtype = torch.promote_types(dtype, tensor.dtype)
        alone = tensor.ndim == len(shape)
        if tensor.ndim - len(shape) not in (0, 1) or tuple(tensor.shape[0 if alone else 1 :]) != shape:
            _check.fail(name, f"{list(shape)} or [B, {str(list(shape))[1:]}", tensor)
        tensors[name] = tensor[None] if alone else tensor
    batch = max((len(tensor) for tensor in tensors.values()), key=lambda size: (size != 1, size))
    for name, tensor in tensors.items():
        if len(tensor) not in (1, batch) or not batch:
            _check.fail(name, f"a batch of {max(batch, 1)}", tensor)
    device = devices.pop() if devices else torch.device("cpu")
    return {n: t.to(device, dtype).expand(batch, *t.shape[1:]) for n, t in tensors.items()}


def rigid(name: str, rotation: Tensor) -> None:
    """Refuse matrices [B, 3, 3] that are no rotations: not orthogonal to 1e-3, or mirroring.

    Raises:
        ValueError: see above.
    """
    fixed = rotation.detach()
    error = (fixed @ fixed.mT - torch.eye(3, dtype=fixed.dtype, device=fixed.device)).abs().max().item()
    if not error <= 1e-3:
        _check.fail(name, "a rotation, orthogonal to 1e-3", f"one that is off by {error:.2g}")
    if bool((torch.linalg.det(fixed) < 0.0).any()):
        _check.fail(name, "a rotation, of determinant 1", "a mirroring matrix, of determinant -1")


def flipped(signs: Sequence[float], matrix: Tensor) -> Tensor:
    """Rows of [B, 3, 3] with these signs: the same axes named otherwise."""
    return matrix * matrix.new_tensor(signs)[:, None]


def column(value: Numbers) -> Numbers:
    """A translation [3] or [B, 3], also where it came as a column [3, 1] or [B, 3, 1]."""
    shape = tuple(value.shape) if isinstance(value, Tensor) else np.shape(np.asarray(value, dtype=object))
    if len(shape) < 2 or shape[-2:] != (3, 1):
        return value
    return value[..., 0] if isinstance(value, Tensor) else np.asarray(value)[..., 0]


def per_axis(value: Numbers) -> Numbers:
    """Focal lengths [2] or [B, 2] from those for both axes, [] or [B] or [B, 1], or as they are, [B, 2]."""
    tensor = as_tensor("focal_length", value)
    if tensor.ndim > 1 and tensor.shape[-1] != 1:
        return value
    both = (tensor if tensor.ndim > 1 else tensor[..., None]).expand(*tensor.shape[:1], 2)
    return both if isinstance(value, Tensor) else both.numpy()


def positive(name: str, values: Tensor) -> None:
    """Refuse values that are not above 0.

    Raises:
        ValueError: see above.
    """
    if bool((values.detach() <= 0.0).any()):
        _check.fail(name, "values above 0", f"{values.detach().min().item():g}")


def close(rows: Tensor, wanted: Sequence[float]) -> bool:
    """Whether rows [B, n] are these numbers, but for the rounding of a matrix that was inverted or multiplied."""
    return bool(((rows.detach() - rows.new_tensor(wanted)).abs() <= 1e-6).all())
