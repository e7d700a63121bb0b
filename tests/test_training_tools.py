"""What the training commands read and write: idx files, house numbers, image folders, checkpoints, figures."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from types import SimpleNamespace
from urllib.error import URLError

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console

from gendr.tools.images import digits, load_digits, load_house_numbers, load_image_folder, read_idx
from gendr.tools.training import Log, TrainingProgress, load_checkpoint, save_checkpoint


def idx(array):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_mnist(folder, count=12):
    """A folder as MNIST has it, some files packed; image i shows a patch whose brightness is 20 times its label."""
    folder.mkdir(parents=True, exist_ok=True)
    labels = (np.arange(count) % 10).astype(np.uint8)
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 5:20, 5:20] = 20 * labels[:, None, None]
    for part in ("train", "t10k"):
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels))
    return folder


def test_digits_from_a_folder(tmp_path):
    train, test = load_digits(write_mnist(tmp_path))
    assert train.images.shape == (12, 28, 28)
    assert test.labels.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert train.images[3, 10, 10] == 60
    nested = write_mnist(tmp_path / "torchvision" / "MNIST" / "raw").parents[1]
    assert torch.equal(load_digits(nested)[0].images, train.images)


@pytest.mark.data
def test_all_of_mnist(data_dir):
    train, test = load_digits(data_dir / "mnist")
    assert (len(train.labels), len(test.labels)) == (60_000, 10_000)
    assert torch.bincount(test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "an idx file"),
        (b"\0\0\x08\x03\0\0", "3 sizes"),
        (struct.pack(">BBBB2I", 0, 0, 8, 2, 1 << 31, 1 << 31), "bytes for"),
        (idx(np.zeros((3, 2), np.uint8))[:-1], "expected 6 bytes for"),
    ],
)
def test_broken_idx_files(tmp_path, data, text):
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(ValueError, match=text):
        read_idx(tmp_path / "x")
    (tmp_path / "x.gz").write_bytes(data + b"!")
    with pytest.raises(ValueError, match="expected a gzip file"):
        read_idx(tmp_path / "x.gz")


def test_missing_digits(tmp_path):
    with pytest.raises(ValueError, match="expected a file train-images-idx3-ubyte"):
        load_digits(tmp_path)
    with pytest.raises(ValueError, match="torchvision: expected the package installed"):
        load_digits("torchvision:x")


def downloader(monkeypatch, mnist):
    """torchvision, as far as it is called."""
    monkeypatch.setattr(digits, "find_spec", lambda name: name)
    monkeypatch.setattr(digits, "import_module", lambda name: SimpleNamespace(MNIST=mnist))


@pytest.mark.parametrize("error", [URLError("Name or service not known"), RuntimeError("Error\ndownloading x")])
@pytest.mark.parametrize("there", [False, True])
def test_no_download_leaves_nothing_behind(tmp_path, monkeypatch, error, there):
    folder = tmp_path / "new"
    if there:
        folder.mkdir()

    def mnist(root, *, train, download):
        (Path(root) / "MNIST" / "raw").mkdir(parents=True)
        raise error

    downloader(monkeypatch, mnist)
    with pytest.raises(
        ValueError, match=r"^torchvision: expected a download .*; offline, put MNIST's idx files .* got"
    ):
        load_digits(f"torchvision:{folder}")
    assert list(tmp_path.rglob("*")) == ([folder] if there else [])


def test_a_torchvision_that_does_not_fit(monkeypatch):
    """As PyPI's, built for CUDA, beside a torch without it."""

    def refuse(name):
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(digits, "find_spec", lambda name: name)
    monkeypatch.setattr(digits, "import_module", refuse)
    with pytest.raises(ValueError, match=r"^torchvision: expected a build for torch .*, got operator torchvision::nms"):
        load_digits("torchvision:x")


def test_downloaded_digits(tmp_path, monkeypatch):
    def mnist(root, *, train, download):
        assert (root, download) == (str(tmp_path), True)
        return SimpleNamespace(data=torch.full((2, 28, 28), 7, dtype=torch.uint8), targets=torch.tensor([3, 1 + train]))

    downloader(monkeypatch, mnist)
    train, test = load_digits(f"torchvision:{tmp_path}")
    assert (train.labels.tolist(), test.labels.tolist()) == ([3, 2], [3, 1])
    assert train.images.unique().tolist() == [7]


@pytest.mark.data
def test_house_numbers(data_dir):
    train, test = (load_house_numbers(data_dir / "svhn_sample", part) for part in ("train", "test"))
    assert train.images.shape == (3, 3, 64, 64)
    assert train.numbers[:2].tolist() == [19, 23]
    assert len(test.numbers) == 3


@pytest.mark.parametrize("file", ["../x.png", "x.png"])
def test_house_numbers_stay_in_their_folder(tmp_path, file):
    folder = tmp_path / "in"
    folder.mkdir()
    Image.new("RGB", (90, 60)).save(tmp_path / "x.png")
    Image.new("RGB", (90, 60)).save(folder / "x.png")
    (folder / "labels.csv").write_text(f"file,number,boxes_left_top_width_height\n{file},7,20:10:30:40\n")
    if file == "x.png":
        assert load_house_numbers(folder).numbers.item() == 7
    else:
        with pytest.raises(ValueError, match="expected files within the folder"):
            load_house_numbers(folder)


def test_image_folders_that_are_none(tmp_path):
    with pytest.raises(ValueError, match="a folder of images or a zip file"):
        load_image_folder(tmp_path / "none")
    with pytest.raises(ValueError, match="images in a folder per class"):
        load_image_folder(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.png").write_text("no image")
    with pytest.raises(ValueError, match=r"b.png: expected an image"):
        load_image_folder(tmp_path)


def test_checkpoints_belong_to_their_run(tmp_path):
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(2):
        model(torch.ones(1, 2)).sum().backward()
        optimizer.step()
    save_checkpoint(tmp_path / "c.npz", model, optimizer, 2, {"n": 5})
    other = torch.nn.Linear(2, 1)
    again = torch.optim.Adam(other.parameters(), lr=0.1)
    assert load_checkpoint(tmp_path / "c.npz", other, again, {"n": 5}) == 2
    for m, o in ((model, optimizer), (other, again)):
        o.zero_grad()
        m(torch.ones(1, 2)).sum().backward()
        o.step()
    assert torch.equal(model.weight, other.weight)
    with pytest.raises(ValueError, match="expected n=3, got n=5"):
        load_checkpoint(tmp_path / "c.npz", other, again, {"n": 3})
    with pytest.raises(ValueError, match="the weights of this model"):
        load_checkpoint(tmp_path / "c.npz", torch.nn.Linear(3, 1), again, {"n": 5})


def test_no_pickle_is_read(tmp_path):
    np.savez(tmp_path / "c.npz", step=np.array([object()], dtype=object), settings=np.array("{}"))
    model = torch.nn.Linear(2, 1)
    with pytest.raises(ValueError, match="expected a checkpoint"):
        load_checkpoint(tmp_path / "c.npz", model, torch.optim.Adam(model.parameters()), {})


def test_figures_of_another_run_are_refused(tmp_path):
    (tmp_path / "log.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="expected columns step, loss, got a, b"):
        Log(tmp_path / "log.csv", ("step", "loss"), begin=1)


def test_a_bar_on_a_terminal():
    console = Console(force_terminal=True, width=100, record=True)
    with TrainingProgress(3, console) as progress:
        progress.show(2, loss=0.5)
    assert "2/3" in console.export_text()
