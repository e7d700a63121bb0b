"""Tables: dining, coffee and side tables, round ones, trestles, desks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from gendr.tools.shapes.procedural.colours import METALS, WOODS, near
from gendr.tools.shapes.procedural.furniture import legs, one_of, plate, post
from gendr.tools.shapes.procedural.solid import Colour, Solid, box, lathe, prism, rounded_box, tube

GLASS = ((0.75, 0.85, 0.85), (0.68, 0.80, 0.82), (0.90, 0.92, 0.90))


def table(random: Generator) -> list[Solid]:
    """A table of any kind."""
    kinds: dict[Callable[[Generator], list[Solid]], float] = {
        _four_legs: 0.46, _column: 0.17, _trestle: 0.14, _desk: 0.13, _slabs: 0.05, _corner_desk: 0.05,
    }  # fmt: skip
    return one_of(random, kinds)(random)


def _size(random: Generator) -> tuple[float, float, float]:
    """Width, height and depth of a dining, coffee, square, high or long table."""
    kind = one_of(random, {"dining": 5.0, "coffee": 3.0, "square": 2.0, "console": 1.4})
    width = 1.0
    if kind == "square":
        return width, random.uniform(0.4, 0.75), random.uniform(0.9, 1.0)
    if kind == "console":
        return width, random.uniform(0.55, 0.9), random.uniform(0.3, 0.5)
    height = random.uniform(0.3, 0.5) if kind == "dining" else random.uniform(0.2, 0.36)
    return width, height, random.uniform(0.42, 0.68)


def _top(random: Generator, width: float, depth: float, thick: float, colour: Colour) -> Solid:
    """A board about the origin: sharp, rounded or oval."""
    kind = one_of(random, {"sharp": 7.0, "rounded": 1.5, "oval": 1.0})
    if kind == "oval":
        return lathe([(0.5, -thick / 2), (0.5, thick / 2)], colour, sides=24).scaled(width, 1, depth)
    if kind == "rounded":
        return rounded_box(width, depth, thick, 0.49 * thick, colour, steps=2).turned("x", -90)
    return box(width, thick, depth, colour)


def _four_legs(random: Generator) -> list[Solid]:
    """A board on four legs, with a frame, a shelf or bars between them sometimes."""
    wood = near(random, (*WOODS, *METALS))
    board = wood if random.random() < 0.65 else near(random, (*WOODS, *GLASS))
    width, height, depth = _size(random)
    thick, bar = random.uniform(0.02, 0.07), random.uniform(0.03, 0.09)
    over = random.choice([0.0, random.uniform(0.0, 0.12)])
    w, d = width * (1 - over), depth - width * over
    parts = [_top(random, width, depth, thick, board).moved(y=height - thick / 2)]
    parts += legs(random, w, d, height - 0.7 * thick, bar, wood)
    if random.random() < 0.5:
        apron = random.uniform(0.1, 0.25) * height
        parts += _ring(w - bar, d - bar, height - thick - 0.45 * apron, apron, 0.6 * bar, wood)
    low = random.uniform(0.1, 0.35) * height
    extra = one_of(random, {"none": 6.0, "bars": 2.5, "sides": 1.5, "shelf": 1.0})
    if extra == "bars":
        parts += _ring(w - bar, d - bar, low, 0.7 * bar, 0.7 * bar, wood)
    elif extra == "sides":
        parts += [box(0.7 * bar, 0.7 * bar, d - bar, wood).moved(x * (w - bar) / 2, low) for x in (-1, 1)]
    elif extra == "shelf":
        parts.append(box(w - bar, 0.025, d - bar, board).moved(y=low))
    return parts


def _ring(width: float, depth: float, y: float, high: float, thick: float, colour: Colour) -> list[Solid]:
    """Four boards around a rectangle."""
    along = [box(width, high, thick, colour).moved(0, y, z * depth / 2) for z in (-1, 1)]
    return along + [box(thick, high, depth, colour).moved(x * width / 2, y) for x in (-1, 1)]


def _column(random: Generator) -> list[Solid]:
    """A round, oval or square board on one foot."""
    wood = near(random, (*WOODS, *METALS))
    board = wood if random.random() < 0.6 else near(random, (*WOODS, *GLASS))
    height, thick = random.uniform(0.4, 0.85), random.uniform(0.03, 0.08)
    sides, long = int(random.choice([4, 6, 8, 24, 24])), random.choice([1.0, 1.0, random.uniform(1.0, 2.0)])
    disc = lathe([(0.48, 0), (0.5, 0.4 * thick), (0.5, thick)], board, sides)
    parts = [disc.turned("y", 180 / sides).scaled(long, 1, 1).moved(y=height - thick)]
    r = random.uniform(0.03, 0.09)
    heights = np.array([0, 0.06, 0.12, 0.3, 0.5, 0.7, 0.85, 1.0]) * (height - thick / 2)
    if random.random() < 0.5:
        swell = r * random.uniform(0.8, 2.0, 8)
        parts.append(lathe(np.stack([swell, heights], 1), wood, sides=12))
    else:
        parts.append(lathe([(r, 0), (r, height - thick / 2)], wood, sides=12))
    reach = random.uniform(0.22, 0.42)
    if random.random() < 0.5:
        foot = plate(reach, random.uniform(0.03, 0.12), wood, sides=int(random.choice([4, 8, 20])))
        return [*parts, foot.scaled(min(long, 1.4), 1, 1)]
    count, start = int(random.integers(3, 5)), random.uniform(0.1, 0.4) * height
    claw = tube([(0, start, 0), (0.5 * reach, 0.7 * start, 0), (reach, 0.03, 0)], [0.03, 0.04, 0.03], wood, sides=8)
    return parts + [claw.turned("y", 45 + 360 * i / count) for i in range(count)]


def _trestle(random: Generator) -> list[Solid]:
    """A long board on two uprights with feet, or on crossed legs, with a bar between."""
    wood, bar = near(random, WOODS), random.uniform(0.03, 0.07)
    height, depth, thick = random.uniform(0.26, 0.48), random.uniform(0.38, 0.58), random.uniform(0.025, 0.06)
    parts = [_top(random, 1.0, depth, thick, wood).moved(y=height - thick / 2)]
    place, reach = random.uniform(0.28, 0.42), random.uniform(0.32, 0.46) * depth
    crossed = random.random() < 0.4
    for x in (-place, place):
        if crossed:
            parts += [
                post((x, 0, z), (x, height - thick / 2, -z), (bar, bar), (bar, bar), wood) for z in (-reach, reach)
            ]
        else:
            wide = random.uniform(0.1, 0.5) * depth
            parts.append(box(bar, height - thick / 2, wide, wood).moved(x, (height - thick / 2) / 2))
            parts.append(box(1.3 * bar, bar, 2 * reach, wood).moved(x, bar / 2))
            parts.append(box(1.3 * bar, bar, 1.6 * reach, wood).moved(x, height - thick - bar / 2))
    low = height / 2 if crossed else random.uniform(0.2, 0.6) * height
    return [*parts, box(2 * place, 0.8 * bar, 0.7 * bar, wood).moved(y=low)]


def _desk(random: Generator) -> list[Solid]:
    """A board on sides or chests of drawers, with a panel behind."""
    wood, front = near(random, WOODS), near(random, WOODS)
    front = wood if random.random() < 0.6 else front
    height, depth, thick = random.uniform(0.28, 0.58), random.uniform(0.38, 0.6), random.uniform(0.02, 0.06)
    parts = [box(1.0, thick, depth, wood).moved(y=height - thick / 2)]
    inner, d, foot = (
        random.choice([0.96, 0.9]),
        0.94 * depth,
        random.choice([0.0, 0.0, random.uniform(0.3, 0.6)]) * height,
    )
    high = height - 0.5 * thick - foot
    for x, chest in ((-1, random.random() < 0.7), (1, random.random() < 0.45)):
        wide = random.uniform(0.22, 0.34) if chest else random.uniform(0.03, 0.06)
        place, y = x * (inner - wide) / 2, foot + high / 2
        parts.append(box(wide, high, d, wood).moved(place, y))
        count = int(random.integers(1, 4))
        if chest:
            drawer = box(0.86 * wide, 0.84 * high / count, 0.02, front)
            parts += [drawer.moved(place, foot + (i + 0.5) * high / count, d / 2) for i in range(count)]
    if foot:
        parts += legs(random, inner, d, foot + 0.02, 0.05, wood)
    panel = high * random.uniform(0.4, 1.0)
    parts.append(box(inner, panel, 0.03, wood).moved(0, height - 0.5 * thick - panel / 2, 0.03 - d / 2))
    if random.random() < 0.12:
        parts.append(box(0.9, 0.25, 0.3 * depth, wood).moved(0, height + 0.1, -0.34 * depth))
    return parts


def _slabs(random: Generator) -> list[Solid]:
    """A board on two slabs, its front straight or bulging."""
    wood, height, depth = near(random, (*WOODS, *GLASS)), random.uniform(0.22, 0.5), random.uniform(0.4, 0.6)
    slab, bulge = random.uniform(0.02, 0.08), random.choice([0.0, random.uniform(0.05, 0.2)])
    bend = np.linspace(-1, 1, 9)
    front = np.stack([bend / 2, depth / 2 - bulge * bend**2], 1)
    outline = np.concatenate([[[-0.5, -depth / 2], [0.5, -depth / 2]], front[::-1]])
    parts = [prism(outline, slab, wood).turned("x", 90).moved(y=height - slab / 2)]
    side = box(slab, height, depth - bulge, wood)
    return parts + [side.moved(x * (1 - slab) / 2, height / 2, -bulge / 2) for x in (-1, 1)]


def _corner_desk(random: Generator) -> list[Solid]:
    """Two desks at a right angle."""
    wood, height, depth = near(random, WOODS), random.uniform(0.32, 0.5), random.uniform(0.3, 0.42)
    reach, thick = random.uniform(0.75, 1.0), random.uniform(0.03, 0.07)
    parts = [
        box(1, thick, depth, wood).moved(0, height, depth / 2),
        box(depth, thick, reach, wood).moved((depth - 1) / 2, height, reach / 2),
        box(0.04, height, 0.95 * depth, wood).moved(0.45, height / 2, depth / 2),
        box(0.95 * depth, height, 0.04, wood).moved((depth - 1) / 2, height / 2, 0.95 * reach),
    ]
    if random.random() < 0.7:
        parts.append(box(0.94, height, 0.03, wood).moved(0, height / 2, 0.03))
        parts.append(box(0.03, height, 0.95 * reach, wood).moved(-0.46, height / 2, reach / 2))
    if random.random() < 0.5:
        parts.append(box(0.3, 0.9 * height, 0.9 * depth, wood).moved(0.3, 0.55 * height, depth / 2))
    return [part.mirrored() for part in parts] if random.random() < 0.5 else parts
