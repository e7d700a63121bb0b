"""The compiled module, see kernels/bindings.cpp. Numbers named `*_at` are addresses."""

class CoverageSettings:
    def __init__(
        self,
        *,
        distribution: int,
        shape: float,
        shift: float,
        is_reversed: bool,
        is_squared: bool,
        t_conorm: int,
        p: float,
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
        gamma: float,
        eps: float,
        attribute_channels: int,
        texture_channels: int,
        shared_attributes: bool,
        shared_uvs: bool,
        texels: int,
        maps: int,
        wrap: int,
    ) -> None: ...

def coverage_forward_float32(
    settings: CoverageSettings, face_vertices_at: int, tau_at: int, alpha_at: int, state_at: int, threads: int, /
) -> None: ...
def coverage_forward_float64(
    settings: CoverageSettings, face_vertices_at: int, tau_at: int, alpha_at: int, state_at: int, threads: int, /
) -> None: ...
def coverage_backward_float32(settings: CoverageSettings, /, *addresses_wants_p_threads: int) -> None: ...
def coverage_backward_float64(settings: CoverageSettings, /, *addresses_wants_p_threads: int) -> None: ...
def blend_forward_float32(
    settings: CoverageSettings, blend: BlendSettings, surface: list[int], tensors: list[int], threads: int, /
) -> None: ...
def blend_forward_float64(
    settings: CoverageSettings, blend: BlendSettings, surface: list[int], tensors: list[int], threads: int, /
) -> None: ...
def blend_backward_float32(
    settings: CoverageSettings,
    blend: BlendSettings,
    surface: list[int],
    tensors: list[int],
    wants_p: bool,
    wants_gamma: bool,
    threads: int,
    /,
) -> None: ...
def blend_backward_float64(
    settings: CoverageSettings,
    blend: BlendSettings,
    surface: list[int],
    tensors: list[int],
    wants_p: bool,
    wants_gamma: bool,
    threads: int,
    /,
) -> None: ...
def first_not_finite_float32(address: int, count: int, /) -> int: ...
def first_not_finite_float64(address: int, count: int, /) -> int: ...

class SortSettings:
    def __init__(
        self,
        *,
        distribution: int,
        scale: float,
        art: float,
        batch: int,
        wires: int,
        layers: int,
        comparators: int,
        rows: int,
        product: int,
        shared_weights: bool,
    ) -> None: ...

def sort_forward_float32(settings: SortSettings, addresses: list[int], threads: int, /) -> None: ...
def sort_forward_float64(settings: SortSettings, addresses: list[int], threads: int, /) -> None: ...
def sort_backward_float32(settings: SortSettings, addresses: list[int], threads: int, /) -> None: ...
def sort_backward_float64(settings: SortSettings, addresses: list[int], threads: int, /) -> None: ...
def isotonic_blocks_float32(s: int, w: int, blocks: int, rows: int, n: int, entropic: bool, /) -> None: ...
def isotonic_blocks_float64(s: int, w: int, blocks: int, rows: int, n: int, entropic: bool, /) -> None: ...

class TopkSettings:
    def __init__(
        self,
        *,
        distribution: int,
        scale: float,
        batch: int,
        classes: int,
        ranked: int,
        ranks: int,
        layers: int,
        shared_weights: bool,
        least_mass: float,
    ) -> None: ...

def topk_mass_float32(settings: TopkSettings, addresses: list[int], threads: int, /) -> None: ...
def topk_mass_float64(settings: TopkSettings, addresses: list[int], threads: int, /) -> None: ...
def topk_spread_float32(batch: int, classes: int, ranked: int, addresses: list[int], threads: int, /) -> None: ...
def topk_spread_float64(batch: int, classes: int, ranked: int, addresses: list[int], threads: int, /) -> None: ...
def count_pairs(settings: CoverageSettings, face_vertices_at: int, tau_at: int, /) -> int: ...
def distribution_names() -> list[str]: ...
def t_conorm_names() -> list[str]: ...
def instruction_sets() -> list[str]: ...
def selected_instruction_set() -> str: ...
