"""Sharp silhouettes and their Gaussian blur: softness that is cheap where no gradient is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from gendr.distributions import Heaviside
from gendr.render.camera import Camera
from gendr.render.rasterize import Raster, rasterize
from gendr.tnorms import Maximum

CHUNK = 1 << 22
"""Faces times images in one call: bounds the memory."""

NEAR, FAR = 1e-6, 1e12


@dataclass(frozen=True, eq=False)
class Silhouettes:
    """Draws a mesh, vertices [V, 3] and corners [3 F], and compares at one resolution.

    Attributes:
        vertices: float32 [V, 3].
        corners: int64 [3 F].
        size: (H, W) in pixels that are drawn.
        rows: [h, H], the blur over rows, which also thins them out.
        columns: [w, W].
        softness: of the blur, in half image heights: its standard deviation.
    """

    vertices: Tensor
    corners: Tensor
    size: tuple[int, int]
    rows: Tensor
    columns: Tensor
    softness: float

    @classmethod
    def at(cls, vertices: Tensor, faces: Tensor, size: tuple[int, int], thinning: int, sigma: float) -> Silhouettes:
        """At a size, blurred by `sigma` pixels and thinned out by a whole number.

        >>> triangle = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
        >>> Silhouettes.at(triangle, torch.tensor([[0, 1, 2]]), (8, 8), 2, 1.0).rows.shape
        torch.Size([4, 8])
        """
        rows, columns = (blur_matrix(n, max(1, n // thinning), sigma) for n in size)
        return cls(vertices, faces.flatten(), size, rows, columns, 2.0 * sigma / size[0])

    def sharp(self, camera: Camera) -> Tensor:
        """Silhouettes [N, H, W], 0 or 1."""
        draw = partial(rasterize, near=NEAR, far=FAR)
        return torch.cat([self._drawn(draw, part).alpha for part in self._parts(camera)])

    def with_depth(self, camera: Camera) -> tuple[Tensor, Tensor]:
        """Silhouettes [N, H, W], 0 or 1, and the mean depth [N, H, W] of all that covers a pixel.

        At an outline the surface turns back from its near to its far side. A pixel inside sees both, one as much before
        the outline as the other behind it: their mean has the outline's depth, which neither has.
        """
        # Weights by depth are nearly equal at so large a gamma, and the background's is nothing.
        draw = partial(rasterize, near=NEAR, far=FAR, blend="soft", gamma=1e3, eps=-1e6)
        drawn = [self._drawn(draw, part) for part in self._parts(camera)]
        return torch.cat([part.alpha for part in drawn]), torch.cat([part.depth for part in drawn])  # type: ignore[misc]

    def _parts(self, camera: Camera) -> Iterator[Camera]:
        step = max(1, CHUNK // max(1, len(self.corners)))
        return (camera[first : first + step] for first in range(0, len(camera), step))

    def _drawn(self, draw: Callable[..., Raster], camera: Camera) -> Raster:
        faces = camera.project(self.vertices).index_select(1, self.corners)
        return draw(faces.view(len(camera), -1, 3, 3), self.size, Heaviside(), 1.0, Maximum())

    def blurred(self, camera: Camera) -> Tensor:
        """Blurred silhouettes [N, h, w]."""
        return self.blur(self.sharp(camera))

    def blur(self, images: Tensor) -> Tensor:
        """Blur and thin out images [N, H, W]."""
        return self.rows @ images @ self.columns.T


def blur_matrix(pixels: int, samples: int, sigma: float) -> Tensor:
    """[samples, pixels]: what each pixel adds to evenly spread samples of a Gaussian blur of `sigma` pixels.

    >>> blur_matrix(4, 2, 1.0).sum(1) < 1.0  # what lies beyond the border counts as empty
    tensor([True, True])
    """
    middles = (torch.arange(samples, dtype=torch.float64) + 0.5) * (pixels / samples)
    edges = torch.arange(pixels + 1, dtype=torch.float64)
    matrix: Tensor = torch.special.ndtr((edges - middles[:, None]) / sigma).diff(dim=1).float()
    return matrix


def resized(masks: Tensor, size: tuple[int, int]) -> Tensor:
    """Masks [B, H, W] at another size.

    >>> resized(torch.ones(1, 4, 4), (2, 2)).shape
    torch.Size([1, 2, 2])
    """
    if tuple(masks.shape[1:]) == size:
        return masks
    mode = "area" if size[0] <= masks.shape[1] else "bilinear"
    return interpolate(masks[:, None], size, mode=mode)[:, 0]
