"""What the data set holds of a mesh: its 24 pictures and its voxels."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from gendr.distributions import Heaviside
from gendr.render import AmbientLight, BlendStage, DirectionalLight, Mesh, RasterStage, Renderer, ShadeStage
from gendr.tnorms import Maximum
from gendr.tools.shapes.layout import VIEWS
from gendr.tools.shapes.npz import Array
from gendr.tools.shapes.views import cameras
from gendr.tools.shapes.voxels import voxelise

IMAGE_SIZE = 64
AMBIENT = 0.5
LIGHT = (0.3, 0.8, 0.5)  # towards the light: above, in front, a little to the right
ANTIALIAS = 4


def portrait(mesh: Mesh) -> tuple[Array, Array]:
    """Pictures uint8 `[24, 4, 64, 64]` and voxels bool `[32, 32, 32]` (order x, y, z) of a mesh.

    Each pixel is the mean of 4x4 samples. Alpha is the share of them that the mesh covers, red, green and blue are the
    colour of these alone (not multiplied by alpha): the mesh's own, taken as linear, under a soft and a directional
    light that shine on both sides of every face, in sRGB's encoding, as pictures have it.

    Args:
        mesh: within the cube `[-1/2, 1/2]^3`.

    >>> images, voxels = portrait(Mesh.icosphere(1, radius=0.4))
    >>> images.shape, images.dtype, voxels.shape, int(images[0, 3, 32, 32])
    ((24, 4, 64, 64), dtype('uint8'), (32, 32, 32), 255)
    """
    renderer = Renderer(
        IMAGE_SIZE,
        Heaviside(),
        tau=1.0,
        t_conorm=Maximum(),
        raster=RasterStage(antialias=ANTIALIAS),
        blend=BlendStage(mode="hard"),
        shade=ShadeStage(method="flat"),
    )
    lights = [AmbientLight(AMBIENT), DirectionalLight(LIGHT, 1.0 - AMBIENT)]
    with torch.no_grad():
        seen = renderer(mesh, cameras(range(VIEWS)), lights, ["rgb"])
        if seen.rgb is None:
            raise RuntimeError("the renderer was asked for colours and returned none")
        alpha = seen.alpha[:, None]
        colour = torch.where(alpha > 0, seen.rgb / alpha.clamp_min(1e-6), 0.0).clamp(0.0, 1.0)
        images = torch.cat([_srgb(colour), alpha], 1).mul(255.0).round().to(torch.uint8).numpy()
        voxels = voxelise(mesh.vertices[None].float(), mesh.faces)[0].numpy()
    return images, np.asarray(voxels)


def _srgb(linear: Tensor) -> Tensor:
    """IEC 61966-2-1."""
    return torch.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear.clamp_min(0.0031308) ** (1 / 2.4) - 0.055)
