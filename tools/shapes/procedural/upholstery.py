"""Padded seats for one or more, of which armchairs and sofas are made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from gendr.tools.shapes.procedural.colours import CLOTHS, METALS, WOODS, near
from gendr.tools.shapes.procedural.furniture import block, legs, post
from gendr.tools.shapes.procedural.solid import Colour, Solid, prism


@dataclass(frozen=True)
class Style:
    """What the parts of one padded seat share; lengths are shares of its height 1.

    Attributes:
        leg: height of the legs.
        seat: height of the seat.
        arm: height of the arms, above the seat.
        side: thickness of the arms.
        back: thickness of the back.
        lean: how far the back's top is behind its foot.
        softness: see `block`.
    """

    leg: float
    seat: float
    arm: float
    side: float
    back: float
    lean: float
    softness: float
    rolled: bool
    cloth: Colour
    cushion: Colour
    wood: Colour

    @staticmethod
    def by_chance(random: Generator) -> Style:
        """Any style."""
        cloth, seat = near(random, CLOTHS), random.uniform(0.4, 0.6)
        return Style(
            leg=random.choice([0.0, random.uniform(0.03, 0.12), random.uniform(0.1, 0.25)]),
            seat=seat,
            arm=random.uniform(seat + 0.1, 0.9),
            side=random.uniform(0.1, 0.4),
            back=random.uniform(0.15, 0.35),
            lean=random.choice([0.0, random.uniform(0.0, 0.2)]),
            softness=random.choice([0.0, random.uniform(0.1, 0.45)]),
            rolled=random.random() < 0.2,
            cloth=cloth,
            cushion=cloth if random.random() < 0.7 else near(random, CLOTHS),
            wood=near(random, (*WOODS, *METALS)),
        )


def base(style: Style, width: float, depth: float) -> list[Solid]:
    """The box below the cushions, its back edge at z = 0."""
    low, high = 0.9 * style.leg, 0.75 * style.seat
    return [block(width, high - low, depth, 0.3 * style.softness, style.cloth).moved(0, (low + high) / 2, depth / 2)]


def cushions(style: Style, width: float, front: float, count: int) -> list[Solid]:
    """Seat cushions from the back to `front`."""
    each, thick = width / count, 0.3 * style.seat
    pad = block(0.99 * each, thick, front - 0.7 * style.back, style.softness, style.cushion)
    middle = style.seat - thick / 2
    return [pad.moved((i + 0.5) * each - width / 2, middle, (front + 0.7 * style.back) / 2) for i in range(count)]


def backrest(random: Generator, style: Style, width: float, count: int) -> list[Solid]:
    """A back of height 1 along x, with cushions leaning on it sometimes."""
    low, t = 0.9 * style.leg, style.back
    if style.lean == 0.0 and style.softness >= 0.08:
        parts = [block(width, 1 - low, t, style.softness, style.cloth).moved(0, (1 + low) / 2, t / 2)]
    else:
        parts = [post((0, low, t / 2), (0, 1, t / 2 - style.lean), (width, t), (width, 0.8 * t), style.cloth)]
    if random.random() < 0.5:
        each, high = width / count, random.uniform(0.85, 1.1) - style.seat
        pad = block(0.96 * each, high, 0.8 * t, max(style.softness, 0.1), style.cushion).turned("x", -8)
        parts += [
            pad.moved((i + 0.5) * each - width / 2, style.seat + high / 2, 1.15 * t - style.lean / 2)
            for i in range(count)
        ]
    return parts


def armrest(style: Style, depth: float) -> Solid:
    """An arm about x = 0, its back edge at z = 0."""
    low, side = 0.9 * style.leg, style.side
    if style.rolled:
        angles, r = np.linspace(-0.5, np.pi + 0.5, 9), 0.6 * side
        roll = np.stack([r * np.cos(angles), style.arm - r + r * np.sin(angles)], 1)
        outline = np.concatenate([[[-0.4 * side, low], [0.4 * side, low]], roll])
        return prism(outline, depth, style.cloth).moved(z=depth / 2)
    return block(side, style.arm - low, depth, style.softness, style.cloth).moved(0, (style.arm + low) / 2, depth / 2)


def feet(random: Generator, style: Style, width: float, depth: float) -> list[Solid]:
    """Legs, where the style has any, the back ones at z = 0."""
    if style.leg == 0.0:
        return []
    thick = random.uniform(0.06, 0.12)
    return [
        foot.moved(z=depth / 2)
        for foot in legs(random, 0.94 * width, 0.94 * depth, style.leg + 0.02, thick, style.wood)
    ]


def settee(random: Generator, width: float, depth: float, count: int) -> list[Solid]:
    """A padded seat of height about 1 for `count` people, with a back, mostly with arms."""
    style = Style.by_chance(random)
    arms = random.random() < 0.92
    inner = max(width - 2 * style.side, 0.4 * width) if arms else width
    thick = (width - inner) / 2
    parts = base(style, 0.99 * width, depth) + cushions(style, inner, depth + random.choice([0.0, 0.03]), count)
    parts += backrest(random, style, width if random.random() < 0.5 else 1.01 * inner, count)
    if arms:
        reach = depth * random.choice([1.0, random.uniform(0.75, 1.0)])
        arm = armrest(style, reach).scaled(thick / style.side, 1, 1)
        parts += [arm.moved((width - thick) / 2), arm.moved((thick - width) / 2)]
    return parts + feet(random, style, width, depth)
