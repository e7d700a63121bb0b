"""The top-k kernel as a torch operator, and the autograd function over it.

One call gives the label's mass and its gradient in the scores: what the backward pass needs is the forward pass's own
work, and the loss is one number a sample.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from gendr import _check, _kernels
from gendr._ops import DISTRIBUTIONS
from gendr._ops.library import Operator, derives_once, differentiate_once, no_derivative, with_signature
from gendr._threads import get_num_threads


class MassOptions(NamedTuple):
    """What a call fixes besides its tensors, in the order of the operator's schema."""

    distribution: str
    scale: float
    ranked: int  # how many of the highest scores go through the network
    least_mass: float = 0.0  # above 0: -log(mass) instead, of a mass of at least this


def label_mass(
    scores: Tensor, labels: Tensor, weights: Tensor, pairs: Tensor, starts: Tensor, options: MassOptions
) -> Tensor:
    """`sum_r weights[:, r] P[r, label]` of each sample, `[B]`, or `-log` of it; differentiable once, in `scores`."""
    wants_gradient = scores.requires_grad and torch.is_grad_enabled()
    mass: Tensor = LabelMass.apply(scores, labels, weights, pairs, starts, options, wants_gradient)[0]  # type: ignore[no-untyped-call]
    return mass


def _topk_mass_cpu(
    scores: Tensor, labels: Tensor, weights: Tensor, pairs: Tensor, starts: Tensor, *raw: Any
) -> tuple[Tensor, Tensor, Tensor]:
    *some, wants_gradient = raw
    options = MassOptions(*some)
    rows, name = scores.contiguous(), _check.dtype_name(scores.dtype)
    batch, classes = rows.shape
    settings = _kernels.TopkSettings(
        distribution=DISTRIBUTIONS.index(options.distribution),
        scale=options.scale,
        batch=batch,
        classes=classes,
        ranked=options.ranked,
        ranks=weights.shape[1],
        layers=starts.shape[0] - 1,
        shared_weights=weights.shape[0] == 1,
        least_mass=options.least_mass,
    )
    mass, gradient, ranked = _outputs(rows, options.ranked, wants_gradient)
    tensors = [rows, labels.contiguous(), weights.contiguous(), pairs.contiguous(), starts.contiguous(), mass]
    addresses = [t.data_ptr() for t in tensors] + [t.data_ptr() if t.numel() else 0 for t in (gradient, ranked)]
    getattr(_kernels, f"topk_mass_{name}")(settings, addresses, get_num_threads())
    return mass, gradient, ranked


def _outputs(scores: Tensor, ranked: int, wants_gradient: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Mass `[B]`, its gradient in the ranked scores `[B, ranked]`, and which these are; empty where not wanted."""
    batch, classes = scores.shape
    gradient = scores.new_empty(batch if wants_gradient else 0, ranked)
    index = scores.new_empty(batch if wants_gradient and ranked < classes else 0, ranked, dtype=torch.int64)
    return scores.new_empty(batch), gradient, index


def _topk_mass_fake(scores: Tensor, *rest: Any) -> tuple[Tensor, Tensor, Tensor]:
    *_, ranked, _least_mass, wants_gradient = rest
    return _outputs(scores, ranked, wants_gradient)


def _topk_spread_cpu(grad: Tensor, gradient: Tensor, ranked: Tensor, classes: int) -> Tensor:
    batch, ranks = ranked.shape
    out = gradient.new_empty(batch, classes)
    tensors = (grad.to(gradient.dtype).contiguous(), gradient.contiguous(), ranked.contiguous(), out)
    spread = getattr(_kernels, f"topk_spread_{_check.dtype_name(gradient.dtype)}")
    spread(batch, classes, ranks, [t.data_ptr() for t in tensors], get_num_threads())
    return out


def _topk_spread_fake(grad: Tensor, gradient: Tensor, _ranked: Tensor, classes: int) -> Tensor:
    return gradient.new_empty(len(grad), classes)


_NO_DERIVATIVE = no_derivative("call TopKLoss(..., backend='reference') for those")
_topk_mass = Operator(
    "topk_mass(Tensor scores, Tensor labels, Tensor weights, Tensor pairs, Tensor starts, str distribution, "
    "float scale, SymInt ranked, float least_mass, bool wants_gradient) -> (Tensor, Tensor, Tensor)",
    _topk_mass_cpu,
    _topk_mass_fake,
    _NO_DERIVATIVE,
)
_topk_spread = Operator(
    "topk_spread(Tensor grad, Tensor gradient, Tensor ranked, SymInt classes) -> Tensor",
    _topk_spread_cpu,
    _topk_spread_fake,
    _NO_DERIVATIVE,
)


class LabelMass(torch.autograd.Function):
    """The mass, with the gradient that came along with it."""

    @staticmethod
    @with_signature
    def forward(*args: Any) -> tuple[Tensor, Tensor, Tensor]:
        """Call the operator."""
        *tensors, options, wants_gradient = args
        mass, gradient, ranked = _topk_mass(*tensors, *options, wants_gradient)
        return mass, gradient, ranked

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        """Keep the gradient; and the scores, on which it depends, for the refusal to be heard."""
        ctx.set_materialize_grads(False)  # of the other outputs
        ctx.save_for_backward(*output[1:], inputs[0])
        ctx.mark_non_differentiable(*output[1:])

    @staticmethod
    def backward(ctx: Any, grad_mass: Tensor | None, *_others: Tensor) -> tuple[Any, ...]:
        """Scale the gradient, in a way that refuses to be differentiated again."""
        if grad_mass is None:
            return (None,) * 7
        scale = _spread if derives_once() else _SpreadOnce.apply
        return scale(grad_mass, *ctx.saved_tensors), None, None, None, None, None, None

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], *args: Any) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
        """Fold the mapped dimension into the batch."""
        size, folded = info.batch_size, []
        if in_dims[3] is not None or in_dims[4] is not None:
            raise RuntimeError("gendr kernels: the network itself cannot be mapped over")
        for i, (tensor, dim) in enumerate(zip(args[:3], in_dims[:3], strict=True)):
            if i == 2 and dim is None and len(tensor) == 1:  # weights that all share
                folded.append(tensor)
                continue
            mapped = tensor.expand(size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
            if i == 2 and mapped.shape[1] == 1:
                mapped = mapped.expand(-1, folded[0].shape[0] // size, -1)
            folded.append(mapped.reshape(size * mapped.shape[1], *mapped.shape[2:]))
        outputs = LabelMass.apply(*folded, *args[3:])  # type: ignore[no-untyped-call]
        batch = folded[0].shape[0] // size
        parts = [o.reshape(size, batch if len(o) else 0, *o.shape[1:]) for o in outputs]
        return tuple(parts), (0, 0, 0)


def _spread(grad_mass: Tensor, gradient: Tensor, ranked: Tensor, scores: Tensor) -> Tensor:
    """The gradient in all scores, of those that were not ranked 0."""
    if not ranked.shape[0]:
        return grad_mass.unsqueeze(-1) * gradient
    spread: Tensor = _topk_spread(grad_mass, gradient, ranked, scores.shape[1])
    return spread


def _spread_vmap(info: Any, in_dims: tuple[int | None, ...], *args: Tensor) -> tuple[Tensor, int]:
    """Fold the mapped dimension into the batch."""
    pairs = zip(args, in_dims, strict=True)
    mapped = [a.expand(info.batch_size, *a.shape) if dim is None else a.movedim(dim, 0) for a, dim in pairs]
    spread: Tensor = _SpreadOnce.apply(*(a.flatten(0, 1) for a in mapped))
    return spread.reshape(mapped[3].shape), 0


_SpreadOnce = differentiate_once(_spread, _NO_DERIVATIVE, _spread_vmap)
