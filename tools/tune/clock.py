"""How much of its budget a part of the tuning has used, in this process and in those before."""

from __future__ import annotations

import time

import optuna

SECONDS = "seconds"


class Clock:
    """Wall time of one study, which is kept in the study.

    Args:
        study: of which part.
        budget: seconds that it has in all.

    >>> clock = Clock(optuna.create_study(), 60.0)
    >>> clock.note()
    >>> 59.0 < clock.left <= 60.0
    True
    """

    def __init__(self, study: optuna.Study, budget: float) -> None:
        self._study, self._budget = study, budget
        self._before = float(study.user_attrs.get(SECONDS, 0.0))
        self._began = time.monotonic()
        self._end: float | None = None

    @property
    def used(self) -> float:
        """Seconds."""
        end = time.monotonic() if self._end is None else self._end
        return self._before + end - self._began

    @property
    def left(self) -> float:
        """Seconds; negative when more was used."""
        return self._budget - self.used

    def stop(self) -> None:
        """The part is over: stand still, and write it down."""
        self._end = time.monotonic()
        self.note()

    def note(self) -> None:
        """Write it down."""
        self._study.set_user_attr(SECONDS, self.used)
