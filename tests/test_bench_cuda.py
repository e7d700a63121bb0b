"""The benchmark of a GPU, run on the CPU's operators with a clock that only counts: calls, bytes, pairs, bounds."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

import gendr
from gendr import _cuda, _ops
from gendr.distributions import Logistic
from gendr.render.rasterize import coverage_options
from gendr.tnorms import Probabilistic
from gendr.tools import bench_cuda
from gendr.tools.bench_raster import project

VIEWS, FACES, HEIGHT, WIDTH = 2, 20, 12, 16
OPTIONS = coverage_options(Logistic().squared(), Probabilistic(), HEIGHT, WIDTH, cutoff=1e-4)


@pytest.fixture(scope="module")
def faces():
    return project(gendr.Mesh.icosphere(0, radius=0.6), VIEWS)


def test_a_workload(faces):
    ran = []

    def clock(call, repeats):
        outcome = call()
        assert all(bool(torch.isfinite(t).all()) for t in outcome)
        ran.append(repeats)
        return float(len(ran))

    coverage, colour = bench_cuda.measure("ball", faces, 1e-3, OPTIONS, 7, "cpu", clock)
    assert ran == [7] * 4
    assert (coverage["what"], coverage["forward_ms"], coverage["backward_ms"]) == ("coverage", 1.0, 2.0)
    assert (colour["what"], colour["forward_ms"], colour["backward_ms"]) == ("colour", 3.0, 4.0)
    zero = torch.zeros(())
    pairs = _ops.count_pairs(faces, torch.full((VIEWS,), 1e-3), zero, zero, OPTIONS)
    pixels = VIEWS * HEIGHT * WIDTH
    for row in (coverage, colour):
        assert row["pairs"] == pairs
        assert pairs < row["brute_force_pairs"] == pixels * FACES
    corners, shown = 9 * VIEWS * FACES, 9 * FACES
    assert coverage["forward_bytes"] == 4 * (corners + 2 * pixels)
    assert coverage["backward_bytes"] == 4 * (2 * corners + 2 * pixels)
    record = 5 * pixels  # weight, depth and three channels
    assert colour["forward_bytes"] == 4 * (corners + shown + 2 * pixels + record + 2 * pixels)
    assert colour["backward_bytes"] == 4 * (2 * (corners + shown) + 2 * pixels + record + 2 * pixels + record)
    assert bench_cuda.ratios([coverage, colour]) == [7 / 3]
    assert len(bench_cuda.table([coverage, colour], 1e9, 1e9).splitlines()) == 4


def test_colour_has_the_gradients_that_a_step_asks_for(faces):
    run = bench_cuda.calls(faces, 1e-3, OPTIONS)["colour"]["backward"].run
    points, tau, _, _, gamma, attributes, *_ = run()
    assert all(bool(t.abs().sum() > 0) for t in (points, tau, gamma, attributes))


@pytest.mark.skipif(_cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so(tmp_path):
    command = [sys.executable, "-m", "gendr.tools.bench_raster", "--device", "cuda", "--out", str(tmp_path / "x.json")]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 2
    assert run.stderr.startswith("device: expected a GPU for 'cuda', got ")
    assert len(run.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())
