"""Local workers: what they hand back, and what happens when one is killed."""

import os
import signal
import time

import pytest

import bench_fakes
from bench_fakes import runs
from bench_sweeps import is_gone
from gendr.tools.bench import pool as pool_module
from gendr.tools.bench.pool import Here, Pool


def ended(workers, count, seconds=300.0):
    """The batches that end, until there are enough of them."""
    found, until = [], time.monotonic() + seconds
    while len(found) < count:
        assert time.monotonic() < until, "the workers do not answer"
        found += workers.wait(0.5)
    return found


def test_a_worker_that_dies_is_replaced_and_its_batch_comes_back_as_lost():
    with Pool(bench_fakes.deadly, workers=1) as pool:
        assert (pool.idle, str(pool)) == (1, "1 worker")
        pool.submit(runs([1, 9]))
        assert pool.idle == 0
        (good,) = ended(pool, 1)
        assert (pool.idle, good.runs) == (1, tuple(runs([1, 9])))
        assert good.results[1].details["much"] == [0] * 100_000
        assert good.made.commit is None or len(good.made.commit) >= 40
        first = good.results[0].details["pid"]

        pool.submit(runs([8]))
        (bad,) = ended(pool, 1)
        assert bad.results == ("ValueError: metric: expected a finite number, got nan",)

        pool.submit(runs([2, 7]))
        (lost,) = ended(pool, 1)
        assert (lost.runs, lost.results, lost.loss) == (tuple(runs([2, 7])), None, "the worker ended (SIGKILL)")
        assert is_gone(first)

        pool.submit(runs([2]))
        (again,) = ended(pool, 1)
        second = again.results[0].details["pid"]
        assert second != first

        os.kill(second, signal.SIGKILL)  # idle: nothing is lost, at most what it is given before it is seen dead
        pool.submit(runs([3]))
        (idle,) = ended(pool, 1)
        assert idle.loss == "the worker ended (SIGKILL)"
    assert is_gone(second)
    assert pool.wait(0.01) == []


def test_workers_that_cannot_begin_are_an_error(monkeypatch):
    monkeypatch.setattr(pool_module, "_work", os._exit)  # called with two arguments it raises
    with Pool(len, workers=1) as pool:
        for _ in range(2):
            pool.submit(runs([1]))
            assert ended(pool, 1)[0].loss == "the worker ended (exit code 1)"
        pool.submit(runs([1]))
        with pytest.raises(OSError, match=r"as it began the worker ended \(exit code 1\)"):
            ended(pool, 1)


def test_this_process_as_a_worker():
    here = Here(bench_fakes.by_seed)
    here.submit(runs([3, 13]))
    assert here.idle == 0
    (results,) = here.wait(0.0)
    assert results.results[0].metric == 0.25
    assert results.results[1] == "RuntimeError: it is unlucky"
    assert here.idle == 1
    assert here.wait(0.0) == []
    here.close()


@pytest.mark.parametrize("workers", [0, -1, True])
def test_how_many(workers):
    with pytest.raises((ValueError, TypeError), match="workers: expected"):
        Pool(len, workers)
