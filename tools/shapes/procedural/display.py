"""Displays: flat screens on a stand or a wall, laptops, tube monitors, old televisions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from gendr.tools.shapes.procedural.colours import METALS, WOODS, near
from gendr.tools.shapes.procedural.furniture import block, legs, one_of, plate, post
from gendr.tools.shapes.procedural.solid import Colour, Solid, box, rod

GLASS = ((0.60, 0.70, 0.72), (0.10, 0.12, 0.14), (0.25, 0.30, 0.36), (0.20, 0.35, 0.55))
SHELLS = (*METALS, (0.80, 0.78, 0.70), (0.90, 0.90, 0.90))


def display(random: Generator) -> list[Solid]:
    """A display of any kind."""
    kinds: dict[Callable[[Generator], list[Solid]], float] = {
        _standing: 0.5, _bare: 0.07, _laptop: 0.15, _tube_monitor: 0.11, _old_television: 0.17,
    }  # fmt: skip
    return one_of(random, kinds)(random)


def _panel(random: Generator, width: float, height: float, thick: float, shell: Colour) -> list[Solid]:
    """A flat screen about the origin, seen from +z, sometimes with a bulge behind."""
    rim = random.uniform(0.015, 0.08)
    chin = random.choice([0.0, random.uniform(0.0, 0.1)]) * height
    soft = random.choice([0.0, 0.3])
    glass = box(width - 2 * rim, height - 2 * rim - chin, 0.2 * thick, near(random, GLASS, vivid=0.05))
    parts = [block(width, height, thick, soft, shell), glass.moved(0, chin / 2, 0.46 * thick)]
    if random.random() < 0.5:
        deep, share = random.uniform(0.02, 0.1), random.uniform(0.45, 0.85)
        small, large = (share * width, share * height), (0.92 * width, 0.9 * height)
        back = post((0, -thick / 2 - deep, 0), (0, 0, 0), small, large, shell)
        parts.append(back.turned("x", 90))
    return parts


def _standing(random: Generator) -> list[Solid]:
    """A monitor or a television on one or two feet."""
    shell = near(random, SHELLS, vivid=0.06)
    stand = shell if random.random() < 0.6 else near(random, METALS)
    height, thick = random.uniform(0.52, 0.8), random.uniform(0.03, 0.12)
    lift, tilt = random.uniform(0.04, 0.3), random.choice([0.0, random.uniform(0.0, 8.0)])
    parts = [part.turned("x", -tilt).moved(y=lift + height / 2) for part in _panel(random, 1.0, height, thick, shell)]
    behind, reach = -thick / 2, random.uniform(0.16, 0.36)
    kind = one_of(random, {"plate": 4.0, "disc": 3.0, "feet": 1.5, "bow": 1.5})
    if kind == "feet":
        x = random.uniform(0.2, 0.42)
        for side in (-x, x):
            parts.append(box(0.03, 0.03, reach, stand).moved(side, 0.015))
            parts.append(box(0.03, lift + 0.1, 0.03, stand).moved(side, lift / 2 + 0.05))
        return parts
    wide, deep = random.uniform(0.05, 0.3), random.uniform(0.02, 0.06)
    rise = lift + random.uniform(0.1, 0.6) * height
    parts.append(post((0, 0.01, behind - 0.02), (0, rise, behind), (wide, deep), (0.8 * wide, deep), stand))
    if kind == "plate":
        foot = block(random.uniform(0.25, 0.6), random.uniform(0.015, 0.05), reach, random.choice([0.0, 0.4]), stand)
        parts.append(foot.moved(y=0.02, z=behind + 0.03))
    elif kind == "disc":
        disc = plate(0.5, random.uniform(0.02, 0.06), stand, sides=20)
        parts.append(disc.scaled(random.uniform(0.25, 0.6), 1, reach).moved(z=behind + 0.02))
    else:
        ends = [(-0.3, 0.015, reach / 2), (0.3, 0.015, reach / 2)]
        parts += [rod((0, 0.03, behind - 0.03), end, [0.03, 0.015], stand) for end in ends]
        parts.append(rod((0, 0.03, behind), (0, 0.02, -reach / 2), [0.03, 0.015], stand))
    return parts


def _bare(random: Generator) -> list[Solid]:
    """A flat screen for a wall."""
    parts = _panel(random, 1.0, random.uniform(0.5, 0.75), random.uniform(0.04, 0.12), near(random, SHELLS))
    if random.random() < 0.5:
        parts.append(box(0.3, 0.25, 0.12, near(random, METALS)).moved(z=-0.1))
    return parts


def _laptop(random: Generator) -> list[Solid]:
    """A base with keys and a lid that leans back."""
    shell = near(random, SHELLS)
    keys = near(random, METALS)
    depth, thick, lid = random.uniform(0.62, 0.8), random.uniform(0.03, 0.07), random.uniform(0.025, 0.05)
    lean, rim = random.uniform(0.0, 38.0), random.uniform(0.03, 0.08)
    high = depth * random.uniform(0.9, 1.02)
    screen = [
        box(1.0, high, lid, shell).moved(y=high / 2),
        box(1.0 - 2 * rim, high - 2 * rim, 0.3 * lid, near(random, GLASS, vivid=0.05)).moved(0, high / 2, 0.45 * lid),
    ]
    return [
        box(1.0, thick, depth, shell).moved(y=thick / 2),
        box(0.86, 0.02, 0.45 * depth, keys).moved(0, thick, -0.13 * depth),
        box(0.25, 0.015, 0.22 * depth, keys).moved(0, thick, 0.32 * depth),
        *(part.turned("x", -lean).moved(0, 0.7 * thick, -0.49 * depth) for part in screen),
    ]


def _tube_monitor(random: Generator) -> list[Solid]:
    """A computer's monitor with a tube: a deep back that narrows, on a foot."""
    shell = near(random, SHELLS, vivid=0.05)
    height, front, deep = random.uniform(0.75, 0.95), random.uniform(0.12, 0.35), random.uniform(0.35, 0.7)
    lift, share = random.uniform(0.05, 0.18), random.uniform(0.45, 0.75)
    small, large = (share, share * height), (0.94, 0.94 * height)
    back = post((0, -deep, 0), (0, 0, 0), small, large, shell).turned("x", 90).moved(z=-0.4 * front)
    parts = [
        block(1.0, height, front, random.choice([0.0, 0.2]), shell),
        box(0.82, 0.78 * height, 0.04, near(random, GLASS, vivid=0.05)).moved(0, 0.03, front / 2),
        back,
    ]
    parts = [part.moved(y=lift + height / 2) for part in parts]
    parts.append(box(0.35, lift + 0.1, 0.35, shell).moved(0, lift / 2 + 0.05, -0.3 * deep))
    return [*parts, plate(0.5, 0.4 * lift, shell, sides=16).scaled(0.6, 1, 0.6).moved(z=-0.25 * deep)]


def _old_television(random: Generator) -> list[Solid]:
    """A case of wood or plastic with a tube, knobs, mostly an aerial, sometimes legs."""
    case, knob = near(random, (*WOODS, *SHELLS)), near(random, METALS)
    height, depth = random.uniform(0.58, 0.85), random.uniform(0.35, 0.72)
    panel = random.choice([0.0, random.uniform(0.15, 0.28)])
    glass = block(0.9 - panel, 0.8 * height, 0.06, random.choice([0.0, 0.4]), near(random, GLASS, vivid=0.05))
    parts = [
        block(1.0, height, depth, random.choice([0.0, 0.1, 0.2]), case),
        glass.moved(-panel / 2, 0, depth / 2),
        box(0.7, 0.75 * height, random.uniform(0.05, 0.3), near(random, METALS)).moved(z=-depth / 2),
    ]
    if panel:
        y = np.array([0.28, 0.05]) * height
        parts += [box(0.5 * panel, 0.5 * panel, 0.06, knob).moved(0.48 - panel / 2, at, depth / 2) for at in y]
        parts.append(box(0.7 * panel, 0.3 * height, 0.03, knob).moved(0.48 - panel / 2, -0.25 * height, depth / 2))
    if random.random() < 0.6:
        for side in (-1, 1):
            tip = (side * random.uniform(0.1, 0.4), height / 2 + random.uniform(0.1, 0.45), random.uniform(-0.1, 0.1))
            parts.append(rod((0.02 * side, height / 2 - 0.01, 0), tip, random.uniform(0.008, 0.016), knob))
    if random.random() < 0.25:
        high = random.uniform(0.05, 0.4)
        stand = legs(random, 0.9, 0.9 * depth, high + 0.02, 0.05, case)
        parts += [leg.moved(y=-high - height / 2) for leg in stand]
    return parts
