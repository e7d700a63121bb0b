"""Where the meshes of a data set come from: made by chance, or a folder of files."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gendr import _check
from gendr.render import Mesh
from gendr.render.formats import FORMATS
from gendr.tools.shapes.categories import CLASS_NAMES, SPLITS, class_id, class_ids
from gendr.tools.shapes.procedural import thing

EVERY = 5
"""Every fifth mesh of a folder is a test object, unless told otherwise."""


@dataclass(frozen=True)
class Entry:
    """One object of a data set.

    Attributes:
        kind: name of its class.
        split: "train", "val" or "test".
        name: of the object, unique within its class.
        place: what it is made from: a file, or the seed and number of a thing.
    """

    kind: str
    split: str
    name: str
    place: Path | tuple[int, int]

    def mesh(self) -> Mesh:
        """The mesh, centred, with a bounding box of diagonal 1.

        Raises:
            gendr.render.formats.MeshError: the file cannot be read as a mesh.
            ValueError: it has no extent.
        """
        if isinstance(self.place, tuple):
            return thing(self.kind, *self.place)
        mesh = Mesh.load(self.place)
        low, high = mesh.vertices.amin(0), mesh.vertices.amax(0)
        diagonal = float((high - low).norm())
        if not diagonal > 0.0:
            _check.fail(str(self.place), "a mesh with an extent", "all of its vertices in one place")
        return mesh.with_vertices((mesh.vertices - (low + high) / 2) / diagonal)


@dataclass(frozen=True)
class Source:
    """All objects of a data set.

    Attributes:
        plain: what decides them, as JSON holds it; equal for equal data.
        entries: the objects, class by class and split by split.
    """

    plain: dict[str, Any]
    entries: tuple[Entry, ...]


def procedural(classes: str | Sequence[str] = "all", counts: Sequence[int] = (250, 25, 50), seed: int = 0) -> Source:
    """Things of the classes, made by chance.

    Args:
        classes: names or ShapeNet's numbers, as a list or separated by commas, or "all".
        counts: things a class in train, val and test.
        seed: of all of them.

    Raises:
        ValueError: an unknown class, or a negative count.

    >>> [entry.name for entry in procedural("chair", (1, 0, 2)).entries]
    ['train00000', 'test00000', 'test00001']
    """
    names = [CLASS_NAMES[number] for number in class_ids(classes)]
    entries = []
    for name in names:
        first = 0
        for split, count in zip(SPLITS, counts, strict=True):
            _check.number(split, count, 0)
            entries += [Entry(name, split, f"{split}{k:05d}", (seed, first + k)) for k in range(count)]
            first += count
    return Source({"made": "by chance", "classes": names, "counts": list(counts), "seed": seed}, tuple(entries))


def folder(path: str | Path, classes: str | Sequence[str] = "all", split: str = "auto") -> Source:
    """The meshes in `path/CLASS/`, by name; classes that have no folder are left out.

    Args:
        path: of a folder with a folder for each class, called by the class's name or ShapeNet's number.
        classes: those to take.
        split: "auto": every fifth is test, the others are train; or the one split that all belong to.

    Raises:
        OSError: it cannot be read.
        ValueError: there is no such folder, or no mesh in it.
    """
    root = Path(path)
    if not root.is_dir():
        _check.fail("meshes", "a folder with a folder of meshes for each class", str(path))
    _check.choice("split", split, ("auto", *SPLITS))
    wanted = class_ids(classes)
    entries, digest = [], hashlib.sha256()
    for inner in sorted(root.iterdir(), key=lambda inner: (_place(inner, wanted), inner.name)):
        if _place(inner, wanted) == len(wanted):
            continue
        files = sorted(file for file in inner.iterdir() if file.suffix.lower() in FORMATS and file.is_file())
        for index, file in enumerate(files):
            part = split if split != "auto" else "test" if index % EVERY == EVERY - 1 else "train"
            entries.append(Entry(CLASS_NAMES[class_id(inner.name)], part, file.name, file))
            digest.update(f"{inner.name}/{file.name}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    if not entries:
        suffixes = ", ".join(FORMATS)
        _check.fail("meshes", f"CLASS/NAME with one of {suffixes}, CLASS such as chair", f"none in {root}")
    # Splits must not mix within a class: pieces of the data set are of one class and split.
    entries.sort(key=lambda entry: (wanted.index(class_id(entry.kind)), SPLITS.index(entry.split), entry.name))
    kinds = list(dict.fromkeys(entry.kind for entry in entries))
    return Source(
        {"made": "from meshes", "classes": kinds, "split": split, "sha256": digest.hexdigest()}, tuple(entries)
    )


def _place(inner: Path, wanted: list[str]) -> int:
    try:
        number = class_id(inner.name) if inner.is_dir() else ""
    except ValueError:
        number = ""
    return wanted.index(number) if number in wanted else len(wanted)
