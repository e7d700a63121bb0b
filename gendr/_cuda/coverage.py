"""`gendr::coverage` and its backward operator on a GPU: tensors to addresses and back."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gendr import _check
from gendr._cuda import device as _device
from gendr._ops.coverage import DISTRIBUTIONS, T_CONORMS, CoverageOptions, empty_gradient
from gendr._ops.face_ranges import most_faces
from gendr._ops.library import within


class Call:
    """One call's settings and inputs, in the kernels' form. Keeps the tensors whose addresses it hands out."""

    def __init__(
        self,
        options: CoverageOptions,
        face_vertices: Tensor,
        tau: Tensor,
        shift: Tensor,
        p: Tensor,
        face_ranges: Tensor | None,
    ):
        self.device = face_vertices.device
        self.kernels = _device.kernels(self.device)
        _device.raise_reported(self.device)
        for name, tensor in (("tau", tau), ("shift", shift), ("p", p)):
            if tensor.device != self.device:
                _check.fail(name, f"a tensor on {self.device}", f"one on {tensor.device}")
        self.points = face_vertices.contiguous()
        self.tau = tau.to(torch.float64).contiguous()
        self.scalars = (shift.to(self.points.dtype), p.to(self.points.dtype))
        self.is_double = self.points.dtype == torch.float64
        self.ranges = None if face_ranges is None else _device.to_device(face_ranges.contiguous(), self.device)
        self.settings = self.kernels.CoverageSettings(
            distribution=DISTRIBUTIONS.index(options.distribution),
            shape=options.shape,
            is_reversed=options.is_reversed,
            is_squared=options.is_squared,
            t_conorm=T_CONORMS.index(options.t_conorm),
            cutoff=options.cutoff,
            near=options.near,
            far=options.far,
            cull=options.cull,
            batch=self.tau.shape[0],
            faces=self.points.shape[1] if face_ranges is None else most_faces(face_ranges, len(self.points)),
            height=options.height,
            width=options.width,
            face_ranges=0 if self.ranges is None else self.ranges.data_ptr(),
        )
        self.inputs = self.kernels.Inputs(
            face_vertices=self.points.data_ptr(),
            tau=self.tau.data_ptr(),
            shift=self.scalars[0].data_ptr(),
            p=self.scalars[1].data_ptr(),
            status=_device.status_of(self.device).data_ptr(),
        )


def coverage(
    face_vertices: Tensor,
    tau: Tensor,
    shift: Tensor,
    p: Tensor,
    face_ranges: Tensor | None,
    *raw: Any,
    faces_per_pass: int = 0,
) -> tuple[Tensor, Tensor]:
    """`gendr::coverage` on the device of `face_vertices`, on its current stream.

    Args:
        face_vertices: `[B, F, 3, 3]`, float32 or float64; with `face_ranges` `[N, 3, 3]`.
        tau: `[B]`.
        shift: `[]`, of the distribution.
        p: `[]`, of the T-conorm.
        face_ranges: int64 `[B, 2]` on the CPU, or None.
        raw: the fields of `CoverageOptions`.
        faces_per_pass: bounds the workspace; 0 chooses.

    Returns:
        Alpha and state, both `[B, H, W]`.

    Raises:
        ValueError: this build has no GPU kernels, tensors on different devices, or what an earlier call found.
        RuntimeError: CUDA failed; the message names the kernel.
    """
    options = CoverageOptions(*raw)
    call = Call(options, face_vertices, tau, shift, p, face_ranges)
    alpha = call.points.new_empty(call.tau.shape[0], options.height, options.width)
    state = torch.empty_like(alpha)
    size = call.kernels.forward_workspace(call.settings, call.is_double, faces_per_pass)
    space = _device.workspace(size, call.device)
    place = _device.place(call.device, space, faces_per_pass)
    outputs = (alpha.data_ptr(), state.data_ptr())
    call.kernels.coverage_forward(call.settings, call.is_double, place, call.inputs, *outputs)
    return alpha, state


def coverage_backward(
    grad_alpha: Tensor,
    state: Tensor,
    wants_p: bool,
    face_vertices: Tensor,
    tau: Tensor,
    shift: Tensor,
    p: Tensor,
    face_ranges: Tensor | None,
    *raw: Any,
    faces_per_pass: int = 0,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """`gendr::coverage_backward`: the gradients of `face_vertices`, `tau`, `shift` and `p`; see `coverage`."""
    call = Call(CoverageOptions(*raw), face_vertices, tau, shift, p, face_ranges)
    incoming, sums = grad_alpha.contiguous(), state.contiguous()
    grad_points = empty_gradient(call.points, face_ranges)
    grad_tau = torch.empty_like(call.tau)
    grad_shift, grad_p = call.tau.new_empty(2, 1).unbind()
    size = call.kernels.backward_workspace(call.settings, call.is_double, faces_per_pass)
    space = _device.workspace(size, call.device)
    place = _device.place(call.device, space, faces_per_pass)
    addresses = [t.data_ptr() for t in (sums, incoming, grad_points, grad_tau, grad_shift, grad_p)]
    call.kernels.coverage_backward(call.settings, call.is_double, place, call.inputs, *addresses, wants_p)
    return grad_points, within(grad_tau, tau), within(grad_shift[0], shift), within(grad_p[0], p)


_device.library.impl("coverage", coverage, "CUDA")
_device.library.impl("coverage_backward", coverage_backward, "CUDA")
