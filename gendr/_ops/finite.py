"""Tensors that reach an image past the kernels, whose values are looked at all the same."""

from __future__ import annotations

import torch
from torch import Tensor

from gendr._ops.library import Operator, nobody_listens, require_finite


def finite(name: str, values: Tensor) -> Tensor:
    """`values`, all of which are finite; differentiable any number of times.

    On the CPU others are refused here. On a GPU nobody waits to see: what is not finite counts as 0, with gradient 0,
    and a later call on the device raises.

    Args:
        name: of the argument, for errors, such as `lights[0].color`. On a GPU its first word must be one of
            `gendr._cuda.device.REPORTS`.
        values: of any shape, float32 or float64.

    Raises:
        ValueError: a NaN or an infinity, on the CPU.

    >>> finite("background", torch.tensor([0.5, 1.0]))
    tensor([0.5000, 1.0000])
    """
    if not torch.compiler.is_compiling() and nobody_listens((values,)):
        require_finite(name, values.detach().contiguous())
        return values
    return torch.where(_is_finite(values.detach(), name), values, 0.0)


def _is_finite_cpu(values: Tensor, name: str) -> Tensor:
    require_finite(name, values.contiguous())
    return torch.ones_like(values, dtype=torch.bool)


def is_finite_anywhere(values: Tensor, name: str) -> Tensor:
    """Which of `values` are finite, on devices without kernels of gendr's: the answer has to be waited for.

    Raises:
        ValueError: one is not.

    >>> is_finite_anywhere(torch.zeros(2), "background")
    tensor([True, True])
    """
    found = torch.isfinite(values)
    if not bool(found.all()):
        index = [int(i) for i in (~found).nonzero()[0]]
        raise ValueError(f"{name}: expected finite values, got {values[tuple(index)].item()} at {index}")
    return found


def _is_finite_fake(values: Tensor, name: str) -> Tensor:
    return torch.empty_like(values, dtype=torch.bool)


_is_finite = Operator("is_finite(Tensor values, str name) -> Tensor", _is_finite_cpu, _is_finite_fake)
_is_finite.elsewhere(is_finite_anywhere)
_is_finite.batch(lambda _info, in_dims, values, name: (_is_finite(values, name), in_dims[0]))
