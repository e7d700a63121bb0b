"""Batch normalisation over the batches of all processes, on any device."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, distributed, nn


class _SumOverProcesses(torch.autograd.Function):
    """Every process gets the sum; every process's gradient reaches all of them."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        distributed.all_reduce(total)
        return total


class GatheredBatchNorm2d(nn.BatchNorm2d):
    r"""`nn.BatchNorm2d` whose statistics, in training, are those of the processes' batches together.

    With `n` values a channel in all processes, `mu = sum(x) / n` and `v = sum((x - mu)^2) / n`, it gives
    `(x - mu) / sqrt(v + eps) * weight + bias`; the running variance takes `n / (n - 1) v`. In one process, and when
    evaluating, it is `nn.BatchNorm2d` itself. Two processes with half a batch each so take the step that one would
    take with the whole batch. (PyTorch's `SyncBatchNorm` does this on GPUs only.)

    Every process must bring equally many images.

    Source: Ioffe, Szegedy, "Batch Normalization", ICML 2015.

    >>> norm = GatheredBatchNorm2d(1)
    >>> norm(torch.tensor([[[[1.0]]], [[[3.0]]]])).flatten()
    tensor([-1.0000,  1.0000], grad_fn=<ViewBackward0>)
    """

    def forward(self, input: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """Normalise."""
        if not (self.training and distributed.is_available() and distributed.is_initialized()):
            return super().forward(input)
        processes = distributed.get_world_size()
        if processes == 1:
            return super().forward(input)
        input = input.to(self.weight.dtype)  # bfloat16's eight bits are too few for sums
        count = input.numel() // input.shape[1] * processes
        mean = _SumOverProcesses.apply(input.sum((0, 2, 3))) / count  # type: ignore[no-untyped-call]
        centred = input - mean[:, None, None]
        variance = _SumOverProcesses.apply(centred.square().sum((0, 2, 3))) / count  # type: ignore[no-untyped-call]
        self._keep(mean.detach(), variance.detach() * count / max(count - 1, 1))
        scale = self.weight * (variance + self.eps).rsqrt()
        normal: Tensor = centred * scale[:, None, None] + self.bias[:, None, None]
        return normal

    def _keep(self, mean: Tensor, variance: Tensor) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        momentum = 0.1 if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(variance, momentum)
