"""Chairs."""

from __future__ import annotations

from numpy.random import Generator

from gendr.tools.shapes.procedural.solid import Solid, box


def chair(random: Generator) -> list[Solid]:
    """A seat on four legs with a back, sometimes with arms."""
    width, depth, seat = random.uniform(0.8, 1.1), random.uniform(0.8, 1.1), random.uniform(0.8, 1.1)
    thick, back = random.uniform(0.05, 0.2), random.uniform(0.7, 1.3)
    leg = random.uniform(0.06, 0.14)
    parts = [box(width, thick, depth).moved(y=seat)]
    for x in (-1, 1):
        for z in (-1, 1):
            parts.append(box(leg, seat, leg).moved(x * (width - leg) / 2, seat / 2, z * (depth - leg) / 2))
    parts.append(box(width, back, thick).moved(y=seat + back / 2, z=-(depth - thick) / 2))
    return parts
