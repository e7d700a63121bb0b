"""What faces show over a pixel: arguments checked, kernels called, the background put behind."""

from __future__ import annotations

import torch
from torch import Tensor

from gendr import _check, _ops
from gendr.render.reference_blend import COVERS_FROM, Surface
from gendr.render.texture import FaceTextures
from gendr.render.texture_wraps import WRAPS

BLENDS = ("soft", "hard")
GAMMAS = (1e-30, 1e30)  # sharper than the one, and blunter than the other, nothing changes any more


def checked(
    attributes: Tensor | None,
    textures: FaceTextures | None,
    blend: str | None,
    gamma: float | Tensor,
    eps: float,
    perspective: bool,
    face_vertices: Tensor,
    face_ranges: Tensor | None,
) -> Surface | None:
    """What is to be blended, or None where only coverage is asked for.

    Raises:
        TypeError, ValueError: as `gendr.rasterize` says.

    >>> checked(None, None, None, 1e-3, 0.0, True, torch.zeros(1, 2, 3, 3), None) is None
    True
    """
    if blend is not None:
        _check.choice("blend", blend, BLENDS)
    if attributes is None and textures is None and blend is None:
        return None
    if attributes is not None:
        _check_attributes(attributes, face_vertices, face_ranges)
    if textures is not None:
        _check_textures(textures, face_vertices)
    if face_vertices.shape[-3] >= 2**24 and blend == "hard":
        _check.fail("face_vertices", "fewer than 2^24 faces, which float32 must number", face_vertices)
    if not isinstance(perspective, bool):
        raise TypeError(f"perspective: expected True or False, got {_check.describe(perspective)}")
    eps = _check.number("eps", eps, -1e6, 1e6)
    if isinstance(gamma, bool) or not isinstance(gamma, (int, float, Tensor)):
        raise TypeError(f"gamma: expected a number or a tensor [], got {_check.describe(gamma)}")
    if isinstance(gamma, Tensor):
        _check.tensor("gamma", gamma, [])
        is_sound = (gamma > 0) & torch.isfinite(gamma)  # the kernels refuse others
        sharpness = torch.where(is_sound, gamma.clamp(*GAMMAS), gamma).to(face_vertices.dtype)
    else:
        held = min(max(_check.number("gamma", gamma, 0.0, open_low=True), GAMMAS[0]), GAMMAS[1])
        sharpness = torch.full((), held, dtype=face_vertices.dtype, device=face_vertices.device)
    return Surface(attributes, textures, sharpness, eps, blend == "hard", perspective)


def values_of(surface: Surface | None) -> dict[str, Tensor]:
    """The tensors that a surface brings, by the names that errors call them.

    >>> values_of(checked(None, None, "soft", 1e-3, 0.0, True, torch.zeros(1, 2, 3, 3), None))
    {'gamma': tensor(0.0010)}
    """
    if surface is None:
        return {}
    textures = surface.textures
    given = {
        "gamma": surface.gamma,
        "attributes": surface.attributes,
        "uvs": None if textures is None else textures.uvs,
        "texels": None if textures is None else textures.texels,
    }
    return {name: value for name, value in given.items() if value is not None}


def run(
    face_vertices: Tensor,
    tau: Tensor,
    shift: Tensor,
    p: Tensor,
    surface: Surface,
    options: _ops.CoverageOptions,
    face_ranges: Tensor | None,
) -> _ops.Blended:
    """The kernels: alpha, the record of background weight, depth and features, and the state.

    Hard blending is geometry: which face covers a pixel has nothing to do with how likely the distribution finds that.
    (One whose mass lies inside, as `Exponential`, gives a pixel on an edge to neither neighbour.) So the occlusion
    that hard records are made with is always the same, of a reach just beyond `COVERS_FROM`.
    """
    textures = surface.textures
    tensors = _ops.SurfaceTensors(surface.attributes)
    if textures is not None:
        uvs = textures.uvs[0] if face_ranges is not None else textures.uvs
        tensors = _ops.SurfaceTensors(surface.attributes, uvs, textures.texels, textures.maps, textures.map_of_face)
    wrap = 0 if textures is None else WRAPS.index(textures.wrap)
    how = _ops.BlendOptions(surface.is_hard, surface.is_perspective, surface.eps, wrap)
    if not surface.is_hard:
        return _ops.blend(face_vertices, tau, shift, p, surface.gamma, tensors, how, options, face_ranges)
    alpha = _ops.coverage(face_vertices, tau, shift, p, options, face_ranges)
    covering = options._replace(
        distribution="uniform", shape=0.0, is_reversed=False, is_squared=False, t_conorm="average", cutoff=0.0
    )
    reach = torch.full_like(tau, -2 * COVERS_FROM)
    numbers = (torch.zeros_like(shift), torch.zeros_like(p))  # two tensors: compilers do not take the same one twice
    seen = _ops.blend(face_vertices, reach, *numbers, surface.gamma, tensors, how, covering, face_ranges)
    return seen._replace(alpha=alpha)


def over_background(record: Tensor, background: Tensor | None, far: float) -> tuple[Tensor | None, Tensor, Tensor]:
    """Features `[B, C, H, W]` (None for no channels), depth and the background's weight `[B, H, W]`.

    Args:
        record: `[B, H, W, 2 + C]`: weight of the background, and the faces' own sums of depth and features.
        background: `[C]`, `[B, C]`, `[B, C, H, W]` or None for zeros.
        far: the background's depth.

    Raises:
        TypeError, ValueError: a background of another shape or dtype.

    >>> record = torch.tensor([[[[0.5, 1.0, 0.2]]]])
    >>> features, depth, weight = over_background(record, torch.tensor([0.4]), 10.0)
    >>> features.item(), depth.item()
    (0.4000000059604645, 6.0)
    """
    weight, depth = record[..., 0], record[..., 1]
    channels = record.shape[-1] - 2
    features = record[..., 2:].permute(0, 3, 1, 2) if channels else None
    if background is not None:
        behind = _background(background, record, channels)
        if features is not None:
            features = features + weight[:, None] * behind
    return features, depth + weight * far, weight


def _background(background: Tensor, record: Tensor, channels: int) -> Tensor:
    batch, height, width = record.shape[:3]
    shapes = {1: [channels], 2: [batch, channels], 4: [batch, channels, height, width]}
    if not isinstance(background, Tensor) or background.ndim not in shapes:
        wanted = f"a tensor [{channels}], [{batch}, {channels}] or [{batch}, {channels}, {height}, {width}]"
        _check.fail("background", wanted, _check.describe(background))
    _check.tensor("background", background, shapes[background.ndim], [record.dtype])
    if background.device != record.device:
        _check.fail("background", f"the device of the faces, {record.device}", str(background.device))
    sound = _ops.finite("background", background)
    if sound.ndim == 4:
        return sound
    return sound[..., None, None] if sound.ndim == 2 else sound[None, :, None, None]


def _check_attributes(attributes: Tensor, face_vertices: Tensor, face_ranges: Tensor | None) -> None:
    batch, faces = face_vertices.shape[0], face_vertices.shape[-3]
    if face_ranges is not None:
        _check.tensor("attributes", attributes, [faces, 3, "C"], [face_vertices.dtype])
    else:
        _check.tensor("attributes", attributes, ["B", faces, 3, "C"], [face_vertices.dtype])
        if attributes.shape[0] not in (1, batch):
            _check.fail("attributes", f"[{batch}, {faces}, 3, C] or [1, {faces}, 3, C]", attributes)
    if attributes.device != face_vertices.device:
        _check.fail("attributes", f"the device of the faces, {face_vertices.device}", str(attributes.device))


def _check_textures(textures: object, face_vertices: Tensor) -> None:
    if not isinstance(textures, FaceTextures):
        raise TypeError(f"textures: expected FaceTextures, got {_check.describe(textures)}")
    batch = face_vertices.shape[0] if face_vertices.ndim == 4 else 1
    if textures.n_faces != face_vertices.shape[-3] or textures.uvs.shape[0] not in (1, batch):
        wanted = f"coordinates [{batch} or 1, {face_vertices.shape[-3]}, 3, 2]"
        _check.fail("textures", wanted, textures.uvs)
    if textures.uvs.dtype != face_vertices.dtype or textures.uvs.device != face_vertices.device:
        wanted = f"{_check.dtype_name(face_vertices.dtype)} on {face_vertices.device}, like the faces"
        _check.fail("textures", wanted, f"{_check.dtype_name(textures.uvs.dtype)} on {textures.uvs.device}")
