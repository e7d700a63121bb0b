"""Telephones: smartphones, bars with keys, flip phones, cordless handsets, desk telephones, mobiles of old."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from gendr.tools.shapes.procedural.colours import DARK, hue, paints
from gendr.tools.shapes.procedural.solid import Colour, Solid, ball, box, lathe, prism, rod, rounded_box, tube


def telephone(random: Generator) -> list[Solid]:
    """A telephone of a kind by chance, upright, its screen or keys towards +z."""
    kinds = (_smartphone, _keyed, _flip, _cordless, _desk, _dial)
    return kinds[random.choice(len(kinds), p=(0.36, 0.22, 0.12, 0.1, 0.14, 0.06))](random)


def _slab(width: float, high: float, depth: float, radius: float, colour: Colour) -> Solid:
    """A board with its foot at y = 0 whose corners are rounded as seen from the front."""
    radius = min(radius, 0.49 * width, 0.49 * high)
    bends = np.linspace(0.0, np.pi / 2, 5)
    outline = []
    for quarter, (x, y) in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1))):
        angle = bends + quarter * np.pi / 2
        centre = np.array([x * (width / 2 - radius), high / 2 + y * (high / 2 - radius)])
        outline.append(centre + radius * np.stack([np.cos(angle), np.sin(angle)], 1))
    return prism(np.concatenate(outline), depth, colour)


def _keys(
    width: float, span: tuple[float, float], z: float, rows: int, columns: int, colour: Colour, x: float = 0.0
) -> list[Solid]:
    """A field of keys between two heights."""
    low, high = span
    across, up = width / columns, (high - low) / rows
    key = box(0.72 * across, 0.68 * up, 0.03, colour)
    return [
        key.moved(x + (column + 0.5) * across - width / 2, low + (row + 0.5) * up, z)
        for row in range(rows)
        for column in range(columns)
    ]


def _smartphone(random: Generator) -> list[Solid]:
    """A thin board that is nearly all screen."""
    width, depth = random.uniform(0.44, 0.6), random.uniform(0.05, 0.14)
    paint, button, screen = paints(random, 3, (DARK,))
    round_edges = random.uniform() < 0.4
    corner = random.uniform(0.02, 0.12)
    parts = [
        rounded_box(width, 1.0, depth, depth / 2, paint).moved(y=0.5)
        if round_edges
        else _slab(width, 1.0, depth, corner, paint)
    ]
    low, high = (0.03, 0.97) if random.uniform() < 0.4 else (random.uniform(0.08, 0.16), random.uniform(0.85, 0.92))
    glass = _slab(width * random.uniform(0.86, 0.95), high - low, 0.02, 0.03, screen)
    parts.append(glass.moved(y=low, z=depth / 2))
    if low > 0.05:
        parts.append(lathe([(0.035, -0.02), (0.035, 0.008)], button, 12).turned("x", 90).moved(0, low / 2, depth / 2))
        parts.append(box(0.12, 0.012, 0.02, button).moved(0, (1 + high) / 2, depth / 2))
    if random.uniform() < 0.5:
        parts.append(_slab(0.13, 0.13, 0.025, 0.04, button).moved(-0.25 * width, 0.82, -depth / 2))
    return parts + [
        box(0.02, 0.08, 0.4 * depth, button).moved(width / 2, y) for y in (0.62, 0.74) if random.uniform() < 0.7
    ]


def _keyed(random: Generator) -> list[Solid]:
    """A bar with a small screen over keys, sometimes with an aerial."""
    width, depth = random.uniform(0.32, 0.52), random.uniform(0.1, 0.24)
    paint, key, screen = paints(random, 3, (DARK,))
    if random.uniform() < 0.5:
        parts = [rounded_box(width, 1.0, depth, random.uniform(0.03, 0.1), paint).moved(y=0.5)]
    else:
        parts = [_slab(width, 1.0, depth, random.uniform(0.03, 0.2), paint)]
    split = random.uniform(0.42, 0.6)
    parts.append(box(0.8 * width, 0.86 - split, 0.03, screen).moved(0, (split + 0.92) / 2, depth / 2))
    if random.uniform() < 0.25:
        parts += _keys(0.84 * width, (0.08, split - 0.1), depth / 2, 4, 8, key)
    else:
        parts += _keys(0.8 * width, (0.07, split - 0.12), depth / 2, 4, 3, key)
    parts.append(box(0.3 * width, 0.07, 0.04, key).moved(0, split - 0.06, depth / 2))
    if random.uniform() < 0.35:
        up = random.uniform(0.08, 0.3)
        parts.append(rod((0.36 * width, 0.95, 0), (0.36 * width, 1 + up, 0), random.uniform(0.02, 0.05), key))
    return parts


def _flip(random: Generator) -> list[Solid]:
    """Two halves with a hinge between, the upper one leaning back or forth, or a slider."""
    width, depth = random.uniform(0.4, 0.62), random.uniform(0.07, 0.14)
    paint, key, screen = paints(random, 3, (DARK,))
    corner, lean = random.uniform(0.03, 0.12), random.uniform(-15, 75)
    lower = [_slab(width, 0.55, depth, corner, paint), *_keys(0.8 * width, (0.05, 0.4), depth / 2, 4, 3, key)]
    lower.append(box(0.3 * width, 0.07, 0.03, key).moved(0, 0.45, depth / 2))
    upper = [_slab(width, 0.55, 0.85 * depth, corner, paint)]
    upper.append(box(0.78 * width, 0.36, 0.03, screen).moved(0, 0.3, 0.42 * depth))
    if random.uniform() < 0.25:
        return lower + [part.moved(y=0.3, z=depth * 0.9) for part in upper]
    hinge = rod((-0.4 * width, 0.55, 0), (0.4 * width, 0.55, 0), 0.55 * depth, key)
    open_half = [part.turned("x", -0.5 * lean).moved(y=0.55) for part in upper]
    flat = random.uniform() < 0.4
    parts = [*lower, hinge, *open_half]
    return [part.moved(y=-0.55).turned("x", -70 if flat else 0) for part in parts]


def _cordless(random: Generator) -> list[Solid]:
    """A handset with a bulge at the ear, standing in its cradle or not."""
    width, depth = random.uniform(0.24, 0.34), random.uniform(0.12, 0.2)
    paint, key, screen = paints(random, 3, (DARK,))
    bend = np.linspace(-1, 1, 7)
    path = np.stack([0 * bend, 0.5 + 0.46 * bend, 0.08 * bend**2], 1)
    body = tube(path, 0.5 * np.array([0.8, 0.95, 0.95, 0.85, 0.9, 1.0, 0.85]), paint, 12).moved(y=-0.5)
    reach = np.ptp(body.points[:, 0]), np.ptp(body.points[:, 2])
    parts = [body.scaled(x=width / reach[0], z=depth / reach[1])]
    middle = parts[0].points
    parts[0] = parts[0].moved(y=0.5, z=-(middle[:, 2].max() + middle[:, 2].min()) / 2)
    parts.append(box(0.62 * width, 0.2, depth * 0.5, screen).moved(0, 0.72, 0.27 * depth))
    parts += _keys(0.66 * width, (0.18, 0.56), 0.5 * depth - 0.01, 4, 3, key)
    if random.uniform() < 0.4:
        parts.append(rod((0.3 * width, 0.9, 0), (0.3 * width, 1.0 + random.uniform(0.08, 0.3), 0), 0.025, key))
    if random.uniform() < 0.55:
        wide, deep = width * random.uniform(1.2, 2.0), depth * random.uniform(1.8, 3.2)
        parts.append(rounded_box(wide, random.uniform(0.12, 0.25), deep, 0.04, key).moved(y=0.05))
    return parts


def _handset(random: Generator, long: float, thick: float, colour: Colour) -> list[Solid]:
    """A handset along x with two cups downwards, its grip at y = 0."""
    half, radius = long / 2, random.uniform(0.1, 0.15)
    cup = lathe([(radius, -0.16), (radius, -0.09), (0.7 * radius, 0.03)], colour, 14)
    bow = [[-half, -0.05, 0], [-0.75 * half, 0.03, 0], [0, 0.06, 0], [0.75 * half, 0.03, 0], [half, -0.05, 0]]
    grip = tube(bow, thick, colour, 8)
    return [grip, *(cup.moved(x=side * half) for side in (-1, 1))]


def _desk(random: Generator) -> list[Solid]:
    """A wedge with keys and a handset on its left, or a telephone for the wall."""
    width, depth = random.uniform(0.75, 1.1), random.uniform(0.8, 1.1)
    paint, second, third = paints(random, 3)
    front, back = random.uniform(0.06, 0.14), random.uniform(0.2, 0.45)
    lean = float(np.degrees(np.arctan2(back - front, depth)))
    side = [(-depth / 2, 0.0), (depth / 2, 0.0), (depth / 2, front), (-depth / 2, back)]
    parts = [prism(side, width, paint).turned("y", -90)]
    wide = 0.46 * width
    top = _keys(wide, (-0.42 * depth, 0.1 * depth), 0.01, 4, 3, third, 0.18 * width)
    top.append(box(wide, 0.2 * depth, 0.04, DARK).moved(0.18 * width, 0.28 * depth, 0.01))
    receiver = [part.scaled(x=0.95 * depth / 0.9).turned("z", 90) for part in _handset(random, 0.7, 0.06, second)]
    top += [part.turned("y", 90).moved(-0.32 * width, 0.0, 0.15) for part in receiver]
    parts += [part.turned("x", lean - 90).moved(y=(front + back) / 2) for part in top]
    if random.uniform() < 0.25:
        return [part.turned("x", 90 - lean) for part in parts]
    return parts


def _dial(random: Generator) -> list[Solid]:
    """An old telephone: a body that narrows upwards, a dial, a handset across its top."""
    width, high = random.uniform(0.7, 0.9), random.uniform(0.4, 0.6)
    paint, second = hue(random), hue(random)
    if random.uniform() < 0.6:
        second = paint
    depth = random.uniform(0.6, 0.85)
    square = lathe([(0.7, 0.0), (0.7, 0.06), (0.55, 0.3 * high), (0.36, high)], paint, 4).turned("y", 45)
    parts = [square.scaled(x=width, z=depth)]
    slope = float(np.degrees(np.arctan2(0.7 * high, 0.135 * depth)))
    dial = lathe([(0.2, -0.04), (0.2, 0.03), (0.1, 0.035)], second, 18).turned("x", slope)
    parts.append(dial.moved(0, 0.55 * high, 0.35 * depth))
    parts.append(ball(0.1, 0.1, 0.06, DARK, 8).moved(0, 0.55 * high, 0.37 * depth))
    parts += [box(0.05, 0.14, 0.1, paint).moved(x * width, high + 0.02, 0) for x in (-0.16, 0.16)]
    return parts + [part.moved(y=high + 0.1) for part in _handset(random, random.uniform(0.75, 0.95), 0.05, second)]
