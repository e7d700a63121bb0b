"""Ctrl-C and SIGTERM as a question that a loop asks between its steps."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType
from typing import Any

EXIT_CODE = 130
"""What a shell reports after Ctrl-C."""


class Interrupt:
    """While the block runs, the first SIGINT or SIGTERM only sets `seen`; the second ends the program at once.

    Outside the main thread, where Python does not let signals be handled, it does nothing.

    >>> with Interrupt() as interrupt:
    ...     signal.raise_signal(signal.SIGINT)
    ...     interrupt.seen
    True
    """

    def __init__(self) -> None:
        self.seen = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.seen:
            sys.exit(EXIT_CODE)
        self.seen = True
