"""Single house-number digits from MATLAB files: read, refused, and learnt from by order alone."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import torch
from scipy.io import savemat

from gendr.tools.images import load_cropped_digits, load_digits
from gendr.tools.sort_digits.command import main
from gendr.tools.sort_digits.sets import DigitNumbers

FILES = ("train_32x32.mat", "test_32x32.mat")


def write_cropped_digits(folder, images, labels):
    """Both files as SVHN has them: `images` [N, 3, 32, 32], `labels` 0 to 9, of which 0 is written as 10."""
    folder.mkdir(parents=True, exist_ok=True)
    classes = np.where(labels == 0, 10, labels).astype(np.uint8)[:, None]
    for name in FILES:
        savemat(folder / name, {"X": images.transpose(2, 3, 1, 0), "y": classes})
    return folder


def coloured(digits, count, seed=0):
    """Grey 28x28 digits as 32x32 ones in colours of their own, on noisy backgrounds of other colours."""
    generator = torch.Generator().manual_seed(seed)
    ink = torch.nn.functional.interpolate(digits.images[:count, None].float() / 255, (32, 32), mode="bilinear")
    behind = torch.rand(count, 3, 1, 1, generator=generator)
    colour = (behind + 0.5) % 1
    images = behind + ink * (colour - behind) + 0.05 * torch.randn(count, 3, 32, 32, generator=generator)
    return (images.clamp(0, 1) * 255).to(torch.uint8).numpy(), digits.labels[:count].numpy()


def test_pixels_and_classes_stand_where_they_stood(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (12, 3, 32, 32), dtype=np.uint8)
    labels = np.arange(12) % 10
    for part in load_cropped_digits(write_cropped_digits(tmp_path, images, labels)):
        assert torch.equal(part.images, torch.from_numpy(images))
        assert part.labels.tolist() == labels.tolist()
    drawn, numbers = DigitNumbers(part).draw(20, seed=1)
    assert drawn.shape == (20, 3, 32, 128)
    for image, number in zip(drawn, numbers.tolist(), strict=True):
        for place, digit in enumerate(f"{number:04}"):
            shown = (image[:, :, 32 * place : 32 * place + 32] * 127.5 + 127.5).round().byte()
            assert any(torch.equal(shown, part.images[i]) for i in range(12) if labels[i] == int(digit))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda folder: (folder / FILES[1]).unlink(), "expected files train_32x32.mat and test_32x32.mat, got no test"),
        (lambda folder: (folder / FILES[0]).write_bytes(b"MATLAB 7.3"), "train_32x32.mat: expected a MATLAB file"),
        (lambda folder: savemat(folder / FILES[0], {"X": np.zeros(3)}), "expected a MATLAB file"),
        (lambda folder: savemat(folder / FILES[0], {"X": np.zeros((32, 32, 3, 2)), "y": [1, 2]}), "expected X uint8"),
        (
            lambda folder: savemat(folder / FILES[0], {"X": np.zeros((32, 32, 3, 2), np.uint8), "y": [0, 2]}),
            "expected classes 1 to 10",
        ),
    ],
)
def test_what_is_refused(tmp_path, change, text, capsys):
    folder = write_cropped_digits(tmp_path / "in", np.zeros((2, 3, 32, 32), np.uint8), np.arange(2))
    change(folder)
    with pytest.raises(SystemExit) as stop:
        main(["--svhn", "--data", str(folder), "--out", str(tmp_path / "out")])
    error = capsys.readouterr().err
    assert (stop.value.code, error.count("\n")) == (2, 1)
    assert text in error
    assert not (tmp_path / "out").exists()


@pytest.mark.data
@pytest.mark.slow
def test_the_order_of_coloured_digits_is_learnt(tmp_path, data_dir):
    """MNIST's digits in SVHN's format, since SVHN itself is not there; read and trained by the command."""
    folder = write_cropped_digits(tmp_path / "in", *coloured(load_digits(data_dir / "mnist")[0], 1000))
    options = ["--n", "3", "--distribution", "optimal", "--batch", "20", "--lr", "1e-3", "--half", "--threads", "1"]
    steps = ["--steps", "125", "--every", "125", "--sets", "100"]
    assert main(["--svhn", "--data", str(folder), *options, *steps, "--out", str(tmp_path / "out")]) == 0
    with (tmp_path / "out" / "log.csv").open() as lines:
        last = list(csv.DictReader(lines))[-1]
    assert float(last["ew"]) > 0.42  # by chance 1/3, over 300 elements with a deviation of 0.03
