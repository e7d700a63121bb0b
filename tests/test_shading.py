"""Shading against the formula in loops, energy, invariances, gradients, and the places where the formula breaks."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gendr import Mesh
from gendr.render.lights import AmbientLight, DirectionalLight, Light, PointLight, SphericalHarmonicsLight
from gendr.render.normals import corner_normals, face_normals, unit
from gendr.render.shading import MODELS, Lighting, facing, illuminate, illuminate_corners, shade
from gendr.render.spherical_harmonics import project

EYE = torch.tensor([0.5, 1.0, -4.0], dtype=torch.float64)


def vectors(*shape):
    return torch.randn(*shape, 3, dtype=torch.float64)


def all_lights(dtype=torch.float64):
    return [
        AmbientLight((0.1, 0.2, 0.3)),
        DirectionalLight((0.3, 1.0, -0.5), (0.5, 0.4, 0.3)),
        PointLight((1.0, -2.0, -3.0), (0.9, 1.0, 0.8), (0.5, 0.1, 0.2)),
        SphericalHarmonicsLight(0.3 * torch.randn(9, 3, dtype=dtype)),
    ]


def by_hand(albedo, normal, position, lights, specular, shininess, model, two_sided):
    """The formula, for one point, in numpy."""
    n, v = normal / np.linalg.norm(normal), EYE.numpy() - position
    v = v / np.linalg.norm(v)
    n = -n if two_sided and n @ v < 0 else n
    diffuse, highlight = np.zeros(3), np.zeros(3)
    for light in lights:
        if isinstance(light, (AmbientLight, SphericalHarmonicsLight)):
            diffuse += light.ambient(torch.tensor(n)).numpy()
            continue
        if isinstance(light, PointLight):
            towards = light.position.numpy() - position
            d, (a, b, c) = np.linalg.norm(towards), light.attenuation.numpy()
            strength = 1 / (a + b * d + c * d * d)
        else:
            towards, strength = light.direction.numpy(), 1.0
        towards = towards / np.linalg.norm(towards)
        color, cosine = light.color.numpy() * strength, n @ towards
        diffuse += color * max(0.0, cosine)
        half = (towards + v) / np.linalg.norm(towards + v)
        if model == "blinn-phong" and cosine > 0:
            highlight += color * max(0.0, n @ half) ** shininess
    return albedo * diffuse + specular * highlight


@pytest.mark.parametrize("two_sided", [True, False])
@pytest.mark.parametrize("model", MODELS)
def test_the_formula(model, two_sided):
    albedo, normals, positions, lights = torch.rand(40, 3, dtype=torch.float64), vectors(40), vectors(40), all_lights()
    specular, options = torch.tensor([0.3, 0.5, 0.7], dtype=torch.float64), {"model": model, "two_sided": two_sided}
    colours = shade(albedo, normals, positions, EYE, lights, specular=specular, shininess=5, **options)
    for colour, *point in zip(colours.numpy(), albedo.numpy(), normals.numpy(), positions.numpy(), strict=True):
        np.testing.assert_allclose(colour, by_hand(*point, lights, specular.numpy(), 5, **options), atol=1e-14)


# Energy


def test_white_paper_head_on_returns_the_light():
    up, above = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64), torch.tensor([0.0, 3.0, 0.0], dtype=torch.float64)
    albedo = torch.tensor([0.9, 0.5, 0.1], dtype=torch.float64)
    uniform = project(lambda d: torch.ones_like(d), dtype=torch.float64)
    for light in (AmbientLight(), DirectionalLight((0, 7, 0)), PointLight((0, 9, 0)), SphericalHarmonicsLight(uniform)):
        torch.testing.assert_close(shade(albedo, up, torch.zeros_like(up), above, light), albedo)


def test_a_slanted_surface_gets_the_cosine():
    for degrees in (0, 30, 60, 89, 91, 180):
        angle = math.radians(degrees)
        normal = torch.tensor([math.sin(angle), math.cos(angle), 0.0])
        lit = shade(torch.ones(3), normal, torch.zeros(3), torch.ones(3), DirectionalLight((0, 1, 0)), two_sided=False)
        torch.testing.assert_close(lit, torch.full((3,), max(0.0, math.cos(angle))))


def test_a_lambert_surface_looks_the_same_from_everywhere_and_lights_add_up():
    albedo, normals, positions, lights = torch.rand(9, 3).double(), vectors(9), vectors(9), all_lights()
    one = shade(albedo, normals, positions, EYE, lights, two_sided=False)
    assert torch.equal(one, shade(albedo, normals, positions, EYE + 5, lights, two_sided=False))
    each = [shade(albedo, normals, positions, EYE, light, two_sided=False) for light in lights]
    torch.testing.assert_close(one, torch.stack(each).sum(0))
    assert not shade(albedo, normals, positions, EYE, []).any()
    assert not shade(albedo, normals, positions, EYE, [], model="blinn-phong", specular=1.0).any()


def test_a_highlight_is_brightest_in_the_mirror_direction_and_half_as_bright_where_stated():
    normals = unit(torch.stack((torch.linspace(-1, 1, 2001), torch.ones(2001), torch.zeros(2001)), 1).double())
    eye, light = torch.tensor([0.0, 1e9, 0.0]).double(), DirectionalLight((0, 1, 0))
    lit = illuminate(normals, torch.zeros_like(normals), eye, light, specular=1.0, model="blinn-phong")
    assert lit.highlight[1000].tolist() == pytest.approx([1.0] * 3, abs=1e-12)
    angle = math.degrees(math.acos(0.5 ** (1 / 32)))
    assert round(angle) == 12
    at_half = normals[(lit.highlight[:, 0] - 0.5).abs().argmin()]
    assert math.degrees(math.acos(at_half[1])) == pytest.approx(angle, abs=0.05)


@pytest.mark.parametrize("model", MODELS)
def test_turning_everything_together_changes_nothing(model):
    turn, move = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64))[0], vectors()
    environment = lambda d: torch.stack((d[:, 0].exp(), d[:, 1] ** 3, d[:, 2].sin()), 1)  # noqa: E731

    def scene(rotate, shift):
        lights = [
            AmbientLight(0.2),
            DirectionalLight(torch.tensor([0.3, 1.0, -0.5]).double() @ rotate),
            PointLight(torch.tensor([1.0, -2.0, -3.0]).double() @ rotate + shift, 1.0, (1, 1, 1)),
            SphericalHarmonicsLight(project(lambda d: environment(d @ rotate.mT), dtype=torch.float64)),
        ]
        eye, points = EYE @ rotate + shift, positions @ rotate + shift
        return shade(albedo, normals @ rotate, points, eye, lights, specular=0.5, shininess=9.0, model=model)

    albedo, normals, positions = torch.rand(30, 3).double(), vectors(30), vectors(30)
    still = scene(torch.eye(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64))
    torch.testing.assert_close(scene(turn, move), still)


def test_two_sides():
    normals, positions, lights = vectors(20), vectors(20), all_lights()
    options = {"specular": 0.5, "model": "blinn-phong"}
    front = shade(torch.ones(3).double(), normals, positions, EYE, lights, **options)
    assert torch.equal(front, shade(torch.ones(3).double(), -normals, positions, EYE, lights, **options))
    turned = facing(normals, positions, EYE)
    assert ((turned * (EYE - positions)).sum(1) > 0).all()
    assert torch.equal(front, shade(torch.ones(3).double(), turned, positions, EYE, lights, two_sided=False, **options))


# Shapes


def test_leading_shapes_broadcast():
    normals, positions, albedo = vectors(2, 4, 5), vectors(2, 4, 5), torch.rand(2, 4, 5, 3).double()
    eyes, colours, strengths = vectors(2) * 5, torch.rand(2, 3).double(), torch.rand(2, 3).double()
    exponents, options = torch.tensor([3.0, 9.0]).double(), {"model": "blinn-phong"}
    lights = [DirectionalLight((0, 1, 0), colours), PointLight(eyes)]
    whole = shade(albedo, normals, positions, eyes, lights, specular=strengths, shininess=exponents, **options)
    for i, j, k in itertools.product(range(2), range(4), range(5)):
        here = [DirectionalLight((0, 1, 0), colours[i]), PointLight(eyes[i])]
        one = {"specular": strengths[i], "shininess": exponents[i], **options}
        point = shade(albedo[i, j, k], normals[i, j, k], positions[i, j, k], eyes[i], here, **one)
        torch.testing.assert_close(whole[i, j, k], point)
    shared = shade(albedo, normals[:1], positions[:1], eyes, lights, **options)
    each = shade(albedo, normals[:1].expand(2, -1, -1, -1), positions[:1], eyes, lights, **options)
    assert torch.equal(shared, each)
    per_point = shade(albedo, normals, positions, eyes, lights, specular=0.5, shininess=torch.full((2, 4, 5), 7.0))
    assert torch.equal(per_point, shade(albedo, normals, positions, eyes, lights, specular=0.5, shininess=7))


def test_one_mesh_under_many_eyes():
    mesh = Mesh.icosphere(1, dtype=torch.float64)
    corners, eyes = mesh.face_vertices(), vectors(4) * 5
    lit = illuminate_corners(corners, corner_normals(mesh.vertices, mesh.faces), eyes, DirectionalLight((1, 0, 0)))
    assert lit.diffuse.shape == (4, 80, 3, 3)


def test_flat_and_gouraud():
    mesh, lights = Mesh.icosphere(1, dtype=torch.float64), all_lights()
    corners, options = mesh.face_vertices(), {"specular": 0.5, "model": "blinn-phong"}
    flat = illuminate_corners(corners, None, EYE, lights, **options)
    for lit in (flat.diffuse, flat.highlight):
        assert torch.equal(lit, lit[..., :1, :].expand_as(lit))
    once = illuminate(face_normals(corners), corners.mean(2), EYE, lights, **options)
    assert torch.equal(flat.diffuse[:, :, 0], once.diffuse)
    assert illuminate_corners(corners, None, EYE, lights).highlight is None
    normals = corner_normals(mesh.vertices, mesh.faces)
    smooth = illuminate_corners(corners, normals, EYE, lights, **options)
    assert torch.equal(smooth.on(normals.abs()), shade(normals.abs(), normals, corners, EYE, lights, **options))
    # Gouraud's light is one value per vertex, whichever face asks.
    per_vertex = illuminate(normals[0, :, 0], corners[0, :, 0], EYE, lights).diffuse
    torch.testing.assert_close(smooth.diffuse[0, :, 0], per_vertex)


def test_lighting_on_an_albedo_that_comes_later():
    albedo, normals, positions = torch.rand(6, 3).double(), vectors(6), vectors(6)
    lit = illuminate(normals, positions, EYE, all_lights()[:3], specular=0.5, model="blinn-phong")
    whole = shade(albedo, normals, positions, EYE, all_lights()[:3], specular=0.5, model="blinn-phong")
    assert torch.equal(lit.on(albedo), whole)
    assert torch.equal(Lighting(lit.diffuse).on(albedo), albedo * lit.diffuse)


# Gradients


@pytest.mark.parametrize("model", MODELS)
def test_derivatives_in_everything(model):
    """Also against central differences over whole images: gradcheck is nothing else, in every input at once."""
    inputs = [torch.rand(2, 2, 3), vectors(2, 2), vectors(2, 2), vectors(2) * 4, torch.rand(2, 3), torch.rand(2) * 9]
    inputs += [vectors(), torch.rand(3), vectors(), torch.rand(2, 3), torch.rand(3), torch.randn(9, 3), torch.rand(3)]
    inputs = [value.double().requires_grad_() for value in inputs]

    def colours(albedo, normals, positions, eye, specular, shininess, way, sun, place, lamp, fade, sky, ambient):
        lights: list[Light] = [DirectionalLight(way, sun), PointLight(place, lamp, fade), AmbientLight(ambient)]
        lights.append(SphericalHarmonicsLight(sky))
        options = {"specular": specular, "shininess": shininess, "model": model}
        return shade(albedo, normals, positions, eye, lights, **options)

    inputs = inputs if model == "blinn-phong" else [v.detach() if v.ndim == 1 and len(v) == 2 else v for v in inputs]
    assert torch.autograd.gradcheck(colours, inputs)


def test_functional_transforms():
    normals, positions, lights = vectors(3, 4), vectors(3, 4), all_lights()
    together = illuminate(normals, positions, EYE, lights).diffuse
    each = torch.func.vmap(lambda n, p: illuminate(n, p, EYE, lights).diffuse)(normals, positions)
    torch.testing.assert_close(each, together)


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # by Dynamo itself, torch 2.13
def test_compiles_whole():
    def lit(normals, positions, color):
        light = PointLight((1.0, 2.0, 3.0), color)
        return shade(torch.ones_like(normals), normals, positions, EYE, light, specular=0.5, model="blinn-phong")

    inputs = (vectors(4), vectors(4), torch.rand(3).double().requires_grad_())
    whole = torch.compile(lit, fullgraph=True, backend="aot_eager")(*inputs)
    torch.testing.assert_close(whole, lit(*inputs))


# Where the formula breaks


@pytest.mark.parametrize("shininess", [0.0, 1e-30, 0.5, 1.0, 1e6])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_special_directions_are_finite(shininess, dtype):
    """No normal, light in the surface, light behind or at the horizon or opposite to the eye, eye in the surface."""
    axis, zero = torch.tensor([0.0, 1.0, 0.0], dtype=dtype), torch.zeros(3, dtype=dtype)
    side = torch.tensor([1.0, 0.0, 0.0], dtype=dtype)
    places = [zero, axis, -axis, side, axis * 1e-30, axis + side * 1e-7]
    combinations = torch.stack([torch.stack(three) for three in itertools.product(places, repeat=3)], 1)
    normal, eye, place = (v.clone().requires_grad_() for v in combinations)
    position, exponent = (
        torch.zeros_like(normal).requires_grad_(),
        torch.tensor(shininess, dtype=dtype).requires_grad_(),
    )
    lights = [DirectionalLight(place), PointLight(place, 1.0, (0, 0, 1)), AmbientLight()]
    options = {"specular": 0.5, "shininess": exponent, "model": "blinn-phong"}
    for two_sided in (True, False):
        colour = shade(torch.ones_like(axis), normal, position, eye, lights, two_sided=two_sided, **options)
        gradients = torch.autograd.grad(colour.sum(), [normal, position, eye, place, exponent])
        assert colour.isfinite().all()
        assert all(g.isfinite().all() for g in gradients)
        assert (colour[normal.detach().norm(dim=1) == 0] == 1).all()


def test_great_shininess_in_float32():
    """The highlight half a degree off its middle, where `n . h` alone has lost its digits."""
    angle = torch.linspace(0, 0.004, 50, dtype=torch.float64)
    normals = torch.stack((angle.sin(), angle.cos(), 0 * angle), 1)
    options = {"specular": 1.0, "shininess": 1e6, "model": "blinn-phong"}
    above = torch.tensor([0.0, 1.0, 0.0])
    lit = illuminate(normals.float(), torch.zeros(50, 3), above, DirectionalLight((0, 1, 0)), **options).highlight
    # The angle itself has a rounding of 6e-8 / 0.004 relative to it, which the exponent 1e6 * angle^2 = 16 doubles.
    expected = torch.exp(1e6 * torch.log(angle.cos()))
    torch.testing.assert_close(lit[:, 0].double(), expected, rtol=1e-3, atol=1e-6)


def test_tensors_of_shininess_are_held_in_range():
    normal, eye = torch.tensor([[0.0, 1.0, 0.2]]), torch.tensor([0.0, 5.0, 0.0])
    lit = [
        illuminate(normal, torch.zeros(1, 3), eye, DirectionalLight(), specular=1.0, shininess=s, model="blinn-phong")
        for s in (torch.tensor(-5.0), 0, torch.tensor(1e30), 1e6)
    ]
    assert torch.equal(lit[0].highlight, lit[1].highlight)
    assert torch.equal(lit[2].highlight, lit[3].highlight)
    assert lit[1].highlight.tolist() == [[1.0] * 3]


numbers = st.floats(-1e3, 1e3, width=32) | st.sampled_from([0.0, 1e-20, -1e-20, 1.0])


@settings(max_examples=50)
@given(
    st.lists(numbers, min_size=15, max_size=15),
    st.floats(0, 1e6, width=32),
    st.sampled_from([None, (0.0, 0.0, 1.0), (1.0, 0.5, 0.25), (0.0, 0.0, 0.0)]),
)
def test_any_finite_scene_has_a_finite_image(values, shininess, attenuation):
    for dtype in (torch.float32, torch.float64):
        leaves = [v.clone().requires_grad_() for v in torch.tensor(values, dtype=dtype).view(5, 3)]
        normal, position, eye, place, color = leaves
        exponent = torch.tensor(shininess, dtype=dtype, requires_grad=True)
        lights = [DirectionalLight(place, color), PointLight(place, color, attenuation)]
        lights.append(SphericalHarmonicsLight(color.expand(9, 3)))
        options = {"specular": color, "shininess": exponent, "model": "blinn-phong"}
        colour = shade(color, normal, position, eye, lights, **options)
        gradients = torch.autograd.grad(colour.sum(), [*leaves, exponent])
        assert colour.isfinite().all()
        assert all(g.isfinite().all() for g in gradients)


Z = torch.zeros(2, 3)


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (ValueError, "model", lambda: shade(Z, Z, Z, Z, [], model="phong")),
        (ValueError, "albedo", lambda: shade(Z.double(), Z, Z, Z, [])),
        (ValueError, "normals", lambda: shade(Z, Z[:, :2], Z, Z, [])),
        (ValueError, "positions", lambda: shade(Z, Z, Z.double(), Z, [])),
        (ValueError, "eye", lambda: shade(Z, Z, Z, torch.zeros(2), [])),
        (ValueError, "positions", lambda: shade(Z, Z, Z.to("meta"), Z, [])),
        (TypeError, "lights", lambda: shade(Z, Z, Z, Z, ["sun"])),
        (ValueError, "specular", lambda: shade(Z, Z, Z, Z, [], specular=-1.0, model="blinn-phong")),
        (ValueError, "specular", lambda: shade(Z, Z, Z, Z, [], specular=(1.0,), model="blinn-phong")),
        (ValueError, "specular", lambda: shade(Z, Z, Z, Z, [], specular=torch.zeros(2), model="blinn-phong")),
        (ValueError, "shininess", lambda: shade(Z, Z, Z, Z, AmbientLight(), shininess=-1.0, model="blinn-phong")),
        (ValueError, "face_vertices", lambda: illuminate_corners(Z, None, Z, [])),
        (ValueError, "normals", lambda: facing(torch.zeros(2), Z, Z)),
    ],
)
def test_wrong_arguments_are_named(error, message, call):
    with pytest.raises(error, match=message):
        call()
