"""Faces to alpha: the functional core of the renderer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor

from gendr import _check, _cuda, _ops
from gendr._autocast import in_single_precision
from gendr._types import Alpha, FaceVertices, Features, PackedFaceVertices
from gendr.distributions import Distribution, Logistic
from gendr.render import blending
from gendr.render.culling import CULLS
from gendr.render.reference_views import reference_views
from gendr.render.softness import automatic_tau
from gendr.render.texture import FaceTextures
from gendr.tnorms import Maximum, Probabilistic, TNorm

BACKENDS = ("auto", "cpu", "cuda", "reference")


@dataclass(frozen=True)
class Raster:
    """What rasterization gives; what was not asked for is None.

    Attributes:
        alpha: `[B, H, W]`, in [0, 1]: the probability that any face covers the pixel.
        features: `[B, C, H, W]`: attributes, then texture channels, over the background.
        depth: `[B, H, W]`: blended like a feature, `far` where nothing is seen.
        background_weight: `[B, H, W]`, in [0, 1]: the background's share of features and depth.
        face_id: int64 `[B, H, W]`: where blending is hard, the face that is seen, -1 for none.
    """

    alpha: Alpha
    features: Features | None = None
    depth: Alpha | None = None
    background_weight: Alpha | None = None
    face_id: Int64[Tensor, "B H W"] | None = None


@in_single_precision
def rasterize(
    face_vertices: FaceVertices | PackedFaceVertices,
    image_size: int | Sequence[int],
    distribution: Distribution | None = None,
    tau: float | Tensor | str = 1e-2,
    t_conorm: TNorm | None = None,
    *,
    attributes: Tensor | None = None,
    textures: FaceTextures | None = None,
    blend: str | None = None,
    gamma: float | Tensor = 1e-3,
    eps: float = 1e-3,
    background: Tensor | None = None,
    perspective: bool = True,
    face_ranges: Tensor | None = None,
    near: float = 1.0,
    far: float = 100.0,
    cull: str = "none",
    cutoff: float = 1e-6,
    backend: str = "auto",
    validate: bool = False,
) -> Raster:
    r"""Soft coverage, `alpha(pixel) = conorm_t F(d(pixel, t) / tau)`, and what the faces show, blended by depth.

    `d` is the signed Euclidean distance from the pixel's centre to the boundary of face `t`, positive inside; `F` the
    CDF of the chosen distribution; the T-conorm joins all faces, front and back facing alike unless culled. A squared
    distribution sees `|d| d / tau`. Pixel `(row, col)` has its centre at `x = (2 col + 1 - W) / H`,
    `y = (H - 1 - 2 row) / H`, so that lengths, `tau` among them, are in half image heights.

    Features and depth are `sum_t w_t c_t + w_b c_b` with `w_t ~ F(d / tau) exp(z_t / gamma)`,
    `z_t = (far - depth) / (far - near)`, and `w_b ~ exp(eps / gamma)` for the background. What a face shows, `c_t`, is
    interpolated between its corners at the pixel's barycentric coordinates, held to the triangle and corrected for
    perspective. `blend="hard"` shows the nearest face that covers the pixel instead, the one of lowest index among
    equals, whatever its probability; its gradients move what is seen, not which face is.

    Source: Petersen, *Learning with Differentiable Algorithms* (2022), chapter 5; the softmax over depth is that of
    Liu et al., "Soft Rasterizer" (ICCV 2019).

    Args:
        face_vertices: `[B, F, 3, 3]`, float32 or float64: NDC x (right) and y (up) in [-1, 1] over the image height,
            and depth. Any winding; degenerate faces count as segments or points, which have no inside. With
            `face_ranges` a packed list `[N, 3, 3]`.
        image_size: `H = W`, or `(H, W)`.
        distribution: `Logistic()` by default.
        tau: softness, a number, or a tensor `[]` or `[B]`; in [1e-30, 1e30]. "auto" makes edges one pixel wide, see
            `gendr.render.automatic_tau`.
        t_conorm: `Probabilistic()` by default.
        attributes: what the corners show, `[B, F, 3, C]`, or `[1, F, 3, C]` for all images; packed `[N, 3, C]`.
        textures: what the faces show of images, sampled within the blend; their channels follow the attributes'.
        blend: "soft" or "hard"; None is "soft" with attributes or textures, and coverage alone without.
        gamma: how much depth decides, in (0, inf), in shares of the way from far to near; small is sharp. Beyond
            [1e-30, 1e30] it counts as the nearer of the two.
        eps: the background's place on that way, 0 at far and 1 at near.
        background: `[C]`, `[B, C]` or `[B, C, H, W]`; zeros by default.
        perspective: False interpolates linearly in the image, as parallel projections do.
        face_ranges: int64 `[B, 2]` on the CPU, ascending: image i holds the faces `[begin, end)` of the packed list.
        near: a face takes part, in alpha and gradient alike, where all its depths lie in `[near, far]`. Faces that
            cross the near plane are cut by `gendr.render.clip_near`, before projection.
        far: see `near`.
        cull: "none", "back" (drop faces whose corners run clockwise in the image) or "front".
        cutoff: faces whose probability at a pixel is below it are skipped there. The sum of the generators moves by at
            most `F * cutoff`: alpha by no more than that for generators that are not steep at 0; for those that are
            (Yager, Aczel-Alsina and Dombi with p < 1, Hamacher with p > 1) the bound on the face's probability is
            tightened accordingly. 0 skips none that float can represent.
        backend: "cpu" or "cuda" (kernels), "reference" (plain torch, any order of derivative, any device), or "auto":
            the kernels of the device that holds `face_vertices`.
        validate: on a GPU, look for values that are not finite or out of range now, which waits for the device. Without
            it the kernels look, leave such faces out, and the next call raises. On the CPU they are always refused.

    Returns:
        A `Raster`. Differentiable in `face_vertices` (x and y through occlusion and through the barycentric
        coordinates; depth through the weights and the perspective), `tau`, `gamma`, attributes, texture coordinates and
        texels, the background, and in the distribution's shift and the T-conorm's `p` where they are tensors. The
        kernels give first derivatives in reverse mode, deterministically, the same bits for any number of threads.

    Raises:
        TypeError: an argument of the wrong kind.
        ValueError: a wrong shape, dtype or device, values that are not finite or out of range.

    >>> triangle = torch.tensor([[[[-0.5, -0.5, 2.0], [0.5, -0.5, 2.0], [0.0, 0.5, 2.0]]]])
    >>> rasterize(triangle, 4, tau=0.1).alpha[0, 2]
    tensor([0.0338, 0.7536, 0.7536, 0.0338])
    >>> colours = torch.eye(3)[None, None]  # red, green and blue at the corners
    >>> rasterize(triangle, 4, tau=0.1, attributes=colours).features[0, :, 2, 1]
    tensor([0.6250, 0.1250, 0.2500])
    """
    distribution = Logistic() if distribution is None else distribution
    t_conorm = Probabilistic() if t_conorm is None else t_conorm
    _check_kinds(distribution, t_conorm)
    ranges = _checked_faces(face_vertices, face_ranges)
    batch = face_vertices.shape[0] if ranges is None else len(ranges)
    if isinstance(t_conorm, Maximum) and face_vertices.shape[-3] >= 2**24:
        _check.fail(
            "face_vertices", "fewer than 2^24 faces for Maximum, whose winners float32 must number", face_vertices
        )
    height, width = image_height_width(image_size)
    if isinstance(tau, str) and tau == "auto":
        tau = automatic_tau(face_vertices, (height, width), distribution, t_conorm, face_ranges=ranges)
    scale = per_image("tau", tau, face_vertices, batch)
    _check.choice("cull", cull, CULLS)
    _check.number("cutoff", cutoff, 0.0, 0.5)
    _check.number("near", near)
    _check.number("far", far, near)
    chosen = _backend_of(backend, face_vertices)
    shift = scalar(distribution.shift, face_vertices)
    p = scalar(0.0 if t_conorm.p is None else t_conorm.p, face_vertices)
    options = coverage_options(distribution, t_conorm, height, width, near, far, cull, cutoff)
    surface = blending.checked(attributes, textures, blend, gamma, eps, perspective, face_vertices, ranges)
    if validate and chosen == "cuda":
        given = {"face_vertices": face_vertices, "tau": scale, "shift": shift, "p": p, **blending.values_of(surface)}
        _cuda.validate(**given, **({} if background is None else {"background": background}))
    if background is not None and (surface is None or (attributes is None and textures is None)):
        _check.fail("background", "attributes or textures to be drawn over it", "none of them")
    if chosen == "reference":
        limits = {"near": near, "far": far, "cutoff": cutoff, "cull": cull}
        alpha, record, face = reference_views(
            face_vertices, ranges, scale, height, width, distribution, t_conorm, surface, limits
        )
    elif surface is None:
        return Raster(_ops.coverage(face_vertices, scale, shift, p, options, ranges))
    else:
        alpha, record, state = blending.run(face_vertices, scale, shift, p, surface, options, ranges)
        face = state[..., 0].long() if surface.is_hard else None
    if surface is None or record is None:
        return Raster(alpha)
    features, depth, behind = blending.over_background(record, background, far)
    return Raster(alpha, features, depth, behind, face if surface.is_hard else None)


def coverage_options(
    distribution: Distribution,
    t_conorm: TNorm,
    height: int,
    width: int,
    near: float = 1.0,
    far: float = 100.0,
    cull: str = "none",
    cutoff: float = 1e-6,
) -> _ops.CoverageOptions:
    """The kernels' description of a renderer.

    >>> coverage_options(Logistic().squared(), Probabilistic(), 8, 8).is_squared
    True
    """
    return _ops.CoverageOptions(
        height=height,
        width=width,
        distribution=distribution.name,
        shape=0.0 if distribution.p is None else float(distribution.p),
        is_reversed=distribution.is_reversed,
        is_squared=distribution.is_squared,
        t_conorm=t_conorm.name,
        cutoff=float(cutoff),
        near=float(near),
        far=float(far),
        cull=CULLS.index(cull),
    )


def image_height_width(image_size: int | Sequence[int]) -> tuple[int, int]:
    """`(H, W)` from an int or a pair of positive ints.

    >>> image_height_width(64)
    (64, 64)
    """
    pair = (image_size, image_size) if isinstance(image_size, int) else tuple(image_size)
    if len(pair) != 2 or not all(isinstance(n, (int, torch.SymInt)) and n > 0 for n in pair):
        _check.fail("image_size", "a positive int, or a pair of them, (height, width)", image_size)
    if pair[0] * pair[1] >= 2**31:
        _check.fail("image_size", "fewer than 2^31 pixels", image_size)
    return pair[0], pair[1]


def scalar(value: float | Tensor, like: Tensor) -> Tensor:
    """A number as a tensor `[]` of the dtype and on the device of `like`; a tensor stays differentiable.

    >>> scalar(2, torch.zeros(1))
    tensor(2.)
    """
    if isinstance(value, Tensor):
        return value.to(like, non_blocking=True)
    return torch.full((), value, dtype=like.dtype, device=like.device)


def per_image(name: str, value: float | Tensor | str, like: Tensor, batch: int) -> Tensor:
    """A number or a tensor `[]` or `[B]` as a tensor `[B]`, of the dtype and on the device of `like`.

    >>> per_image("tau", 0.5, torch.zeros(1), 2)
    tensor([0.5000, 0.5000])
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, Tensor)):
        or_auto = ', or "auto"' if isinstance(value, str) else ""
        raise TypeError(f"{name}: expected a number or a tensor [] or [{batch}]{or_auto}, got {_check.describe(value)}")
    whole = scalar(value, like)
    if whole.ndim > 1 or (whole.ndim == 1 and whole.shape[0] not in (1, batch)):
        _check.fail(name, f"a number or a tensor [] or [{batch}]", value)
    return whole.expand(batch)


def _checked_faces(face_vertices: Tensor, face_ranges: Tensor | None) -> Tensor | None:
    if face_ranges is None:
        _check.tensor("face_vertices", face_vertices, ["B", "F", 3, 3])
        return None
    _check.tensor("face_vertices", face_vertices, ["N", 3, 3])
    if not torch.compiler.is_compiling():  # then the operators, which see values, are the ones to look
        _ops.most_faces(face_ranges, len(face_vertices))
    return face_ranges.contiguous()


def _check_kinds(distribution: object, t_conorm: object) -> None:
    if not isinstance(distribution, Distribution):
        raise TypeError(f"distribution: expected a gendr distribution, got {_check.describe(distribution)}")
    if not isinstance(t_conorm, TNorm):
        raise TypeError(f"t_conorm: expected a gendr T-conorm, got {_check.describe(t_conorm)}")


def _backend_of(backend: str, face_vertices: Tensor) -> str:
    _check.choice("backend", backend, BACKENDS)
    device = face_vertices.device.type
    if backend == "reference":
        return backend
    if device == "cuda" and backend != "cpu":
        _cuda.require(face_vertices.device)
        return "cuda"
    if device not in ("cpu", "meta") or backend == "cuda":
        wanted = "a CUDA device" if backend == "cuda" else "the CPU"
        raise ValueError(
            f"face_vertices: expected a tensor on {wanted}, got one on {face_vertices.device}; move it, or use "
            "backend='reference'"
        )
    return "cpu"
