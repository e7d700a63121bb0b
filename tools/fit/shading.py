"""Shaded drawings of meshes for the eye: painter's algorithm, two-sided Lambert light. Nothing to differentiate."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from gendr.render import Camera, Mesh

PAPER = (255, 255, 255)
SUPERSAMPLING = 2
LIGHT = np.array([-0.4, 0.6, -0.7])  # towards the light in camera coordinates: over the viewer's left shoulder
AMBIENT = 0.35


def shaded(mesh: Mesh, camera: Camera, height: int, colour: tuple[int, int, int] = (90, 130, 180)) -> Image.Image:
    """Draw a mesh as the first view of `camera` sees it, square, on white.

    Args:
        mesh: one mesh.
        camera: its first view is used.
        height: rows and columns of the picture.
        colour: of the surface in full light.

    >>> from gendr.tools.fit import ring
    >>> shaded(Mesh.icosphere(1, radius=0.3), ring(1), 32).size
    (32, 32)
    """
    size = height * SUPERSAMPLING
    corners, light = _visible_faces(mesh, camera[0], size)
    image = Image.new("RGB", (size, size), PAPER)
    draw = ImageDraw.Draw(image)
    fills = (light[:, None] * np.array(colour)).astype(np.uint8)
    for corner, fill in zip(corners.tolist(), fills.tolist(), strict=True):
        tint = tuple(fill)
        draw.polygon(corner, fill=tint, outline=tint)  # the outline closes the seams between neighbours
    return image.resize((height, height), Image.Resampling.BOX)


def _visible_faces(mesh: Mesh, camera: Camera, size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Corners in pixels [F, 6] and brightness [F] of the faces in front of the eye, the furthest first."""
    with torch.no_grad():
        vertices = mesh.vertices.double()
        points = camera.project(vertices)[0].numpy()
        local = (vertices - camera.eye[0]) @ camera.rotation[0].double().T
    faces = mesh.faces.numpy()
    a, b, c = (local.numpy()[faces[:, corner]] for corner in range(3))
    normal = np.cross(b - a, c - a)
    length = np.linalg.norm(normal, axis=1)
    # Two-sided: the normal that faces the eye counts, whichever way the triangle winds.
    towards = np.where((normal * a).sum(1) > 0.0, -1.0, 1.0)
    lambert = towards * (normal @ (LIGHT / np.linalg.norm(LIGHT))) / np.maximum(length, 1e-30)
    depth = points[faces, 2]
    order = np.argsort(-depth.mean(1))
    order = order[(depth[order].min(1) > 0.0) & (length[order] > 0.0)]
    pixels = (points[faces[order], :2] * (1.0, -1.0) + 1.0) * (size / 2.0) - 0.5
    return pixels.reshape(-1, 6), AMBIENT + (1.0 - AMBIENT) * np.clip(lambert[order], 0.0, 1.0)
