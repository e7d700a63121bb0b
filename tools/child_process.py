"""Worker processes: how many, and that they do not outlive the one that began them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading


def cores() -> int:
    """How many cores this process may use.

    >>> cores() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def leave_with_parent() -> None:
    """To be called first in a worker process: Ctrl-C is left to the parent, and the worker ends when the parent does,
    however it went.

    The workers of `concurrent.futures` wait for ever for a parent that was killed.

    >>> leave_with_parent()  # in a process that multiprocessing did not start: nothing
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
