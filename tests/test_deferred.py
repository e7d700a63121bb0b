"""Deferred shading: soft blends of features against shading before the blend, down to pixels of background alone."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gendr.render.deferred import compose, shade_deferred
from gendr.render.lights import AmbientLight, DirectionalLight, PointLight, SphericalHarmonicsLight
from gendr.render.shading import illuminate, shade

EYE = torch.tensor([0.5, 1.0, -4.0], dtype=torch.float64)


def lights(dtype=torch.float64):
    sky = torch.linspace(-0.3, 0.9, 27, dtype=dtype).view(9, 3)
    return [
        DirectionalLight((0.3, 1.0, -0.5), 0.5),
        PointLight((1, -2, -3), 0.9, (0.5, 0.1, 0.2)),
        SphericalHarmonicsLight(sky),
    ]


def image(*channels, dtype=torch.float64):
    return torch.randn(2, *channels, 4, 5, dtype=dtype)


def blended(weight, *means):
    """Sums with weights that total `weight` [B, H, W]."""
    return [weight[:, None] * mean if mean.ndim == 4 else weight * mean for mean in means]


@pytest.mark.parametrize("model", ["lambert", "blinn-phong"])
def test_full_pixels_are_shaded_as_points_are(model):
    albedo, normals, positions = image(3).abs(), image(3), image(3)
    options = {"specular": (0.5, 0.6, 0.7), "shininess": 7.0, "model": model}
    ones = torch.ones(2, 4, 5, dtype=torch.float64)
    colours = shade_deferred(albedo, normals, positions, ones, EYE, lights(), background=9.0, **options)
    points = [t.movedim(1, -1) for t in (albedo, normals, positions)]
    torch.testing.assert_close(colours, shade(*points, EYE, lights(), **options).movedim(-1, 1))


@pytest.mark.parametrize("model", ["lambert", "blinn-phong"])
def test_a_surface_of_one_kind_stands_before_the_background_with_its_weight(model):
    """However the weight is made up: the pixel is `W` of the surface's colour and `1 - W` of the background."""
    albedo, normals, positions, weight = image(3).abs(), image(3), image(3), image().sigmoid()
    strength, exponent, behind = image(3).abs(), 1 + 9 * image().abs(), image(3)
    sums = blended(weight, albedo, normals, positions)
    sent = {"specular": blended(weight, strength)[0], "shininess": blended(weight, exponent)[0], "model": model}
    colours = shade_deferred(*sums, weight, EYE, lights(), background=behind, **sent)
    points = [t.movedim(1, -1) for t in (albedo, normals, positions)]
    options = {"specular": strength.movedim(1, -1), "shininess": exponent, "model": model}
    surface = shade(*points, EYE, lights(), **options).movedim(-1, 1)
    mixed = weight[:, None] * surface + (1 - weight[:, None]) * behind
    torch.testing.assert_close(colours, mixed)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_faintest_foreground(dtype):
    """Weights down to where they vanish: the foreground's part stays proportional, gradients stay those of a mean."""
    weight = torch.tensor([1.0, 1e-3, 1e-8, 1e-12, 1e-17, 1e-30, 0.0], dtype=dtype).view(1, 1, 7)
    albedo, normals, positions = (torch.rand(1, 3, 1, 1, dtype=dtype).expand(1, 3, 1, 7) for _ in range(3))
    sums = [s.clone().requires_grad_() for s in blended(weight, albedo, normals, positions)]
    options = {"specular": 0.5, "model": "blinn-phong"}
    leaf = weight.clone().requires_grad_()
    colours = shade_deferred(*sums, leaf, EYE.to(dtype), lights(dtype), **options)
    torch.testing.assert_close(colours[..., :5], weight[..., :5] * colours[..., :1], atol=0, rtol=1e-5)
    gradients = torch.autograd.grad(colours.sum(), [*sums, leaf])
    assert all(g.isfinite().all() for g in gradients)
    for gradient in gradients:
        torch.testing.assert_close(
            gradient[..., :5], gradient[..., :1].expand_as(gradient[..., :5]), rtol=1e-4, atol=1e-6
        )
    assert not any(gradients[i][..., 6].any() for i in (1, 2))


def test_opposite_normals_cancel_to_ambient_light():
    sums = [torch.full((1, 3, 1, 1), 0.5), torch.tensor([1e-9, 0.0, 0.0]).view(1, 3, 1, 1), torch.zeros(1, 3, 1, 1)]
    scene = [AmbientLight(0.25), DirectionalLight((1, 0, 0))]
    lit = shade_deferred(*sums, torch.full((1, 1, 1), 0.5), torch.ones(3), scene)
    assert lit.flatten().tolist() == [0.125] * 3


def test_backgrounds():
    sums, weight = [image(3).abs(), image(3), image(3)], torch.zeros(2, 4, 5, dtype=torch.float64)
    for background in (0.25, torch.rand(3), torch.rand(2, 3), torch.rand(1, 3), torch.rand(2, 3, 4, 5)):
        colours = shade_deferred(0 * sums[0], *sums[1:], weight, EYE, lights(), background=background)
        expected = background
        if isinstance(background, torch.Tensor):
            expected = background.double() if background.ndim == 4 else background.double()[..., None, None]
        assert torch.equal(colours, expected + torch.zeros_like(colours))


def test_derivatives():
    inputs = [image(3)[..., :2, :2].abs(), image(3)[..., :2, :2], image(3)[..., :2, :2], image()[..., :2, :2].sigmoid()]
    inputs += [torch.randn(2, 3).double() * 4, torch.rand(2, 3).double(), image(3)[..., :2, :2].abs()]
    inputs = [v.requires_grad_() for v in inputs]

    def colours(albedo, normals, positions, weight, eye, background, specular):
        options = {"background": background, "specular": specular, "shininess": 3.0, "model": "blinn-phong"}
        return shade_deferred(albedo, normals, positions, weight, eye, lights()[:2], **options)

    assert torch.autograd.gradcheck(colours, inputs)
    parts = [image(2)[..., :2, :2].requires_grad_() for _ in range(3)]
    assert torch.autograd.gradcheck(lambda a, d, h, w: compose(a, d, h, w, background=0.5), (*parts, inputs[3]))


def test_a_texture_under_interpolated_light():
    albedo, normals, positions, weight = image(3).abs(), image(3), image(3), image().sigmoid()
    options = {"specular": 0.5, "model": "blinn-phong"}
    lit = illuminate(normals.movedim(1, -1), positions.movedim(1, -1), EYE, lights(), **options)
    parts = blended(weight, albedo, lit.diffuse.movedim(-1, 1), lit.highlight.movedim(-1, 1))
    expected = shade_deferred(*blended(weight, albedo, normals, positions), weight, EYE, lights(), **options)
    torch.testing.assert_close(compose(*parts, weight), expected)
    matte = compose(parts[0], parts[1], None, weight, background=torch.tensor([0.5, 0.25, 0.75]))
    nothing = compose(0 * parts[0], 0 * parts[1], 0 * parts[2], 0 * weight, background=torch.tensor([0.5, 0.25, 0.75]))
    assert matte.isfinite().all()
    assert nothing[1, :, 3, 4].tolist() == [0.5, 0.25, 0.75]


numbers = st.floats(-1e3, 1e3, width=32) | st.sampled_from([0.0, 1e-20, -1e-20, 1e-40])
weights = st.floats(0, 1, width=32) | st.sampled_from([0.0, 1e-45, 1e-30, 1e-17, 1e-8, 1.0])


@settings(max_examples=50)
@given(st.lists(numbers, min_size=15, max_size=15), st.lists(weights, min_size=1, max_size=1))
def test_any_blend_gives_a_finite_image(values, weight):
    """Sums that belong to their weight: means up to 1,000."""
    for dtype in (torch.float32, torch.float64):
        part = torch.tensor(weight, dtype=dtype).view(1, 1, 1).requires_grad_()
        means = torch.tensor(values, dtype=dtype).view(5, 1, 3, 1, 1)
        sums = [(part.detach() * m).requires_grad_() for m in means[:3]]
        scene = [DirectionalLight(means[3].flatten(), 0.5), PointLight(means[3].flatten(), 1.0, (0, 0, 1))]
        options = {"specular": 0.5, "shininess": 20.0, "model": "blinn-phong"}
        colours = shade_deferred(*sums, part, means[4].flatten(), scene, **options)
        assert colours.isfinite().all()
        assert all(g.isfinite().all() for g in torch.autograd.grad(colours.sum(), [*sums, part]))


A = torch.zeros(1, 3, 2, 2)
W = torch.zeros(1, 2, 2)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("albedo", lambda: shade_deferred(A[:, :2], A, A, W, EYE.float(), [])),
        ("normals", lambda: shade_deferred(A, A[..., :1], A, W, EYE.float(), [])),
        ("positions", lambda: shade_deferred(A, A, A.double(), W, EYE.float(), [])),
        ("foreground_weight", lambda: shade_deferred(A, A, A, W[..., :1], EYE.float(), [])),
        ("background", lambda: shade_deferred(A, A, A, W, EYE.float(), [], background=torch.zeros(4))),
        ("background", lambda: compose(A, A, None, W, background=torch.zeros(3, 2, 2))),
        ("diffuse", lambda: compose(A, A[:, :1], None, W)),
        ("highlight", lambda: compose(A, A, A[:, :1], W)),
    ],
)
def test_wrong_arguments_are_named(name, call):
    with pytest.raises(ValueError, match=name):
        call()
