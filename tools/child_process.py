"""Worker processes that do not outlive the one that began them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading


def leave_with_parent() -> None:
    """To be called first in a worker process: Ctrl-C is left to the parent, and the worker ends when the parent does.

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
