"""Relaxed bubble sort."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from gendr.distributions import Distribution, Logistic, from_spec
from gendr.sort.operator import Sorter
from gendr.sort.reference import enclosed, opened
from gendr.sort.sigmoid import Sigmoid, require_symmetric


@dataclass(frozen=True)
class BubbleSort(Sorter):
    """Bubble sort as a relaxed program: swaps by degrees, and a loop that ends to the degree that nothing swapped.

    A pass compares neighbours from the first to the last, each swap to the degree `q = f(x_i - x_(i+1))`; another pass
    follows to the degree `s = 1 - prod (1 - q)` that a swap occurred. The result is the sum of the states after each
    pass, weighted with the degree that the loop stops there, so that `P` is doubly stochastic, and `sorted = P x`.
    `O(n^2)` steps in sequence, in plain torch, derivatives of any order. For `n = 2` it is `DiffSort`.
    Source: Petersen et al. 2021, "Learning with Algorithmic Supervision via Continuous Relaxations"; Petersen 2022,
    section 2.5.2.

    Attributes:
        steepness: the slope of the sigmoid at 0. The published program's `beta = 5` is 1.25 here.
        distribution: symmetric; or its spec.

    Raises:
        TypeError, ValueError: an argument of the wrong kind or out of range.

    >>> BubbleSort(steepness=20.0).sort(torch.tensor([3.0, 1.0, 2.0]))
    tensor([1., 2., 3.])
    """

    steepness: float = 1.25
    distribution: Distribution | str = field(default_factory=Logistic)
    sigmoid: Sigmoid = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        chosen = from_spec(self.distribution) if isinstance(self.distribution, str) else self.distribution
        object.__setattr__(self, "sigmoid", Sigmoid(require_symmetric(chosen), self.steepness))

    def _rows(self, x: Tensor, k: int) -> Tensor:
        n = x.shape[1]
        start = torch.eye(n, dtype=x.dtype, device=x.device).expand(len(x), n, n)
        return self._passes(x, start)[1][:, :k]

    def _both(self, x: Tensor) -> tuple[Tensor, Tensor]:
        n = x.shape[1]
        return self._passes(x, torch.eye(n, dtype=x.dtype, device=x.device).expand(len(x), n, n))

    def _values(self, x: Tensor) -> Tensor:
        return self._passes(x, x.new_empty(len(x), x.shape[1], 0))[0]

    def _passes(self, x: Tensor, p: Tensor) -> tuple[Tensor, Tensor]:
        """The weighted states of the values and of as many columns as `p` has."""
        wires, columns = list(enclosed(x).unbind(1)), list(p.unbind(1))
        if len(wires) < 2:
            return x, p
        reached = torch.ones_like(wires[0])
        values, matrix = torch.zeros_like(x), torch.zeros_like(p)
        for length in range(len(wires) - 1, 0, -1):
            sorted_already = torch.ones_like(reached)
            for i in range(length):
                stay, swap = self.sigmoid.pair(wires[i + 1] - wires[i])
                sorted_already = sorted_already * stay
                a, b = wires[i], wires[i + 1]
                wires[i], wires[i + 1] = stay * a + swap * b, swap * a + stay * b
                u, v, keep, move = columns[i], columns[i + 1], stay.unsqueeze(-1), swap.unsqueeze(-1)
                columns[i], columns[i + 1] = keep * u + move * v, move * u + keep * v
            stops = reached * sorted_already if length > 1 else reached
            reached = reached - stops
            values = values + stops.unsqueeze(-1) * torch.stack(wires, 1)
            matrix = matrix + stops.view(-1, 1, 1) * torch.stack(columns, 1)
        return opened(values), matrix
