"""A benchmark's figures in order: one array per metric, instances by conditions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gendr.presets import Instance

Floats = NDArray[np.float64]
Budget = tuple[tuple[str, Any], ...]
"""What all runs of a study share: steps, image size and the like."""


class Condition(NamedTuple):
    """What instances are compared under: the part is an elevation (shape) or a problem's number (pose)."""

    mesh: str
    part: float
    seed: int


class Counts(NamedTuple):
    """Runs of an instance on a mesh."""

    done: int
    failed: int


@dataclass(frozen=True)
class Metric:
    """What is measured, and which way is better.

    Attributes:
        name: in file names and columns.
        title: in headings.
        lower_is_better: as a loss is.
    """

    name: str
    title: str
    lower_is_better: bool

    def text(self, value: float) -> str:
        """A loss with four decimals, a share in per cent; `-` where there is none.

        >>> Metric("loss", "loss", True).text(0.25), Metric("within3", "within 3°", False).text(0.875)
        ('0.2500', '87.5')
        """
        if not math.isfinite(value):
            return "-"
        return f"{value:.4f}" if self.lower_is_better else f"{100 * value:.1f}"


LOSS = Metric("loss", "best hard IoU loss", True)
WITHIN_3 = Metric("within3", "poses recovered within 3°, %", False)
WITHIN_5 = Metric("within5", "poses recovered within 5°, %", False)
METRICS = {"shape": (LOSS,), "pose": (WITHIN_3, WITHIN_5)}
"""The metrics of each protocol, the thesis's first."""


@dataclass(frozen=True, eq=False)
class Study:
    """All runs of one protocol with one budget.

    Attributes:
        protocol: "shape" or "pose".
        budget: what the runs share.
        instances: I of them, in the order of the thesis's grid.
        conditions: C of them: what any instance was run under.
        values: by metric's name, `[I, C]` with the best learning rate and tau; NaN where nothing is known.
        lr, tau: `[I, C]`, those that gave the values; tau is NaN where it is scheduled.
        initial: `[C]`, a problem's initial angle in degrees; NaN for shapes.
        rates: by learning rate, the first metric `[I, C]`.
        edge: `[I, C]`, whether the best tau is the first or the last that a search over [1e-8, 1] tried; NaN without
            one.
        counts: runs by instance and mesh.
    """

    protocol: str
    budget: Budget
    instances: tuple[Instance, ...]
    conditions: tuple[Condition, ...]
    values: Mapping[str, Floats]
    lr: Floats
    tau: Floats
    initial: Floats
    rates: Mapping[float, Floats] = field(default_factory=dict)
    edge: Floats = field(default_factory=lambda: np.empty((0, 0)))
    counts: Mapping[tuple[Instance, str], Counts] = field(default_factory=dict)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Those of the protocol."""
        return METRICS[self.protocol]

    @property
    def meshes(self) -> tuple[str, ...]:
        """In the order of the conditions, or of the failed runs where nothing else is known."""
        return tuple(dict.fromkeys([*(c.mesh for c in self.conditions), *(mesh for _, mesh in self.counts)]))

    @property
    def known(self) -> NDArray[np.int64]:
        """`[I]`: under how many of the C conditions an instance was measured."""
        return np.asarray(np.isfinite(self.values[self.metrics[0].name]).sum(axis=1), dtype=np.int64)

    @property
    def is_complete(self) -> NDArray[np.bool_]:
        """`[I]`: measured under all conditions, hence comparable."""
        return np.asarray((self.known == len(self.conditions)) & (self.known > 0), dtype=np.bool_)

    def mean(self, metric: Metric) -> Floats:
        """`[I]`: over the known conditions; NaN where there is none."""
        values = self.values[metric.name]
        total = np.where(np.isfinite(values), values, 0.0).sum(axis=1)
        return np.where(self.known > 0, total / np.maximum(self.known, 1), np.nan)

    def runs(self, instance: Instance) -> Counts:
        """Of an instance over all meshes."""
        found = [self.counts.get((instance, mesh), Counts(0, 0)) for mesh in self.meshes]
        return Counts(sum(c.done for c in found), sum(c.failed for c in found))

    def on(self, mesh: str) -> Study:
        """The part with one mesh."""
        keep = [i for i, condition in enumerate(self.conditions) if condition.mesh == mesh]
        return replace(
            self,
            conditions=tuple(self.conditions[i] for i in keep),
            values={name: values[:, keep] for name, values in self.values.items()},
            lr=self.lr[:, keep],
            tau=self.tau[:, keep],
            initial=self.initial[keep],
            rates={lr: values[:, keep] for lr, values in self.rates.items()},
            edge=self.edge[:, keep] if self.edge.size else self.edge,
            counts={key: value for key, value in self.counts.items() if key[1] == mesh},
        )
