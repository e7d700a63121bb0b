"""Cars: from race cars to vans, pick-ups and lorries."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from gendr.tools.shapes.procedural.colours import DARK, light, paints
from gendr.tools.shapes.procedural.solid import Colour, Solid, box, lathe, loft, rod, rounded_box

KINDS = {
    # share of all cars; then ranges: height, foot and top of the windscreen, top and foot of the rear window
    "sedan": (0.3, (0.27, 0.46), (0.14, 0.27), (0.02, 0.12), (-0.22, -0.12), (-0.38, -0.26)),
    "hatchback": (0.14, (0.32, 0.48), (0.16, 0.3), (0.04, 0.14), (-0.38, -0.26), (-0.49, -0.4)),
    "suv": (0.14, (0.34, 0.48), (0.16, 0.28), (0.06, 0.16), (-0.47, -0.38), (-0.49, -0.46)),
    "sports": (0.16, (0.24, 0.33), (0.12, 0.26), (-0.03, 0.07), (-0.2, -0.1), (-0.44, -0.28)),
    "van": (0.1, (0.38, 0.52), (0.34, 0.46), (0.2, 0.34), (-0.49, -0.46), (-0.496, -0.47)),
    "pickup": (0.08, (0.34, 0.44), (0.16, 0.26), (0.07, 0.16), (-0.08, -0.02), (-0.12, -0.06)),
}
"""The kinds with a body and a cabin; a car is 1 long, z from -0.5 to 0.5."""


def car(random: Generator) -> list[Solid]:
    """A car of a kind by chance."""
    share = random.uniform()
    if share < 0.04:
        return _formula(random)
    if share < 0.08:
        return _lorry(random)
    names = list(KINDS)
    weights = np.array([KINDS[name][0] for name in names])
    return _saloon(random, names[random.choice(len(names), p=weights / weights.sum())])


def _saloon(random: Generator, kind: str) -> list[Solid]:
    """A body, a cabin with windows or without, wheels, and what goes on them."""
    height, foot, top, rear_top, rear_foot = (random.uniform(*span) for span in KINDS[kind][1:])
    width, radius = random.uniform(0.4, 0.54), random.uniform(0.055, 0.09)
    floor, waist = radius * random.uniform(0.5, 0.95), height * random.uniform(0.54, 0.68)
    paint, second, glass, tyre = paints(random, 4, (DARK, DARK))
    bonnet, boot = waist * random.uniform(0.84, 1.0), waist * random.uniform(0.85, 1.0)
    nose, tail = max(random.uniform(0.74, 0.98), min(0.98, 1.8 * radius / bonnet)), random.uniform(0.75, 0.98)
    if kind == "pickup":
        boot = waist * 0.7
    side = [(-0.49, floor), (0.49, floor), (0.5, bonnet * nose * 0.7), (0.48, bonnet * nose), (foot, waist)]
    side += [(rear_foot, waist), (rear_foot - 0.01, boot), (-0.48, boot * tail), (-0.5, boot * tail * 0.8)]
    parts = [_body(side, width, random.uniform(0.02, 0.06), paint)]
    narrow = random.uniform(0.72, 0.9) * width
    parts += _cabin((waist - 0.01, height), (foot, top), (rear_top, rear_foot), (width * 0.94, narrow), paint, glass)
    if kind == "pickup":
        for x in (-1, 1):
            parts.append(
                box(0.03, waist - floor, rear_foot + 0.5, paint).moved(
                    x * (width / 2 - 0.02), (waist + floor) / 2, (rear_foot - 0.5) / 2
                )
            )
        parts.append(box(width - 0.03, waist - floor, 0.025, paint).moved(0, (waist + floor) / 2, -0.485))
    axles = random.uniform(0.28, 0.34), -random.uniform(0.27, 0.34)
    parts += _wheels(radius, random.uniform(0.05, 0.09), width + random.uniform(-0.01, 0.04), axles, tyre, second)
    return parts + _trimmings(random, kind, (width, height, floor, boot), (top, rear_top), (paint, second))


def _body(side: ArrayLike, width: float, bevel: float, paint: Colour) -> Solid:
    """A side view `[K, 2]` of z and y, with edges taken off."""
    outline = np.asarray(side, dtype=np.float64)
    centre = outline.mean(0)
    sections = []
    for x, shrunk in ((-0.5, 1 - bevel), (-0.46, 1.0), (0.46, 1.0), (0.5, 1 - bevel)):
        z, y = (centre + shrunk * (outline - centre)).T
        sections.append(np.stack([np.full(len(z), x * width), y, z], 1)[::-1])
    return loft(sections, paint)


def _cabin(
    heights: tuple[float, float],
    front: tuple[float, float],
    rear: tuple[float, float],
    widths: tuple[float, float],
    paint: Colour,
    glass: Colour,
) -> list[Solid]:
    """A house of glass, narrower at the top, with a roof and posts."""
    (low, high), (foot, top), (rear_top, rear_foot) = heights, front, rear
    roof = 0.06 * (high - low) + 0.008
    corners = [[(x, z) for x, z in ((1, a), (1, b), (-1, b), (-1, a))] for a, b in ((rear_foot, foot), (rear_top, top))]
    rings = [
        [(x * width / 2, y, z) for x, z in corner][::-1]
        for corner, width, y in zip(corners, widths, (low, high - roof), strict=True)
    ]
    house = loft(rings, glass)
    length = top - rear_top
    cover = rounded_box(widths[1] + 0.01, 2.2 * roof, length + 0.015, roof, paint, 2)
    parts = [house, cover.moved(y=high - 1.1 * roof, z=(top + rear_top) / 2)]
    for below, above in zip(*rings, strict=True):
        parts.append(rod(below, above, 0.011, paint))
    middle = (foot + rear_foot) / 2, (top + rear_top) / 2
    for x in (-0.5, 0.5):
        parts.append(rod((x * widths[0], low, middle[0]), (x * widths[1], high - roof, middle[1]), 0.011, paint))
    return parts


def _wheels(
    radius: float, thick: float, width: float, axles: tuple[float, ...], tyre: Colour, hub: Colour
) -> list[Solid]:
    """A wheel at both ends of each axle."""
    rim = 0.6 * radius
    wheel = lathe([(rim, -thick / 2), (radius, -thick / 2.4), (radius, thick / 2.4), (rim, thick / 2)], tyre, 14)
    cap = lathe([(rim * 0.9, -thick / 2), (rim * 0.8, thick / 2 + 0.004)], hub, 10)
    parts = []
    for z in axles:
        for solid in (wheel.turned("z", -90), cap.turned("z", -90)):
            right = solid.moved((width - thick) / 2, radius, z)
            parts += [right, right.mirrored()]
    return parts


def _trimmings(
    random: Generator,
    kind: str,
    size: tuple[float, float, float, float],
    roof: tuple[float, float],
    colours: tuple[Colour, Colour],
) -> list[Solid]:
    """Lamps, bumpers, mirrors, and by chance a light bar, a taxi's sign, a roof rack, a spoiler."""
    (width, height, floor, boot), middle, parts = size, sum(roof) / 2, list[Solid]()
    if random.uniform() < 0.6:
        bumper = rounded_box(width * 0.98, 0.05, 0.04, 0.015, colours[1], 1)
        parts += [bumper.moved(0, floor + 0.03, z) for z in (-0.495, 0.495)]
    if random.uniform() < 0.5:
        mirror = box(0.04, 0.03, 0.02, colours[0]).moved(width / 2 + 0.01, height * 0.62, roof[0] + 0.08)
        parts += [mirror, mirror.mirrored()]
    extra = random.uniform()
    if extra < 0.14:
        for x, shade in ((-0.055, light(0.8, 0.1, 0.1)), (0.055, light(0.1, 0.2, 0.8))):
            parts.append(box(0.11, 0.035, 0.05, shade).moved(x, height + 0.012, middle))
    elif extra < 0.24:
        parts.append(box(0.12, 0.045, 0.05, colours[1]).moved(0, height + 0.015, middle))
    elif extra < 0.34 and kind in ("suv", "van", "hatchback"):
        rail = box(0.015, 0.02, 0.8 * (roof[0] - roof[1]), colours[1]).moved(0.36 * width, height + 0.004, middle)
        parts += [rail, rail.mirrored()]
    elif extra < 0.6 and kind in ("sports", "sedan"):
        up = random.uniform(0.03, 0.08)
        parts.append(box(width * 0.85, 0.015, 0.06, colours[1]).moved(0, boot + up, -0.46))
        parts += [
            box(0.02, up + 0.05, 0.04, colours[1]).moved(x * width, boot + up / 2 - 0.02, -0.46) for x in (-0.3, 0.3)
        ]
    return parts


def _lorry(random: Generator) -> list[Solid]:
    """A cab before a box, a tank or a flat bed."""
    width, height, radius = random.uniform(0.32, 0.46), random.uniform(0.36, 0.52), random.uniform(0.055, 0.075)
    paint, load, tyre = paints(random, 3, (DARK,))
    cab, floor = random.uniform(0.2, 0.3), radius * 1.2
    tall, back = height * random.uniform(0.7, 0.95), 0.49 - cab
    parts = [box(width * 0.8, 0.06, 0.98, DARK).moved(y=floor + 0.01)]
    front = random.uniform(0.0, 0.06)
    side = [(back, floor), (0.5, floor), (0.5, tall * 0.55), (0.5 - front, tall), (back, tall)]
    parts += [_body(side, width * 0.96, 0.03, paint)]
    parts.append(box(width * 0.85, tall * 0.25, 0.02, DARK).moved(0, tall * 0.74, 0.495 - front / 2))
    high = height if random.uniform() < 0.8 else floor + 0.12
    depth = back + 0.48
    parts.append(box(width, high - floor, depth, load).moved(0, (high + floor) / 2, -0.5 + depth / 2))
    axles = (0.36, -0.33) if random.uniform() < 0.5 else (0.36, -0.22, -0.38)
    return parts + _wheels(radius, 0.07, width + 0.02, axles, tyre, paint)


def _formula(random: Generator) -> list[Solid]:
    """A racing car with bare wheels and two wings."""
    width, radius = random.uniform(0.38, 0.48), random.uniform(0.06, 0.08)
    paint, second, tyre = paints(random, 3, (DARK,))
    side = [(-0.42, 0.03), (0.42, 0.03), (0.5, 0.06), (0.48, 0.09), (0.12, 0.14), (-0.1, 0.22), (-0.42, 0.13)]
    parts = [_body(side, width * random.uniform(0.28, 0.4), 0.2, paint)]
    pods = rounded_box(width * 0.75, 0.1, 0.34, 0.03, paint, 2).moved(0, 0.08, -0.12)
    parts += [pods, box(width, 0.02, 0.1, second).moved(0, 0.05, 0.46)]
    high = random.uniform(0.2, 0.26)
    parts += [
        box(width * 0.8, 0.025, 0.1, second).moved(0, high, -0.45),
        box(0.04, high - 0.05, 0.06, second).moved(0, high / 2 + 0.03, -0.43),
    ]
    parts += [rod((-width / 2 + 0.03, radius, z), (width / 2 - 0.03, radius, z), 0.014, DARK) for z in (0.3, -0.34)]
    return parts + _wheels(radius, 0.09, width + 0.03, (0.3, -0.34), tyre, second)
