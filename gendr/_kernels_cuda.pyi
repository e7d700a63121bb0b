"""The compiled module of the GPU's kernels, see kernels/cuda/bindings.cpp. Numbers named `*_at` are addresses."""

class CoverageSettings:
    def __init__(
        self,
        *,
        distribution: int,
        shape: float,
        is_reversed: bool,
        is_squared: bool,
        t_conorm: int,
        cutoff: float,
        near: float,
        far: float,
        cull: int,
        batch: int,
        faces: int,
        height: int,
        width: int,
        face_ranges: int,
    ) -> None: ...

class BlendSettings:
    def __init__(
        self,
        *,
        is_hard: bool,
        is_perspective: bool,
        eps: float,
        attribute_channels: int,
        texture_channels: int,
        shared_attributes: bool,
        shared_uvs: bool,
        texels: int,
        maps: int,
        wrap: int,
    ) -> None: ...

class Place:
    def __init__(self, *, device: int, stream: int, workspace: int, faces_per_pass: int) -> None: ...

class Inputs:
    def __init__(self, *, face_vertices: int, tau: int, shift: int, p: int, status: int) -> None: ...

def device_count() -> int: ...
def cuda_available() -> bool: ...
def status_codes() -> int: ...
def forward_workspace(settings: CoverageSettings, is_double: bool, faces_per_pass: int, /) -> int: ...
def backward_workspace(settings: CoverageSettings, is_double: bool, faces_per_pass: int, /) -> int: ...
def mark_finite(
    is_double: bool, place: Place, values_at: int, count: int, marks_at: int, code: int, status_at: int, /
) -> None: ...
def coverage_forward(
    settings: CoverageSettings, is_double: bool, place: Place, inputs: Inputs, alpha_at: int, state_at: int, /
) -> None: ...
def coverage_backward(
    settings: CoverageSettings,
    is_double: bool,
    place: Place,
    inputs: Inputs,
    state_at: int,
    grad_alpha_at: int,
    grad_face_vertices_at: int,
    grad_tau_at: int,
    grad_shift_at: int,
    grad_p_at: int,
    wants_p: bool,
    /,
) -> None: ...
def blend_forward_workspace(
    settings: CoverageSettings, blend: BlendSettings, is_double: bool, faces_per_pass: int, /
) -> int: ...
def blend_backward_workspace(
    settings: CoverageSettings, blend: BlendSettings, is_double: bool, faces_per_pass: int, /
) -> int: ...
def blend_forward(
    settings: CoverageSettings,
    blend: BlendSettings,
    is_double: bool,
    place: Place,
    inputs: Inputs,
    surface_at: list[int],
    outputs_at: list[int],
    /,
) -> None: ...
def blend_backward(
    settings: CoverageSettings,
    blend: BlendSettings,
    is_double: bool,
    place: Place,
    inputs: Inputs,
    surface_at: list[int],
    tensors_at: list[int],
    wants_p: bool,
    wants_gamma: bool,
    /,
) -> None: ...
