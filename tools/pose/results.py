"""The folder of poses: an image's files appear when it is done, and are the sign that it is."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from gendr import _check
from gendr.render import Mesh, camera_io
from gendr.tools.pose.finding import find
from gendr.tools.pose.guess import Guess
from gendr.tools.pose.masks import Mask
from gendr.tools.pose.pictures import MOST, contact_sheet, overlay
from gendr.tools.pose.record import entry, whole, write_json

SETTINGS, POSES, CAMERAS, SHEET = "settings.json", "poses.json", "cameras.json", "contact_sheet.png"
EACH, OVERLAYS = "poses", "overlays"
OWN = (SETTINGS, POSES, CAMERAS, SHEET, EACH, OVERLAYS)


@dataclass(frozen=True)
class Results:
    """A folder with `settings.json`, for each image a file in `poses/` and in `overlays/`, and what `conclude` adds.

    Attributes:
        out: the folder.
    """

    out: Path

    @classmethod
    def at(cls, out: Path, settings: dict[str, object], *, overwrite: bool) -> Results:
        """Make the folder, or go on with it.

        Raises:
            ValueError: it is a file, holds other things, or poses of other settings and `overwrite` is False.
            OSError: it cannot be written.
        """
        if out.exists() and not out.is_dir():
            _check.fail("out", "a folder", f"the file {out}")
        foreign = sorted(path.name for path in out.iterdir() if path.name not in OWN) if out.exists() else []
        if foreign:
            _check.fail("out", "a new folder, or one of gendr pose", f"{out}, which holds {foreign[0]}")
        if out.exists() and overwrite:
            for name in OWN:
                path = out / name
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        before = _read(out / SETTINGS)
        if before is not None and before != settings:
            names = sorted(name for name in settings if before.get(name) != settings[name])
            _check.fail("out", "a folder of the same settings, or --overwrite", f"{out} with other {', '.join(names)}")
        for folder in (out / EACH, out / OVERLAYS):
            folder.mkdir(parents=True, exist_ok=True)
        if before is None:
            write_json(out / SETTINGS, settings)
        return cls(out)

    def has(self, image: str) -> bool:
        """Whether an image is done."""
        return self._entry(image) is not None

    def add(
        self, file: Path, mesh: Mesh, mask: Mask, guess: Guess, starts: int | None, budget: float
    ) -> dict[str, Any]:
        """Find an image's pose and write its files, the one in `poses/` last; returns what that holds."""
        found = find(mesh, mask.values, guess, starts, budget)
        written = entry(file.name, mask.size, guess, found)
        caption = f"{file.name}  loss {written['loss']:.4f}  confidence {written['confidence']:.2f}"
        picture = overlay(mesh, mask.values, guess.camera, found.estimate.camera, caption)
        whole(self.out / OVERLAYS / f"{file.name}.png", picture.save)
        write_json(self.out / EACH / f"{file.name}.json", written)
        return written

    def conclude(self, mesh: Mesh, images: list[str]) -> str:
        """Write what joins the images that are done; says what was written."""
        entries = [written for image in images if (written := self._entry(image)) is not None]
        if not entries:
            return "nothing was done"
        write_json(self.out / POSES, entries)
        write_json(self.out / CAMERAS, _cameras(entries))
        overlays = [Image.open(self.out / OVERLAYS / f"{written['image']}.png") for written in entries[:MOST]]
        whole(self.out / SHEET, contact_sheet(overlays).save)
        worst = max(entries, key=lambda written: float(written["loss"]))
        ambiguous = sum(written["is_ambiguous"] for written in entries)
        return (
            f"{len(entries)} of {len(images)} poses, worst loss {worst['loss']:.4f} ({worst['image']}), "
            f"{ambiguous} ambiguous; wrote {POSES}, {CAMERAS}, {SHEET}, {EACH}/ and {OVERLAYS}/ to {self.out}"
        )

    def _entry(self, image: str) -> dict[str, Any] | None:
        return _read(self.out / EACH / f"{image}.json")


def _cameras(entries: list[dict[str, Any]]) -> dict[str, Any]:
    views = [{"image": written["image"], "matrix": written["camera"]} for written in entries]
    return {"schema": camera_io.SCHEMA, "version": camera_io.VERSION, "views": views}


def _read(file: Path) -> dict[str, Any] | None:
    if not file.is_file():
        return None
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        _check.fail(str(file), "a file of gendr pose", "another")
    return content if isinstance(content, dict) else None
