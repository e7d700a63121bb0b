"""As gamma goes to 0 the nearest face wins: soft blending becomes hard blending, in values and gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gendr import rasterize
from gendr.distributions import Logistic

NEAR, FAR = 1.0, 5.0
SIZE = (5, 7)
GAMMAS = (1e-6, 1e-10, 1e-20, 1e-30)
APART = 4e-6  # of depths: some roundings of the interpolated ones


def around_the_image(gamma: float, dtype: torch.dtype) -> Tensor:
    """Faces that cover all pixels, `[1, F, 3, 3]`, in no order of depth, each pair far apart for this gamma."""
    count = 9
    gap = max(APART, 100 * (FAR - NEAR) * gamma)
    corners = torch.tensor([[-4.0, -3.0], [4.0, -3.0], [0.0, 6.0]]) * (1 + torch.rand(count, 3, 1))
    depth = 2.0 + gap * torch.randperm(count).to(torch.float64)
    return torch.cat([corners.double(), depth[:, None, None].expand(-1, 3, 1)], 2).to(dtype)[None]


def drawn(points: Tensor, colours: Tensor, weights: Tensor, blend: str, gamma: float) -> list[Tensor]:
    """Depth and features, and the gradients of their weighted sum."""
    leaves = [points.clone().requires_grad_(), colours.clone().requires_grad_()]
    options = {"blend": blend, "gamma": gamma, "near": NEAR, "far": FAR}
    raster = rasterize(leaves[0], SIZE, Logistic(), 1e-3, attributes=leaves[1], **options)
    seen = torch.cat([raster.depth[:, None], raster.features], 1)
    return [seen.detach(), *torch.autograd.grad((seen * weights).sum(), leaves)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("gamma", GAMMAS)
def test_the_nearest_face_wins(gamma, dtype):
    for _ in range(5):
        points = around_the_image(gamma, dtype)
        colours, weights = torch.rand(1, points.shape[1], 3, 3, dtype=dtype), torch.randn(1, 4, *SIZE, dtype=dtype)
        soft, hard = (drawn(points, colours, weights, blend, gamma) for blend in ("soft", "hard"))
        for got, want in zip(soft, hard, strict=True):
            torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("backend", ["cpu", "reference"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize(("gamma", "nearer"), [(1e-44, 1e-30), (1e-300, 1e-30), (1e38, 1e30), (1e300, 1e30)])
def test_any_positive_gamma_counts_as_the_nearest_that_kernels_know(gamma, nearer, dtype, backend):
    """As a number, and as a tensor where its dtype holds it."""
    points = around_the_image(1e-6, dtype)
    colours = torch.rand(1, points.shape[1], 3, 3, dtype=dtype)
    options = {"attributes": colours, "near": NEAR, "far": FAR, "backend": backend}
    want = rasterize(points, SIZE, Logistic(), 1e-3, gamma=nearer, **options)
    as_tensor = torch.tensor(gamma, dtype=dtype)
    held = as_tensor if 0 < as_tensor < torch.inf else gamma
    for given in (gamma, held):
        got = rasterize(points, SIZE, Logistic(), 1e-3, gamma=given, **options)
        assert torch.equal(got.features, want.features)
        assert torch.isfinite(got.features).all()
