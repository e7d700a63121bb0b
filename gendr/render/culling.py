"""Faces that are seen from the wrong side, found in the world: no camera that mirrors it changes which they are."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from gendr.render.camera import Camera

CULLS = ("none", "back", "front")


def culled(
    face_vertices: Float[Tensor, "B F 3 3"], camera: Camera, cull: str, view: Int64[Tensor, " F"] | None = None
) -> Bool[Tensor, "C F"]:
    """Which faces are not to be drawn.

    A face shows its front where the eye lies on the side from which its corners run counter-clockwise. One that is seen
    edge-on, or has no area, shows neither side.

    Args:
        face_vertices: corners in the world; a batch of one, of meshes or cameras, is broadcast.
        camera: `B` views.
        cull: "back" (faces that show their back go) or "front".
        view: which of the cameras sees each face of one image; without, each camera sees all.

    >>> from gendr.render.mesh import Mesh
    >>> ball = Mesh.icosphere(2).face_vertices()
    >>> int(culled(ball, Camera.look_at(distance=2.0), "back").sum()), ball.shape[1]  # the cap that is seen is left
    (240, 320)
    """
    a, b, c = face_vertices.detach().double().unbind(-2)
    normals = torch.linalg.cross(b - a, c - a)
    is_parallel = camera.projection == "orthographic"
    towards = (-camera.rotation[:, 2] if is_parallel else camera.eye).detach().double()
    along = (normals @ towards[..., None])[..., 0] if view is None else (normals * towards[view]).sum(-1)
    side: Tensor = along if is_parallel else along - (normals * a).sum(-1)
    return side < 0 if cull == "back" else side > 0


def without(face_vertices: Float[Tensor, "*B F 3 3"], dropped: Tensor | None, near: float) -> Float[Tensor, "*C F 3 3"]:
    """The faces, in camera space or on the image; those that are `dropped` out of depth, where nothing draws them.

    >>> without(torch.ones(1, 2, 3, 3), torch.tensor([[True, False]]), 1.0)[..., 2]
    tensor([[[0., 0., 0.],
             [1., 1., 1.]]])
    """
    if dropped is None:
        return face_vertices
    return torch.where(dropped[..., None, None], 0.0 if near > 0 else 2.0 * near - 1.0, face_vertices)
