"""Rows of a benchmark that never ran: what the report's tests are written on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gendr.presets import THESIS, Instance

ELEVATIONS = (-60.0, -30.0, 0.0, 30.0, 60.0)


@dataclass(frozen=True)
class MadeRow:
    """The columns that the report reads."""

    protocol: str
    mesh: str
    distribution: str
    t_conorm: str
    seed: int
    config: dict[str, Any]
    status: str
    metric: float | None
    details: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    seconds: float | None = 60.0
    versions: dict[str, str] = field(default_factory=lambda: {"gendr": "1.0", "torch": "2.0"})
    commit: str | None = "0123456789abcdef"
    started: str = "2026-01-01T00:00:00.000+00:00"
    finished: str = "2026-01-01T00:01:00.000+00:00"


def shape_row(instance, loss, *, elevation=30.0, lr=10**-1.5, tau=1e-2, seed=0, mesh="airplane", steps=100, error=None):
    """A run with this loss, or a failed one."""
    specs = {"distribution": str(instance.distribution), "t_conorm": str(instance.t_conorm)}
    config = {"mesh": mesh, "elevation": elevation, "lr": lr, "tau": tau, "seed": seed, **specs}
    config |= {"protocol": "shape", "steps": steps, "image_size": 64, "views": 24}
    status = "failed" if error else "done"
    return MadeRow("shape", mesh, *specs.values(), seed, config, status, None if error else loss, error=error)


def pose_row(instance, errors, initial, *, first=0, lr=0.3, seed=0, mesh="teapot"):
    """A run of problems with these final and initial angles."""
    specs = {"distribution": str(instance.distribution), "t_conorm": str(instance.t_conorm)}
    config = {"mesh": mesh, "lr": lr, "seed": seed, "pairs": [first, first + len(errors)], **specs}
    config |= {"protocol": "pose", "steps": 1000, "image_size": 64, "tau": [1e-1, 1e-7]}
    share = float(np.mean(np.asarray(errors) <= 5.0))
    details = {"errors": list(errors), "initial": list(initial)}
    return MadeRow("pose", mesh, *specs.values(), seed, config, "done", share, details)


def whole_benchmark(problems=60):
    """All 1,242 instances in both protocols, with a few failed, partial and missing ones."""
    random = np.random.default_rng(0)
    initial = random.uniform(15.0, 75.0, problems)
    merit = {"gamma": 0.0, "gaussian": 0.02, "logistic": 0.02, "laplace": 0.03, "cauchy": 0.09, "levy": 0.15}
    joins = {"yager": 0.0, "dombi": 0.01, "maximum": 0.1, "average": 0.12}
    for place, instance in enumerate(THESIS):
        base = 0.17 + merit.get(instance.distribution.name, 0.05) + joins.get(instance.t_conorm.name, 0.03)
        base += 0.02 * instance.distribution.is_squared + 0.02 * random.standard_normal()
        if place % 97 == 5:
            yield shape_row(instance, 0.0, error="RuntimeError: <out of memory> & more")
            continue
        if place % 89 == 7:
            continue
        for elevation in ELEVATIONS[: 2 if place % 61 == 3 else None]:
            for lr in (10**-1.25, 10**-1.5):
                noise = 0.01 * random.standard_normal() + (lr > 0.05) * 0.02
                yield shape_row(
                    instance, base + noise, elevation=elevation, lr=lr, tau=10.0 ** -float(random.integers(1, 5))
                )
        hit = random.uniform(size=problems) < max(0.0, 1.4 - 3.0 * base)
        yield pose_row(
            instance, np.where(hit, 1.0 + 3.0 * random.uniform(size=problems), 40.0).tolist(), initial.tolist()
        )


def tiny():
    """Three instances, one of which failed."""
    rows = [shape_row(Instance.from_spec("logistic + probabilistic"), 0.25 + 0.01 * s, seed=s) for s in range(3)]
    rows += [shape_row(Instance.from_spec("uniform(squared) + maximum"), 0.31)]
    return [*rows, shape_row(Instance.from_spec("cauchy + einstein"), 0.0, error="ValueError: mesh: unreadable")]
