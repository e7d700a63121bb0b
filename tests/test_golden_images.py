"""The comparison of images itself: what it lets pass, what it refuses, and what it leaves behind."""

import numpy as np
import pytest
import torch
from PIL import Image

import golden_images
from golden_images import check


@pytest.fixture
def golden(tmp_path, monkeypatch):
    """A folder with the reference `ramp`."""
    monkeypatch.setenv("GENDR_GOLDEN", "write")
    check("ramp", ramp(), tmp_path, golden=tmp_path / "golden")
    monkeypatch.delenv("GENDR_GOLDEN")
    return tmp_path / "golden"


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def ramp():
    return torch.linspace(0, 1, 48).reshape(6, 8)


def test_the_same_image_passes(golden, tmp_path):
    check("ramp", ramp(), tmp_path, golden=golden)
    check("ramp", (ramp() + 1e-3).clamp(0, 1), tmp_path, golden=golden)  # a quarter of a level
    assert list(tmp_path.iterdir()) == [golden]


def test_another_image_fails_and_leaves_three_pictures(golden, tmp_path):
    image = ramp()
    image[2, 3] += 0.1
    with pytest.raises(pytest.fail.Exception) as error:
        check("ramp", image, tmp_path, golden=golden)
    assert "ramp: differs by 25.59 of 255" in str(error.value)
    assert "at (2, 3), allowed 1; 1 pixels beyond" in str(error.value)
    for kind in ("image", "reference", "difference"):
        path = tmp_path / f"ramp-{kind}.png"
        assert f"{kind}: {path}" in str(error.value)
        assert pixels(path).shape == (48, 64)
    difference = pixels(tmp_path / "ramp-difference.png")
    assert difference[20, 28] == 255
    assert difference[0, 0] < 5


def test_colour_images_have_their_channels_first(tmp_path, monkeypatch):
    monkeypatch.setenv("GENDR_GOLDEN", "write")
    red = torch.tensor([1.0, 0.0, 0.0]).reshape(3, 1, 1).expand(3, 4, 5)
    check("red", red, tmp_path, golden=tmp_path)
    assert pixels(tmp_path / "red.png")[3, 4].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("name", "image", "message"),
    [
        ("other", torch.zeros(4, 4), "no reference"),
        ("ramp", torch.zeros(4, 4), "expected an image of shape"),
        ("ramp", torch.full((6, 8), torch.nan), "not finite"),
        ("ramp", torch.full((6, 8), 1.5), "outside"),
        ("ramp", torch.zeros(65, 4), "at most 64x64"),
    ],
)
def test_what_cannot_be_compared_fails(golden, tmp_path, name, image, message):
    with pytest.raises((AssertionError, pytest.fail.Exception), match=message):
        check(name, image, tmp_path, golden=golden)


def test_references_are_small():
    for path in golden_images.GOLDEN.glob("*.png"):
        assert max(pixels(path).shape) <= 64
        assert path.stat().st_size < 16_000
