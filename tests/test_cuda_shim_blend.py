"""Blending on the GPU against the CPU, run by fibers: colours, depth, textures, and every gradient."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

import cuda_host
from cuda_host import ORDERS, Host
from gendr.distributions import Cauchy, Distribution, Gamma, Logistic, Uniform
from gendr.render.rasterize import coverage_options
from gendr.render.reference_blend import COVERS_FROM
from gendr.tnorms import AczelAlsina, Average, Dombi, Maximum, Probabilistic, TNorm, Yager
from renderers import distributions, relative_error, softness, t_conorms

pytestmark = pytest.mark.skipif(cuda_host.compiler() is None, reason="no C++ compiler to build the shim with")


GRADIENTS = ("face_vertices", "tau", "shift", "p", "gamma", "attributes", "uvs", "texels")
RENDERERS = [(Logistic().squared(), Probabilistic()), (Gamma(p=0.5).reversed(), Dombi(p=2.0)), (Uniform(), Maximum())]
RENDERERS += [(Cauchy(), Yager(p=0.5)), (Logistic(), AczelAlsina(p=2.0))]
FLOOR = 1e-2  # of norms that errors are relative to


@dataclass
class Case:
    """One call, as the operators take it."""

    distribution: Distribution = Logistic()  # noqa: RUF009 (immutable)
    t_conorm: TNorm = Probabilistic()  # noqa: RUF009
    dtype: torch.dtype = torch.float64
    batch: int = 2
    faces: int = 6
    size: tuple[int, int] = (9, 19)
    channels: int = 3
    texture_channels: int = 0
    is_hard: bool = False
    is_perspective: bool = True
    is_shared: bool = False
    wrap: int = 0
    gamma: float = 1e-2
    tau: float | None = None  # softness(distribution) by default
    shift: float = 0.1
    cutoff: float = 1e-6
    face_ranges: Tensor | None = None
    has_flat_uvs: bool = False  # one point of the texture for all corners of a face

    def inputs(self, dtype: torch.dtype) -> tuple:
        """The operators' arguments; float32 numbers in either precision."""
        draw = torch.Generator().manual_seed(3)

        def uniform(*shape: int) -> Tensor:
            return torch.rand(*shape, dtype=torch.float32, generator=draw).to(dtype)

        lead = (1 if self.is_shared else self.batch, self.faces)
        points = uniform(self.batch, self.faces, 3, 3) * 1.6 - 0.8
        points[..., 2] = 2.0 + 20.0 * uniform(self.batch, self.faces, 3)
        attributes = uniform(*lead, 3, self.channels) if self.channels else None
        uvs = uniform(*lead, 3, 2) * 3 - 1 if self.texture_channels else None
        if uvs is not None and self.has_flat_uvs:
            uvs = uvs[..., :1, :].expand_as(uvs).contiguous()
        texels = uniform(5 * 4 + 3, self.texture_channels) if self.texture_channels else None
        maps = torch.tensor([[0, 5, 4], [20, 1, 3]]) if self.texture_channels else None
        map_of_face = torch.arange(self.faces) % 2 if self.texture_channels else None
        if self.face_ranges is not None:
            points, attributes, uvs = (t if t is None else t[0] for t in (points, attributes, uvs))
        images = self.batch if self.face_ranges is None else len(self.face_ranges)
        own_tau = softness(self.distribution, images, dtype)
        scale = own_tau if self.tau is None else torch.full_like(own_tau, self.tau)
        p = torch.tensor(0.0 if self.t_conorm.p is None else float(self.t_conorm.p), dtype=dtype)
        scalars = (torch.tensor(self.shift, dtype=dtype), p, torch.tensor(self.gamma, dtype=dtype))
        options = coverage_options(self.distribution, self.t_conorm, *self.size, cutoff=self.cutoff)
        surface = (attributes, uvs, texels, maps, map_of_face)
        return (
            points,
            scale,
            *scalars,
            *surface,
            self.face_ranges,
            self.is_hard,
            self.is_perspective,
            0.3,
            self.wrap,
            *options,
        )

    def outcome(self, forward, backward, dtype: torch.dtype) -> tuple[list[Tensor], list[Tensor]]:
        """Values, and the gradients of a weighted sum of alpha and record."""
        inputs = self.inputs(dtype)
        alpha, sums, record, state = forward(*inputs)
        draw = torch.Generator().manual_seed(4)
        weights = [torch.randn(t.shape, dtype=torch.float32, generator=draw).to(dtype) for t in (alpha, record)]
        if self.dtype == torch.float32:  # of one sign: what cancels would leave only rounding to compare
            weights = [w.abs() for w in weights]
        wants = (self.t_conorm.p is not None, True, self.texture_channels > 0)
        return [alpha, record], list(backward(*weights, sums, record, state, *wants, *inputs))

    def on_cpu(self, dtype: torch.dtype) -> list[Tensor]:
        """From the CPU's kernels."""
        values, gradients = self.outcome(torch.ops.gendr.blend, torch.ops.gendr.blend_backward, dtype)
        return [*values, *gradients]

    def on_host(self, host: Host) -> list[Tensor]:
        """From the shim."""
        values, gradients = self.outcome(host.blend, host.blend_backward, self.dtype)
        assert host.status == ()
        return [*values, *gradients]


def assert_agrees(case: Case, host: Host) -> None:
    assert_near_the_cpu(case, case.on_host(host))


def assert_agrees_in_every_order(lib: Path, case: Case, rounding: float = 2e-5) -> None:
    """The orders give the same bits, so that one of them stands for all beside the CPU."""
    first, *others = (case.on_host(Host(lib, order)) for order in ORDERS[:3])
    assert_near_the_cpu(case, first, rounding)
    for other in others:
        assert all(torch.equal(a, b) for a, b in zip(first, other, strict=True)), str(case.t_conorm)


def assert_near_the_cpu(case: Case, got: list[Tensor], rounding: float = 2e-5) -> None:
    """To rounding: in float64 with the CPU; in float32 no worse than the CPU's own error allows."""
    truth = case.on_cpu(torch.float64)
    own = truth if case.dtype == torch.float64 else case.on_cpu(case.dtype)
    for name, g, t, o in zip(("alpha", "record", *GRADIENTS), got, truth, own, strict=True):
        assert g.shape == t.shape, name
        assert bool(torch.isfinite(g).all()), name
        scale = case.gamma if name == "gamma" else 1.0  # of a logarithm's gradient, 1 / gamma blows up the rounding
        error, cpu = (relative_error(x.double() * scale, t * scale, FLOOR) for x in (g, o))
        bound = 1e-9 if case.dtype == torch.float64 else 5 * cpu + rounding
        assert error < bound, (name, error, cpu)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def lib():
    return cuda_host.library()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("is_hard", [False, True], ids=["soft", "hard"])
@pytest.mark.parametrize(("distribution", "t_conorm"), RENDERERS, ids=str)
def test_colours_textures_and_depth_agree(lib, distribution, t_conorm, is_hard, dtype):
    case = Case(distribution, t_conorm, dtype, texture_channels=2, is_hard=is_hard)
    for i, other in enumerate((case, replace(case, texture_channels=0), replace(case, channels=0, wrap=1))):
        assert_agrees(other, Host(lib, ORDERS[i]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("distribution", distributions(), ids=str)
def test_every_pair_agrees_in_every_order(lib, distribution, dtype):
    """Soft. Hard records know nothing of the pair, and every fifth stands for all."""
    for i, t_conorm in enumerate(t_conorms()):
        soft = Case(distribution, t_conorm, dtype, batch=1, faces=3, size=(3, 5), channels=1)
        for case in [soft, replace(soft, is_hard=True)] if i % 5 == 4 else [soft]:
            assert_agrees_in_every_order(lib, case, rounding=3e-4)  # worst seen 8e-5: few terms, some of which cancel


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("texture_channels", [0, 2])
def test_hard_blending_as_rasterize_asks_for_it(lib, texture_channels, dtype):
    """With the one occlusion that hard records are made with: see `gendr.render.blending.run`."""
    covering = {"tau": -2 * COVERS_FROM, "shift": 0.0, "cutoff": 0.0}
    case = Case(Uniform(), Average(), dtype, texture_channels=texture_channels, is_hard=True, **covering)
    assert_agrees_in_every_order(lib, case)


@pytest.mark.parametrize("channels", [0, 1, 7, 8, 20])
def test_any_number_of_channels(lib, channels):
    """More than one launch holds in registers."""
    assert_agrees(Case(channels=channels, texture_channels=3), Host(lib))


@pytest.mark.parametrize("gamma", [1e-30, 1e-20, 1e-10, 1e-6, 1e-3, 1.0])
def test_any_gamma(lib, gamma):
    for dtype in (torch.float32, torch.float64):
        case = Case(gamma=gamma, dtype=dtype, is_perspective=False)
        values = case.on_host(Host(lib))
        assert all(bool(torch.isfinite(t).all()) for t in values)
    assert_agrees(Case(gamma=gamma, is_perspective=False), Host(lib))


@pytest.mark.parametrize("wrap", [0, 1, 2])
def test_shared_faces_and_wraps(lib, wrap):
    assert_agrees(Case(is_shared=True, texture_channels=2, wrap=wrap), Host(lib, "reverse"))


@pytest.mark.parametrize("is_hard", [False, True], ids=["soft", "hard"])
@pytest.mark.parametrize(
    "case",
    [
        Case(faces=0, texture_channels=2),
        Case(size=(1, 1), texture_channels=2),
        Case(size=(1, 37)),
        Case(texture_channels=2, has_flat_uvs=True),
    ],
    ids=["no faces", "one pixel", "one row", "UVs without area"],
)
def test_scenes_with_next_to_nothing_in_them(lib, case, is_hard):
    for dtype in (torch.float32, torch.float64):
        assert_agrees(replace(case, is_hard=is_hard, dtype=dtype), Host(lib, "reverse"))


def test_a_face_that_is_all_one_sees_is_not_moved_in_depth(lib):
    """Its share rounds to 1, and 1 / gamma multiplies what rounding leaves."""
    case = Case(dtype=torch.float32, batch=1, faces=1, gamma=1e-6, is_perspective=False)
    inputs = case.inputs(torch.float32)
    host = Host(lib)
    alpha, sums, record, state = host.blend(*inputs)
    incoming = torch.zeros_like(record)
    incoming[..., 2:] = 2.0**60
    moved, _, _, _, in_gamma, *_ = host.blend_backward(
        torch.zeros_like(alpha), incoming, sums, record, state, False, True, False, *inputs
    )
    assert moved[..., 2].count_nonzero() == 0
    assert in_gamma == 0


def test_packed_faces_and_passes(lib):
    ranges = torch.tensor([[1, 4], [4, 4], [5, 45]])
    case = Case(batch=1, faces=47, texture_channels=2, face_ranges=ranges)
    assert_agrees(case, Host(lib, "warp by warp"))
    assert_agrees(case, Host(lib, "shuffled", faces_per_pass=32))


def test_large_faces_are_shared_out(lib):
    for dtype in (torch.float32, torch.float64):
        assert_agrees(Case(dtype=dtype, batch=1, faces=3, size=(64, 48), texture_channels=1), Host(lib, "shuffled"))


def test_bits_do_not_depend_on_the_order_of_threads(lib):
    case = Case(dtype=torch.float32, faces=40, texture_channels=2)
    first, *others = (case.on_host(Host(lib, order)) for order in ORDERS)
    for other in others:
        assert all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize(("index", "name"), [(4, "gamma"), (5, "attributes"), (6, "uvs"), (7, "texels")])
def test_input_that_is_not_finite_is_reported_and_stays_out(lib, index, name):
    case, host = Case(texture_channels=2), Host(lib)
    inputs = list(case.inputs(torch.float64))
    inputs[index] = torch.full_like(inputs[index], torch.nan)
    alpha, _, record, _ = host.blend(*inputs)
    assert host.status == (name,)
    assert bool(torch.isfinite(alpha).all() and torch.isfinite(record).all())
