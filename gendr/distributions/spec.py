"""Reading a distribution from its spec, the text that `str()` makes of it."""

from __future__ import annotations

import re
from typing import Any

from gendr import _check
from gendr.distributions.base import DISTRIBUTIONS, Distribution

_SPEC = re.compile(r"\s*(\w+)\s*(?:\(([^()]*)\))?\s*")
_FLAGS = ("reversed", "squared")


def from_spec(text: str) -> Distribution:
    """The distribution that a spec describes, such as `logistic` or `gamma(p=0.5, shift=0.3, reversed, squared)`.

    The options may stand in any order; each means what the attribute of `Distribution` means, so that the order of the
    combinators that led there is of no concern.

    Args:
        text: A name, and in parentheses the options: the distribution's parameters, `shift`, `reversed`, `squared`.

    Raises:
        ValueError: The name or an option is unknown, missing, repeated or out of range; says what is allowed.
        TypeError: `text` is not a string.

    >>> from_spec("gamma(p=0.5, reversed, squared)").parameters["p"]
    Range(low=0.0, high=100.0)
    """
    if not isinstance(text, str):
        raise TypeError(f"distribution: expected a spec, got {_check.describe(text)}")
    match = _SPEC.fullmatch(text)
    if match is None:
        _check.fail("distribution", "NAME or NAME(OPTION, ...)", repr(text))
    name, inner = match.groups()
    if name not in DISTRIBUTIONS:
        _check.fail("distribution", f"one of {', '.join(DISTRIBUTIONS)}", repr(name))
    cls = DISTRIBUTIONS[name]
    options: dict[str, Any] = {}
    for item in inner.split(",") if inner and inner.strip() else []:
        key, value = _option(cls, item.strip())
        if key in options:
            _check.fail(name, f"{key.removeprefix('is_')} at most once", repr(text))
        options[key] = value
    for parameter, allowed in cls.parameters.items():
        if parameter not in options:
            _check.fail(name, f"{parameter}=NUMBER with the number in {allowed}", repr(text))
    return cls(**options)


def _option(cls: type[Distribution], item: str) -> tuple[str, float | bool]:
    """One option of a spec, as a keyword of the class and its value."""
    key, equals, value = (part.strip() for part in item.partition("="))
    if not equals and key in _FLAGS:
        return f"is_{key}", True
    numbers = (*cls.parameters, "shift")
    if not equals or key not in numbers:
        allowed = [f"{number}=NUMBER" for number in numbers] + list(_FLAGS)
        _check.fail(cls.name, f"options among {', '.join(allowed)}", repr(item))
    try:
        return key, float(value)
    except ValueError:
        _check.fail(key, "a number", repr(value))
