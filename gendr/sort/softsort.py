"""NeuralSort and SoftSort: permutation matrices by a softmax in each row."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gendr import _check
from gendr.sort.operator import Sorter


@dataclass(frozen=True)
class SoftSort(Sorter):
    """`P[i] = softmax(-|sort(x)_i - x|^p / tau)`.

    Rows sum to 1, columns need not. Not monotonic; any row by itself. For `n = 2` it is the logistic `DiffSort` with
    `steepness = 1 / (4 tau)`. Source: Prillo and Eisenschlos 2020, "SoftSort"; Petersen 2022, equation 3.1.

    Attributes:
        tau: the temperature, positive, in units of `|x|^p`.
        p: the power of the distance, positive.

    Raises:
        TypeError, ValueError: an argument is not a positive number.

    >>> SoftSort(tau=0.1).permutation(torch.tensor([2.0, 1.0])).round()
    tensor([[0., 1.],
            [1., 0.]])
    """

    tau: float = 0.1
    p: float = 1.0

    def __post_init__(self) -> None:
        _check.number("tau", self.tau, 0.0, open_low=True)
        _check.number("p", self.p, 0.0, open_low=True)

    def _rows(self, x: Tensor, k: int) -> Tensor:
        ordered = x.sort(-1).values[:, :k]
        distance = (finite(ordered).unsqueeze(-1) - finite(x).unsqueeze(-2)).abs()
        distance = distance if self.p == 1 else _power(distance, self.p)
        return torch.softmax(bounded(-distance / self.tau), -1)


@dataclass(frozen=True)
class NeuralSort(Sorter):
    """`P[i] = softmax(((2 i + 1 - n) x - A 1) / tau)`, `(A 1)_j = sum_k |x_j - x_k|`, `i` from 0 for the smallest.

    Rows sum to 1, columns need not. Not monotonic; any row by itself, after `O(n^2)` for `A`. For `n = 2` it is the
    logistic `DiffSort` with `steepness = 1 / (4 tau)`. Source: Grover et al. 2019, "Stochastic Optimization of Sorting
    Networks via Continuous Relaxations".

    Attributes:
        tau: the temperature, positive, in units of `x`.

    Raises:
        TypeError, ValueError: `tau` is not a positive number.

    >>> NeuralSort(tau=0.1).permutation(torch.tensor([2.0, 1.0])).round()
    tensor([[0., 1.],
            [1., 0.]])
    """

    tau: float = 0.1

    def __post_init__(self) -> None:
        _check.number("tau", self.tau, 0.0, open_low=True)

    def _rows(self, x: Tensor, k: int) -> Tensor:
        n, x = x.shape[1], finite(x)
        spread = (x.unsqueeze(-1) - x.unsqueeze(-2)).abs().sum(-1)
        slope = 2 * torch.arange(k, dtype=x.dtype, device=x.device) + (1 - n)
        logits = slope.unsqueeze(-1) * x.unsqueeze(-2) - spread.unsqueeze(-2)
        return torch.softmax(bounded(logits / self.tau), -1)


def finite(x: Tensor) -> Tensor:
    """Held within +-1e18, so that sums and powers stay finite; refuses infinities and NaN where it can look.

    Raises:
        ValueError: `x` is not finite. No softmax survives that.

    >>> finite(torch.tensor([1.0, -1e30]))
    tensor([ 1.0000e+00, -1.0000e+18])
    """
    if not torch.compiler.is_compiling():
        try:
            bad = not bool(x.detach().isfinite().all())
        except RuntimeError:  # vmap forbids control flow that depends on values
            bad = False
        if bad:
            _check.fail("x", "finite values (only networks take infinities)", "some that are not")
    return x.clamp(-1e18, 1e18)


def bounded(logits: Tensor) -> Tensor:
    """Held within +-1e30: what a softmax can subtract.

    >>> bounded(torch.tensor([torch.inf]))
    tensor([1.0000e+30])
    """
    return logits.clamp(-1e30, 1e30)


def _power(distance: Tensor, p: float) -> Tensor:
    """`distance^p` with the derivative 0 at 0, for `p < 1` too."""
    zero = distance == 0
    return torch.where(zero, 0.0, torch.where(zero, 1.0, distance) ** p)
