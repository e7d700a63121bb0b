"""What other systems cannot say, and what is not theirs: errors that name the argument."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from gendr.render.camera import Camera, Distortion
from lens_formulas import WEBCAM

H, W = 48, 64
K = np.array([[60.0, 0, 33.0], [0, 57.0, 21.0], [0, 0, 1]])
TURNS = Rotation.from_rotvec([[0.1, -0.2, 0.05], [-0.3, 0.1, 2.0], [0.2, 0.3, -1.0]]).as_matrix()

ROUND = ["to_opencv", "to_opengl", "to_colmap", "to_pytorch3d", "to_blender"]


@pytest.mark.parametrize("convert", ROUND)
def test_what_a_system_cannot_say(convert):
    camera = Camera.from_opencv(K, TURNS, np.zeros((3, 3)), (H, W), WEBCAM)
    with pytest.raises(ValueError, match=r"Camera\.mirrored"):
        getattr(Camera.look_at(), convert)(size=(H, W))
    with pytest.raises(ValueError, match=r"size: expected"):
        getattr(Camera.look_at().mirrored(), convert)()
    with pytest.raises(ValueError, match=r"size: expected"):
        getattr(camera, convert)(size=(0, 3))
    if convert in ("to_opencv", "to_colmap"):
        with pytest.raises(ValueError, match="projection"):
            getattr(Camera.look_at(projection="orthographic").mirrored(), convert)(size=(H, W))
    else:
        with pytest.raises(ValueError, match="distortion"):
            getattr(camera, convert)()
        assert getattr(dataclasses.replace(camera, distortion=Distortion.opencv([[0.0] * 4] * 3)), convert)().size == (
            H,
            W,
        )


EYE, ZERO, POSE = np.eye(3), np.zeros(3), np.eye(4)
LENS = np.array([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, -1.25, -2.25], [0, 0, -1, 0]])


@pytest.mark.parametrize(
    ("words", "make"),
    [
        ("K: expected .* above 0", lambda: Camera.from_opencv(-K, EYE, ZERO, (H, W))),
        ("K: .*transposed", lambda: Camera.from_opencv(K.T, EYE, ZERO, (H, W))),
        ("K: .*skew", lambda: Camera.from_opencv(K + np.eye(3, k=1), EYE, ZERO, (H, W))),
        ("K: expected", lambda: Camera.from_opencv(K[:2], EYE, ZERO, (H, W))),
        ("K: expected finite", lambda: Camera.from_opencv(K * np.nan, EYE, ZERO, (H, W))),
        ("K: expected numbers", lambda: Camera.from_opencv("K", EYE, ZERO, (H, W))),
        ("K: expected rows", lambda: Camera.from_opencv([[1, 2], [3]], EYE, ZERO, (H, W))),
        ("K: expected a float", lambda: Camera.from_opencv(torch.eye(3).long(), EYE, ZERO, (H, W))),
        ("R: .*orthogonal", lambda: Camera.from_opencv(K, 2 * EYE, ZERO, (H, W))),
        ("R: .*mirroring", lambda: Camera.from_opencv(K, -EYE, ZERO, (H, W))),
        ("t: expected", lambda: Camera.from_opencv(K, EYE, np.zeros(4), (H, W))),
        ("t: expected a batch of 3", lambda: Camera.from_opencv(K, TURNS, np.zeros((2, 3)), (H, W))),
        ("size", lambda: Camera.from_opencv(K, EYE, ZERO, 64)),
        ("distortion", lambda: Camera.from_opencv(K, EYE, ZERO, (H, W), [0.1])),
        ("distortion: .*batch of 3", lambda: Camera.from_opencv(K, TURNS, ZERO, (H, W), np.zeros((2, 4)))),
        ("view: .*transposed", lambda: Camera.from_opengl(np.ones((4, 4)), LENS, (H, W))),
        ("view: .*orthogonal", lambda: Camera.from_opengl(np.diag([2.0, 2, 2, 1]), LENS, (H, W))),
        ("projection: .*transposed", lambda: Camera.from_opengl(POSE, LENS.T, (H, W))),
        ("projection: ", lambda: Camera.from_opengl(POSE, LENS + np.eye(4, k=1), (H, W))),
        ("projection's scale", lambda: Camera.from_opengl(POSE, LENS * [[-1], [1], [1], [1]], (H, W))),
        ("projection: .*all", lambda: Camera.from_opengl(POSE, [LENS, POSE], (H, W))),
        ("far", lambda: Camera.from_opengl(POSE, LENS, (H, W)).to_opengl(near=2.0, far=1.0)),
        ("near", lambda: Camera.from_opengl(POSE, LENS, (H, W)).to_opengl(near=0.0)),
        ("model", lambda: Camera.from_colmap("FOV", [1, 2, 3], [1, 0, 0, 0], ZERO, (H, W))),
        ("params", lambda: Camera.from_colmap("PINHOLE", [1, 2, 3], [1, 0, 0, 0], ZERO, (H, W))),
        ("focal", lambda: Camera.from_colmap("PINHOLE", [1, 0, 2, 3], [1, 0, 0, 0], ZERO, (H, W))),
        ("quaternion", lambda: Camera.from_colmap("SIMPLE_PINHOLE", [1, 2, 3], [0, 0, 0, 0], ZERO, (H, W))),
        ("R: .*mirroring", lambda: Camera.from_pytorch3d(-EYE, ZERO, 1.0)),
        ("focal_length", lambda: Camera.from_pytorch3d(EYE, ZERO, 0.0)),
        ("focal_length", lambda: Camera.from_pytorch3d(EYE, ZERO, [[1.0, 1.0, 1.0]])),
        ("size", lambda: Camera.from_pytorch3d(EYE, ZERO, 60.0, (32.0, 24.0), in_ndc=False)),
        ("one of them, got none", lambda: Camera.from_blender(POSE, (H, W))),
        ("one of them, got lens, angle", lambda: Camera.from_blender(POSE, (H, W), lens=50.0, angle=0.5)),
        ("angle: .*degrees", lambda: Camera.from_blender(POSE, (H, W), angle=40.0)),
        ("lens", lambda: Camera.from_blender(POSE, (H, W), lens=-50.0)),
        ("pixel_aspect", lambda: Camera.from_blender(POSE, (H, W), lens=50.0, pixel_aspect=0.0)),
        ("sensor_width", lambda: Camera.from_blender(POSE, (H, W), lens=50.0, sensor_width=0.0)),
        ("sensor_fit", lambda: Camera.from_blender(POSE, (H, W), lens=50.0, sensor_fit="BOTH")),
        ("matrix_world: .*transposed", lambda: Camera.from_blender(np.ones((4, 4)), (H, W), lens=50.0)),
        ("matrix_world's scale", lambda: Camera.from_blender(np.diag([1.0, 0, 1, 1]), (H, W), lens=50.0)),
        (
            "matrix_world: .*orthogonal",
            lambda: Camera.from_blender(POSE + np.eye(4, k=1) * [0, 1, 0, 0], (H, W), lens=5),
        ),
        ("matrix_world: .*mirroring", lambda: Camera.from_blender(np.diag([-1.0, 1, 1, 1]), (H, W), lens=50.0)),
    ],
)
def test_wrong_arguments_are_named(words, make):
    with pytest.raises((ValueError, TypeError), match=words):
        make()
