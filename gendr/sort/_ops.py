"""The sorting kernels as torch operators: fake kernels, one autograd function, vmap rules.

`sort_network` is what `apply_network` calls. All that the operators return is sample by sample, so that a mapped
dimension is simply more of the batch. The operators themselves (`torch.ops.gendr.*`) are not differentiable and say so.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from gendr import _check, _kernels
from gendr._ops.library import Operator, derives_once, differentiate_once, no_derivative, with_signature
from gendr._threads import get_num_threads

DISTRIBUTIONS: list[str] = _kernels.distribution_names()
PRODUCTS = ("none", "full", "first", "weights")
"""Of kernels/include/gendr/sort_network.h: values only; `P`; its first rows; given weights times `P`."""


class SortOptions(NamedTuple):
    """What a call fixes besides its tensors, in the order of the operators' schema."""

    product: int  # index into PRODUCTS
    rows: Any  # of the product: an int, or a symbol under a compiler
    distribution: str
    scale: float
    art: float


_OPTIONS = "int product, SymInt rows, str distribution, float scale, float art"


def sort_network(
    x: Tensor, weights: Tensor, pairs: Tensor, starts: Tensor, options: SortOptions
) -> tuple[Tensor, Tensor]:
    """Values `[B, n]` and product `[B, rows, n]`; differentiable once in `x` and `weights`.

    Args:
        x: `[B, n]`, float32 or float64.
        weights: `[1 or B, rows, n]` where the product is "weights", else empty.
        pairs: `[C, 2]` int32, of a `Network`.
        starts: `[L + 1]` int32.
        options: everything else.
    """
    outputs: tuple[Tensor, Tensor] = SortNetwork.apply(x, weights, pairs, starts, options)  # type: ignore[no-untyped-call]
    return outputs


def keywords(x: Tensor, weights: Tensor, pairs: Tensor, starts: Tensor, options: SortOptions) -> dict[str, Any]:
    """The kernels' settings of a call."""
    return {
        "distribution": DISTRIBUTIONS.index(options.distribution),
        "scale": options.scale,
        "art": options.art,
        "batch": x.shape[0],
        "wires": x.shape[1],
        "layers": len(starts) - 1,
        "comparators": len(pairs),
        "rows": options.rows,
        "product": options.product,
        "shared_weights": weights.shape[0] == 1,
    }


def _address(tensor: Tensor | None) -> int:
    return tensor.data_ptr() if tensor is not None and tensor.numel() else 0


def _threads(x: Tensor, pairs: Tensor, options: SortOptions) -> int:
    """More than one only where each has some 30 microseconds of work: waking a thread costs ten."""
    visits: int = x.shape[0] * len(pairs) * (1 + options.rows)  # some 0.3 ns each
    return max(1, min(get_num_threads(), visits // 100_000))


def _sort_network_cpu(x: Tensor, weights: Tensor, pairs: Tensor, starts: Tensor, *raw: Any) -> tuple[Tensor, Tensor]:
    options = SortOptions(*raw)
    x, weights = x.contiguous(), weights.contiguous()
    values, product = empty_outputs(x, options)
    if x.shape[0]:
        kernel = getattr(_kernels, f"sort_forward_{_check.dtype_name(x.dtype)}")
        addresses = [_address(t) for t in (x, pairs, starts, weights, values, product)]
        kernel(
            _kernels.SortSettings(**keywords(x, weights, pairs, starts, options)),
            addresses,
            _threads(x, pairs, options),
        )
    return values, product


def _sort_network_backward_cpu(
    grad_values: Tensor,
    grad_product: Tensor,
    x: Tensor,
    weights: Tensor,
    pairs: Tensor,
    starts: Tensor,
    wants_weights: bool,
    *raw: Any,
) -> tuple[Tensor, Tensor]:
    options = SortOptions(*raw)
    x, weights = x.contiguous(), weights.contiguous()
    grad_x, grad_weights = torch.empty_like(x), x.new_zeros(rows_shape(x, options) if wants_weights else (0,))
    if x.shape[0]:
        kernel = getattr(_kernels, f"sort_backward_{_check.dtype_name(x.dtype)}")
        tensors = (x, pairs, starts, weights, grad_values.contiguous(), grad_product.contiguous(), grad_x, grad_weights)
        addresses = [_address(t) for t in tensors]
        kernel(
            _kernels.SortSettings(**keywords(x, weights, pairs, starts, options)),
            addresses,
            _threads(x, pairs, options),
        )
    return grad_x, grad_weights


def rows_shape(x: Tensor, options: SortOptions) -> tuple[Any, ...]:
    """Of the product."""
    return (x.shape[0], options.rows, x.shape[1])


def empty_outputs(x: Tensor, options: SortOptions) -> tuple[Tensor, Tensor]:
    """Values and product, to be filled."""
    values = x.new_empty(x.shape)
    return values, x.new_empty(rows_shape(x, options))


def _sort_network_fake(x: Tensor, weights: Tensor, pairs: Tensor, starts: Tensor, *raw: Any) -> tuple[Tensor, Tensor]:
    return empty_outputs(x, SortOptions(*raw))


def _sort_network_backward_fake(
    grad_values: Tensor,
    grad_product: Tensor,
    x: Tensor,
    weights: Tensor,
    pairs: Tensor,
    starts: Tensor,
    wants_weights: bool,
    *raw: Any,
) -> tuple[Tensor, Tensor]:
    return x.new_empty(x.shape), x.new_empty(rows_shape(x, SortOptions(*raw)) if wants_weights else (0,))


_NO_DERIVATIVE = no_derivative("backend='reference' has all of them")
_sort_network = Operator(
    f"sort_network(Tensor x, Tensor weights, Tensor pairs, Tensor starts, {_OPTIONS}) -> (Tensor, Tensor)",
    _sort_network_cpu,
    _sort_network_fake,
    _NO_DERIVATIVE,
)
_sort_network_backward = Operator(
    "sort_network_backward(Tensor grad_values, Tensor grad_product, Tensor x, Tensor weights, Tensor pairs, "
    f"Tensor starts, bool wants_weights, {_OPTIONS}) -> (Tensor, Tensor)",
    _sort_network_backward_cpu,
    _sort_network_backward_fake,
    _NO_DERIVATIVE,
)


class SortNetwork(torch.autograd.Function):
    """Forward and backward operator joined: first derivatives, in reverse mode."""

    @staticmethod
    @with_signature
    def forward(
        x: Tensor, weights: Tensor, pairs: Tensor, starts: Tensor, options: SortOptions
    ) -> tuple[Tensor, Tensor]:
        """Call the operator."""
        values, product = _sort_network(x, weights, pairs, starts, *options)
        return values, product

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        """Keep the inputs only: the backward pass recomputes the rest."""
        *tensors, ctx.options = inputs
        ctx.save_for_backward(*tensors)
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(ctx: Any, grad_values: Tensor | None, grad_product: Tensor | None) -> tuple[Any, ...]:
        """Call the backward operator, so that differentiating its result raises."""
        x, weights, pairs, starts = ctx.saved_tensors
        if grad_values is None and grad_product is None:
            return None, None, None, None, None
        none = x.new_empty(0)
        wants_weights = ctx.needs_input_grad[1] and grad_product is not None
        call: Any = _sort_network_backward if derives_once() else FirstDerivatives.apply
        grad_x, grad_weights = call(
            none if grad_values is None else grad_values,
            none if grad_product is None else grad_product,
            *(x, weights, pairs, starts, wants_weights, *ctx.options),
        )
        if not wants_weights:
            return grad_x, None, None, None, None
        shared = weights.shape[0] == 1 and x.shape[0] != 1
        return grad_x, grad_weights.sum(0, keepdim=True) if shared else grad_weights, None, None, None

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], *args: Any) -> tuple[tuple[Tensor, Tensor], tuple[int, int]]:
        """Fold the mapped dimension into the batch."""
        x, weights, pairs, starts, options = args
        size = info.batch_size
        batch = x.shape[0] if in_dims[0] is None else x.movedim(in_dims[0], 0).shape[1]
        folded = (_folded(x, in_dims[0], size), _folded_weights(weights, in_dims[1], size, batch))
        values, product = SortNetwork.apply(*folded, pairs, starts, options)  # type: ignore[no-untyped-call]
        return (_unfolded(values, size), _unfolded(product, size)), (0, 0)


def _backward_vmap(info: Any, in_dims: tuple[Any, ...], *args: Any) -> tuple[tuple[Tensor, Tensor], tuple[int, int]]:
    grad_values, grad_product, x, weights, *rest = args
    size = info.batch_size
    batch = x.shape[0] if in_dims[2] is None else x.movedim(in_dims[2], 0).shape[1]
    pairs = zip((grad_values, grad_product), in_dims[:2], strict=True)
    grads = [_folded(g, d, size) if g.numel() else g for g, d in pairs]
    folded = (*grads, _folded(x, in_dims[2], size), _folded_weights(weights, in_dims[3], size, batch))
    grad_x, grad_weights = FirstDerivatives.apply(*folded, *rest)
    if not grad_weights.numel():
        return (_unfolded(grad_x, size), grad_weights.expand(size, *grad_weights.shape)), (0, 0)
    return (_unfolded(grad_x, size), _unfolded(grad_weights, size)), (0, 0)


FirstDerivatives = differentiate_once(_sort_network_backward, _NO_DERIVATIVE, _backward_vmap)
_sort_network_backward.batch(_backward_vmap)


def _folded(tensor: Tensor, dim: int | None, size: int) -> Tensor:
    """The mapped dimension as a part of the first."""
    mapped = tensor.expand(size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
    return mapped.reshape(size * mapped.shape[1], *mapped.shape[2:])


def _folded_weights(weights: Tensor, dim: int | None, size: int, batch: int) -> Tensor:
    """Weights that all share stay; others become those of each sample."""
    if dim is None and (weights.shape[0] == 1 or not weights.numel()):
        return weights
    mapped = weights.expand(size, *weights.shape) if dim is None else weights.movedim(dim, 0)
    mapped = mapped.expand(size, batch if weights.numel() else mapped.shape[1], *mapped.shape[2:])
    return mapped.reshape(size * mapped.shape[1], *mapped.shape[2:])


def _unfolded(tensor: Tensor, size: int) -> Tensor:
    return tensor.reshape(size, tensor.shape[0] // size, *tensor.shape[1:])
