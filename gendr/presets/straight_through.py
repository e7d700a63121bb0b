r"""Straight-through composition: the image of one renderer, the gradient of another.

A sharp renderer `H` is a step function of the geometry: its derivative is zero wherever there is one. A soft renderer
`S` of the same scene is differentiable. Their composition is

    R(x) = H(x) + (S(x) - [S(x)])

where `[.]` is held constant in differentiation. The bracket is exactly zero, so that `R(x) = H(x)` to the last bit,
and `dR/dx = dH/dx + dS/dx`, which is the surrogate `dS/dx` wherever `dH/dx = 0`. For one straight edge and `S` with the
uniform distribution this is the finite-difference gradient of the early renderers: the step of height 1 at signed
distance `d` becomes a ramp over `|d| <= tau`,

    dR/dd = 1/(2 tau) for |d| < tau, and 0 beyond,

whose integral over `d` is the height of the step: summed over the pixels that an edge sweeps, the gradient has the
total change of the sharp image. With `tau` of one pixel's pitch it is the central difference `(I[i+1] - I[i-1]) / 2`
of the image itself.

`R` is no function whose derivative is `dR/dx`: gradcheck fails by construction, and line searches see steps.

What the faces show, `c` (colours, texels, normals, light), has a true derivative in the sharp image, where the
surrogate is not needed. So with geometry `x`

    R(x, c) = H([x], c) + (S(x, [c]) - [S(x, [c])]):

colours take their gradient from the face that is seen, geometry from the soft image.

Source: Bengio, Leonard and Courville, "Estimating or propagating gradients through stochastic neurons", 2013 (the
name); Loper and Black 2014 and Kato et al. 2018 for renderers.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

from torch import Tensor
from typing_extensions import Self

from gendr.render import Raster, Renderer
from gendr.render.geometry import Geometry
from gendr.render.texture import FaceTextures


def straight_through(value: Tensor, gradient: Tensor) -> Tensor:
    """`value + (gradient - [gradient])`: the first one's value, to the bit, and both derivatives.

    Args:
        value: any shape; where only the other's derivative is wanted, it must be free of gradients.
        gradient: finite, of the same shape and dtype.

    >>> x = torch.tensor(0.3, requires_grad=True)
    >>> y = straight_through(x.detach().round(), 2 * x)
    >>> y.item(), torch.autograd.grad(y, x)[0].item()
    (0.0, 2.0)
    """
    return value + (gradient - gradient.detach())


@dataclass(frozen=True)
class StraightThrough(Renderer):
    """A renderer that draws as its own settings say, and takes the gradients of its geometry from another one.

    With Heaviside and Maximum of its own it is sharp and has no gradient of its geometry.

    Attributes:
        backward: its distribution, tau, T-conorm and blending make the surrogate; the rest of it has no influence.

    >>> from gendr import Camera, Mesh
    >>> from gendr.distributions import Heaviside, Uniform
    >>> from gendr.tnorms import Maximum
    >>> renderer = StraightThrough(8, Heaviside(), 1.0, Maximum(), backward=Renderer(8, Uniform(), 0.25))
    >>> radius = torch.tensor(0.5, requires_grad=True)
    >>> ball = Mesh.icosphere(2)
    >>> alpha = renderer(ball.with_vertices(ball.vertices * radius), Camera.look_at()).alpha
    >>> alpha.unique().tolist(), bool(torch.autograd.grad(alpha.sum(), radius)[0] > 0)
    ([0.0, 1.0], True)
    """

    backward: Renderer = field(default_factory=Renderer, kw_only=True)

    def _settled(self, geometry: Geometry) -> Self:
        whole = replace(self.backward, image_size=self.image_size)
        return replace(super()._settled(geometry), backward=whole._settled(geometry))

    def _rasterize(self, face_vertices: Tensor, size: tuple[int, int], **options: Any) -> Raster:
        sharp = super()._rasterize(face_vertices.detach(), size, **options)
        soft = self.backward._rasterize(face_vertices, size, **self._of_backward(options))
        images = {f.name: (getattr(sharp, f.name), getattr(soft, f.name)) for f in fields(sharp)}
        joined = {n: straight_through(h, s) for n, (h, s) in images.items() if s is not None and h.is_floating_point()}
        return replace(sharp, **joined)

    def _of_backward(self, options: dict[str, Any]) -> dict[str, Any]:
        blend, attributes, textures = self.backward.blend, options["attributes"], options["textures"]
        return options | {
            "attributes": None if attributes is None else attributes.detach(),
            "textures": None if textures is None else _detached(textures),
            "blend": None if options["blend"] is None else blend.mode,
            "gamma": blend.gamma,
            "eps": blend.eps,
        }


def _detached(textures: FaceTextures) -> FaceTextures:
    return replace(textures, uvs=textures.uvs.detach(), texels=textures.texels.detach())
