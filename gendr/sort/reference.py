"""Relaxed networks in plain torch, layer by layer: the definition, and the oracle of the kernels.

Any device, derivatives of any order in either mode. Memory grows with the number of layers.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from gendr.sort.networks import Network
from gendr.sort.sigmoid import INFINITE, LARGEST, Sigmoid


def run(x: Float[Tensor, "*B n"], network: Network, sigmoid: Sigmoid) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
    """The values after all layers, and each layer's `alpha` and `1 - alpha`, `[*B, comparators]`.

    `alpha = f(x_high - x_low)` is the degree to which a comparator leaves its two values where they are. Infinite
    values are compared hard: they go where they belong, and nothing mixes with them but infinities of the same sign.

    >>> from gendr.distributions import Optimal
    >>> from gendr.sort.networks import bitonic
    >>> run(torch.tensor([2.0, 1.0]), bitonic(2), Sigmoid(Optimal(), 1.0))[0]
    tensor([1.0625, 1.9375])
    """
    x = enclosed(x)
    steps = []
    for layer in network.layers:
        low, high = _wires(layer, x.device)
        a, b = x.index_select(-1, low), x.index_select(-1, high)
        stay, swap = sigmoid.pair(b - a)
        x = x.index_copy(-1, low, stay * a + swap * b).index_copy(-1, high, swap * a + stay * b)
        steps.append((stay, swap))
    return opened(x), steps


def columns(m: Float[Tensor, "*B n m"], network: Network, steps: list[tuple[Tensor, Tensor]]) -> Tensor:
    """`P M`, by the layers from first to last: with the identity for `M` it is `P`.

    Args:
        m: what to multiply; its leading shape broadcasts with that of `steps`.
        network: that of `steps`.
        steps: of `run`.

    >>> from gendr.distributions import Optimal
    >>> from gendr.sort.networks import bitonic
    >>> _, steps = run(torch.tensor([2.0, 1.0]), bitonic(2), Sigmoid(Optimal(), 1.0))
    >>> columns(torch.eye(2), bitonic(2), steps)
    tensor([[0.0625, 0.9375],
            [0.9375, 0.0625]])
    """
    return _mixed(m, list(zip(network.layers, steps, strict=True)))


def rows(w: Float[Tensor, "*B m n"], network: Network, steps: list[tuple[Tensor, Tensor]]) -> Tensor:
    """`W P`, by the layers from last to first: with the first `k` rows of the identity for `W` it is `P[:k]`.

    Arguments as for `columns`. A row costs as much as the values alone.

    >>> from gendr.distributions import Optimal
    >>> from gendr.sort.networks import bitonic
    >>> _, steps = run(torch.tensor([2.0, 1.0]), bitonic(2), Sigmoid(Optimal(), 1.0))
    >>> rows(torch.tensor([[0.0, 1.0]]), bitonic(2), steps)
    tensor([[0.9375, 0.0625]])
    """
    return _mixed(w.mT, list(zip(network.layers, steps, strict=True))[::-1]).mT


def enclosed(x: Tensor) -> Tensor:
    """Infinities as the largest numbers that still add up, and finite numbers well below them; NaN stays.

    >>> enclosed(torch.tensor([1.0, float("inf"), -3e38]))
    tensor([ 1.0000e+00,  1.0000e+36, -1.0000e+30])
    """
    finite = x.clamp(-LARGEST[x.dtype], LARGEST[x.dtype])
    return torch.where(x.isinf(), torch.copysign(x.new_tensor(INFINITE[x.dtype]), x), finite)


def opened(x: Tensor) -> Tensor:
    """The inverse of `enclosed`.

    >>> opened(torch.tensor([1.0, -1e36]))
    tensor([1., -inf])
    """
    return torch.where(x.abs() > INFINITE[x.dtype] * 1e-3, torch.copysign(x.new_tensor(torch.inf), x), x)


def _wires(layer: tuple[tuple[int, int], ...], device: torch.device) -> tuple[Tensor, Tensor]:
    low, high = zip(*layer, strict=True)
    return torch.tensor(low, device=device), torch.tensor(high, device=device)


def _mixed(m: Tensor, steps: list[tuple[tuple[tuple[int, int], ...], tuple[Tensor, Tensor]]]) -> Tensor:
    if steps:
        leading = torch.broadcast_shapes(m.shape[:-2], steps[0][1][0].shape[:-1])
        m = m.expand(*leading, *m.shape[-2:])
    for layer, (stay, swap) in steps:
        low, high = _wires(layer, m.device)
        a, b, keep, move = m.index_select(-2, low), m.index_select(-2, high), stay.unsqueeze(-1), swap.unsqueeze(-1)
        m = m.index_copy(-2, low, keep * a + move * b).index_copy(-2, high, move * a + keep * b)
    return m
