"""Networks as data: they sort, for any n, and are as deep and as large as the theory says."""

from __future__ import annotations

import math

import pytest
import torch

from gendr.sort.networks import NETWORKS, Network, bitonic, network, odd_even, odd_even_merge


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("n", range(1, 17))
def test_sorts_by_the_0_1_principle(name, n):
    assert network(name, n).is_sorting()


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("n", [33, 100, 128, 257])
def test_sorts_permutations_of_larger_sizes(name, n):
    values = [(i * 7919 + 13) % 1009 for i in range(n)]
    assert network(name, n).apply(values, min, max) == sorted(values)


@pytest.mark.parametrize("n", range(3, 40))
def test_odd_even_counts(n):
    assert (odd_even(n).n_layers, odd_even(n).n_comparators) == (n, n * (n - 1) // 2)


@pytest.mark.parametrize("k", range(1, 11))
def test_counts_of_powers_of_two(k):
    n = 2**k
    assert (bitonic(n).n_layers, bitonic(n).n_comparators) == (k * (k + 1) // 2, k * (k + 1) * n // 4)
    assert (odd_even_merge(n).n_layers, odd_even_merge(n).n_comparators) == (
        k * (k + 1) // 2,
        (k * k - k + 4) * n // 4 - 1,
    )


@pytest.mark.parametrize("n", range(2, 70))
def test_any_n_is_no_deeper_than_the_next_power_of_two(n):
    k = math.ceil(math.log2(n))
    for make in (bitonic, odd_even_merge):
        assert make(n).n_layers <= k * (k + 1) // 2
        assert make(n).n_comparators <= make(2**k).n_comparators


def arrows(n):
    """The bitonic sorter as it is usually drawn: the comparators of every second block point up."""
    layers, size = [], 2
    while size <= n:
        stride = size // 2
        while stride:
            pairs = [(i, i + stride) for i in range(n) if not i & stride]
            layers.append(tuple((j, i) if i & size and size < n else (i, j) for i, j in pairs))
            stride //= 2
        size *= 2
    return Network(n, tuple(layers))


@pytest.mark.parametrize("n", [2, 4, 8, 16, 32])
def test_bitonic_compares_what_the_usual_drawing_compares(n):
    """Each element as the set of inputs it may hold and whether it was a minimum: both networks build the same."""

    def low(a, b):
        return ("low", frozenset([a, b]))

    def high(a, b):
        return ("high", frozenset([a, b]))

    inputs = [("input", i) for i in range(n)] if n <= 8 else None
    if inputs:
        assert bitonic(n).apply(inputs, low, high) == arrows(n).apply(inputs, low, high)
    else:  # the terms grow with 2^layers: numbers stand for them, by a function that tells them apart
        numbers = [math.sin(i + 1.0) for i in range(n)]

        def mixed(sign):
            return lambda a, b: a + b + sign * 0.3 * math.tanh(a - b) * (a - b)

        ours, usual = (net.apply(numbers, mixed(-1), mixed(1)) for net in (bitonic(n), arrows(n)))
        assert ours == pytest.approx(usual, rel=1e-9)  # sums of symmetric terms, a few roundings apart


def test_broken_networks_are_seen():
    whole = bitonic(8)
    for c in range(whole.n_comparators):  # every comparator of a bitonic sorter is needed
        at = 0
        layers = []
        for layer in whole.layers:
            layers.append(tuple(pair for i, pair in enumerate(layer, at) if i != c))
            at += len(layer)
        assert not Network(8, tuple(layers)).is_sorting()


@pytest.mark.parametrize("n", [0, -1, 2.0, True])
def test_refuses_sizes(n):
    with pytest.raises(ValueError, match="n: expected an int of at least 1"):
        network("bitonic", n)


@pytest.mark.parametrize("layers", [(((0, 1), (1, 2)),), (((0, 3),),), (((-1, 0),),)])
def test_refuses_impossible_layers(layers):
    with pytest.raises(ValueError, match=r"layers: expected comparators of different wires in 0 \.\.\. 2"):
        Network(3, layers)


def test_refuses_unknown_names():
    with pytest.raises(ValueError, match="network: expected one of odd_even, bitonic, odd_even_merge, got 'bubble'"):
        network("bubble", 3)
    with pytest.raises(ValueError, match="values: expected 3 values, got 2"):
        bitonic(3).apply([1, 2], min, max)


def test_pairs_and_starts_are_the_layers():
    net = bitonic(5)
    flat = net.pairs.tolist()
    read = [tuple(map(tuple, flat[a:b])) for a, b in zip(net.starts[:-1], net.starts[1:], strict=True)]
    assert tuple(read) == net.layers


@pytest.mark.parametrize("transform", [torch.func.grad, torch.func.vmap], ids=["grad", "vmap"])
def test_a_network_made_within_a_transform_is_whole_outside_of_it(transform):
    made = []

    def call(x):
        made.append(odd_even(5))
        return x.sum()

    transform(call)(torch.ones(2, 3))
    assert torch.equal(made[0].pairs, odd_even(5).pairs)
    assert made[0].pairs.data_ptr()  # which a transform's tensor does not have
    assert made[0].starts.data_ptr()
