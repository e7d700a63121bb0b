"""The picture of `Camera.self_check`: the overlay lies where the renderer draws, and the words say what is wrong."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

import gendr
from gendr.distributions import Heaviside
from gendr.render.camera import Camera, Distortion, overlay

H, W = 384, 512
MESH = gendr.Mesh.icosphere(2, radius=0.5)


def camera(**changes):
    K = [[900.0, 0, 300.0], [0, 850.0, 150.0], [0, 0, 1]]
    return Camera.from_opencv(K, np.diag([1.0, -1.0, -1.0]), [0.1, 0, 3.0], (H, W), **changes)


def captions(monkeypatch, view, image, mesh=MESH):
    """What the caption says."""
    said = []
    monkeypatch.setattr(overlay.Overlay, "with_caption", lambda self, lines: said.extend(lines) or self.picture)
    view.self_check(image, mesh)
    return " / ".join(said)


@pytest.mark.parametrize("lens", [None, [-0.3, 0.1, 0.001, 0.002], Distortion.fisheye([0.1, 0.0, 0.0, 0.0])])
def test_the_tint_is_where_the_renderer_draws(lens):
    view = camera(distortion=lens)
    photo = np.full((H, W, 3), 77, np.uint8)
    picture = np.asarray(view.self_check(photo, MESH))[:H]
    alpha = gendr.Renderer((H, W), Heaviside(), 1.0)(MESH, view).alpha[0].numpy() > 0
    changed = (picture != 77).any(-1)
    # Pillow's polygons round their corners, which misses 51 of 67,000 pixels; outline and axes lie beside the mesh too.
    assert (~changed)[alpha].mean() < 2e-3
    assert (changed & ~alpha).mean() < 0.03
    assert alpha.mean() > 0.1


def test_an_image_that_fits_and_one_that_does_not():
    view = camera()
    alpha = gendr.Renderer((H, W), Heaviside(), 1.0)(MESH, view).alpha[0]
    photo = torch.stack((torch.zeros_like(alpha), torch.zeros_like(alpha), alpha))  # blue ball on black
    tinted = np.asarray(view.self_check(photo, MESH))[:H, :, 2]
    uncovered = (tinted == 255).mean()
    assert uncovered < 0.005  # no ball beside the tint
    wrong = np.asarray(view.self_check(photo.flip(2), MESH))[:H, :, 2]
    assert (wrong == 255).mean() > 0.02


def test_axes_have_their_directions():
    picture = np.asarray(camera().self_check(np.zeros((H, W), np.uint8), MESH))[:H].astype(int)
    middle = [W / 2 + 74, 151]  # 300.5 + 900 * 0.1 / 3 - 74.5, principal point plus shift
    found = {}
    for name, colour in overlay.AXES[:2]:
        rows, columns = np.nonzero((picture == colour).all(-1))
        found[name] = np.array([columns.mean(), rows.mean()]) - middle
    assert found["x"][0] > 50 > abs(found["x"][1])
    assert found["y"][1] < -50 < -abs(found["y"][0]) * 2


def test_small_images_are_enlarged(tmp_path):
    picture = Camera.look_at().self_check(torch.zeros(40, 100), MESH, path=tmp_path / "check.png")
    assert picture.size[0] == 600
    assert picture.size[1] > 240
    assert np.array_equal(np.asarray(Image.open(tmp_path / "check.png")), np.asarray(picture))


def test_the_words(monkeypatch):
    words = captions(monkeypatch, camera(distortion=[-0.2, 0, 0, 0]), np.zeros((H, W)))
    for part in (
        "512 x 384 px",
        "focal length 900, 850 px",
        "300.5, 150.5 px",
        "eye at (-0.1, 0, 3)",
        "along (0, 0, -1)",
    ):
        assert part in words.replace("-0,", "0,")
    assert "radial-tangential, one to one up to 52.2 degrees" in words
    assert "right-handed scenes as they are" in words
    assert "162 of 162 vertices in the image, 0 behind the eye" in words
    assert "MIRRORS" in captions(monkeypatch, Camera.look_at(), np.zeros((H, W)))
    orthographic = Camera.look_at(projection="orthographic", scale=0.5)
    assert "96 px per world unit" in captions(monkeypatch, orthographic, np.zeros((H, W)))


def test_what_is_probably_wrong(monkeypatch):
    backward = camera().with_pose(camera().rotation * torch.tensor([[1.0], [1.0], [-1.0]]).double())
    assert "ALL BEHIND" in captions(monkeypatch, backward, np.zeros((H, W)))
    beside = camera().with_pose(eye=torch.tensor([50.0, 0.0, 3.0]).double())
    assert "NONE IN THE IMAGE" in captions(monkeypatch, beside, np.zeros((H, W)))
    empty = gendr.Mesh(torch.zeros(0, 3), torch.zeros(0, 3, dtype=torch.int64))
    assert "0 of 0 vertices" in captions(monkeypatch, camera(), np.zeros((H, W)), empty)


def test_meshes_around_the_eye_are_drawn_as_far_as_they_are_in_front():
    around = gendr.Mesh(MESH.vertices * 1000.0 + camera().eye.float(), MESH.faces)
    assert camera().self_check(np.zeros((H, W)), around).size[0] == W
    points = np.array([[0, 0], [1e6, 3e5], [-1e6, 20.0], [50, -1e6], [50.0, 1e6]])
    inside = overlay._clipped(points[[[0, 1], [2, 1], [3, 4], [3, 3], [1, 1]]], (100, 60))
    assert len(inside) == 2  # the second passes far above the image
    assert np.abs(inside).max() <= 110


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((H, W)),
        np.zeros((H, W), bool),
        np.zeros((H, W, 1), np.float32),
        np.zeros((4, H, W), np.uint8),
        torch.zeros(3, H, W, requires_grad=True),
        torch.zeros(H, W, 3, dtype=torch.int64),
        Image.new("LA", (W, H)),
        Image.new("P", (W, H)),
    ],
)
def test_images_of_every_kind(image):
    assert overlay.as_image(image).size == (W, H)


def test_images_are_read_right(tmp_path):
    values = np.random.default_rng(0).integers(0, 256, (6, 5, 3), np.uint8)
    for image in (
        values,
        torch.from_numpy(values),
        torch.from_numpy(values).permute(2, 0, 1) / 255.0,
        values.astype(int),
    ):
        assert np.array_equal(np.asarray(overlay.as_image(image)), values)
    Image.fromarray(values).save(tmp_path / "image.png")
    assert np.array_equal(np.asarray(overlay.as_image(tmp_path / "image.png")), values)
    clear = np.concatenate([values, np.zeros((6, 5, 1), np.uint8)], 2)
    assert (np.asarray(overlay.as_image(clear)) == 128).all()


@pytest.mark.parametrize(
    ("words", "make"),
    [
        ("exchanged", lambda: camera().self_check(np.zeros((W, H)), MESH)),
        ("image: expected", lambda: camera().self_check(np.zeros((H, W, 2)), MESH)),
        ("image: expected", lambda: camera().self_check(np.zeros((0, 4)), MESH)),
        ("image: expected", lambda: camera().self_check(3, MESH)),
        ("image: expected numbers", lambda: camera().self_check(np.zeros((H, W), complex), MESH)),
        ("one view", lambda: Camera.cat([camera(), camera()]).self_check(np.zeros((H, W)), MESH)),
        ("one mesh", lambda: camera().self_check(np.zeros((H, W)), BATCH)),
    ],
)
def test_wrong_arguments_are_named(words, make):
    with pytest.raises((ValueError, TypeError), match=words):
        make()


BATCH = dataclasses.replace(MESH, vertices=MESH.vertices.expand(2, -1, -1))
