"""Coverage: alpha of every pixel, and its gradients."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from gendr import _check, _kernels
from gendr._ops.face_ranges import most_faces
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
from gendr._threads import get_num_threads

DISTRIBUTIONS: list[str] = _kernels.distribution_names()
T_CONORMS: list[str] = _kernels.t_conorm_names()


class CoverageOptions(NamedTuple):
    """What a call fixes besides its tensors, in the order of the operators' schema."""

    height: int
    width: int
    distribution: str
    shape: float  # of the distribution, 0 where it has none
    is_reversed: bool
    is_squared: bool
    t_conorm: str
    cutoff: float
    near: float
    far: float
    cull: int  # 0 none, 1 back, 2 front


OPTIONS = (
    "SymInt height, SymInt width, str distribution, float shape, bool is_reversed, bool is_squared, "
    "str t_conorm, float cutoff, float near, float far, int cull"
)
_INPUTS = "Tensor face_vertices, Tensor tau, Tensor shift, Tensor p, Tensor? face_ranges"


def coverage(
    face_vertices: Tensor,
    tau: Tensor,
    shift: Tensor,
    p: Tensor,
    options: CoverageOptions,
    face_ranges: Tensor | None = None,
) -> Tensor:
    """Alpha of every pixel, `[B, H, W]`; differentiable once in the first four tensors.

    Args:
        face_vertices: `[B, F, 3, 3]`, float32 or float64, on the CPU; with `face_ranges` `[N, 3, 3]`.
        tau: `[B]`, the scale of each image.
        shift: `[]`, of the distribution.
        p: `[]`, the T-conorm's parameter; ignored where it has none.
        options: everything else.
        face_ranges: int64 `[B, 2]` on the CPU: image i holds the faces `[begin, end)` of a packed list.
    """
    outputs: tuple[Tensor, Tensor] = Coverage.apply(face_vertices, tau, shift, p, face_ranges, options)  # type: ignore[no-untyped-call]
    return outputs[0]


def count_pairs(face_vertices: Tensor, tau: Tensor, shift: Tensor, p: Tensor, options: CoverageOptions) -> int:
    """Pixel-face pairs that `coverage` visits: the unit of the speed table."""
    points = face_vertices.detach().to(torch.float32).contiguous()
    scale = tau.detach().to(torch.float64).contiguous()
    return _kernels.count_pairs(settings_of(points, tau, shift, p, None, options), points.data_ptr(), scale.data_ptr())


def settings_of(
    face_vertices: Tensor,
    tau: Tensor,
    shift: Tensor,
    p: Tensor,
    face_ranges: Tensor | None,
    options: CoverageOptions,
) -> _kernels.CoverageSettings:
    """The kernels' form of a call. It holds the address of `face_ranges`, which must outlive it.

    Raises:
        ValueError: `face_ranges` are not ascending ranges within the faces, contiguous in memory.
    """
    if face_ranges is not None and not face_ranges.is_contiguous():
        _check.fail("face_ranges", "a contiguous tensor", face_ranges)
    faces = face_vertices.shape[1] if face_ranges is None else most_faces(face_ranges, len(face_vertices))
    return _kernels.CoverageSettings(
        distribution=DISTRIBUTIONS.index(options.distribution),
        shape=options.shape,
        shift=shift.item(),
        is_reversed=options.is_reversed,
        is_squared=options.is_squared,
        t_conorm=T_CONORMS.index(options.t_conorm),
        p=p.item(),
        cutoff=options.cutoff,
        near=options.near,
        far=options.far,
        cull=options.cull,
        batch=tau.shape[0],
        faces=faces,
        height=options.height,
        width=options.width,
        face_ranges=0 if face_ranges is None else face_ranges.data_ptr(),
    )


def validated(face_vertices: Tensor, tau: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
    """The tensors as the kernels read them: contiguous, tau in double; refused where a kernel could not answer."""
    points, scale = face_vertices.contiguous(), tau.to(torch.float64).contiguous()
    require_finite("face_vertices", points)
    require_in("tau", scale, 1e-30, 1e30)
    require_in("shift", shift, -1e6, 1e6)
    return points, scale


def _coverage_cpu(
    face_vertices: Tensor, tau: Tensor, shift: Tensor, p: Tensor, face_ranges: Tensor | None, *raw: Any
) -> tuple[Tensor, Tensor]:
    options = CoverageOptions(*raw)
    points, scale = validated(face_vertices, tau, shift)
    alpha = points.new_empty(scale.shape[0], options.height, options.width)
    state = torch.empty_like(alpha)
    settings = settings_of(points, scale, shift, p, face_ranges, options)
    addresses = [t.data_ptr() for t in (points, scale, alpha, state)]
    kernel("coverage_forward", points.dtype)(settings, *addresses, get_num_threads())
    return alpha, state


def _coverage_backward_cpu(
    grad_alpha: Tensor,
    state: Tensor,
    wants_p: bool,
    face_vertices: Tensor,
    tau: Tensor,
    shift: Tensor,
    p: Tensor,
    face_ranges: Tensor | None,
    *raw: Any,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    points, scale = face_vertices.contiguous(), tau.to(torch.float64).contiguous()
    incoming, sums = grad_alpha.contiguous(), state.contiguous()
    require_finite("grad_alpha", incoming)
    grad_points = empty_gradient(points, face_ranges)
    grad_tau = torch.empty_like(scale)
    grad_shift, grad_p = torch.zeros(2, 1, dtype=torch.float64).unbind()
    settings = settings_of(points, scale, shift, p, face_ranges, CoverageOptions(*raw))
    tensors = (points, scale, sums, incoming, grad_points, grad_tau, grad_shift, grad_p)
    addresses = [t.data_ptr() for t in tensors]
    kernel("coverage_backward", points.dtype)(settings, *addresses, wants_p, get_num_threads())
    return grad_points, within(grad_tau, tau), within(grad_shift[0], shift), within(grad_p[0], p)


def empty_gradient(like: Tensor, face_ranges: Tensor | None) -> Tensor:
    """Room for a gradient that a kernel writes whole, or, for packed faces, but for those of no image."""
    return torch.empty_like(like) if face_ranges is None else torch.zeros_like(like)


def _coverage_fake(
    face_vertices: Tensor, tau: Tensor, shift: Tensor, p: Tensor, face_ranges: Tensor | None, *raw: Any
) -> tuple[Tensor, Tensor]:
    options = CoverageOptions(*raw)
    alpha = face_vertices.new_empty(tau.shape[0], options.height, options.width)
    return alpha, torch.empty_like(alpha)


def _coverage_backward_fake(
    grad_alpha: Tensor,
    state: Tensor,
    wants_p: bool,
    face_vertices: Tensor,
    tau: Tensor,
    shift: Tensor,
    p: Tensor,
    *raw: Any,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    points = torch.empty_like(face_vertices, memory_format=torch.contiguous_format)
    return points, tau.new_empty(tau.shape), shift.new_empty(()), p.new_empty(())


_coverage = Operator(f"coverage({_INPUTS}, {OPTIONS}) -> (Tensor, Tensor)", _coverage_cpu, _coverage_fake)
_coverage_backward = Operator(
    f"coverage_backward(Tensor grad_alpha, Tensor state, bool wants_p, {_INPUTS}, {OPTIONS}) "
    "-> (Tensor, Tensor, Tensor, Tensor)",
    _coverage_backward_cpu,
    _coverage_backward_fake,
)
_FirstDerivatives = differentiate_once(_coverage_backward)


class Coverage(torch.autograd.Function):
    """Forward and backward operator joined: first derivatives, in reverse mode."""

    @staticmethod
    @with_signature
    def forward(
        face_vertices: Tensor,
        tau: Tensor,
        shift: Tensor,
        p: Tensor,
        face_ranges: Tensor | None,
        options: CoverageOptions,
    ) -> tuple[Tensor, Tensor]:
        """Call the operator."""
        alpha, state = _coverage(face_vertices, tau, shift, p, face_ranges, *options)
        return alpha, state

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        """Keep the inputs and one number per pixel: the backward pass recomputes the rest."""
        *tensors, ctx.options = inputs
        ctx.save_for_backward(output[1], *tensors)
        ctx.mark_non_differentiable(output[1])

    @staticmethod
    def backward(ctx: Any, grad_alpha: Tensor, _grad_state: Tensor) -> tuple[Any, ...]:
        """Call the backward operator, so that differentiating its result raises."""
        state, *tensors = ctx.saved_tensors
        call = _coverage_backward if derives_once() else _FirstDerivatives.apply
        grads = call(grad_alpha, state, ctx.needs_input_grad[3], *tensors, *ctx.options)
        return *grads, None, None

    @staticmethod
    def vmap(
        info: Any,
        in_dims: tuple[Any, ...],
        face_vertices: Tensor,
        tau: Tensor,
        shift: Tensor,
        p: Tensor,
        face_ranges: Tensor | None,
        options: Any,
    ) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
        """Fold the mapped dimension into the batch, or call once an element where something shared is mapped."""
        if face_ranges is not None or in_dims[2] is not None or in_dims[3] is not None:
            inputs = (face_vertices, tau, shift, p, face_ranges, options)
            return each_element(Coverage.apply, info.batch_size, (*in_dims[:5], None), inputs)  # type: ignore[no-any-return]
        faces, scale = (
            _folded(tensor, dim, info.batch_size) for tensor, dim in zip((face_vertices, tau), in_dims, strict=False)
        )
        outputs = Coverage.apply(faces, scale, shift, p, None, options)  # type: ignore[no-untyped-call]
        return tuple(out.reshape(info.batch_size, -1, *out.shape[1:]) for out in outputs), (0, 0)


def _folded(tensor: Tensor, dim: int | None, size: int) -> Tensor:
    """The mapped dimension, or one of `size` repetitions, joined with the batch."""
    mapped = tensor.expand(size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
    return mapped.reshape(size * mapped.shape[1], *mapped.shape[2:])


def _backward_vmap(info: Any, in_dims: tuple[Any, ...], *args: Any) -> Any:
    dims = tuple(in_dims) + (None,) * (len(args) - len(in_dims))
    return each_element(_FirstDerivatives.apply, info.batch_size, dims, args)


_coverage_backward.batch(_backward_vmap)
