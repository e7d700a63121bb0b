"""What holds for all tests: shapes are checked, randomness is seeded, threads are shared out, real data is optional."""

from __future__ import annotations

import os
import random
from pathlib import Path

import hypothesis
import numpy as np
import pytest
import torch

import shape_checks

shape_checks.install()  # before anything imports gendr

hypothesis.settings.register_profile("gendr", derandomize=True, deadline=None)
hypothesis.settings.load_profile("gendr")

torch.set_num_threads(max(1, (os.cpu_count() or 1) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))))


@pytest.fixture(autouse=True)
def seeded():
    """The same random numbers in every run and in any order of the tests."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 (libraries may draw from it)
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def threads_restored():
    """A test may choose its number of threads without a word to the next one."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data that GENDR_DATA names; the test is skipped when it names none."""
    if not os.environ.get("GENDR_DATA"):
        pytest.skip("GENDR_DATA, the folder of real data, is not set")
    folder = Path(os.environ["GENDR_DATA"])
    if not folder.is_dir():
        pytest.fail(f"GENDR_DATA: expected a folder, got {folder}")
    return folder
