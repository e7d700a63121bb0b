"""The sorting operators on a GPU: tensors to addresses and back. Importing it registers them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gendr import _check
from gendr._cuda import device as _device
from gendr.sort._ops import SortOptions, empty_outputs, keywords, rows_shape


def sort_network(
    x: Tensor, weights: Tensor, pairs: Tensor, starts: Tensor, *raw: Any, units: int = 0
) -> tuple[Tensor, Tensor]:
    """What `torch.ops.gendr.sort_network` does on a device.

    Args:
        x: `[B, n]`; this and the others as for the operator.
        weights: of rows, or empty.
        pairs: of the network.
        starts: of the network.
        raw: the options.
        units: how many warps' vectors at once; 0 leaves it to the kernels.
    """
    options = SortOptions(*raw)
    x, weights = x.contiguous(), weights.contiguous()
    values, product = empty_outputs(x, options)
    tensors = (x, pairs, starts, weights, values, product)
    _call("forward", tensors, x, keywords(x, weights, pairs, starts, options), units)
    return values, product


def sort_network_backward(
    grad_values: Tensor,
    grad_product: Tensor,
    x: Tensor,
    weights: Tensor,
    pairs: Tensor,
    starts: Tensor,
    wants_weights: bool,
    *raw: Any,
    units: int = 0,
) -> tuple[Tensor, Tensor]:
    """What `torch.ops.gendr.sort_network_backward` does on a device; arguments as for `sort_network`."""
    options = SortOptions(*raw)
    x, weights = x.contiguous(), weights.contiguous()
    grad_x, grad_weights = torch.empty_like(x), x.new_zeros(rows_shape(x, options) if wants_weights else (0,))
    tensors = (x, pairs, starts, weights, grad_values.contiguous(), grad_product.contiguous(), grad_x, grad_weights)
    _call("backward", tensors, x, keywords(x, weights, pairs, starts, options), units)
    return grad_x, grad_weights


def _call(direction: str, tensors: tuple[Tensor, ...], x: Tensor, settings: dict[str, Any], units: int) -> None:
    if not x.shape[0]:
        return
    kernels, dtype = _device.kernels(x.device), _check.dtype_name(x.dtype)
    chosen = kernels.SortSettings(**settings)
    space = _device.workspace(
        getattr(kernels, f"sort_workspace_{dtype}")(chosen, direction == "backward", units), x.device
    )
    stream = torch.cuda.current_stream(x.device).cuda_stream if x.device.type == "cuda" else 0
    addresses = [t.data_ptr() if t.numel() else 0 for t in tensors]
    with torch.cuda.device(x.device) if x.device.type == "cuda" else torch.no_grad():
        getattr(kernels, f"sort_{direction}_{dtype}")(chosen, addresses, stream, space.data_ptr(), units)


_device.library.impl("sort_network", sort_network, "CUDA")
_device.library.impl("sort_network_backward", sort_network_backward, "CUDA")
