"""Sofas: straight, for one to four, with a corner or a lounger; ottomans and day beds."""

from __future__ import annotations

from collections.abc import Callable

from numpy.random import Generator

from gendr.tools.shapes.procedural.colours import CLOTHS, WOODS, near
from gendr.tools.shapes.procedural.furniture import block, legs, one_of
from gendr.tools.shapes.procedural.solid import Solid
from gendr.tools.shapes.procedural.upholstery import Style, armrest, backrest, base, cushions, feet, settee


def sofa(random: Generator) -> list[Solid]:
    """A sofa of any kind."""
    kinds: dict[Callable[[Generator], list[Solid]], float] = {
        _straight: 0.5, _single: 0.13, _corner: 0.13, _lounger: 0.15, _ottoman: 0.05, _day_bed: 0.04,
    }  # fmt: skip
    return one_of(random, kinds)(random)


def _straight(random: Generator) -> list[Solid]:
    depth = random.uniform(0.85, 1.35)
    return settee(random, random.uniform(1.75, 3.1), depth, int(random.integers(2, 5)))


def _single(random: Generator) -> list[Solid]:
    return settee(random, random.uniform(1.2, 1.85), random.uniform(1.0, 1.35), 1)


def _corner(random: Generator) -> list[Solid]:
    """Two seats at a right angle with backs along both."""
    style = Style.by_chance(random)
    width, depth = random.uniform(1.8, 2.6), random.uniform(0.8, 1.1)
    reach = width * random.uniform(0.75, 1.0)
    count = int(random.integers(1, 4))
    along = base(style, width, depth) + cushions(style, width, depth, count + 1) + backrest(random, style, width, count)
    wing = base(style, reach, depth) + cushions(style, reach, depth, count) + backrest(random, style, reach, count)
    parts = along + [part.turned("y", 90).moved(-width / 2, 0, reach / 2) for part in wing]
    if random.random() < 0.8:
        parts.append(armrest(style, depth).moved(width / 2))
        parts.append(armrest(style, depth).turned("y", 90).moved(-width / 2, 0, reach))
    parts += feet(random, style, width, depth)
    parts += [foot.moved((depth - width) / 2, 0, 0) for foot in feet(random, style, depth, reach)]
    return [part.mirrored() for part in parts] if random.random() < 0.5 else parts


def _lounger(random: Generator) -> list[Solid]:
    """A straight sofa whose seat reaches far forward at one end."""
    style = Style.by_chance(random)
    width, depth = random.uniform(1.9, 2.7), random.uniform(0.85, 1.15)
    reach, count = depth + random.uniform(0.5, 1.0), int(random.integers(2, 4))
    inner = width - 2 * style.side
    each = inner / count
    wide = each + style.side if random.random() < 0.5 else each
    place = (inner - 2 * each + wide) / 2
    long = base(style, wide, reach) + cushions(style, wide, reach, 1)
    parts = base(style, width, depth) + cushions(style, inner, depth, count) + backrest(random, style, width, count)
    parts += [part.moved(place) for part in long]
    short = armrest(style, depth)
    parts += [short.moved((style.side - width) / 2), short.moved((width - style.side) / 2)]
    parts += feet(random, style, width, depth)
    parts += [foot.moved(place) for foot in feet(random, style, wide, reach)]
    return [part.mirrored() for part in parts] if random.random() < 0.5 else parts


def _ottoman(random: Generator) -> list[Solid]:
    """A padded block without a back."""
    cloth, wood = near(random, CLOTHS), near(random, WOODS)
    width = random.choice([1.0, random.uniform(1.0, 1.9)])
    pad, foot = random.uniform(0.25, 0.5), random.uniform(0.03, 0.3)
    return [
        block(width, pad, 1, random.choice([0.0, 0.3]), cloth).moved(y=foot + pad / 2),
        *legs(random, 0.94 * width, 0.94, foot + 0.02, random.uniform(0.07, 0.14), wood),
    ]


def _day_bed(random: Generator) -> list[Solid]:
    """A long seat with one raised end, sometimes a back along half of it."""
    style = Style.by_chance(random)
    width, depth = random.uniform(2.0, 2.8), random.uniform(0.8, 1.1)
    parts = base(style, width, depth) + cushions(style, width, depth, 1) + feet(random, style, width, depth)
    parts.append(armrest(style, depth).scaled(y=1.05).moved(style.side / 2 - width / 2))
    if random.random() < 0.6:
        parts += [part.moved(-width / 5) for part in backrest(random, style, 0.6 * width, 1)]
    return parts
