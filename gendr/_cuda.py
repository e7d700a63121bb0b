"""The GPU's kernels as torch operators: tensors to addresses, workspace, stream, and errors that come late.

Nothing here waits for the device. What the kernels find wrong in a tensor's values they write into a few numbers of
pinned memory, which the next call reads: an error of one call is raised by the next one, or by `raise_reported` with
`wait=True`, and until then the images are finite and the culprit's part is left out.
"""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType
from typing import Any, NoReturn

import torch
from torch import Tensor

from gendr import _check, _ops

_REPORTS = {
    "face_vertices": "finite values, got NaN or infinity",
    "tau": "values in [1e-30, 1e+30], got others",
    "shift": "a value in [-1e+06, 1e+06], got another",
    "p": "a finite value, got NaN or infinity",
    "grad_alpha": "finite values, got NaN or infinity",
}
"""What each of the kernels' reports says, in the order of their codes."""

_kernels: ModuleType | None = (
    importlib.import_module("gendr._kernels_cuda") if importlib.util.find_spec("gendr._kernels_cuda") else None
)
_status: dict[torch.device, Tensor] = {}
_library = torch.library.Library("gendr", "IMPL")


def is_built() -> bool:
    """Whether this build of gendr has kernels for GPUs: it was compiled where nvcc was found.

    >>> is_built() or not is_available()
    True
    """
    return _kernels is not None


def is_available() -> bool:
    """Whether they can run here: there is a driver and a device, and torch can use it.

    >>> is_available() and not torch.cuda.is_available()
    False
    """
    return _kernels is not None and torch.cuda.is_available() and bool(_kernels.cuda_available())


def require(device: torch.device) -> None:
    """Raise unless the kernels exist for tensors on this device.

    Raises:
        ValueError: this build has no GPU kernels.
    """
    if _kernels is None:
        _refuse(device)


def raise_reported(device: torch.device, *, wait: bool = False) -> None:
    """Raise what earlier calls on this device found wrong in the values of their tensors.

    Args:
        device: a CUDA device.
        wait: first wait for the calls that are still running on the current stream.

    Raises:
        ValueError: an argument of an earlier call was not finite or out of range.
    """
    if wait:
        torch.cuda.current_stream(device).synchronize()
    status = _status.get(device)
    if status is None or not bool(status.any()):
        return
    first = next(name for name, code in zip(_REPORTS, status.tolist(), strict=True) if code)
    status.zero_()
    raise ValueError(
        f"{first}: expected {_REPORTS[first]}, in a call on {device} before this one; "
        "validate=True raises in the call itself"
    )


def _refuse(device: torch.device) -> NoReturn:
    raise ValueError(
        f"face_vertices: expected a tensor on the CPU, got one on {device}, for which this build of gendr has no "
        "kernels: none were compiled, since nvcc was not found; build again with it, or move the tensor, or use "
        "backend='reference'"
    )


def _status_of(device: torch.device) -> Tensor:
    if device not in _status:
        _status[device] = torch.zeros(len(_REPORTS), dtype=torch.int32, pin_memory=device.type == "cuda")
    return _status[device]


def _workspace(size: int, device: torch.device) -> Tensor:
    return torch.empty(size, dtype=torch.uint8, device=device)


class _Call:
    """One call's settings, inputs and place. Keeps the tensors whose addresses it hands out."""

    def __init__(
        self,
        options: _ops.CoverageOptions,
        face_vertices: Tensor,
        tau: Tensor,
        shift: Tensor,
        p: Tensor,
        faces_per_pass: int,
    ):
        device = face_vertices.device
        require(device)
        assert _kernels is not None
        raise_reported(device)
        self.points = face_vertices.contiguous()
        self.tau = tau.to(torch.float64).contiguous()
        self.scalars = (shift.to(self.points.dtype), p.to(self.points.dtype))
        for name, tensor in (("tau", tau), ("shift", shift), ("p", p)):
            if tensor.device != device:
                _check.fail(name, f"a tensor on {device}", f"one on {tensor.device}")
        self.is_double = self.points.dtype == torch.float64
        self.faces_per_pass = faces_per_pass
        self.settings = _kernels.CoverageSettings(
            distribution=_ops.DISTRIBUTIONS.index(options.distribution),
            shape=options.shape,
            is_reversed=options.is_reversed,
            is_squared=options.is_squared,
            t_conorm=_ops.T_CONORMS.index(options.t_conorm),
            cutoff=options.cutoff,
            near=options.near,
            far=options.far,
            cull=options.cull,
            batch=self.points.shape[0],
            faces=self.points.shape[1],
            height=options.height,
            width=options.width,
        )
        self.inputs = _kernels.Inputs(
            face_vertices=self.points.data_ptr(),
            tau=self.tau.data_ptr(),
            shift=self.scalars[0].data_ptr(),
            p=self.scalars[1].data_ptr(),
            status=_status_of(device).data_ptr(),
        )

    def place(self, workspace_bytes: int) -> tuple[Any, Tensor]:
        """Device, stream and workspace; the workspace is the stream's until what was enqueued on it has run."""
        assert _kernels is not None
        device = self.points.device
        workspace = _workspace(workspace_bytes, device)
        stream = torch.cuda.current_stream(device).cuda_stream if device.type == "cuda" else 0
        place = _kernels.Place(
            device=device.index or 0,
            stream=stream,
            workspace=workspace.data_ptr(),
            faces_per_pass=self.faces_per_pass,
        )
        return place, workspace


def coverage(
    face_vertices: Tensor, tau: Tensor, shift: Tensor, p: Tensor, *raw: Any, faces_per_pass: int = 0
) -> tuple[Tensor, Tensor]:
    """`gendr::coverage` on the device of `face_vertices`, on its current stream.

    Args:
        face_vertices: `[B, F, 3, 3]`, float32 or float64.
        tau: `[B]`.
        shift: `[]`, of the distribution.
        p: `[]`, of the T-conorm.
        raw: the fields of `CoverageOptions`.
        faces_per_pass: bounds the workspace; 0 chooses.

    Returns:
        Alpha and state, both `[B, H, W]`.

    Raises:
        ValueError: this build has no GPU kernels, tensors on different devices, or what an earlier call found.
        RuntimeError: CUDA failed; the message names the kernel.
    """
    options = _ops.CoverageOptions(*raw)
    call = _Call(options, face_vertices, tau, shift, p, faces_per_pass)
    assert _kernels is not None
    alpha = call.points.new_empty(call.points.shape[0], options.height, options.width)
    state = torch.empty_like(alpha)
    place, _workspace = call.place(_kernels.forward_workspace(call.settings, call.is_double, faces_per_pass))
    _kernels.coverage_forward(call.settings, call.is_double, place, call.inputs, alpha.data_ptr(), state.data_ptr())
    return alpha, state


def coverage_backward(
    grad_alpha: Tensor,
    face_vertices: Tensor,
    tau: Tensor,
    shift: Tensor,
    p: Tensor,
    state: Tensor,
    wants_p: bool,
    *raw: Any,
    faces_per_pass: int = 0,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """`gendr::coverage_backward`: the gradients of `face_vertices`, `tau`, `shift` and `p`; see `coverage`."""
    call = _Call(_ops.CoverageOptions(*raw), face_vertices, tau, shift, p, faces_per_pass)
    assert _kernels is not None
    incoming, sums = grad_alpha.contiguous(), state.contiguous()
    grad_points = torch.empty_like(call.points)
    grad_tau, grad_shift, grad_p = torch.empty_like(call.tau), *call.tau.new_empty(2, 1).unbind()
    place, _workspace = call.place(_kernels.backward_workspace(call.settings, call.is_double, faces_per_pass))
    tensors = (sums, incoming, grad_points, grad_tau, grad_shift, grad_p)
    addresses = [t.data_ptr() for t in tensors]
    _kernels.coverage_backward(call.settings, call.is_double, place, call.inputs, *addresses, wants_p)
    gradients = zip((grad_tau, grad_shift[0], grad_p[0]), (tau, shift, p), strict=True)
    in_tau, in_shift, in_p = (_ops._within(gradient, like) for gradient, like in gradients)
    return grad_points, in_tau, in_shift, in_p


_library.impl("coverage", coverage, "CUDA")
_library.impl("coverage_backward", coverage_backward, "CUDA")
