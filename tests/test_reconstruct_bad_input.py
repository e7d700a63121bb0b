"""Data, machines and pictures that training, measuring and predicting cannot use: one clear line, nothing written."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from gendr import cli
from gendr.tools.reconstruct.image import read_image
from gendr.tools.reconstruct.run import Run
from gendr.tools.reconstruct.settings import Settings
from gendr.tools.shapes.layout import ShapeData, files_of
from reconstruct_data import write_boxes

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of lightning's and tensorboard's own imports
CHAIR, TABLE = "03001627", "04379243"


@pytest.fixture(scope="module")
def boxes(tmp_path_factory):
    return write_boxes(tmp_path_factory.mktemp("data") / "boxes")


@pytest.fixture
def data(boxes, tmp_path):
    return shutil.copytree(boxes, tmp_path / "data")


def train(data, out, *more):
    words = ["train", "--data", data, "--out", out, "--classes", "chair,table", "--model", "modern", "--steps", 1]
    words += ["--batch", 1, "--threads", 1, "--accelerator", "cpu", *more]
    return cli.main([str(word) for word in words])


@pytest.fixture(scope="module")
def run(boxes, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    assert train(boxes, out) == 0
    return out


def change(folder, split, images=lambda array: array, voxels=lambda array: array, number=CHAIR):
    for path, function in zip(files_of(folder, number, split), (images, voxels), strict=True):
        array = np.load(path)["arr_0"]
        np.savez(path, function(array))


def small(folder, split):
    for number in (CHAIR, TABLE):
        change(folder, split, lambda array: array[..., ::2, ::2], number=number)


def none(folder, split, numbers=(CHAIR,)):
    for number in numbers:
        change(folder, split, lambda array: array[:0], lambda array: array[:0], number=number)


def cut(path, share):
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])


def one_line(capsys, text):
    said = capsys.readouterr().err
    assert text in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda f: small(f, "train"), "expected images of 64x64 pixels, got 32x32"),
        (lambda f: none(f, "train"), "expected objects in train, got none of chair"),
        (lambda f: change(f, "train", lambda a: a[..., :32]), "expected uint8 [N, 24, 4, 64, 64], got uint8"),
        (lambda f: change(f, "train", lambda a: a[0]), "got uint8 [24, 4, 64, 64]"),
        (lambda f: change(f, "train", lambda a: a / 255.0), "got float64 [2, 24, 4, 64, 64]"),
        (lambda f: change(f, "train", voxels=lambda a: a[:, :16]), "expected bool or uint8 [N, 32, 32, 32], got bool"),
        (lambda f: change(f, "train", voxels=lambda a: a[:1]), "expected 2 objects, as 03001627_train_images.npz has"),
        (lambda f: files_of(f, TABLE, "train")[0].unlink(), "expected a file of table, got none; train is there of"),
        (lambda f: files_of(f, TABLE, "train")[1].unlink(), "voxels.npz: expected a file of table, got none"),
        (lambda f: cut(files_of(f, CHAIR, "train")[0], 0.99), "expected an npz file, whole"),
        (lambda f: cut(files_of(f, CHAIR, "train")[1], 0.5), "expected an npz file, whole"),
        (shutil.rmtree, "expected a folder of shapes, got none"),
    ],
)
def test_data_that_cannot_be_trained_on(data, tmp_path, capsys, damage, text):
    damage(data)
    assert train(data, tmp_path / "run") == 2
    one_line(capsys, text)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (["--threads", 0], "threads: expected at least 1, got 0"),
        (["--batch", 0], "batch: expected"),
        (["--classes", "tree"], "classes: expected names or numbers"),
        pytest.param(
            ["--accelerator", "cuda"], "accelerator: ",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is one"),
        ),
    ],
)  # fmt: skip
def test_arguments_that_cannot_be_used(boxes, tmp_path, capsys, more, text):
    assert train(boxes, tmp_path / "run", *more) == 2
    one_line(capsys, text)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda f: small(f, "test"), "expected images of 64x64 pixels, got 32x32"),
        (lambda f: none(f, "test", (CHAIR, TABLE)), "expected objects in test, got none of chair, table"),
        (
            lambda f: files_of(f, TABLE, "test")[0].unlink(),
            "expected a file of table, got none; test is there of chair",
        ),
    ],
)
def test_data_that_cannot_be_measured_on(data, run, tmp_path, capsys, damage, text):
    damage(data)
    assert cli.main(["train", "eval", str(run), "--data", str(data), "--out", str(tmp_path / "out")]) == 2
    one_line(capsys, text)
    assert not (tmp_path / "out").exists()


def test_a_class_without_objects_is_left_out_of_the_table(data, run, tmp_path):
    none(data, "test")
    words = ["train", "eval", run, "--data", data, "--out", tmp_path / "out", "--views", 1, "--no-retrieval"]
    assert cli.main([str(word) for word in words]) == 0
    assert (tmp_path / "out" / "table.md").read_text().startswith("| Method | Table | Mean |")


def test_a_run_without_its_log(run, tmp_path, capsys):
    folder = shutil.copytree(run, tmp_path / "run")
    (folder / "log.csv").unlink()
    assert cli.main(["train", "eval", str(folder), "--out", str(tmp_path / "out")]) == 2
    one_line(capsys, "log.csv")
    assert not (tmp_path / "out").exists()


def test_other_data_of_the_same_size_are_noted(data, run, tmp_path, capsys):
    folder = shutil.copytree(run, tmp_path / "run")
    assert train(data, folder, "--resume") == 0
    assert "note: until step 1 the data were" in capsys.readouterr().out


def test_processes_that_see_different_folders(boxes, tmp_path):
    data = ShapeData(boxes, "chair,table", "train")
    settings = Settings(tuple(data.classes), tuple(data.counts), model="modern", batch=2)
    fabric = SimpleNamespace(world_size=2, all_gather=lambda step: torch.stack([step, step + 400]))
    with pytest.raises(ValueError, match=r"out: expected a folder that all machines share, got .* step \[0, 400\]"):
        Run(tmp_path / "run", settings, data, fabric)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda p: Image.fromarray(np.full((64, 64), 40_000, np.uint16)).save(p), "8 bits a channel, got mode I;16"),
        (lambda p: Image.new("LA", (1, 16_385)).save(p), "expected at most 16384x16384 pixels, got 1x16385"),
        (lambda p: Image.new("RGB", (64, 64)).save(p), "an image with an alpha channel, or --mask with its silhouette"),
    ],
)
def test_pictures_that_cannot_be_read(tmp_path, make, text):
    path = tmp_path / "a.png"
    make(path)
    with pytest.raises(ValueError, match=text) as error:
        read_image(path)
    assert str(error.value).count(str(path)) == 1


def test_a_picture_cut_off(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 4), np.uint8)
    path = tmp_path / "a.png"
    Image.fromarray(noise).save(path)
    cut(path, 0.5)
    with pytest.raises(ValueError, match=r"a\.png: .*truncated"):
        read_image(path)


def test_a_photograph_lies_as_its_camera_says(tmp_path):
    picture = Image.new("RGB", (64, 64), (200, 10, 10))
    tag = Image.Exif()
    tag[0x0112] = 6  # to be turned by 90 degrees clockwise
    picture.paste((10, 10, 200), (0, 0, 64, 32))
    picture.save(tmp_path / "a.jpg", exif=tag)
    Image.new("L", (64, 64), 255).save(tmp_path / "mask.png")
    image, _ = read_image(tmp_path / "a.jpg", tmp_path / "mask.png")
    assert image[2, 32, 60] > 0.7  # blue, which was at the top, is on the right
    assert image[0, 32, 3] > 0.7
