"""The GPU backend without a GPU: what it says, what it refuses, and that it does not fall back silently."""

from __future__ import annotations

import subprocess
import sys
from unittest import mock

import pytest
import torch

from gendr import _cuda, rasterize
from gendr._cuda import device
from gendr.render import FaceTextures
from renderers import random_triangles

needs_module = pytest.mark.skipif(not _cuda.is_built(), reason="gendr was compiled without nvcc")


@needs_module
def test_the_module_imports_without_a_driver():
    """In a process that torch has not prepared: the runtime is linked statically."""
    code = "from gendr import _kernels_cuda as k; print(k.device_count(), k.cuda_available())"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count, available = out.stdout.split()
    assert available == str(int(count) > 0)


@needs_module
def test_both_sides_know_the_same_reports():
    assert device._kernels is not None
    assert device._kernels.status_codes() == len(device.REPORTS)


def test_cuda_is_refused_for_tensors_on_the_cpu():
    with pytest.raises(ValueError, match="face_vertices: expected a tensor on a CUDA device, got one on cpu"):
        rasterize(random_triangles(1, 1), 4, backend="cuda")


def test_a_build_without_kernels_says_so():
    with (
        mock.patch.object(device, "_kernels", None),
        pytest.raises(ValueError, match="got one on cuda:0, for which this build of gendr has no kernels"),
    ):
        _cuda.require(torch.device("cuda", 0))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "face_vertices",
            torch.tensor([[1.0, torch.nan]]),
            r"face_vertices: expected finite values, got nan at \[0, 1\]",
        ),
        ("tau", torch.tensor([0.0]), r"tau: expected values in \[1e-30, 1e\+30\], got 0"),
        ("shift", torch.tensor(1e9), r"shift: expected values in \[-1e\+06, 1e\+06\], got 1e\+09"),
    ],
)
def test_validation_names_the_value(name, value, message):
    with pytest.raises(ValueError, match=message):
        _cuda.validate(**{name: value})


@pytest.mark.parametrize("name", ["gamma", "attributes", "uvs", "texels"])
def test_validate_looks_at_what_is_blended(name):
    """`rasterize(validate=True)` before any kernel runs: up to there nothing depends on the device."""
    faces = random_triangles(1, 2)
    values = {
        "gamma": torch.tensor(1e-3, dtype=faces.dtype),
        "attributes": torch.rand(1, 2, 3, 2, dtype=faces.dtype),
        "uvs": torch.rand(1, 2, 3, 2, dtype=faces.dtype),
        "texels": torch.rand(2, 2, 3, dtype=faces.dtype),
    }
    textures = FaceTextures.from_image(values["uvs"], values["texels"])
    # A texture's own numbers are looked at when it is made, on the CPU: spoil them afterwards, as a step may.
    getattr(textures, name, values[name]).view(-1)[0] = torch.nan
    surface = {"attributes": values["attributes"], "textures": textures, "gamma": values["gamma"]}
    with (
        mock.patch("gendr.render.rasterize._backend_of", return_value="cuda"),
        pytest.raises(ValueError, match=f"{name}: expected finite values, got nan"),
    ):
        rasterize(faces, 4, validate=True, **surface)


def test_what_a_kernel_reports_is_raised_once():
    place = torch.device("cpu")
    with mock.patch.object(device, "_status", {}):
        _cuda.raise_reported(place)  # nothing yet
        device.status_of(place)[1] = 1
        with pytest.raises(ValueError, match=r"tau: expected values in .* in a call on cpu before this one"):
            _cuda.raise_reported(place)
        _cuda.raise_reported(place)
