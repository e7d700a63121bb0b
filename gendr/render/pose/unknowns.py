"""What is unknown of a pose, as seven numbers, and the cameras that they stand for."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gendr.render.camera import Camera

ELEVATION, AZIMUTH, ROLL, PIVOT_X, PIVOT_Y, SIZE, DEPTH = range(7)
"""Places of the seven numbers: radians; the pivot's NDC x and y; logs of NDC per length there and of its depth."""


@dataclass(frozen=True, eq=False)
class Unknowns:
    """What turns numbers into cameras.

    Size and depth stand in place of distance and field of view, which nearly undo each other: size is what the image
    shows at once, and depth, at a fixed size, is only how strong the perspective is.

    Attributes:
        template: `N` cameras whose principal point, distortion, handedness and (where known) scale hold.
        base: [N, 3, 3], the rotation about which elevation, azimuth and roll turn.
        pivot: [3], the point that `PIVOT_X` and `PIVOT_Y` place.
        free: which of the seven numbers are to be found.
        is_fov_known: the depth then follows from the size.
    """

    template: Camera
    base: Tensor
    pivot: Tensor
    free: tuple[int, ...]
    is_fov_known: bool

    def __getitem__(self, index: Tensor) -> Unknowns:
        return replace(self, template=self.template[index], base=self.base[index])

    def joined(self, other: Unknowns) -> Unknowns:
        """These and then the other's, of the same pivot and freedom."""
        template = Camera.cat([self.template, other.template])
        return replace(self, template=template, base=torch.cat((self.base, other.base)))

    def cameras(self, values: Tensor) -> Camera:
        """The cameras of numbers [N, 7].

        >>> guess = Camera.look_at(2.0, half_angle=45.0)
        >>> unknowns = Unknowns(guess, guess.rotation, torch.zeros(3).double(), (ELEVATION, AZIMUTH), True)
        >>> values = torch.tensor([[0.0, 0.0, 0.0, 0.0, 0.0, -0.6931, 0.0]]).double()
        >>> unknowns.cameras(values).eye.round(decimals=2) + 0.0
        tensor([[ 0.,  0., -2.]], dtype=torch.float64)
        """
        elevation, azimuth, roll, x, y, size, depth = values.unbind(-1)
        known = self.template.scale if self.template.scale.ndim == 1 else self.template.scale[:, 1]
        distance = known * torch.exp(-size) if self.is_fov_known else depth.exp()
        zoom = size.exp() * distance / known
        scale = self.template.scale * (zoom if self.template.scale.ndim == 1 else zoom[:, None])
        wide, high = (scale, scale) if scale.ndim == 1 else scale.unbind(-1)
        rotation = flip(self.template.rotation) @ turn(elevation, azimuth, roll) @ self.base
        local = torch.stack((x * distance / wide, y * distance / high, distance), -1)
        eye = self.pivot - (rotation.mT @ local[:, :, None])[:, :, 0]
        return replace(self.template, rotation=rotation, eye=eye, scale=scale)


def flip(rotation: Tensor) -> Tensor:
    """Identity for rotations [N, 3, 3] of determinant 1; for mirroring ones the mirror `diag(-1, 1, 1)`.

    >>> flip(torch.diag(torch.tensor([-1.0, 1.0, 1.0]))[None])[0, 0]
    tensor([-1.,  0.,  0.])
    """
    sign = torch.linalg.det(rotation).sign()
    one = torch.ones_like(sign)
    return torch.diag_embed(torch.stack((sign, one, one), -1))


def turn(elevation: Tensor, azimuth: Tensor, roll: Tensor) -> Tensor:
    """The rotation [..., 3, 3] of `Camera.look_at` at an elevation and azimuth in radians, then rolled about its axis.

    >>> zero = torch.zeros(1)
    >>> turn(zero, zero, zero)[0].diagonal()
    tensor([1., 1., 1.])
    """
    sin_e, cos_e, sin_a, cos_a = elevation.sin(), elevation.cos(), azimuth.sin(), azimuth.cos()
    x = torch.stack((cos_a, torch.zeros_like(cos_a), sin_a), -1)
    y = torch.stack((-sin_e * sin_a, cos_e, sin_e * cos_a), -1)
    z = torch.stack((-cos_e * sin_a, -sin_e, cos_e * cos_a), -1)
    sin_r, cos_r = roll.sin()[..., None], roll.cos()[..., None]
    return torch.stack((cos_r * x + sin_r * y, cos_r * y - sin_r * x, z), -2)
