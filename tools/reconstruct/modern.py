"""The alternative: a residual network, and displacements that a smooth preconditioner turns into a surface."""

from __future__ import annotations

import itertools

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gendr._types import Vertices
from gendr.optim import LargeSteps
from gendr.render import Mesh
from gendr.tools.reconstruct.norm import GatheredBatchNorm2d

SMOOTHNESS = 4.0
"""`lambda` of the displacements: bumps two edges wide."""


class ResNet18(nn.Sequential):
    """Images to `8 width` numbers each: a stem and four stages of two residual blocks.

    The stem is a 5x5 convolution of stride 2, where the original, made for images of 224 pixels, has 7x7 and a maximum
    after it. The stages have `width`, `2 width`, `4 width`, `8 width` channels, and each halves the image. The mean
    over the last one's pixels, 2x2 of images of 64, would keep no place: they are flattened instead and projected.

    Args:
        width: channels of the first stage; 64 in the original.
        image_size: rows and columns of the images.

    Source: He, Zhang, Ren, Sun, "Deep residual learning for image recognition", CVPR 2016.

    >>> ResNet18(width=8)(torch.zeros(2, 4, 64, 64)).shape
    torch.Size([2, 64])
    """

    def __init__(self, width: int = 32, image_size: int = 64) -> None:
        channels = [width, width, 2 * width, 4 * width, 8 * width]
        stem = [nn.Conv2d(4, width, 5, stride=2, padding=2, bias=False), GatheredBatchNorm2d(width), nn.ReLU()]
        stages: list[nn.Module] = []
        for before, after in itertools.pairwise(channels):
            stages += [ResidualBlock(before, after, 2), ResidualBlock(after, after, 1)]
        side = -(-image_size // 32)
        projection = [nn.Flatten(), nn.Linear(8 * width * side**2, 8 * width), nn.ReLU()]
        super().__init__(*stem, *stages, *projection)


class ResidualBlock(nn.Module):
    """`relu(x' + f(x))`, with two 3x3 convolutions in `f`; `x'` is `x`, or a 1x1 convolution where shapes change.

    >>> ResidualBlock(4, 8, 2)(torch.zeros(1, 4, 6, 6)).shape
    torch.Size([1, 8, 3, 3])
    """

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, 1, bias=False),
            GatheredBatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, 1, 1, bias=False),
            GatheredBatchNorm2d(after),
        )
        self.short: nn.Module = nn.Identity()
        if before != after or stride != 1:
            self.short = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), GatheredBatchNorm2d(after))

    def forward(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D h w"]:
        """Both branches, joined."""
        return torch.relu(self.short(images) + self.body(images))


class SmoothDecoder(nn.Module):
    r"""Numbers that describe an image to the vertices of a sphere, through a preconditioner.

    A hidden linear layer (1024, ReLU) and a second for a centre `c`, the logarithms of three extents `e`, and
    displacements `d [V, 3]`: `v = c + (b + (I + lambda L)^-1 d) exp(e)`, with the sphere's vertices `b` and the mesh's
    combinatorial Laplacian `L`. What the last layer adds to one vertex becomes a smooth bump, so that a step of the
    optimiser moves regions instead of roughening the surface; centre and extents take the coarse part of the work from
    the displacements. The last layer begins at 0: the first prediction is the sphere, whatever the image.

    Args:
        sphere: gives vertices and faces.
        features: how many numbers describe an image.
        lambda_: smoothness; 0 gives displacements as they are.

    Source: Nicolet, Jacobson, Jakob, "Large steps in inverse rendering of geometry", SIGGRAPH Asia 2021, equation 12.

    >>> sphere = Mesh.icosphere(1, radius=0.25)
    >>> torch.allclose(SmoothDecoder(sphere, 8)(torch.ones(1, 8))[0], sphere.vertices)
    True
    """

    base: Tensor
    smoothing: Tensor

    def __init__(self, sphere: Mesh, features: int, lambda_: float = SMOOTHNESS) -> None:
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(features, 1024), nn.ReLU())
        self.last = nn.Linear(1024, 3 * sphere.n_vertices + 6)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)
        self.register_buffer("base", sphere.vertices, persistent=False)
        self.register_buffer("smoothing", _inverse(sphere, lambda_), persistent=False)

    def forward(self, features: Float[Tensor, "B D"]) -> Vertices:
        """The vertices `[B, V, 3]`."""
        return self.surface(self.last(self.hidden(features)))

    def surface(self, out: Float[Tensor, "B N"]) -> Vertices:
        """The vertices `[B, V, 3]` that the last layer's `N = 6 + 3 V` numbers stand for; 0 is the sphere."""
        centre, extents = 0.1 * out[:, None, :3], out[:, None, 3:6].exp()
        # Rows of V numbers for each coordinate, so that smoothing is one product of matrices.
        bumps = (out[:, 6:].unflatten(1, (3, -1)) @ self.smoothing).mT
        vertices: Tensor = centre + (self.base + bumps) * extents
        return vertices


def _inverse(mesh: Mesh, lambda_: float) -> Tensor:
    """`(I + lambda L)^-1` as a dense, symmetric matrix `[V, V]`."""
    size = mesh.n_vertices
    columns = torch.eye(size, dtype=torch.float64)[:, :, None].expand(-1, -1, 3)
    return LargeSteps(mesh.vertices, mesh.faces, lambda_).to_vertices(columns)[..., 0].to(mesh.vertices.dtype)
