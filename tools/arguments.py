"""What the commands share: reading arguments, and the one line that says what is wrong with one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import tyro

from gendr import _check

BAD_ARGUMENTS = 2
"""Exit code for arguments that cannot be used."""


SPEC = tyro.conf.arg(metavar="SPEC")
"""An option that takes the text form of a distribution or a T-conorm."""


def option(metavar: str, default: str) -> object:
    """An option that stands for something else while it is not given: how its help shows it."""
    return tyro.conf.arg(metavar=metavar, help_behavior_hint=f"(default: {default})")


def complain(command: str, message: str) -> None:
    """Write the error as one line to standard error."""
    print(f"{command}: error: {' '.join(message.split())}", file=sys.stderr)


@contextmanager
def bad_arguments(command: str) -> Iterator[None]:
    """Errors about values and files inside the block end the program: one line, exit code 2.

    >>> with bad_arguments("gendr fit"):
    ...     softness("0:1")
    Traceback (most recent call last):
    SystemExit: 2
    """
    try:
        yield
    except (ValueError, TypeError, OSError) as error:
        complain(command, str(error))
        raise SystemExit(BAD_ARGUMENTS) from None


def softness(text: str) -> tuple[float, float]:
    """First and last tau from `T` or `T0:T1`.

    Raises:
        ValueError: not one or two positive numbers.

    >>> softness("1e-2"), softness("1e-4:1e-6")
    ((0.01, 0.01), (0.0001, 1e-06))
    """
    parts = text.split(":")
    try:
        numbers = [_check.number("tau", float(part), 1e-30, 1e30) for part in parts]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2):
        _check.fail("tau", "T or T0:T1 with positive numbers, such as 1e-3 or 1e-4:1e-6", repr(text))
    return numbers[0], numbers[-1]
