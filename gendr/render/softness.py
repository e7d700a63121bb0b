r"""How wide a softened edge is, and the softness `tau` that makes it as wide as wanted: `tau="auto"`.

Where `n` equal faces meet, the image's edge goes from transparent to opaque between the distances at which one face's
probability is `a(0.1)` and `a(0.9)`, with `conorm(a(y), ..., a(y)) = y` for `n` copies. At `tau = 1` its width is

    w = F^-1(a(0.9)) - F^-1(a(0.1)),

and at any other `tau` it is `w tau`, or `w sqrt(tau)` when the distribution is squared. For an edge of `N` pixels,
`W = 2 N / H` in half image heights, `tau = W / w`, or its square. How many faces meet follows from the area `s^2` of
the typical face in the image and from the tail, `F(-x) ~ x^-b`. The outline of a closed surface has two layers, which
gives `pi (W / s)^2` faces within `W`, and out to `R = s sqrt(faces / pi)` further ones that count as `(r / W)^-b` each:

    n = min(1 + pi (W / s)^2 (1 + 2 ((R / W)^(2 - b) - 1) / (2 - b)), faces).

A T-conorm that adds small probabilities as `(a^p + b^p)^(1/p)` makes the tail `F^p`. One face alone has `n = 1` and an
edge of just `N` pixels, whatever its distribution is. Many small faces add up, those of heavy tails from far away, and
make tau smaller. With several faces `w` is at least `-F^-1(a(0.1)) / 2`: the edge moves outwards, and alpha is to be
down at 10 % within `2 N` pixels; this bounds tau for compact support, whose copies have ever steeper edges.

That is an estimate. On spheres of 320, 1,280 and 5,120 faces with `N` 1 and 3, alpha is at most 0.08 far from the shape
and at least 0.95 inside of it. Edges are 0.4 to 1.5 times as wide as asked for where `b > 2` (twice at most, for
Dombi), 0.1 to 0.7 times for compact support, and for heavier tails anything from 0 to 3 times: there the edge is a
slope over the whole image.

A distribution with `F(0) < 1/2`, such as the exponential, lies inside of the face; if it is much wider than the face,
the face fades. There `tau` is at most the one at which a face's middle is as covered as not, `F(r / tau) = 1/2` with
`r` the radius of the circle in an equilateral triangle of area `s^2`, or half a pixel where that is more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from gendr import _check, distributions, tnorms
from gendr._types import FaceVertices, PackedFaceVertices
from gendr.distributions import Distribution
from gendr.render.reference import signed_area
from gendr.tnorms import Maximum, TNorm

EDGE_PIXELS = 1.0
"""Width of the edge, 10 to 90 %, in pixels. It gives about the softnesses of the published single-view runs: on a
sphere of 1,280 faces at 64 pixels 10^-1.6 for Uniform (published 10^-1.5), 10^-2.1 for Logistic (10^-2), 10^-1.9 for
Exponential reversed and 10^-2.0 for GumbelMin (both 10^-2)."""

SOFTNESSES = (1e-30, 1e30)
INRADIUS = 3**-0.75
"""Of an equilateral triangle of area 1."""
SAMPLE = 4096  # faces of an image that are looked at: their median is as good as that of all
LEVELS = (0.1, 0.9)
SMALLEST = math.log(1e-300)  # of the probabilities that are looked at


def automatic_tau(
    face_vertices: FaceVertices | PackedFaceVertices,
    image_size: int | Sequence[int],
    distribution: Distribution,
    t_conorm: TNorm | None = None,
    *,
    face_ranges: Tensor | None = None,
    edge_pixels: float = EDGE_PIXELS,
) -> Float[Tensor, " B"]:
    """The softness at which edges are `edge_pixels` wide; the formula is at the top of `gendr.render.softness`.

    This is what `tau="auto"` stands for. It follows the geometry without being differentiable in it, and looks at
    numbers, so that a GPU is waited for; a loop that is to run undisturbed asks once and keeps the answer.

    Args:
        face_vertices: as `gendr.rasterize` takes them, `[B, F, 3, 3]`, or packed `[N, 3, 3]`. Those without area, such
            as culled ones, do not count.
        image_size: `H = W`, or `(H, W)`.
        distribution: Heaviside, which has no softness, gets 1.
        t_conorm: Maximum by default, for which faces do not add up.
        face_ranges: int64 `[B, 2]` for a packed list.
        edge_pixels: the width `N`, positive: from 10 to 90 %.

    Returns:
        `[B]`, within [1e-30, 1e30], in the dtype and on the device of `face_vertices`.

    Raises:
        TypeError, ValueError: an argument of the wrong kind or out of range.

    >>> from gendr.distributions import Uniform
    >>> triangle = torch.tensor([[[[-0.5, -0.5, 2.0], [0.5, -0.5, 2.0], [0.0, 0.5, 2.0]]]])
    >>> automatic_tau(triangle, 64, Uniform()).log10()
    tensor([-1.7093])
    """
    edge_pixels = _check.number("edge_pixels", edge_pixels, 1e-6, 1e6)
    height = image_size if isinstance(image_size, int) else image_size[0]
    width = 2.0 * edge_pixels / height
    images = _images(face_vertices, face_ranges)
    values = [_of_image(faces, height, width, distribution, t_conorm or Maximum()) for faces in images]
    return torch.tensor(values, dtype=face_vertices.dtype, device=face_vertices.device)


def edge_width(distribution: Distribution, t_conorm: TNorm | None = None, n_faces: float = 1.0) -> float:
    """The width `w` of an edge at `tau = 1`, where `n_faces` equal faces meet.

    For one face the distance between 10 and 90 % of alpha; for more, that or half the distance from the face's edge out
    to 10 %, whichever is more.

    Args:
        distribution: of a squared one the width grows with the root of tau.
        t_conorm: Maximum by default, for which the number of faces does not matter.
        n_faces: at least 1; between powers of two the width is interpolated, geometrically.

    Returns:
        In [0, inf), 0 for Heaviside alone.

    Raises:
        ValueError: `n_faces` is out of range.

    >>> from gendr.distributions import Cauchy, Logistic
    >>> from gendr.tnorms import Probabilistic
    >>> f"{edge_width(Logistic()):.3f} {edge_width(Cauchy()):.3f} {edge_width(Cauchy(), Probabilistic(), 16):.3f}"
    '4.394 6.155 46.258'
    """
    octave = math.log2(_check.number("n_faces", n_faces, 1.0, 1e9))
    spec, joined = str(distribution), str(t_conorm or Maximum())
    low = math.floor(octave)
    narrow, wide = _width(spec, joined, low), _width(spec, joined, low + 1)
    if narrow <= 0.0:
        return 0.0
    return narrow * math.exp((octave - low) * math.log(wide / narrow))


def reach(distribution: Distribution, tau: float, image_size: int | Sequence[int], cutoff: float = 1e-6) -> float:
    """How far outside of a face, in pixels, its probability is at least `cutoff`: there it has gradients.

    Args:
        distribution: one that lies inside of the face reaches 0 pixels.
        tau: softness in half image heights, squared for a squared distribution.
        image_size: `H = W`, or `(H, W)`.
        cutoff: in [1e-30, 0.5], `RasterStage.cutoff`.

    Raises:
        TypeError, ValueError: an argument of the wrong kind or out of range.

    >>> from gendr.distributions import Gaussian, Logistic, Uniform
    >>> [round(reach(d, 10**-1.5, 64), 1) for d in (Uniform(), Gaussian(), Logistic())]
    [1.0, 4.8, 14.0]
    """
    height = image_size if isinstance(image_size, int) else image_size[0]
    level = torch.tensor(_check.number("cutoff", cutoff, SOFTNESSES[0], 0.5), dtype=torch.float64)
    distance = -distribution.quantile(level, _check.number("tau", tau, *SOFTNESSES))
    return max(float(distance), 0.0) * height / 2.0


def tau_for_width(distribution: Distribution, width: float, one: float) -> float:
    """The softness that makes an edge of width `one` at `tau = 1` as wide as `width`, both in half image heights.

    >>> from gendr.distributions import Logistic
    >>> tau_for_width(Logistic(), 0.5, 4.0), tau_for_width(Logistic().squared(), 0.5, 2.0)
    (0.125, 0.0625)
    """
    if one <= 0.0:
        return 1.0
    ratio = width / one
    return min(max(ratio * ratio if distribution.is_squared else ratio, SOFTNESSES[0]), SOFTNESSES[1])


def _images(face_vertices: Tensor, face_ranges: Tensor | None) -> list[Tensor]:
    """Of each image, the faces' corners in the plane; no more than a sample of them."""
    if face_ranges is None:
        _check.tensor("face_vertices", face_vertices, ["B", "F", 3, 3])
        images = list(face_vertices.detach())
    else:
        _check.tensor("face_vertices", face_vertices, ["N", 3, 3])
        images = [face_vertices.detach()[begin:end] for begin, end in face_ranges.tolist()]
    return [faces[..., :2] for faces in images]


def _of_image(faces: Tensor, height: int, width: float, distribution: Distribution, t_conorm: TNorm) -> float:
    sample = faces[:: math.ceil(len(faces) / SAMPLE) or 1].double().clamp(-1e9, 1e9)
    areas = signed_area(sample).abs()
    areas = areas[areas > 0]  # others are not drawn: culled, cut away, or degenerate
    if not len(areas):
        return tau_for_width(distribution, width, edge_width(distribution))
    size = math.sqrt(float(areas.median()) / 2.0)
    size = size if size < math.inf else 1.0  # corners that are not finite are the rasterizer's to refuse
    n_faces = _meeting(
        math.ceil(len(faces) * len(areas) / len(sample)), width / max(size, 1e-9), distribution, t_conorm
    )
    tau = tau_for_width(distribution, width, edge_width(distribution, t_conorm, n_faces))
    middle = float(distribution.quantile(torch.tensor(0.5, dtype=torch.float64)))
    if middle <= 0.0:
        return tau
    return min(tau, tau_for_width(distribution, max(INRADIUS * size, 1.0 / height), middle))


def _meeting(faces: int, ratio: float, distribution: Distribution, t_conorm: TNorm) -> float:
    """How many faces meet, `n`, where the edge is `ratio = W / s` times as wide as a face."""
    further = max(math.sqrt(faces / math.pi) / ratio, 1.0)  # R / W
    fall = 2.0 - _tail(str(distribution), str(t_conorm))
    beyond = math.log(further) if abs(fall) < 1e-6 else (further**fall - 1.0) / fall
    return min(1.0 + math.pi * ratio * ratio * (1.0 + 2.0 * beyond), float(faces))


@lru_cache(maxsize=4096)
def _tail(distribution: str, t_conorm: str) -> float:
    """The exponent `b` with which what a face adds falls with its distance; infinite where nothing lies outside."""
    levels = torch.tensor([1e-6, 1e-4], dtype=torch.float64)
    far, near = distributions.from_spec(distribution).quantile(levels).neg().tolist()
    if near <= 0.0 or far <= near:
        return math.inf
    return math.log(100.0) / math.log(far / near) * _power(t_conorm)


@lru_cache(maxsize=4096)
def _power(spec: str) -> float:
    """The `p` of a T-conorm that joins `n` small probabilities `a` to `n^(1/p) a`; infinite for Maximum."""
    t_conorm = tnorms.from_spec(spec)
    if not t_conorm.is_t_conorm:
        return math.inf
    small = torch.tensor(1e-6, dtype=torch.float64)
    octaves = math.log2(float(t_conorm.conorm(small, small)) / 1e-6)
    return 1.0 / octaves if octaves > 0.0 else math.inf


@lru_cache(maxsize=4096)
def _width(distribution: str, t_conorm: str, octave: int) -> float:
    """`edge_width` for `2^octave` faces."""
    levels = torch.tensor(_levels(t_conorm, octave), dtype=torch.float64)
    low, high = distributions.from_spec(distribution).quantile(levels).tolist()
    return float(high - low if octave == 0 else max(high - low, -low / 2.0))


@lru_cache(maxsize=4096)
def _levels(spec: str, octave: int) -> tuple[float, ...]:
    """The probabilities of which `2^octave` copies join to 10 and to 90 %, a T-conorm being monotone."""
    t_conorm = tnorms.from_spec(spec)
    if not t_conorm.is_t_conorm or isinstance(t_conorm, Maximum):
        return LEVELS
    wanted = torch.tensor(LEVELS, dtype=torch.float64)[:, None]
    low, high = torch.full_like(wanted, SMALLEST), wanted.log()
    parts = torch.linspace(0.0, 1.0, 257, dtype=torch.float64)
    for _ in range(5):  # the logarithm's interval becomes 256 times shorter each time, in the end 6e-10 long
        logs = torch.lerp(low, high, parts)
        joined = logs.exp()
        for _ in range(octave):
            joined = t_conorm.conorm(joined, joined)
        above = (joined < wanted).sum(1, keepdim=True).clamp(1, len(parts) - 1)
        low, high = logs.gather(1, above - 1), logs.gather(1, above)
    first, last = high[:, 0].exp().tolist()
    return first, last
