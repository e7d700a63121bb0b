"""Bad input to blending is one clear error, before any kernel runs."""

from __future__ import annotations

import re

import pytest
import torch

from gendr import rasterize
from gendr.render import FaceTextures
from renderers import random_triangles

FACES = random_triangles(2, 5, torch.float32)
COLOURS = torch.rand(2, 5, 3, 4)
IMAGE = torch.rand(4, 4, 3)
TEXTURES = FaceTextures.from_image(torch.rand(5, 3, 2), IMAGE)
PACKED = {"face_vertices": FACES[0]}


def with_value(value: float) -> torch.Tensor:
    colours = COLOURS.clone()
    colours[1, 3, 2, 0] = value
    return colours


def packed(*ranges: list[int], **options: object) -> dict[str, object]:
    return {**PACKED, "face_ranges": torch.tensor(ranges), **options}


CASES = {
    "attributes: expected float32 [B, 5, 3, C], got float32 [2, 4, 3, 4]": {"attributes": COLOURS[:, :4]},
    "attributes: expected float32 [B, 5, 3, C], got float64 [2, 5, 3, 4]": {"attributes": COLOURS.double()},
    "attributes: expected float32 [B, 5, 3, C], got float32 [5, 3, 4]": {"attributes": COLOURS[0]},
    "attributes: expected [2, 5, 3, C] or [1, 5, 3, C], got float32 [4, 5, 3, 4]": {
        "attributes": COLOURS.repeat(2, 1, 1, 1)
    },
    "attributes: expected a tensor, float32 [B, 5, 3, C], got str 'x'": {"attributes": "x"},
    "attributes: expected finite values, got nan at [1, 3, 2, 0]": {"attributes": with_value(float("nan"))},
    "attributes: expected finite values, got inf at [1, 3, 2, 0]": {"attributes": with_value(float("inf"))},
    "attributes: expected float32 [5, 3, C], got float32 [1, 5, 3, 4]": packed([0, 5], attributes=COLOURS[:1]),
    "textures: expected FaceTextures, got str 'x'": {"textures": "x"},
    "textures: expected coordinates [2 or 1, 5, 3, 2], got float32 [1, 4, 3, 2]": {
        "textures": FaceTextures.from_image(torch.rand(4, 3, 2), IMAGE)
    },
    "textures: expected coordinates [2 or 1, 5, 3, 2], got float32 [3, 5, 3, 2]": {
        "textures": FaceTextures.from_image(torch.rand(3, 5, 3, 2), IMAGE)
    },
    "textures: expected float32 on cpu, like the faces, got float64 on cpu": {
        "textures": TEXTURES.to(dtype=torch.float64)
    },
    "blend: expected one of soft, hard, got 'x'": {"blend": "x"},
    "gamma: expected a number in (0, inf), got 0.0": {"attributes": COLOURS, "gamma": 0.0},
    "gamma: expected a number in (0, inf), got nan": {"attributes": COLOURS, "gamma": float("nan")},
    "gamma: expected values in [1e-30, 1e+30], got -1": {"attributes": COLOURS, "gamma": torch.tensor(-1.0)},
    "gamma: expected values in [1e-30, 1e+30], got inf": {"attributes": COLOURS, "gamma": torch.tensor(float("inf"))},
    "gamma: expected values in [1e-30, 1e+30], got nan": {"attributes": COLOURS, "gamma": torch.tensor(float("nan"))},
    "gamma: expected float32 or float64 [], got float32 [2]": {"attributes": COLOURS, "gamma": torch.ones(2)},
    "gamma: expected a number or a tensor [], got str 'x'": {"attributes": COLOURS, "gamma": "x"},
    "eps: expected a number in [-1e+06, 1e+06], got inf": {"attributes": COLOURS, "eps": float("inf")},
    "eps: expected a number, got str 'x'": {"attributes": COLOURS, "eps": "x"},
    "background: expected a tensor [4], [2, 4] or [2, 4, 8, 8], got str 'x'": {
        "attributes": COLOURS,
        "background": "x",
    },
    "background: expected float32 [4], got float32 [3]": {"attributes": COLOURS, "background": torch.rand(3)},
    "background: expected float32 [2, 4], got float32 [3, 4]": {"attributes": COLOURS, "background": torch.rand(3, 4)},
    "background: expected float32 [2, 4, 8, 8], got float32 [2, 4, 8, 9]": {
        "attributes": COLOURS,
        "background": torch.rand(2, 4, 8, 9),
    },
    "background: expected float32 [4], got float64 [4]": {"attributes": COLOURS, "background": torch.rand(4).double()},
    "perspective: expected True or False, got str 'x'": {"attributes": COLOURS, "perspective": "x"},
    "background: expected attributes or textures to be drawn over it, got none of them": {"background": torch.rand(4)},
    "face_vertices: expected float32 or float64 [N, 3, 3], got float32 [2, 5, 3, 3]": {
        "face_ranges": torch.tensor([[0, 5]])
    },
    "face_ranges: expected int64 [B, 2], got int64 [3]": {**PACKED, "face_ranges": torch.tensor([0, 2, 5])},
    "face_ranges: expected int64 [B, 2], got int32 [1, 2]": {**PACKED, "face_ranges": torch.tensor([[0, 2]]).int()},
    "face_ranges: expected ascending ranges within 5 faces, got [[0, 6]]": packed([0, 6]),
    "face_ranges: expected ascending ranges within 5 faces, got [[-1, 3]]": packed([-1, 3]),
    "face_ranges: expected ascending ranges within 5 faces, got [[3, 2]]": packed([3, 2]),
    "face_ranges: expected ascending ranges within 5 faces, got [[0, 3], [2, 5]]": packed([0, 3], [2, 5]),
    "tau: expected a number or a tensor [] or [2], got float32 [3]": packed([0, 2], [2, 5], tau=torch.ones(3)),
}


@pytest.mark.parametrize("backend", ["cpu", "reference"])
@pytest.mark.parametrize("message", CASES)
def test_names_wanted_and_got(message, backend):
    if backend == "reference" and "values" in message:
        pytest.skip("values are checked by the kernels' operators")
    options = {"face_vertices": FACES, "image_size": 8, "backend": backend, **CASES[message]}
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        rasterize(**options)


def test_incoming_gradients_must_be_finite():
    raster = rasterize(FACES.clone().requires_grad_(), 8, attributes=COLOURS)
    with pytest.raises(ValueError, match="gradient of depth and features: expected finite values, got inf"):
        (raster.features.sum() * torch.tensor(1e30) * 1e30).backward()
