"""Rifles: wooden ones, shotguns, assault rifles, submachine guns, sniper's, bullpups, muskets; muzzles towards +x."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.random import Generator

from gendr.tools.shapes.procedural.colours import DARK, hue, wood
from gendr.tools.shapes.procedural.solid import Colour, Points, Solid, box, prism, rod

Colours = tuple[Colour, Colour]
"""Of metal and of the stock."""


def rifle(random: Generator) -> list[Solid]:
    """A rifle of a kind by chance, about 1 long."""
    kinds = (_wooden, _sniper, _assault, _submachine, _bullpup, _musket)
    metal, stock = (
        DARK if random.uniform() < 0.6 else hue(random),
        wood(random) if random.uniform() < 0.5 else hue(random),
    )
    if random.uniform() < 0.3:
        stock = metal
    return kinds[random.choice(len(kinds), p=(0.22, 0.22, 0.26, 0.1, 0.12, 0.08))](random, (metal, stock))


def _butt(
    random: Generator, start: float, end: float, top: float, high: float, thick: float, colour: Colour
) -> list[Solid]:
    """A stock from its neck at x = start back to x = end: solid, with a hole, or of rods."""
    drop, neck = random.uniform(0.0, 0.06), random.uniform(0.035, 0.055)
    low = top - drop - high
    shape = random.uniform()
    if shape < 0.65:
        side = [(end, low), (start, top - neck), (start, top), (end, top - drop)]
        return [prism(side, thick, colour)]
    bar = random.uniform(0.02, 0.035)
    plate = box(bar, high, thick, colour).moved(end + bar / 2, low + high / 2)
    upper = _bar((start, top - bar / 2), (end + bar / 2, top - drop - bar / 2), bar, thick, colour)
    if shape < 0.8:
        return [plate, upper]
    return [plate, upper, _bar((start, top - neck), (end + bar / 2, low + bar / 2), bar, thick, colour)]


def _bar(start: tuple[float, float], end: tuple[float, float], high: float, thick: float, colour: Colour) -> Solid:
    """A bar in the plane of the rifle from one point to another."""
    a, b = np.array(start), np.array(end)
    along = (b - a) / np.linalg.norm(b - a)
    across: Points = np.array([-along[1], along[0]]) * high / 2
    return prism([a - across, b - across, b + across, a + across], thick, colour)


def _grip(x: float, y: float, long: float, lean: float, thick: float, colour: Colour) -> Solid:
    """A handle that hangs down from (x, y), `lean` back at its lower end."""
    return _bar((x, y + 0.01), (x - lean, y - long), 0.045, thick, colour)


def _magazine(
    random: Generator, x: float, y: float, long: float, wide: float, thick: float, colour: Colour
) -> list[Solid]:
    """Straight or bent forward like a banana, below (x, y)."""
    bend = random.uniform(0.0, 0.5) * long if random.uniform() < 0.6 else 0.0
    middle = (x + 0.25 * bend, y - long / 2)
    if not bend:
        return [box(wide, long + 0.02, thick, colour).moved(x, y - long / 2 + 0.01)]
    return [
        _bar((x, y + 0.01), (middle[0] + 0.1 * bend, middle[1] - 0.02), wide, thick, colour),
        _bar(middle, (x + bend, y - long), wide, thick, colour),
    ]


def _scope(random: Generator, x: float, y: float, colour: Colour) -> list[Solid]:
    """A telescope on two feet above (x, y)."""
    half, radius, up = random.uniform(0.08, 0.15), random.uniform(0.013, 0.024), random.uniform(0.02, 0.04)
    y += up
    parts = [rod((x - half, y, 0), (x + half, y, 0), 0.7 * radius, colour)]
    parts += [
        rod((x + side * half * 0.6, y, 0), (x + side * half * 1.1, y, 0), (radius * 0.8, radius * 1.25), colour)
        for side in (-1, 1)
    ]
    return parts + [box(0.02, up + 0.02, 0.02, colour).moved(x + s * half * 0.45, y - up / 2) for s in (-1, 1)]


def _bipod(x: float, y: float, colour: Colour) -> list[Solid]:
    """Two legs under the barrel."""
    return [rod((x, y, 0), (x + 0.02, y - 0.12, z), 0.008, colour) for z in (-0.05, 0.05)]


def _guard(x: float, y: float, colour: Colour) -> list[Solid]:
    """A bow about the trigger, below (x, y)."""
    corners = [(x - 0.04, y + 0.005), (x - 0.03, y - 0.03), (x + 0.03, y - 0.03), (x + 0.04, y + 0.005)]
    return [_bar(a, b, 0.008, 0.012, colour) for a, b in pairwise(corners)]


def _barrel(random: Generator, start: float, y: float, radius: float, colour: Colour) -> list[Solid]:
    """A barrel to x = 0.5, with a thicker muzzle or a foresight."""
    parts = [rod((start, y, 0), (0.5, y, 0), radius, colour)]
    if random.uniform() < 0.35:
        parts.append(rod((0.5 - random.uniform(0.04, 0.14), y, 0), (0.5, y, 0), 1.6 * radius, colour))
    if random.uniform() < 0.5:
        parts.append(box(0.012, 0.03, 0.008, colour).moved(0.46, y + radius + 0.01))
    return parts


def _wooden(random: Generator, colours: Colours) -> list[Solid]:
    """A hunting rifle or a shotgun: one long stock with the barrel on it."""
    metal, stock = colours
    thick, radius, y = random.uniform(0.035, 0.06), random.uniform(0.008, 0.016), 0.02
    neck, fore = random.uniform(-0.22, -0.12), random.uniform(0.1, 0.35)
    high = random.uniform(0.1, 0.15)
    parts = [*_butt(random, neck, -0.5, 0.0, high, thick, stock), *_barrel(random, -0.05, y, radius, metal)]
    parts.append(prism([(neck - 0.02, -0.05), (fore, -0.03), (fore, 0.012), (neck - 0.02, 0.004)], thick * 0.95, stock))
    parts.append(box(0.2, 0.05, thick * 0.8, metal).moved(neck + 0.12, 0.012))
    parts += _guard(neck + 0.05, -0.045, metal)
    extra = random.uniform()
    if extra < 0.3:
        parts.append(rod((0.0, y - 2.2 * radius, 0), (0.44, y - 2.2 * radius, 0), radius, metal))
        parts.append(box(0.14, 0.045, thick * 1.1, stock).moved(fore, y - 2.2 * radius))
    elif extra < 0.5:
        parts += [
            solid.moved(z=side * radius) for side in (-1, 1) for solid in (rod((0, y, 0), (0.5, y, 0), radius, metal),)
        ]
    elif extra < 0.75:
        parts += _scope(random, neck + 0.12, 0.035, metal)
    return parts


def _sniper(random: Generator, colours: Colours) -> list[Solid]:
    """A long barrel, a telescope, often a bipod, a short magazine."""
    metal, stock = colours
    thick, deep = random.uniform(0.035, 0.065), random.uniform(0.05, 0.09)
    start, front = random.uniform(-0.26, -0.18), random.uniform(0.08, 0.26)
    parts = _butt(random, start + 0.02, -0.5, 0.02, random.uniform(0.1, 0.15), thick, stock)
    parts.append(box(front - start, deep, thick, stock).moved((front + start) / 2, 0.025 - deep / 2))
    parts.append(box(0.26, 0.03, thick * 0.7, metal).moved(start + 0.15, 0.03))
    parts += [*_barrel(random, front - 0.1, 0.02, random.uniform(0.008, 0.016), metal)]
    parts += _scope(random, start + random.uniform(0.1, 0.18), 0.04, metal)
    low = 0.025 - deep
    parts.append(
        _grip(start + 0.05, low + 0.01, random.uniform(0.06, 0.1), random.uniform(0.01, 0.05), thick * 0.8, stock)
    )
    if random.uniform() < 0.7:
        parts += _magazine(random, start + 0.17, low, random.uniform(0.03, 0.08), 0.06, thick * 0.6, metal)
    if random.uniform() < 0.25:
        parts += _bipod(front - 0.02, low + 0.03, metal)
    return parts


def _assault(random: Generator, colours: Colours) -> list[Solid]:
    """A receiver with a pistol grip, a magazine before it, a handguard."""
    metal, stock = colours
    thick, deep = random.uniform(0.04, 0.09), random.uniform(0.065, 0.12)
    start, front, end = random.uniform(-0.24, -0.14), random.uniform(0.06, 0.16), random.uniform(0.26, 0.38)
    top, low = deep / 2, -deep / 2
    parts = [box(front - start, deep, thick, metal).moved((front + start) / 2)]
    if random.uniform() < 0.9:
        parts += _butt(random, start + 0.02, -0.5, top - 0.01, random.uniform(0.1, 0.16), thick * 0.85, stock)
    guard = deep * random.uniform(0.5, 0.85)
    parts.append(
        box(end - front + 0.02, guard, thick * 0.9, stock).moved((front + end) / 2, random.uniform(-0.01, 0.01))
    )
    parts += _barrel(random, end - 0.05, 0.0, random.uniform(0.01, 0.018), metal)
    parts.append(_grip(start + 0.06, low, random.uniform(0.08, 0.13), random.uniform(0.02, 0.06), thick * 0.8, stock))
    parts += _guard(start + 0.12, low, metal)
    long = random.uniform(0.1, 0.2)
    parts += _magazine(
        random, front - random.uniform(0.03, 0.1), low, long, random.uniform(0.05, 0.075), thick * 0.6, metal
    )
    extra = random.uniform()
    if extra < 0.3:
        parts += _scope(random, start + 0.15, top, metal)
    elif extra < 0.6:
        parts.append(box(0.16, 0.018, 0.02, metal).moved((front + start) / 2, top + 0.035))
        parts += [box(0.02, 0.045, 0.02, metal).moved((front + start) / 2 + x, top + 0.015) for x in (-0.07, 0.07)]
    if random.uniform() < 0.2:
        parts.append(_grip(end - 0.05, -guard / 2, 0.07, 0.0, thick * 0.6, metal))
    return parts


def _submachine(random: Generator, colours: Colours) -> list[Solid]:
    """A short gun whose magazine is in the grip or before it."""
    metal, stock = colours
    thick, deep = random.uniform(0.08, 0.14), random.uniform(0.13, 0.2)
    front = random.uniform(0.22, 0.36)
    parts = [box(front + 0.38, deep, thick, metal).moved((front - 0.38) / 2)]
    parts += _barrel(random, front - 0.05, 0.02, random.uniform(0.02, 0.035), metal)
    x, long = random.uniform(-0.12, 0.05), random.uniform(0.2, 0.34)
    parts.append(_bar((x, -deep / 2 + 0.01), (x - 0.02, -deep / 2 - 0.2), 0.12, thick * 0.8, stock))
    if random.uniform() < 0.6:
        parts.append(box(0.09, long + 0.1, thick * 0.6, metal).moved(x - 0.01, -deep / 2 - long / 2 - 0.03))
    else:
        parts += _magazine(random, front - 0.1, -deep / 2, long, 0.08, thick * 0.55, metal)
    if random.uniform() < 0.5:
        parts += _butt(random, -0.36, -0.5, deep / 2 - 0.01, 0.2, thick * 0.7, stock)
    return [*parts, box(0.05, 0.04, thick * 0.5, metal).moved(front - 0.04, deep / 2 + 0.01)]


def _bullpup(random: Generator, colours: Colours) -> list[Solid]:
    """One thick body from the shoulder on, the magazine behind the grip; or a gun of the future."""
    metal, stock = colours
    thick, high = random.uniform(0.05, 0.11), random.uniform(0.13, 0.22)
    front, top = random.uniform(0.1, 0.28), high / 2
    side = [(-0.5, -top), (-0.1, -0.6 * top), (front, -0.4 * top), (front, 0.6 * top), (front - 0.1, top), (-0.46, top)]
    parts = [prism(side, thick, stock), *_barrel(random, front - 0.05, 0.1 * top, random.uniform(0.012, 0.022), metal)]
    parts.append(box(random.uniform(0.3, 0.5), 0.04, thick * 0.5, metal).moved(-0.1, top + 0.012))
    x = random.uniform(-0.08, 0.04)
    parts.append(_grip(x, -0.5 * top, random.uniform(0.07, 0.12), random.uniform(0.0, 0.05), thick * 0.7, stock))
    parts += _guard(x + 0.06, -0.45 * top, metal)
    if random.uniform() < 0.6:
        parts += _magazine(
            random, random.uniform(-0.32, -0.2), -0.75 * top, random.uniform(0.06, 0.14), 0.07, thick * 0.6, metal
        )
    if random.uniform() < 0.5:
        parts += _scope(random, -0.08, top + 0.02, metal)
    return parts


def _musket(random: Generator, colours: Colours) -> list[Solid]:
    """A slender old gun, or one with a trumpet's mouth."""
    metal, stock = colours
    thick, radius = random.uniform(0.03, 0.05), random.uniform(0.008, 0.014)
    fore = random.uniform(0.25, 0.42)
    parts = _butt(random, -0.28, -0.5, 0.0, random.uniform(0.09, 0.13), thick, stock)
    parts.append(prism([(-0.3, -0.045), (fore, -0.012), (fore, 0.014), (-0.3, 0.002)], thick * 0.9, stock))
    parts.append(rod((-0.24, 0.018, 0), (0.5, 0.018, 0), radius, metal))
    if random.uniform() < 0.5:
        parts.append(rod((0.38, 0.018, 0), (0.5, 0.018, 0), (radius, random.uniform(0.03, 0.05)), metal))
    bands = [box(0.02, 0.055, thick * 1.1, metal).moved(x, 0.0) for x in np.linspace(-0.05, fore - 0.05, 3)]
    return [*parts, *bands, *_guard(-0.22, -0.035, metal), box(0.05, 0.04, thick * 1.3, metal).moved(-0.22, 0.02)]
