"""Blending together with coverage: alpha, depth and features of every pixel, and their gradients."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from gendr import _kernels
from gendr._ops.coverage import OPTIONS, CoverageOptions, empty_gradient, settings_of, validated
from gendr._ops.library import (
    Operator,
    derives_once,
    differentiate_once,
    each_element,
    kernel,
    require_finite,
    require_in,
    with_signature,
    within,
)
from gendr._ops.texture_maps import require_maps
from gendr._threads import get_num_threads


class BlendOptions(NamedTuple):
    """What blending fixes besides its tensors and `CoverageOptions`, in the order of the operators' schema."""

    is_hard: bool
    is_perspective: bool
    eps: float
    wrap: int  # of texture coordinates: 0 repeat, 1 clamp, 2 mirror


class SurfaceTensors(NamedTuple):
    """What faces show. Shapes as in `gendr.rasterize`; a leading batch of 1 is shared by all images."""

    attributes: Tensor | None = None
    uvs: Tensor | None = None
    texels: Tensor | None = None
    maps: Tensor | None = None
    map_of_face: Tensor | None = None


class Blended(NamedTuple):
    """What the operator gives: alpha `[B, H, W]`; the record `[B, H, W, 2 + C]` of background weight, depth, features.

    Depth and features are sums over the faces alone. `state` `[B, H, W, 2]` is the backward pass's; where blending is
    hard, `state[..., 0]` is the nearest face, -1 for none.
    """

    alpha: Tensor
    record: Tensor
    state: Tensor


_INPUTS = (
    "Tensor face_vertices, Tensor tau, Tensor shift, Tensor p, Tensor gamma, Tensor? attributes, Tensor? uvs, "
    "Tensor? texels, Tensor? maps, Tensor? map_of_face, Tensor? face_ranges"
)
_TENSORS = 11  # of _INPUTS
_OPTIONS = f"bool is_hard, bool is_perspective, float eps, int wrap, {OPTIONS}"


def blend(
    face_vertices: Tensor,
    tau: Tensor,
    shift: Tensor,
    p: Tensor,
    gamma: Tensor,
    surface: SurfaceTensors,
    blend_options: BlendOptions,
    options: CoverageOptions,
    face_ranges: Tensor | None = None,
) -> Blended:
    """Coverage, depth and features; differentiable once in all floating-point tensors.

    Args:
        face_vertices: `[B, F, 3, 3]`, float32 or float64, on the CPU; with `face_ranges` `[N, 3, 3]`.
        tau: `[B]`, the scale of each image.
        shift: `[]`, of the distribution.
        p: `[]`, the T-conorm's parameter; ignored where it has none.
        gamma: `[]`, sharpness of the blend in depth.
        surface: what is blended.
        blend_options: how.
        options: coverage.
        face_ranges: as for `coverage`.
    """
    inputs = (face_vertices, tau, shift, p, gamma, *surface, face_ranges)
    alpha, _, record, state = Blend.apply(*inputs, (*blend_options, *options))  # type: ignore[no-untyped-call]
    return Blended(alpha, record, state)


def _settings(surface: SurfaceTensors, gamma: Tensor, options: BlendOptions, batch: int) -> _kernels.BlendSettings:
    attributes, uvs, texels, maps, _ = surface
    return _kernels.BlendSettings(
        is_hard=options.is_hard,
        is_perspective=options.is_perspective,
        gamma=gamma.item(),
        eps=options.eps,
        attribute_channels=0 if attributes is None else attributes.shape[-1],
        texture_channels=0 if texels is None else texels.shape[-1],
        shared_attributes=_is_shared(attributes),
        shared_uvs=_is_shared(uvs),
        texels=0 if texels is None else texels.shape[0],
        maps=0 if maps is None else maps.shape[0],
        wrap=options.wrap,
    )


def _is_shared(per_face: Tensor | None) -> bool:
    return per_face is not None and per_face.ndim == 4 and per_face.shape[0] == 1


def _address(tensor: Tensor | None) -> int:
    return 0 if tensor is None else tensor.data_ptr()


def _contiguous(surface: SurfaceTensors) -> SurfaceTensors:
    return SurfaceTensors(*(None if t is None else t.contiguous() for t in surface))


def _channels(attributes: Tensor | None, texels: Tensor | None) -> int:
    return 2 + sum(t.shape[-1] for t in (attributes, texels) if t is not None)


def _blend_cpu(*args: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    face_vertices, tau, shift, p, gamma, *per_face, face_ranges = args[:_TENSORS]
    how, options = _options(args[_TENSORS:])
    points, scale = validated(face_vertices, tau, shift)
    surface = _contiguous(SurfaceTensors(*per_face))
    require_in("gamma", gamma, 1e-30, 1e30)
    for name, value in zip(("attributes", "uvs", "texels"), surface, strict=False):
        if value is not None:
            require_finite(name, value)
    if surface.texels is not None and surface.maps is not None and surface.map_of_face is not None:
        require_maps(surface.maps, surface.map_of_face, surface.texels.shape[0])
    batch = scale.shape[0]
    alpha = points.new_empty(batch, options.height, options.width)
    sums = torch.empty_like(alpha)
    record = points.new_empty(*alpha.shape, _channels(surface.attributes, surface.texels))
    state = points.new_empty(*alpha.shape, 2)
    outputs = [_address(t) for t in (points, scale, alpha, sums, record, state)]
    kernel("blend_forward", points.dtype)(
        settings_of(points, scale, shift, p, face_ranges, options),
        _settings(surface, gamma, how, batch),
        [_address(t) for t in surface],
        outputs,
        get_num_threads(),
    )
    return alpha, sums, record, state


def _blend_backward_cpu(
    grad_alpha: Tensor,
    grad_record: Tensor,
    sums: Tensor,
    record: Tensor,
    state: Tensor,
    wants_p: bool,
    wants_gamma: bool,
    wants_texels: bool,
    *args: Any,
) -> tuple[Tensor, ...]:
    face_vertices, tau, shift, p, gamma, *per_face, face_ranges = args[:_TENSORS]
    how, options = _options(args[_TENSORS:])
    points, scale = face_vertices.contiguous(), tau.to(torch.float64).contiguous()
    surface = _contiguous(SurfaceTensors(*per_face))
    incoming = [t.contiguous() for t in (sums, grad_alpha, record, state, grad_record)]
    require_finite("grad_alpha", incoming[1])
    require_finite("the gradient of depth and features", incoming[4])
    batch = scale.shape[0]
    grad_points = empty_gradient(points, face_ranges)
    grad_tau = torch.empty_like(scale)
    grad_shift, grad_p, grad_gamma = torch.zeros(3, 1, dtype=torch.float64).unbind()
    grad_attributes = _room(surface.attributes, batch, face_ranges)
    grad_uvs = _room(surface.uvs, batch, face_ranges)
    grad_texels = torch.zeros_like(surface.texels) if wants_texels and surface.texels is not None else None
    outputs = (grad_points, grad_tau, grad_shift, grad_p, grad_attributes, grad_uvs, grad_texels, grad_gamma)
    kernel("blend_backward", points.dtype)(
        settings_of(points, scale, shift, p, face_ranges, options),
        _settings(surface, gamma, how, batch),
        [_address(t) for t in surface],
        [_address(t) for t in (points, scale, *incoming, *outputs)],
        wants_p,
        wants_gamma,
        get_num_threads(),
    )
    return (
        grad_points,
        within(grad_tau, tau),
        within(grad_shift[0], shift),
        within(grad_p[0], p),
        within(grad_gamma[0], gamma),
        _summed(grad_attributes, surface.attributes, points),
        _summed(grad_uvs, surface.uvs, points),
        points.new_empty(0) if grad_texels is None else grad_texels,
    )


def _room(like: Tensor | None, batch: int, face_ranges: Tensor | None) -> Tensor | None:
    if like is None:
        return None
    return empty_gradient(like.expand(batch, *like.shape[1:]) if _is_shared(like) else like, face_ranges).contiguous()


def _summed(gradient: Tensor | None, like: Tensor | None, fallback: Tensor) -> Tensor:
    """Over the images that shared it. Absent tensors have gradients without elements."""
    if gradient is None or like is None:
        return fallback.new_empty(0)
    return gradient.sum(0, keepdim=True) if _is_shared(like) else gradient


def _options(raw: tuple[Any, ...]) -> tuple[BlendOptions, CoverageOptions]:
    split = len(BlendOptions._fields)
    return BlendOptions(*raw[:split]), CoverageOptions(*raw[split:])


def _blend_fake(*args: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    face_vertices, tau, attributes, texels = args[0], args[1], args[5], args[7]
    _, options = _options(args[_TENSORS:])
    alpha = face_vertices.new_empty(tau.shape[0], options.height, options.width)
    record = alpha.new_empty(*alpha.shape, _channels(attributes, texels))
    return alpha, torch.empty_like(alpha), record, alpha.new_empty(*alpha.shape, 2)


def _blend_backward_fake(*args: Any) -> tuple[Tensor, ...]:
    face_vertices, tau, shift, p, gamma, attributes, uvs, texels = args[8:16]
    whole = [
        face_vertices.new_empty(0)
        if t is None or not wanted
        else torch.empty_like(t, memory_format=torch.contiguous_format)
        for t, wanted in ((face_vertices, True), (attributes, True), (uvs, True), (texels, args[7]))
    ]
    numbers = [t.new_empty(t.shape) for t in (tau, shift, p, gamma)]
    return whole[0], *numbers, *whole[1:]


_blend = Operator(f"blend({_INPUTS}, {_OPTIONS}) -> (Tensor, Tensor, Tensor, Tensor)", _blend_cpu, _blend_fake)
_blend_backward = Operator(
    "blend_backward(Tensor grad_alpha, Tensor grad_record, Tensor sums, Tensor record, Tensor state, bool wants_p, "
    f"bool wants_gamma, bool wants_texels, {_INPUTS}, {_OPTIONS}) "
    "-> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)",
    _blend_backward_cpu,
    _blend_backward_fake,
)
_FirstDerivatives = differentiate_once(_blend_backward)


class Blend(torch.autograd.Function):
    """Forward and backward operator joined: first derivatives, in reverse mode."""

    @staticmethod
    @with_signature
    def forward(  # each argument by name: compilers do not take a variable number
        face_vertices: Tensor,
        tau: Tensor,
        shift: Tensor,
        p: Tensor,
        gamma: Tensor,
        attributes: Tensor | None,
        uvs: Tensor | None,
        texels: Tensor | None,
        maps: Tensor | None,
        map_of_face: Tensor | None,
        face_ranges: Tensor | None,
        options: tuple[Any, ...],
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Call the operator."""
        surface = (attributes, uvs, texels, maps, map_of_face)
        outputs: tuple[Tensor, Tensor, Tensor, Tensor] = _blend(
            face_vertices, tau, shift, p, gamma, *surface, face_ranges, *options
        )
        return outputs

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        """Keep the inputs and the pixels' numbers: the backward pass recomputes the rest."""
        *tensors, ctx.options = inputs
        _, sums, record, state = output
        ctx.save_for_backward(sums, record, state, *tensors)
        ctx.mark_non_differentiable(sums, state)

    @staticmethod
    def backward(
        ctx: Any, grad_alpha: Tensor, _grad_sums: Tensor, grad_record: Tensor, _grad_state: Tensor
    ) -> tuple[Any, ...]:
        """Call the backward operator, so that differentiating its result raises."""
        sums, record, state, *tensors = ctx.saved_tensors
        wanted = tuple(ctx.needs_input_grad[i] for i in (3, 4, 7))  # p, gamma, texels
        call = _blend_backward if derives_once() else _FirstDerivatives.apply
        grads = call(grad_alpha, grad_record, sums, record, state, *wanted, *tensors, *ctx.options)
        needed = [g if need else None for g, need in zip(grads, ctx.needs_input_grad, strict=False)]
        return *needed, None, None, None, None

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], *args: Any) -> Any:
        """Call once an element: what the images share may be mapped or not."""
        return each_element(Blend.apply, info.batch_size, (*in_dims[:_TENSORS], None), args)


def _backward_vmap(info: Any, in_dims: tuple[Any, ...], *args: Any) -> Any:
    dims = tuple(in_dims) + (None,) * (len(args) - len(in_dims))
    return each_element(_FirstDerivatives.apply, info.batch_size, dims, args)


_blend_backward.batch(_backward_vmap)
