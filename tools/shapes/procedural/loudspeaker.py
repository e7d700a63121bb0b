"""Loudspeakers: boxes and towers with cones, subwoofers, cubes on stands, round ones, radios."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from gendr.tools.shapes.procedural.colours import DARK, hue, paints, wood
from gendr.tools.shapes.procedural.solid import Colour, Solid, ball, box, lathe, rod, rounded_box, tube


def loudspeaker(random: Generator) -> list[Solid]:
    """A loudspeaker of a kind by chance, its cones towards +z."""
    kinds = (_shelf, _tower, _cube, _standing, _radio, _round, _bar)
    return kinds[random.choice(len(kinds), p=(0.32, 0.22, 0.1, 0.08, 0.18, 0.05, 0.05))](random)


def _colours(random: Generator) -> tuple[Colour, Colour, Colour]:
    """Of the box, the front and the cones."""
    first, second, third = paints(random, 3, (DARK,))
    return (wood(random) if random.uniform() < 0.4 else first), second, third


def _cone(x: float, y: float, z: float, radius: float, rim: Colour, cone: Colour) -> list[Solid]:
    """A ring with a sunk cone and a dome in the middle, on a front at z."""
    ring = lathe([(radius, -0.03), (radius, 0.016), (0.84 * radius, 0.018), (0.4 * radius, -0.015)], rim, 16)
    face = lathe([(0.82 * radius, -0.025), (0.8 * radius, 0.008), (0.3 * radius, 0.0)], cone, 16)
    dome = ball(0.6 * radius, 0.5 * radius, 0.6 * radius, rim, 8)
    return [solid.turned("x", 90).moved(x, y, z) for solid in (ring, face, dome)]


def _cabinet(
    random: Generator, width: float, high: float, depth: float, colours: tuple[Colour, Colour, Colour]
) -> list[Solid]:
    """A box with its foot at y = 0, sharp or rounded, sometimes with a front board or a cloth."""
    body, front, _ = colours
    round_edges = random.uniform() < 0.4
    radius = random.uniform(0.01, 0.08) * width
    whole = rounded_box(width, high, depth, radius, body) if round_edges else box(width, high, depth, body)
    parts = [whole.moved(y=high / 2)]
    share, low = (1.0, 0.0) if random.uniform() < 0.6 else (random.uniform(0.5, 0.8), 0.0)
    low = high * (1 - share) * 0.96
    if random.uniform() < 0.7:
        board = box(width * random.uniform(0.84, 0.96), high * share * 0.94, 0.03, front)
        parts.append(board.moved(0, low + high * share * 0.5, depth / 2))
    if random.uniform() < 0.15:
        parts.append(box(width * 1.06, 0.03, depth * 1.06, body).moved(y=0.015))
    return parts


def _drivers(
    random: Generator,
    count: int,
    width: float,
    span: tuple[float, float],
    z: float,
    colours: tuple[Colour, Colour, Colour],
) -> list[Solid]:
    """Cones above each other between two heights, mostly the smallest at the top."""
    low, high = span
    sizes = np.linspace(1.0, random.uniform(0.4, 1.0), count)
    room = (high - low) / sizes.sum()
    parts, y = list[Solid](), low
    for size in sizes:
        radius = min(0.42 * width * size, 0.46 * room * size)
        parts += _cone(0.0, y + room * size / 2, z, radius, colours[1], colours[2])
        y += room * size
    return parts


def _shelf(random: Generator) -> list[Solid]:
    """A box with one to three cones."""
    width, depth = random.uniform(0.4, 0.75), random.uniform(0.35, 0.75)
    colours = _colours(random)
    parts = _cabinet(random, width, 1.0, depth, colours)
    if random.uniform() < 0.9:
        low = random.uniform(0.04, 0.2)
        parts += _drivers(random, int(random.integers(1, 4)), width, (low, 0.96), depth / 2 + 0.01, colours)
    return parts


def _tower(random: Generator) -> list[Solid]:
    """A tall slim box with cones in its upper part."""
    width, depth = random.uniform(0.15, 0.34), random.uniform(0.18, 0.42)
    colours = _colours(random)
    parts = _cabinet(random, width, 1.0, depth, colours)
    span = random.uniform(0.08, 0.6), 0.97
    parts += _drivers(random, int(random.integers(2, 5)), width, span, depth / 2 + 0.01, colours)
    if random.uniform() < 0.3:
        parts.append(box(width * random.uniform(1.1, 1.6), 0.03, depth * 1.15, colours[1]).moved(y=0.0))
    return parts


def _cube(random: Generator) -> list[Solid]:
    """A subwoofer or a guitarist's box: wide, with one, two or four cones."""
    width, depth = random.uniform(0.8, 1.3), random.uniform(0.4, 1.0)
    colours = _colours(random)
    parts = _cabinet(random, width, 1.0, depth, colours)
    z, kind = depth / 2 + 0.01, random.uniform()
    if kind < 0.5:
        parts += _cone(0.0, 0.5, z, random.uniform(0.25, 0.42), colours[1], colours[2])
    else:
        for x in (-0.25 * width, 0.25 * width):
            for y in (0.27, 0.73) if kind < 0.75 else (0.5,):
                parts += _cone(x, y, z, 0.2, colours[1], colours[2])
    if random.uniform() < 0.4:
        parts += [
            ball(0.12, 0.12, 0.12, DARK, 8).moved(x * width, -0.03, y * depth) for x in (-0.4, 0.4) for y in (-0.4, 0.4)
        ]
    return parts


def _standing(random: Generator) -> list[Solid]:
    """A small box on a post with a foot."""
    colours = _colours(random)
    width, high, depth = random.uniform(0.18, 0.34), random.uniform(0.28, 0.5), random.uniform(0.18, 0.34)
    parts = [part.moved(y=1 - high) for part in _cabinet(random, width, high, depth, colours)]
    parts += _drivers(random, int(random.integers(1, 3)), width, (1.03 - high, 0.98), depth / 2 + 0.01, colours)
    post = random.uniform(0.02, 0.05)
    parts.append(rod((0, 0.02, 0), (0, 1.05 - high, 0), post, colours[1]))
    if random.uniform() < 0.5:
        return [*parts, lathe([(0.2, 0.0), (0.18, 0.04)], colours[1]).scaled(x=1.0, z=random.uniform(0.8, 1.1))]
    return [*parts, box(width * 1.1, 0.04, depth * 1.2, colours[1]).moved(y=0.02)]


def _radio(random: Generator) -> list[Solid]:
    """A portable radio: wide box, a cone or two, a dial, a handle, an aerial."""
    width, high, depth = 1.0, random.uniform(0.45, 0.75), random.uniform(0.2, 0.42)
    body, front, third = _colours(random)
    whole = rounded_box(width, high, depth, random.uniform(0.01, 0.08), body)
    parts, z = [whole.moved(y=high / 2)], depth / 2 + 0.01
    if random.uniform() < 0.5:
        parts.append(box(0.92 * width, 0.5 * high, 0.03, front).moved(0, 0.32 * high, z))
        parts.append(box(0.6 * width, 0.18 * high, 0.03, third).moved(0, 0.76 * high, z))
    else:
        spots = (-0.3, 0.3) if random.uniform() < 0.6 else (-0.25,)
        for x in spots:
            parts += _cone(x, 0.42 * high, z, min(0.36 * high, 0.19), front, third)
        parts.append(box(0.3, 0.25 * high, 0.03, third).moved(0.0 if len(spots) == 2 else 0.25, 0.7 * high, z))
    parts += [rod((x, 0.85 * high, z - 0.02), (x, 0.85 * high, z + 0.03), 0.035, third) for x in (-0.42, 0.42)]
    if random.uniform() < 0.6:
        up, half = random.uniform(0.08, 0.22), random.uniform(0.25, 0.49)
        path = [[-half, high - 0.06, 0], [-half, high + 0.8 * up, 0], [-half * 0.9, high + up, 0]]
        path += [[half * 0.9, high + up, 0], [half, high + 0.8 * up, 0], [half, high - 0.06, 0]]
        parts.append(tube(path, random.uniform(0.018, 0.035), third, 8))
    if random.uniform() < 0.45:
        x, lean = random.choice((-0.4, 0.4)), random.uniform(-0.15, 0.15)
        parts.append(
            rod(
                (x, high - 0.05, -0.3 * depth), (x + lean, high + random.uniform(0.3, 0.75), -0.3 * depth), 0.012, front
            )
        )
    return parts


def _round(random: Generator) -> list[Solid]:
    """A ball, a drum or an egg with a cone on its front."""
    body, front, third = _colours(random)
    width, high = random.uniform(0.6, 0.9), random.uniform(0.7, 1.0)
    if random.uniform() < 0.5:
        parts = [
            ball(width, high, width, body).moved(y=high / 2),
            box(width * 0.5, 0.12, width * 0.5, front).moved(y=0.03),
        ]
        return parts + _cone(0.0, high / 2, 0.47 * width, 0.25 * width, front, third)
    drum = lathe([(width * 0.42, 0.0), (width * 0.45, 0.08), (width * 0.45, high), (width * 0.36, high + 0.06)], body)
    return [
        drum,
        lathe([(width * 0.46, 0.3 * high), (width * 0.46, 0.8 * high)], front),
        lathe([(0.2, high), (0.15, high + 0.1)], third),
    ]


def _bar(random: Generator) -> list[Solid]:
    """A long low box for below a television, or a centre speaker, with cones side by side."""
    high, depth, colours = random.uniform(0.14, 0.35), random.uniform(0.14, 0.35), _colours(random)
    parts = [rounded_box(1.0, high, depth, random.uniform(0.01, 0.06), colours[0]).moved(y=high / 2)]
    for x in (-0.36, -0.15, 0.15, 0.36) if high < 0.22 else (-0.32, 0.0, 0.32):
        parts += _cone(
            x,
            high / 2,
            depth / 2,
            min(0.38 * high, 0.12),
            colours[1],
            hue(random) if random.uniform() < 0.1 else colours[2],
        )
    return parts
