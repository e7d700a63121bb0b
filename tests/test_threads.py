"""The kernels' threads: torch's number, or one of their own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

import gendr
from gendr.sort import DiffSort


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


def test_callers_at_once_have_all_of_their_work_done():
    """More threads than cores, and jobs that end before all of them are awake."""
    jobs = [(DiffSort(n, steepness=5.0), torch.randn(batch, n)) for n, batch in ((8, 3000), (16, 500), (80, 9))]
    gendr.set_num_threads(1)
    alone = [operator(x) for operator, x in jobs]

    def again(seed: int) -> bool:
        operator, x = jobs[seed % 3]
        return all(torch.equal(a, b) for a, b in zip(operator(x), alone[seed % 3], strict=True))

    try:
        gendr.set_num_threads(7)
        with ThreadPoolExecutor(4) as callers:
            assert all(callers.map(again, range(200)))
    finally:
        gendr.set_num_threads(None)
