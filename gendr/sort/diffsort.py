"""Differentiable sorting networks."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from gendr import _check
from gendr.distributions import Cauchy, Distribution, from_spec
from gendr.sort.apply import BACKENDS, apply_network
from gendr.sort.networks import Network, network
from gendr.sort.operator import Sorter
from gendr.sort.sigmoid import Sigmoid, require_symmetric
from gendr.sort.steepness import auto_steepness


@dataclass(frozen=True)
class DiffSort(Sorter):
    """A sorting network whose comparators are relaxed: `min(a, b) = a f(b - a) + b f(a - b)`.

    With the distributions `Reciprocal`, `Cauchy` and `Optimal` every comparator is monotonic and its error bounded by
    1/4, 1/pi^2 and 1/16 over the steepness; the logistic one is smooth and bounded but not monotonic; see
    docs/sorting.md. Values cost `O(comparators)`, ranks twice that, a row of `P` as much as the values.

    The relaxation is not permutation-equivariant: the same elements in another order give slightly other numbers. At
    infinite inputs comparators are hard, so that padding with infinities leaves the other elements as they would be.

    Attributes:
        n: elements to sort, at least 1.
        network: "bitonic", "odd_even", "odd_even_merge", or a `Network` of your own on `n` wires.
        distribution: symmetric, such as `Cauchy()`, `Logistic()`, `Reciprocal()`, `Optimal()`; or its spec.
        steepness: the slope of the sigmoid at 0, or "auto": by the number of layers, see `auto_steepness`.
        art: the activation replacement trick's exponent, in [0, 1), with the logistic distribution.
        input_scale: the spread of the inputs that "auto" reckons with.
        backend: "auto", "cpu", "cuda" (kernels) or "reference" (plain torch; any order of derivative).

    Raises:
        TypeError, ValueError: an argument of the wrong kind or out of range.

    Source: Petersen et al. 2021, "Differentiable Sorting Networks"; 2022, "Monotonic Differentiable Sorting Networks";
    Petersen 2022, chapter 3.

    >>> values, p = DiffSort(3, distribution="optimal", steepness=10.0)(torch.tensor([3.0, 1.0, 2.0]))
    >>> values
    tensor([1.0125, 2.0000, 2.9875])
    """

    n: int
    network: str | Network = "bitonic"
    distribution: Distribution | str = field(default_factory=Cauchy)
    steepness: float | str = "auto"
    art: float | None = None
    input_scale: float = 1.0
    backend: str = "auto"
    layers: Network = field(init=False, repr=False, compare=False)
    sigmoid: Sigmoid = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        layers = self.network if isinstance(self.network, Network) else network(self.network, self.n)
        if layers.n != self.n:
            _check.fail("network", f"one on {self.n} wires", f"one on {layers.n}")
        chosen = from_spec(self.distribution) if isinstance(self.distribution, str) else self.distribution
        require_symmetric(chosen)
        steepness = self.steepness
        if steepness == "auto":
            steepness = auto_steepness(layers.n_layers, chosen, self.art, self.input_scale)
        if isinstance(steepness, str):
            _check.fail("steepness", "a number or 'auto'", repr(steepness))
        _check.choice("backend", self.backend, BACKENDS)
        object.__setattr__(self, "layers", layers)
        object.__setattr__(self, "sigmoid", Sigmoid(chosen, steepness, self.art))

    def _apply(self, x: Tensor, rows: int | Tensor | None) -> tuple[Tensor, Tensor | None]:
        if x.shape[1] != self.n:
            _check.fail("x", f"{self.n} elements along dim", f"{x.shape[1]}")
        return apply_network(x, self.layers, self.sigmoid, rows, self.backend)

    def _rows(self, x: Tensor, k: int) -> Tensor:
        rows = self._apply(x, k)[1]
        assert rows is not None
        return rows

    def _both(self, x: Tensor) -> tuple[Tensor, Tensor]:
        values, p = self._apply(x, self.n)
        assert p is not None
        return values, p

    def _values(self, x: Tensor) -> Tensor:
        return self._apply(x, None)[0]

    def _ranks(self, x: Tensor) -> Tensor:
        """One row times `P` instead of `n`."""
        ranks = self._apply(x, torch.arange(self.n, dtype=x.dtype, device=x.device).unsqueeze(0))[1]
        assert ranks is not None
        return ranks.squeeze(1)
