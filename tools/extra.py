"""Packages beyond those of the library, which `pip install 'gendr[EXTRA]'` brings."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from gendr.tools.arguments import BAD_ARGUMENTS, complain


@contextmanager
def needs(command: str, extra: str, packages: Collection[str]) -> Iterator[None]:
    """Within it, a missing package of an extra ends the program: one line, exit code 2.

    >>> with needs("gendr train", "train", ["safetensors"]):
    ...     raise ModuleNotFoundError("No module named 'safetensors'", name="safetensors")
    Traceback (most recent call last):
    SystemExit: 2
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in packages:
            raise
        complain(command, f"needs the extra {extra}, which brings {error.name}: pip install 'gendr[{extra}]'")
        raise SystemExit(BAD_ARGUMENTS) from None
