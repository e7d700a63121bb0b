"""tau="auto": edges as wide as promised for every distribution, that follow the pixels, and are never NaN."""

import math

import pytest
import torch

from gendr import distributions, presets, tnorms
from gendr.distributions import Cauchy, Exponential, Gaussian, Heaviside, Levy, Logistic, Uniform
from gendr.presets import THESIS
from gendr.render import Camera, Mesh, MeshBatch, RasterStage, Renderer, automatic_tau, rasterize, softness
from gendr.render.geometry import project
from gendr.render.reference import coverage
from gendr.render.softness import edge_width, reach, tau_for_width
from gendr.tnorms import Average, Dombi, Einstein, Maximum, Probabilistic, Yager
from renderers import random_triangles

PIXEL = 2 / 64
# Edges on the image's vertical middle line and far away otherwise: only one edge matters.
HALF_PLANE = torch.tensor([[[[0.0, -500.0, 2.0], [0.0, 500.0, 2.0], [900.0, 0.0, 2.0]]]], dtype=torch.float64)


def spheres(scale=1.0, level=3):
    camera = Camera.look_at(2.732, 30.0, torch.tensor([0.0, 50.0], dtype=torch.float64), half_angle=15.0)
    faces = project(Mesh.icosphere(level, 0.5, torch.float64), camera, 1.0, 100.0, True).face_vertices
    return faces * torch.tensor([scale, scale, 1.0], dtype=torch.float64)


@pytest.mark.parametrize("distribution", THESIS.distributions, ids=str)
def test_one_edge_is_as_wide_as_promised(distribution):
    pixels = 6.0
    tau = automatic_tau(HALF_PLANE, 64, distribution, edge_pixels=pixels)
    # At distances 1/512 apart, from -4 to 4, those are counted that lie between 10 and 90 %.
    values = distribution.cdf(torch.linspace(-4, 4, 8 * 512, dtype=torch.float64), tau)
    width = ((values > 0.1) & (values < 0.9)).sum().item() / 512
    assert width == pytest.approx(pixels * PIXEL, abs=2 / 512)


def test_the_rendered_edge_has_that_width():
    # The same through the rasterizer: 1,024 columns across the edge, on an image 1/16 as high as it is wide.
    for distribution in (Gaussian(), Cauchy().squared(), Exponential(), Levy().reversed()):
        tau = automatic_tau(HALF_PLANE, 64, distribution, edge_pixels=4.0)
        alpha = rasterize(HALF_PLANE, (64, 1024), distribution, tau, Maximum(), cutoff=0).alpha[0, 32]
        width = ((alpha > 0.1) & (alpha < 0.9)).sum().item()
        assert width == pytest.approx(4.0, abs=1.0)  # whole pixels are counted


@pytest.mark.parametrize("t_conorm", [Probabilistic(), Yager(2.0), Dombi(0.5)], ids=str)
@pytest.mark.parametrize(
    "spec", ["gaussian", "logistic(squared)", "uniform", "cauchy", "reciprocal(squared)", "gamma(p=0.5, reversed)"]
)
def test_the_outline_of_a_fine_mesh_is_soft_and_the_rest_is_not(spec, t_conorm):
    distribution = distributions.from_spec(spec)
    faces = spheres(level=2)[:1]
    tau = automatic_tau(faces, 64, distribution, t_conorm, edge_pixels=3.0)
    # From the left border of the image to the middle of the sphere, 4 points to a pixel.
    points = torch.stack((torch.linspace(-1, 0, 129, dtype=torch.float64)[:-1], torch.zeros(128).double()), -1)
    alpha = coverage(faces, tau, points, distribution, t_conorm, near=1.0, far=100.0, cull="none", cutoff=0.0)[0]
    assert alpha[0] < 0.1  # 0.06 at most
    assert alpha[-16:].mean() > 0.95
    width = ((alpha > 0.1) & (alpha < 0.9)).sum().item() / 4 / 3.0
    # Of what is asked for, 0.71 to 1.21 where neighbours alone add up, 0.38 to 1.50 for Uniform, whose ramps get
    # steeper by joining, and for heavy tails, which add up over the whole sphere.
    is_estimated = spec in ("gaussian", "logistic(squared)", "gamma(p=0.5, reversed)")
    assert (0.6 if is_estimated else 0.3) < width < 1.6


@pytest.mark.parametrize("spec", ["gaussian", "cauchy", "levy", "exponential", "logistic(squared)", "levy(squared)"])
def test_softness_follows_the_pixels(spec):
    distribution, power = distributions.from_spec(spec), 2 if "squared" in spec else 1
    one = automatic_tau(spheres(), 64, distribution, Probabilistic())
    half = automatic_tau(spheres(0.5), 128, distribution, Probabilistic())
    torch.testing.assert_close(half, one / 2**power, rtol=1e-9, atol=0)
    finer = automatic_tau(spheres(), 128, distribution, Probabilistic())
    assert bool((finer < one).all())


def test_many_faces_make_heavy_tails_sharper_and_maximum_does_not_care():
    light, heavy = (
        [automatic_tau(spheres(level=n), 64, distribution, Probabilistic())[0].item() for n in (0, 2, 3)]
        for distribution in (Logistic().reversed(), Cauchy())
    )
    assert heavy == sorted(heavy, reverse=True)
    assert heavy[2] < 0.3 * heavy[1] < 0.3 * light[1] < light[2]
    equal = [automatic_tau(spheres(level=n), 64, Cauchy(), Maximum())[0].item() for n in (0, 3)]
    assert equal[0] == equal[1]


def test_distributions_inside_of_the_face_do_not_make_it_fade():
    # Exponential's edge of 20 pixels is wider than a face of 1,280: its middle would be nearly transparent.
    faces = spheres()
    limited = automatic_tau(faces, 64, Exponential(), Probabilistic(), edge_pixels=20.0)[0]
    whole = tau_for_width(Exponential(), 20 * PIXEL, edge_width(Exponential()))
    kept, faded = (
        rasterize(faces[:1], 64, Exponential(), tau, Probabilistic()).alpha[0, 20:44, 20:44].mean().item()
        for tau in (limited, whole)
    )
    assert kept > 0.4  # 0.44; a face's middle, in two layers, 3/4
    assert faded < 0.1


@pytest.mark.parametrize("distribution", THESIS.distributions, ids=str)
def test_never_nan_whatever_the_faces_are(distribution):
    point = torch.zeros(1, 2, 3, 3)
    huge, none, tiny = 1e30 * torch.randn(1, 5, 3, 3), torch.zeros(2, 0, 3, 3), 1e-30 * torch.randn(1, 5, 3, 3)
    for faces in (point, huge, none, tiny, spheres().float()):
        for t_conorm in (Dombi(0.5), Average()):
            tau = automatic_tau(faces, (4, 7), distribution, t_conorm)
            assert tau.shape == (len(faces),)
            assert tau.dtype == faces.dtype
            assert bool(((tau >= 0.99e-30) & (tau <= 1.01e30)).all())


def test_packed_faces_are_those_of_their_images():
    faces = spheres()
    n = faces.shape[1]
    ranges = torch.tensor([[0, n], [n, 2 * n]])
    packed = automatic_tau(faces.flatten(0, 1), 64, Cauchy(), Einstein(), face_ranges=ranges)
    torch.testing.assert_close(packed, automatic_tau(faces, 64, Cauchy(), Einstein()), rtol=0, atol=0)


def test_edge_width_of_many_faces_is_that_of_their_join():
    # By definition, for a number of faces that is no power of two: interpolated to 2 %.
    n, conorm = 24, Probabilistic()
    a = [1 - (1 - y) ** (1 / n) for y in (0.1, 0.9)]
    for distribution in (Logistic(), Uniform()):
        low, high = distribution.quantile(torch.tensor(a, dtype=torch.float64)).tolist()
        assert edge_width(distribution, conorm, n) == pytest.approx(max(high - low, -low / 2), rel=0.02)
    joined = conorm.aggregate(torch.full((n,), a[0], dtype=torch.float64)).item()
    assert joined == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("spec", "b"), [("cauchy", 1.0), ("cauchy(squared)", 2.0), ("levy(reversed)", 0.5), ("exponential", math.inf)]
)
def test_tails_fall_as_they_are_known_to(spec, b):
    tail = softness._tail(spec, "probabilistic")
    assert tail == pytest.approx(b, rel=0.02)  # between 10^-4 and 10^-6 the tail is nearly its limit
    assert softness._tail(spec, "yager(p=2)") == pytest.approx(2 * tail, rel=1e-3)
    assert softness._tail(spec, "dombi(p=0.5)") == pytest.approx(tail / 2, rel=1e-2)
    assert softness._tail(spec, "maximum") == math.inf


def test_reach_is_where_the_kernel_stops():
    tau, size = 0.02, 64
    for distribution in (Uniform(), Gaussian(), Logistic().squared()):
        pixels = reach(distribution, tau, size)
        d = torch.tensor([-1.001, -0.999], dtype=torch.float64) * pixels * 2 / size
        below, above = distribution.cdf(d, tau).tolist()
        assert below < 1e-6 < above
    assert reach(Exponential(), tau, size) == 0.0


def test_auto_in_rasterize_and_renderer_is_the_function():
    mesh, camera = Mesh.icosphere(2, radius=0.5), Camera.look_at(elevation=30.0, azimuth=torch.tensor([0.0, 90.0]))
    faces = project(mesh, camera, 1.0, 100.0, True).face_vertices
    for distribution in (Gaussian(), Logistic().squared()):
        tau = automatic_tau(faces, 32, distribution, Probabilistic())
        wanted = rasterize(faces, 32, distribution, tau, Probabilistic()).alpha
        assert torch.equal(rasterize(faces, 32, distribution, "auto", Probabilistic()).alpha, wanted)
        renderer = Renderer(32, distribution, "auto")
        assert torch.equal(renderer(mesh, camera).alpha, wanted)
        batch = renderer(MeshBatch.pack([mesh, mesh]), camera).alpha
        torch.testing.assert_close(batch, wanted, rtol=0, atol=1e-6)
    assert renderer.tau == "auto"


def test_auto_counts_pixels_of_the_image_also_where_it_is_drawn_finer():
    mesh, camera = Mesh.icosphere(2, radius=0.5), Camera.look_at()
    tau = automatic_tau(project(mesh, camera, 1.0, 100.0, True).face_vertices, 32, Gaussian(), Probabilistic())
    stage = RasterStage(antialias=4)
    assert torch.equal(
        Renderer(32, Gaussian(), "auto", raster=stage)(mesh, camera).alpha,
        Renderer(32, Gaussian(), tau, raster=stage)(mesh, camera).alpha,
    )


@pytest.mark.parametrize("preset", [presets.softras, presets.nmr, presets.pix2vex, presets.dib_r])
def test_presets_take_it(preset):
    mesh, camera = Mesh.icosphere(1, radius=0.5), Camera.look_at()
    vertices = mesh.vertices.clone().requires_grad_()
    renderer = (
        preset(16, "auto")
        if preset is not presets.nmr
        else presets.StraightThrough(16, Heaviside(), 1.0, Maximum(), backward=Renderer(16, Uniform(), "auto"))
    )
    alpha = renderer(mesh.with_vertices(vertices), camera).alpha
    assert alpha.isfinite().all()
    assert torch.autograd.grad(alpha.sum(), vertices)[0].abs().sum() > 0


def test_gradients_are_those_at_a_fixed_tau():
    faces = spheres(level=1).float().requires_grad_()
    tau = automatic_tau(faces, 16, Gaussian(), Probabilistic())
    assert not tau.requires_grad
    auto, fixed = (
        torch.autograd.grad(rasterize(faces, 16, Gaussian(), t, Probabilistic()).alpha.sum(), faces)[0]
        for t in ("auto", tau)
    )
    assert torch.equal(auto, fixed)


def test_tau_for_width_inverts_the_width():
    for distribution in (Gaussian(), Gaussian().squared(), Levy().squared()):
        one = edge_width(distribution)
        tau = tau_for_width(distribution, 0.3, one)
        low, high = distribution.quantile(torch.tensor([0.1, 0.9], dtype=torch.float64), tau).tolist()
        assert high - low == pytest.approx(0.3)
    assert tau_for_width(Heaviside(), 0.3, edge_width(Heaviside())) == 1.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rasterize(HALF_PLANE, 8, tau="soft"), r'tau: expected a number or a tensor .*, or "auto", got str'),
        (lambda: Renderer(8, tau="soft")(Mesh.icosphere(0), Camera.look_at()), '"auto", got str'),
        (lambda: automatic_tau(HALF_PLANE, 64, Gaussian(), edge_pixels=0.0), "edge_pixels: expected a number in"),
        (lambda: automatic_tau(HALF_PLANE[0, 0], 64, Gaussian()), "face_vertices"),
        (lambda: edge_width(Gaussian(), None, 0.5), "n_faces: expected a number in"),
        (lambda: reach(Gaussian(), 0.0, 64), "tau: expected a number in"),
        (lambda: reach(Gaussian(), 1.0, 64, 0.7), "cutoff: expected a number in"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def test_every_t_conorm_has_a_width():
    for t_conorm in {type(t): t for t in THESIS.t_conorms}.values():
        width = edge_width(Logistic(), t_conorm, 2)
        assert math.isfinite(width)
        assert width > 0
    assert tnorms.from_spec("maximum") == Maximum()


def test_faces_without_area_do_not_count():
    faces = random_triangles(2, 9)
    point = faces[:, :1, :1].expand(-1, 20, 3, -1)
    segment = torch.stack([faces[:, 0, 0], faces[:, 0, 1], faces[:, 0, 1]], 1)[:, None]
    more = torch.cat([point, faces, segment], 1)
    for distribution, t_conorm in ((Logistic(), Probabilistic()), (Uniform(), None)):
        want = automatic_tau(faces, 64, distribution, t_conorm)
        assert torch.equal(automatic_tau(more, 64, distribution, t_conorm), want)
    assert torch.equal(automatic_tau(point, 64, Logistic()), automatic_tau(faces[:, :0], 64, Logistic()))
