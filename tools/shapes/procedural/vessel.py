"""Vessels: rowing boats, dinghies, yachts, tall ships, longships, motor boats, freighters, cruise ships, warships."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.random import Generator

from gendr.tools.shapes.procedural.colours import DARK, hue, light, paints, wood
from gendr.tools.shapes.procedural.solid import Colour, Points, Solid, ball, box, lathe, loft, rod, rounded_box, tube


def vessel(random: Generator) -> list[Solid]:
    """A vessel of a kind by chance, about 1 long, its bow towards +z.

    A third of the small boats are turned round: collections of models do not agree on which end is the front of these.
    """
    kinds = (_rowing, _dinghy, _yacht, _tall_ship, _longship, _motor, _freighter, _cruise, _warship)
    kind = random.choice(len(kinds), p=(0.24, 0.09, 0.13, 0.11, 0.09, 0.13, 0.09, 0.08, 0.04))
    parts = kinds[kind](random)
    if kinds[kind] in (_rowing, _dinghy, _yacht) and random.uniform() < 0.35:
        return [part.turned("y", 180) for part in parts]
    return parts


def _outline(width: float, bow: float, stern: float, fine: float) -> Points:
    """A deck `[16, 2]` of x and z: a bow that takes the share `bow` of the length, a stern of share `stern`."""
    z = np.array([0.5, 0.5 - 0.2 * bow, 0.5 - 0.5 * bow, 0.5 - bow, 0.0, -0.3, -0.42, -0.5])
    z = np.minimum.accumulate(z)
    t = np.clip((0.5 - z) / bow, 0.0, 1.0)
    x = np.sin(t * np.pi / 2) ** fine * np.where(z < -0.25, 1 - (1 - stern) * ((-0.25 - z) / 0.25) ** 2, 1.0)
    x = np.maximum(x * width / 2, 0.004)
    return np.concatenate([np.stack([x, z], 1), np.stack([-x, z], 1)[::-1]])


def _hull(
    random: Generator,
    width: float,
    high: float,
    colour: Colour,
    depth: float = 0.0,
    stern: float = 0.7,
    sheer: float = 0.0,
    bow: float | None = None,
) -> Solid:
    """A hull from keel to rail at y = `high`, hollow down to `depth` below it, bow and stern raised by `sheer`."""
    rail = _outline(width, bow or random.uniform(0.3, 0.6), stern, random.uniform(0.6, 0.95))
    narrow, short = random.uniform(0.4, 0.85), random.uniform(0.75, 0.92)
    raised = sheer * (2 * np.abs(rail[:, 1])) ** 3 * np.where(rail[:, 1] > 0, 1.0, 0.6)
    rings = []
    for share, x, z in ((0.0, narrow, short), (0.45, 0.5 + 0.45 * narrow, 0.5 + 0.46 * short), (1.0, 1.0, 1.0)):
        rings.append(np.stack([rail[:, 0] * x, high * share + raised * share, rail[:, 1] * z], 1))
    if depth:
        inside = random.uniform(0.76, 0.9)
        for low, x, z in ((0.0, inside, 0.94), (depth, inside * (0.5 + 0.5 * narrow), 0.5 + 0.4 * short)):
            rings.append(np.stack([rail[:, 0] * x, high + raised * (low == 0) - low, rail[:, 1] * z], 1))
    return loft(rings, colour)


def _rowing(random: Generator) -> list[Solid]:
    """An open boat with benches, sometimes with oars."""
    width, high = random.uniform(0.36, 0.6), random.uniform(0.14, 0.24)
    paint = wood(random) if random.uniform() < 0.65 else hue(random)
    _, second = paints(random, 2)
    second = paint if random.uniform() < 0.5 else second
    deep = high * random.uniform(0.4, 0.75)
    stern = random.uniform(0.4, 1.0)
    parts = [_hull(random, width, high, paint, deep, stern, random.uniform(0.0, 0.1))]
    for z in np.linspace(-0.3, 0.15, int(random.integers(0, 4))):
        parts.append(box(width * 0.88, 0.025, 0.07, second).moved(0, high - 0.4 * deep, z))
    if random.uniform() < 0.5:
        up, thick = random.uniform(0.02, 0.1), random.uniform(0.03, 0.06)
        parts.append(box(thick, 0.6 * high + up, thick, paint).moved(0, 0.7 * high + up / 2, 0.48))
    if random.uniform() < 0.3:
        for x in (-1, 1):
            start, end = (x * 0.2 * width, high + 0.04, 0.0), (x * (width / 2 + 0.15), high * 0.4, -0.1)
            parts += [rod(start, end, 0.01, second), ball(0.07, 0.015, 0.04, second, 8).moved(*end)]
    return parts


def _dinghy(random: Generator) -> list[Solid]:
    """A rubber boat: a tube about a floor."""
    width, radius = random.uniform(0.46, 0.62), random.uniform(0.06, 0.1)
    paint, second, third = paints(random, 3)
    half, pointed = width / 2 - radius, random.uniform(0.08, 0.2)
    bend = np.linspace(0, np.pi, 11)
    front = 0.5 - radius - pointed - half * 0.5
    x = np.concatenate([[half, half], half * np.cos(bend), [-half, -half]])
    z = np.concatenate([[-0.5, -0.1], front + (half * 0.5 + pointed) * np.sin(bend), [-0.1, -0.5]])
    y = radius + np.concatenate([[0, 0], 0.05 * np.sin(bend), [0, 0]])
    parts = [tube(np.stack([x, y, z], 1), radius, paint, 10)]
    parts.append(loft([np.stack([x, y - share * radius, z], 1)[::-1] for share in (0.7, 0.1)], second))
    parts.append(box(2 * half, 1.6 * radius, 0.05, paint).moved(0, radius, -0.45))
    for place in np.linspace(-0.25, 0.2, int(random.integers(1, 4))):
        parts.append(box(2 * half, 0.06, 0.08, third).moved(0, 1.3 * radius, place))
    if random.uniform() < 0.4:
        parts.append(box(0.1, 0.2, 0.08, DARK).moved(0, 0.1, -0.5))
    return parts


def _mast(z: float, low: float, high: float, colour: Colour, radius: float = 0.012) -> Solid:
    """An upright mast."""
    return rod((0, low, z), (0, high, z), (radius, 0.6 * radius), colour)


def _sail(corners: list[tuple[float, float]], belly: float, colour: Colour, thick: float = 0.012) -> Solid:
    """A sail in the plane x = 0, corners of z and y counter-clockwise seen from -x; its middle bellies out to +x."""
    flat = np.array(corners)
    middle = flat.mean(0)
    sections = []
    for share, out in ((1.0, -0.5 * thick), (1.0, 0.5 * thick), (0.5, 0.5 * thick + belly)):
        z, y = (middle + share * (flat - middle)).T
        sections.append(np.stack([np.full(len(z), out), y, z], 1))
    return loft(sections, colour)


def _yacht(random: Generator) -> list[Solid]:
    """A sailing boat with one mast, a mainsail and mostly a foresail."""
    width, high, tall = random.uniform(0.22, 0.42), random.uniform(0.1, 0.18), random.uniform(0.6, 1.3)
    paint, sail, third = paints(random, 3)
    paint = wood(random) if random.uniform() < 0.4 else paint
    open_boat = random.uniform() < 0.5
    parts = [_hull(random, width, high, paint, 0.5 * high if open_boat else 0.0, random.uniform(0.5, 0.9), 0.03)]
    z, top, foot = random.uniform(0.0, 0.16), high + tall, high + random.uniform(0.06, 0.14)
    parts.append(_mast(z, 0.3 * high, top, third))
    if not open_boat:
        parts.append(rounded_box(width * 0.55, 0.1, 0.34, 0.03, third, 2).moved(0, high + 0.02, -0.05))
    belly, back = random.uniform(0.0, 0.05), -random.uniform(0.35, 0.5)
    kind = random.uniform()
    if kind < 0.6:
        parts.append(_sail([(z, foot), (back, foot + 0.02), (z, top - 0.04)], belly, sail))
    elif kind < 0.85:
        parts.append(
            _sail([(z, foot), (back, foot), (back + 0.15, top - 0.2 * tall), (z, top - 0.05 - 0.3 * tall)], belly, sail)
        )
    else:
        square = _sail([(0.25, foot), (-0.25, foot), (-0.22, foot + 0.5 * tall), (0.22, foot + 0.5 * tall)], 0.05, sail)
        parts.append(square.turned("y", -90).moved(z=z))
    parts.append(rod((0, foot - 0.01, z), (0, foot, back), 0.01, third))
    if random.uniform() < 0.75:
        parts.append(
            _sail(
                [(0.49, high + 0.03), (z + 0.03, foot + 0.02), (z + 0.02, top - random.uniform(0.1, 0.4) * tall)],
                belly,
                sail,
            )
        )
    return parts


def _tall_ship(random: Generator) -> list[Solid]:
    """Two or three masts with square sails, a raised stern, a bowsprit."""
    width, high = random.uniform(0.16, 0.28), random.uniform(0.11, 0.18)
    paint, spar, bright = wood(random), wood(random), random.uniform(0.6, 0.92)
    canvas = light(bright, 0.97 * bright, 0.86 * bright)
    parts = [_hull(random, width, high, paint, 0.2 * high, 0.8, random.uniform(0.02, 0.06)).scaled(z=0.84)]
    parts.append(box(width * 0.75, random.uniform(0.06, 0.12), 0.2, paint).moved(0, high + 0.02, -0.31))
    parts.append(rod((0, high, 0.32), (0, high + random.uniform(0.08, 0.2), 0.56), 0.012, spar))
    for z in (-0.24, 0.0, 0.24) if random.uniform() < 0.65 else (-0.14, 0.16):
        tall = random.uniform(0.35, 0.6) * (0.85 if z < -0.2 else 1.0)
        parts.append(_mast(z, 0.3 * high, high + tall, spar))
        levels = np.linspace(high + 0.08, high + tall - 0.02, int(random.integers(3, 5)))
        for row, (low, top) in enumerate(pairwise(levels)):
            half = random.uniform(0.11, 0.15) * (1 - 0.2 * row)
            corners = [(half, low + 0.012), (-half, low + 0.012), (-0.85 * half, top), (0.85 * half, top)]
            parts.append(_sail(corners, random.uniform(0.02, 0.05), canvas).turned("y", -90).moved(z=z))
            parts.append(rod((-half, top, z), (half, top, z), 0.008, spar))
    if random.uniform() < 0.7:
        parts.append(_sail([(0.52, high + 0.1), (0.3, high + 0.12), (0.27, high + 0.32)], 0.0, canvas))
    return parts


def _longship(random: Generator) -> list[Solid]:
    """A slender open boat with raised ends, one square sail, oars."""
    width, high = random.uniform(0.17, 0.3), random.uniform(0.09, 0.14)
    paint, spar = wood(random), wood(random)
    _, sail = paints(random, 2)
    parts = [_hull(random, width, high, paint, 0.5 * high, 0.15, random.uniform(0.08, 0.18), bow=0.5).scaled(z=0.9)]
    for side in (1, -1):
        up = random.uniform(0.12, 0.26)
        path = [[0, high * 0.4, side * 0.4], [0, high + 0.3 * up, side * 0.46], [0, high + up, side * 0.48]]
        parts.append(tube(path, [0.024, 0.02, 0.016], paint, 8))
    if random.uniform() < 0.85:
        tall = random.uniform(0.35, 0.6)
        half, low, top = random.uniform(0.16, 0.26), high + random.uniform(0.06, 0.14), high + tall - 0.03
        parts.append(_mast(0.0, 0.3 * high, high + tall, spar))
        square = _sail([(half, low), (-half, low), (-half, top), (half, top)], random.uniform(0.03, 0.08), sail)
        parts += [square.turned("y", -90), rod((-half, top, 0), (half, top, 0), 0.01, spar)]
    if random.uniform() < 0.6:
        for z in np.linspace(-0.25, 0.25, int(random.integers(4, 7))):
            right = rod((0.4 * width, high, z), (0.5 * width + 0.1, 0.02, z - 0.04), 0.007, spar)
            parts += [right, right.mirrored()]
    return parts


def _motor(random: Generator) -> list[Solid]:
    """A motor boat: a pointed hull with a cabin or a screen, or a tug."""
    width, high = random.uniform(0.26, 0.42), random.uniform(0.1, 0.2)
    paint, second, glass = paints(random, 3, (DARK,))
    is_open = random.uniform() < 0.4
    parts = [
        _hull(
            random,
            width,
            high,
            paint,
            0.5 * high if is_open else 0.0,
            random.uniform(0.8, 1.0),
            random.uniform(0.0, 0.05),
        )
    ]
    low, z = high * (0.45 if is_open else 0.9), random.uniform(-0.2, 0.08)
    wide, tall, long = width * random.uniform(0.5, 0.75), random.uniform(0.1, 0.22), random.uniform(0.16, 0.42)
    rings = []
    for y, share, front in ((low, 1.0, 0.0), (low + tall * 0.9, 0.85, random.uniform(0.02, 0.1))):
        x, a, b = wide * share / 2, z - long / 2, z + long / 2 - front
        rings.append([(x, y, b), (x, y, a), (-x, y, a), (-x, y, b)])
    parts += [loft(rings, second), box(wide * 0.95, 0.02, long * 0.9, paint).moved(0, low + 0.9 * tall, z - 0.02)]
    parts.append(box(wide * 0.98, tall * 0.3, long * 0.6, glass).moved(0, low + tall * 0.6, z - 0.03))
    if random.uniform() < 0.4:
        parts.append(_mast(z, low, low + tall + random.uniform(0.08, 0.25), second))
    if random.uniform() < 0.3:
        parts.append(rod((0, low, z - long / 2), (0, low + tall + 0.1, z - long / 2), 0.04, paint))
    if is_open and random.uniform() < 0.7:
        parts.append(box(0.09, 0.16, 0.07, DARK).moved(0, high * 0.8, -0.5))
    return parts


def _house(
    random: Generator, z: float, low: float, width: float, long: float, storeys: int, colours: list[Colour]
) -> list[Solid]:
    """Storeys that get shorter upwards, with bands of windows and a funnel."""
    parts = []
    for storey in range(storeys):
        long *= random.uniform(0.85, 1.0)
        parts.append(box(width, 0.05, long, colours[0]).moved(0, low + 0.045 * storey + 0.02, z))
        parts.append(box(width * 1.01, 0.012, long * 0.96, DARK).moved(0, low + 0.045 * storey + 0.028, z))
    top = low + 0.045 * storeys
    funnel = lathe([(0.035, -0.03), (0.03, random.uniform(0.05, 0.12))], colours[1], 10).scaled(
        z=random.uniform(1, 1.8)
    )
    return [*parts, funnel.turned("x", random.uniform(-20, 0)).moved(0, top, z - 0.2 * long)]


def _freighter(random: Generator) -> list[Solid]:
    """A cargo ship with containers, a tanker or a bulk carrier: the bridge near the stern."""
    width, high = random.uniform(0.13, 0.22), random.uniform(0.07, 0.13)
    paint, second, third = paints(random, 3)
    parts = [_hull(random, width, high, paint, stern=0.85, bow=random.uniform(0.15, 0.3), sheer=0.02)]
    parts += _house(
        random, random.uniform(-0.4, -0.32), high, width * 0.8, 0.13, int(random.integers(2, 5)), [second, third]
    )
    kind = random.uniform()
    if kind < 0.55:
        rows = int(random.integers(3, 7))
        for z in np.linspace(-0.2, 0.28, rows):
            tall = 0.045 * random.integers(1, 4)
            for x in (-0.25, 0.25):
                parts.append(
                    box(width * 0.44, tall + 0.02, 0.42 / rows, hue(random)).moved(
                        x * width * 0.9, high + tall / 2 - 0.01, z
                    )
                )
    elif kind < 0.8:
        for z in (-0.15, 0.05, 0.25):
            parts.append(box(width * 0.6, 0.05, 0.14, third).moved(0, high + 0.01, z))
            parts.append(rod((0, high, z + 0.1), (0, high + random.uniform(0.1, 0.2), z + 0.1), 0.012, second))
    else:
        parts.append(rod((0, high + 0.02, -0.3), (0, high + 0.02, 0.35), 0.016, third))
        parts += [
            rod((x * width, high + 0.01, -0.28), (x * width, high + 0.01, 0.3), 0.012, second) for x in (-0.25, 0.25)
        ]
    return parts


def _cruise(random: Generator) -> list[Solid]:
    """A passenger ship: many decks, most of its length."""
    width, high = random.uniform(0.15, 0.26), random.uniform(0.08, 0.15)
    paint, second, third = paints(random, 3)
    parts = [_hull(random, width, high, paint, stern=0.85, bow=random.uniform(0.2, 0.35), sheer=0.02)]
    parts += _house(
        random,
        random.uniform(-0.1, -0.04),
        high,
        width * 0.86,
        random.uniform(0.6, 0.78),
        int(random.integers(2, 6)),
        [second, third],
    )
    if random.uniform() < 0.4:
        parts.append(_mast(0.15, high, high + 0.35, second))
    return parts


def _warship(random: Generator) -> list[Solid]:
    """A slender grey hull, a tower, turrets with guns."""
    width, high = random.uniform(0.11, 0.17), random.uniform(0.06, 0.1)
    grey = random.uniform(0.35, 0.65)
    paint = light(grey, grey, 1.05 * grey)
    parts = [_hull(random, width, high, paint, stern=0.7, bow=random.uniform(0.35, 0.5), sheer=0.02)]
    parts += _house(
        random, 0.02, high, width * 0.6, random.uniform(0.2, 0.36), int(random.integers(2, 4)), [paint, paint]
    )
    parts.append(_mast(0.06, high, high + random.uniform(0.2, 0.32), paint))
    for z, way in ((0.28, 1), (-0.3, -1), (0.2, 1))[: int(random.integers(1, 4))]:
        parts.append(lathe([(0.04, 0.0), (0.032, 0.05)], paint, 8).moved(0, high - 0.01, z))
        parts += [rod((x, high + 0.025, z), (x, high + 0.035, z + way * 0.1), 0.007, paint) for x in (-0.012, 0.012)]
    return parts
