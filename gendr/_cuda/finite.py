"""`gendr::is_finite` on a GPU: nobody waits for the answer, the next call raises what it was."""

from __future__ import annotations

import re

import torch
from torch import Tensor

from gendr._cuda import device as _device
from gendr._ops.finite import is_finite_anywhere


def is_finite(values: Tensor, name: str) -> Tensor:
    """Which of `values` are finite, bool of their shape; others are reported under the first word of the name.

    Without kernels for GPUs the answer is waited for, and others raise at once.

    Raises:
        ValueError: what an earlier call found, or, without kernels, a value that is not finite.
        RuntimeError: CUDA failed; the message names the kernel.
    """
    if not _device.is_built():
        return is_finite_anywhere(values, name)
    device = values.device
    _device.raise_reported(device)
    numbers = values.contiguous()
    marks = torch.empty_like(numbers, dtype=torch.bool)
    code = list(_device.REPORTS).index(re.split(r"[.\[]", name)[0])  # lights, of lights[0].color
    place = _device.place(device, marks, 0)
    _device.kernels(device).mark_finite(
        numbers.dtype == torch.float64,
        place,
        numbers.data_ptr(),
        numbers.numel(),
        marks.data_ptr(),
        code,
        _device.status_of(device).data_ptr(),
    )
    return marks


_device.library.impl("is_finite", is_finite, "CUDA")
