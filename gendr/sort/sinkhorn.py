"""Sorting as entropic optimal transport between the elements and the ranks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gendr import _check
from gendr.sort.operator import Sorter
from gendr.sort.softsort import bounded, finite

GRADIENTS = ("implicit", "unrolled")


@dataclass(frozen=True)
class Sinkhorn(Sorter):
    """`P = argmin sum_ij P_ij (i - x_j)^2 / 2 - tau H(P)` over the doubly stochastic matrices, `H` the entropy.

    Only `i x_j` of the cost matters to the minimum: `P = exp(i x_j / tau + u_i + v_j)`, whose `u` and `v` Sinkhorn's
    iterations find in the log domain. Columns sum to 1 to rounding, rows to within `tolerance` unless the iterations
    run out. Not monotonic. For `n = 2` it is the logistic `DiffSort` with `steepness = 1 / (8 tau)`. Source: Cuturi et
    al. 2019, "Differentiable Ranks and Sorting using Optimal Transport"; Petersen 2022, section 3.1.2.

    Attributes:
        tau: the temperature, positive, in units of `x`.
        iterations: at most, each one of rows and columns; within `vmap` and compilers, exactly.
        tolerance: of the rows' sums, at which to stop.
        gradient: "implicit", by the linear system that the solution satisfies (memory of one matrix, exact where the
            iterations have converged), or "unrolled", through the iterations (derivatives of any order).

    Raises:
        TypeError, ValueError: an argument out of range.

    >>> Sinkhorn(tau=0.1).permutation(torch.tensor([2.0, 1.0])).round()
    tensor([[0., 1.],
            [1., 0.]])
    """

    tau: float = 0.1
    iterations: int = 200
    tolerance: float = 1e-6
    gradient: str = "implicit"

    def __post_init__(self) -> None:
        _check.number("tau", self.tau, 0.0, open_low=True)
        _check.number("tolerance", self.tolerance, 0.0)
        _check.choice("gradient", self.gradient, GRADIENTS)
        if not isinstance(self.iterations, int) or self.iterations < 1:
            _check.fail("iterations", "an int of at least 1", self.iterations)

    def _rows(self, x: Tensor, k: int) -> Tensor:
        n = x.shape[1]
        ranks = torch.arange(n, dtype=x.dtype, device=x.device) - (n - 1) / 2
        x = finite(x)
        logits = bounded((ranks.unsqueeze(-1) * x.unsqueeze(-2) + _first_guess(x).unsqueeze(-1)) / self.tau)
        if self.gradient == "unrolled":
            p = balanced(logits, self.iterations, self.tolerance)
        else:
            p = _Implicit.apply(logits, self.iterations, self.tolerance)  # type: ignore[no-untyped-call]
        return p[:, :k]


def _first_guess(x: Tensor) -> Tensor:
    """The solution `tau u` for `tau -> 0`, which pairs every rank with its element: few iterations remain."""
    ordered = x.sort(-1).values
    steps = (ordered[:, 1:] + ordered[:, :-1]) / 2
    return torch.nn.functional.pad(-steps.cumsum(-1), (1, 0))


def balanced(logits: Tensor, iterations: int, tolerance: float) -> Tensor:
    """Sinkhorn's iterations: the matrix `exp(logits + u + v)` with rows and columns that sum to 1.

    >>> balanced(torch.zeros(2, 2), 1, 0.0)
    tensor([[0.5000, 0.5000],
            [0.5000, 0.5000]])
    """
    logits = logits - logits.logsumexp(-2, keepdim=True)
    for _ in range(iterations):
        logits = logits - logits.logsumexp(-1, keepdim=True)
        logits = logits - logits.logsumexp(-2, keepdim=True)
        if tolerance and _is_within(logits, tolerance):
            break
    return logits.exp()


def _is_within(logits: Tensor, tolerance: float) -> bool:
    if torch.compiler.is_compiling():
        return False
    try:
        return bool((logits.detach().exp().sum(-1) - 1).abs().amax() <= tolerance)
    except RuntimeError:  # vmap forbids control flow that depends on values
        return False


class _Implicit(torch.autograd.Function):
    """`balanced`, whose gradient solves for the change of `u` and `v` that keeps the sums."""

    generate_vmap_rule = True

    @staticmethod
    def forward(logits: Tensor, iterations: int, tolerance: float) -> Tensor:
        return balanced(logits, iterations, tolerance)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """The matrix says all."""
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        """Of `P (d logits + du + dv)`: `W - P (a + b)` with `W = P grad`, and `a`, `b` such that its sums are 0."""
        (saved,) = ctx.saved_tensors
        p, n = saved.double(), saved.shape[-1]
        w = p * grad.double()
        rows, columns = w.sum(-1, keepdim=True), w.sum(-2).unsqueeze(-1)
        # Constants in a - b do not matter; the little on the diagonal is for matrices that are permutations.
        system = torch.eye(n, dtype=p.dtype, device=p.device) * (1 + 1e-10) + 1 / n - p.mT @ p
        b = torch.linalg.solve(system, columns - p.mT @ rows)
        a = rows - p @ b
        return (w - p * (a + b.mT)).to(saved.dtype), None, None
