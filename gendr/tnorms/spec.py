"""T-norms as text: `probabilistic`, `yager(p=2)`."""

from __future__ import annotations

import re

from gendr import _check
from gendr.tnorms.base import TNORMS, TNorm, WithParameter

_SPEC = re.compile(r"\s*(\w+)\s*(?:\(\s*(?:p\s*=\s*([^\s,=()]+)\s*)?\)\s*)?")


def from_spec(text: str) -> TNorm:
    """Read a T-norm from its spec, the inverse of `str`.

    Args:
        text: a name from `TNORMS`, followed by `(p=NUMBER)` when it has a parameter.

    Raises:
        TypeError: not a string.
        ValueError: an unknown name, a missing or superfluous parameter, or one that is out of range.

    >>> str(from_spec("yager(p=0.5)"))
    'yager(p=0.5)'
    """
    if not isinstance(text, str):
        raise TypeError(f"t_conorm: expected a spec, got {_check.describe(text)}")
    match = _SPEC.fullmatch(text)
    if match is None:
        _check.fail("t_conorm", "a spec like probabilistic or yager(p=2)", text)
    name, value = match.groups()
    cls = TNORMS[_check.choice("t_conorm", name, list(TNORMS))]
    if not issubclass(cls, WithParameter):
        if value is not None:
            _check.fail("t_conorm", f"{name} without a parameter", text)
        return cls()
    if value is None:
        _check.fail("t_conorm", f"{name}(p=NUMBER), p in {cls.parameters['p']}", text)
    try:
        number = float(value)
    except ValueError:
        _check.fail(f"{name} p", f"a number in {cls.parameters['p']}", value)
    return cls(number)
