"""Classifiers with the top-k loss: data, models, and what the command says."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from gendr.tools.topk_classify.command import main
from gendr.tools.topk_classify.data import load_labelled
from gendr.tools.topk_classify.models import build
from gendr.tools.topk_classify.train import CIFAR100, Recipe, augmented


def write_features(path, classes=6):
    generator = np.random.default_rng(0)
    labels = np.arange(120) % classes
    x = np.eye(classes, dtype=np.float32)[labels] + generator.normal(0, 0.2, (120, classes)).astype(np.float32)
    np.savez(path, x_train=x, y_train=labels, x_test=x[:60], y_test=labels[:60])
    return path


def test_the_command(tmp_path, capsys):
    data = write_features(tmp_path / "six.npz")
    arguments = [str(data), "--model", "linear", "--p-k", "0.5,0.5", "--epochs", "20", "--batch", "20", "--lr", "0.05"]
    out = ["--losses", "softmax,topk,smooth", "--seeds", "2", "--out", str(tmp_path / "out")]
    assert main([*arguments, *out]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "| loss | top-1 | top-2 |"
    rows = json.loads((tmp_path / "out" / "result.json").read_text())["rows"]
    assert [row["loss"] for row in rows] == ["softmax", "topk", "smooth"]
    assert min(min(row["topk"]) for row in rows) > 0.9
    head = ["--head", str(tmp_path / "out" / "head.npz"), "--lr", "1e-9", "--epochs", "1", "--model", "linear"]
    assert main([str(data), "--p-k", "0.5,0.5", *head, "--out", str(tmp_path / "tuned")]) == 0
    assert json.loads((tmp_path / "tuned" / "result.json").read_text())["rows"][0]["top1"][0] > 0.9


@pytest.mark.data
def test_images_in_a_zip_file(data_dir):
    data = load_labelled(data_dir / "cifar10_jpeg" / "cifar10_subset_jpeg.zip", size=8, limit=3)
    assert data.classes == 10
    assert data.x_train.shape == (30, 3, 8, 8)
    assert len(data.y_test) == 3000
    assert data.x_train.mean((0, 2, 3)).abs().max() < 1e-5


@pytest.mark.parametrize("kind", ["linear", "mlp", "cnn", "resnet18"])
def test_models_score_every_class(kind):
    assert build(kind, (3, 16, 16), 7)(torch.zeros(2, 3, 16, 16)).shape == (2, 7)


def test_convolutions_want_images():
    with pytest.raises(ValueError, match="model: expected linear or mlp for features of shape"):
        build("cnn", (12,), 3)


def test_the_published_recipe():
    assert (CIFAR100.model, CIFAR100.epochs, CIFAR100.batch, CIFAR100.lr) == ("resnet18", 200, 100, 1e-3)
    assert CIFAR100.p_k == (0.2,) * 5


@pytest.mark.slow
def test_the_published_recipe_trains(tmp_path, capsys):
    """On a hundred classes of noisy 8x8 patterns, not on CIFAR-100, and for few epochs."""
    generator = np.random.default_rng(0)
    patterns = generator.normal(size=(100, 3, 8, 8))
    labels = np.arange(300) % 100
    x = (patterns[labels] + 0.3 * generator.normal(size=(300, 3, 8, 8))).astype(np.float32)
    data = tmp_path / "hundred.npz"
    np.savez(data, x_train=x, y_train=labels, x_test=x, y_test=labels)
    arguments = ["--preset", "cifar100", "--epochs", "4", "--threads", "1", "--out", str(tmp_path / "out")]
    assert main([str(data), *arguments]) == 0
    assert "| loss | top-1 | top-5 |" in capsys.readouterr().out
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    recipe, losses = result["recipe"], result["rows"][0]["epochs"][0]
    assert (recipe["model"], recipe["p_k"], recipe["batch"], recipe["flip"]) == ("resnet18", [0.2] * 5, 100, True)
    assert len(losses) == 4
    assert losses[-1] < 0.8 * losses[0]


def test_augmentation_moves_and_mirrors():
    images = torch.arange(64.0).view(1, 1, 8, 8).repeat(4, 1, 1, 1)
    moved = augmented(images, torch.Generator().manual_seed(1))
    assert moved.shape == images.shape
    assert not torch.equal(moved, images)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "expected a folder of images"),
        (["--p-k", "0.5,x"], "p_k: expected numbers"),
        (["--p-k", "0.5,0.2"], "p_k: expected probabilities that sum to 1"),
        (["--losses", "hinge"], "losses: expected some of softmax"),
        (["--seeds", "0"], "seeds"),
    ],
)
def test_errors_are_one_line(arguments, text, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main([str(tmp_path / "none"), *arguments, "--out", str(tmp_path)])
    assert stop.value.code == 2
    assert text in capsys.readouterr().err


@pytest.mark.parametrize("broken", ["x_train", "y_test"])
def test_broken_features(tmp_path, broken):
    with np.load(write_features(tmp_path / "a.npz")) as file:
        arrays = dict(file)
    arrays[broken] = arrays[broken][:-1] if broken == "y_test" else arrays[broken] * np.nan
    np.savez(tmp_path / "b.npz", **arrays)
    with pytest.raises(ValueError, match=r"b.npz"):
        load_labelled(tmp_path / "b.npz")


def test_more_ranks_than_classes_are_refused(tmp_path):
    with pytest.raises(SystemExit):
        main([str(write_features(tmp_path / "a.npz", 3)), "--out", str(tmp_path)])
    assert Recipe(p_k=(0.5, 0.5)).k == 2
