"""Relaxed sorting, ranking and permutation matrices: differentiable sorting networks, and the other operators.

>>> import torch, gendr
>>> operator = gendr.sort.DiffSort(4, distribution="optimal", steepness=20.0)
>>> values, p = operator(torch.tensor([0.3, 0.9, 0.1, 0.5]))
>>> p.argmax(-1)
tensor([2, 0, 3, 1])
"""

from gendr.sort.apply import apply_network
from gendr.sort.bubble import BubbleSort
from gendr.sort.diffsort import DiffSort
from gendr.sort.fastsort import FastSort
from gendr.sort.functions import permutation, rank, sort
from gendr.sort.isotonic import isotonic
from gendr.sort.losses import (
    binary_cross_entropy,
    cross_entropy,
    kendall,
    rank_mse,
    spearman,
    true_permutation,
    true_ranks,
)
from gendr.sort.metrics import element_wise, exact_match, exact_match_of_five
from gendr.sort.networks import NETWORKS, Network, bitonic, network, odd_even, odd_even_merge
from gendr.sort.operator import Sorted, Sorter
from gendr.sort.sigmoid import SIGMOIDS, Sigmoid
from gendr.sort.sinkhorn import Sinkhorn
from gendr.sort.softsort import NeuralSort, SoftSort
from gendr.sort.steepness import auto_steepness, from_diffsort, from_thesis

__all__ = [
    "NETWORKS",
    "SIGMOIDS",
    "BubbleSort",
    "DiffSort",
    "FastSort",
    "Network",
    "NeuralSort",
    "Sigmoid",
    "Sinkhorn",
    "SoftSort",
    "Sorted",
    "Sorter",
    "apply_network",
    "auto_steepness",
    "binary_cross_entropy",
    "bitonic",
    "cross_entropy",
    "element_wise",
    "exact_match",
    "exact_match_of_five",
    "from_diffsort",
    "from_thesis",
    "isotonic",
    "kendall",
    "network",
    "odd_even",
    "odd_even_merge",
    "permutation",
    "rank",
    "rank_mse",
    "sort",
    "spearman",
    "true_permutation",
    "true_ranks",
]
