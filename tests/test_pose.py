"""Rotations by parameters: group laws, SciPy's rotations as a reference, and derivatives at the difficult places."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from gendr.render import Camera
from gendr.render.pose import (
    axis_angle_to_matrix,
    matrix_to_axis_angle,
    matrix_to_quaternion,
    matrix_to_rotation_6d,
    quaternion_to_matrix,
    rotation_6d_to_matrix,
)

TO_MATRIX = {axis_angle_to_matrix: 3, quaternion_to_matrix: 4, rotation_6d_to_matrix: 6}
ROUND_TRIPS = [
    (matrix_to_axis_angle, axis_angle_to_matrix),
    (matrix_to_quaternion, quaternion_to_matrix),
    (matrix_to_rotation_6d, rotation_6d_to_matrix),
]
ANGLES = [0.0, 1e-300, 1e-12, 1e-4, 0.2499, 0.25, 0.2501, 0.5053, 0.5054, 1.0, 3.0, np.pi - 1e-4, np.pi - 1e-9, np.pi]
AXES = [
    np.array(axis) / np.linalg.norm(axis)
    for axis in ([1, 0, 0], [0, -1, 0], [0, 0, 1], [1, 1, 1], [0.3, -0.5, 0.8], [1, 1e-9, 0])
]
VECTORS = torch.from_numpy(np.array([angle * axis for angle in ANGLES for axis in AXES]))


def numbers(count, largest=1e3):
    return st.lists(st.floats(-largest, largest), min_size=count, max_size=count).map(
        lambda values: torch.tensor(values, dtype=torch.float64)
    )


@pytest.mark.parametrize(("convert", "count"), TO_MATRIX.items())
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_matrices_are_rotations(convert, count, data):
    matrix = convert(data.draw(numbers(count)))
    # Angles of up to 1700 keep 13 digits; the others are exact to a few roundings.
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(3).double(), atol=1e-13, rtol=0)
    assert torch.linalg.det(matrix).item() == pytest.approx(1.0, abs=1e-13)


@settings(deadline=None, max_examples=60)
@given(numbers(3, 10.0), st.floats(-3, 3), st.floats(-3, 3))
def test_turns_about_one_axis_add(axis, first, second):
    product = axis_angle_to_matrix(first * axis) @ axis_angle_to_matrix(second * axis)
    torch.testing.assert_close(product, axis_angle_to_matrix((first + second) * axis), atol=1e-13, rtol=0)
    torch.testing.assert_close(axis_angle_to_matrix(-axis), axis_angle_to_matrix(axis).T, atol=1e-14, rtol=0)


@settings(deadline=None, max_examples=60)
@given(numbers(4), numbers(4), st.floats(0.01, 100.0))
def test_quaternions_multiply_like_matrices(p, q, factor):
    if min(p.norm(), q.norm()) < 1e-3:
        return
    w = p[0] * q[0] - p[1:] @ q[1:]
    product = torch.cat((w[None], p[0] * q[1:] + q[0] * p[1:] + torch.linalg.cross(p[1:], q[1:])))
    expected = quaternion_to_matrix(p) @ quaternion_to_matrix(q)
    torch.testing.assert_close(quaternion_to_matrix(product), expected, atol=1e-13, rtol=0)
    torch.testing.assert_close(quaternion_to_matrix(-factor * p), quaternion_to_matrix(p), atol=1e-14, rtol=0)


@pytest.mark.parametrize(("back", "forth"), ROUND_TRIPS)
def test_round_trips_at_every_angle(back, forth):
    matrices = torch.from_numpy(Rotation.from_rotvec(VECTORS.numpy()).as_matrix())
    torch.testing.assert_close(forth(back(matrices)), matrices, atol=1e-14, rtol=0)
    single = forth(back(matrices.float()))
    torch.testing.assert_close(single, matrices.float(), atol=1e-6, rtol=0)  # a few roundings of 6e-8


def test_axis_angle_agrees_with_scipy():
    expected = Rotation.from_rotvec(VECTORS.numpy())
    torch.testing.assert_close(
        axis_angle_to_matrix(VECTORS), torch.from_numpy(expected.as_matrix()), atol=1e-15 * 4, rtol=0
    )
    angles = matrix_to_axis_angle(axis_angle_to_matrix(VECTORS))
    # At half a turn the axis has two signs, a hair before it the rounding of the matrix chooses.
    sign = torch.where((angles * VECTORS).sum(-1, keepdim=True) < 0, -1.0, 1.0)
    near_half = VECTORS.norm(dim=-1, keepdim=True) > 3.1415926
    torch.testing.assert_close(torch.where(near_half, sign, 1.0) * angles, VECTORS, atol=1e-8, rtol=0)
    ordinary = VECTORS.norm(dim=-1) < 3.1
    torch.testing.assert_close(angles[ordinary], VECTORS[ordinary], atol=1e-14, rtol=1e-14)


def test_quaternions_agree_with_scipy():
    rotations = Rotation.random(200, random_state=0)
    quaternions = torch.from_numpy(np.roll(rotations.as_quat(canonical=True), 1, axis=-1))  # SciPy's real part is last
    matrices = torch.from_numpy(rotations.as_matrix())
    torch.testing.assert_close(quaternion_to_matrix(quaternions * 3.0), matrices, atol=1e-15 * 4, rtol=0)
    torch.testing.assert_close(matrix_to_quaternion(matrices), quaternions, atol=1e-15 * 4, rtol=0)


def test_six_numbers_are_gram_and_schmidts_rows():
    first, second = np.array([1.0, 2.0, -0.5]), np.array([0.3, -1.0, 4.0])
    upper = np.linalg.qr(np.stack([first, second], 1))[0].T
    upper *= np.sign((upper * [first, second]).sum(1, keepdims=True))
    matrix = rotation_6d_to_matrix(torch.from_numpy(np.concatenate([first, second])))
    np.testing.assert_allclose(matrix[:2], upper, atol=1e-15)
    np.testing.assert_allclose(matrix[2], np.cross(*upper), atol=1e-15)


@pytest.mark.parametrize("convert", TO_MATRIX)
def test_derivatives_of_matrices(convert):
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(4, TO_MATRIX[convert], generator=generator, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(convert, inputs)
    assert torch.autograd.gradgradcheck(convert, inputs)


# Not at half a turn itself, where the axis jumps.
@pytest.mark.parametrize("angle", [0.0, 1e-9, 0.2, 0.25, 0.5, 1.0, 3.0, np.pi - 1e-3])
def test_derivatives_of_the_way_there_and_back(angle):
    vector = (angle * torch.tensor([0.36, -0.48, 0.8], dtype=torch.float64)).requires_grad_()
    assert torch.autograd.gradcheck(axis_angle_to_matrix, vector)
    assert torch.autograd.gradgradcheck(axis_angle_to_matrix, vector)
    for convert in (matrix_to_axis_angle, matrix_to_quaternion, matrix_to_rotation_6d):
        assert torch.autograd.gradcheck(lambda v, convert=convert: convert(axis_angle_to_matrix(v)), vector)
    back = torch.autograd.functional.jacobian(lambda v: matrix_to_axis_angle(axis_angle_to_matrix(v)), vector)
    torch.testing.assert_close(back, torch.eye(3).double(), atol=1e-9, rtol=0)


EXTREMES = [0.0, 1e-45, 1e-38, 1e-20, 1e-7, 1.0, 3.1415927, 1e6, 1e30, 3e38, -1e-20, -3e38]


@pytest.mark.parametrize(("convert", "count"), TO_MATRIX.items())
def test_every_finite_input_has_finite_values_and_gradients(convert, count):
    generator = torch.Generator().manual_seed(0)
    choice = torch.randint(len(EXTREMES), (3000, count), generator=generator)
    inputs = torch.tensor(EXTREMES, dtype=torch.float32)[choice]
    inputs[:12] = torch.tensor(EXTREMES, dtype=torch.float32)[:, None]  # parallel vectors among them
    inputs.requires_grad_()
    matrix = convert(inputs)
    assert matrix.isfinite().all()
    torch.testing.assert_close(matrix @ matrix.mT, torch.eye(3).expand(3000, 3, 3), atol=2e-6, rtol=0)
    weights = torch.randn(matrix.shape, generator=generator)
    (gradient,) = torch.autograd.grad((weights * matrix).sum(), inputs)
    assert gradient.isfinite().all()


@pytest.mark.parametrize(("back", "forth"), ROUND_TRIPS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradients_of_the_way_back_are_finite_everywhere(back, forth, dtype):
    matrices = torch.from_numpy(Rotation.from_rotvec(VECTORS.numpy()).as_matrix()).to(dtype).requires_grad_()
    (gradient,) = torch.autograd.grad(back(matrices).sum(), matrices)
    assert gradient.isfinite().all()
    assert gradient.abs().max() < 100.0


@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_any_leading_shape(shape):
    for back, forth in ROUND_TRIPS:
        matrices = torch.eye(3).expand(*shape, 3, 3)
        assert torch.equal(forth(back(matrices)), matrices)


@pytest.mark.parametrize("back", [back for back, _ in ROUND_TRIPS])
def test_what_is_no_rotation_is_refused(back):
    with pytest.raises(ValueError, match="orthogonal"):
        back(torch.ones(3, 3))
    with pytest.raises(ValueError, match="orthogonal"):
        back(torch.full((3, 3), torch.nan))
    with pytest.raises(ValueError, match="mirroring"):
        back(torch.diag(torch.tensor([1.0, -1.0, 1.0])))
    with pytest.raises((ValueError, TypeError), match="matrix"):
        back(torch.eye(4))


@pytest.mark.parametrize(("convert", "count"), TO_MATRIX.items())
def test_wrong_shapes_are_named(convert, count):
    with pytest.raises((ValueError, TypeError), match=r"axis_angle|quaternion|rotation_6d"):
        convert(torch.zeros(2, count + 1))


def test_a_camera_with_another_pose():
    camera = Camera.look_at(2.0, 30.0, torch.tensor([0.0, 90.0]).double())
    turn = axis_angle_to_matrix(torch.tensor([[0.0, 0.1, 0.0]]).double())
    points = torch.tensor([[0.1, 0.2, 0.3]]).double()
    turned = camera.with_pose(turn @ camera.rotation)
    torch.testing.assert_close(turned.to_camera(points), camera.to_camera(points) @ turn.mT)
    assert torch.equal(turned.eye, camera.eye)
    moved = camera[0].with_pose(eye=torch.randn(5, 3, generator=torch.Generator().manual_seed(0)).double())
    assert (len(moved), moved.scale.shape) == (5, (5,))
    assert torch.equal(camera.with_pose().rotation, camera.rotation)
    with pytest.raises(ValueError, match="batch of 2"):
        camera.with_pose(turn.expand(3, 3, 3))
    with pytest.raises(ValueError, match="rotation"):
        camera.with_pose(turn.expand(1, 2, 1, 3, 3))


def test_a_pose_and_a_camera_of_two_dtypes_get_the_more_precise_one():
    turn = axis_angle_to_matrix(torch.tensor([0.0, 0.1, 0.0]))
    posed = Camera.look_at().with_pose(turn)  # of plain numbers: float64
    assert torch.equal(posed.rotation[0], turn.double())
    assert posed.project(torch.tensor([[0.1, 0.2, 0.3]])).dtype == torch.float32
    assert Camera.look_at().to(torch.float32).with_pose(turn.double()).eye.dtype == torch.float64


def test_a_pose_is_found_by_descent():
    points = torch.randn(20, 3, generator=torch.Generator().manual_seed(0)).double() * 0.3
    wanted = Camera.look_at(2.0, 20.0, 30.0)
    start = Camera.look_at(2.3, -10.0, 60.0)
    target = wanted.project(points)[..., :2]
    turn = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    eye = start.eye.clone().requires_grad_()
    optimiser = torch.optim.LBFGS([turn, eye], max_iter=60, line_search_fn="strong_wolfe")

    def loss():
        optimiser.zero_grad()
        camera = start.with_pose(axis_angle_to_matrix(turn) @ start.rotation, eye)
        error = (camera.project(points)[..., :2] - target).square().mean()
        error.backward()
        return error

    optimiser.step(loss)
    assert loss() < 1e-8
    torch.testing.assert_close(eye.detach(), wanted.eye, atol=1e-2, rtol=0)
