"""Cameras of other systems: known points land on the pixel that the system's own published formula says, and back."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

import gendr
from gendr.render.camera import Camera, Distortion
from lens_formulas import ACTION, FISHEYE, WEBCAM, fisheye, radial_tangential

H, W = 48, 64
TURNS = Rotation.from_rotvec([[0.1, -0.2, 0.05], [-0.3, 0.1, 2.0], [0.2, 0.3, -1.0]]).as_matrix()
SHIFTS = np.array([[0.1, -0.2, 3.0], [0.3, 0.1, 2.5], [0.0, 0.0, 4.0]])
POINTS = np.random.default_rng(0).uniform(-0.8, 0.8, (40, 3))


def pixels(camera, points=POINTS, size=(H, W)):
    """Where gendr draws points: columns and rows from the image's top left corner, one camera after the other."""
    x, y, _ = camera.project(torch.from_numpy(points)).unbind(-1)
    return torch.stack(((x * size[0] + size[1]) / 2, (1 - y) * size[0] / 2), -1).numpy()


def same(one, other):
    """Whether two cameras see alike and know alike."""
    torch.testing.assert_close(one.project(torch.from_numpy(POINTS)), other.project(torch.from_numpy(POINTS)))
    torch.testing.assert_close(one.rotation, other.rotation, rtol=0, atol=1e-13)
    assert (one.projection, one.size) == (other.projection, other.size)
    return True


K = np.array([[60.0, 0, 33.0], [0, 57.0, 21.0], [0, 0, 1]])


@pytest.mark.parametrize(
    ("coefficients", "formula"), [(None, None), (WEBCAM, radial_tangential), (ACTION, radial_tangential)]
)
def test_opencv(coefficients, formula):
    camera = Camera.from_opencv(K, TURNS, SHIFTS, (H, W), coefficients)
    for view, (turn, shift) in enumerate(zip(TURNS, SHIFTS, strict=True)):
        local = POINTS @ turn.T + shift
        plane = local[:, :2] / local[:, 2:]
        plane = plane if formula is None else formula(plane, *coefficients)
        u, v = (
            K[0, 0] * plane[:, 0] + K[0, 2],
            K[1, 1] * plane[:, 1] + K[1, 2],
        )  # the manual's, whole in pixels' middles
        np.testing.assert_allclose(pixels(camera)[view], np.stack([u, v], 1) + 0.5, atol=1e-12)
        np.testing.assert_allclose(camera.project(torch.from_numpy(POINTS))[view, :, 2], local[:, 2])
    assert (camera.size, len(camera)) == ((H, W), 3)
    back = camera.to_opencv()
    assert same(Camera.from_opencv(*back), camera)
    np.testing.assert_allclose(back.K, np.broadcast_to(K, (3, 3, 3)), atol=1e-13)
    np.testing.assert_allclose(back.R, TURNS, atol=1e-15)
    np.testing.assert_allclose(back.t, SHIFTS, atol=1e-14)


def test_opencv_fisheye_and_columns():
    camera = Camera.from_opencv(K, TURNS[0], SHIFTS[0][:, None], (H, W), Distortion.fisheye(FISHEYE))
    local = POINTS @ TURNS[0].T + SHIFTS[0]
    plane = fisheye(local[:, :2] / local[:, 2:], *FISHEYE)
    np.testing.assert_allclose(pixels(camera)[0], plane * K[(0, 1), (0, 1)] + K[:2, 2] + 0.5, atol=1e-12)
    assert same(Camera.from_opencv(*camera.to_opencv()), camera)


def test_the_pixel_that_lights_up_is_opencvs():
    column, row = 40, 11  # OpenCV's (u, v) of a pixel's middle
    depth = 2.0
    middle = np.array([(column - K[0, 2]) / K[0, 0] * depth, (row - K[1, 2]) / K[1, 1] * depth, depth])
    half = 0.4 / 57.0 * depth  # a square of 0.8 pixels
    corners = middle + half * np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
    camera = Camera.from_opencv(K, np.eye(3), np.zeros(3), (H, W))
    mesh = gendr.Mesh(torch.from_numpy(corners).float(), torch.tensor([[0, 1, 2], [0, 2, 3]]))
    alpha = gendr.Renderer((H, W), gendr.distributions.Heaviside(), 1.0)(mesh, camera).alpha[0]
    assert alpha.nonzero().tolist() == [[row, column]]


def clip(view, projection):
    """OpenGL's clip coordinates, divided, and its viewport transform of the whole image; rows counted from the top."""
    points = np.concatenate([POINTS, np.ones((len(POINTS), 1))], 1) @ (projection @ view).T
    ndc = points[:, :3] / points[:, 3:]
    return np.stack([(ndc[:, 0] + 1) * W / 2, (1 - ndc[:, 1]) * H / 2], 1)


def frustum(left, right, bottom, top, near, far):
    """GlFrustum's matrix, from its man page."""
    return np.array(
        [
            [2 * near / (right - left), 0, (right + left) / (right - left), 0],
            [0, 2 * near / (top - bottom), (top + bottom) / (top - bottom), 0],
            [0, 0, -(far + near) / (far - near), -2 * far * near / (far - near)],
            [0, 0, -1, 0],
        ]
    )


def ortho(left, right, bottom, top, near, far):
    """GlOrtho's matrix, from its man page."""
    return np.array(
        [
            [2 / (right - left), 0, 0, -(right + left) / (right - left)],
            [0, 2 / (top - bottom), 0, -(top + bottom) / (top - bottom)],
            [0, 0, -2 / (far - near), -(far + near) / (far - near)],
            [0, 0, 0, 1],
        ]
    )


@pytest.mark.parametrize("matrix", [frustum(-0.9, 1.1, -0.6, 0.8, 1.5, 9.0), ortho(-1.9, 1.1, -0.6, 2.8, 1.5, 9.0)])
def test_opengl(matrix):
    views = np.tile(np.eye(4), (3, 1, 1))
    views[:, :3, :3], views[:, :3, 3] = TURNS, SHIFTS * [1, 1, -1]
    camera = Camera.from_opengl(views, matrix, (H, W))
    for view in range(3):
        np.testing.assert_allclose(pixels(camera)[view], clip(views[view], matrix), atol=1e-12)
    depth = -(POINTS @ TURNS[1].T + views[1, :3, 3])[:, 2]
    np.testing.assert_allclose(camera.project(torch.from_numpy(POINTS))[1, :, 2], depth)
    back = camera.to_opengl(near=1.5, far=9.0)
    np.testing.assert_allclose(back.view, views, atol=1e-14)
    np.testing.assert_allclose(back.projection, np.broadcast_to(matrix, (3, 4, 4)), atol=1e-14)
    assert same(Camera.from_opengl(*back), camera)


COLMAP = {
    "SIMPLE_PINHOLE": [60.0, 33.0, 21.0],
    "PINHOLE": [60.0, 57.0, 33.0, 21.0],
    "SIMPLE_RADIAL": [60.0, 33.0, 21.0, -0.1],
    "RADIAL": [60.0, 33.0, 21.0, -0.1, 0.02],
    "OPENCV": [60.0, 57.0, 33.0, 21.0, -0.1, 0.02, 1e-3, -2e-3],
    "FULL_OPENCV": [60.0, 57.0, 33.0, 21.0, -0.1, 0.02, 1e-3, -2e-3, 1e-3, 0.1, -0.02, 1e-3],
    "SIMPLE_RADIAL_FISHEYE": [60.0, 33.0, 21.0, -0.05],
    "RADIAL_FISHEYE": [60.0, 33.0, 21.0, -0.05, 0.01],
    "OPENCV_FISHEYE": [60.0, 57.0, 33.0, 21.0, -0.05, 0.01, 2e-3, -1e-3],
}


def colmap_pixels(model, params, local):
    """COLMAP's models as its models.h describes them; pixels are counted from the corner."""
    plane = local[:, :2] / local[:, 2:]
    if model in ("PINHOLE", "OPENCV", "FULL_OPENCV", "OPENCV_FISHEYE"):
        (fx, fy, cx, cy), extra = params[:4], params[4:]
    else:
        (fx, cx, cy), fy, extra = params[:3], params[0], params[3:]
    if model.endswith("FISHEYE"):
        plane = fisheye(plane, *extra, *[0.0] * (4 - len(extra)))
    elif extra:
        plane = radial_tangential(plane, *extra, *([0.0] * max(0, 4 - len(extra))))
    return np.stack([fx * plane[:, 0] + cx, fy * plane[:, 1] + cy], 1)


@pytest.mark.parametrize(("model", "params"), COLMAP.items())
def test_colmap(model, params):
    quaternions = np.roll(Rotation.from_matrix(TURNS).as_quat(canonical=True), 1, -1)
    camera = Camera.from_colmap(model, params, quaternions, SHIFTS, (H, W))
    for view in range(3):
        expected = colmap_pixels(model, params, POINTS @ TURNS[view].T + SHIFTS[view])
        np.testing.assert_allclose(pixels(camera)[view], expected, atol=1e-11)
    back = camera.to_colmap()
    assert same(Camera.from_colmap(*back), camera)
    np.testing.assert_allclose(back.quaternion, quaternions, atol=1e-14)
    if model == back.model:
        np.testing.assert_allclose(back.params, np.tile(params, (3, 1)), atol=1e-13)


@pytest.mark.parametrize("size", [(48, 64), (64, 48)])
@pytest.mark.parametrize("orthographic", [False, True])
@pytest.mark.parametrize("in_ndc", [False, True])
def test_pytorch3d(size, orthographic, in_ndc):
    height, width = size
    s = min(size)
    focal, principal = (
        (np.array([1.9, 1.7]), np.array([0.1, -0.2])) if in_ndc else (np.array([60.0, 57.0]), np.array([30.0, 21.0]))
    )
    camera = Camera.from_pytorch3d(TURNS, SHIFTS, focal[None], principal, size, orthographic, in_ndc=in_ndc)
    for view in range(3):
        local = POINTS @ TURNS[view] + SHIFTS[view]  # rows
        plane = local[:, :2] if orthographic else local[:, :2] / local[:, 2:]
        if in_ndc:  # x to the left, y up, the shorter side from -1 to 1
            x, y = (plane * focal + principal).T
            expected = np.stack([(width - x * s) / 2, (height - y * s) / 2], 1)
        else:  # PyTorch3D's own step from its screen to its NDC, then as above
            f = focal * 2.0 / s
            p = -(principal - np.array([width, height]) / 2.0) * 2.0 / s
            x, y = (plane * f + p).T
            expected = np.stack([(width - x * s) / 2, (height - y * s) / 2], 1)
        np.testing.assert_allclose(pixels(camera, size=size)[view], expected, atol=1e-12)
    back = camera.to_pytorch3d()
    assert same(Camera.from_pytorch3d(*back), camera)
    np.testing.assert_allclose(back.R, TURNS, atol=1e-15)
    np.testing.assert_allclose(back.T, SHIFTS, atol=1e-14)
    if in_ndc:
        np.testing.assert_allclose(back.focal_length, np.tile(focal, (3, 1)))
        np.testing.assert_allclose(back.principal_point, np.tile(principal, (3, 1)))


def test_pytorch3ds_focal_lengths_for_both_axes():
    for focal in (2.0, torch.full((3,), 2.0).double(), np.full((3, 1), 2.0), [[2.0, 2.0]]):
        camera = Camera.from_pytorch3d(TURNS, SHIFTS, focal)
        assert (camera.scale.tolist(), camera.size) == ([[2.0, 2.0]] * 3, None)


def blender_pixels(size, focal, sensor, side, shift, aspect, ortho_scale=None):
    """Blender's viewplane: at depth 1 a side of `side` pixels is `sensor / focal` long and its middle is shifted."""
    height, width = size
    pixel = (sensor / focal if ortho_scale is None else ortho_scale) / side  # the width of a pixel in the world
    middle = np.array(shift) * side * pixel
    local = (POINTS - BLENDER[:3, 3]) @ BLENDER[:3, :3]
    depth = -local[:, 2:] if ortho_scale is None else 1.0
    plane = local[:, :2] / depth - middle
    return np.stack([width / 2 + plane[:, 0] / pixel, height / 2 - plane[:, 1] / pixel / aspect], 1)


BLENDER = np.eye(4)
BLENDER[:3, :3], BLENDER[:3, 3] = TURNS[0], [0.2, -0.1, 3.0]


@pytest.mark.parametrize("zoom", ["lens", "angle", "ortho_scale"])
@pytest.mark.parametrize(
    ("fit", "size", "aspect", "sensor", "side"),
    [
        ("AUTO", (48, 64), 1.0, 36.0, 64),
        ("AUTO", (64, 48), 1.0, 36.0, 64),
        ("AUTO", (48, 64), 2.0, 36.0, 96),
        ("HORIZONTAL", (64, 48), 1.0, 36.0, 48),
        ("VERTICAL", (48, 64), 1.0, 20.0, 48),
        ("VERTICAL", (48, 64), 1.25, 20.0, 60),
    ],
)
def test_blender(zoom, fit, size, aspect, sensor, side):
    shift, focal = (0.1, -0.05), 40.0
    value = {"lens": focal, "angle": 2 * np.arctan(sensor / focal / 2), "ortho_scale": 2.5}[zoom]
    scaled = BLENDER.copy()
    scaled[:3, :3] *= [2.0, 3.0, 0.5]  # the size of the camera object changes nothing
    camera = Camera.from_blender(
        scaled,
        size,
        **{zoom: value},
        sensor_height=20.0,
        sensor_fit=fit,
        shift_x=0.1,
        shift_y=-0.05,
        pixel_aspect=aspect,
    )
    ortho_scale = value if zoom == "ortho_scale" else None
    expected = blender_pixels(size, focal, sensor, side, shift, aspect, ortho_scale)
    np.testing.assert_allclose(pixels(camera, size=size)[0], expected, atol=1e-11)
    back = camera.to_blender()
    assert same(Camera.from_blender(**back._asdict()), camera)
    np.testing.assert_allclose(back.matrix_world[0], BLENDER, atol=1e-15)
    np.testing.assert_allclose(back.pixel_aspect, aspect)
    if fit == "HORIZONTAL":
        np.testing.assert_allclose(back.lens or back.ortho_scale, value if zoom != "angle" else focal)
        np.testing.assert_allclose([back.shift_x, back.shift_y], [[0.1], [-0.05]])


def test_one_camera_in_every_language():
    """A right-handed world with y up, seen from (0, 0, 3): 45 degrees over a height of 48."""
    focal = 24.0 / np.tan(np.pi / 8)
    pose = np.eye(4)
    pose[2, 3] = 3.0
    down = np.diag([1.0, -1.0, -1.0])
    cameras = [
        Camera.from_opencv([[focal, 0, 31.5], [0, focal, 23.5], [0, 0, 1]], down, [0, 0, 3.0], (H, W)),
        Camera.from_opengl(np.linalg.inv(pose), np.diag([focal / 32, focal / 24, -1, 0]) + GL, (H, W)),
        Camera.from_colmap("SIMPLE_PINHOLE", [focal, 32.0, 24.0], [0.0, 1.0, 0.0, 0.0], [0, 0, 3.0], (H, W)),
        Camera.from_pytorch3d(np.diag([-1.0, 1.0, -1.0]), [0, 0, 3.0], focal / 24, size=(H, W)),
        Camera.from_blender(pose, (H, W), angle=np.pi / 4, sensor_fit="VERTICAL"),
        Camera.look_at(3.0, 0.0, 180.0, fov=45.0).mirrored(),
    ]
    expected = np.stack(
        [32 + focal * POINTS[:, 0] / (3 - POINTS[:, 2]), 24 - focal * POINTS[:, 1] / (3 - POINTS[:, 2])], 1
    )
    for camera in cameras:
        np.testing.assert_allclose(pixels(camera)[0], expected, atol=1e-12)


GL = np.zeros((4, 4))
GL[2, 3] = GL[3, 2] = -1.0


def test_mirrored_is_the_image_turned():
    camera = Camera.from_opencv(K, TURNS, SHIFTS, (H, W), ACTION)
    x, y, z = camera.project(torch.from_numpy(POINTS)).unbind(-1)
    torch.testing.assert_close(camera.mirrored().project(torch.from_numpy(POINTS)), torch.stack((-x, y, z), -1))
    assert same(camera.mirrored().mirrored(), camera)


def test_derivatives():
    def opencv(K, R, t, distortion):
        return Camera.from_opencv(K * MASK + CORNER, R, t, (H, W), distortion).project(torch.from_numpy(POINTS[:2]))

    MASK = torch.tensor([[1.0, 0, 1], [0, 1, 1], [0, 0, 0]]).double()
    CORNER = torch.diag(torch.tensor([0.0, 0, 1])).double()
    inputs = [torch.tensor(value).double().requires_grad_() for value in (K, TURNS[0], SHIFTS[0], ACTION)]
    assert torch.autograd.gradcheck(opencv, inputs)

    def colmap(params, quaternion, translation):
        return Camera.from_colmap("OPENCV", params, quaternion, translation, (H, W)).project(
            torch.from_numpy(POINTS[:2])
        )

    inputs = [torch.tensor(v).double().requires_grad_() for v in (COLMAP["OPENCV"], [0.9, 0.1, -0.3, 0.2], SHIFTS[0])]
    assert torch.autograd.gradcheck(colmap, inputs)


def test_the_dtype_is_the_tensors_or_double():
    assert Camera.from_opencv(K, TURNS[0].astype(np.float32), SHIFTS[0], (H, W)).eye.dtype == torch.float64
    camera = Camera.from_opencv(K, torch.eye(3), SHIFTS, (H, W), WEBCAM)
    assert {camera.eye.dtype, camera.scale.dtype, camera.distortion.coefficients.dtype} == {torch.float32}
    assert len(camera) == 3
