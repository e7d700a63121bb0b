"""Derivatives of second and higher order that stay finite where they leave the range of the dtype."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class _Bounded(torch.autograd.Function):
    """The identity, whose gradient is 0 where it is not finite and a mask says so."""

    generate_vmap_rule = True

    @staticmethod
    def forward(a: Tensor, mask: Tensor) -> Tensor:
        return a.view_as(a)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(inputs[1])
        ctx.save_for_forward(inputs[1])

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor, None]:
        (mask,) = ctx.saved_tensors
        return torch.where(mask, torch.nan_to_num(grads[0], nan=0.0, posinf=0.0, neginf=0.0), grads[0]), None

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Tensor:
        return tangents[0].view_as(tangents[0])  # type: ignore[no-any-return]


def bounded(a: Tensor, q: Tensor) -> Tensor:
    """Return `a`, through which 0 flows back instead of inf or NaN where `a` or `q = 1 - a` is extreme.

    A `k`-th derivative grows like `a^(p - k)` and its parts like `a^-k`; from the second on they overflow below 1e-154
    in float64 and 1e-19 in float32. There a distribution's density is as small as `a`, so that the product, of the
    order of `a^p`, vanishes against the other inputs' derivatives. The first derivative never overflows. Inputs that
    are not extreme are left alone, so that a NaN that comes from the loss is still seen.
    """
    extreme = torch.minimum(a.detach(), q.detach()) < torch.finfo(a.dtype).tiny ** 0.25
    return _Bounded.apply(a, extreme)  # type: ignore[no-any-return, no-untyped-call]
