"""Cabinets: bookcases, wardrobes, chests of drawers, sideboards, nightstands, kitchen cupboards, racks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from gendr.tools.shapes.procedural.colours import METALS, WOODS, near
from gendr.tools.shapes.procedural.furniture import legs, one_of, post
from gendr.tools.shapes.procedural.solid import Colour, Solid, box, prism


def cabinet(random: Generator) -> list[Solid]:
    """A cabinet of any kind."""
    kinds: dict[Callable[[Generator], list[Solid]], float] = {
        _bookcase: 0.17, _wardrobe: 0.26, _low: 0.2, _nightstand: 0.15, _kitchen: 0.12, _rack: 0.05, _side_table: 0.05,
    }  # fmt: skip
    return one_of(random, kinds)(random)


def _case(width: float, height: float, depth: float, board: float, colour: Colour, shelves: int) -> list[Solid]:
    """A case that is open in front, with shelves, on the floor."""
    parts = [box(board, height, depth, colour).moved(x * (width - board) / 2, height / 2) for x in (-1, 1)]
    parts.append(box(width, height, board, colour).moved(0, height / 2, (board - depth) / 2))
    levels = np.linspace(board / 2, height - board / 2, shelves + 2)
    return parts + [box(width, board, depth * 0.98, colour).moved(y=y) for y in levels]


def _front(
    random: Generator, width: float, low: float, high: float, z: float, columns: int, rows: int, colour: Colour
) -> list[Solid]:
    """Doors or drawers on the plane `z`, each with a handle; `rows` 1 makes doors."""
    handle, parts = near(random, METALS), []
    w, h = width / columns, (high - low) / rows
    out, knob = random.choice([0.01, 0.02, 0.03]) * width, random.uniform(0.03, 0.06) * width
    for i in range(columns):
        x = (i + 0.5) * w - width / 2
        for j in range(rows):
            y = low + (j + 0.5) * h
            parts.append(box(0.93 * w, h - 0.07 * w, out, colour).moved(x, y, z + 0.4 * out))
            if rows > 1:
                grip = box(random.choice([1.0, 3.0]) * knob, 0.6 * knob, knob, handle).moved(x, y, z + out)
            else:
                side = 0.36 * w * (1 if i % 2 == 0 else -1)
                grip = box(0.6 * knob, 2.5 * knob, knob, handle).moved(x + side, y, z + out)
            parts.append(grip)
    return parts


def _trim(random: Generator, width: float, height: float, depth: float, colour: Colour) -> list[Solid]:
    """What crowns a cabinet: nothing, a board, a cornice, a gable or an arch, from `height` up."""
    roofs = 0.8 if width < 0.9 * height else 0.0
    kind = one_of(random, {"none": 4.0, "board": 3.0, "cornice": 2.0, "gable": roofs, "arch": roofs})
    over, thick = random.uniform(1.03, 1.15), random.uniform(0.02, 0.06) * max(width, height)
    if kind == "none":
        return []
    if kind == "board":
        return [box(over * width, thick, over * depth, colour).moved(y=height + 0.4 * thick)]
    if kind == "cornice":
        rim, top = (width, depth), (over * width, over * depth)
        return [
            post((0, height - 0.01, 0), (0, height + thick, 0), rim, top, colour),
            box(over * width, 0.4 * thick, over * depth, colour).moved(y=height + 1.15 * thick),
        ]
    rise = random.uniform(0.08, 0.3) * width
    if kind == "gable":
        outline = [
            [-width / 2, -0.01],
            [width / 2, -0.01],
            [width / 2, 0.1 * rise],
            [0, rise],
            [-width / 2, 0.1 * rise],
        ]
    else:
        bend = np.linspace(0, np.pi, 12)
        outline = np.stack([width / 2 * np.cos(bend), rise * np.sin(bend) - 0.01], 1).tolist()
    return [prism(outline, depth, colour).moved(y=height)]


def _foot(random: Generator, width: float, depth: float, high: float, colour: Colour) -> tuple[float, list[Solid]]:
    """What a cabinet stands on, and its height: the floor, a plinth or legs."""
    kind = one_of(random, {"floor": 4.0, "plinth": 2.5, "legs": 3.5})
    if kind == "floor":
        return 0.0, []
    if kind == "legs":
        bar = random.uniform(0.05, 0.1) * min(width, depth) + 0.02
        return high, legs(random, 0.97 * width, 0.95 * depth, 1.02 * high, bar, colour)
    share = random.choice([0.92, 1.06])
    return 0.6 * high, [box(share * width, 0.61 * high, share * depth, colour).moved(y=0.305 * high)]


def _closed(random: Generator, width: float, height: float, depth: float, high: float, drawers: float) -> list[Solid]:
    """A body with doors or drawers on a foot, crowned; `high` is the foot's height, `drawers` their probability."""
    wood = near(random, WOODS)
    front = wood if random.random() < 0.6 else near(random, WOODS)
    low, parts = _foot(random, width, depth, high, wood)
    parts.append(box(width, height, depth, wood).moved(y=low + height / 2))
    columns = (
        max(1, round(width / height * random.uniform(1.2, 2.6))) if width > 0.5 * height else int(random.integers(1, 3))
    )
    split = random.choice([0.0, random.uniform(0.2, 0.6)])
    rows = int(random.integers(2, 6)) if random.random() < drawers else 1
    edge, z = low + 0.04 * height, depth / 2
    middle, top = low + split * height, low + 0.97 * height
    if split:
        parts += _front(random, 0.94 * width, edge, middle, z, columns, int(random.integers(1, 3)), front)
    parts += _front(random, 0.94 * width, max(edge, middle), top, z, columns, rows, front)
    return parts + _trim(random, width, low + height, depth, wood)


def _bookcase(random: Generator) -> list[Solid]:
    """Tall or wide, open, sometimes with books or with doors below."""
    wood = near(random, WOODS)
    width, depth = random.choice([random.uniform(0.4, 0.65), random.uniform(0.7, 1.2)]), random.uniform(0.18, 0.34)
    low, foot = _foot(random, width, depth, random.uniform(0.03, 0.14), wood)
    board, shelves = random.uniform(0.025, 0.06), int(random.integers(2, 6))
    parts = [part.moved(y=low) for part in _case(width, 1.0, depth, board, wood, shelves)]
    pitch = (1 - board) / (shelves + 1)
    for level in range(shelves + 1):
        if random.random() < 0.25:
            share, tall = random.uniform(0.3, 0.92), random.uniform(0.55, 0.85) * pitch
            row = box(share * (width - 2 * board), tall, 0.75 * depth, near(random, WOODS, vivid=0.6))
            side = random.choice([-1, 1]) * (1 - share) * (width - 2 * board) / 2
            parts.append(row.moved(side, low + level * pitch + board + 0.49 * tall, -0.08 * depth))
    if random.random() < 0.25:
        parts.append(box(width - board, 0.35, depth - board, wood).moved(y=low + 0.175))
        parts += _front(random, 0.95 * width, low + 0.03, low + 0.34, depth / 2 - board / 2, 2, 1, wood)
    return foot + parts + _trim(random, width, low + 1.0, depth, wood)


def _wardrobe(random: Generator) -> list[Solid]:
    width, depth = random.uniform(0.4, 0.8), random.uniform(0.22, 0.52)
    return _closed(random, width, 1.0, depth, random.uniform(0.03, 0.15), 0.25)


def _low(random: Generator) -> list[Solid]:
    """A sideboard, a chest of drawers or a bench for a television, sometimes open in front."""
    width, depth = random.uniform(1.3, 3.2), random.uniform(0.6, 1.0)
    if random.random() < 0.75:
        return _closed(random, width, 1.0, depth, random.uniform(0.06, 0.45), 0.6)
    wood = near(random, WOODS)
    low, foot = _foot(random, width, depth, random.uniform(0.1, 0.4), wood)
    parts = [
        part.moved(y=low)
        for part in _case(width, 1.0, depth, random.uniform(0.06, 0.12), wood, int(random.integers(0, 2)))
    ]
    count = int(random.integers(1, 3))
    parts += [
        box(0.08, 1.0, 0.95 * depth, wood).moved(x, low + 0.5) for x in np.linspace(-0.5, 0.5, count + 2)[1:-1] * width
    ]
    if random.random() < 0.5:
        parts.append(
            box(width / (count + 1), 1.0, 0.97 * depth, wood).moved(-width / 2 * count / (count + 1), low + 0.5)
        )
    return foot + parts


def _nightstand(random: Generator) -> list[Solid]:
    width, depth = random.uniform(0.8, 1.4), random.uniform(0.75, 1.25)
    return _closed(random, width, 1.0, depth, random.uniform(0.06, 0.8), 0.7)


def _kitchen(random: Generator) -> list[Solid]:
    """A cupboard below a worktop, with a splashback or a tap."""
    paint, stone = near(random, (*WOODS, *METALS)), near(random, (*METALS, *WOODS))
    width, depth = random.uniform(0.55, 1.1), random.uniform(0.55, 1.0)
    kick, thick, z = random.uniform(0.0, 0.12), random.uniform(0.03, 0.12), 0.46 * depth
    parts = [
        box(width, 1.0, 0.92 * depth, paint).moved(y=0.5 + kick),
        box(1.02 * width, thick, depth * 1.03, stone).moved(y=1 + kick),
        *_front(
            random,
            0.96 * width,
            kick + 0.03,
            0.95 + kick,
            z,
            int(random.integers(1, 3)),
            int(random.integers(1, 4)),
            paint,
        ),
    ]
    if kick > 0.02:
        parts.append(box(0.94 * width, kick + 0.02, 0.8 * depth, stone).moved(0, kick / 2, -0.03))
    if random.random() < 0.35:
        parts.append(box(width, 0.15, 0.04, stone).moved(0, 1.05 + kick, -0.48 * depth))
    if random.random() < 0.25:
        high, metal = random.uniform(0.12, 0.22), near(random, METALS)
        parts.append(box(0.04, high, 0.04, metal).moved(0, 1 + kick + high / 2, -0.38 * depth))
        parts.append(box(0.04, 0.03, 0.22, metal).moved(0, 1 + kick + high, -0.3 * depth))
    return parts


def _rack(random: Generator) -> list[Solid]:
    """Shelves on four posts, without sides."""
    wood, bar = near(random, (*WOODS, *METALS)), random.uniform(0.03, 0.07)
    width, depth = random.uniform(0.35, 0.9), random.uniform(0.22, 0.4)
    levels = np.linspace(random.uniform(0.05, 0.2), random.uniform(0.85, 0.99), int(random.integers(3, 6)))
    posts = [
        box(bar, 1.0, bar, wood).moved(x * (width - bar) / 2, 0.5, z * (depth - bar) / 2)
        for x in (-1, 1)
        for z in (-1, 1)
    ]
    return posts + [box(width, 0.035, depth, wood).moved(y=y) for y in levels]


def _side_table(random: Generator) -> list[Solid]:
    """A flat body with drawers on long legs."""
    wood, width, depth = near(random, WOODS), random.uniform(0.9, 1.7), random.uniform(0.5, 0.8)
    body = random.uniform(0.25, 0.5)
    return [
        *legs(random, 0.95 * width, 0.9 * depth, 1.0 - body + 0.02, random.uniform(0.06, 0.14), wood),
        box(0.95 * width, body, 0.92 * depth, wood).moved(y=1 - body / 2),
        box(width, 0.06, depth, wood).moved(y=1.0),
        *_front(random, 0.9 * width, 1.03 - body, 0.96, 0.46 * depth, int(random.integers(1, 4)), 2, wood),
    ]
