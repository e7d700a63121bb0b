"""Where the search for a mask's pose begins, and what of it is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from gendr import _check
from gendr.render import Camera, Mesh
from gendr.render.camera_io import Views, load_cameras
from gendr.render.colmap_io import load_colmap

USUAL_HALF_ANGLE = 15.0
RADII = 4.0
"""Distance of a guess from the object, whose size in the image decides in the end."""


@dataclass(frozen=True, eq=False)
class Guess:
    """A camera, and what it says.

    Attributes:
        camera: one.
        is_near: whether its direction is about right.
        is_fov_known: whether its intrinsics hold.
    """

    camera: Camera
    is_near: bool
    is_fov_known: bool


@dataclass(frozen=True, eq=False)
class Guesses:
    """Makes each image's guess from what the command line says.

    Attributes:
        mesh: what is looked for.
        half_angle: of view, over the image's height, degrees; None where unknown.
        direction: azimuth and elevation in degrees, None where unknown.
        views: cameras of images by name, or one for all; None for none.
        is_near: whether the views' poses are about right.
        is_mirrored: whether the images show the world mirrored, as `Camera.look_at` does.
    """

    mesh: Mesh
    half_angle: float | None
    direction: tuple[float, float] | None
    views: Views | None
    is_near: bool
    is_mirrored: bool

    def of(self, image: str) -> Guess:
        """The guess for an image's name.

        Raises:
            ValueError: the cameras' file has several views, none of which is the image's.
        """
        middle, radius = _ball(self.mesh)
        azimuth, elevation = self.direction or (0.0, 0.0)
        half_angle = USUAL_HALF_ANGLE if self.half_angle is None else self.half_angle
        placed = Camera.look_at(RADII * radius, elevation, azimuth, half_angle=half_angle, at=tuple(middle.tolist()))
        camera = placed if self.is_mirrored else placed.mirrored()
        if self.views is None:
            return Guess(camera, self.direction is not None, self.half_angle is not None)
        seen = self._view(image)
        if self.is_near:
            return Guess(seen, is_near=True, is_fov_known=True)
        turned = placed if bool(seen.rotation.det() > 0.0) == bool(placed.rotation.det() > 0.0) else placed.mirrored()
        camera = replace(seen, rotation=turned.rotation, eye=turned.eye)
        return Guess(camera, self.direction is not None, is_fov_known=True)

    def _view(self, image: str) -> Camera:
        assert self.views is not None
        names = [None if name is None else Path(name).name for name in self.views.images]
        if image in names:
            return self.views.camera[names.index(image)]
        if len(names) > 1:
            _check.fail("camera", f"a view of {image}, or one view for all images", f"{len(names)} others")
        return self.views.camera[0]


def load_views(path: Path) -> Views:
    """Cameras of a file of gendr's, or of a folder of COLMAP's text files.

    Raises:
        ValueError, OSError: it is not there or cannot be read.
    """
    if not path.exists():
        _check.fail("camera", "a cameras.json or a folder of COLMAP's text files", f"{path}, which is not there")
    views = load_colmap(path) if path.is_dir() else load_cameras(path)
    if views.camera.projection != "perspective":
        _check.fail("camera", "perspective cameras", f"{views.camera.projection} ones")
    return replace(views, camera=replace(views.camera, size=None))  # of any image's size, in half image heights


def _ball(mesh: Mesh) -> tuple[Tensor, float]:
    vertices = mesh.vertices.double()
    middle = (vertices.amax(0) + vertices.amin(0)) / 2.0
    return middle, float((vertices - middle).norm(dim=1).max().clamp_min(1e-6))
