"""The functional core: a relaxed network on a batch of rows, with as much of the permutation matrix as is asked for."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from gendr import _check
from gendr._cuda import require
from gendr.sort import _cuda as _cuda
from gendr.sort import _ops, reference
from gendr.sort.networks import Network
from gendr.sort.sigmoid import Sigmoid

BACKENDS = ("auto", "cpu", "cuda", "reference")


def apply_network(
    x: Float[Tensor, "B n"],
    network: Network,
    sigmoid: Sigmoid,
    rows: int | Tensor | None = None,
    backend: str = "auto",
) -> tuple[Float[Tensor, "B n"], Float[Tensor, "B m n"] | None]:
    """Send every row of `x` through a network of relaxed comparators.

    A comparator `(low, high)` with `alpha = f(x_high - x_low)` puts `alpha x_low + (1 - alpha) x_high` on wire `low`
    and the rest on wire `high`; in matrix form, `alpha` is on the diagonal and `1 - alpha` off it. The product of all
    layers is the relaxed permutation matrix `P`, doubly stochastic, with `values = P x`: row `i` says from which
    inputs wire `i`'s value comes, column `j` to which wires input `j` goes.

    Args:
        x: `[B, n]`, float32 or float64. Infinities are compared hard; a row with NaN gives NaN; no row
            touches another.
        network: on `n` wires; it need not sort.
        sigmoid: `f`.
        rows: which rows: None for the values only; an int `k` for `P[:k]`; a float tensor `W` `[m, n]` or `[B, m, n]`
            for the combinations `W P`, each of which costs no more than the values.
        backend: "cpu", "cuda" (kernels), "reference" (plain torch, derivatives of any order, any device), or "auto":
            the kernels of the device that holds `x`.

    Returns:
        The values `[B, n]`, and the rows `[B, k or m, n]` or None; differentiable in `x` and `W`. The kernels give
        first derivatives in reverse mode, deterministically: a sample's bits depend neither on the threads nor on the
        batch.

    Raises:
        TypeError, ValueError: an argument of the wrong kind, shape or dtype.

    >>> from gendr.distributions import Optimal
    >>> from gendr.sort.networks import bitonic
    >>> values, p = apply_network(torch.tensor([[2.0, 1.0]]), bitonic(2), Sigmoid(Optimal(), 1.0), rows=1)
    >>> p
    tensor([[[0.0625, 0.9375]]])
    """
    _check.tensor("x", x, ("B", network.n))
    _check.choice("backend", backend, BACKENDS)
    if backend in ("cpu", "cuda") and x.device.type != backend:
        _check.fail("x", f"a tensor on a {backend} device for backend='{backend}'", str(x.device))
    if isinstance(rows, Tensor):
        _check.tensor("rows", rows, ("*", "m", network.n), (x.dtype,))
        if rows.dim() > 3 or (rows.dim() == 3 and len(rows) not in (1, len(x))):
            _check.fail("rows", f"[m, {network.n}] or [{len(x)}, m, {network.n}]", rows)
    elif rows is not None and not 0 <= rows <= network.n:
        _check.fail("rows", f"None, a tensor, or an int from 0 to {network.n}", rows)
    return (_reference if backend == "reference" else _kernel)(x, network, sigmoid, rows)


def _kernel(x: Tensor, network: Network, sigmoid: Sigmoid, rows: int | Tensor | None) -> tuple[Tensor, Tensor | None]:
    if x.device.type == "cuda":
        require(x.device)
    weights = x.new_empty(0, 0, network.n)
    if rows is None:
        product, count = "none", 0
    elif isinstance(rows, Tensor):
        weights = rows if rows.dim() == 3 else rows.unsqueeze(0)
        product, count = "weights", rows.shape[-2]
    else:
        product, count = "full" if rows == network.n else "first", rows
    options = _ops.SortOptions(
        _ops.PRODUCTS.index(product), count, sigmoid.distribution.name, sigmoid.scale, sigmoid.art or 0.0
    )
    pairs, starts = (t if x.device.type == "cpu" else t.to(x.device) for t in (network.pairs, network.starts))
    values, matrix = _ops.sort_network(x, weights, pairs, starts, options)
    return values, None if rows is None else matrix


def _reference(
    x: Tensor, network: Network, sigmoid: Sigmoid, rows: int | Tensor | None
) -> tuple[Tensor, Tensor | None]:
    values, steps = reference.run(x, network, sigmoid)
    if rows is None:
        return values, None
    if isinstance(rows, Tensor):
        return values, reference.rows(rows.expand(len(x), *rows.shape[-2:]), network, steps)
    eye = torch.eye(network.n, dtype=x.dtype, device=x.device).expand(len(x), -1, -1)
    if rows == network.n:
        return values, reference.columns(eye, network, steps)
    return values, reference.rows(eye[:, :rows], network, steps)
