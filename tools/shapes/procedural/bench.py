"""Benches: with a back of slats or boards, without, with ends of iron, with raised ends, picnic tables."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from gendr.tools.shapes.procedural.colours import CLOTHS, METALS, WOODS, near
from gendr.tools.shapes.procedural.furniture import block, legs, one_of, post
from gendr.tools.shapes.procedural.solid import Colour, Solid, box, tube


def bench(random: Generator) -> list[Solid]:
    """A bench of any kind."""
    kinds: dict[Callable[[Generator], list[Solid]], float] = {
        _park: 0.34, _plain_back: 0.24, _backless: 0.24, _raised_ends: 0.12, _picnic: 0.06,
    }  # fmt: skip
    return one_of(random, kinds)(random)


def _planks(random: Generator, width: float, depth: float, thick: float, colour: Colour, count: int) -> list[Solid]:
    """A flat seat about the origin of one board or of planks along x with gaps."""
    if count == 1:
        return [box(width, thick, depth, colour)]
    pitch = depth / count
    share = random.uniform(0.6, 0.92)
    return [box(width, thick, share * pitch, colour).moved(z=(i + 0.5) * pitch - depth / 2) for i in range(count)]


def _park(random: Generator) -> list[Solid]:
    """Planks on two or three frames, with a leaning back, often with armrests."""
    wood, frame = near(random, WOODS), near(random, (*METALS, *WOODS))
    width, depth, seat = random.uniform(1.0, 2.4), random.uniform(0.42, 0.62), random.uniform(0.38, 0.48)
    high, thick, bar = random.uniform(0.7, 1.0), random.uniform(0.025, 0.08), random.uniform(0.04, 0.12)
    lean = random.uniform(0.03, 0.22)
    planks = _planks(random, width, depth, thick, wood, int(random.integers(1, 6)))
    parts = [plank.moved(y=seat, z=depth / 2) for plank in planks]
    low = seat + random.uniform(0.03, 0.15)
    slope = np.degrees(np.arctan2(lean, high - seat))
    back = _planks(random, width, high - low, thick, wood, int(random.integers(1, 5)))
    shift = -lean * ((high + low) / 2 - seat) / (high - seat)
    parts += [plank.turned("x", 90 - slope).moved(y=(high + low) / 2, z=shift) for plank in back]
    inset = random.choice([bar / 2, random.uniform(0.05, 0.25) * width])
    places = [inset - width / 2, width / 2 - inset] + ([0.0] if width > 1.8 and random.random() < 0.6 else [])
    arms = random.random() < 0.6
    for x in places:
        parts += _frame(x, depth, seat, high, bar, lean, frame)
        if arms and x != 0.0:
            top = seat + 0.22
            parts.append(box(bar, 0.5 * bar + 0.02, depth, frame).moved(x, top, depth / 2 - 0.02))
            parts.append(box(bar, 0.24, bar, frame).moved(x, seat + 0.11, depth - bar))
    return parts


def _frame(x: float, depth: float, seat: float, high: float, bar: float, lean: float, colour: Colour) -> list[Solid]:
    """Legs, a bar below the seat and an upright behind the back, at one place along the bench."""
    return [
        box(bar, seat, bar, colour).moved(x, seat / 2, depth - bar),
        box(bar, bar, depth, colour).moved(x, seat - bar / 2, depth / 2),
        post((x, 0, -0.4 * lean), (x, seat, -0.02), (bar, bar), (bar, bar), colour),
        post((x, seat - bar, -0.02), (x, high, -lean - 0.02), (bar, bar), (bar, 0.6 * bar), colour),
    ]


def _plain_back(random: Generator) -> list[Solid]:
    """Like a chair for two: four legs, posts, rails, sometimes a cushion."""
    wood, cloth = near(random, WOODS), near(random, CLOTHS)
    width, depth, seat = random.uniform(0.75, 1.7), random.uniform(0.38, 0.6), random.uniform(0.4, 0.5)
    high, thick, bar = random.uniform(0.75, 1.1), random.uniform(0.04, 0.14), random.uniform(0.05, 0.15)
    parts = [*legs(random, width, depth, seat, bar, wood), box(width, thick, depth, wood).moved(y=seat)]
    if random.random() < 0.4:
        parts.append(block(0.92 * width, 0.08, 0.92 * depth, 0.3, cloth).moved(y=seat + thick / 2 + 0.02))
    z, count = (bar - depth) / 2, int(random.integers(1, 5))
    if random.random() < 0.25:
        return [*parts, box(width, high - seat, bar, wood).moved(0, (high + seat) / 2, z)]
    posts = [
        box(bar, high - seat, bar, wood).moved(x, (high + seat) / 2, z) for x in ((bar - width) / 2, (width - bar) / 2)
    ]
    rail = box(width, 0.1, 0.7 * bar, wood)
    if random.random() < 0.3:
        posts += [
            box(0.04, high - seat, 0.03, wood).moved(x, (high + seat) / 2, z) for x in np.linspace(-0.4, 0.4, 7) * width
        ]
        count = 1
    pitch = (high - seat) / (count + 0.5)
    parts += [rail.moved(0, high - 0.05 - i * pitch, z) for i in range(count)]
    if random.random() < 0.5:
        parts += [
            box(0.6 * bar, 0.6 * bar, depth, wood).moved(x, 0.3 * seat) for x in ((bar - width) / 2, (width - bar) / 2)
        ]
    return parts + posts


def _backless(random: Generator) -> list[Solid]:
    """A board or a cushion on legs, on two slabs or on bent tubes."""
    wood, cloth = near(random, WOODS), near(random, (*CLOTHS, *WOODS))
    width, depth, seat = random.uniform(0.8, 2.2), random.uniform(0.3, 0.55), random.uniform(0.36, 0.5)
    thick = random.uniform(0.04, 0.16)
    parts = [
        part.moved(y=seat) for part in _planks(random, width, depth, thick, wood, int(random.choice([1, 1, 3, 4])))
    ]
    kind = one_of(random, {"legs": 5.0, "slabs": 3.0, "tubes": 2.0})
    inner = width * random.uniform(0.7, 0.98)
    if kind == "legs":
        bar = random.uniform(0.05, 0.15)
        parts += legs(random, inner, 0.95 * depth, seat, bar, wood)
        rails = random.choice([0.15, 0.6, 0.85]) * seat
        parts += [
            box(0.7 * bar, 0.7 * bar, 0.9 * depth, wood).moved(x, rails) for x in ((bar - inner) / 2, (inner - bar) / 2)
        ]
    elif kind == "slabs":
        slab = random.uniform(0.04, 0.15)
        parts += [
            box(slab, seat, 0.9 * depth, wood).moved(x, seat / 2) for x in ((slab - inner) / 2, (inner - slab) / 2)
        ]
    else:
        z, metal = 0.45 * depth, near(random, METALS)
        bow = tube([(0, seat, z), (0, 0.025, z), (0, 0.025, -z), (0, seat, -z)], 0.025, metal, sides=8)
        parts += [bow.moved(-0.45 * inner), bow.moved(0.45 * inner)]
    if random.random() < 0.35:
        parts.append(block(0.96 * width, 0.09, 0.96 * depth, 0.3, cloth).moved(y=seat + thick / 2 + 0.03))
    return parts


def _raised_ends(random: Generator) -> list[Solid]:
    """A seat between two ends that rise above it like arms."""
    wood = near(random, WOODS)
    width, depth, seat = random.uniform(1.2, 2.3), random.uniform(0.4, 0.7), random.uniform(0.32, 0.45)
    bar, rise = random.uniform(0.05, 0.12), random.uniform(0.08, 0.3)
    parts = [part.moved(y=seat) for part in _planks(random, width, depth, 0.06, wood, int(random.integers(1, 4)))]
    for x in (-width / 2, width / 2):
        parts += [box(bar, seat + rise, bar, wood).moved(x, (seat + rise) / 2, z * (depth - bar) / 2) for z in (-1, 1)]
        parts.append(box(1.2 * bar, 0.8 * bar, depth + bar, wood).moved(x, seat + rise))
        parts.append(box(0.7 * bar, 0.7 * bar, depth, wood).moved(x, seat - bar))
    return parts


def _picnic(random: Generator) -> list[Solid]:
    """A table with a seat on either side, on crossed or sloping legs."""
    wood = near(random, WOODS)
    width, high, seat = random.uniform(1.4, 2.1), random.uniform(0.7, 0.8), random.uniform(0.4, 0.47)
    depth, reach = random.uniform(0.6, 0.8), random.uniform(0.65, 0.8)
    parts = [part.moved(y=high) for part in _planks(random, width, depth, 0.05, wood, 5)]
    parts += [box(width, 0.05, 0.28, wood).moved(0, seat, z * reach) for z in (-1, 1)]
    for x in (-0.35 * width, 0.35 * width):
        parts.append(box(0.08, 0.1, 2 * reach, wood).moved(x, seat - 0.06))
        parts += [post((x, 0, z * 0.6), (x, high, z * 0.25), (0.08, 0.1), (0.08, 0.1), wood) for z in (-1, 1)]
    return parts
