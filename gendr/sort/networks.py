"""Sorting networks as data: layers of comparators, for any number of wires.

A comparator `(low, high)` puts the smaller of its two values on wire `low` and the larger on wire `high`. Those of one
layer touch different wires, so that a layer is one step. All networks here send the smaller value to the lower wire.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor

from gendr import _check

Layer = tuple[tuple[int, int], ...]
V = TypeVar("V")


@dataclass(frozen=True)
class Network:
    """A comparator network on `n` wires.

    Attributes:
        n: wires, at least 1.
        layers: from the first to the last, each a tuple of comparators `(low, high)`: the smaller value goes to wire
            `low`, the larger to `high`. No wire occurs twice in a layer.
        name: of the construction.
        pairs: the comparators of all layers in a row, `[C, 2]` int32: what the kernels read.
        starts: where in `pairs` each layer begins, and after the last one where it ends, `[L + 1]` int32.

    Raises:
        ValueError: `n < 1`, a wire outside `0 ... n - 1`, or used twice in a layer.

    >>> odd_even(3).layers
    (((0, 1),), ((1, 2),), ((0, 1),))
    """

    n: int
    layers: tuple[Layer, ...]
    name: str = "custom"
    pairs: Tensor = field(init=False, repr=False, compare=False)
    starts: Tensor = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _require_size(self.n)
        for layer in self.layers:
            wires = [wire for comparator in layer for wire in comparator]
            if len(set(wires)) < len(wires) or not all(0 <= wire < self.n for wire in wires):
                _check.fail("layers", f"comparators of different wires in 0 ... {self.n - 1}", repr(layer))
        flat = [comparator for layer in self.layers for comparator in layer]
        starts = [0]
        for layer in self.layers:
            starts.append(starts[-1] + len(layer))
        # A tensor that is made within `torch.func.grad` belongs to that call; a network is kept beyond it.
        with torch._C._DisableFuncTorch():
            object.__setattr__(self, "pairs", torch.tensor(flat, dtype=torch.int32).reshape(len(flat), 2))
            object.__setattr__(self, "starts", torch.tensor(starts, dtype=torch.int32))

    @property
    def n_layers(self) -> int:
        """How many steps it takes.

        >>> bitonic(1024).n_layers
        55
        """
        return len(self.layers)

    @property
    def n_comparators(self) -> int:
        """How many comparators it has.

        >>> bitonic(1024).n_comparators
        28160
        """
        return len(self.pairs)

    def apply(self, values: Sequence[V], low: Callable[[V, V], V], high: Callable[[V, V], V]) -> list[V]:
        """The values after all layers, with `low` for the minimum and `high` for the maximum of two.

        Raises:
            ValueError: not `n` values.

        >>> bitonic(3).apply([3, 1, 2], min, max)
        [1, 2, 3]
        """
        if len(values) != self.n:
            _check.fail("values", f"{self.n} values", f"{len(values)}")
        wires = list(values)
        for i, j in (comparator for layer in self.layers for comparator in layer):
            wires[i], wires[j] = low(wires[i], wires[j]), high(wires[i], wires[j])
        return wires

    def is_sorting(self) -> bool:
        """Whether it sorts every input, by the 0-1 principle: whether it sorts all `2^n` inputs of zeros and ones.

        All inputs pass at once: a wire is an integer of `2^n` bits, and a comparator an "and" and an "or" of two. Meant
        for `n <= 20`: memory and time grow with `n 2^n`.

        >>> odd_even(7).is_sorting(), Network(3, (((0, 1),), ((1, 2),))).is_sorting()
        (True, False)
        """
        wires = self.apply(zeros_and_ones(self.n), lambda a, b: a & b, lambda a, b: a | b)
        return all(above & ~below == 0 for above, below in pairwise(wires))


def zeros_and_ones(n: int) -> list[int]:
    """All `2^n` inputs of zeros and ones, transposed: bit `s` of wire `i`'s integer is bit `i` of `s`.

    >>> [bin(wire) for wire in zeros_and_ones(2)]
    ['0b1010', '0b1100']
    """
    wires = []
    for i in range(n):
        wire, length = ((1 << (1 << i)) - 1) << (1 << i), 2 << i
        while length < 1 << n:
            wire, length = wire | wire << length, 2 * length
        wires.append(wire)
    return wires


def odd_even(n: int) -> Network:
    """Odd-even transposition: neighbours are compared, from even and from odd wires in turn.

    `n` layers (one for `n = 2`, where the second would be empty) and `n (n - 1) / 2` comparators.
    Source: Petersen 2022, section 3.2; Knuth 1998, 5.3.4.

    >>> odd_even(5).n_layers, odd_even(5).n_comparators
    (5, 10)
    """
    return _network("odd_even", n, ([(i, i + 1) for i in range(step % 2, n - 1, 2)] for step in range(n)))


def bitonic(n: int) -> Network:
    """Batcher's bitonic sorter, for any `n`: `k (k + 1) / 2` layers, `k = ceil(log2 n)`.

    Written so that every comparator sends the smaller value to the lower wire: the first layer of a merge compares
    wires that mirror each other, where the usual drawing turns the arrows of every second block. Both compare the
    same elements in the same order, so that the relaxed results are equal. Here wires beyond `n` may be left out: they
    would hold infinity from beginning to end. Source: Petersen 2022, section 3.2; Batcher 1968.

    >>> bitonic(4).layers
    (((0, 1), (2, 3)), ((0, 3), (1, 2)), ((0, 1), (2, 3)))
    """
    return _network("bitonic", n, _bitonic_layers(n))


def _bitonic_layers(n: int) -> Iterable[list[tuple[int, int]]]:
    size = 2
    while size < 2 * n:
        half = size // 2
        yield [(b + i, b + size - 1 - i) for b in range(0, n, size) for i in range(half) if b + size - 1 - i < n]
        stride = half // 2
        while stride:
            yield [(i, i + stride) for i in range(n - stride) if i & stride == 0]
            stride //= 2
        size *= 2


def odd_even_merge(n: int) -> Network:
    """Batcher's odd-even merge sort, for any `n`: the bitonic sorter's layers with fewer comparators.

    `(k^2 - k + 4) 2^(k - 2) - 1` comparators for `n = 2^k` against the bitonic `(k^2 + k) 2^(k - 2)`. Other elements
    are compared than in the bitonic sorter, so that relaxed results differ. Source: Batcher 1968; Knuth 1998, 5.2.2M.

    >>> odd_even_merge(16).n_comparators, bitonic(16).n_comparators
    (63, 80)
    """
    return _network("odd_even_merge", n, _odd_even_merge_layers(n))


def _odd_even_merge_layers(n: int) -> Iterable[list[tuple[int, int]]]:
    size = 1
    while size < n:
        stride = size
        while stride:
            first = stride % size
            starts = range(first, n - stride, 2 * stride)
            yield [
                (i, i + stride)
                for start in starts
                for i in range(start, min(start + stride, n - stride))
                if i // (2 * size) == (i + stride) // (2 * size)
            ]
            stride //= 2
        size *= 2


def _network(name: str, n: int, layers: Iterable[list[tuple[int, int]]]) -> Network:
    return Network(_require_size(n), tuple(tuple(layer) for layer in layers if layer), name)


def _require_size(n: int) -> int:
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        _check.fail("n", "an int of at least 1", n)
    return n


NETWORKS: dict[str, Callable[[int], Network]] = {
    "odd_even": odd_even,
    "bitonic": bitonic,
    "odd_even_merge": odd_even_merge,
}
"""The constructions by name."""

_built: dict[tuple[str, int], Network] = {}


def network(name: str, n: int) -> Network:
    """The network of a name in `NETWORKS`, built once for each `n`.

    Raises:
        ValueError: the name is unknown, or `n` not an int of at least 1.

    >>> network("bitonic", 8) is network("bitonic", 8)
    True
    """
    _check.choice("network", name, tuple(NETWORKS))
    _require_size(n)
    if (name, n) not in _built:
        _built[name, n] = NETWORKS[name](n)
    return _built[name, n]
