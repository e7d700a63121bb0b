"""Selection networks: they select, as few layers as the theory says, and pruning changes nothing."""

from __future__ import annotations

import itertools

import pytest
import torch

from gendr.distributions import Cauchy
from gendr.sort import Sigmoid, reference
from gendr.sort.networks import bitonic, zeros_and_ones
from gendr.topk import SELECTIONS, pruned, selection_network, splitter

LAYERS = {  # of splitter selection networks, k = 1 ... 5
    16: (4, 6, 7, 8, 10),
    64: (6, 9, 11, 13, 15),
    1000: (10, 14, 16, 18, 22),
    1024: (10, 14, 16, 18, 22),
    4096: (12, 16, 18, 21, 25),
    10450: (14, 18, 20, 23, 27),
}


@pytest.mark.parametrize("n", LAYERS)
def test_splitters_have_the_published_layers(n):
    assert tuple(splitter(n, k).n_layers for k in range(1, 6)) == LAYERS[n]


def selects(network, k):
    """The 0-1 principle: on every input of zeros and ones, wire `r < k` is 1 exactly with `n - r` ones or more."""
    n = network.n
    wires = network.apply(zeros_and_ones(n), lambda a, b: a & b, lambda a, b: a | b)
    ones = [bin(s).count("1") for s in range(1 << n)]
    return all((wires[r] >> s & 1) == (ones[s] >= n - r) for r in range(k) for s in range(1 << n))


@pytest.mark.parametrize("name", SELECTIONS)
def test_all_networks_select(name):
    for n in (1, 2, 3, 5, 7, 9):
        for k in range(1, n + 1):
            assert selects(selection_network(n, k, name), k), (n, k)


def test_larger_splitters_select():
    for n, k in ((12, 5), (13, 3), (14, 6)):
        assert selects(splitter(n, k), k)


def test_a_network_that_lacks_a_comparator_is_found_out():
    whole = selection_network(7, 3)
    broken = type(whole)(7, (*whole.layers[:-1], whole.layers[-1][1:]))
    assert not selects(broken, 3)


@pytest.mark.parametrize(("n", "k"), [(1000, 5), (20_000, 3)])
def test_large_networks_select(n, k):
    for seed in range(3):
        values = torch.randperm(n, generator=torch.Generator().manual_seed(seed)).tolist()
        assert selection_network(n, k).apply(values, min, max)[:k] == list(range(k))


def test_pruning_is_exact():
    whole, small = splitter(1000, 5), selection_network(1000, 5)
    assert (whole.n_comparators, small.n_comparators) == (5085, 3046)
    assert small.n_layers == whole.n_layers
    x = torch.randn(2, 60, dtype=torch.float64)
    sigmoid = Sigmoid(Cauchy(), 3.0)
    for network in (splitter(60, 4), bitonic(60)):
        kept = pruned(network, 4)
        assert kept.n_comparators < network.n_comparators
        assert torch.equal(reference.run(x, network, sigmoid)[0][:, :4], reference.run(x, kept, sigmoid)[0][:, :4])


def test_no_kept_comparator_can_be_left_out():
    network = selection_network(8, 2, "splitter")
    for layer, pair in itertools.product(range(network.n_layers), range(4)):
        if pair < len(network.layers[layer]):
            layers = [list(pairs) for pairs in network.layers]
            del layers[layer][pair]
            assert not selects(type(network)(8, tuple(tuple(pairs) for pairs in layers)), 2)


def test_the_choice_is_that_of_fewer_layers():
    for n, k in ((2, 1), (2, 2), (16, 5), (16, 16), (50, 5), (1000, 5), (200, 50), (100, 100)):
        chosen = selection_network(n, k)
        others = [
            selection_network(n, k, name) for name in ("splitter", "bitonic") if n < 1000 or k < 100 or name[0] == "b"
        ]
        assert chosen.n_layers == min(other.n_layers for other in others)
    assert selection_network(1000, 5) is selection_network(1000, 5)


@pytest.mark.parametrize(
    ("n", "k", "text"), [(0, 1, "n: expected"), (3, 4, "k: expected an int from 1 to 3"), (3, 0, "k:")]
)
def test_impossible_networks_are_refused(n, k, text):
    with pytest.raises(ValueError, match=text):
        selection_network(n, k)


def test_an_unknown_network_is_refused():
    with pytest.raises(ValueError, match="network: expected one of auto, splitter"):
        selection_network(4, 1, "bubble")
