"""COLMAP's text files: a reconstruction as its writer prints it, and every way in which a file can be wrong."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from gendr.render import load_colmap
from gendr.render.camera import Camera

CAMERAS = """# Camera list with one line of data per camera:
#   CAMERA_ID, MODEL, WIDTH, HEIGHT, PARAMS[]
# Number of cameras: 3
1 SIMPLE_RADIAL 3072 2304 2559.81 1536 1152 -0.0204997
2 PINHOLE 3072 2304 2560.56 2560.56 1536 1152
7 OPENCV_FISHEYE 640 480 300 301 320 240 0.01 0.002 0 0
"""
IMAGES = """# Image list with two lines of data per image:
#   IMAGE_ID, QW, QX, QY, QZ, TX, TY, TZ, CAMERA_ID, NAME
#   POINTS2D[] as (X, Y, POINT3D_ID)
# Number of images: 3, mean observations per image: 2
1 0.851773 0.0165051 0.503764 -0.142941 -0.737434 1.02973 3.74354 1 P1180141.JPG
2362.39 248.498 58396 1784.7 268.254 59027 1784.7 268.254 -1

2 0.851773 0.0165051 0.503764 -0.142941 -0.737434 1.02973 3.74354 2 a/P1180142.JPG
1190.83 663.957 23056
3 1 0 0 0 0 0 2 1 P 3.JPG

"""


def write(folder, cameras=CAMERAS, images=IMAGES):
    (folder / "cameras.txt").write_text(cameras)
    (folder / "images.txt").write_text(images)
    return folder


def test_a_reconstruction(tmp_path):
    views = load_colmap(write(tmp_path))
    assert views.images == ("P 3.JPG", "P1180141.JPG", "a/P1180142.JPG")
    assert (views.camera.size, len(views), views.camera.eye.dtype) == ((2304, 3072), 3, torch.float64)
    q = np.array([0.851773, 0.0165051, 0.503764, -0.142941])
    point = np.array([[0.1, -0.2, 0.3]])
    local = Rotation.from_quat(np.roll(q, -1)).apply(point)[0] + [-0.737434, 1.02973, 3.74354]
    plane = local[:2] / local[2]
    x, y, z = views.camera.project(torch.from_numpy(point))[:, 0].T.numpy()
    expected = 2559.81 * plane * (1 - 0.0204997 * (plane @ plane)) + [1536, 1152]
    np.testing.assert_allclose([(x[1] * 2304 + 3072) / 2, (1 - y[1]) * 1152, z[1]], [*expected, local[2]])
    expected = 2560.56 * plane + [1536, 1152]
    np.testing.assert_allclose([(x[2] * 2304 + 3072) / 2, (1 - y[2]) * 1152], expected)


def test_chosen_images_in_their_order(tmp_path):
    write(tmp_path)
    everything, views = load_colmap(tmp_path), load_colmap(tmp_path, ["a/P1180142.JPG", "P 3.JPG"])
    assert views.images == ("a/P1180142.JPG", "P 3.JPG")
    assert torch.equal(views.camera.eye, everything.camera.eye[[2, 0]])
    assert load_colmap(tmp_path, ["a/P1180142.JPG"]).camera.distortion is None


def test_what_is_written_by_hand(tmp_path):
    views = load_colmap(write(tmp_path, "0 PINHOLE 4 3 1 1 2 1.5", "\n0 -1 0 0 0 0 0 2 0 a"))  # no points, no last line
    expected = Camera.from_colmap("PINHOLE", [1, 1, 2, 1.5], [1, 0, 0, 0], [0, 0, 2], (3, 4))
    assert torch.equal(views.camera.rotation, expected.rotation)


def test_lenses_and_sizes_that_do_not_share_a_batch(tmp_path):
    fisheye = IMAGES + "9 1 0 0 0 0 0 2 7 c.png\n\n"
    with pytest.raises(ValueError, match=r"one image size.*choose"):
        load_colmap(write(tmp_path, images=fisheye))
    with pytest.raises(ValueError, match=r"one model.*choose"):
        load_colmap(write(tmp_path, CAMERAS.replace("640 480", "3072 2304"), fisheye))
    assert load_colmap(tmp_path, ["c.png"]).camera.distortion.model == "fisheye"


POSE = "1 1 0 0 0 0 0 2"


@pytest.mark.parametrize(
    ("words", "cameras"),
    [
        (r"line 1: .*MODEL", "1 PINHOLE 640"),
        (r"line 2: .*MODEL", "# x\n1 THIN_PRISM_FISHEYE 4 3 1 1 1 1"),
        (r"4 parameters for PINHOLE, got 3", "1 PINHOLE 4 3 1 1 1"),
        (r"whole number", "a PINHOLE 4 3 1 1 1 1"),
        (r"whole number", "-1 PINHOLE 4 3 1 1 1 1"),
        (r"whole number", "1 PINHOLE 0 3 1 1 1 1"),
        (r"whole number", "1 PINHOLE 4 9999999 1 1 1 1"),
        (r"whole number", "1 PINHOLE 4 " + "9" * 10_000 + " 1 1 1 1"),
        (r"finite", "1 PINHOLE 4 3 nan 1 1 1"),
        (r"finite", "1 PINHOLE 4 3 1e999 1 1 1"),
        (r"finite", "1 PINHOLE 4 3 1_0 1 1 1"),
        (r"a number, got '0x1'", "1 PINHOLE 4 3 0x1 1 1 1"),
        (r"line 2: .*once", "1 PINHOLE 4 3 1 1 1 1\n1 PINHOLE 4 3 1 1 1 1"),
        (r"cameras\.txt: .*focal", "1 PINHOLE 4 3 0 1 1 1"),
    ],
)
def test_wrong_cameras_are_named(tmp_path, words, cameras):
    with pytest.raises(ValueError, match=words):
        load_colmap(write(tmp_path, cameras, f"{POSE} 1 a.png\n\n"))


@pytest.mark.parametrize(
    ("words", "images"),
    [
        (r"images\.txt: line 1: .*IMAGE_ID", f"{POSE} 1"),
        (r"line 2: .*POINTS2D", f"{POSE} 1 a.png\n{POSE} 1 b.png"),
        (r"line 2: .*number", f"{POSE} 1 a.png\n{POSE} 1 b c d.png"),
        (r"whole number", f"{POSE} x a.png"),
        (r"CAMERA_ID of", f"{POSE} 5 a.png"),
        (r"line 3: .*NAME once", f"{POSE} 1 a.png\n\n{POSE} 1 a.png\n"),
        (r"length 1", "1 0 0 0 0 0 0 2 1 a.png"),
        (r"length 1", "1 1 1 1 1 0 0 2 1 a.png"),
        (r"finite", "1 1 0 0 0 inf 0 2 1 a.png"),
        (r"within", f"{POSE} 1 ../a.png"),
        (r"within", f"{POSE} 1 a/../../b.png"),
        (r"within", f"{POSE} 1 /etc/a.png"),
        (r"within", f"{POSE} 1 a\\..\\..\\b.png"),
        (r"within", f"{POSE} 1 C:\\a.png"),
        (r"images: expected names among the 0", "# nothing\n"),
    ],
)
def test_wrong_images_are_named(tmp_path, words, images):
    with pytest.raises(ValueError, match=words):
        load_colmap(write(tmp_path, images=images))


def test_wrong_files_are_named(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError):
        load_colmap(tmp_path)
    (tmp_path / "cameras.bin").write_bytes(b"")
    with pytest.raises(ValueError, match="model_converter"):
        load_colmap(tmp_path)
    (tmp_path / "cameras.txt").write_bytes(b"# \xff")
    with pytest.raises(ValueError, match="UTF-8"):
        load_colmap(tmp_path)
    write(tmp_path)
    with pytest.raises(ValueError, match=r"images: .*such as 'b\.png'"):
        load_colmap(tmp_path, ["b.png"])
    with pytest.raises(ValueError, match=r"images: .*none"):
        load_colmap(tmp_path, [])
    monkeypatch.setattr("gendr.render.colmap_io.LONGEST_LINE", 20)
    with pytest.raises(ValueError, match=r"line 1: .*at most 20"):
        load_colmap(tmp_path)
