"""The four-digit benchmark: settings, figures, and a run that goes on where it stopped."""

from __future__ import annotations

import json

import pytest
import torch

from gendr.tools.images import Digits
from gendr.tools.sort_digits.command import main
from gendr.tools.sort_digits.config import BETA, SIZES, Settings
from gendr.tools.sort_digits.metrics import accuracy
from gendr.tools.sort_digits.network import ScoreNetwork
from gendr.tools.sort_digits.sets import DigitNumbers
from gendr.tools.sort_digits.train import Run, permutation_loss
from test_training_tools import write_mnist


def digits(count=30):
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(count, dtype=torch.uint8) % 10
    images = torch.randint(50, (count, 28, 28), generator=generator)
    images[:, 8:20, 8:20] += 20 * labels.long()[:, None, None]
    return DigitNumbers(Digits(images.to(torch.uint8), labels))


def test_published_settings():
    assert all(set(values) == set(SIZES) for values in BETA.values())
    assert Settings(n=5, distribution="cauchy").slope == pytest.approx(51, abs=0.01)
    assert Settings(n=16, distribution="optimal").comparators == "bitonic"
    with pytest.raises(ValueError, match="steepness: expected given, or published"):
        Settings(n=6)
    assert Settings(n=6, steepness=3.0).slope == 3.0


def test_published_networks():
    assert sum(p.numel() for p in ScoreNetwork((1, 28, 112)).parameters()) == 32 * 26 + 64 * 801 + 64 * 12545 + 65
    assert ScoreNetwork((3, 54, 54), (32, 64, 128, 256))(torch.zeros(2, 3, 54, 54)).shape == (2,)


def test_images_show_their_numbers():
    images, numbers = digits().draw(50, seed=3)
    bright = ((images[:, 0] * 127.5 + 127.5) / 20).view(50, 28, 4, 28)[:, 8:20, :, 8:20].mean((1, 3))
    shown = (bright - 24.5 / 20).round().long()
    assert torch.equal((shown * torch.tensor([1000, 100, 10, 1])).sum(1), numbers)
    assert torch.equal(digits().draw(50, seed=3)[1], numbers)


def test_accuracy_counts_sets_elements_and_fives():
    numbers = torch.tensor([3, 1, 2, 6, 5, 4, 9, 8, 7, 7])
    assert accuracy(numbers.float(), numbers, 3) == (1.0, 1.0, 1.0)
    wrong = numbers.float()
    wrong[0], wrong[1] = 1.0, 3.0
    assert accuracy(wrong, numbers, 3) == pytest.approx((2 / 3, 7 / 9, 0.5))


def test_losses_are_least_for_the_true_permutation():
    numbers = torch.tensor([[30, 10, 20]])
    true = torch.tensor([[[0.0, 1, 0], [0, 0, 1], [1, 0, 0]]])
    for kind in ("cross_entropy", "bce"):
        assert permutation_loss(true, numbers, kind) == 0
        assert permutation_loss(true.flip(1), numbers, kind) > 1


def test_a_run_goes_on_where_it_stopped(tmp_path):
    settings = Settings(n=3, batch=4, distribution="optimal")
    whole = Run(tmp_path / "whole", settings, digits(), digits()).go(4, every=2, sets=4)
    Run(tmp_path / "parts", settings, digits(), digits()).go(2, every=2, sets=4)
    parts = Run(tmp_path / "parts", settings, digits(), digits()).go(4, every=2, sets=4)
    for a, b in zip(whole.model.parameters(), parts.model.parameters(), strict=True):
        assert torch.equal(a, b)
    assert [row[:5] for row in whole.log.rows] == [row[:5] for row in parts.log.rows]
    with pytest.raises(ValueError, match="expected distribution='cauchy'"):
        Run(tmp_path / "parts", Settings(n=3, batch=4, distribution="cauchy"), digits(), digits())


def test_the_command(tmp_path, capsys):
    data, out = write_mnist(tmp_path / "mnist"), tmp_path / "out"
    arguments = ["--n", "3", "--batch", "2", "--steps", "2", "--every", "1", "--sets", "2", "--threads", "1"]
    assert main([*arguments, "--data", str(data), "--out", str(out), "--half"]) == 0
    assert "2 steps: EM" in capsys.readouterr().out
    assert {f.name for f in out.iterdir()} == {"checkpoint.npz", "log.csv", "curve.png", "result.json"}
    assert json.loads((out / "result.json").read_text())["settings"]["half"]


@pytest.mark.data
def test_house_numbers(tmp_path, data_dir):
    arguments = ["--svhn", "--data", str(data_dir / "svhn_sample"), "--n", "3", "--batch", "2", "--steps", "1"]
    assert main([*arguments, "--sets", "2", "--threads", "1", "--out", str(tmp_path)]) == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [(["--data", "nowhere"], "nowhere: expected a folder"), (["--n", "4"], "steepness"), (["--steps", "0"], "steps")],
)
def test_errors_are_one_line(arguments, text, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*arguments, "--out", str(tmp_path)])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert text in error
    assert error.count("\n") == 1
