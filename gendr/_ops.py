"""The kernels as torch operators: checks at run time, fake kernels, one autograd function, vmap rules.

`coverage` is what `gendr.rasterize` calls. The operators themselves (`torch.ops.gendr.*`) are not differentiable and
say so when asked; `Coverage` is the one place where forward and backward meet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gendr import _check, _kernels
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


_OPTIONS = (
    "SymInt height, SymInt width, str distribution, float shape, bool is_reversed, bool is_squared, "
    "str t_conorm, float cutoff, float near, float far, int cull"
)
_library = torch.library.Library("gendr", "DEF")
_library.define(f"coverage(Tensor face_vertices, Tensor tau, Tensor shift, Tensor p, {_OPTIONS}) -> (Tensor, Tensor)")
_library.define(
    "coverage_backward(Tensor grad_alpha, Tensor face_vertices, Tensor tau, Tensor shift, Tensor p, Tensor state, "
    f"bool wants_p, {_OPTIONS}) -> (Tensor, Tensor, Tensor, Tensor)"
)


def coverage(face_vertices: Tensor, tau: Tensor, shift: Tensor, p: Tensor, options: CoverageOptions) -> Tensor:
    """Alpha of every pixel, `[B, H, W]`; differentiable once in all four tensors.

    Args:
        face_vertices: `[B, F, 3, 3]`, float32 or float64, on the CPU.
        tau: `[B]`, the scale of each image.
        shift: `[]`, of the distribution.
        p: `[]`, the T-conorm's parameter; ignored where it has none.
        options: everything else.
    """
    outputs: tuple[Tensor, Tensor] = Coverage.apply(face_vertices, tau, shift, p, options)  # type: ignore[no-untyped-call]
    return outputs[0]


def count_pairs(face_vertices: Tensor, tau: Tensor, shift: Tensor, p: Tensor, options: CoverageOptions) -> int:
    """Pixel-face pairs that `coverage` visits: the unit of the speed table."""
    points = face_vertices.detach().to(torch.float32).contiguous()
    scale = tau.detach().to(torch.float64).contiguous()
    return _kernels.count_pairs(_settings(points, shift, p, options), points.data_ptr(), scale.data_ptr())


def _settings(face_vertices: Tensor, shift: Tensor, p: Tensor, options: CoverageOptions) -> _kernels.CoverageSettings:
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
        batch=face_vertices.shape[0],
        faces=face_vertices.shape[1],
        height=options.height,
        width=options.width,
    )


def _require_finite(name: str, value: Tensor) -> None:
    first = getattr(_kernels, f"first_not_finite_{_check.dtype_name(value.dtype)}")(value.data_ptr(), value.numel())
    if first >= 0:
        index = [int(i) for i in torch.unravel_index(torch.tensor(first), value.shape)]
        raise ValueError(f"{name}: expected finite values, got {value.flatten()[first].item()} at {index}")


def _require_in(name: str, value: Tensor, low: float, high: float) -> None:
    rounding = 1 + 1e-6  # 1e30 in float32 is a little more
    inside = (value >= (low * rounding if low < 0 else low / rounding)) & (value <= high * rounding)
    if not bool(inside.all()):
        worst = value[~inside].flatten()[0].item()
        raise ValueError(f"{name}: expected values in [{low:g}, {high:g}], got {worst:g}")


def _validated(face_vertices: Tensor, tau: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
    """The tensors as the kernels read them: contiguous, tau in double; refused where a kernel could not answer."""
    points, scale = face_vertices.contiguous(), tau.to(torch.float64).contiguous()
    _require_finite("face_vertices", points)
    _require_in("tau", scale, 1e-30, 1e30)
    _require_in("shift", shift, -1e6, 1e6)
    return points, scale


def _coverage_cpu(face_vertices: Tensor, tau: Tensor, shift: Tensor, p: Tensor, *raw: Any) -> tuple[Tensor, Tensor]:
    options = CoverageOptions(*raw)
    points, scale = _validated(face_vertices, tau, shift)
    alpha = points.new_empty(points.shape[0], options.height, options.width)
    state = torch.empty_like(alpha)
    kernel = getattr(_kernels, f"coverage_forward_{_check.dtype_name(points.dtype)}")
    settings = _settings(points, shift, p, options)
    addresses = [t.data_ptr() for t in (points, scale, alpha, state)]
    kernel(settings, *addresses, get_num_threads())
    return alpha, state


def _coverage_backward_cpu(
    grad_alpha: Tensor,
    face_vertices: Tensor,
    tau: Tensor,
    shift: Tensor,
    p: Tensor,
    state: Tensor,
    wants_p: bool,
    *raw: Any,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    points, scale = face_vertices.contiguous(), tau.to(torch.float64).contiguous()
    incoming, sums = grad_alpha.contiguous(), state.contiguous()
    _require_finite("grad_alpha", incoming)
    grad_points = torch.empty_like(points)
    grad_tau = torch.empty_like(scale)
    grad_shift, grad_p = torch.zeros(2, 1, dtype=torch.float64).unbind()
    kernel = getattr(_kernels, f"coverage_backward_{_check.dtype_name(points.dtype)}")
    settings = _settings(points, shift, p, CoverageOptions(*raw))
    tensors = (points, scale, sums, incoming, grad_points, grad_tau, grad_shift, grad_p)
    kernel(settings, *(t.data_ptr() for t in tensors), wants_p, get_num_threads())
    return grad_points, _within(grad_tau, tau), _within(grad_shift[0], shift), _within(grad_p[0], p)


def _within(gradient: Tensor, like: Tensor) -> Tensor:
    """In the dtype of `like`, held at its largest number: a gradient is never infinite."""
    largest = torch.finfo(like.dtype).max
    return gradient.clamp(-largest, largest).to(like.dtype)


def _coverage_fake(face_vertices: Tensor, tau: Tensor, shift: Tensor, p: Tensor, *raw: Any) -> tuple[Tensor, Tensor]:
    options = CoverageOptions(*raw)
    alpha = face_vertices.new_empty(face_vertices.shape[0], options.height, options.width)
    return alpha, torch.empty_like(alpha)


def _coverage_backward_fake(
    grad_alpha: Tensor, face_vertices: Tensor, tau: Tensor, shift: Tensor, p: Tensor, *raw: Any
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    points = torch.empty_like(face_vertices, memory_format=torch.contiguous_format)
    return points, tau.new_empty(tau.shape), shift.new_empty(()), p.new_empty(())


_NO_DERIVATIVE = (
    "gendr kernels: no second derivatives, no forward mode, and no derivative of the raw operators; call "
    "gendr.rasterize for first derivatives and gendr.rasterize(..., backend='reference') for all others"
)


def _refusing_gradients(operator: Any) -> Callable[..., Any]:
    """The operator's autograd kernel: torch would hand out silent zeros, this raises."""

    def call(*args: Any) -> Any:
        if torch.is_grad_enabled() and any(isinstance(a, Tensor) and a.requires_grad for a in args):
            raise RuntimeError(_NO_DERIVATIVE)
        with torch._C._AutoDispatchBelowAutograd():
            return operator(*args)

    return call


_library.impl("coverage", _coverage_cpu, "CPU")
_library.impl("coverage_backward", _coverage_backward_cpu, "CPU")
_library.impl("coverage", _refusing_gradients(torch.ops.gendr.coverage.default), "Autograd")
_library.impl("coverage_backward", _refusing_gradients(torch.ops.gendr.coverage_backward.default), "Autograd")
torch.library.register_fake("gendr::coverage", _coverage_fake, lib=_library)
torch.library.register_fake("gendr::coverage_backward", _coverage_backward_fake, lib=_library)


class Coverage(torch.autograd.Function):
    """Forward and backward operator joined: first derivatives, in reverse mode."""

    @staticmethod
    def forward(
        face_vertices: Tensor, tau: Tensor, shift: Tensor, p: Tensor, options: CoverageOptions
    ) -> tuple[Tensor, Tensor]:
        """Call the operator."""
        alpha, state = torch.ops.gendr.coverage(face_vertices, tau, shift, p, *options)
        return alpha, state

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        """Keep the inputs and one number per pixel: the backward pass recomputes the rest."""
        *tensors, ctx.options = inputs
        ctx.save_for_backward(*tensors, output[1])
        ctx.mark_non_differentiable(output[1])

    @staticmethod
    def backward(ctx: Any, grad_alpha: Tensor, _grad_state: Tensor) -> tuple[Any, ...]:
        """Call the backward operator, so that differentiating its result raises."""
        wants_p = ctx.needs_input_grad[3]
        # Compilers differentiate once by construction, and do not take a function within a function's backward.
        call = torch.ops.gendr.coverage_backward if torch.compiler.is_compiling() else _FirstDerivatives.apply
        grads = call(grad_alpha, *ctx.saved_tensors, wants_p, *ctx.options)  # type: ignore[no-untyped-call]
        return *grads, None

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[Any, ...], face_vertices: Tensor, tau: Tensor, shift: Tensor, p: Tensor, options: Any
    ) -> tuple[tuple[Tensor, Tensor], tuple[int, int]]:
        """Fold the mapped dimension into the batch."""
        call = lambda *tensors: Coverage.apply(*tensors, options)  # type: ignore[no-untyped-call]  # noqa: E731
        folded = _fold(call, info.batch_size, in_dims[:4], (face_vertices, tau, shift, p), scalars=(2, 3))
        return (folded[0], folded[1]), (0, 0)


class _FirstDerivatives(torch.autograd.Function):
    """The backward operator, which refuses to be differentiated again instead of counting as a constant."""

    @staticmethod
    def forward(*args: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        grads: tuple[Tensor, Tensor, Tensor, Tensor] = torch.ops.gendr.coverage_backward(*args)
        return grads

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        """Nothing to keep."""

    @staticmethod
    def backward(ctx: Any, *_grads: Tensor) -> tuple[Any, ...]:
        raise RuntimeError(_NO_DERIVATIVE)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], *args: Any) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
        return _coverage_backward_vmap(info, in_dims, *args)


def _coverage_backward_vmap(
    info: Any, in_dims: tuple[Any, ...], *args: Any
) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
    tensors, options = args[:6], args[6:]
    outputs = []
    # Gradients of what the images share are sums over the batch: each mapped element needs its own call.
    for i in range(info.batch_size):
        one = [t if d is None else t.select(d, i) for t, d in zip(tensors, in_dims, strict=False)]
        outputs.append(_FirstDerivatives.apply(*one, *options))  # type: ignore[no-untyped-call]
    stacked = tuple(torch.stack(parts) for parts in zip(*outputs, strict=True))
    return stacked, (0, 0, 0, 0)


torch.library.register_vmap("gendr::coverage_backward", _coverage_backward_vmap, lib=_library)


def _fold(
    call: Callable[..., tuple[Tensor, ...]],
    size: int,
    in_dims: tuple[int | None, ...],
    tensors: tuple[Tensor, ...],
    scalars: tuple[int, ...],
) -> tuple[Tensor, ...]:
    """Call once with the mapped dimension folded into the batch, or once an element where a shared scalar is mapped."""
    if any(in_dims[i] is not None for i in scalars):
        each = []
        for i in range(size):
            each.append(call(*(t if d is None else t.select(d, i) for t, d in zip(tensors, in_dims, strict=True))))
        return tuple(torch.stack(parts) for parts in zip(*each, strict=True))
    folded = []
    for i, (tensor, dim) in enumerate(zip(tensors, in_dims, strict=True)):
        if i in scalars:
            folded.append(tensor)
            continue
        mapped = tensor.expand(size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
        folded.append(mapped.reshape(size * mapped.shape[1], *mapped.shape[2:]))
    return tuple(out.reshape(size, -1, *out.shape[1:]) for out in call(*folded))
