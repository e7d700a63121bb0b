"""Chairs: dining and office chairs, armchairs, recliners, stools, bent steel."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from gendr.tools.shapes.procedural.colours import CLOTHS, METALS, WOODS, near
from gendr.tools.shapes.procedural.furniture import block, legs, one_of, post, star
from gendr.tools.shapes.procedural.solid import Colour, Solid, ball, box, lathe, rod, tube
from gendr.tools.shapes.procedural.upholstery import settee


def chair(random: Generator) -> list[Solid]:
    """A chair of any kind."""
    kinds: dict[Callable[[Generator], list[Solid]], float] = {
        _dining: 0.56, _office: 0.13, _armchair: 0.13, _recliner: 0.04, _stool: 0.08, _cantilever: 0.06,
    }  # fmt: skip
    return one_of(random, kinds)(random)


def _dining(random: Generator) -> list[Solid]:
    """Four legs, a seat, a back that may lean."""
    wood, cloth = near(random, WOODS), near(random, CLOTHS)
    width, seat = random.uniform(0.38, 0.62), random.uniform(0.4, 0.53)
    depth, thick = width * random.uniform(0.88, 1.25), random.uniform(0.03, 0.1)
    bar = random.uniform(0.03, 0.09)
    parts = legs(random, width, depth, seat - thick / 2, bar, wood)
    if random.random() < 0.12:
        disc = np.array([[0.94, 0], [1, 0.3], [1, 0.7], [0.9, 1]]) * (width / 2, thick)
        parts.append(lathe(disc, wood).scaled(1, 1, depth / width).moved(y=seat - thick))
    else:
        parts.append(block(width, thick, depth, random.choice([0, 0.4]), wood).moved(y=seat - thick / 2))
    if random.random() < 0.4:
        pad = random.uniform(0.02, 0.06)
        parts.append(block(0.92 * width, pad, 0.92 * depth, 0.45, cloth).moved(y=seat + 0.35 * pad))
    if random.random() < 0.45:
        parts += _stretchers(random, width - bar, depth - bar, seat * random.uniform(0.2, 0.6), bar * 0.7, wood)
    lean = random.choice([0.0, random.uniform(0.03, 0.16)])
    rest = _back(random, width, seat - thick / 2, bar, lean, wood if random.random() < 0.75 else cloth, wood)
    parts += [part.moved(z=-(depth - bar) / 2) for part in rest]
    return parts + (_arms(random, width, depth, seat, bar, wood) if random.random() < 0.18 else [])


def _stretchers(random: Generator, width: float, depth: float, y: float, thick: float, colour: Colour) -> list[Solid]:
    """Bars between the legs, at the sides, sometimes also in front and behind."""
    parts = [box(thick, thick, depth, colour).moved(x, y) for x in (-width / 2, width / 2)]
    if random.random() < 0.6:
        parts += [box(width, thick, thick, colour).moved(0, 1.1 * y, z) for z in (-depth / 2, depth / 2)]
    return parts


def _back(r: Generator, width: float, seat: float, bar: float, lean: float, panel: Colour, wood: Colour) -> list[Solid]:
    """From the seat to height 1 at z = 0: a panel, rungs, spindles or a bow."""
    kind = one_of(r, {"panel": 3.0, "low": 1.5, "rungs": 3.0, "spindles": 2.5, "bow": 1.5})
    half, thin = (width - bar) / 2, 0.7 * bar

    def at(height: float) -> float:
        return -lean * (height - seat) / (1 - seat)

    def upright(x: float, low: float, high: float, wide: float, deep: float, colour: Colour) -> Solid:
        return post((x, low, at(low)), (x, high, at(high)), (wide, deep), (wide, deep), colour)

    if kind == "panel":
        narrow = width * r.choice([1.0, r.uniform(0.7, 1.05)])
        return [post((0, seat, 0), (0, 1, at(1)), (width, bar), (narrow, bar), panel)]
    if kind == "bow":
        bends = np.linspace(0, np.pi, 13)
        rise = seat + (1 - seat) * np.concatenate([[0], 0.45 + 0.55 * np.sin(bends), [0]])
        path = np.stack([half * np.concatenate([[1], np.cos(bends), [-1]]), rise, [at(y) for y in rise]], 1)
        inside = [upright(x * half, seat, 0.93 - 0.1 * abs(x), thin, thin, wood) for x in (-0.4, 0.0, 0.4)]
        if r.random() < 0.4:
            inside = [upright(0, seat, 0.93, 1.1 * width - 2 * bar, thin, panel)]
        return [tube(path, 0.55 * bar, wood, sides=8), *inside]
    parts = [upright(x, seat, 1, bar, bar, wood) for x in (-half, half)]
    high = 1 - r.choice([0.0, 0.04])
    if kind == "low":
        return [*parts, upright(0, seat + r.uniform(0.05, 0.25), high, width - bar, thin, panel)]
    parts.append(upright(0, high - r.uniform(0.06, 0.14), high, width, 0.8 * bar, wood))
    count = int(r.integers(1, 5))
    if kind == "rungs":
        gap = (high - 0.1 - seat) / (count + 0.5)
        return [
            *parts,
            *(upright(0, y, y + 0.5 * gap, width, thin, wood) for y in seat + gap * (0.5 + np.arange(count))),
        ]
    places = np.linspace(-half, half, count + 4)[1:-1]
    return parts + [upright(x, seat, high - 0.03, 0.5 * bar, 0.5 * bar, wood) for x in places]


def _arms(random: Generator, width: float, depth: float, seat: float, bar: float, colour: Colour) -> list[Solid]:
    """Two armrests on posts."""
    top, wide = seat + random.uniform(0.15, 0.25), max(bar, 0.05)
    return [
        part.moved(x * (width + wide) / 2)
        for x in (-1, 1)
        for part in (
            box(wide, 0.8 * bar, depth, colour).moved(y=top),
            box(wide, top - seat + 0.08, bar, colour).moved(0, (top + seat - 0.08) / 2, 0.3 * depth),
        )
    ]


def _office(random: Generator) -> list[Solid]:
    """A swivel chair."""
    metal, cloth = near(random, METALS), near(random, CLOTHS)
    width, seat = random.uniform(0.42, 0.56), random.uniform(0.4, 0.5)
    depth, pad, soft = width * random.uniform(0.85, 1.05), random.uniform(0.06, 0.12), random.choice([0.1, 0.45])
    gap, lean = random.uniform(0.0, 0.12), random.uniform(0, 12)
    high = 1 - seat - gap
    back = block(width * random.uniform(0.75, 1), high, 0.8 * pad, soft, cloth).moved(y=high / 2).turned("x", -lean)
    parts = [
        *star(random, width * random.uniform(0.5, 0.65), seat, random.uniform(0.02, 0.035), metal),
        block(width, pad, depth, soft, cloth).moved(y=seat),
        back.moved(0, seat + gap, -depth / 2),
        tube([(0, seat, -0.3 * depth), (0, seat, -0.55 * depth), (0, seat + gap + 0.1, -0.54 * depth)], 0.03, metal),
    ]
    if random.random() < 0.65:
        x, top = width / 2 + 0.03, seat + random.uniform(0.16, 0.26)
        loop = np.array([[0, seat, 0.25], [0.03, seat, 0.3], [0.03, top, 0.3], [0.03, top, -0.3], [0, top, -0.45]])
        arm = tube(loop * (1, 1, depth), 0.025, metal, sides=8).moved(width / 2)
        parts += [arm, arm.mirrored(), *(box(0.06, 0.04, 0.6 * depth, metal).moved(side * x, top) for side in (-1, 1))]
    return parts


def _armchair(random: Generator) -> list[Solid]:
    return settee(random, random.uniform(0.95, 1.3), random.uniform(0.8, 1.15), 1)


def _recliner(random: Generator) -> list[Solid]:
    """An armchair with a raised rest for the feet."""
    width, depth = random.uniform(0.75, 1.0), random.uniform(0.8, 0.95)
    parts = settee(random, width, depth, 1)
    rest = block(0.6 * width, 0.1, 0.4, 0.3, parts[0].colour).turned("x", random.uniform(5, 35))
    return [*parts, rest.moved(0, random.uniform(0.25, 0.35), depth + 0.15)]


def _stool(random: Generator) -> list[Solid]:
    """A seat without a back, high or low, on four legs or a column."""
    wood, cloth = near(random, (*WOODS, *METALS)), near(random, (*CLOTHS, *WOODS))
    wide, thick, bar = random.uniform(0.4, 0.85), random.uniform(0.05, 0.16), random.uniform(0.04, 0.09)
    sides = int(random.choice([4, 6, 8, 20]))
    disc = np.array([[0.92, 0], [1, 0.25], [1, 0.75], [0.85, 1]]) * (wide / 2, thick)
    top = lathe(disc, cloth, sides).turned("y", 45 if sides == 4 else 0).scaled(*[1.2 if sides == 4 else 1] * 3)
    parts = [top.moved(y=1 - 1.2 * thick)]
    if random.random() < 0.25:
        foot = [(0.42 * wide, 0), (0.42 * wide, 0.03), (0.1, 0.07), (bar / 2, 0.12), (bar / 2, 1 - thick)]
        return [*parts, lathe(foot, wood)]
    inner, y = 0.72 * wide, random.uniform(0.2, 0.5)
    return [*parts, *legs(random, inner, inner, 1 - thick, bar, wood), *(
        [box(inner, 0.6 * bar, 0.6 * bar, wood).moved(0, y, z * (inner - bar) / 2) for z in (-1, 1)]
        + [box(0.6 * bar, 0.6 * bar, inner, wood).moved(x * (inner - bar) / 2, y) for x in (-1, 1)]
    )]  # fmt: skip


def _cantilever(random: Generator) -> list[Solid]:
    """Seat and back on two bent tubes, or an egg on a foot."""
    metal, cloth = near(random, METALS), near(random, (*CLOTHS, *WOODS))
    width, depth, seat = random.uniform(0.42, 0.6), random.uniform(0.45, 0.62), random.uniform(0.4, 0.5)
    if random.random() < 0.3:
        shell = ball(1.2 * width, 0.5, 1.1 * depth, cloth).moved(y=seat)
        back = ball(1.2 * width, 1.1 - seat, 0.16, cloth).turned("x", -12).moved(0, (seat + 1) / 2, -0.45 * depth)
        return [shell, back, lathe([(0.5 * width, 0), (0.03, 0.06), (0.03, seat)], metal)]
    front, behind, top = depth / 2, -depth / 2, 0.95
    path = [(0, 0.03, behind), (0, 0.03, front), (0, seat, front), (0, seat, behind), (0, top, behind - 0.08)]
    frame = tube(path, random.uniform(0.018, 0.03), metal, sides=8)
    high = random.uniform(0.2, 0.9 * (1 - seat))
    return [
        frame.moved(width / 2),
        frame.moved(-width / 2),
        rod((-width / 2, 0.03, behind), (width / 2, 0.03, behind), 0.02, metal),
        block(1.04 * width, 0.06, depth, 0.3, cloth).moved(y=seat),
        block(1.04 * width, high, 0.05, 0.3, cloth).turned("x", -9).moved(0, 1 - high / 2, behind - 0.05),
    ]
