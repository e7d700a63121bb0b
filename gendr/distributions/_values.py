"""Checks and conversions of tensor values, in forms whose derivatives stay finite."""

from __future__ import annotations

import torch
from torch import Tensor

from gendr import _check


def concrete(condition: Tensor) -> bool:
    """Whether `condition` holds; false where nobody can look: within `vmap`, or under a compiler.

    >>> concrete(torch.tensor(True))
    True
    """
    if torch.compiler.is_compiling():
        return False
    try:
        return bool(condition)
    except RuntimeError:  # vmap forbids control flow that depends on values
        return False


def at_hand(values: Tensor) -> bool:
    """Whether `values` can be read without waiting for a device, and by somebody: not under a compiler.

    >>> at_hand(torch.zeros(2)), at_hand(torch.zeros(2, device="meta"))
    (True, False)
    """
    return values.device.type == "cpu" and not torch.compiler.is_compiling()


def extremes(values: Tensor) -> tuple[float, float] | None:
    """The least and the largest of a tensor's values; None where there are none, or nobody can look.

    >>> extremes(torch.tensor([3, 1, 2]))
    (1, 3)
    """
    if torch.compiler.is_compiling() or not values.numel():
        return None
    try:
        least, most = values.aminmax()
        return least.item(), most.item()
    except RuntimeError:  # as above
        return None


def positive(name: str, value: float | Tensor) -> float | Tensor:
    """A positive number, or a tensor of them, as float64.

    >>> positive("tau", 2)
    2.0
    """
    if not isinstance(value, Tensor):
        return _check.number(name, value, 0.0, open_low=True)
    _check.tensor(name, value, ("*",))
    if concrete((value <= 0).any()):
        _check.fail(name, "positive values", f"{value.min().item():g}")
    return value.double()


def double(value: float | Tensor) -> float | Tensor:
    """A number as it is, a tensor as float64.

    >>> double(torch.tensor(1.0)).dtype
    torch.float64
    """
    return value.double() if isinstance(value, Tensor) else value


def number(value: float | Tensor) -> float:
    """The value itself, without its gradients.

    >>> number(torch.tensor(1.0, requires_grad=True))
    1.0
    """
    return float(value.detach()) if isinstance(value, Tensor) else value


def signed_square(d: Tensor) -> Tensor:
    """`abs(d) d`, with the derivative `2 abs(d)`.

    >>> signed_square(torch.tensor([-2.0, 3.0]))
    tensor([-4.,  9.])
    """
    return torch.where(d < 0, -d, d) * d


def signed_root(y: Tensor) -> Tensor:
    """The inverse of `signed_square`; its derivative at 0, which is infinite, counts as 0.

    >>> signed_root(torch.tensor([-4.0, 0.0, 9.0]))
    tensor([-2.,  0.,  3.])
    """
    root = torch.where(y == 0, 1.0, y.abs()).sqrt()
    return torch.where(y == 0, 0.0, torch.copysign(root, y))
