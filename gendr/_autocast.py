"""Mixed precision: what autocast makes of a network in half precision, gendr takes, and computes in single.

A pixel is a thousandth of an image and bfloat16 keeps two to three digits: geometry in it would be noise.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor

P = ParamSpec("P")
R = TypeVar("R")


def is_on() -> bool:
    """Whether autocast is about, on the CPU or on GPUs.

    >>> with torch.autocast("cpu", torch.bfloat16):
    ...     is_on()
    True
    """
    return torch.is_autocast_enabled("cpu") or torch.is_autocast_enabled("cuda")


def single(value: Any) -> Any:
    """Tensors of half precision as float32, differentiably; all else as it is.

    >>> single(torch.zeros(2, dtype=torch.bfloat16)).dtype, single("text")
    (torch.float32, 'text')
    """
    is_half = isinstance(value, Tensor) and value.dtype in (torch.float16, torch.bfloat16)
    return value.float() if is_half else value


def single_fields(whole: Any, *names: str) -> None:
    """Under autocast: a frozen dataclass's fields of half precision become float32. For its `__post_init__`."""
    if is_on():
        for name in names:
            object.__setattr__(whole, name, single(getattr(whole, name)))


def in_single_precision(function: Callable[P, R]) -> Callable[P, R]:
    """Under autocast: arguments of half precision come as float32, and nothing within is cast down.

    >>> @in_single_precision
    ... def product(a, b):
    ...     return a @ b
    >>> with torch.autocast("cpu", torch.bfloat16):
    ...     product(torch.ones(2, 2, dtype=torch.bfloat16), torch.ones(2, 2)).dtype
    torch.float32
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if not is_on():
            return function(*args, **kwargs)
        with torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):
            values: Any = [single(value) for value in args]
            named: Any = {name: single(value) for name, value in kwargs.items()}
            return function(*values, **named)

    return call
