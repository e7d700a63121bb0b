"""Bad input is one clear error, before any kernel runs."""

from __future__ import annotations

import re

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from gendr import rasterize
from renderers import random_triangles

FACES = random_triangles(2, 5, torch.float32)


def with_value(value: float) -> torch.Tensor:
    faces = FACES.clone()
    faces[1, 3, 2, 0] = value
    return faces


CASES = {
    "face_vertices: expected float32 or float64 [B, F, 3, 3], got float16 [2, 5, 3, 3]": (FACES.half(), {}),
    "face_vertices: expected float32 or float64 [B, F, 3, 3], got float32 [5, 3, 3]": (FACES[0], {}),
    "face_vertices: expected float32 or float64 [B, F, 3, 3], got int64 [2, 5, 3, 3]": (FACES.long(), {}),
    "face_vertices: expected a tensor, float32 or float64 [B, F, 3, 3], got str 'x'": ("x", {}),
    "face_vertices: expected finite values, got nan at [1, 3, 2, 0]": (with_value(float("nan")), {}),
    "face_vertices: expected finite values, got -inf at [1, 3, 2, 0]": (with_value(-float("inf")), {}),
    "tau: expected values in [1e-30, 1e+30], got -1": (FACES, {"tau": -1.0}),
    "tau: expected values in [1e-30, 1e+30], got nan": (FACES, {"tau": float("nan")}),
    "tau: expected a number or a tensor [] or [2], got float32 [3]": (FACES, {"tau": torch.ones(3)}),
    "tau: expected a number or a tensor [] or [2], or \"auto\", got str 'x'": (FACES, {"tau": "x"}),
    "image_size: expected a positive int, or a pair of them, (height, width), got int 0": (FACES, {"image_size": 0}),
    "cull: expected one of none, back, front, got 'x'": (FACES, {"cull": "x"}),
    "far: expected a number in [3, inf), got 1.0": (FACES, {"near": 3.0, "far": 1.0}),
    "cutoff: expected a number in [0, 0.5], got -1.0": (FACES, {"cutoff": -1.0}),
    "distribution: expected a gendr distribution, got str 'logistic'": (FACES, {"distribution": "logistic"}),
    "t_conorm: expected a gendr T-conorm, got str 'yager'": (FACES, {"t_conorm": "yager"}),
    "backend: expected one of auto, cpu, cuda, reference, got 'gpu'": (FACES, {"backend": "gpu"}),
}


@pytest.mark.parametrize("message", CASES)
def test_names_wanted_and_got(message):
    faces, options = CASES[message]
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        rasterize(faces, **{"image_size": 8, **options})


def test_wrong_device():
    with FakeTensorMode():
        faces = torch.empty(1, 1, 3, 3, device="mps")
        with pytest.raises(ValueError, match="face_vertices: expected a tensor on the CPU, got one on mps"):
            rasterize(faces, 8)


def test_incoming_gradients_must_be_finite():
    alpha = rasterize(FACES.clone().requires_grad_(), 8).alpha
    with pytest.raises(ValueError, match="grad_alpha: expected finite values, got inf"):
        (alpha.sum() * torch.tensor(1e30) * 1e30).backward()
