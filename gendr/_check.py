"""Errors that say name, wanted, got: `faces: expected int64 [F, 3], got float32 [12, 4]`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NoReturn

import torch
from torch import Tensor

FLOATS = (torch.float32, torch.float64)


def describe(value: object) -> str:
    """What a value is, in the words of an error: `float32 [12, 4]`, `str 'abc'`."""
    if isinstance(value, Tensor):
        return f"{dtype_name(value.dtype)} {list(value.shape)}"
    return f"{type(value).__name__} {value!r}"


def dtype_name(dtype: torch.dtype) -> str:
    """`float32` for `torch.float32`."""
    return str(dtype).removeprefix("torch.")


def fail(name: str, wanted: str, got: object) -> NoReturn:
    """Raise the `ValueError` that names the argument, what was wanted and what came."""
    raise ValueError(f"{name}: expected {wanted}, got {got if isinstance(got, str) else describe(got)}")


def tensor(name: str, value: object, shape: Sequence[int | str], dtypes: Sequence[torch.dtype] = FLOATS) -> Tensor:
    """Return `value` when it is a tensor of one of `dtypes` and of `shape`, in which a string stands for any size.

    A leading `"*"` stands for any number of leading dimensions.
    """
    if not isinstance(value, Tensor):
        raise TypeError(f"{name}: expected a tensor, {_wanted(dtypes, shape)}, got {describe(value)}")
    sizes = list(value.shape)
    wanted_sizes = list(shape)
    if wanted_sizes and wanted_sizes[0] == "*":
        wanted_sizes = wanted_sizes[1:]
        sizes = sizes[len(sizes) - len(wanted_sizes) :] if len(sizes) >= len(wanted_sizes) else [-1]
    fits = len(sizes) == len(wanted_sizes) and all(
        isinstance(w, str) or w == s for w, s in zip(wanted_sizes, sizes, strict=True)
    )
    if value.dtype not in dtypes or not fits:
        fail(name, _wanted(dtypes, shape), value)
    return value


def _wanted(dtypes: Sequence[torch.dtype], shape: Sequence[int | str]) -> str:
    """Said only in errors: compilers do not take sizes that they do not know as text."""
    return f"{' or '.join(dtype_name(d) for d in dtypes)} [{', '.join(str(s) for s in shape)}]"


def number(name: str, value: float, low: float = -math.inf, high: float = math.inf, *, open_low: bool = False) -> float:
    """Return `value` as a float when it is finite and within `[low, high]` (`(low, high]` when `open_low`)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name}: expected a number, got {describe(value)}")
    too_low = value <= low if open_low else value < low
    if not -math.inf < value < math.inf or too_low or value > high:
        raise ValueError(f"{name}: expected a number in {interval(low, high, open_low=open_low)}, got {value!r}")
    return float(value)


def interval(low: float, high: float, *, open_low: bool = False) -> str:
    """A range as a reader expects it: `(0, inf)`, `[0, 1]`."""
    left = "(" if open_low or math.isinf(low) else "["
    right = ")" if math.isinf(high) else "]"
    return f"{left}{low:g}, {high:g}{right}"


def choice(name: str, value: object, allowed: Sequence[str]) -> str:
    """Return `value` when it is one of `allowed`."""
    if not isinstance(value, str) or value not in allowed:
        fail(name, f"one of {', '.join(allowed)}", repr(value) if isinstance(value, str) else value)
    return value
