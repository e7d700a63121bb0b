"""Sweeps that are killed for real, `kill -9`, end with the table of one that nobody disturbed."""

import os
import signal
from pathlib import Path

import pytest

from bench_sweeps import PATIENCE, RUNS, is_gone, rows, settled, start, undisturbed, until, workers_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes in /proc"),
]


def test_a_sweep_killed_three_times_ends_with_the_same_table(tmp_path):
    finished = {}
    for least in (8, 24, 48):
        process = start(tmp_path, "--workers", "1")
        until(lambda least=least, process=process: rows(tmp_path) >= least or process.poll() is not None)
        workers = workers_of(process.pid)
        process.kill()
        assert process.wait() == -signal.SIGKILL
        until(lambda workers=workers: all(is_gone(worker) for worker in workers))
        _, now = settled(tmp_path)
        assert finished.items() <= now.items()  # nothing was lost or done again
        finished = now
    assert least <= len(finished) < RUNS
    process = start(tmp_path, "--workers", "1")
    assert process.wait(PATIENCE) == 0
    found, now = settled(tmp_path)
    assert found == undisturbed()
    assert finished.items() <= now.items()
    assert "2 instances" in (tmp_path / "said3").read_text()


def test_two_processes_share_a_file_though_one_loses_its_worker_and_is_killed_then(tmp_path):
    first, second = (start(tmp_path, "--workers", "1") for _ in range(2))
    until(lambda: rows(tmp_path) >= 8)
    (worker,) = workers_of(first.pid)
    os.kill(worker, signal.SIGKILL)
    until(lambda: worker not in workers_of(first.pid) and len(workers_of(first.pid)) == 1)
    (another,) = workers_of(first.pid)
    first.kill()
    first.wait()
    assert second.wait(PATIENCE) == 0
    found, _ = settled(tmp_path)
    assert found == undisturbed()
    until(lambda: is_gone(another))
