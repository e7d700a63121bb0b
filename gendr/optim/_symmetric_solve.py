"""Solving `A x = b` many times for one sparse symmetric positive definite matrix, with derivatives of any order."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gendr import _check

MAX_DENSE = 8192  # rows of a dense inverse: 268 MB in float32


class Factor:
    """The factorised matrix with `diagonal` [V] and the same `off_diagonal` value at every pair of `ends` [N, 2]."""

    def __init__(self, diagonal: Tensor, ends: Tensor, off_diagonal: float) -> None:
        size = len(diagonal)
        self._inverses: dict[torch.dtype, Tensor] = {}
        if diagonal.device.type != "cpu":
            if size > MAX_DENSE:
                _check.fail("vertices", f"at most {MAX_DENSE} vertices on {diagonal.device}", f"{size}")
            self._inverses[torch.float64] = dense_inverse(diagonal, ends, off_diagonal)
            return
        import scipy.sparse.linalg  # type: ignore[import-untyped]  # a tenth of the time of `import gendr`

        row, column = np.arange(size), np.arange(size)
        values = np.concatenate((diagonal.numpy(), np.full(len(ends), off_diagonal)))
        row, column = np.concatenate((row, ends[:, 0].numpy())), np.concatenate((column, ends[:, 1].numpy()))
        matrix = scipy.sparse.csc_matrix((values, (row, column)), shape=(size, size))
        # Which ordering fills in less depends on the mesh, by a factor of three either way: take the better one.
        # No pivoting: the matrix is diagonally dominant.
        factors = (
            scipy.sparse.linalg.splu(matrix, order, diag_pivot_thresh=0.0, options={"SymmetricMode": True})
            for order in ("MMD_AT_PLUS_A", "COLAMD")
        )
        self._sparse = min(factors, key=lambda factor: int(factor.nnz)) if size else None

    def solve(self, b: Tensor) -> Tensor:
        """Return `A^-1 b` [*, V, C], without derivatives."""
        if self._inverses:
            if b.dtype not in self._inverses:
                self._inverses[b.dtype] = self._inverses[torch.float64].to(b.dtype)
            return self._inverses[b.dtype] @ b
        if self._sparse is None or not b.numel():
            return b.clone()
        # The columns of all batch members one after the other, each contiguous, as the solver wants them.
        columns = b.detach().transpose(-1, -2).reshape(-1, b.shape[-2]).double().numpy()
        x = torch.from_numpy(np.concatenate([self._sparse.solve(block.T).T for block in _blocks(columns)]))
        return x.reshape(*b.shape[:-2], b.shape[-1], b.shape[-2]).transpose(-1, -2).to(b.dtype).contiguous()


def dense_inverse(diagonal: Tensor, ends: Tensor, off_diagonal: float) -> Tensor:
    """The inverse [V, V] of the matrix of `Factor`, in float64 and on its device."""
    matrix = torch.diag(diagonal).index_put_(ends.unbind(1), diagonal.new_tensor(off_diagonal))
    return torch.cholesky_inverse(torch.linalg.cholesky(matrix))


def _blocks(columns: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Three columns at a time.

    With a dozen or more the solver's BLAS starts threads; these fight with torch's, which still spin after a parallel
    operation, and the solve takes eight times as long.
    """
    return [columns[start : start + 3] for start in range(0, len(columns), 3)]


def solve(b: Tensor, factor: Factor) -> Tensor:
    """Return `A^-1 b` [*, V, C]; differentiable to any order, forward and backward, and under `torch.func`."""
    return _Solve.apply(b, factor)  # type: ignore[no-any-return, no-untyped-call]


class _Solve(torch.autograd.Function):
    """Linear and symmetric: every derivative is the same solve."""

    @staticmethod
    def forward(b: Tensor, factor: Factor) -> Tensor:
        return factor.solve(b)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Factor], output: Tensor) -> None:
        ctx.factor = inputs[1]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return solve(gradients[0], ctx.factor), None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, _: None) -> Tensor:
        return solve(tangent, ctx.factor)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, None], b: Tensor, factor: Factor) -> tuple[Tensor, int]:
        return solve(b.movedim(in_dims[0] or 0, 0), factor), 0  # leading dimensions are batch dimensions anyway
