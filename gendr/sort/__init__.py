"""Relaxed sorting, ranking and permutation matrices: differentiable sorting networks, and the other operators.

>>> import torch, gendr
>>> operator = gendr.sort.DiffSort(4, distribution="optimal", steepness=20.0)
>>> values, p = operator(torch.tensor([0.3, 0.9, 0.1, 0.5]))
>>> p.argmax(-1)
tensor([2, 0, 3, 1])
"""

from gendr.sort.apply import apply_network
from gendr.sort.diffsort import DiffSort
from gendr.sort.functions import permutation, rank, sort
from gendr.sort.networks import NETWORKS, Network, bitonic, network, odd_even, odd_even_merge
from gendr.sort.operator import Sorted, Sorter
from gendr.sort.sigmoid import SIGMOIDS, Sigmoid
from gendr.sort.softsort import NeuralSort, SoftSort
from gendr.sort.steepness import auto_steepness, from_diffsort, from_thesis

__all__ = [
    "NETWORKS",
    "SIGMOIDS",
    "DiffSort",
    "Network",
    "NeuralSort",
    "Sigmoid",
    "SoftSort",
    "Sorted",
    "Sorter",
    "apply_network",
    "auto_steepness",
    "bitonic",
    "from_diffsort",
    "from_thesis",
    "network",
    "odd_even",
    "odd_even_merge",
    "permutation",
    "rank",
    "sort",
]
