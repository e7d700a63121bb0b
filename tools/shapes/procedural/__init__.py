"""Things of the 13 classes, made by chance: closed, coloured, fronts towards +z."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from gendr.render import Mesh
from gendr.tools.shapes.categories import CLASS_IDS
from gendr.tools.shapes.procedural.airplane import airplane
from gendr.tools.shapes.procedural.bench import bench
from gendr.tools.shapes.procedural.cabinet import cabinet
from gendr.tools.shapes.procedural.car import car
from gendr.tools.shapes.procedural.chair import chair
from gendr.tools.shapes.procedural.display import display
from gendr.tools.shapes.procedural.lamp import lamp
from gendr.tools.shapes.procedural.loudspeaker import loudspeaker
from gendr.tools.shapes.procedural.rifle import rifle
from gendr.tools.shapes.procedural.sofa import sofa
from gendr.tools.shapes.procedural.solid import Solid, assembled
from gendr.tools.shapes.procedural.table import table
from gendr.tools.shapes.procedural.telephone import telephone
from gendr.tools.shapes.procedural.vessel import vessel

CLASSES: dict[str, Callable[[Generator], list[Solid]]] = {
    "airplane": airplane,
    "bench": bench,
    "cabinet": cabinet,
    "car": car,
    "chair": chair,
    "display": display,
    "lamp": lamp,
    "loudspeaker": loudspeaker,
    "rifle": rifle,
    "sofa": sofa,
    "table": table,
    "telephone": telephone,
    "vessel": vessel,
}
"""What makes the parts of a thing of each class, from a random generator."""


def thing(name: str, seed: int, number: int) -> Mesh:
    """Thing `number` of a class, the same for the same seed; other numbers do not change it.

    The bounding box is centred and has diagonal 1; y is up, the front towards +z (of rifles +x).

    Raises:
        KeyError: no such class.

    >>> thing("chair", 0, 7).vertex_colors is not None
    True
    """
    key = [seed, list(CLASS_IDS).index(name), number]
    return assembled(CLASSES[name](np.random.default_rng(key)))
