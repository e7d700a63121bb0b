"""Aeroplanes: airliners, business jets, propeller machines, fighters, flying wings, biplanes."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from gendr.tools.shapes.procedural.colours import DARK, paints
from gendr.tools.shapes.procedural.solid import Colour, Solid, ball, box, lathe, loft, prism, rod, tube


def airplane(random: Generator) -> list[Solid]:
    """An aeroplane of a kind by chance, 1 long, its nose towards +z."""
    kinds = (_airliner, _business, _propeller, _biplane, _fighter, _flying_wing)
    return kinds[random.choice(len(kinds), p=(0.32, 0.12, 0.22, 0.04, 0.22, 0.08))](random)


def _fuselage(random: Generator, radius: float, paint: Colour, flat: float = 1.0) -> Solid:
    """A round body with a blunt nose and a long tail that rises."""
    nose, tail = random.uniform(0.1, 0.2), random.uniform(0.25, 0.5)
    z = np.concatenate([[-0.5, -0.5 + tail / 2, -0.5 + tail], 0.5 - nose * np.array([1, 0.6, 0.3, 0.1, 0.0])])
    share = np.array([random.uniform(0.1, 0.35), 0.75, 1.0, 1.0, 0.93, 0.75, 0.45, 0.08])
    y = radius * (1 - share) * np.where(z < 0, 0.8, -0.2)
    return tube(np.stack([0 * z, y / flat, z], 1), radius * share, paint, 12).scaled(y=flat)


def wing(
    root: tuple[float, float, float],
    tip: tuple[float, float, float],
    chords: tuple[float, float],
    thick: float,
    paint: Colour,
) -> Solid:
    """A wing from root to tip (the middles of its ends, the tip at greater x), with chords along z."""
    sections = []
    for (x, y, z), chord, high in zip((root, tip), chords, (thick, 0.6 * thick), strict=True):
        around = ((-0.5, 0.0), (-0.1, 0.45), (0.3, 0.5), (0.5, 0.1), (0.45, -0.25), (0.1, -0.4))
        sections.append([(x, y + v * high, z + u * chord) for u, v in around])
    return loft(sections, paint)


def _wings(
    random: Generator,
    paint: Colour,
    at: tuple[float, float],
    half: float,
    chords: tuple[float, float],
    sweep: float,
    thick: float = 0.022,
    rise: float | None = None,
) -> list[Solid]:
    """Both wings: `at` = y and z of the root, half span, how far the tips lie behind and above."""
    y, z = at
    rise = random.uniform(-0.01, 0.06) if rise is None else rise
    right = wing((0.0, y, z), (half, y + rise, z - sweep), chords, thick, paint)
    return [right, right.mirrored()]


def _fin(z: float, base: float, high: float, chords: tuple[float, float], lean: float, paint: Colour) -> Solid:
    """An upright fin in the plane x = 0, z of its foot's middle, `lean` back at the top."""
    return wing((base, 0, z), (base + high, 0, z - lean), chords, 0.02, paint).turned("z", 90)


def _tail(random: Generator, radius: float, paint: Colour, tee: bool = False, scale: float = 1.0) -> list[Solid]:
    """A fin and a tailplane, on top of it in a T."""
    z, high, lean = -0.43, random.uniform(0.1, 0.2) * scale, random.uniform(0.03, 0.1)
    chord = random.uniform(0.1, 0.16)
    parts = [_fin(z, 0.3 * radius, high, (chord, chord * random.uniform(0.4, 0.8)), lean, paint)]
    y, back = (0.3 * radius + high, lean) if tee else (0.4 * radius, 0.0)
    half, sweep = random.uniform(0.11, 0.2) * scale, random.uniform(0.0, 0.08)
    return parts + _wings(random, paint, (y, z - back), half, (chord * 0.9, chord * 0.5), sweep, 0.018)


def _engine(x: float, y: float, z: float, radius: float, length: float, paint: Colour) -> list[Solid]:
    """A jet engine on each side."""
    profile = [
        (radius * 0.6, -length / 2),
        (radius, -0.1 * length),
        (radius, 0.4 * length),
        (radius * 0.85, length / 2),
    ]
    right = lathe(profile, paint, 10).turned("x", 90).moved(x, y, z)
    return [right, right.mirrored()]


def _propeller_at(random: Generator, x: float, y: float, z: float, paint: Colour) -> list[Solid]:
    """A hub with two to four blades that turn about z."""
    count, size = int(random.integers(2, 5)), random.uniform(0.07, 0.12)
    start = random.uniform(0, 180)
    parts = [ball(0.035, 0.035, 0.06, paint, 8).moved(x, y, z)]
    for blade in range(count):
        bar = box(0.022, size, 0.008, DARK).moved(y=size / 2).turned("z", start + 360 * blade / count)
        parts.append(bar.moved(x, y, z))
    return parts


def _gear(random: Generator, radius: float, spots: tuple[tuple[float, float], ...]) -> list[Solid]:
    """Wheels on struts at (x, z)."""
    high, size = radius + random.uniform(0.04, 0.08), random.uniform(0.018, 0.032)
    parts = []
    for x, z in spots:
        parts += [rod((x * 0.5, -0.3 * radius, z), (x, -high, z), 0.008, DARK)]
        parts += [rod((x - 0.01, -high, z), (x + 0.01, -high, z), size, DARK)]
    return parts


def _airliner(random: Generator) -> list[Solid]:
    """A long tube, swept low wings with jets under them."""
    radius = random.uniform(0.042, 0.09)
    paint, second, third = paints(random, 3)
    half, sweep, chord = random.uniform(0.42, 0.74), random.uniform(0.08, 0.3), random.uniform(0.16, 0.26)
    z = random.uniform(0.02, 0.14)
    parts = [_fuselage(random, radius, paint)]
    rise = random.uniform(0.0, 0.08)
    parts += _wings(
        random, second, (-0.4 * radius, z), half, (chord, chord * random.uniform(0.25, 0.5)), sweep, 0.025, rise
    )
    for share in (0.32,) if random.uniform() < 0.65 else (0.28, 0.58):
        size = random.uniform(0.022, 0.036)
        spot = z - sweep * share + 0.4 * chord
        parts += _engine(half * share, -0.4 * radius + rise * share - size, spot, size, 0.14, third)
    parts += _tail(random, radius, third, random.uniform() < 0.15)
    return parts + (_gear(random, radius, ((0.07, 0.0), (-0.07, 0.0), (0.0, 0.36))) if random.uniform() < 0.2 else [])


def _business(random: Generator) -> list[Solid]:
    """A small jet with engines at the back and mostly a T tail."""
    radius = random.uniform(0.045, 0.09)
    paint, second, third = paints(random, 3)
    half, chord = random.uniform(0.46, 0.8), random.uniform(0.15, 0.24)
    parts = [_fuselage(random, radius, paint)]
    parts += _wings(random, second, (-0.5 * radius, 0.0), half, (chord, chord * 0.35), random.uniform(0.03, 0.25))
    size = random.uniform(0.025, 0.038)
    parts += _engine(radius + 0.7 * size, 0.4 * radius, -0.26, size, 0.17, third)
    return parts + _tail(random, radius, third, random.uniform() < 0.8)


def _propeller(random: Generator) -> list[Solid]:
    """Straight wings, one propeller at the nose or one on each wing, high or low wings."""
    radius = random.uniform(0.05, 0.1)
    paint, second, third = paints(random, 3)
    half, chord, high = random.uniform(0.45, 0.66), random.uniform(0.13, 0.22), random.uniform() < 0.5
    y, z = (0.9 if high else -0.6) * radius, random.uniform(0.08, 0.2)
    parts = [_fuselage(random, radius, paint, random.uniform(1.0, 1.3))]
    parts += _wings(
        random, second, (y, z), half, (chord, chord * random.uniform(0.55, 1.0)), random.uniform(-0.02, 0.05)
    )
    parts += _tail(random, radius, second, scale=1.1)
    if random.uniform() < 0.6:
        parts += _propeller_at(random, 0.0, 0.0, 0.51, third)
    else:
        x, size = half * random.uniform(0.28, 0.4), random.uniform(0.025, 0.04)
        parts += _engine(x, y, z + 0.05, size, 0.2, third)
        for side in (-1, 1):
            parts += _propeller_at(random, side * x, y, z + 0.16, third)
    if not high or random.uniform() < 0.5:
        parts.append(
            ball(1.3 * radius, 1.4 * radius, 0.25, DARK if random.uniform() < 0.7 else paint, 10).moved(
                0, 0.8 * radius, z + 0.02
            )
        )
    if high and random.uniform() < 0.6:
        for x in (-1, 1):
            parts.append(rod((x * 0.5 * radius, -0.6 * radius, z), (x * 0.45 * half, y, z), 0.008, third))
    return parts + (
        _gear(random, radius, ((0.09, 0.14), (-0.09, 0.14), (0.0, -0.35))) if random.uniform() < 0.65 else []
    )


def _biplane(random: Generator) -> list[Solid]:
    """Two wings above each other, with struts."""
    radius, half, chord = random.uniform(0.055, 0.08), random.uniform(0.45, 0.62), random.uniform(0.14, 0.2)
    paint, second, third = paints(random, 3)
    low, high, z = -0.8 * radius, radius + random.uniform(0.04, 0.1), random.uniform(0.12, 0.22)
    parts = [_fuselage(random, radius, paint), *_tail(random, radius, second)]
    for y in (low, high):
        parts += _wings(random, second, (y, z), half, (chord, chord * 0.9), 0.0, rise=0.0)
    for x in (-0.75, -0.12, 0.12, 0.75):
        parts += [rod((x * half, low, z + s), (x * half, high, z + s), 0.007, third) for s in (-0.04, 0.05)]
    parts += _propeller_at(random, 0.0, 0.0, 0.51, third)
    return parts + _gear(random, radius, ((0.09, 0.2), (-0.09, 0.2)))


def _fighter(random: Generator) -> list[Solid]:
    """A pointed body, swept or delta wings, one fin or two, a canopy."""
    radius = random.uniform(0.05, 0.09)
    paint, second, glass = paints(random, 3, (DARK,))
    z = np.array([-0.48, -0.3, 0.1, 0.28, 0.42, 0.52])
    body = tube(np.stack([0 * z, 0 * z, z], 1), radius * np.array([0.75, 1.0, 1.0, 0.75, 0.4, 0.05]), paint, 10)
    parts = [body.scaled(x=random.uniform(1.0, 1.7), y=random.uniform(0.75, 1.0))]
    parts.append(ball(radius, 0.9 * radius, 0.22, glass, 10).moved(0, 0.7 * radius, 0.2))
    half, chord = random.uniform(0.32, 0.66), random.uniform(0.26, 0.5)
    tip, sweep = chord * random.uniform(0.1, 0.45), random.uniform(0.08, 0.26)
    parts += _wings(random, paint, (0.0, random.uniform(-0.16, 0.0)), half, (chord, tip), sweep, 0.025)
    fin = _fin(-0.38, 0.4 * radius, random.uniform(0.1, 0.2), (0.18, 0.08), random.uniform(0.04, 0.1), second)
    if random.uniform() < 0.5:
        right = fin.turned("z", -random.uniform(0, 25)).moved(x=random.uniform(0.5, 0.9) * radius)
        parts += [right, right.mirrored()]
    else:
        parts.append(fin)
    if random.uniform() < 0.65:
        parts += _wings(random, second, (0.0, -0.42), random.uniform(0.16, 0.28), (0.14, 0.07), 0.07, 0.018)
    if random.uniform() < 0.4:
        parts += [rod((x * half, -0.02, -0.3), (x * half, -0.02, 0.02), 0.014, second) for x in (-0.6, 0.6)]
    return parts


def _flying_wing(random: Generator) -> list[Solid]:
    """A broad wing that is most of the aeroplane, with a short body and often two fins."""
    half, chord = random.uniform(0.5, 0.72), random.uniform(0.5, 0.85)
    paint, second, glass = paints(random, 3, (DARK,))
    sweep, tip = random.uniform(0.1, 0.3), chord * random.uniform(0.15, 0.45)
    parts = _wings(random, paint, (0.0, 0.0), half, (chord, tip), sweep, random.uniform(0.05, 0.09), 0.0)
    nose = 0.5 * chord + random.uniform(0.05, 0.2)
    side = [(-0.45 * chord, -0.03), (0.4 * chord, -0.04), (nose, 0.0), (0.3 * chord, 0.07), (-0.45 * chord, 0.04)]
    parts.append(prism(side, random.uniform(0.1, 0.2), paint).turned("y", -90))
    parts.append(ball(0.08, 0.06, 0.22, glass, 10).moved(0, 0.06, 0.25 * chord))
    fin = _fin(-0.3 * chord, 0.0, random.uniform(0.1, 0.2), (0.2, 0.1), 0.08, second)
    if random.uniform() < 0.7:
        right = fin.moved(x=random.uniform(0.08, 0.25))
        parts += [right, right.mirrored()]
    return parts
