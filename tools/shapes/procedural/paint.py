"""Colours for things made by chance: muted and vivid ones, parts alike or different."""

from __future__ import annotations

import colorsys

from numpy.random import Generator

from gendr.tools.shapes.procedural.solid import Colour


def light(red: float, green: float, blue: float) -> Colour:
    """The linear light of a colour as pictures have it, which is raised to the power 2.2."""
    return (red**2.2, green**2.2, blue**2.2)


WOODS = (light(0.55, 0.36, 0.2), light(0.42, 0.27, 0.16), light(0.72, 0.55, 0.36), light(0.36, 0.25, 0.22))
"""Browns of wood."""
DARK = light(0.15, 0.15, 0.16)
"""Rubber, glass, gun metal."""


def hue(random: Generator) -> Colour:
    """A colour, grey, muted or vivid, as linear light."""
    kind = random.choice(3, p=(0.35, 0.35, 0.3))
    if kind == 0:
        grey = float(random.choice((0.15, 0.3, 0.55, 0.7, 0.8, 0.9)))
        return light(grey, grey, grey)
    saturation = random.uniform(0.15, 0.45) if kind == 1 else random.uniform(0.6, 0.95)
    return light(*colorsys.hsv_to_rgb(random.uniform(), saturation, random.uniform(0.4, 0.95)))


def wood(random: Generator) -> Colour:
    """A brown."""
    return WOODS[random.integers(len(WOODS))]


def paints(random: Generator, count: int, fixed: tuple[Colour, ...] = ()) -> list[Colour]:
    """Colours of `count` kinds of parts: `fixed` ones at the end, others by chance; a third of the time all alike.

    >>> import numpy as np
    >>> len(paints(np.random.default_rng(0), 3))
    3
    """
    first = hue(random)
    others = [first if random.uniform() < 0.4 else hue(random) for _ in range(count - 1)]
    chosen = [first, *others][: count - len(fixed)] + list(fixed)
    return [first] * count if random.uniform() < 0.3 else chosen
