"""The packages that training needs beyond those of the library."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gendr.tools.arguments import BAD_ARGUMENTS, complain

PACKAGES = ("lightning_fabric", "safetensors", "tensorboard")


@contextmanager
def needs_train(command: str) -> Iterator[None]:
    """Within it, a missing package of the extra `train` ends the program: one line, exit code 2.

    >>> with needs_train("gendr train"):
    ...     raise ModuleNotFoundError("No module named 'safetensors'", name="safetensors")
    Traceback (most recent call last):
    SystemExit: 2
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in PACKAGES:
            raise
        complain(command, f"needs the extra train, which brings {error.name}: pip install 'gendr[train]'")
        raise SystemExit(BAD_ARGUMENTS) from None
