"""The kernels' threads: torch's number, or one of their own."""

from __future__ import annotations

import pytest
import torch

import gendr


def test_kernels_follow_torch_until_told_otherwise():
    torch.set_num_threads(3)
    assert gendr.get_num_threads() == 3
    gendr.set_num_threads(2)
    assert (gendr.get_num_threads(), torch.get_num_threads()) == (2, 3)
    gendr.set_num_threads(None)
    assert gendr.get_num_threads() == 3


def test_threads_for_kernels_are_given_back():
    torch.set_num_threads(2)
    with gendr.threads_for_kernels():
        assert (gendr.get_num_threads(), torch.get_num_threads()) == (2, 1)
    assert (gendr.get_num_threads(), torch.get_num_threads()) == (2, 2)
    torch.set_num_threads(3)
    assert gendr.get_num_threads() == 3


@pytest.mark.parametrize("threads", [0, -1, "two"])
def test_not_a_number_of_threads(threads):
    with pytest.raises((TypeError, ValueError), match="threads: expected"):
        gendr.set_num_threads(threads)
