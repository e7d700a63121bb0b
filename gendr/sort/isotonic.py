"""Isotonic regression: the best non-increasing fit, with the exact gradient."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gendr import _check, _kernels

REGULARISATIONS = ("l2", "kl")

_library = torch.library.Library("gendr", "FRAGMENT")
_library.define("isotonic_blocks(Tensor s, Tensor w, bool entropic) -> Tensor")


def isotonic(s: Tensor, w: Tensor, regularisation: str = "l2") -> Tensor:
    """The non-increasing `v` that is nearest to `s - w`, row by row.

    "l2": `argmin sum (v - (s - w))^2`, whose blocks hold the mean of `s - w`; "kl": `argmin sum exp(s - v) + exp(w) v`,
    whose blocks hold `logsumexp(s) - logsumexp(w)`. Which positions share a block is found by pooling adjacent
    violators in linear time; within it `v` is a plain function, so that derivatives of any order are exact almost
    everywhere.

    Args:
        s: `[B, n]`, float32 or float64, on the CPU.
        w: likewise.
        regularisation: "l2" or "kl".

    Raises:
        TypeError, ValueError: an argument of the wrong kind, shape or dtype.

    Source: Best et al. 2000; Blondel et al. 2020, "Fast Differentiable Sorting and Ranking", section 5.

    >>> isotonic(torch.tensor([[1.0, 3.0, 0.0]]), torch.zeros(1, 3))
    tensor([[2., 2., 0.]])
    """
    _check.tensor("s", s, ("B", "n"))
    _check.tensor("w", w, tuple(s.shape), (s.dtype,))
    _check.choice("regularisation", regularisation, REGULARISATIONS)
    entropic = regularisation == "kl"
    blocks = torch.ops.gendr.isotonic_blocks(s.detach(), w.detach(), entropic)
    if entropic:
        return _log_sums(s, blocks) - _log_sums(w, blocks)
    count = _sums(torch.ones_like(s), blocks)
    return _sums(s - w, blocks) / count


def _sums(value: Tensor, blocks: Tensor) -> Tensor:
    """Of each position's block."""
    return torch.zeros_like(value).scatter_add(-1, blocks, value).gather(-1, blocks)


def _log_sums(value: Tensor, blocks: Tensor) -> Tensor:
    fixed = value.detach()
    largest = torch.full_like(fixed, -torch.inf).scatter_reduce(-1, blocks, fixed, "amax").gather(-1, blocks)
    return largest + _sums((value - largest).exp(), blocks).log()


def _isotonic_blocks_cpu(s: Tensor, w: Tensor, entropic: bool) -> Tensor:
    s, w = s.contiguous(), w.contiguous()
    blocks = torch.empty_like(s, dtype=torch.int64)
    kernel = getattr(_kernels, f"isotonic_blocks_{_check.dtype_name(s.dtype)}")
    rows, n = s.shape
    kernel(s.data_ptr(), w.data_ptr(), blocks.data_ptr(), rows, n, entropic)
    return blocks


def _isotonic_blocks_fake(s: Any, w: Any, entropic: bool) -> Any:
    return torch.empty_like(s, dtype=torch.int64, memory_format=torch.contiguous_format)


def _isotonic_blocks_vmap(info: Any, in_dims: Any, s: Any, w: Any, entropic: bool) -> tuple[Any, int]:
    size = info.batch_size
    s, w = (
        t.expand(size, *t.shape) if dim is None else t.movedim(dim, 0)
        for t, dim in zip((s, w), in_dims[:2], strict=True)
    )
    blocks = torch.ops.gendr.isotonic_blocks(s.flatten(0, 1), w.flatten(0, 1), entropic)
    return blocks.unflatten(0, (size, -1)), 0


_library.impl("isotonic_blocks", _isotonic_blocks_cpu, "CPU")
torch.library.register_fake("gendr::isotonic_blocks", _isotonic_blocks_fake, lib=_library)
torch.library.register_vmap("gendr::isotonic_blocks", _isotonic_blocks_vmap, lib=_library)
