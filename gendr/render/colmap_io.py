"""COLMAP's text files: the cameras of a reconstruction, one view for each registered image."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple, NoReturn

import torch

from gendr import _check
from gendr.render.camera import Camera
from gendr.render.camera.colmap import MODELS
from gendr.render.camera_io import Views

LONGEST_LINE = 1 << 26
LARGEST_SIDE = 1_000_000


class _Intrinsics(NamedTuple):
    model: str
    size: tuple[int, int]
    params: list[float]


class _Image(NamedTuple):
    camera: int
    quaternion: list[float]
    translation: list[float]


def load_colmap(folder: str | os.PathLike[str], images: Sequence[str] | None = None) -> Views:
    """Read `cameras.txt` and `images.txt` of a COLMAP reconstruction.

    The views of a batch share the image size and the kind of lens. Where a reconstruction has several, choose the
    images of one of them with `images`. Only these two files are opened; image names are returned as they are written.

    Args:
        folder: that of the two files, for example `sparse/0`. COLMAP writes them with
            `colmap model_converter --output_type TXT`.
        images: names of the images wanted, in the order wanted; None is all of them, sorted by name.

    Returns:
        `Views` of `B` cameras in float64, which show the scene unmirrored, and their images' names.

    Raises:
        ValueError: a line that is incomplete, too long or not of the format, numbers that are not finite, an unknown
            camera model, two cameras or images of one name, an image of a camera that is not there, a name that leads
            out of the image folder, a wanted image that is missing, or several image sizes or kinds of lens. The
            message names file and line.
        OSError: a file cannot be read.

    Source: COLMAP's manual, "Output format", "Text format".

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "cameras.txt").write_text("1 SIMPLE_PINHOLE 640 480 500 320 240")
    ...     _ = pathlib.Path(folder, "images.txt").write_text("1 1 0 0 0 0 0 2 1 a.png")
    ...     views = load_colmap(folder)
    >>> views.images, views.camera.size
    (('a.png',), (480, 640))
    """
    root = Path(folder)
    cameras = _cameras(root / "cameras.txt")
    known = _images(root / "images.txt", cameras)
    wanted = sorted(known) if images is None else list(images)
    missing = [name for name in wanted if name not in known]
    if missing or not wanted:
        got = f"{len(missing)} others, such as {missing[0]!r}" if missing else "none"
        _check.fail("images", f"names among the {len(known)} of {root / 'images.txt'}", got)
    chosen = sorted({known[name].camera for name in wanted})
    groups = {identity: [name for name in wanted if known[name].camera == identity] for identity in chosen}
    parts = [_camera(root, cameras[i], [known[name] for name in names]) for i, names in groups.items()]
    try:
        batch = Camera.cat(parts)
    except ValueError as error:
        raise ValueError(f"{root}: {error}; choose the images of one of them") from None
    place = {name: index for index, name in enumerate(name for names in groups.values() for name in names)}
    return Views(batch[torch.tensor([place[name] for name in wanted])], tuple(wanted))


def _camera(root: Path, intrinsics: _Intrinsics, images: list[_Image]) -> Camera:
    """The views that one camera took."""
    quaternions, translations = [i.quaternion for i in images], [i.translation for i in images]
    try:
        return Camera.from_colmap(intrinsics.model, intrinsics.params, quaternions, translations, intrinsics.size)
    except ValueError as error:
        raise ValueError(f"{root / 'cameras.txt'}: {error}") from None


def _cameras(path: Path) -> dict[int, _Intrinsics]:
    """`CAMERA_ID MODEL WIDTH HEIGHT PARAMS[]` on each line."""
    cameras: dict[int, _Intrinsics] = {}
    for where, line in _lines(path):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) < 4 or words[1] not in MODELS:
            _check.fail(where, f"CAMERA_ID MODEL WIDTH HEIGHT PARAMS[] with a MODEL of {', '.join(MODELS)}", line[:80])
        identity = _whole(where, words[0], 0, 1 << 32)
        width, height = (_whole(where, word, 1, LARGEST_SIDE) for word in words[2:4])
        count = len(MODELS[words[1]].split())
        if len(words) != 4 + count:
            _check.fail(where, f"{count} parameters for {words[1]}", f"{len(words) - 4}")
        if identity in cameras:
            _check.fail(where, "each CAMERA_ID once", words[0])
        cameras[identity] = _Intrinsics(words[1], (height, width), [_number(where, word) for word in words[4:]])
    return cameras


def _images(path: Path, cameras: dict[int, _Intrinsics]) -> dict[str, _Image]:
    """`IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME`, and on the next line the image's points."""
    images: dict[str, _Image] = {}
    lines = _lines(path)
    for where, line in lines:
        words = line.strip().split(maxsplit=9)
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 10:
            _check.fail(where, "IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME", line[:80])
        _whole(where, words[0], 0, 1 << 32)
        numbers = [_number(where, word) for word in words[1:8]]
        if not 0.99 < math.hypot(*numbers[:4]) < 1.01:
            _check.fail(where, "a quaternion QW QX QY QZ of length 1", " ".join(words[1:5]))
        camera, name = _whole(where, words[8], 0, 1 << 32), words[9]
        if camera not in cameras:
            _check.fail(where, f"a CAMERA_ID of {path.with_name('cameras.txt')}", words[8])
        if name in images:
            _check.fail(where, "each NAME once", name)
        if name.startswith(("/", "\\")) or ":" in name[:2] or ".." in PurePosixPath(name.replace("\\", "/")).parts:
            _check.fail(where, "a NAME within the image folder", name)
        images[name] = _Image(camera, numbers[:4], numbers[4:])
        _points(*next(lines, (where, "")))
    return images


def _points(where: str, line: str) -> None:
    """Look at the line of 2D points, which nothing here needs: a missing one would shift all that follows."""
    words = line.split()
    if len(words) % 3:
        _check.fail(where, "POINTS2D[] as X Y POINT3D_ID (an empty line when there are none)", line[:80])
    for word in (*words[:3], *words[-3:]):
        _number(where, word)


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """The lines of a file, each with its place for errors."""
    if not path.exists() and path.with_suffix(".bin").exists():
        wanted = "COLMAP's text format (colmap model_converter --output_type TXT writes it)"
        _check.fail(str(path), wanted, f"{path.with_suffix('.bin').name} only")
    with path.open(encoding="utf-8") as file:
        number = 0
        while True:
            number += 1
            where = f"{path}: line {number}"
            try:
                line = file.readline(LONGEST_LINE)
            except UnicodeDecodeError as error:
                raise ValueError(f"{where}: expected UTF-8, got {error}") from None
            if not line:
                return
            if len(line) == LONGEST_LINE:
                _check.fail(where, f"at most {LONGEST_LINE} characters", "more")
            yield where, line


def _whole(where: str, word: str, low: int, high: int) -> int:
    if not (word.isascii() and word.isdigit()) or len(word) > 10 or not low <= int(word) <= high:
        _fail_number(where, f"a whole number in [{low}, {high}]", word)
    return int(word)


def _number(where: str, word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        _fail_number(where, "a number", word)
    if not math.isfinite(value) or "_" in word:
        _fail_number(where, "a finite number", word)
    return value


def _fail_number(where: str, wanted: str, word: str) -> NoReturn:
    _check.fail(where, wanted, repr(word[:40]))
