"""Street View House Numbers in "format 2": 32x32 crops around single digits, in two MATLAB files."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import torch

from gendr import _check
from gendr.tools.images.digits import Digits

FILES = ("train_32x32.mat", "test_32x32.mat")


def holds_cropped_digits(folder: str | Path) -> bool:
    """Whether a folder has one of the two files.

    >>> holds_cropped_digits("nowhere")
    False
    """
    return any((Path(folder) / name).is_file() for name in FILES)


def load_cropped_digits(folder: str | Path) -> tuple[Digits, Digits]:
    """Training and test part, in RGB, from `train_32x32.mat` and `test_32x32.mat`.

    Each file holds `X` `[32, 32, 3, N]` uint8 and `y` `[N, 1]`, classes 1 to 10, where 10 stands for the digit 0.

    Raises:
        OSError: a file cannot be read.
        ValueError: one is missing, or not in that format.

    Source: Netzer et al. 2011, "Reading Digits in Natural Images with Unsupervised Feature Learning".

    >>> load_cropped_digits("nowhere")
    Traceback (most recent call last):
    ValueError: nowhere: expected files train_32x32.mat and test_32x32.mat, got none
    """
    missing = [name for name in FILES if not (Path(folder) / name).is_file()]
    if missing:
        got = "none" if len(missing) == len(FILES) else f"no {missing[0]}"
        _check.fail(str(folder), f"files {' and '.join(FILES)}", got)
    train, test = (_read(Path(folder) / name) for name in FILES)
    return train, test


def _read(path: Path) -> Digits:
    from scipy.io import loadmat, matlab  # type: ignore[import-untyped]

    try:
        arrays = loadmat(path, variable_names=("X", "y"))
        images, classes = arrays["X"], arrays["y"].ravel()
    except (KeyError, TypeError, ValueError, NotImplementedError, matlab.MatReadError, zlib.error) as error:
        _check.fail(str(path), "a MATLAB file (version 5) with X and y", str(error))
    if images.dtype != np.uint8 or images.shape != (32, 32, 3, len(classes)) or len(classes) == 0:
        wanted = "X uint8 [32, 32, 3, N] and as many y"
        _check.fail(str(path), wanted, f"{images.dtype} {list(images.shape)} and {len(classes)}")
    if classes.dtype.kind not in "iuf" or not np.isin(classes, np.arange(1, 11)).all():
        _check.fail(str(path), "classes 1 to 10 in y, 10 for the digit 0", "others")
    rows_first = np.ascontiguousarray(images.transpose(3, 2, 0, 1))
    return Digits(torch.from_numpy(rows_first), torch.from_numpy((classes % 10).astype(np.uint8)))
