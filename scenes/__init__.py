"""Meshes that gendr carries itself, made by code: something to render and to fit without a download."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gendr.render.mesh import Mesh
from gendr.scenes.airplane import airplane
from gendr.scenes.chair import chair
from gendr.scenes.cow import cow
from gendr.scenes.teapot import teapot

__all__ = ["SCENES", "Scene", "airplane", "chair", "cow", "teapot"]


@dataclass(frozen=True)
class Scene:
    """A named mesh and where it comes from; call it to make the mesh.

    All scenes have y up, stand centred at the origin and are seen whole by a camera at distance 2.732 with a half angle
    of 15 degrees.

    Example:
        >>> SCENES["airplane"]().n_faces
        2736
    """

    name: str
    make: Callable[[], Mesh]
    front: str
    licence: str
    source: str

    def __call__(self) -> Mesh:
        """Make the mesh, the same one every time."""
        return self.make()


SCENES: dict[str, Scene] = {
    scene.name: scene
    for scene in (
        Scene("airplane", airplane, "+z (nose)", "MIT", "drawn for gendr by box modelling"),
        Scene("chair", chair, "+z (the sitter's knees)", "MIT", "drawn for gendr by box modelling"),
        Scene("cow", cow, "+z (muzzle)", "MIT", "drawn and painted for gendr by box modelling"),
        Scene("teapot", teapot, "+x (spout)", "MIT", "tessellated for gendr from M. Newell's Bezier patches, 1975"),
    )
}
