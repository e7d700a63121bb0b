"""The top-k kernel as a torch operator, and the autograd function over it.

One call gives the label's mass and its gradient in the scores: what the backward pass needs is the forward pass's own
work, and the loss is one number a sample.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gendr import _check, _kernels
from gendr._ops import DISTRIBUTIONS
from gendr._threads import get_num_threads


class MassOptions(NamedTuple):
    """What a call fixes besides its tensors, in the order of the operator's schema."""

    distribution: str
    scale: float
    ranked: int  # how many of the highest scores go through the network


_library = torch.library.Library("gendr", "FRAGMENT")
_library.define(
    "topk_mass(Tensor scores, Tensor labels, Tensor weights, Tensor pairs, Tensor starts, str distribution, "
    "float scale, SymInt ranked, bool wants_gradient) -> (Tensor, Tensor)"
)


def label_mass(
    scores: Tensor, labels: Tensor, weights: Tensor, pairs: Tensor, starts: Tensor, options: MassOptions
) -> Tensor:
    """`sum_r weights[:, r] P[r, label]` of each sample, `[B]`, by the kernel; differentiable once, in `scores`."""
    wants_gradient = scores.requires_grad and torch.is_grad_enabled()
    mass: Tensor = LabelMass.apply(scores, labels, weights, pairs, starts, options, wants_gradient)[0]  # type: ignore[no-untyped-call]
    return mass


def _topk_mass_cpu(
    scores: Tensor, labels: Tensor, weights: Tensor, pairs: Tensor, starts: Tensor, *raw: Any
) -> tuple[Tensor, Tensor]:
    *some, wants_gradient = raw
    options = MassOptions(*some)
    rows, name = scores.contiguous(), _check.dtype_name(scores.dtype)
    batch, classes = rows.shape
    mass = rows.new_empty(batch)
    gradient = rows.new_empty(batch if wants_gradient else 0, classes)
    settings = _kernels.TopkSettings(
        distribution=DISTRIBUTIONS.index(options.distribution),
        scale=options.scale,
        batch=batch,
        classes=classes,
        ranked=options.ranked,
        ranks=weights.shape[1],
        layers=len(starts) - 1,
    )
    tensors = [rows, labels.contiguous(), weights.contiguous(), pairs.contiguous(), starts.contiguous(), mass]
    addresses = [*(t.data_ptr() for t in tensors), gradient.data_ptr() if wants_gradient else 0]
    getattr(_kernels, f"topk_mass_{name}")(settings, addresses, get_num_threads())
    return mass, gradient


def _topk_mass_fake(scores: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    gradient = scores.new_empty(scores.shape[0] if rest[-1] else 0, scores.shape[1])
    return scores.new_empty(scores.shape[0]), gradient


_NO_DERIVATIVE = (
    "gendr kernels: no second derivatives, no forward mode, and no derivative of the raw operators; call "
    "TopKLoss(..., backend='reference') for those"
)


def _refusing_gradients(operator: Any) -> Callable[..., Any]:
    """The operator's autograd kernel: torch would hand out silent zeros, this raises."""

    def call(*args: Any) -> Any:
        if torch.is_grad_enabled() and any(isinstance(a, Tensor) and a.requires_grad for a in args):
            raise RuntimeError(_NO_DERIVATIVE)
        with torch._C._AutoDispatchBelowAutograd():
            return operator(*args)

    return call


_library.impl("topk_mass", _topk_mass_cpu, "CPU")
_library.impl("topk_mass", _refusing_gradients(torch.ops.gendr.topk_mass.default), "Autograd")
torch.library.register_fake("gendr::topk_mass", _topk_mass_fake, lib=_library)


class LabelMass(torch.autograd.Function):
    """The mass, with the gradient that came along with it."""

    @staticmethod
    def forward(*args: Any) -> tuple[Tensor, Tensor]:
        """Call the operator."""
        *tensors, options, wants_gradient = args
        mass, gradient = torch.ops.gendr.topk_mass(*tensors, *options, wants_gradient)
        return mass, gradient

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        """Keep the gradient; and the scores, on which it depends, for the refusal to be heard."""
        ctx.save_for_backward(output[1], inputs[0])
        ctx.mark_non_differentiable(output[1])

    @staticmethod
    def backward(ctx: Any, grad_mass: Tensor, _grad_gradient: Tensor) -> tuple[Any, ...]:
        """Scale the gradient, in a way that refuses to be differentiated again."""
        gradient, scores = ctx.saved_tensors
        compiling = torch.compiler.is_compiling()
        scaled = _scale(grad_mass, gradient) if compiling else _Scaled.apply(grad_mass, gradient, scores)  # type: ignore[no-untyped-call]
        return scaled, None, None, None, None, None, None

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], *args: Any) -> tuple[tuple[Tensor, Tensor], tuple[int, int]]:
        """Fold the mapped dimension into the batch."""
        size, folded = info.batch_size, []
        if in_dims[3] is not None or in_dims[4] is not None:
            raise RuntimeError("gendr kernels: the network itself cannot be mapped over")
        for tensor, dim in zip(args[:3], in_dims[:3], strict=True):
            mapped = tensor.expand(size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
            folded.append(mapped.reshape(size * mapped.shape[1], *mapped.shape[2:]))
        mass, gradient = LabelMass.apply(*folded, *args[3:])  # type: ignore[no-untyped-call]
        return (mass.reshape(size, -1), gradient.reshape(size, -1, gradient.shape[-1])), (0, 0)


def _scale(grad_mass: Tensor, gradient: Tensor) -> Tensor:
    return grad_mass.unsqueeze(-1) * gradient


class _Scaled(torch.autograd.Function):
    """The product, which raises where torch would take the gradient for a constant."""

    generate_vmap_rule = True

    @staticmethod
    def forward(grad_mass: Tensor, gradient: Tensor, scores: Tensor) -> Tensor:
        return _scale(grad_mass, gradient)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Nothing to keep."""

    @staticmethod
    def backward(ctx: Any, *_grads: Tensor) -> tuple[Any, ...]:
        raise RuntimeError(_NO_DERIVATIVE)
