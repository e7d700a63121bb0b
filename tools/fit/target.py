"""What is to be fitted: a mesh seen from a ring of cameras, or a folder of masks."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from gendr import _check
from gendr.render import Camera, Mesh, load_cameras
from gendr.render.formats import FORMATS
from gendr.scenes import SCENES
from gendr.tools.fit.views import ring, silhouettes

BALL = 0.7
"""Radius of the ball about the origin that the protocol's cameras see whole (2.732 sin 15 degrees = 0.707)."""

CAMERAS = "cameras.json"


@dataclass(frozen=True)
class Target:
    """Silhouettes to fit, and what else is known of the shape.

    Attributes:
        name: where it came from.
        camera: `B` views.
        alpha: [B, H, W] float32, coverage in [0, 1].
        mesh: the shape itself, as the views see it; None for masks.
        scale: by how much the mesh was scaled to be seen whole; 1 where it was left as it is.
        unseen: views that the fit does not get to see; None for masks.
        masks: [B, H', W'], the masks at their own size; None for a mesh.
    """

    name: str
    camera: Camera
    alpha: Tensor
    mesh: Mesh | None = None
    scale: float = 1.0
    unseen: Camera | None = None
    masks: Tensor | None = None

    def at_height(self, height: int) -> Tensor | None:
        """The silhouettes with another number of rows; None where masks are smaller than that."""
        rows, columns = self.alpha.shape[1:]
        size = (height, round(height * columns / rows))
        if self.mesh is not None:
            return silhouettes(self.mesh, self.camera, size)
        if self.masks is None or self.masks.shape[1] < height:
            return None
        return resized(self.masks, size)


def load_target(
    name: str | os.PathLike[str],
    *,
    views: int | None = None,
    elevation: float | None = None,
    image_size: int | None = None,
) -> Target:
    """The target that a name stands for.

    Args:
        name: a mesh file, a scene of `gendr.scenes`, or a folder with `cameras.json` and the masks that it names.
        views: number of cameras about a mesh, 24 by default; not for folders, which bring their own.
        elevation: of these cameras in degrees, 30 by default.
        image_size: rows (and columns) of the silhouettes, 64 by default; for a folder the rows to which its masks are
            resized, by default their own.

    Raises:
        ValueError: there is no such target, or it cannot be read; `MeshError` for broken mesh files.
        OSError: a file cannot be opened.

    >>> load_target("teapot", views=2, image_size=8).alpha.shape
    torch.Size([2, 8, 8])
    """
    if image_size is not None:
        _check.number("image-size", image_size, 4, 4096)
    path = Path(name)
    if path.is_dir():
        for option, value in (("views", views), ("elevation", elevation)):
            if value is not None:
                _check.fail(option, f"nothing, because the cameras of {path} are in its {CAMERAS}", f"{value:g}")
        return _from_folder(path, image_size)
    views, elevation = 24 if views is None else views, 30.0 if elevation is None else elevation
    mesh, scale = load_shape(name)
    camera = ring(views, elevation)
    alpha = silhouettes(mesh, camera, image_size or 64)
    return Target(os.fspath(name), camera, alpha, mesh, scale, unseen=unseen_views(views, elevation))


def unseen_views(views: int, elevation: float) -> Camera:
    """Half way between the azimuths of a ring, at its elevation and 30 degrees above and below.

    >>> len(unseen_views(24, 30.0))
    72
    """
    return Camera.cat([ring(views, e, turned=0.5) for e in _around(elevation)])


def _around(elevation: float) -> list[float]:
    """The elevation, and those 30 degrees lower and higher, reflected where they would pass a pole."""
    return [
        math.copysign(180.0 - abs(e), e) if abs(e) > 90.0 else e
        for e in (elevation - 30.0, elevation, elevation + 30.0)
    ]


def load_shape(name: str | os.PathLike[str]) -> tuple[Mesh, float]:
    """A mesh file or a scene, made to be seen whole by the protocol's cameras, and the factor that took.

    A mesh whose vertices lie within `BALL` of the origin, and not all within a quarter of it, is left as it is. Any
    other is centred on its bounding box and scaled: the longest side to 1, or less where a vertex would leave the ball.

    Raises:
        ValueError: there is no such file or scene, or it cannot be read.

    >>> load_shape("teapot")[1]
    1.0
    """
    text = os.fspath(name)
    if Path(text).suffix.lower() in FORMATS or Path(text).is_file():
        mesh = Mesh.load(text)
    elif text in SCENES:
        mesh = SCENES[text]()
    else:
        wanted = f"a mesh file ({' '.join(FORMATS)}), a folder with {CAMERAS}, or one of {', '.join(SCENES)}"
        _check.fail("target", wanted, repr(text))
    furthest = float(mesh.vertices.norm(dim=-1).max())
    if BALL / 4.0 <= furthest <= BALL:
        return mesh, 1.0
    box = mesh.vertices.amax(0) - mesh.vertices.amin(0)
    unit = mesh.normalize()
    factor = min(1.0, BALL / float(unit.vertices.norm(dim=-1).max()))
    return unit.with_vertices(unit.vertices * factor), factor / float(box.max())


def resized(masks: Tensor, size: tuple[int, int]) -> Tensor:
    """Masks [B, H, W] at another size, each pixel the mean of what it covers (interpolated where it grows).

    >>> resized(torch.tensor([[[0.0, 1.0], [1.0, 1.0]]]), (1, 1))
    tensor([[[0.7500]]])
    """
    if tuple(masks.shape[1:]) == size:
        return masks
    mode = "area" if size[0] <= masks.shape[1] else "bilinear"
    return torch.nn.functional.interpolate(masks[:, None], size, mode=mode)[:, 0]


def _from_folder(folder: Path, image_size: int | None) -> Target:
    file = folder / CAMERAS
    if not file.is_file():
        _check.fail("target", f"a folder with a file {CAMERAS}", f"{folder} without one")
    views = load_cameras(file)
    masks = []
    for index, image in enumerate(views.images):
        if image is None:
            _check.fail(f"{file}: views[{index}]", 'an "image"', "none")
        masks.append(_read_mask(folder / image))
        if masks[index].shape != masks[0].shape:
            sizes = [f"{m.shape[1]}x{m.shape[0]}" for m in (masks[0], masks[index])]
            _check.fail(f"{folder / image}", f"{sizes[0]} pixels like the others", sizes[1])
    whole = torch.stack(masks)
    if not whole.any():
        _check.fail(f"{folder}", "masks with something in them (white, or opaque)", "only empty ones")
    rows, columns = whole.shape[1:]
    height = image_size or rows
    alpha = resized(whole, (height, max(1, round(height * columns / rows))))
    return Target(os.fspath(folder), views.camera, alpha, masks=whole)


def _read_mask(file: Path) -> Tensor:
    """An image's coverage [H, W]: its alpha channel when it has one, else its brightness."""
    try:
        with Image.open(file) as image:
            channel = image.convert("RGBA").getchannel("A") if "A" in image.getbands() else image.convert("L")
            return torch.from_numpy(np.asarray(channel, dtype=np.float32) / 255.0)
    except (UnidentifiedImageError, FileNotFoundError, IsADirectoryError, Image.DecompressionBombError) as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else "no image that can be read"
        _check.fail(f"{file}", "a mask", reason)
