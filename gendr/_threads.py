"""How many threads the kernels use: torch's number, unless told otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from gendr import _check

_chosen: int | None = None


def set_num_threads(threads: int | None) -> None:
    """Fix the kernels' threads apart from torch's, or follow torch again.

    The numbers that come out are the same for any number of threads.

    Args:
        threads: at least 1; None follows `torch.get_num_threads()`.

    Raises:
        TypeError, ValueError: not a positive integer.

    >>> set_num_threads(2)
    >>> get_num_threads()
    2
    >>> set_num_threads(None)
    """
    global _chosen
    if threads is not None and not (isinstance(threads, int) and _check.number("threads", threads, 1)):
        _check.fail("threads", "a positive int, or None", threads)
    _chosen = threads


def get_num_threads() -> int:
    """The threads that the next kernel will use.

    >>> get_num_threads() == torch.get_num_threads()
    True
    """
    return torch.get_num_threads() if _chosen is None else _chosen


@contextmanager
def threads_for_kernels() -> Iterator[None]:
    """Within it torch itself uses one thread, and the kernels keep as many as they had.

    The kernels' threads sleep while they wait; torch's spin, and on a busy machine wait for each other far longer
    than the work of a small tensor takes.

    >>> with threads_for_kernels():
    ...     torch.get_num_threads()
    1
    """
    chosen, of_torch = _chosen, torch.get_num_threads()
    set_num_threads(get_num_threads())
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(of_torch)
        set_num_threads(chosen)
