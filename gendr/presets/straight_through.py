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

Source: Bengio, Leonard and Courville, "Estimating or propagating gradients through stochastic neurons", 2013 (the
name); Loper and Black 2014 and Kato et al. 2018 for renderers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from torch import Tensor

from gendr.render import Camera, Mesh, Renderer, Rendering
from gendr.render.shading import Lights


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
class StraightThrough:
    """A renderer whose images are those of `forward`, and whose gradients are those of `backward`.

    Call it as a `gendr.Renderer`.

    Attributes:
        forward: gives the values; a sharp one (Heaviside and Maximum) has no gradient of its own.
        backward: gives the gradients; the same image size.

    Raises:
        ValueError: the two differ in their image size.

    >>> from gendr.distributions import Heaviside, Uniform
    >>> from gendr.tnorms import Maximum
    >>> renderer = StraightThrough(Renderer(8, Heaviside(), 1.0, Maximum()), Renderer(8, Uniform(), 0.25))
    >>> radius = torch.tensor(0.5, requires_grad=True)
    >>> ball = Mesh.icosphere(2)
    >>> alpha = renderer(ball.with_vertices(ball.vertices * radius), Camera.look_at()).alpha
    >>> alpha.unique().tolist(), bool(torch.autograd.grad(alpha.sum(), radius)[0] > 0)
    ([0.0, 1.0], True)
    """

    forward: Renderer
    backward: Renderer

    def __post_init__(self) -> None:
        if self.forward.image_size != self.backward.image_size:
            raise ValueError(f"backward: expected image_size {self.forward.image_size}, got {self.backward.image_size}")

    def __call__(
        self, mesh: Mesh, camera: Camera, lights: Lights | None = None, outputs: Sequence[str] | None = None
    ) -> Rendering:
        """Draw every view of `camera`, once sharply and once softly; arguments and result as for `gendr.Renderer`."""
        sharp, soft = (draw(mesh, camera, lights, outputs) for draw in (self.forward, self.backward))
        images = {f.name: (getattr(sharp, f.name), getattr(soft, f.name)) for f in fields(sharp)}
        joined = {n: straight_through(h, s) for n, (h, s) in images.items() if h is not None and h.is_floating_point()}
        return replace(sharp, **joined)
