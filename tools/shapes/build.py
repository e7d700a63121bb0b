"""Building a data set: pieces of a few objects, drawn side by side by several processes, then joined.

A piece is a file that appears whole; what an interrupted build has made is there for the next one. A class's two files
are joined when all pieces of them are there, and its pieces go.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gendr import _check
from gendr.tools.child_process import leave_with_parent
from gendr.tools.shapes.categories import class_id
from gendr.tools.shapes.layout import files_of, write_class
from gendr.tools.shapes.npz import Array
from gendr.tools.shapes.portrait import portrait
from gendr.tools.shapes.source import Entry, Source

PIECE = 16
"""Objects to a piece: a second's work or two."""
PLAN = "shapes.json"
"""What the data are made of; a build goes on only with the same."""
PIECES = ".pieces"


@dataclass(frozen=True)
class Piece:
    """Some objects of one class and split, and the file that holds what was made of them."""

    kind: str
    split: str
    entries: tuple[Entry, ...]
    path: Path

    def make(self) -> list[str]:
        """Draw and voxelise the objects; returns what is wrong with those that had to be left out."""
        torch.set_num_threads(1)
        names, images, voxels, wrong = [], [], [], []
        for entry in self.entries:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # of materials that are not there
                    picture, grid = portrait(entry.mesh())
            except (ValueError, OSError) as error:
                wrong.append(f"{self.kind} {entry.name}: {' '.join(str(error).split())}")
                continue
            names.append(entry.name)
            images.append(picture)
            voxels.append(grid)
        shape = (0, 24, 4, 64, 64), (0, 32, 32, 32)
        partial = self.path.with_suffix(f".{os.getpid()}.partial")
        with partial.open("wb") as file:
            np.savez(
                file,
                names=np.array(names, dtype=np.str_),
                wrong=np.array(wrong, dtype=np.str_),
                images=np.array(images, np.uint8) if images else np.empty(shape[0], np.uint8),
                voxels=np.array(voxels, np.bool_) if voxels else np.empty(shape[1], np.bool_),
            )
        os.replace(partial, self.path)
        return wrong


class Build:
    """A data set in the making.

    Args:
        out: folder of the data set.
        source: its objects.

    Raises:
        OSError: the folder cannot be written.
        ValueError: the folder holds other data, or is no folder.
    """

    def __init__(self, out: Path, source: Source) -> None:
        if out.exists() and not out.is_dir():
            _check.fail("out", "a folder", f"the file {out}")
        plan = out / PLAN
        there = _read(plan).get("source") if plan.exists() else None
        if there is not None and there != source.plain:
            _check.fail("out", "a new folder, or one of the same data", f"{out}, whose data were {_told(there)}")
        foreign = sorted(path.name for path in out.iterdir() if path.name[0] != ".") if out.exists() else []
        if there is None and foreign:
            _check.fail("out", "a new or empty folder", f"{out}, which holds {foreign[0]}")
        (out / PIECES).mkdir(parents=True, exist_ok=True)
        if there is None:
            _write(plan, {"source": source.plain, "objects": {}})
        self.out, self.source = out, source
        self.pieces = list(_pieces(out, source.entries))
        record = _read(plan)["objects"]
        self.done = [piece for piece in self.pieces if piece.path.is_file() or self._is_joined(piece, record)]

    @property
    def objects(self) -> tuple[int, int]:
        """How many objects are drawn, and how many there are."""
        return sum(len(piece.entries) for piece in self.done), len(self.source.entries)

    def run(self, workers: int) -> Iterator[None]:
        """Make what is missing; yields after each piece. Stop asking, and no new piece is begun."""
        missing = [piece for piece in self.pieces if piece not in self.done]
        context = multiprocessing.get_context("spawn")
        processes = max(1, min(workers, len(missing)))
        with ProcessPoolExecutor(processes, mp_context=context, initializer=leave_with_parent) as pool:
            futures = {pool.submit(piece.make): piece for piece in missing}
            try:
                for future in as_completed(futures):
                    future.result()
                    self.done.append(futures[future])
                    yield
            finally:
                pool.shutdown(cancel_futures=True)
        self._join()

    def _is_joined(self, piece: Piece, record: dict[str, Any]) -> bool:
        names = record.get(f"{piece.kind}/{piece.split}")
        files = files_of(self.out, class_id(piece.kind), piece.split)
        return names is not None and (not names or all(path.is_file() for path in files))

    def _join(self) -> None:
        record = _read(self.out / PLAN)
        groups: dict[tuple[str, str], list[Piece]] = {}
        for piece in self.pieces:
            groups.setdefault((piece.kind, piece.split), []).append(piece)
        for (kind, split), pieces in groups.items():
            if self._is_joined(pieces[0], record["objects"]):
                continue
            parts: dict[str, list[Array]] = {"names": [], "wrong": [], "images": [], "voxels": []}
            for piece in pieces:
                with np.load(piece.path) as arrays:
                    for name, found in parts.items():
                        found.append(arrays[name])
            images, voxels = np.concatenate(parts["images"]), np.concatenate(parts["voxels"])
            if len(images):
                write_class(self.out, kind, split, images, voxels)
            record["objects"][f"{kind}/{split}"] = np.concatenate(parts["names"]).tolist()
            record.setdefault("left_out", []).extend(np.concatenate(parts["wrong"]).tolist())
            _write(self.out / PLAN, record)
        shutil.rmtree(self.out / PIECES)

    @property
    def left_out(self) -> list[str]:
        """What was wrong with meshes that could not be used, once the build is done."""
        wrong: list[str] = _read(self.out / PLAN).get("left_out", [])
        return wrong


def _pieces(out: Path, entries: tuple[Entry, ...]) -> Iterator[Piece]:
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        groups.setdefault((entry.kind, entry.split), []).append(entry)
    for (kind, split), members in groups.items():
        for first in range(0, len(members), PIECE):
            some = tuple(members[first : first + PIECE])
            yield Piece(kind, split, some, out / PIECES / f"{kind}_{split}_{first:06d}.npz")


def _told(plain: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in plain.items())


def _read(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(record, dict) and isinstance(record.get("objects"), dict):
            return record
    except ValueError:
        pass
    _check.fail(str(path), "the record of a data set", "something else")


def _write(path: Path, record: dict[str, Any]) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    partial.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    os.replace(partial, path)
