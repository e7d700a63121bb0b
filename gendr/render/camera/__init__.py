"""Where the eye is and how the scene lands on the image."""

from gendr.render.camera.blender import FromBlender
from gendr.render.camera.colmap import FromColmap
from gendr.render.camera.distortion import Distortion
from gendr.render.camera.look_at import LookAt
from gendr.render.camera.model import MIN_DEPTH, PROJECTIONS
from gendr.render.camera.opencv import FromOpenCV
from gendr.render.camera.opengl import FromOpenGL
from gendr.render.camera.pytorch3d import FromPyTorch3D
from gendr.render.camera.self_check import SelfCheck

__all__ = ["MIN_DEPTH", "PROJECTIONS", "Camera", "Distortion"]


class Camera(LookAt, FromOpenCV, FromOpenGL, FromColmap, FromPyTorch3D, FromBlender, SelfCheck):
    r"""A batch of `B` cameras: `(x, y, z) = rotation (p - eye)`, NDC `scale x / z`, `scale y / z`, depth `z`.

    The camera looks along +z, x is right and y is up in the image; NDC is [-1, 1] over the image's height. See
    `docs/cameras.md` and its picture of the axes. A plain value object: to change it, make another.

    Attributes:
        rotation: [B, 3, 3], rows are the camera's x, y and z axes in world coordinates. `look_at` gives determinant +1;
            -1 shows a scene modelled in right-handed coordinates unmirrored.
        eye: [B, 3] in world coordinates.
        scale: [B], or [B, 2] for x and y apart; perspective: the focal length in half image heights, with the
            principal point in the middle `1 / tan(half angle)`; orthographic: NDC units per world unit.
        projection: `"perspective"` or `"orthographic"` (NDC `scale x`, `scale y`).
        center: [B, 2], the principal point: NDC of the view axis, added last; None is the image's middle.
        distortion: a `Distortion` of `B` lenses, perspective only; None is a straight one. It is applied to
            `(x / z, y / z)`, before `scale` and `center`.
        size: (H, W) in pixels of the images that the cameras took, where they came from a convention that counts in
            pixels; the projection does not use it.

    Raises:
        TypeError, ValueError: wrong shapes, or the dtypes or devices of the tensors differ.

    >>> camera = Camera.look_at(distance=2.0, elevation=90.0, half_angle=45.0)
    >>> camera.project(torch.tensor([[0.0, 0.0, 0.0], [0.5, 0.0, 0.0], [0.0, 0.0, 0.5]]))
    tensor([[[0.0000, 0.0000, 2.0000],
             [0.2500, 0.0000, 2.0000],
             [0.0000, 0.2500, 2.0000]]])
    """
