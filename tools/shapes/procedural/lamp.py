"""Lamps: standing, on a table, over a desk, hanging, chandeliers, on a wall."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from gendr.tools.shapes.procedural.colours import CLOTHS, METALS, WOODS, near
from gendr.tools.shapes.procedural.furniture import one_of, plate
from gendr.tools.shapes.procedural.solid import Colour, Solid, ball, box, lathe, rod, tube

SHADES = (
    (0.88, 0.82, 0.62),
    (0.92, 0.90, 0.84),
    (0.45, 0.45, 0.45),
    (0.78, 0.72, 0.60),
    (0.85, 0.85, 0.85),
    *CLOTHS[:5],
)
STANDS = (*METALS, *WOODS)


def lamp(random: Generator) -> list[Solid]:
    """A lamp of any kind."""
    kinds: dict[Callable[[Generator], list[Solid]], float] = {
        _standing: 0.42, _table: 0.24, _desk: 0.09, _hanging: 0.1, _chandelier: 0.06, _column: 0.05, _wall: 0.04,
    }  # fmt: skip
    return one_of(random, kinds)(random)


def _shade(random: Generator, wide: float, high: float, colour: Colour, sides: int = 0) -> Solid:
    """A drum, cone, dome or square shade from y = 0 up, open above or below, or closed."""
    kind = one_of(random, {"cone": 4.0, "drum": 3.0, "dome": 1.0, "bell": 1.0, "funnel": 0.7})
    sides = sides or int(random.choice([4, 6, 8, 8, 16, 20]))
    t = np.linspace(0, 1, 6)
    narrow = random.uniform(0.4, 0.85)
    radii = {
        "cone": 1 - (1 - narrow) * t,
        "drum": np.ones(6),
        "dome": np.cos(1.35 * t),
        "bell": 1 - (1 - narrow) * np.sqrt(t),
        "funnel": narrow + (1 - narrow) * t,
    }[kind]
    if kind in ("cone", "drum", "funnel"):
        t, radii = t[[0, -1]], radii[[0, -1]]
    outer = np.stack([radii * wide / 2, t * high], 1)
    opening = one_of(random, {"above": 6.0, "below": 1.5, "closed": 2.5})
    inner = outer[::-1] * [0.84, 1]
    if opening == "above":
        inner[-1, 1] += 0.12 * high
        profile = np.concatenate([outer, inner])
    elif opening == "below":
        inner[0, 1] -= 0.12 * high
        profile = np.concatenate([inner, outer])
    else:
        profile = outer
    return lathe(profile, colour, sides).turned("y", 45 if sides == 4 else 0)


def _base(random: Generator, wide: float, colour: Colour) -> list[Solid]:
    """A foot: a disc, a slab or three legs."""
    kind = one_of(random, {"disc": 6.0, "slab": 3.0, "cone": 1.0})
    high = random.uniform(0.015, 0.06)
    if kind == "slab":
        return [box(wide, high, wide, colour).moved(y=high / 2)]
    if kind == "cone":
        return [lathe([(wide / 2, 0), (wide / 2, 0.4 * high), (0.02, 2 * high)], colour, sides=12)]
    return [plate(wide / 2, high, colour, sides=int(random.choice([6, 8, 20])))]


def _standing(random: Generator) -> list[Solid]:
    """A shade on a thin pole."""
    metal, cloth = near(random, STANDS), near(random, SHADES)
    wide = one_of(random, {0.17: 4.0, 0.28: 3.0, 0.4: 1.5}) * random.uniform(0.8, 1.25)
    high, pole = wide * random.uniform(0.65, 1.35), random.uniform(0.008, 0.022)
    high = min(high, 0.45)
    top = 1.0 - high
    parts = [_shade(random, wide, high, cloth).moved(y=top)]
    foot = max(0.1, wide * random.uniform(0.6, 1.15))
    if random.random() < 0.15:
        tips = [(0.6 * foot * np.cos(a), 0.0, 0.6 * foot * np.sin(a)) for a in (0.5, 2.6, 4.7)]
        parts += [rod(tip, (0, 0.8 * top, 0), pole, metal) for tip in tips]
        return [*parts, rod((0, 0.75 * top, 0), (0, 1 - 0.3 * high, 0), pole, metal)]
    if random.random() < 0.1:
        bend = np.linspace(0, np.pi, 9)
        reach = random.uniform(0.15, 0.3)
        path = np.stack([reach * (1 - np.cos(bend)) - 2 * reach, 1.0 - reach + reach * np.sin(bend), 0 * bend], 1)
        arc = tube(np.concatenate([[[-2 * reach, 0.02, 0]], path]), pole, metal, sides=8)
        drop = 1.0 - reach - 0.6 * high
        return [parts[0].moved(y=drop - top), arc, *(p.moved(-2 * reach) for p in _base(random, 0.25, metal))]
    return [*parts, *_base(random, foot, metal), rod((0, 0, 0), (0, 1 - 0.3 * high, 0), pole, metal)]


def _table(random: Generator) -> list[Solid]:
    """A large shade on a bellied or slim stand."""
    body, cloth = near(random, (*STANDS, *CLOTHS)), near(random, SHADES)
    wide, high = random.uniform(0.36, 0.62), random.uniform(0.35, 0.62)
    top = 1 - high
    parts = [_shade(random, wide, high, cloth).moved(y=top)]
    parts.append(rod((0, 0, 0), (0, top + 0.2 * high, 0), random.uniform(0.012, 0.04), body))
    if random.random() < 0.5:
        return [*parts, *_base(random, wide * random.uniform(0.55, 1.05), body)]
    belly, t = wide * random.uniform(0.15, 0.4), np.linspace(0, 1, 9)
    place = random.uniform(0.15, 0.7)
    swell = belly * np.exp(-(((t - place) / random.uniform(0.2, 0.4)) ** 2)) + 0.025
    return [*parts, lathe(np.stack([swell, t * (top + 0.02)], 1), body, sides=int(random.choice([4, 8, 14])))]


def _desk(random: Generator) -> list[Solid]:
    """A foot, a jointed or bent arm, a hood that looks down to the front."""
    metal = near(random, (*METALS, *CLOTHS), vivid=0.25)
    high, reach, thick = random.uniform(0.6, 0.95), random.uniform(0.2, 0.5), random.uniform(0.012, 0.03)
    wide, slope = random.uniform(0.22, 0.36), random.uniform(20, 60)
    if random.random() < 0.5:
        path = [(0, 0, 0), (0, 0.55 * high, -random.uniform(0.1, 0.3)), (0, high, 0), (0, 0.97 * high, reach)]
    else:
        bend = np.linspace(0, 2.2, 9)
        bow = [(0, 0.5 * high + 0.5 * high * np.sin(b), 0.5 * reach * (1 - np.cos(b))) for b in bend]
        path = [(0, 0, 0), *bow]
    hood = lathe(
        [(wide / 2, 0), (0.42 * wide, 0.35 * wide), (0.2 * wide, 0.7 * wide), (0.12 * wide, wide)], metal, sides=12
    )
    end = path[-1]
    return [
        tube(path, thick, metal, sides=8),
        hood.moved(y=-0.8 * wide).turned("x", -slope).moved(*end),
        *_base(random, random.uniform(0.25, 0.42), metal),
    ]


def _hanging(random: Generator) -> list[Solid]:
    """A shade or a globe below a ceiling's plate."""
    metal, cloth = near(random, METALS), near(random, SHADES)
    wide, high = random.uniform(0.35, 0.9), random.uniform(0.25, 0.6)
    drop = random.uniform(0.1, 0.7)
    if random.random() < 0.25:
        body = ball(wide, wide, wide, cloth).moved(y=wide / 2)
        high = wide
    else:
        body = _shade(random, wide, high, cloth)
    plate_ = random.uniform(0.12, 0.35)
    cap = (
        box(plate_, 0.05, plate_, metal)
        if random.random() < 0.4
        else lathe([(plate_ / 2, -0.03), (plate_ / 3, 0.03)], metal)
    )
    return [
        body,
        rod((0, 0.1 * high, 0), (0, high + drop, 0), random.uniform(0.01, 0.06), metal),
        cap.moved(y=high + drop),
    ]


def _chandelier(random: Generator) -> list[Solid]:
    """Arms around a hub, each with a light."""
    metal, cloth = near(random, METALS), near(random, SHADES)
    count, reach, size = int(random.integers(3, 8)), random.uniform(0.25, 0.42), random.uniform(0.15, 0.32)
    drop, sag = random.uniform(0.05, 0.45), random.uniform(0.05, 0.2)
    up = random.random() < 0.6
    light = _shade(random, size, size * random.uniform(0.8, 1.3), cloth, sides=8)
    light = light.moved(y=0.01) if up else light.moved(y=-1.0 * size)
    path = [(0, 0, 0), (0.5 * reach, -sag, 0), (0.95 * reach, -0.8 * sag, 0), (reach, 0.04, 0)]
    arm = tube(path, 0.02, metal, sides=6)
    hub = random.uniform(0.1, 0.4)
    parts = [ball(hub, hub, hub, metal, sides=10), rod((0, 0, 0), (0, drop, 0), 0.02, metal)]
    parts.append(lathe([(0.12, drop - 0.03), (0.1, drop)], metal, sides=12))
    for i in range(count):
        parts += [part.turned("y", 360 * i / count + 20) for part in (arm, light.moved(reach, 0.0))]
    return parts


def _column(random: Generator) -> list[Solid]:
    """A tall shade that almost reaches the floor."""
    wide, foot = random.uniform(0.1, 0.25), random.uniform(0.04, 0.2)
    metal = near(random, STANDS)
    body = _shade(random, wide, 1 - foot, near(random, SHADES), sides=int(random.choice([4, 4, 12]))).moved(y=foot)
    return [
        body,
        rod((0, 0, 0), (0, foot + 0.02, 0), 0.03, metal),
        *_base(random, wide * random.uniform(0.8, 1.2), metal),
    ]


def _wall(random: Generator) -> list[Solid]:
    """A plate, an arm to the front and a shade."""
    metal, reach, wide = near(random, METALS), random.uniform(0.25, 0.5), random.uniform(0.3, 0.5)
    arm = tube([(0, 0, 0), (0, -0.05, 0.6 * reach), (0, 0.08, reach)], 0.03, metal, sides=8)
    shade = _shade(random, wide, random.uniform(0.3, 0.5), near(random, SHADES)).moved(0, 0.04, reach)
    return [box(0.2, random.uniform(0.2, 0.45), 0.05, metal), arm, shade]
