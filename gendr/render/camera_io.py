"""`cameras.json`: a list of views in a file, by matrices or by `look_at`'s parameters. The format: docs/cameras.md."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import torch

from gendr import _check
from gendr.render.camera import PROJECTIONS, Camera, Distortion
from gendr.render.camera.distortion import MODELS
from gendr.render.camera.model import image_size

SCHEMA = "gendr.cameras"
VERSION = 1
LOOK_AT = ("distance", "elevation", "azimuth", "fov", "half_angle", "at", "up", "projection", "scale")
MATRIX = ("rotation", "eye", "half_angle", "projection", "scale", "center", "distortion", "size")


@dataclass(frozen=True)
class Views:
    """The content of a cameras file: a batch of cameras, and for each the name of its image, when it has one.

    Attributes:
        camera: `B` cameras, float64.
        images: `B` file names, as written in the file (relative to its folder), or None.
    """

    camera: Camera
    images: tuple[str | None, ...]

    def __len__(self) -> int:
        return len(self.camera)


def save_cameras(path: str | os.PathLike[str], camera: Camera, images: Sequence[str | None] | None = None) -> None:
    """Write cameras as explicit matrices, to the last bit of their numbers.

    Args:
        path: the file to write; an existing one is replaced.
        camera: `B` cameras.
        images: `B` names of image files, None for views without one.

    Raises:
        ValueError: the number of images is not `B`, or the camera holds numbers that are not finite.
        OSError: the file cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_cameras(f"{folder}/cameras.json", Camera.look_at(elevation=30.0), ["front.png"])
    ...     views = load_cameras(f"{folder}/cameras.json")
    >>> views.images, bool((views.camera.eye == Camera.look_at(elevation=30.0).eye).all())
    (('front.png',), True)
    """
    names = [None] * len(camera) if images is None else list(images)
    if len(names) != len(camera):
        _check.fail("images", f"{len(camera)} names, one per camera", f"{len(names)}")
    views = []
    for index, name in enumerate(names):
        view: dict[str, Any] = {} if name is None else {"image": name}
        views.append(view | {"matrix": camera_entries(camera[index])})
    try:
        # One view per line: a file of a hundred views stays readable and its differences small.
        lines = ",\n".join("  " + json.dumps(view, allow_nan=False) for view in views)
    except ValueError:
        _check.fail("camera", "finite numbers", "a camera with infinite or undefined ones")
    text = f'{{\n "schema": "{SCHEMA}",\n "version": {VERSION},\n "views": [\n{lines}\n ]\n}}\n'
    Path(path).write_text(text, encoding="utf-8")


def camera_entries(camera: Camera) -> dict[str, Any]:
    """What a file says of one camera, in the terms of JSON; what is as in `look_at`'s cameras is left out.

    >>> camera_entries(Camera.look_at(half_angle=45.0))["eye"]
    [0.0, 0.0, -2.732]
    """
    values = {"rotation": camera.rotation, "eye": camera.eye, "scale": camera.scale}
    entries: dict[str, Any] = {name: value[0].tolist() for name, value in values.items()}
    entries["projection"] = camera.projection
    if camera.center is not None:
        entries["center"] = camera.center[0].tolist()
    if camera.distortion is not None:
        coefficients = camera.distortion.coefficients[0].tolist()
        entries["distortion"] = {"model": camera.distortion.model, "coefficients": coefficients}
    if camera.size is not None:
        entries["size"] = list(camera.size)
    return entries


def load_cameras(path: str | os.PathLike[str]) -> Views:
    """Read a cameras file.

    Raises:
        ValueError: not JSON, another schema or version, or a view that is incomplete, has unknown or wrong entries, or
            does not fit the others; the message names file and view.
        OSError: the file cannot be read.

    >>> import pathlib, tempfile
    >>> text = '{"schema": "gendr.cameras", "version": 1, "views": [{"look_at": {"elevation": 30, "fov": 30}}]}'
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "cameras.json").write_text(text)
    ...     load_cameras(f"{folder}/cameras.json").camera.eye
    tensor([[ 0.0000,  1.3660, -2.3660]], dtype=torch.float64)
    """
    name = os.fspath(path)
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:  # also bytes that are no UTF-8
        raise ValueError(f"{name}: expected a JSON file of cameras, got {error}") from None
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        got = content.get("schema") if isinstance(content, dict) else type(content).__name__
        _check.fail(name, f'an object with "schema": "{SCHEMA}"', f"{got!r}")
    if content.get("version") != VERSION:
        _check.fail(f"{name}: version", f"{VERSION}, the only one this program reads", f"{content.get('version')!r}")
    _only(name, content, ("schema", "version", "views"))
    views = content.get("views")
    if not isinstance(views, list) or not views:
        _check.fail(f"{name}: views", "a list of at least one view", views)
    cameras: list[Camera] = []
    images: list[str | None] = []
    for index, view in enumerate(views):
        try:
            camera, image = _view(view)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name}: views[{index}]: {error}") from None
        if cameras and camera.projection != cameras[0].projection:
            _check.fail(f"{name}: views[{index}]: projection", cameras[0].projection, camera.projection)
        cameras.append(camera)
        images.append(image)
    try:
        return Views(Camera.cat(cameras), tuple(images))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _view(view: object) -> tuple[Camera, str | None]:
    if not isinstance(view, dict) or ("look_at" in view) == ("matrix" in view):
        _check.fail("view", 'an object with either "look_at" or "matrix"', view)
    _only("view", view, ("image", "look_at", "matrix"))
    image = view.get("image")
    if image is not None and (not isinstance(image, str) or not image):
        _check.fail("image", "a file name", image)
    kind, allowed, read = ("look_at", LOOK_AT, _look_at) if "look_at" in view else ("matrix", MATRIX, _matrix)
    if not isinstance(view[kind], dict):
        _check.fail(kind, "an object", view[kind])
    _only(kind, view[kind], allowed)
    return read(view[kind]), image


def _look_at(entries: dict[str, Any]) -> Camera:
    return Camera.look_at(**entries)


def _matrix(entries: dict[str, Any]) -> Camera:
    projection = _check.choice("projection", entries.get("projection", "perspective"), PROJECTIONS)
    rows = entries.get("rotation")
    if not isinstance(rows, list) or len(rows) != 3:
        _check.fail("rotation", "three rows of three numbers", rows)
    rotation = torch.tensor(
        [_vector(f"rotation[{index}]", row, 3) for index, row in enumerate(rows)], dtype=torch.float64
    )
    # 1e-4: matrices printed with five digits pass, sheared or scaled ones do not.
    if not torch.allclose(rotation @ rotation.T, torch.eye(3, dtype=torch.float64), rtol=0.0, atol=1e-4):
        _check.fail("rotation", "three perpendicular rows of length 1", rows)
    eye = torch.tensor(_vector("eye", entries.get("eye"), 3), dtype=torch.float64)
    if ("scale" in entries) == ("half_angle" in entries):
        _check.fail("matrix", "either scale or half_angle", ", ".join(entries))
    if "half_angle" in entries:
        if projection == "orthographic":
            _check.fail("half_angle", "no angle of view with an orthographic camera (use scale)", entries["half_angle"])
        half_angle = _check.number("half_angle", entries["half_angle"], 0.0, 90.0, open_low=True)
        scale = [1.0 / math.tan(math.radians(half_angle))]
    elif isinstance(entries["scale"], list):
        scale = [_check.number("scale", entry, 0.0, open_low=True) for entry in _vector("scale", entries["scale"], 2)]
    else:
        scale = [_check.number("scale", entries["scale"], 0.0, open_low=True)]
    zoom = torch.tensor([scale], dtype=torch.float64)
    return Camera(
        rotation[None],
        eye[None],
        zoom if zoom.shape[1] == 2 else zoom[0],
        projection,
        torch.tensor([_vector("center", entries["center"], 2)], dtype=torch.float64) if "center" in entries else None,
        _distortion(entries["distortion"]) if "distortion" in entries else None,
        image_size("size", entries["size"]) if "size" in entries else None,
    )


def _distortion(entries: object) -> Distortion:
    if not isinstance(entries, dict):
        _check.fail("distortion", "an object", entries)
    _only("distortion", entries, ("model", "coefficients"))
    model = _check.choice("model", entries.get("model"), tuple(MODELS))
    coefficients = _vector("coefficients", entries.get("coefficients"), MODELS[model])
    return Distortion(model, torch.tensor([coefficients], dtype=torch.float64))


def _vector(name: str, value: object, length: int) -> list[float]:
    if not isinstance(value, list) or len(value) != length:
        _check.fail(name, f"{length} numbers", value)
    return [_check.number(f"{name}[{index}]", entry) for index, entry in enumerate(value)]


def _only(name: str, entries: dict[str, Any], allowed: Sequence[str]) -> None:
    unknown = sorted(set(entries) - set(allowed))
    if unknown:
        _check.fail(name, f"entries from {', '.join(allowed)}", ", ".join(unknown))


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant}, which is no JSON number")
