"""Parts that furniture shares: posts, legs, padded blocks, feet of columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np
from numpy.random import Generator

from gendr.tools.shapes.procedural.solid import Colour, Solid, box, lathe, loft, rod, rounded_box

Kind = TypeVar("Kind")
Place = tuple[float, float, float]


def one_of(random: Generator, weights: Mapping[Kind, float]) -> Kind:
    """A key, with probability in proportion to its weight.

    >>> one_of(np.random.default_rng(0), {"square": 1.0, "round": 0.0})
    'square'
    """
    kinds, shares = list(weights), np.array(list(weights.values()))
    return kinds[int(random.choice(len(kinds), p=shares / shares.sum()))]


def post(bottom: Place, top: Place, lower: tuple[float, float], upper: tuple[float, float], colour: Colour) -> Solid:
    """A straight bar from the centre of its bottom to that of its top; `lower` and `upper` are sizes in x and z."""
    corners = np.array([[-0.5, 0.5], [0.5, 0.5], [0.5, -0.5], [-0.5, -0.5]])
    rings = [np.insert(corners * size, 1, 0.0, axis=1) + place for place, size in ((bottom, lower), (top, upper))]
    return loft(rings, colour)


def leg(
    style: str, foot: tuple[float, float], head: tuple[float, float], height: float, thick: float, c: Colour
) -> Solid:
    """A leg from the floor at `foot` (x, z) to `height` at `head`: square, tapered, round or turned."""
    bottom, top = (foot[0], 0.0, foot[1]), (head[0], height, head[1])
    if style == "round":
        return rod(bottom, top, [0.4 * thick, 0.5 * thick], c)
    if style == "turned":
        swell = thick / 2 * np.array([0.7, 1.1, 0.6, 0.9, 1.2, 0.6, 1.0, 1.0])
        heights = height * np.array([0.0, 0.06, 0.12, 0.45, 0.62, 0.72, 0.76, 1.0])
        return lathe(np.stack([swell, heights], 1), c, sides=8).moved(head[0], 0.0, head[1])
    end = thick * (0.5 if style == "tapered" else 1.0)
    return post(bottom, top, (end, end), (thick, thick), c)


def legs(random: Generator, width: float, depth: float, height: float, thick: float, colour: Colour) -> list[Solid]:
    """Four legs under the corners of a rectangle, all of one style, sometimes splayed."""
    style = one_of(random, {"square": 5.0, "tapered": 2.0, "round": 2.0, "turned": 1.0})
    splay = random.uniform(0.05, 0.25) * height if style in ("tapered", "round") and random.random() < 0.5 else 0.0
    return [
        leg(style, (x + np.sign(x) * splay / 2, z + np.sign(z) * splay / 2), (x, z), height, thick, colour)
        for x in ((width - thick) / 2, (thick - width) / 2)
        for z in ((depth - thick) / 2, (thick - depth) / 2)
    ]


def block(width: float, height: float, depth: float, softness: float, colour: Colour) -> Solid:
    """A box about the origin with edges rounded by a share of its smallest side; sharp below a share of 0.08."""
    if softness < 0.08:
        return box(width, height, depth, colour)
    return rounded_box(width, height, depth, softness * min(width, height, depth), colour, steps=2)


def star(random: Generator, radius: float, height: float, thick: float, colour: Colour) -> list[Solid]:
    """A swivel chair's foot: four to six arms with castors below a hub of that height."""
    parts = [rod((0, thick, 0), (0, height, 0), thick, colour)]
    count = int(random.integers(4, 7))
    for angle in 2 * np.pi * np.arange(count) / count + np.pi / 2:
        x, z = radius * np.cos(angle), radius * np.sin(angle)
        parts.append(rod((0, 2.5 * thick, 0), (x, 1.6 * thick, z), [thick, 0.7 * thick], colour))
        parts.append(box(1.8 * thick, 2 * thick, 1.8 * thick, colour).moved(x, thick, z))
    return parts


def plate(radius: float, thick: float, colour: Colour, sides: int) -> Solid:
    """A disc that stands on the floor, its upper edge drawn in."""
    return lathe([(radius, 0.0), (radius, 0.6 * thick), (0.85 * radius, thick)], colour, sides)
