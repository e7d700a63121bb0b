"""Published differentiable renderers as settings of this one.

Each says what of the published system it keeps and what it does not: which probability a face has at a pixel, how faces
join, and how their colours are blended. Lights, cameras and textures are this library's own. Source of the
correspondence: Petersen, *Learning with Differentiable Algorithms* (2022), table 5.3, and section 2.5 for Pix2Vex and
the logistic relaxation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from gendr.distributions import Exponential, Gaussian, Heaviside, Logistic, Uniform
from gendr.presets.straight_through import StraightThrough
from gendr.presets.three_edges import ThreeEdges
from gendr.render import BlendStage, RasterStage, Renderer
from gendr.render.rasterize import image_height_width
from gendr.tnorms import Maximum, Probabilistic

ImageSize = int | Sequence[int]


def opendr(image_size: ImageSize = 256, tau: float | Tensor | str | None = None) -> StraightThrough:
    """OpenDR: sharp images; the gradient of an edge is the difference of the pixels on its two sides.

    Same: the forward pass is an ordinary, sharp rasterizer. The backward pass replaces the derivative of the image by
    central differences over one pixel to either side, which for one edge is the uniform distribution over `+-` one
    pixel, the default `tau = 2 / H`.

    Differs: OpenDR takes the differences of the finished image, along rows and columns, and hands them to the corners
    of the face that is seen at the pixel, by barycentric weights; so they contain all faces and shading at once, and
    know nothing of faces hidden behind. Here the difference is that of each edge, along its normal, handed to the
    edge's own corners, and the faces join by the probabilistic sum. OpenDR has no softness to choose.

    Args:
        image_size: `H = W`, or `(H, W)`, in pixels.
        tau: half the width of the ramp, in half image heights; one pixel by default.

    Source: Loper and Black, "OpenDR: an approximate differentiable renderer", ECCV 2014, and its code.

    >>> opendr(64).backward.tau
    0.03125
    """
    pixel = 2.0 / image_height_width(image_size)[0]
    return _surrogate(image_size, pixel if tau is None else tau)


def nmr(image_size: ImageSize = 256, tau: float | Tensor | str = 10**-1.5) -> StraightThrough:
    """The Neural 3D Mesh Renderer (NMR, N3MR): sharp images; the gradient is that of a linear ramp instead of the step.

    Same: the forward pass is sharp; the backward pass replaces a pixel's sudden change, while an edge sweeps over it,
    by a gradual one, whose derivative is uniform.

    Differs: NMR moves one coordinate of one corner at a time, and lets the ramp reach from the corner's place to where
    the edge would meet the pixel, whatever the distance is; the gradient is the pixel's change over that distance, and
    it is dropped where it would not lower the loss. Here the ramp has one width for all, the distance is Euclidean,
    and no sign is looked at. The published code draws at twice the size and averages (`anti_aliasing`).

    Args:
        image_size: `H = W`, or `(H, W)`, in pixels.
        tau: half the width of the ramp, in half image heights; the default is that of the thesis's single-view runs
            with the uniform distribution.

    Source: Kato, Ushiku and Harada, "Neural 3D mesh renderer", CVPR 2018, and its code.

    >>> nmr(64).distribution, nmr(64).backward.distribution
    (heaviside, uniform)
    """
    return _surrogate(image_size, tau)


def rhodin(image_size: ImageSize = 256, tau: float | Tensor | str = 10**-1.5) -> Renderer:
    """Rhodin et al.: Gaussian probabilities, joined as independent events.

    Same: occlusion falls off as a Gaussian, and what is behind is seen with the probability that nothing in front of
    it blocks the view, a product over all blockers.

    Differs: their scene is a set of 3D Gaussian densities, not of triangles, and the product is one of transmittances
    along the ray, in closed form. Here the Gaussian's CDF is applied to the signed distance to a triangle.

    Args:
        image_size: `H = W`, or `(H, W)`, in pixels.
        tau: softness in half image heights; the default is that of the thesis's single-view runs.

    Source: Rhodin, Robertini, Richardt, Seidel and Theobalt, "A versatile scene model with differentiable visibility
    applied to generative pose estimation", ICCV 2015.

    >>> rhodin(64).distribution
    gaussian
    """
    return Renderer(image_size, Gaussian(), tau, Probabilistic())


def softras(image_size: ImageSize = 256, tau: float | Tensor | str = 1e-5) -> Renderer:
    """SoftRas: the logistic function of the squared distance, joined as independent events.

    Same: the probability of a face, the product for the silhouette (`aggr_func_alpha="prod"`), the default
    `sigma_val = 1e-5`, near and far plane, and the cut-off: `dist_eps = 1e-4` drops a face outside where its
    probability is below 1e-4. Colours: the softmax over depth with `gamma_val = 1e-4` and the background at 1e-3.

    Differs: SoftRas measures the distance through barycentric coordinates, which loses digits on small faces, and
    multiplies `1 - a`, which underflows where many faces meet. Its colours have no gradient through the barycentric
    coordinates; these have.

    Args:
        image_size: `H = W`, or `(H, W)`, in pixels.
        tau: softness in squared half image heights, `sigma_val`. The published fits use 1e-4 as well.

    Source: Liu, Li, Chen and Li, "Soft rasterizer: a differentiable renderer for image-based 3D reasoning", ICCV 2019,
    and its code.

    >>> softras(64).distribution
    logistic(squared)
    """
    blend = BlendStage(gamma=1e-4, eps=1e-3)
    return Renderer(image_size, Logistic().squared(), tau, Probabilistic(), RasterStage(cutoff=1e-4), blend)


def dib_r(image_size: ImageSize = 256, tau: float | Tensor | str | None = None, *, squared: bool = False) -> Renderer:
    """DIB-R: certain inside, falling off exponentially outside, joined as independent events.

    Same: a pixel inside a face is covered for certain; outside, face `t` has the probability `exp(-d / tau)`, the
    reversed exponential distribution, as in the paper and in the thesis's table. The published code has
    `exp(-d^2 sigmainv)` with `sigmainv = 7000` instead: `squared=True`, with `tau = 1 / 7000` by default. Colours are
    those of the nearest face, interpolated, with gradients through the barycentric coordinates.

    Differs: the code looks at no more than 30 faces a pixel (`knum`), the first ones in the list, and only at those
    whose box, grown by 0.02 (`boxlen`), holds the pixel. Here all faces count down to the cut-off.

    Args:
        image_size: `H = W`, or `(H, W)`, in pixels.
        tau: softness in half image heights, squared when `squared`. The default for the distance itself is that of the
            thesis's single-view runs, 0.01.
        squared: whether the distance is squared, as in the published code.

    Source: Chen et al., "Learning to predict 3D objects with an interpolation-based differentiable renderer",
    NeurIPS 2019, and its code in Kaolin.

    >>> dib_r(64).distribution, dib_r(64, squared=True).distribution
    (exponential(reversed), exponential(reversed, squared))
    """
    distribution = Exponential().reversed()
    softness = (1.0 / 7000.0 if squared else 1e-2) if tau is None else tau
    distribution = distribution.squared() if squared else distribution
    return Renderer(image_size, distribution, softness, Probabilistic(), blend=BlendStage("hard"))


def pix2vex(image_size: ImageSize = 256, tau: float | Tensor | str = 1e-2) -> ThreeEdges:
    """Pix2Vex: three logistic half-plane tests a triangle, joined as independent events.

    Same: "inside" is the product of three logistic functions, one an edge, and faces join by the probabilistic sum: the
    relaxation of three nested conditions.

    Differs: plain torch instead of kernels (see `ThreeEdges`). The edge test's argument is the distance to the edge's
    line in half image heights; the thesis's inverse temperature of 10,000 for this test is printed without the unit of
    length, and `tau` here has a default of its own, that of the logistic distribution's single-view runs.

    Args:
        image_size: `H = W`, or `(H, W)`, in pixels.
        tau: softness in half image heights.

    Source: Petersen, Bermano, Deussen and Cohen-Or, "Pix2Vex: image-to-geometry reconstruction using a smooth
    differentiable renderer", 2019; Petersen 2022, section 2.5, algorithm 1.

    >>> pix2vex(64).distribution
    logistic
    """
    return ThreeEdges(image_size, Logistic(), tau, Probabilistic())


def logistic_relaxation(image_size: ImageSize = 256, tau: float | Tensor | str = 1e-2) -> Renderer:
    """The logistic relaxation of a silhouette program that asks for the sign of the distance.

    Same: logistic perturbation of the signed Euclidean distance, joined as independent events; what the thesis calls
    "Log. Relax (Ch. 2)" and "Relaxed Sil. via Euclid. Dist".

    Differs: nothing in the formula. The thesis prints inverse temperatures `beta = 1 / tau` of 50, 200 and 2,000 for it
    without their unit of length; the default here is that of its single-view runs of chapter 5.

    Args:
        image_size: `H = W`, or `(H, W)`, in pixels.
        tau: softness in half image heights, `1 / beta`.

    Source: Petersen et al., "Learning with algorithmic supervision via continuous relaxations", NeurIPS 2021;
    Petersen 2022, section 2.5, algorithm 2.

    >>> logistic_relaxation(64).t_conorm
    Probabilistic()
    """
    return Renderer(image_size, Logistic(), tau, Probabilistic())


PRESETS: dict[str, Callable[..., Renderer]] = {
    function.__name__: function for function in (opendr, nmr, rhodin, softras, dib_r, pix2vex, logistic_relaxation)
}
"""Every preset by its name."""


def _surrogate(image_size: ImageSize, tau: float | Tensor | str) -> StraightThrough:
    soft = Renderer(image_size, Uniform(), tau, Probabilistic())
    return StraightThrough(image_size, Heaviside(), 1.0, Maximum(), blend=BlendStage("hard"), backward=soft)
