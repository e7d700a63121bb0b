"""The published network: three convolutions, linear layers, a sphere whose vertices stay in their octants."""

from __future__ import annotations

import itertools

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gendr._types import Vertices
from gendr.render import Mesh
from gendr.tools.reconstruct.norm import GatheredBatchNorm2d

CHANNELS = (64, 128, 256)


class Encoder(nn.Sequential):
    """Images to 512 numbers each.

    Three convolutions (5x5; 64, 128 and 256 channels; stride 2), each with batch normalisation and ReLU, and three
    linear layers (1024, 1024, 512), each with ReLU.

    Args:
        image_size: rows and columns of the images, a multiple of 8.

    Source: Kato, Ushiku, Harada, "Neural 3D Mesh Renderer", CVPR 2018; Liu et al., "Soft Rasterizer", ICCV 2019.

    >>> Encoder(16)(torch.zeros(2, 4, 16, 16)).shape
    torch.Size([2, 512])
    """

    def __init__(self, image_size: int = 64) -> None:
        layers: list[nn.Module] = []
        for before, after in zip((4, *CHANNELS), CHANNELS, strict=False):
            layers += [nn.Conv2d(before, after, 5, stride=2, padding=2), GatheredBatchNorm2d(after), nn.ReLU()]
        super().__init__(*layers, nn.Flatten(), *_linear(CHANNELS[-1] * (image_size // 8) ** 2, 1024, 1024, 512))


class Decoder(nn.Module):
    r"""512 numbers to the vertices of a sphere of radius 1/2, displaced about a centre that moves.

    Two linear layers with ReLU (1024, 2048) and a third for the centre `c [3]` and the displacements `d [V, 3]`. With
    the sphere's coordinates `b`, `w = sign(b) sigmoid(log(|b| / (1 - |b|)) + d)`, `t = tanh(c / 10)`, and
    `v = (w (1 - sign(b) t) + t) / 2`: a vertex never leaves its octant about the centre, nor the cube
    `[-1/2, 1/2]^3`. (The thesis's text has 1024 where the published program, followed here, has 2048.)

    Args:
        sphere: gives the coordinates `b` in (-1, 1) and the faces.
        features: how many numbers describe an image.

    Source: Liu et al., "Soft Rasterizer", ICCV 2019, and its published program.

    >>> Decoder(Mesh.icosphere(3, radius=0.5))(torch.zeros(2, 512)).shape
    torch.Size([2, 642, 3])
    """

    base: Tensor
    sign: Tensor

    def __init__(self, sphere: Mesh, features: int = 512) -> None:
        super().__init__()
        self.layers = nn.Sequential(*_linear(features, 1024, 2048))
        self.centre = nn.Linear(2048, 3)
        self.displacements = nn.Linear(2048, 3 * sphere.n_vertices)
        # -inf at 0: a vertex on a plane between octants stays on it.
        self.register_buffer("base", torch.logit(sphere.vertices.abs()), persistent=False)
        self.register_buffer("sign", sphere.vertices.sign(), persistent=False)

    def forward(self, features: Float[Tensor, "B D"]) -> Vertices:
        """The vertices `[B, V, 3]`."""
        hidden = self.layers(features)
        centre = torch.tanh(0.1 * self.centre(hidden))[:, None]
        offset = torch.sigmoid(self.base + self.displacements(hidden).unflatten(1, (-1, 3))) * self.sign
        return 0.5 * (offset * (1.0 - self.sign * centre) + centre)


def _linear(*sizes: int) -> list[nn.Module]:
    pairs = itertools.pairwise(sizes)
    return [layer for pair in pairs for layer in (nn.Linear(*pair), nn.ReLU())]
