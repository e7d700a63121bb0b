"""What the report reads of a benchmark's results: one row per run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from gendr import _check


@runtime_checkable
class Row(Protocol):
    """A run and what became of it, as the results' store gives it."""

    @property
    def protocol(self) -> str:
        """`shape` or `pose`."""

    @property
    def mesh(self) -> str:
        """A scene's name or a file."""

    @property
    def distribution(self) -> str:
        """Its spec."""

    @property
    def t_conorm(self) -> str:
        """Its spec."""

    @property
    def seed(self) -> int:
        """Of the start or of the problems."""

    @property
    def config(self) -> Mapping[str, Any]:
        """All fields of the run."""

    @property
    def status(self) -> str:
        """`done` or `failed`."""

    @property
    def metric(self) -> float | None:
        """What the run reached."""

    @property
    def details(self) -> Mapping[str, Any] | None:
        """What else is known of it."""

    @property
    def error(self) -> str | None:
        """Why it failed."""

    @property
    def seconds(self) -> float | None:
        """Of processor time."""

    @property
    def versions(self) -> Mapping[str, str]:
        """Of the programs that made it."""

    @property
    def commit(self) -> str | None:
        """Of gendr's source."""

    @property
    def started(self) -> str:
        """UTC, ISO 8601."""

    @property
    def finished(self) -> str:
        """Likewise."""


def setting(config: Mapping[str, Any], name: str) -> float:
    """A number of a row's configuration.

    Raises:
        ValueError: it has none of that name, or it is not finite.

    >>> setting({"lr": 0.1}, "lr")
    0.1
    """
    value = config.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        _check.fail(f"results: {name}", "a number in the run's configuration", repr(value))
    return float(value)


def is_done(status: str, metric: float | None) -> bool:
    """Whether a row has a figure to count: done, and finite.

    >>> is_done("done", float("nan"))
    False
    """
    return status == "done" and metric is not None and math.isfinite(metric)
