"""Selection networks: comparator networks that bring the `k` extreme elements to the first `k` wires, in order.

As everywhere in gendr a comparator `(low, high)` sends the smaller value to wire `low`, so that these networks select
the `k` smallest; the `k` largest are those of `-x`.
"""

from __future__ import annotations

from collections.abc import Iterator

from gendr import _check
from gendr.sort.networks import NETWORKS, Layer, Network, network

SELECTIONS = ("splitter", *NETWORKS)
"""The constructions by name."""


def splitter(n: int, k: int) -> Network:
    """The splitter selection network: rank `r < k` (0 for the smallest) ends on wire `r`, in `O(log n)` layers.

    Every wire carries a proven number of elements that beat it. Round after round, the wires that may still hold rank
    `r` play a knockout cascade among themselves, for `r` from `k - 1` down to the first rank that is not settled; all
    who lose often enough leave the game.

    Args:
        n: wires, at least 1.
        k: elements to select, from 1 to `n`.

    Raises:
        ValueError: `n` or `k` out of range.

    Source: Petersen 2022, section 4.2.1; Petersen et al. 2022, "Differentiable Top-k Classification Learning".

    >>> splitter(1024, 5).n_layers, splitter(16, 1).n_layers
    (22, 4)
    """
    _require(n, k)
    free = [0] * n
    beaten_by: list[list[int]] = [list(range(n)), *([] for _ in range(k - 1))]  # wires by how many elements beat them
    layers: list[list[tuple[int, int]]] = []
    start, grew = 0, True
    while grew:
        grew = False
        for rank in range(k - 1, start - 1, -1):
            group = sorted(beaten_by[rank])
            if len(group) < 2:
                continue
            beaten_by[rank] = []
            first = last = max(free[wire] for wire in group)
            for last, pairs in enumerate(_cascade(len(group)), first):
                layers += [[] for _ in range(last + 1 - len(layers))]
                layers[last] += [(group[i], group[j]) for i, j in pairs]
            for place, wire in enumerate(group):
                beaten = rank + (1 << place.bit_count()) - 1
                if beaten < k:
                    beaten_by[beaten].append(wire)
                free[wire] = last + 1
            grew = True
        start += 1
    return Network(n, tuple(tuple(layer) for layer in layers), "splitter")


def _cascade(m: int) -> Iterator[list[tuple[int, int]]]:
    """Layers after which position `p` of `m` has at least `2^popcount(p) - 1` elements ahead of it."""
    stride = 1 << ((m - 1).bit_length() - 1)
    while stride:
        yield [(p, p + stride) for p in range(m - stride) if p // stride % 2 == 0]
        stride //= 2


def pruned(whole: Network, k: int) -> Network:
    """The network without the comparators, and layers, that have no influence on wires `0 ... k - 1`.

    Exact: the values and the rows of `P` on these wires are the same bits as before.

    Args:
        whole: any network.
        k: wires that matter, from 1 to `whole.n`.

    Raises:
        ValueError: `k` out of range.

    >>> splitter(1000, 5).n_comparators, pruned(splitter(1000, 5), 5).n_comparators
    (5085, 3046)
    """
    _require(whole.n, k)
    alive = [wire < k for wire in range(whole.n)]
    kept: list[Layer] = []
    for layer in reversed(whole.layers):
        matters = tuple(pair for pair in layer if alive[pair[0]] or alive[pair[1]])
        for low, high in matters:
            alive[low] = alive[high] = True
        if matters:
            kept.append(matters)
    return Network(whole.n, tuple(reversed(kept)), whole.name)


_built: dict[tuple[int, int, str], Network] = {}


def selection_network(n: int, k: int, name: str = "auto") -> Network:
    """The pruned network that selects `k` of `n`, built once for each.

    Args:
        n: wires, at least 1.
        k: elements to select, from 1 to `n`.
        name: "splitter", a sorting network's name ("bitonic", "odd_even", ...), or "auto": splitter or bitonic,
            whichever has fewer layers, or with equally many fewer comparators. Each layer blurs the result a little.

    Raises:
        ValueError: `n` or `k` out of range, or the name is unknown.

    >>> selection_network(1000, 5).name, selection_network(16, 16).name
    ('splitter', 'bitonic')
    """
    _require(n, k)
    _check.choice("network", name, ("auto", *SELECTIONS))
    key = (n, k, name)
    if key not in _built:
        if name == "auto":
            candidates = [selection_network(n, k, "bitonic")]
            if k <= candidates[0].n_layers:  # a splitter has more layers than ranks
                candidates.insert(0, selection_network(n, k, "splitter"))
            _built[key] = min(candidates, key=lambda candidate: (candidate.n_layers, candidate.n_comparators))
        else:
            _built[key] = pruned(splitter(n, k) if name == "splitter" else network(name, n), k)
    return _built[key]


# Compilers call it while they trace, so that what is kept are tensors of numbers and not the tracer's. This is what
# `torch.compiler.assume_constant_result` does after it has imported the whole compiler, a third of `import gendr`.
selection_network._dynamo_marked_constant = True  # type: ignore[attr-defined]


def _require(n: int, k: int) -> None:
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        _check.fail("n", "an int of at least 1", n)
    if not isinstance(k, int) or isinstance(k, bool) or not 1 <= k <= n:
        _check.fail("k", f"an int from 1 to {n}", k)
