"""Lens distortion against OpenCV's published formulas in numpy, one to one up to its limit, and held beyond."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gendr.render.camera import Camera, Distortion
from lens_formulas import ACTION, FISHEYE, FORMULAS, LENSES, WEBCAM, radial_tangential

POINTS = np.random.default_rng(0).uniform(-0.6, 0.6, (200, 2))


def lens(kind, coefficients):
    return getattr(Distortion, kind)(coefficients)


@pytest.mark.parametrize(("kind", "coefficients"), LENSES)
def test_the_published_formulas(kind, coefficients):
    points = POINTS if kind == "opencv" else POINTS * 8.0  # up to 80 degrees from the axis
    got = lens(kind, coefficients).distort(torch.from_numpy(points))[0].numpy()
    np.testing.assert_allclose(got, FORMULAS[kind](points, *coefficients), rtol=1e-14, atol=1e-14)


def test_a_camera_with_a_lens():
    distortion = Distortion.opencv(WEBCAM)
    straight = Camera.look_at(2.0, 20.0, 30.0, fov=50.0)
    camera = dataclasses.replace(
        straight, distortion=distortion, center=torch.tensor([[0.1, -0.2]], dtype=torch.float64)
    )
    points = torch.from_numpy(np.random.default_rng(1).uniform(-0.5, 0.5, (30, 3)))
    x, y, z = straight.to_camera(points)[0].numpy().T
    x, y = radial_tangential(np.stack([x / z, -y / z], 1), *WEBCAM).T  # OpenCV's y points down
    scale = straight.scale.item()
    expected = np.stack([scale * x + 0.1, -scale * y - 0.2, z], 1)
    np.testing.assert_allclose(camera.project(points)[0], expected, rtol=1e-13, atol=1e-13)
    assert camera.project(points.float()).dtype == torch.float32


lenses = st.one_of(
    st.tuples(
        st.just("opencv"),
        st.tuples(*[st.floats(-0.8, 0.8)] * 2, *[st.floats(-0.05, 0.05)] * 2, *[st.floats(-0.8, 0.8)] * 4),
    ),
    st.tuples(st.just("opencv"), st.tuples(*[st.floats(-0.8, 0.8)] * 2, st.just(0.0), st.just(0.0), st.floats(-1, 1))),
    st.tuples(st.just("fisheye"), st.tuples(*[st.floats(-0.3, 0.3)] * 4)),
)


@settings(deadline=None, max_examples=40)
@given(lenses, st.floats(0, 2 * np.pi))
def test_one_to_one_up_to_the_limit(given_lens, direction):
    distortion = lens(*given_lens)
    limit = min(distortion.limit.item(), 50.0)
    radii = torch.linspace(0.0, 1.0, 100, dtype=torch.float64) * limit * (1 - 1e-6)
    axis = torch.tensor([np.cos(direction), np.sin(direction)])
    points = (radii[:, None] * axis).requires_grad_()
    image = distortion.distort(points)[0]
    rows = [torch.autograd.grad(image[:, i].sum(), points, retain_graph=True)[0] for i in (0, 1)]
    jacobian = torch.stack(rows, 1)
    # Symmetric and positive: the map is the gradient of a convex function on a disk, so no two points meet.
    torch.testing.assert_close(jacobian, jacobian.mT, rtol=1e-9, atol=1e-9)
    assert torch.linalg.eigvalsh(jacobian).min() > 0.0
    if given_lens[0] == "fisheye" or given_lens[1][2] == given_lens[1][3] == 0.0:
        assert (image.detach() @ axis).diff().min() > 0.0


@pytest.mark.parametrize(
    ("kind", "coefficients", "limit"),
    [
        ("opencv", [-0.2, 0, 0, 0], np.sqrt(1 / 0.6)),  # 1 - 3 * 0.2 r² = 0
        ("opencv", [0.3, 0.1, 0, 0], 1e2),
        ("opencv", [0, 0, 0.03, 0.04], 1 / (6 * 0.05)),
        ("opencv", [0, -0.1, 0, 0, 0], 2**0.25),  # 1 - 5 * 0.1 r⁴ = 0
        ("opencv", [0, 0, 0, 0, 0, -0.25, 0, 0], 2.0 * 0.9999),  # 1 - 0.25 r² has a pole
        ("opencv", [0, 0, 0, 0, 0, 0.25, 0, 0], 2.0),  # r / (1 + r²/4) turns at 2
        ("fisheye", [0, 0, 0, 0], 1e6),
        ("fisheye", [-1 / 3, 0, 0, 0], np.tan(1.0)),  # 1 - t² = 0
        ("fisheye", [-1 / 12, 0, 0, 0], 1e6),  # turns at t = 2, beyond 90 degrees
    ],
)
def test_limits_known_by_hand(kind, coefficients, limit):
    assert lens(kind, [float(k) for k in coefficients]).limit.item() == pytest.approx(limit, rel=1e-9)


def test_the_quotient_may_set_the_limit_before_the_slope_does():
    k1, k2, p1, k3 = -0.98, 1.73, 0.165, -0.91
    quotient = np.roots([k3, 0, k2, 0, k1, -6 * p1, 1])  # f = 6 r |p|
    slope = np.roots([7 * k3, 0, 5 * k2, 0, 3 * k1, -6 * p1, 1])  # d (r f) / dr = 6 r |p|
    first, second = (min(r.real for r in roots if abs(r.imag) < 1e-9 < r.real) for roots in (quotient, slope))
    assert first < second
    assert Distortion.opencv([k1, k2, p1, 0.0, k3]).limit.item() == pytest.approx(first, rel=1e-9)


@pytest.mark.parametrize(("kind", "coefficients"), [*LENSES, ("opencv", [-0.2, 0, 0, 0]), ("fisheye", [-0.3, 0, 0, 0])])
def test_points_beyond_the_limit_are_held_there(kind, coefficients):
    distortion = lens(kind, [float(k) for k in coefficients])
    axis = torch.tensor([[0.6, -0.8]], dtype=torch.float64)
    edge = distortion.distort(axis * distortion.limit)
    for factor in (1.0001, 3.0, 1e20):
        torch.testing.assert_close(distortion.distort(axis * distortion.limit * factor), edge, rtol=1e-12, atol=0)


@settings(deadline=None, max_examples=40)
@given(lenses, st.lists(st.tuples(*[st.floats(-(2.0**66), 2.0**66, width=32)] * 3), min_size=1, max_size=8))
def test_finite_for_every_finite_point(given_lens, points):
    straight = Camera.look_at(torch.tensor(2.0))
    coefficients = lens(*given_lens).coefficients.float().requires_grad_()
    camera = dataclasses.replace(
        straight, distortion=Distortion("fisheye" if given_lens[0] == "fisheye" else "radial-tangential", coefficients)
    )
    vertices = torch.tensor([*points, (0.0, 0.0, 0.0), (0.0, 0.0, -2.0), (1.0, 0.0, -2.0)], requires_grad=True)
    image = camera.project(vertices)
    assert image.isfinite().all()
    for gradient in torch.autograd.grad(image.sum(), [vertices, coefficients]):
        assert gradient.isfinite().all()


@pytest.mark.parametrize(("kind", "coefficients"), LENSES)
def test_derivatives(kind, coefficients):
    model = lens(kind, coefficients).model

    def distort(points, coefficients):
        return Distortion(model, coefficients).distort(points)

    coefficients = lens(kind, coefficients).coefficients.clone().requires_grad_()
    points = torch.tensor([[0.0, 0.0], [0.1, -0.1], [0.3, 0.5], [-0.7, 0.2]]).double().requires_grad_()
    assert torch.autograd.gradcheck(distort, (points, coefficients))
    assert torch.autograd.gradgradcheck(distort, (points, coefficients))


def test_derivatives_beyond_the_limit():
    coefficients = Distortion.opencv([-0.3, 0.01, 0.0, 0.0]).coefficients.requires_grad_()
    points = torch.tensor([[3.0, 4.0], [-2.0, 0.5]]).double().requires_grad_()
    # Where the slope is 0 the limit's own motion changes nothing, so that a constant is right.
    assert torch.autograd.gradcheck(
        lambda p, k: Distortion("radial-tangential", torch.cat((k[:, :2], torch.zeros(1, 6).double()), 1)).distort(p),
        (points, coefficients),
    )


def test_mirrored():
    flip = torch.tensor([-1.0, 1.0]).double()
    for kind, coefficients in LENSES:
        distortion = lens(kind, coefficients)
        points = torch.from_numpy(POINTS)
        torch.testing.assert_close(distortion.mirrored().distort(points * flip), distortion.distort(points) * flip)


def test_batches_of_lenses():
    lenses = Distortion.cat([Distortion.opencv(WEBCAM), Distortion.opencv(ACTION)])
    points = torch.from_numpy(POINTS)
    expected = torch.cat([Distortion.opencv(WEBCAM).distort(points), Distortion.opencv(ACTION).distort(points)])
    torch.testing.assert_close(lenses.distort(points), expected)
    camera = Camera.look_at(2.0, 0.0, torch.tensor([0.0, 90.0]).double())
    camera = dataclasses.replace(camera, distortion=lenses)
    assert torch.equal(camera[1].distortion.coefficients, lenses.coefficients[1:])
    assert torch.equal(camera.to(torch.float32).distortion.limit, lenses.limit.float())
    joined = Camera.cat([Camera.look_at(2.0), camera, camera[0]])
    assert (joined.distortion.coefficients[[0, 1, 3]] != 0).any(1).tolist() == [False, True, True]
    moved = camera[0].with_pose(eye=torch.zeros(3, 3).double())
    assert len(moved.distortion) == 3
    fisheye = dataclasses.replace(camera[0], distortion=Distortion.fisheye(FISHEYE))
    for other in (camera, Camera.look_at()):
        with pytest.raises(ValueError, match="one model"):
            Camera.cat([fisheye, other])


@pytest.mark.parametrize(
    ("words", "make"),
    [
        ("model", lambda: Distortion("brown", torch.zeros(1, 8))),
        ("coefficients", lambda: Distortion("fisheye", torch.zeros(1, 8))),
        ("coefficients", lambda: Distortion("fisheye", torch.zeros(4))),
        ("one of 4, 5, 8, 12, 14", lambda: Distortion.opencv([0.1] * 3)),
        ("one of 4", lambda: Distortion.fisheye([0.1] * 5)),
        ("finite", lambda: Distortion.opencv([np.nan] * 4)),
        ("numbers", lambda: Distortion.opencv(["a"] * 4)),
        ("tilt", lambda: Distortion.opencv([0.0] * 12 + [0.1, 0.0])),
        ("orthographic", lambda: dataclasses.replace(Camera.look_at(projection="orthographic"), distortion=ONE)),
        ("distortion", lambda: dataclasses.replace(Camera.look_at(torch.ones(3).double()), distortion=ONE)),
        ("distortion", lambda: dataclasses.replace(Camera.look_at(torch.ones(1)), distortion=ONE)),
        ("points", lambda: ONE.distort(torch.zeros(4, 3).double())),
        ("points", lambda: ONE.distort(torch.zeros(4, 2))),
    ],
)
def test_wrong_arguments_are_named(words, make):
    with pytest.raises((ValueError, TypeError), match=words):
        make()


ONE = Distortion.opencv(WEBCAM)


def test_a_long_vector_of_zeros_at_the_end_is_welcome():
    long = Distortion.opencv(np.array([*ACTION, 0, 0, 0, 0, 0, 0]))
    assert torch.equal(long.coefficients, Distortion.opencv(ACTION).coefficients)
