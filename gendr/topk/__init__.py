"""Differentiable top-k: selection networks, soft top-k, and classification losses with `k` drawn from a distribution.

>>> import torch, gendr
>>> loss = gendr.topk.TopKLoss([0.5, 0.0, 0.0, 0.0, 0.5], m=16)
>>> loss(torch.randn(8, 1000, generator=torch.Generator().manual_seed(0)), torch.arange(8)).shape
torch.Size([])
"""

from gendr.topk.loss import TopKLoss
from gendr.topk.ranked import (
    class_masses,
    highest_scores,
    network_mass,
    network_surprise,
    operator_masses,
    rank_weights,
    surprise,
)
from gendr.topk.select import TopK, selector, topk
from gendr.topk.selection import SELECTIONS, pruned, selection_network, splitter
from gendr.topk.smooth import SmoothTopKLoss, log_symmetric_polynomials

__all__ = [
    "SELECTIONS",
    "SmoothTopKLoss",
    "TopK",
    "TopKLoss",
    "class_masses",
    "highest_scores",
    "log_symmetric_polynomials",
    "network_mass",
    "network_surprise",
    "operator_masses",
    "pruned",
    "rank_weights",
    "selection_network",
    "selector",
    "splitter",
    "surprise",
    "topk",
]
