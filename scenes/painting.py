"""Texture for a mesh from a colour for every point of space: a tile of one image for each triangle."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from gendr import _check
from gendr.render.material import Material
from gendr.render.mesh import Mesh
from gendr.scenes.modelling import Points


def painted(mesh: Mesh, colour: Callable[[Points], Points], resolution: int = 8) -> Mesh:
    """The mesh with a texture in which each texel has the colour of its point on the surface.

    The triangles lie in square tiles, corners at the centres of a tile's texels (0, 0), (R-1, 0) and (0, R-1). Nothing
    is shared between tiles, and none bleeds into the next.

    Args:
        mesh: one mesh.
        colour: from points `[N, 3]` to red, green, blue `[N, 3]` in [0, 1], both float64.
        resolution: `R`, rows and columns of a tile, 2 to 64.

    Raises:
        ValueError: `resolution` is no integer in its range.

    >>> mesh = painted(Mesh.icosphere(0), lambda points: 0.5 + points / 2, resolution=4)
    >>> mesh.face_textures().image(0).shape
    torch.Size([16, 20, 3])
    """
    if isinstance(resolution, bool) or not isinstance(resolution, int) or not 2 <= resolution <= 64:
        _check.fail("resolution", "an integer in [2, 64]", resolution)
    steps = np.arange(resolution) / (resolution - 1)
    b, c = np.meshgrid(steps, steps, indexing="ij")
    weights = np.stack([1 - b - c, b, c], axis=-1)  # row, column, corner
    points = np.einsum("ijk,fkx->fijx", weights, mesh.face_vertices()[0].double().numpy())
    tiles = np.clip(colour(points.reshape(-1, 3)), 0, 1).reshape(-1, resolution, resolution, 3)
    across = int(np.ceil(np.sqrt(len(tiles))))
    down = -(-len(tiles) // across)
    sheet = np.ones((down * across, resolution, resolution, 3))
    sheet[: len(tiles)] = tiles
    image = sheet.reshape(down, across, resolution, resolution, 3).swapaxes(1, 2)
    row, column = np.divmod(np.arange(len(tiles)), across)
    left, top = column * resolution + 0.5, row * resolution + 0.5  # the centre of a tile's first texel
    far = resolution - 1
    u = np.stack([left, left, left + far], axis=1) / (across * resolution)
    v = 1 - np.stack([top, top + far, top], axis=1) / (down * resolution)
    uvs = torch.from_numpy(np.stack([u, v], axis=-1).reshape(-1, 2)).float()
    texture = torch.from_numpy(image.reshape(down * resolution, across * resolution, 3)).float()
    places = torch.arange(3 * len(tiles)).view(-1, 3)
    return Mesh(mesh.vertices, mesh.faces, uvs=uvs, face_uvs=places, materials=(Material("paint", texture=texture),))
