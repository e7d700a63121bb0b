"""Cameras from OpenGL and back: view matrix and projection matrix."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from typing_extensions import Self

from gendr import _check
from gendr._autocast import in_single_precision
from gendr.render.camera.exchange import Exchange
from gendr.render.camera.inputs import Numbers, as_batch, close, flipped, positive, rigid
from gendr.render.camera.model import image_size


class OpenGLCamera(NamedTuple):
    """What `Camera.from_opengl` takes, in its order.

    Attributes:
        view: [B, 4, 4], world to eye space (x right, y up, z backward), for column vectors.
        projection: [B, 4, 4], eye space to clip space, for column vectors.
        size: (H, W) in pixels.
    """

    view: Tensor
    projection: Tensor
    size: tuple[int, int]


class FromOpenGL(Exchange):
    """`Camera.from_opengl` and `to_opengl`."""

    @classmethod
    @in_single_precision
    def from_opengl(cls, view: Numbers, projection: Numbers, size: tuple[int, int]) -> Self:
        r"""Cameras of OpenGL: clip coordinates `projection · view · (p, 1)`, divided by their fourth.

        Eye space has x right, y up and **z backward**; NDC is [-1, 1] over the width and over the height. The matrices
        are those of the specification (`glFrustum`, `gluPerspective`, `glOrtho`, `gluLookAt`), written as in books, for
        column vectors; `glGetFloatv` and most libraries' memory hold their transposes. The third row of the projection,
        which has its near and far planes, plays no part: those are the rasterizer's.

        Args:
            view: [4, 4] or [B, 4, 4], world to eye; glTF's and trimesh's camera poses are its inverse.
            projection: [4, 4] or [B, 4, 4], with last row (0, 0, -1, 0) perspective, (0, 0, 0, 1) orthographic.
            size: (H, W) of the image in pixels, of which only the ratio counts.

        Returns:
            `B` cameras, which show the world unmirrored; differentiable in everything that is a tensor.

        Raises:
            TypeError, ValueError: wrong shapes, values that are not finite, a view that is not rigid, a projection of
                another form (transposed, sheared, mirroring), or both projections in one batch.

        Source: "The OpenGL graphics system: a specification" (version 2.1), 2.11; man pages of GLU.

        >>> from gendr.render.camera import Camera
        >>> projection = [[1, 0, 0, 0], [0, 2, 0, 0], [0, 0, -1.02, -0.202], [0, 0, -1, 0]]
        >>> camera = Camera.from_opengl(torch.eye(4), projection, size=(240, 480))
        >>> camera.project(torch.tensor([[0.0, 0.0, -2.0], [0.5, 0.5, -2.0]]))
        tensor([[[0.0000, 0.0000, 2.0000],
                 [0.5000, 0.5000, 2.0000]]])
        """
        height, width = image_size("size", size)
        values = as_batch({"view": (4, 4), "projection": (4, 4)}, {"view": view, "projection": projection})
        view, projection = values["view"], values["projection"]
        kind = _kind(projection)
        if not close(view[:, 3], (0.0, 0.0, 0.0, 1.0)):
            _check.fail("view", "a last row of (0, 0, 0, 1)", "another one (transposed?)")
        rotation, translation = view[:, :3, :3], view[:, :3, 3:]
        rigid("view", rotation)
        over_height = projection.new_tensor([width / height, 1.0])
        offset = -projection[:, :2, 2] if kind == "perspective" else projection[:, :2, 3]
        scale = torch.stack((projection[:, 0, 0], projection[:, 1, 1]), -1)
        eye = -(rotation.mT @ translation)[:, :, 0]
        turned = flipped((1.0, 1.0, -1.0), rotation)
        return cls(turned, eye, scale * over_height, kind, offset * over_height, size=(height, width))

    @in_single_precision
    def to_opengl(self, size: tuple[int, int] | None = None, *, near: float = 0.1, far: float = 100.0) -> OpenGLCamera:
        """The cameras in OpenGL's terms, `from_opengl(*camera.to_opengl())` being the same cameras.

        Args:
            size: (H, W) of the image in pixels; None is the camera's own.
            near: depth that the projection takes to NDC z = -1; perspective: > 0.
            far: depth that it takes to z = 1; > near.

        Raises:
            ValueError: no size, a distortion, or a camera that shows the world mirrored, as those of `look_at` do
                (`mirrored()` is its right-handed sister).

        >>> from gendr.render.camera import Camera
        >>> Camera.look_at(half_angle=45.0).mirrored().to_opengl(size=(240, 480), near=1.0, far=3.0).projection
        tensor([[[ 0.5000,  0.0000,  0.0000,  0.0000],
                 [ 0.0000,  1.0000,  0.0000,  0.0000],
                 [ 0.0000,  0.0000, -2.0000, -3.0000],
                 [ 0.0000,  0.0000, -1.0000,  0.0000]]], dtype=torch.float64)
        """
        perspective = self.projection == "perspective"
        near = _check.number("near", near, *((0.0,) if perspective else ()), open_low=perspective)
        far = _check.number("far", far, near, open_low=True)
        height, width = self._size(size)
        self._no_distortion()
        scale, center = self._intrinsics()
        over_width = scale.new_tensor([height / width, 1.0])
        scale, center = scale * over_width, center * over_width
        rotation, translation = self._rigid((1.0, 1.0, -1.0))
        view = torch.eye(4, dtype=scale.dtype, device=scale.device).repeat(len(self), 1, 1)
        view = torch.cat((torch.cat((rotation, translation[:, :, None]), 2), view[:, 3:]), 1)
        depth = (-(far + near), -2.0 * far * near) if perspective else (-2.0, -(far + near))
        last = (0.0, 0.0, -1.0, 0.0) if perspective else (0.0, 0.0, 0.0, 1.0)
        rows = [(0.0, 0.0, depth[0] / (far - near), depth[1] / (far - near)), last]
        planes = torch.diag_embed(scale)
        zero = torch.zeros_like(center)
        offsets = torch.stack((zero - center, zero) if perspective else (zero, center), -1)
        lower = scale.new_tensor(rows).expand(len(self), 2, 4)
        return OpenGLCamera(view, torch.cat((torch.cat((planes, offsets), 2), lower), 1), (height, width))


def _kind(projection: Tensor) -> str:
    """Which of the two projections all the matrices are."""
    rows = {"perspective": (0.0, 0.0, -1.0, 0.0), "orthographic": (0.0, 0.0, 0.0, 1.0)}
    kinds = [kind for kind, row in rows.items() if close(projection[:, 3], row)]
    if not kinds:
        _check.fail("projection", "last rows of (0, 0, -1, 0), or all of (0, 0, 0, 1)", "others (transposed?)")
    positive("projection's scale", projection[:, (0, 1), (0, 1)])
    unused = ((0, 1), (1, 0), (0, 3), (1, 3)) if kinds[0] == "perspective" else ((0, 1), (1, 0), (0, 2), (1, 2))
    for row, entry in unused:
        if not close(projection[:, row, entry : entry + 1], (0.0,)):
            _check.fail("projection", "upper rows with a scale and an offset of the middle only", "others")
    return kinds[0]
