"""What `gendr.tools.reconstruct.compare` sets against each other: settings that differ in one thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gendr.tools.reconstruct.settings import Settings


@dataclass(frozen=True)
class Contender:
    """A row of a table.

    Attributes:
        label: what the table calls it.
        changes: of `Settings`, by name, from those of the table.
        pace: its steps as a share of the table's, so that all rows take about the same time.
    """

    label: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    pace: float = 1.0

    def settings(self, classes: tuple[str, ...], counts: tuple[int, ...], steps: int, **common: Any) -> Settings:
        """The settings of its run.

        >>> Contender("half as fast", {"lr": "1e-3"}, 0.5).settings(("02691156",), (9,), 100, lr="1e-4").steps
        50
        """
        return Settings(classes, counts, steps=max(1, round(self.pace * steps)), **{**common, **self.changes})


def _renderer(distribution: str, t_conorm: str, tau: str) -> Contender:
    changes = {"distribution": distribution, "t_conorm": t_conorm, "tau": tau}
    return Contender(f"{distribution}, {t_conorm}, tau {tau}", changes)


RENDERERS = (
    _renderer("uniform", "probabilistic", "1e-2"),
    _renderer("logistic(squared)", "probabilistic", "1e-4"),
    _renderer("gamma(p=0.5, reversed)", "probabilistic", "5.6e-3"),
    _renderer("gaussian", "probabilistic", "1e-2"),
    _renderer("gaussian", "yager(p=2)", "1e-2"),
)
"""Distributions and T-conorms; all else alike."""

RECIPE = (
    Contender("all of it"),
    Contender("colours as they are", {"augment": False}),
    Contender("constant tau", {"tau": "1e-4:1e-4"}),
    Contender("displacements not smoothed", {"model": "modern-plain"}),
    Contender("three convolutions", {"model": "modern-convolutions"}, pace=0.5),
    Contender("published network", {"model": "published", "lr": "3e-4"}, pace=0.5),
)
"""The modern network's parts, each left out or replaced by what is published."""

TABLES = {"renderers": RENDERERS, "recipe": RECIPE}
