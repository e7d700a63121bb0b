"""Colours of things made by chance, mostly muted, some vivid: near a palette's, or any.

Pictures are drawn from linear light. The palettes are written as pictures have them, and `near` makes light of them.
"""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

from gendr.tools.shapes.procedural.solid import Colour

WOODS = (
    (0.83, 0.73, 0.57),
    (0.72, 0.55, 0.35),
    (0.60, 0.40, 0.22),
    (0.55, 0.28, 0.16),
    (0.38, 0.14, 0.14),
    (0.33, 0.23, 0.15),
    (0.24, 0.20, 0.16),
    (0.86, 0.84, 0.80),
    (0.45, 0.45, 0.44),
)
CLOTHS = (
    (0.87, 0.65, 0.54),
    (0.60, 0.15, 0.16),
    (0.15, 0.13, 0.26),
    (0.16, 0.24, 0.31),
    (0.13, 0.13, 0.13),
    (0.33, 0.31, 0.29),
    (0.35, 0.18, 0.13),
    (0.82, 0.81, 0.78),
    (0.30, 0.40, 0.28),
    (0.66, 0.55, 0.30),
    (0.55, 0.58, 0.62),
)
METALS = ((0.62, 0.70, 0.73), (0.78, 0.79, 0.80), (0.50, 0.50, 0.51), (0.30, 0.32, 0.33), (0.12, 0.12, 0.13))


def light(red: float, green: float, blue: float) -> Colour:
    """The linear light of a colour as pictures have it, which is raised to the power 2.2."""
    return (red**2.2, green**2.2, blue**2.2)


BROWNS = (light(0.55, 0.36, 0.2), light(0.42, 0.27, 0.16), light(0.72, 0.55, 0.36), light(0.36, 0.25, 0.22))
"""Of wooden stocks, hulls and boxes; linear light already."""
DARK = light(0.15, 0.15, 0.16)
"""Rubber, glass, gun metal; linear light already."""


def near(random: Generator, palette: Sequence[Colour], vivid: float = 0.12) -> Colour:
    """A colour close to one of a palette's, or with probability `vivid` any strong one, as linear light.

    The palettes are written as pictures have them: here they are raised to the power 2.2.

    >>> all(0 <= value <= 1 for value in near(np.random.default_rng(0), WOODS))
    True
    """
    if random.random() < vivid:
        shown = np.array(colorsys.hsv_to_rgb(random.random(), random.uniform(0.5, 1.0), random.uniform(0.4, 0.95)))
    else:
        base = np.array(palette[int(random.integers(len(palette)))])
        shown = base * random.uniform(0.8, 1.2) + random.normal(0.0, 0.025, 3)
    red, green, blue = (np.clip(shown, 0.03, 1.0) ** 2.2).tolist()
    return red, green, blue


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
    return BROWNS[random.integers(len(BROWNS))]


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
