"""A pose as JSON: in the project's own terms and in OpenCV's."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gendr.render import Camera
from gendr.render.camera_io import camera_entries
from gendr.tools.pose.finding import Found
from gendr.tools.pose.guess import Guess

SCHEMA = "gendr.pose"
VERSION = 1


def entry(image: str, size: tuple[int, int], guess: Guess, found: Found) -> dict[str, Any]:
    """What is written of an image.

    Args:
        image: file name.
        size: (H, W) of the image in pixels, which OpenCV's matrices refer to.
        guess: where the search began.
        found: what it found.
    """
    best = found.estimate
    others = best.alternatives[0]
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "image": image,
        "size": list(size),
        "loss": float(best.loss),
        "confidence": float(best.confidence),
        "is_ambiguous": bool(best.is_ambiguous),
        "starts": found.starts,
        "seconds": round(found.seconds, 3),
        **in_both_terms(best.camera, size),
        "alternatives": [
            {"loss": float(others.loss[index]), **in_both_terms(others.camera[index], size)}
            for index in range(len(others))
            if others.camera is not None
        ],
        "guess": camera_entries(guess.camera),
    }


def in_both_terms(camera: Camera, size: tuple[int, int]) -> dict[str, Any]:
    """`camera`, as in cameras.json, and `opencv`: K, R and t, or None for a camera that mirrors, which OpenCV has not.

    >>> in_both_terms(Camera.look_at(2.0).mirrored(), (4, 4))["opencv"]["t"]
    [0.0, 0.0, 2.0]
    """
    opencv: dict[str, Any] | None = None
    try:
        terms = camera.to_opencv(size)
    except ValueError:
        terms = None
    if terms is not None:
        translation = [value + 0.0 for value in terms.t[0].tolist()]  # no -0.0
        opencv = {"K": terms.K[0].tolist(), "R": terms.R[0].tolist(), "t": translation}
    return {"camera": camera_entries(camera), "opencv": opencv}


def write_json(file: Path, content: object) -> None:
    """Write a file that appears whole or not at all.

    >>> write_json(Path("a.json"), {"loss": 0.5})
    >>> json.loads(Path("a.json").read_text())
    {'loss': 0.5}
    """
    text = json.dumps(content, indent=1, allow_nan=False) + "\n"
    whole(file, lambda stage: stage.write_text(text, encoding="utf-8"))


def whole(file: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file beside this one, which then takes its place; the suffix is the same.

    >>> whole(Path("a.txt"), lambda stage: stage.write_text("all of it"))
    >>> sorted(path.name for path in Path().iterdir())
    ['a.txt']
    """
    stage = file.with_name(f".{secrets.token_hex(4)}.{file.name}")
    try:
        write(stage)
        os.replace(stage, file)
    finally:
        stage.unlink(missing_ok=True)
