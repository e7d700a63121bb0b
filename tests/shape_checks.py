"""Shapes and types of every call into gendr, checked by jaxtyping and beartype while the tests run, and only then.

An argument that does not fit its annotation must be refused: by gendr's own error, which is what a user sees, or, where
gendr would let it pass, by the checker. So tests of errors see the real messages. What gendr returns must fit as well.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
from typing import Any, runtime_checkable

import jaxtyping
import torch
from beartype import BeartypeConf, beartype
from typing_extensions import is_protocol

# The operators' functions are called by torch with what torch likes: symbols, fake and batched tensors.
UNCHECKED = frozenset(
    {"gendr._ops.coverage", "gendr._ops.blend", "gendr._ops.library", "gendr.sort._ops", "gendr.topk._ops"}
)

_jaxtyped = jaxtyping.jaxtyped
_beartype = beartype(conf=BeartypeConf(is_pep484_tower=True))  # an int is a float, as every type checker has it


def install() -> None:
    """Check all modules of gendr that are imported from now on."""
    jaxtyping.jaxtyped = checked  # the name under which the hook's rewritten modules find the decorator
    jaxtyping.install_import_hook("gendr", typechecker=None)


def checked(target: Any = None, *, typechecker: object = None) -> Any:
    """The decorator that the import hook puts on every function and class."""
    if target is None:
        return checked
    if inspect.isclass(target):
        if dataclasses.is_dataclass(target) and "__init__" in target.__dict__:
            target.__init__ = checked(target.__init__)
        return runtime_checkable(target) if is_protocol(target) else target
    for kind in (staticmethod, classmethod):
        if isinstance(target, kind):
            return kind(checked(target.__func__))
    if isinstance(target, property):
        return property(*(f and checked(f) for f in (target.fget, target.fset, target.fdel)), target.__doc__)
    if not inspect.isfunction(target) or target.__module__ in UNCHECKED or hasattr(target, "is_checked"):
        return target
    return _refereed(target)


def _refereed(function: Any) -> Any:
    hints = function.__annotations__
    hints.update({name: Any for name, hint in hints.items() if "Self" in str(hint)})  # beartype wants whole classes
    strict = _jaxtyped(function, typechecker=_beartype)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        if torch.compiler.is_compiling():
            return function(*args, **kwargs)
        try:
            return strict(*args, **kwargs)
        except jaxtyping.TypeCheckError as error:
            of_parameters = "checking the parameters" in str(error)
            if of_parameters and not hasattr(error, "is_settled"):
                _expect_refusal(function, args, kwargs)  # it has not run yet
            error.is_settled = True
            raise

    call.is_checked = True
    return call


def _expect_refusal(function: Any, args: Any, kwargs: Any) -> None:
    """Let through the errors by which gendr refuses an argument; crashes and results count as nothing."""
    __tracebackhide__ = True
    try:
        function(*args, **kwargs)
    except (TypeError, ValueError):
        raise
    except Exception:
        return
