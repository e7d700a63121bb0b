"""The GPU's kernels against the CPU's, run by fibers: every renderer, both precisions, values and gradients."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

import cuda_host
from cuda_host import ORDERS, Host
from gendr.distributions import Cauchy, Distribution, Gamma, Heaviside, Logistic, Uniform
from gendr.render.rasterize import coverage_options
from gendr.tnorms import AczelAlsina, Average, Dombi, Maximum, Probabilistic, SchweizerSklar, TNorm, Yager
from renderers import distributions, random_triangles, relative_error, softness, t_conorms

pytestmark = pytest.mark.skipif(cuda_host.compiler() is None, reason="no C++ compiler to build the shim with")

FLOOR = 1e-2  # of norms that errors are relative to: a gradient of p that is 0 but for rounding has no digits
NAMES = ("alpha", "face_vertices", "tau", "shift", "p")
RENDERERS = [(Logistic().squared(), Probabilistic()), (Cauchy(), Yager(p=0.5)), (Gamma(p=0.5).reversed(), Dombi(p=2.0))]
RENDERERS += [(Uniform(), Maximum()), (Logistic(), SchweizerSklar(p=-2.0)), (Logistic(), AczelAlsina(p=2.0))]


@dataclass
class Case:
    """One call, as the operators take it."""

    points: Tensor
    tau: Tensor
    distribution: Distribution
    t_conorm: TNorm
    size: tuple[int, int] = (9, 19)  # two tiles, the second cut off at 3 columns
    near: float = 1.0
    far: float = 100.0
    cull: str = "none"
    cutoff: float = 1e-6
    face_ranges: Tensor | None = None

    def __post_init__(self):
        limits = (self.near, self.far, self.cull, self.cutoff)
        self.options = coverage_options(self.distribution, self.t_conorm, *self.size, *limits)
        self.shift = torch.tensor(0.1, dtype=self.points.dtype)
        self.p = torch.tensor(0.0 if self.t_conorm.p is None else float(self.t_conorm.p), dtype=self.points.dtype)
        generator = torch.Generator().manual_seed(1)
        incoming = torch.randn(len(self.tau), *self.size, dtype=torch.float64, generator=generator)
        # Of one sign in float32: what cancels in a sum over all pixels would leave only rounding to compare.
        self.incoming = incoming if self.points.dtype == torch.float64 else incoming.abs()

    @property
    def wants_p(self) -> bool:
        return self.t_conorm.p is not None

    def on_host(self, host: Host) -> tuple[Tensor, ...]:
        """Alpha and the four gradients from the shim."""
        inputs = (self.points, self.tau, self.shift, self.p, self.face_ranges, *self.options)
        alpha, state = host.coverage(*inputs)
        gradients = host.coverage_backward(self.incoming.to(self.points), state, self.wants_p, *inputs)
        assert host.status == ()
        return (alpha, *gradients)

    def on_cpu(self, dtype: torch.dtype | None = None) -> tuple[Tensor, ...]:
        """The same from the CPU's kernels."""
        dtype = dtype or self.points.dtype
        tensors = [t.to(dtype) for t in (self.points, self.tau, self.shift, self.p)]
        inputs = (*tensors, self.face_ranges, *self.options)
        alpha, state = torch.ops.gendr.coverage(*inputs)
        incoming = self.incoming.to(self.points).to(dtype)
        gradients = torch.ops.gendr.coverage_backward(incoming, state, self.wants_p, *inputs)
        return (alpha, *gradients)


def assert_agrees(case: Case, host: Host) -> None:
    assert_near_the_cpu(case, case.on_host(host))


def assert_near_the_cpu(case: Case, got: tuple[Tensor, ...]) -> None:
    """To rounding: in float64 with the CPU; in float32 no worse than the CPU's own error allows."""
    is_double = case.points.dtype == torch.float64
    truth = case.on_cpu(torch.float64)
    own = truth if is_double else case.on_cpu()
    for i, (name, g, t, o) in enumerate(zip(NAMES, got, truth, own, strict=True)):
        assert g.shape == t.shape, name
        assert bool(torch.isfinite(g).all()), name
        error, cpu = (error_of_gradient(x, t) if i else largest_difference(x, t) for x in (g, o))
        bound = 1e-9 if is_double else 5 * cpu + 1e-5  # worst seen in float64 2e-10, where a sum cancels
        assert error < bound, (name, error, cpu)


def error_of_gradient(got: Tensor, want: Tensor) -> float:
    return relative_error(got.double(), want.double(), FLOOR)


def largest_difference(got: Tensor, want: Tensor) -> float:
    return float((got.double() - want.double()).abs().max()) if want.numel() else 0.0


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)  # tensors this small are quicker alone


@pytest.fixture(scope="module")
def lib():
    return cuda_host.library()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("distribution", distributions(), ids=str)
def test_every_pair_agrees_in_every_order(lib, distribution, dtype):
    """The orders give the same bits, so that one of them stands for all beside the CPU."""
    triangles = random_triangles(2, 7, dtype)
    for t_conorm in t_conorms():
        case = Case(triangles, softness(distribution, 2, dtype), distribution, t_conorm)
        first, *others = (case.on_host(Host(lib, order)) for order in ORDERS[:3])
        assert_near_the_cpu(case, first)
        for other in others:
            assert all(torch.equal(a, b) for a, b in zip(first, other, strict=True)), str(t_conorm)


@pytest.mark.parametrize(("distribution", "t_conorm"), RENDERERS, ids=str)
def test_bits_do_not_depend_on_the_order_of_threads(lib, distribution, t_conorm):
    case = Case(
        random_triangles(2, 40, torch.float32), softness(distribution, 2, torch.float32), distribution, t_conorm
    )
    first, *others = (case.on_host(Host(lib, order)) for order in ORDERS)
    for other in others:
        assert all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize(("distribution", "t_conorm"), RENDERERS, ids=str)
def test_passes_continue_the_sums(lib, distribution, t_conorm):
    """Faces set up in several passes give the bits that one pass gives."""
    case = Case(
        random_triangles(2, 70, torch.float32), softness(distribution, 2, torch.float32), distribution, t_conorm
    )
    whole, parts = case.on_host(Host(lib)), case.on_host(Host(lib, faces_per_pass=32))
    assert all(torch.equal(a, b) for a, b in zip(whole, parts, strict=True))
    assert_agrees(case, Host(lib, "shuffled", faces_per_pass=32))


@pytest.mark.parametrize(("distribution", "t_conorm"), [*RENDERERS, (Logistic(), Average())], ids=str)
def test_packed_faces(lib, distribution, t_conorm):
    """Images of 0 to 40 faces out of one list, some of whose faces are no image's."""
    triangles = random_triangles(1, 50)[0]
    ranges = torch.tensor([[2, 5], [5, 5], [6, 46]])
    for faces_per_pass in (0, 32):
        case = Case(triangles, softness(distribution, 3, torch.float64), distribution, t_conorm, face_ranges=ranges)
        assert_agrees(case, Host(lib, faces_per_pass=faces_per_pass))


@pytest.mark.parametrize("size", [(1, 1), (9, 7), (16, 16), (17, 49)], ids=str)
def test_image_sizes(lib, size):
    for distribution, t_conorm in RENDERERS:
        tau = softness(distribution, 2, torch.float64)
        assert_agrees(Case(random_triangles(2, 5), tau, distribution, t_conorm, size), Host(lib, "reverse"))


@pytest.mark.parametrize(("distribution", "t_conorm"), RENDERERS, ids=str)
def test_large_faces_are_shared_out(lib, distribution, t_conorm):
    """Faces of more pixels than one warp takes, together with small ones."""
    small = random_triangles(2, 5) * torch.tensor([0.05, 0.05, 1.0])
    large = random_triangles(2, 3) * torch.tensor([1.5, 1.5, 1.0])
    triangles = torch.stack([small[:, 0], large[:, 0], small[:, 1], large[:, 1], small[:, 2], large[:, 2]], dim=1)
    for dtype in (torch.float32, torch.float64):
        case = Case(triangles.to(dtype), softness(distribution, 2, dtype), distribution, t_conorm, (64, 48))
        assert_agrees(case, Host(lib, "shuffled"))


def test_very_many_large_faces_are_a_slice_each(lib):
    corners = torch.tensor([[-2.0, -2.0, 2.0], [2.0, -2.0, 2.0], [0.0, 3.0, 2.0]], dtype=torch.float64)
    triangles = (corners + torch.linspace(0, 0.01, 2100, dtype=torch.float64)[:, None, None]).clamp(max=3.0)[None]
    case = Case(triangles, torch.tensor([10.0], dtype=torch.float64), Logistic(), Average(), (46, 46))
    case.incoming *= torch.rand_like(case.incoming) < 0.01  # few pixels have a gradient: quick
    assert_agrees(case, Host(lib, "warp by warp"))  # blocks take several slices, and their warps are not abreast


@pytest.mark.parametrize("cull", ["none", "back", "front"])
def test_faces_that_take_no_part(lib, cull):
    """Degenerate faces, faces out of the image, before and beyond the depths, and of the wrong side."""
    triangles = random_triangles(1, 12)
    triangles[0, 0, 1] = triangles[0, 0, 0]  # a segment
    triangles[0, 1, :] = triangles[0, 1, :1]  # a point
    triangles[0, 2, :, 0] += 1e6
    triangles[0, 3, 1, 2] = 0.5
    triangles[0, 4, 2, 2] = 200.0
    triangles[0, 5, 0, :2] = torch.tensor([1e3, -1e3], dtype=torch.float64)
    for distribution, t_conorm in [*RENDERERS, (Heaviside(), Average())]:
        case = Case(triangles, softness(distribution, 1, torch.float64), distribution, t_conorm, cull=cull)
        got, wants = (list(outcome) for outcome in (case.on_host(Host(lib)), case.on_cpu()))
        for outcome in (got, wants):  # rounding decides which of two corners in one place has the gradient
            outcome[1] = outcome[1].sum(dim=2)
        for name, g, w in zip(NAMES, got, wants, strict=True):
            assert relative_error(g.double(), w.double(), FLOOR) < 1e-10, (name, str(distribution))


def test_a_certain_pixel_ends_its_tile(lib):
    """Where the complement underflows, what follows changes nothing: the early end must not be felt."""
    corners = torch.tensor([[-3.0, -3.0, 2.0], [3.0, -3.0, 2.0], [0.0, 4.0, 2.0]], dtype=torch.float64)
    triangles = torch.cat([corners.expand(1, 90, 3, 3), random_triangles(1, 10)], dim=1)
    for dtype in (torch.float32, torch.float64):
        for t_conorm in (Probabilistic(), AczelAlsina(p=2.0), SchweizerSklar(p=-2.0)):
            tau = torch.tensor([0.02], dtype=dtype)
            assert_agrees(Case(triangles.to(dtype), tau, Logistic(), t_conorm), Host(lib))


@pytest.mark.parametrize(("batch", "faces"), [(0, 3), (2, 0), (1, 1)])
def test_nothing_to_draw(lib, batch, faces):
    triangles = random_triangles(batch, faces)
    for distribution, t_conorm in RENDERERS:
        assert_agrees(Case(triangles, softness(distribution, batch, torch.float64), distribution, t_conorm), Host(lib))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("where", ["face_vertices", "tau", "shift", "p", "a gradient"])
def test_input_that_is_not_finite_is_reported_and_stays_out(lib, where, bad):
    case = Case(random_triangles(2, 4, torch.float32), torch.full((2,), 0.1), Logistic(), Yager(p=2.0))
    host = Host(lib)
    if where == "face_vertices":
        case.points[1, 2, 0, 1] = bad
    elif where == "tau":
        case.tau[1] = bad
    elif where == "a gradient":
        case.incoming[0, 3, 3] = bad
    else:
        setattr(case, where, torch.tensor(bad))
    inputs = (case.points, case.tau, case.shift, case.p, None, *case.options)
    alpha, state = host.coverage(*inputs)
    reported = host.status
    outcome = (alpha, *host.coverage_backward(case.incoming.to(case.points), state, True, *inputs))
    assert {*reported, *host.status} == {where}
    assert all(bool(torch.isfinite(t).all()) for t in outcome)


@pytest.mark.parametrize("tau", [1e-30, 1e-12, 1e12, 1e30])
def test_extreme_softness_stays_finite(lib, tau):
    for distribution, t_conorm in RENDERERS:
        for dtype in (torch.float32, torch.float64):
            case = Case(random_triangles(1, 3, dtype), torch.tensor([tau], dtype=dtype), distribution, t_conorm, (9, 7))
            assert all(bool(torch.isfinite(t).all()) for t in case.on_host(Host(lib)))


def test_the_gamma_table_is_that_of_the_shape(lib):
    """Two shapes in turn: the table must not be that of the call before."""
    for shape in (0.5, 2.0, 0.5):
        distribution = Gamma(p=shape).reversed()
        tau = softness(distribution, 1, torch.float32)
        assert_agrees(Case(random_triangles(1, 4, torch.float32), tau, distribution, Probabilistic()), Host(lib))
