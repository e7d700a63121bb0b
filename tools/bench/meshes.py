"""The benchmark's meshes by name or file, and their silhouettes, each made once."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from gendr import _check
from gendr.render import Camera, Mesh
from gendr.render.formats import FORMATS
from gendr.scenes import SCENES
from gendr.tools.fit import load_shape, ring, silhouettes

MESHES = ("airplane", "teapot", "chair")
"""What the benchmark runs on by default."""

_KEPT = 64


def load_mesh(name: str) -> Mesh:
    """A scene or a mesh file, of the size that the protocols' cameras see whole, as `gendr fit` makes it.

    The same object for the same name, as long as the file stays as it is: do not write into it.

    Raises:
        ValueError: there is no such scene or file, or it cannot be read.

    >>> load_mesh("chair") is load_mesh("chair")
    True
    """
    file = Path(name)
    if not file.is_file():
        if name not in SCENES:
            _check.fail("mesh", f"a mesh file ({' '.join(FORMATS)}) or one of {', '.join(SCENES)}", repr(name))
        return _load(name, 0, 0)
    state = file.stat()
    return _load(name, state.st_mtime_ns, state.st_size)


@lru_cache(_KEPT)
def in_unit_ball(mesh: Mesh) -> Mesh:
    """The mesh about its bounding box's middle, the farthest vertex at 1, for the pose protocol.

    The published experiment's teapot, centred, has 1.065 there, and the distances of its cameras refer to it.

    >>> round(float(in_unit_ball(load_mesh("teapot")).vertices.norm(dim=1).max()), 5)
    1.0
    """
    vertices = mesh.vertices.double()
    centred = vertices - (vertices.amax(0) + vertices.amin(0)) / 2.0
    return mesh.with_vertices((centred / centred.norm(dim=1).max()).to(mesh.vertices.dtype))


def ring_silhouettes(name: str, elevation: float, views: int = 24, image_size: int = 64) -> Tensor:
    """Sharp silhouettes [views, image_size, image_size] of a mesh from the shape protocol's cameras; 0 or 1, float32.

    Raises:
        ValueError: as `load_mesh`.

    >>> ring_silhouettes("teapot", 30.0, views=2, image_size=16).shape
    torch.Size([2, 16, 16])
    """
    mesh = load_mesh(name)
    return _silhouettes(mesh, elevation, views, image_size)


@lru_cache(_KEPT)
def ring_camera(elevation: float, views: int = 24) -> Camera:
    """The shape protocol's cameras in float32: distance 2.732, half angle 15 degrees, equal steps of azimuth.

    >>> len(ring_camera(30.0))
    24
    """
    return ring(views, elevation).to(torch.float32)


@lru_cache(_KEPT)
def _load(name: str, _modified: int, _size: int) -> Mesh:
    return load_shape(name)[0]


@lru_cache(_KEPT)
def _silhouettes(mesh: Mesh, elevation: float, views: int, image_size: int) -> Tensor:
    return silhouettes(mesh, ring_camera(elevation, views), image_size)
