"""`gendr::blend` and its backward operator on a GPU: tensors to addresses and back."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gendr import _check
from gendr._cuda import device as _device
from gendr._cuda.coverage import Call
from gendr._ops.blend import BlendOptions, SurfaceTensors
from gendr._ops.coverage import CoverageOptions, empty_gradient
from gendr._ops.library import within

_TENSORS = 11  # of the operators' inputs, before the options


class BlendCall(Call):
    """One call of the blending kernels."""

    def __init__(self, args: tuple[Any, ...]):
        face_vertices, tau, shift, p, gamma, *per_face, self.face_ranges = args[:_TENSORS]
        split = _TENSORS + len(BlendOptions._fields)
        how, self.options = BlendOptions(*args[_TENSORS:split]), CoverageOptions(*args[split:])
        super().__init__(self.options, face_vertices, tau, shift, p, self.face_ranges)
        self.surface = SurfaceTensors(*(None if t is None else self._here(t) for t in per_face))
        self.gamma = self._here(gamma).to(self.points.dtype)
        attributes, uvs, texels, maps, map_of_face = self.surface
        self.blend = self.kernels.BlendSettings(
            is_hard=how.is_hard,
            is_perspective=how.is_perspective,
            eps=how.eps,
            attribute_channels=0 if attributes is None else attributes.shape[-1],
            texture_channels=0 if texels is None else texels.shape[-1],
            shared_attributes=is_shared(attributes),
            shared_uvs=is_shared(uvs),
            texels=0 if texels is None else texels.shape[0],
            maps=0 if maps is None else maps.shape[0],
            wrap=how.wrap,
        )
        self.channels = 2 + sum(t.shape[-1] for t in (attributes, texels) if t is not None)
        self.surface_at = [address(t) for t in (self.gamma, attributes, uvs, texels, maps, map_of_face)]

    def _here(self, tensor: Tensor) -> Tensor:
        if not tensor.is_floating_point():  # where maps lie, which the host may keep
            return _device.to_device(tensor.contiguous(), self.device)
        if tensor.device != self.device:
            _check.fail("attributes, textures and gamma", f"tensors on {self.device}", f"one on {tensor.device}")
        return tensor.contiguous()

    def room(self, like: Tensor | None) -> Tensor | None:
        """For the gradient of what corners hold: what images share has one of each, to be summed."""
        if like is None:
            return None
        whole = like.expand(self.tau.shape[0], *like.shape[1:]) if is_shared(like) else like
        return empty_gradient(whole, self.face_ranges).contiguous()

    def summed(self, gradient: Tensor | None, like: Tensor | None) -> Tensor:
        """Over the images that shared it. Absent tensors have gradients without elements."""
        if gradient is None:
            return self.points.new_empty(0)
        return gradient.sum(0, keepdim=True) if is_shared(like) else gradient


def is_shared(per_face: Tensor | None) -> bool:
    """Whether all images have the same values.

    >>> is_shared(torch.zeros(1, 5, 3, 2)), is_shared(torch.zeros(5, 3, 2))
    (True, False)
    """
    return per_face is not None and per_face.ndim == 4 and per_face.shape[0] == 1


def address(tensor: Tensor | None) -> int:
    """Where a tensor's numbers lie, 0 for none.

    >>> address(None)
    0
    """
    return 0 if tensor is None else tensor.data_ptr()


def blend(*args: Any, faces_per_pass: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """`gendr::blend` on the device of the faces, on its current stream; arguments are the operator's.

    Returns:
        Alpha and sums `[B, H, W]`, the record `[B, H, W, 2 + C]`, the state `[B, H, W, 2]`.

    Raises:
        ValueError, RuntimeError: as `gendr._cuda.coverage`.
    """
    call = BlendCall(args)
    alpha = call.points.new_empty(call.tau.shape[0], call.options.height, call.options.width)
    sums = torch.empty_like(alpha)
    record, state = (alpha.new_empty(*alpha.shape, n) for n in (call.channels, 2))
    size = call.kernels.blend_forward_workspace(call.settings, call.blend, call.is_double, faces_per_pass)
    space = _device.workspace(size, call.device)
    place = _device.place(call.device, space, faces_per_pass)
    outputs_at = [address(t) for t in (alpha, sums, record, state)]
    settings = (call.settings, call.blend, call.is_double)
    call.kernels.blend_forward(*settings, place, call.inputs, call.surface_at, outputs_at)
    return alpha, sums, record, state


def blend_backward(
    grad_alpha: Tensor,
    grad_record: Tensor,
    sums: Tensor,
    record: Tensor,
    state: Tensor,
    wants_p: bool,
    wants_gamma: bool,
    wants_texels: bool,
    *args: Any,
    faces_per_pass: int = 0,
) -> tuple[Tensor, ...]:
    """`gendr::blend_backward`: the gradients of all floating-point inputs, in their order; see `blend`."""
    call = BlendCall(args)
    tau, shift, p, gamma = args[1:5]
    attributes, uvs, texels, *_ = call.surface
    pixels = [t.contiguous() for t in (sums, grad_alpha, record, state, grad_record)]
    grad_points = empty_gradient(call.points, call.face_ranges)
    grad_tau = torch.empty_like(call.tau)
    grad_shift, grad_p, grad_gamma = call.tau.new_empty(3, 1).unbind()
    grad_attributes, grad_uvs = call.room(attributes), call.room(uvs)
    grad_texels = torch.empty_like(texels) if wants_texels and texels is not None else None
    gradients = (grad_points, grad_tau, grad_shift, grad_p, grad_attributes, grad_uvs, grad_texels, grad_gamma)
    size = call.kernels.blend_backward_workspace(call.settings, call.blend, call.is_double, faces_per_pass)
    space = _device.workspace(size, call.device)
    place = _device.place(call.device, space, faces_per_pass)
    tensors_at = [address(t) for t in (*pixels, *gradients)]
    settings = (call.settings, call.blend, call.is_double)
    call.kernels.blend_backward(*settings, place, call.inputs, call.surface_at, tensors_at, wants_p, wants_gamma)
    return (
        grad_points,
        within(grad_tau, tau),
        within(grad_shift[0], shift),
        within(grad_p[0], p),
        within(grad_gamma[0], gamma),
        call.summed(grad_attributes, attributes),
        call.summed(grad_uvs, uvs),
        call.points.new_empty(0) if grad_texels is None else grad_texels,
    )


_device.library.impl("blend", blend, "CUDA")
_device.library.impl("blend_backward", blend_backward, "CUDA")
