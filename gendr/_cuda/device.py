"""The compiled module, where a call runs, and errors that come late.

What the kernels find wrong in a tensor's values they write into a few numbers of pinned memory, which the next call
reads: an error of one call is raised by the next one, or by `raise_reported` with `wait=True`. Until then images and
gradients are finite, and the culprit's part is left out of them.
"""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType
from typing import Any, NoReturn

import torch
from torch import Tensor

from gendr._ops.library import require_in

REPORTS = {
    "face_vertices": "finite values, got NaN or infinity",
    "tau": "values in [1e-30, 1e+30], got others",
    "shift": "a value in [-1e+06, 1e+06], got another",
    "p": "a finite value, got NaN or infinity",
    "a gradient": "finite values, got NaN or infinity",
    "gamma": "a value in [1e-30, 1e+30], got another",
    "attributes": "finite values, got NaN or infinity",
    "uvs": "finite values, got NaN or infinity",
    "texels": "finite values, got NaN or infinity",
    "maps, map_of_face": "maps within the texels, and faces' maps among them, got others",
    "background": "finite values, got NaN or infinity",
    "lights": "finite values, got NaN or infinity",
    "shade": "finite values, got NaN or infinity",
    "camera": "finite values, got NaN or infinity",
    "vertices": "finite values, got NaN or infinity",
}
"""What each of the kernels' reports says, in the order of their codes."""

RANGES = {"tau": (1e-30, 1e30), "shift": (-1e6, 1e6), "gamma": (1e-30, 1e30)}
"""Of the values that have one."""

library = torch.library.Library("gendr", "IMPL")
_kernels: ModuleType | None = (
    importlib.import_module("gendr._kernels_cuda") if importlib.util.find_spec("gendr._kernels_cuda") else None
)
_status: dict[torch.device, Tensor] = {}


def is_built() -> bool:
    """Whether this build of gendr has kernels for GPUs: it was compiled where nvcc was found.

    >>> is_built() or not is_available()
    True
    """
    return _kernels is not None


def is_available() -> bool:
    """Whether they can run here: there is a driver and a device, and torch can use it.

    >>> is_available() and not torch.cuda.is_available()
    False
    """
    return _kernels is not None and torch.cuda.is_available() and bool(_kernels.cuda_available())


def require(device: torch.device) -> None:
    """Raise unless the kernels exist for tensors on this device.

    Raises:
        ValueError: this build has no GPU kernels.
    """
    if _kernels is None:
        _refuse(device)


def kernels(device: torch.device) -> Any:
    """The compiled module; raises as `require` does."""
    require(device)
    return _kernels


def raise_reported(device: torch.device, *, wait: bool = False) -> None:
    """Raise what earlier calls on this device found wrong in the values of their tensors.

    Args:
        device: a CUDA device.
        wait: first wait for what is still running on the current stream.

    Raises:
        ValueError: an argument of an earlier call was not finite or out of range.
    """
    if wait:
        torch.cuda.current_stream(device).synchronize()
    status = _status.get(device)
    if status is None or not bool(status.any()):
        return
    first = next(name for name, code in zip(REPORTS, status.tolist(), strict=True) if code)
    status.zero_()
    raise ValueError(f"{first}: expected {REPORTS[first]}, in a call on {device} before this one")


def validate(**values: Tensor) -> None:
    """Look at tensors now, which waits for the device that holds them.

    Raises:
        ValueError: a value is not finite or out of its range.

    >>> validate(tau=torch.tensor([0.1]))
    """
    for name, value in values.items():
        bad = torch.isfinite(value).logical_not().flatten().nonzero()
        if len(bad):
            index = [int(i) for i in torch.unravel_index(bad[0, 0], value.shape)]
            raise ValueError(f"{name}: expected finite values, got {value.flatten()[bad[0, 0]].item()} at {index}")
    for name in RANGES.keys() & values.keys():
        require_in(name, values[name], *RANGES[name])


def status_of(device: torch.device) -> Tensor:
    """Where the kernels of a device report to: int32, one number for each of `REPORTS`, in memory both can reach."""
    if device not in _status:
        _status[device] = torch.zeros(len(REPORTS), dtype=torch.int32, pin_memory=device.type == "cuda")
    return _status[device]


def workspace(size: int, device: torch.device) -> Tensor:
    """Bytes on the device. What is freed goes back to the stream, not to others that run beside it."""
    return torch.empty(size, dtype=torch.uint8, device=device)


def place(device: torch.device, space: Tensor, faces_per_pass: int) -> Any:
    """Device, current stream and workspace of a call."""
    stream = torch.cuda.current_stream(device).cuda_stream if device.type == "cuda" else 0
    index = device.index or 0
    return kernels(device).Place(device=index, stream=stream, workspace=space.data_ptr(), faces_per_pass=faces_per_pass)


def to_device(small: Tensor, device: torch.device) -> Tensor:
    """A small tensor of the host's on the device, copied without waiting for it."""
    if small.device == device:
        return small
    return (small.pin_memory() if device.type == "cuda" else small).to(device, non_blocking=True)


def _refuse(device: torch.device) -> NoReturn:
    raise ValueError(
        f"face_vertices: expected a tensor on the CPU, got one on {device}, for which this build of gendr has no "
        "kernels: nvcc was not found when it was compiled; compile it again, move the tensor, or use "
        "backend='reference'"
    )
