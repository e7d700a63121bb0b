"""The distribution of `k`, taken apart as the loss wants it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gendr import _check
from gendr._ops.library import nobody_listens
from gendr.distributions._values import concrete
from gendr.topk.ranked import rank_weights


@dataclass(frozen=True)
class Odds:
    """What follows from `P_K` of each of some samples, or of all alike.

    Attributes:
        first: `P_K(1)`, `[W]`, where softmax has the part of `k = 1`.
        weights: `[W, K]`, of the ranks, of the part that an operator ranks.
    """

    first: Tensor
    weights: Tensor

    @classmethod
    def of(cls, chances: Tensor, *, all_ranked: bool) -> Odds:
        """Of probabilities `[W, K]`; with `all_ranked` those of `k = 1` go to the operator too.

        >>> Odds.of(torch.tensor([[0.5, 0.5]]), all_ranked=False)
        Odds(first=tensor([0.5000]), weights=tensor([[0.5000, 0.5000]]))
        """
        first = chances[:, 0]
        ranked = chances if all_ranked else torch.cat([torch.zeros_like(chances[:, :1]), chances[:, 1:]], 1)
        return cls(first, rank_weights(ranked))


class KnownOdds:
    """The odds that all samples share, worked out anew only when their tensor has become another or has changed."""

    def __init__(self, *, all_ranked: bool) -> None:
        self._all_ranked = all_ranked
        # In one piece, as replicas in several threads share it.
        self._kept: tuple[Tensor, int, torch.dtype, Odds] | None = None

    def of(self, p_k: Tensor, dtype: torch.dtype) -> Odds:
        """Of probabilities `[K]`, with `W = 1`.

        >>> known = KnownOdds(all_ranked=True)
        >>> p_k = torch.tensor([0.0, 1.0])
        >>> known.of(p_k, torch.float32) is known.of(p_k, torch.float32)
        True
        >>> _ = p_k.copy_(torch.tensor([1.0, 0.0]))
        >>> known.of(p_k, torch.float32).weights
        tensor([[1., 0.]])
        """
        # The others do not tell of changes, or make of them what must not be kept.
        plain = not torch.compiler.is_compiling() and nobody_listens((p_k,))
        if not plain or p_k.is_inference() or p_k.requires_grad:
            return Odds.of(p_k.unsqueeze(0).to(dtype), all_ranked=self._all_ranked)
        kept, version = self._kept, p_k._version
        if kept is None or kept[0] is not p_k or kept[1:3] != (version, dtype):
            kept = p_k, version, dtype, Odds.of(p_k.unsqueeze(0).to(dtype), all_ranked=self._all_ranked)
            self._kept = kept
        return kept[3]


def probabilities(p_k: Sequence[float] | Tensor) -> Tensor:
    """`P_K` as a tensor `[*, K]`, float64 where it was none.

    Raises:
        TypeError, ValueError: numbers that are no probabilities of `k = 1, 2, ...`.

    >>> probabilities([0.25, 0.75])
    tensor([0.2500, 0.7500], dtype=torch.float64)
    """
    chances = p_k if isinstance(p_k, Tensor) else torch.tensor(list(p_k), dtype=torch.float64)
    _check.tensor("p_k", chances, ("*", "K"))
    if not chances.dim() >= 1 or chances.shape[-1] == 0:
        _check.fail("p_k", "at least one probability", chances)
    wrong = (chances < 0) | ((chances.sum(-1, keepdim=True) - 1).abs() > 1e-4) | chances.isnan()
    if concrete(wrong.any()):
        _check.fail("p_k", "probabilities that sum to 1", f"{chances.tolist()}" if chances.numel() < 20 else "others")
    return chances
