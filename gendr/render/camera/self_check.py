"""`Camera.self_check`: a picture that shows whether a camera and an image belong together."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from gendr import _check
from gendr.render.camera.exchange import Exchange
from gendr.render.mesh import Mesh

if TYPE_CHECKING:
    from PIL import Image

MIN_WIDTH = 512
"""Smaller images are enlarged by a whole factor, so that lines and caption can be read."""


class SelfCheck(Exchange):
    """`Camera.self_check`."""

    def self_check(
        self,
        image: Image.Image | NDArray[Any] | Tensor | str | os.PathLike[str],
        mesh: Mesh,
        *,
        path: str | os.PathLike[str] | None = None,
    ) -> Image.Image:
        r"""Draw where this camera sees a mesh over the image that it took: do they match, the convention is right.

        The mesh is tinted orange, with its edges thin and its outline in red; from its middle start the world's axes, x
        red, y green, z blue. The caption says in words what the camera is: focal lengths and principal point in pixels,
        where it stands and looks, whether it mirrors, how much of the mesh is in the image or behind the eye, and what
        that usually means.

        Args:
            image: a PIL image, a file, or an array or tensor [H, W], [H, W, C] or [C, H, W] with 1, 3 or 4 channels,
                whole numbers 0 to 255 or floats 0 to 1. Transparent parts are drawn on grey.
            mesh: one mesh, in the same world as the camera.
            path: where to save the picture; None does not.

        Returns:
            The picture with the caption below it; images narrower than 512 pixels are enlarged by a whole factor.

        Raises:
            TypeError, ValueError: no image; another size than the camera's; several cameras (choose one: `camera[0]`)
                or meshes.
            OSError: the image cannot be read, or the picture not be written.

        >>> from gendr.render import Camera
        >>> Camera.look_at().self_check(torch.ones(64, 64), Mesh.icosphere(1, radius=0.5)).size[0]
        512
        """
        from gendr.render.camera import overlay  # Pillow takes time to import, and projecting needs none

        if len(self) != 1:
            _check.fail("camera", "one view (choose it: camera[0])", f"{len(self)}")
        if mesh.vertices.ndim != 2:
            _check.fail("mesh", "one mesh (choose it: mesh[0])", f"a batch of {len(mesh.vertices)}")
        photo = overlay.as_image(image)
        size = (photo.height, photo.width)
        if self.size is not None and self.size != size:
            got = f"{size}{' (height and width exchanged?)' if size == self.size[::-1] else ''}"
            _check.fail("image", f"the camera's (H, W) {self.size}", got)
        factor = max(1, math.ceil(MIN_WIDTH / photo.width))
        with torch.no_grad():
            points = self.project(mesh.vertices.detach().to(self.eye.device, torch.float64))[0].cpu()
            axes = self._world_axes(mesh.vertices.detach().to(self.eye.device, torch.float64))
        drawing = overlay.Overlay(photo, factor)
        drawing.mesh(points.numpy(), mesh.faces.cpu().numpy())
        drawing.axes(axes.numpy())
        picture = drawing.with_caption([*self._in_words(size), *_what_is_seen(points, size)])
        if path is not None:
            picture.save(path)
        return picture

    def _world_axes(self, vertices: Tensor) -> Tensor:
        """The world's axes from the mesh's middle, [3, 33, 3] points of the image."""
        if not len(vertices):
            return vertices.new_zeros(3, 0, 3).cpu()
        low, high = vertices.amin(0), vertices.amax(0)
        length = 0.4 * torch.linalg.vector_norm(high - low).clamp_min(1e-6)
        steps = torch.linspace(0.0, 1.0, 33, dtype=vertices.dtype, device=vertices.device)
        axes = torch.eye(3, dtype=vertices.dtype, device=vertices.device)[:, None] * steps[:, None] * length
        curves: Tensor = self.project((axes + (low + high) / 2.0).flatten(0, 1))[0].unflatten(0, (3, 33))
        return curves.cpu()

    def _in_words(self, size: tuple[int, int]) -> list[str]:
        """What the camera is, line by line."""
        height, width = size
        scale, center = (value[0].detach().tolist() for value in self._intrinsics())
        focal = [factor * height / 2.0 for factor in scale]
        middle = [(center[0] * height + width) / 2.0, (1.0 - center[1]) * height / 2.0]
        unit = "px" if self.projection == "perspective" else "px per world unit"
        eye, axes = self.eye[0].detach().tolist(), self.rotation[0].detach().tolist()
        lines = [
            f"{self.projection}, {width} x {height} px, focal length {focal[0]:.5g}, {focal[1]:.5g} {unit}",
            f"principal point {middle[0]:.5g}, {middle[1]:.5g} px from the top left corner (OpenCV's cx, cy + 0.5)",
            f"eye at {_vector(eye)}, looks along {_vector(axes[2])}, up is {_vector(axes[1])}",
        ]
        if self.distortion is not None:
            angle = math.degrees(math.atan(self.distortion.limit[0].item()))
            lines.append(f"distortion: {self.distortion.model}, one to one up to {angle:.3g} degrees from the axis")
        if torch.linalg.det(self.rotation[0].detach()) > 0.0:
            lines.append("MIRRORS right-handed scenes, as look_at does; camera.mirrored() does not")
        else:
            lines.append("shows right-handed scenes as they are")
        return lines


def _what_is_seen(points: Tensor, size: tuple[int, int]) -> list[str]:
    """How much of the mesh is in the image, and what is probably wrong when none is."""
    x, y, z = points.unbind(-1)
    count, front = len(points), z > 0.0
    inside = int((front & (x.abs() <= size[1] / size[0]) & (y.abs() <= 1.0)).sum())
    behind = int((~front).sum())
    lines = [f"{inside} of {count} vertices in the image, {behind} behind the eye"]
    if count and behind < count:
        lines[0] += f", depth {z[front].min().item():.4g} to {z.max().item():.4g}"
    if count and behind == count:
        lines.append("ALL BEHIND: is z forward (OpenCV, COLMAP) or backward (OpenGL, Blender)? is the pose inverted?")
    elif count and not inside:
        lines.append("NONE IN THE IMAGE: is the pose camera to world or world to camera? are units and size right?")
    return lines


def _vector(values: list[float]) -> str:
    return f"({', '.join(f'{value:.3g}' for value in values)})"
