"""The camera against a transcription of its formulas in numpy, its limits at the poles, and its derivatives."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gendr.render.camera import MIN_DEPTH, Camera

POINTS = np.random.default_rng(0).uniform(-1, 1, (50, 3))


def published(vertices, distance, elevation, azimuth, half_angle, at=(0, 0, 0), up=(0, 1, 0)):
    """The protocol's camera for one view: eye, axes and projection, as written down in the literature."""
    e, a = math.radians(elevation), math.radians(azimuth)
    eye = np.array(at) + distance * np.array([math.cos(e) * math.sin(a), math.sin(e), -math.cos(e) * math.cos(a)])
    z = (np.array(at) - eye) / np.linalg.norm(np.array(at) - eye)
    x = np.cross(up, z)
    x /= np.linalg.norm(x)
    y = np.cross(z, x)
    local = (vertices - eye) @ np.stack([x, y, z]).T
    width = math.tan(math.radians(half_angle))
    return np.stack([local[:, 0] / local[:, 2] / width, local[:, 1] / local[:, 2] / width, local[:, 2]], 1)


@settings(deadline=None, max_examples=100)
@given(st.floats(2.0, 9.0), st.floats(-89, 89), st.floats(-400, 400), st.floats(1, 80))
def test_published_convention(distance, elevation, azimuth, half_angle):
    camera = Camera.look_at(distance, elevation, azimuth, half_angle=half_angle)
    expected = published(POINTS, distance, elevation, azimuth, half_angle)
    got = camera.project(torch.from_numpy(POINTS))[0].numpy()
    # Near the poles `up x z` loses 1/cos(E) <= 60 of 16 digits, and tan(1 degree) makes coordinates of some 200.
    np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-11)


def test_published_convention_with_target_and_up():
    settings = {"at": (0.3, -0.2, 0.5), "up": (0.2, 1.0, -0.4)}
    got = Camera.look_at(3.0, 20.0, 50.0, half_angle=15.0, **settings).project(torch.from_numpy(POINTS))[0].numpy()
    expected = published(POINTS, 3.0, 20.0, 50.0, 15.0, **settings)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


def test_the_protocols_views_in_float32():
    azimuths = torch.arange(24) * 15.0
    got = Camera.look_at(2.732, 30.0, azimuths).project(torch.from_numpy(POINTS).float())
    expected = np.stack([published(POINTS, 2.732, 30.0, 15.0 * view, 15.0) for view in range(24)])
    assert got.dtype == torch.float32
    # Coordinates of up to 15 (points close to the eye) at 6e-8 each operation; worst seen 1.2e-5.
    np.testing.assert_allclose(got.numpy(), expected, rtol=0, atol=5e-5)


def test_default_view_is_the_identity_frame():
    camera = Camera.look_at(distance=2.0)
    assert torch.equal(camera.rotation[0], torch.eye(3, dtype=torch.float64))
    assert torch.equal(camera.eye[0], torch.tensor([0.0, 0.0, -2.0], dtype=torch.float64))
    assert camera.scale.item() == pytest.approx(1 / math.tan(math.radians(15)))


@settings(deadline=None, max_examples=100)
@given(
    st.floats(-720, 720),
    st.floats(-720, 720),
    st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda u: max(map(abs, u)) > 0.01),
)
def test_axes_are_orthonormal_and_the_target_is_in_the_middle(elevation, azimuth, up):
    at = (0.5, -1.0, 2.0)
    camera = Camera.look_at(3.0, elevation, azimuth, at=at, up=up)
    x, y, z = camera.rotation[0]
    # Just outside the parallel case a cross product of 1.5e-8 remains, with half of the digits.
    torch.testing.assert_close(camera.rotation[0] @ camera.rotation[0].T, torch.eye(3).double(), atol=2e-7, rtol=0)
    torch.testing.assert_close(torch.linalg.cross(z, x), y)
    middle = camera.project(torch.tensor([at], dtype=torch.float64))[0, 0]
    torch.testing.assert_close(middle, torch.tensor([0.0, 0.0, 3.0]).double(), atol=1e-12, rtol=0)


def test_axes_point_right_up_and_forward():
    right_up_far = Camera.look_at(4.0).project(torch.tensor([[0.1, 0, 0], [0, 0.1, 0], [0, 0, 0.1], [0, 0, -0.1]]))[0]
    assert right_up_far[0, 0] > 0
    assert right_up_far[1, 1] > 0
    assert right_up_far[2, 2] > 4 > right_up_far[3, 2]


def test_image_edge_is_at_one():
    camera = Camera.look_at(distance=5.0, fov=60.0)
    edge = 5.0 * math.tan(math.radians(30.0))
    point = camera.project(torch.tensor([[0.0, edge, 0.0]], dtype=torch.float64))
    assert point[0, 0, 1].item() == pytest.approx(1.0, abs=1e-14)


def test_fov_is_twice_the_half_angle():
    one, other = Camera.look_at(fov=50.0), Camera.look_at(half_angle=25.0)
    assert torch.equal(one.scale, other.scale)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_poles_are_the_limit_from_below(dtype, sign):
    azimuth = torch.tensor([0.0, 77.0, 200.0], dtype=dtype)
    points = torch.from_numpy(POINTS).to(dtype)
    pole = Camera.look_at(2.732, 90.0 * sign, azimuth).project(points)
    # 0.05 degrees from the pole a picture of size 4 moves by some 0.05 pi / 180 * 4 / tan(15 degrees).
    near = Camera.look_at(2.732, 89.95 * sign, azimuth).project(points)
    torch.testing.assert_close(pole, near, atol=2e-2, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("elevation", [-90.0, 90.0, 90.00001, 89.99999, 270.0])
def test_poles_have_finite_gradients(dtype, elevation):
    parameters = [torch.tensor(v, dtype=dtype, requires_grad=True) for v in (2.732, elevation, 33.0, 15.0)]
    at = torch.zeros(3, dtype=dtype, requires_grad=True)
    camera = Camera.look_at(*parameters[:3], half_angle=parameters[3], at=at)
    image = camera.project(torch.from_numpy(POINTS).to(dtype))
    for gradient in torch.autograd.grad(image.square().sum(), [*parameters, at]):
        assert gradient.isfinite().all()
        assert gradient.abs().max() < 1e5


def test_up_along_the_view_axis_uses_the_direction_of_growing_elevation():
    camera = Camera.look_at(2.0, 0.0, 0.0, up=(0.0, 0.0, 1.0))
    assert torch.equal(camera.rotation[0], torch.eye(3, dtype=torch.float64))


@pytest.mark.parametrize("angle", ["fov", "half_angle"])
def test_derivatives_of_perspective_in_every_parameter(angle):
    def project(vertices, distance, elevation, azimuth, opening, at, up):
        return Camera.look_at(distance, elevation, azimuth, **{angle: opening}, at=at, up=up).project(vertices)

    inputs = [
        torch.from_numpy(POINTS[:3]),
        [2.5, 3.0],
        [30.0, -40.0],
        [10.0, 250.0],
        [20.0, 30.0],
        [0.1, 0.2, 0.3],
        [0.1, 1.0, 0.2],
    ]
    inputs = [torch.as_tensor(value, dtype=torch.float64).requires_grad_() for value in inputs]
    assert torch.autograd.gradcheck(project, inputs)
    assert torch.autograd.gradgradcheck(project, inputs)


def test_derivatives_of_orthographic_in_every_parameter():
    def project(vertices, distance, elevation, azimuth, scale, at):
        camera = Camera.look_at(distance, elevation, azimuth, projection="orthographic", scale=scale, at=at)
        return camera.project(vertices)

    inputs = [torch.from_numpy(POINTS[:3]), 2.5, [30.0, -40.0], [10.0, 250.0], 0.7, [[0.1, 0.2, 0.3], [0.0, 0.0, 0.0]]]
    assert torch.autograd.gradcheck(
        project, [torch.as_tensor(value, dtype=torch.float64).requires_grad_() for value in inputs]
    )


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # raised inside torch's forward mode
def test_function_transforms():
    azimuth = torch.tensor(40.0, dtype=torch.float64)

    def image(azimuth):
        return Camera.look_at(2.0, 30.0, azimuth).project(torch.from_numpy(POINTS))

    torch.testing.assert_close(torch.func.jacrev(image)(azimuth), torch.func.jacfwd(image)(azimuth))
    camera = Camera.look_at(2.0, 30.0, azimuth)
    stack = torch.from_numpy(POINTS.reshape(5, 10, 3))
    mapped = torch.func.vmap(lambda points: camera.project(points)[0])(stack)
    torch.testing.assert_close(mapped, camera.project(stack), atol=1e-14, rtol=0)


def test_orthographic():
    camera = Camera.look_at(5.0, 0.0, 90.0, projection="orthographic", scale=0.5)
    got = camera.project(torch.tensor([[0.0, 1.0, 2.0]], dtype=torch.float64))
    # From azimuth 90 the eye is on +x, so z is right; depth is counted from the eye.
    torch.testing.assert_close(got, torch.tensor([[[1.0, 0.5, 5.0]]]).double(), atol=1e-12, rtol=0)
    assert camera.project(torch.tensor([[9.0, 1.0, 2.0]]))[0, 0, 2] == pytest.approx(-4.0)  # behind, and still finite


def test_batches_broadcast():
    vertices = torch.from_numpy(POINTS)
    distance = torch.tensor([2.0, 3.0, 4.0], dtype=torch.float64)
    azimuth = torch.tensor([10.0], dtype=torch.float64)
    at = torch.tensor([[0.0, 0, 0], [0.1, 0, 0], [0, 0.1, 0]], dtype=torch.float64)
    camera = Camera.look_at(distance, 20.0, azimuth, fov=torch.tensor(40.0).double(), at=at)
    assert len(camera) == 3
    for index in range(3):
        single = Camera.look_at(distance[index], 20.0, azimuth, fov=40.0, at=at[index])
        torch.testing.assert_close(camera.project(vertices)[index], single.project(vertices)[0], atol=1e-12, rtol=0)
        torch.testing.assert_close(camera[index].project(vertices), single.project(vertices), atol=1e-12, rtol=0)
    batch = torch.stack((vertices, vertices + 0.1, vertices - 0.1))
    expected = torch.cat([camera[index].project(batch[index]) for index in range(3)])
    torch.testing.assert_close(camera.project(batch), expected, atol=1e-12, rtol=0)
    torch.testing.assert_close(camera[1].project(batch)[2], camera[1].project(batch[2])[0], atol=1e-12, rtol=0)
    torch.testing.assert_close(camera.project(batch[1:2]), camera.project(batch[1]), atol=1e-12, rtol=0)


def test_dtype_follows_the_vertices():
    camera = Camera.look_at(2.0, 30.0)
    assert camera.eye.dtype == torch.float64
    assert camera.project(torch.zeros(1, 3)).dtype == torch.float32
    single = Camera.look_at(torch.tensor(2.0), 30.0)
    assert single.eye.dtype == torch.float32
    assert single.project(torch.zeros(1, 3).double()).dtype == torch.float64


@pytest.mark.parametrize("projection", ["perspective", "orthographic"])
@pytest.mark.parametrize("depth", [0.0, -1e-30, 1e-30, MIN_DEPTH, -1.0, -1e20])
def test_points_at_and_behind_the_eye_stay_finite(projection, depth):
    distance = torch.tensor(2.0, requires_grad=True)
    camera = Camera.look_at(distance, projection=projection)
    points = torch.tensor([[0.3, -0.2, depth - 2.0], [0.0, 0.0, depth - 2.0], [1e20, 0.0, depth - 2.0]])
    points.requires_grad_()
    image = camera.project(points)
    assert image.isfinite().all()
    torch.testing.assert_close(image[0, :, 2], points[:, 2] + 2.0)  # the true depth, negative as it may be
    for gradient in torch.autograd.grad(image.sum(), [points, distance]):
        assert gradient.isfinite().all()


def test_indexing_and_joining():
    camera = Camera.look_at(2.0, 30.0, torch.arange(5) * 10.0)
    assert [len(camera[2]), len(camera[-1]), len(camera[1:4]), len(camera[::2])] == [1, 1, 3, 3]
    assert torch.equal(camera[-1].eye, camera.eye[4:])
    joined = Camera.cat([camera[:2], camera[2:]])
    assert torch.equal(joined.rotation, camera.rotation)
    with pytest.raises(IndexError, match="5 cameras"):
        camera[5]
    with pytest.raises(ValueError, match="cameras"):
        Camera.cat([camera, Camera.look_at(torch.tensor(2.0), projection="orthographic")])
    with pytest.raises(ValueError, match="cameras"):
        Camera.cat([])


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("distance", {"distance": 0.0}),
        ("distance", {"distance": torch.tensor([1.0, -1.0])}),
        ("distance", {"distance": torch.tensor(math.nan)}),
        ("distance", {"distance": math.inf}),
        ("distance", {"distance": "2"}),
        ("distance", {"distance": torch.tensor(2)}),
        ("elevation", {"elevation": math.nan}),
        ("elevation", {"elevation": torch.tensor([0.0, math.inf])}),
        ("azimuth", {"azimuth": torch.zeros(2, 2)}),
        ("azimuth", {"azimuth": torch.zeros(2), "elevation": torch.zeros(3)}),
        ("azimuth", {"azimuth": torch.zeros(0), "elevation": torch.zeros(3)}),
        ("fov", {"fov": 180.0}),
        ("half_angle", {"half_angle": 90.0}),
        ("half_angle", {"half_angle": -1.0}),
        ("half_angle", {"half_angle": 15.0, "fov": 30.0}),
        ("half_angle", {"half_angle": 15.0, "projection": "orthographic"}),
        ("fov", {"fov": 15.0, "projection": "orthographic"}),
        ("scale", {"scale": 1.0}),
        ("scale", {"scale": 0.0, "projection": "orthographic"}),
        ("projection", {"projection": "fisheye"}),
        ("at", {"at": (0.0, 0.0)}),
        ("at", {"at": torch.zeros(2)}),
        ("at", {"at": (0.0, math.nan, 0.0)}),
        ("at", {"at": torch.tensor([0.0, math.nan, 0.0])}),
        ("up", {"up": (0.0, 0.0, 0.0)}),
        ("up", {"up": "up!"}),
    ],
)
def test_wrong_arguments_are_named(name, arguments):
    with pytest.raises((ValueError, TypeError), match=name):
        Camera.look_at(**arguments)


@pytest.mark.parametrize(
    "vertices",
    [
        torch.zeros(5, 2),
        torch.zeros(4, 5, 3),
        torch.zeros(1, 2, 5, 3),
        torch.zeros(5, 3, dtype=torch.int64),
        torch.zeros(3),
    ],
)
def test_wrong_vertices_are_named(vertices):
    with pytest.raises((ValueError, TypeError), match="vertices"):
        Camera.look_at(2.0, 0.0, torch.zeros(3)).project(vertices)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("rotation", {"rotation": torch.zeros(3, 3)}),
        ("eye", {"eye": torch.zeros(2, 3)}),
        ("scale", {"scale": torch.ones(1, dtype=torch.float64)}),
        ("projection", {"projection": "none"}),
    ],
)
def test_wrong_fields_are_named(name, change):
    fields = {"rotation": torch.eye(3)[None], "eye": torch.zeros(1, 3), "scale": torch.ones(1)}
    Camera(**fields)
    with pytest.raises((ValueError, TypeError), match=name):
        Camera(**(fields | change))
