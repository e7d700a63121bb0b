"""The packages that training needs beyond those of the library."""

from __future__ import annotations

from contextlib import AbstractContextManager

from gendr.tools.extra import needs

PACKAGES = ("lightning_fabric", "safetensors", "tensorboard")


def needs_train(command: str) -> AbstractContextManager[None]:
    """Within it, a missing package of the extra `train` ends the program: one line, exit code 2.

    >>> with needs_train("gendr train"):
    ...     raise ModuleNotFoundError("No module named 'safetensors'", name="safetensors")
    Traceback (most recent call last):
    SystemExit: 2
    """
    return needs(command, "train", PACKAGES)
