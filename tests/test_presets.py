"""The named systems: what each draws, where the sharp ones get their gradients, and that all are renderers."""

import inspect

import numpy as np
import pytest
import scipy.stats
import torch

import gendr
from gendr import presets
from gendr.distributions import Heaviside
from gendr.presets.straight_through import straight_through
from gendr.render import AmbientLight, BlendStage, DirectionalLight, reference
from gendr.tnorms import Maximum

CAMERA = gendr.Camera.look_at(elevation=20.0, azimuth=30.0)

# One edge of a large triangle crosses the image upright at x = 0.1: the distance at a pixel is x - 0.1.
EDGE_X = 0.1
HALF_PLANE = gendr.Mesh(
    torch.tensor([[EDGE_X, -50.0, 0.0], [100.0, 0.0, 0.0], [EDGE_X, 50.0, 0.0]], dtype=torch.float64),
    torch.tensor([[0, 1, 2]]),
)
UNIT = gendr.Camera.look_at(2.0, half_angle=45.0, projection="perspective")


def columns(renderer, mesh=HALF_PLANE):
    """Alpha along the image's middle row, from a camera that shows world x - 0.1 as NDC (x - 0.1) / 2."""
    return renderer(mesh, UNIT).alpha[0, 32].double()


def distances(size=64):
    x = (2 * np.arange(size) + 1 - size) / size
    return x - EDGE_X / 2


SOFT = {  # the profile that each soft system has over a straight edge, by scipy or by its own formula
    "rhodin": (0.1, lambda d: scipy.stats.norm.cdf(d / 0.1)),
    "softras": (0.01, lambda d: scipy.stats.logistic.cdf(np.abs(d) * d / 0.01)),
    "dib_r": (0.1, lambda d: np.where(d >= 0, 1.0, np.exp(d / 0.1))),
    "pix2vex": (0.1, lambda d: scipy.stats.logistic.cdf(d / 0.1)),
    "logistic_relaxation": (0.1, lambda d: scipy.stats.logistic.cdf(d / 0.1)),
}


@pytest.mark.parametrize("name", SOFT)
def test_profile_of_a_straight_edge(name):
    tau, profile = SOFT[name]
    want = profile(distances())
    got = columns(presets.PRESETS[name](64, tau=tau)).numpy()
    # What the cut-offs drop: 1e-4 in SoftRas, as published, and 1e-6 in the others.
    assert np.abs(got - want).max() < (1e-4 if name == "softras" else 2e-6)


def test_dib_r_as_its_code_has_it():
    got = columns(presets.dib_r(64, tau=0.01, squared=True)).numpy()
    d = distances()
    assert np.abs(got - np.where(d >= 0, 1.0, np.exp(-(d**2) / 0.01))).max() < 2e-6


@pytest.mark.parametrize("name", ["opendr", "nmr"])
def test_surrogates_draw_sharply_and_ramp_in_the_gradient(name):
    preset = presets.PRESETS[name](64)
    d = distances()
    shift = torch.zeros((), dtype=torch.float64, requires_grad=True)
    moved = HALF_PLANE.with_vertices(HALF_PLANE.vertices + shift * torch.tensor([1.0, 0, 0], dtype=torch.float64))
    alpha = columns(preset, moved)
    assert np.array_equal(alpha.detach().numpy(), (d >= 0).astype(float))
    slope = [torch.autograd.grad(a, shift, retain_graph=True)[0].item() for a in alpha]
    tau = preset.backward.tau
    want = np.where(np.abs(d) < tau, -0.5 / (2 * tau), 0.0)  # world x is twice the NDC's
    assert np.abs(slope - want).max() < 1e-9 / tau


def test_opendr_is_the_central_difference_of_the_image():
    """Moving an edge by a whole pixel changes the image as the surrogate says, summed over the pixels."""
    preset = presets.opendr(64)
    pixel = 2 / 64
    shift = torch.zeros((), dtype=torch.float64, requires_grad=True)
    step = torch.tensor([2 * pixel, 0, 0], dtype=torch.float64)  # world x is twice the NDC's
    alpha = columns(preset, HALF_PLANE.with_vertices(HALF_PLANE.vertices + shift * step))
    left, right = (columns(preset, HALF_PLANE.with_vertices(HALF_PLANE.vertices + s * step)) for s in (-1, 1))
    slope = torch.stack([torch.autograd.grad(a, shift, retain_graph=True)[0] for a in alpha])
    assert torch.allclose(slope, (right - left) / 2, atol=1e-9)


def test_the_composition_is_exact_and_follows_the_surrogate_to_second_order():
    x = torch.linspace(-3, 3, 101, dtype=torch.float64, requires_grad=True)
    y = straight_through(x.detach().round(), x**3 / 3)
    assert torch.equal(y, x.detach().round())
    (first,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    assert torch.allclose(first, x**2)
    assert torch.allclose(second, 2 * x)


def painted_ball():
    ball = gendr.Mesh.icosphere(1, radius=0.4)
    return gendr.Mesh(ball.vertices, ball.faces, vertex_colors=ball.vertices + 0.5)


@pytest.mark.parametrize("name", presets.PRESETS)
def test_every_preset_draws_colour_depth_and_light(name):
    renderer = presets.PRESETS[name](24, tau=0.01**2 if name == "softras" else 0.01)
    assert isinstance(renderer, gendr.Renderer)
    ball = painted_ball()
    colors = ball.vertex_colors.clone().requires_grad_()
    vertices = ball.vertices.clone().requires_grad_()
    ball = gendr.Mesh(vertices, ball.faces, vertex_colors=colors)
    lights = [AmbientLight(0.5), DirectionalLight((0.0, 1.0, 0.0), 0.5)]
    out = renderer(ball, CAMERA, lights, outputs=("rgb", "depth", "normal", "face_id"))
    sharp = gendr.Renderer(24, Heaviside(), 1.0, Maximum(), blend=BlendStage("hard"))
    want = sharp(ball, CAMERA, lights, outputs=("rgb", "depth", "face_id"))
    middle = (slice(None), slice(9, 15), slice(9, 15))
    assert torch.equal(out.face_id, want.face_id)
    assert (out.depth - want.depth)[middle].abs().max() < 0.02  # of soft faces, a mean over neighbours and the far side
    assert (out.rgb - want.rgb).movedim(1, -1)[middle].abs().max() < 0.05
    gradients = torch.autograd.grad(out.rgb.square().sum(), [vertices, colors])
    assert all(bool(torch.isfinite(g).all()) and g.abs().max() > 0 for g in gradients)


@pytest.mark.parametrize("name", ["opendr", "nmr"])
def test_surrogates_give_colours_the_gradient_of_the_sharp_image(name):
    """And geometry that of the soft one: neither counts twice."""
    preset, ball = presets.PRESETS[name](24), painted_ball()
    sharp = gendr.Renderer(24, Heaviside(), 1.0, Maximum(), blend=BlendStage("hard"))

    def gradients(renderer):
        vertices, colors = (t.clone().requires_grad_() for t in (ball.vertices, ball.vertex_colors))
        rgb = renderer(gendr.Mesh(vertices, ball.faces, vertex_colors=colors), CAMERA).rgb
        return rgb.detach(), torch.autograd.grad((rgb * torch.arange(24.0)).sum(), [vertices, colors])

    rgb, (on_vertices, on_colors) = gradients(preset)
    sharp_rgb, (_, sharp_on_colors) = gradients(sharp)
    _, (soft_on_vertices, _) = gradients(preset.backward)
    assert torch.equal(rgb, sharp_rgb)
    assert torch.allclose(on_colors, sharp_on_colors, atol=1e-5)
    assert torch.allclose(on_vertices, soft_on_vertices, rtol=1e-4, atol=1e-3)  # of up to 1e3


@pytest.mark.parametrize("name", presets.PRESETS)
def test_every_preset_is_a_differentiable_renderer(name):
    mesh = gendr.Mesh.icosphere(1, radius=0.4)
    vertices = mesh.vertices.clone().requires_grad_()
    tau = torch.tensor(0.05, requires_grad=True)
    out = presets.PRESETS[name]((12, 16), tau=tau)(mesh.with_vertices(vertices), CAMERA)
    assert out.alpha.shape == (1, 12, 16)
    assert bool(((out.alpha >= 0) & (out.alpha <= 1)).all())
    gradients = torch.autograd.grad((out.alpha * torch.randn(12, 16)).sum(), [vertices, tau])
    assert all(bool(torch.isfinite(g).all()) and g.abs().max() > 0 for g in gradients)


@pytest.mark.parametrize("name", presets.PRESETS)
def test_every_docstring_says_what_is_the_same_and_what_differs(name):
    text = inspect.getdoc(presets.PRESETS[name])
    assert all(f"\n{word}" in text for word in ("Same: ", "Differs: ", "Args:", "Source: "))


def test_softras_drops_what_the_published_code_drops():
    """`dist_eps = 1e-4`: outside at `d^2 >= log(1 / dist_eps - 1) sigma`."""
    triangles = torch.tensor([[[[-0.4, -0.4, 2.0], [0.5, -0.3, 2.0], [0.1, 0.5, 2.0]]]])
    sigma = 1e-3
    alpha = presets.softras(64, tau=sigma)
    mesh = gendr.Mesh(torch.zeros(3, 3), torch.tensor([[0, 1, 2]]))
    drawn = (
        gendr.rasterize(triangles, 64, alpha.distribution, sigma, alpha.t_conorm, cutoff=alpha.raster.cutoff).alpha > 0
    )
    d = reference.signed_distance(reference.pixel_centres(64, 64, triangles), triangles[0, ..., :2]).reshape(64, 64)
    kept = (d > 0) | (d**2 < np.log(1 / 1e-4 - 1) * sigma)
    assert len(mesh.faces) == 1
    assert torch.equal(drawn[0], kept)
