"""On a GPU: the same numbers as the CPU's kernels, the same bits every time, streams, devices, reports."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gendr import _cuda, rasterize
from gendr.distributions import Cauchy, Gamma, Logistic, Uniform
from gendr.tnorms import Dombi, Maximum, Probabilistic, SchweizerSklar, Yager
from renderers import distributions, random_triangles, relative_error, render, t_conorms

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not _cuda.is_available(), reason="no GPU, or gendr was compiled without nvcc"),
]
RENDERERS = [(Logistic().squared(), Probabilistic()), (Cauchy(), Yager(p=0.5)), (Gamma(p=0.5).reversed(), Dombi(p=2.0))]
RENDERERS += [(Uniform(), Maximum()), (Logistic(), SchweizerSklar(p=-2.0))]


@pytest.mark.parametrize("distribution", distributions(), ids=str)
def test_every_pair_agrees_with_the_cpu(distribution):
    triangles, weights = random_triangles(2, 40), torch.randn(2, 33, 70)
    for t_conorm in t_conorms():
        here = render(triangles, weights, distribution, t_conorm, "cpu")
        there = render(triangles.cuda(), weights.cuda(), distribution, t_conorm, "cuda")
        assert float((there.alpha.cpu() - here.alpha).abs().max()) < 1e-10
        for name, gradient in here.gradients.items():
            assert relative_error(there.gradients[name].cpu(), gradient, 1e-2) < 1e-8, name


@pytest.mark.parametrize(("distribution", "t_conorm"), RENDERERS, ids=str)
def test_float32_is_as_near_to_float64_as_on_the_cpu(distribution, t_conorm):
    triangles, weights = random_triangles(2, 40), torch.rand(2, 64, 48)
    truth = render(triangles, weights, distribution, t_conorm, "cpu")
    here = render(triangles, weights, distribution, t_conorm, "cpu", torch.float32)
    there = render(triangles.cuda(), weights.cuda(), distribution, t_conorm, "cuda", torch.float32)
    for name, gradient in truth.gradients.items():
        own = relative_error(here.gradients[name], gradient, 1e-2)
        assert relative_error(there.gradients[name].cpu(), gradient, 1e-2) < 5 * own + 1e-5, name


@pytest.mark.parametrize(("distribution", "t_conorm"), RENDERERS, ids=str)
def test_bits_are_the_same_every_time(distribution, t_conorm):
    triangles, weights = random_triangles(3, 300).cuda(), torch.randn(3, 128, 128).cuda()
    first, *others = (render(triangles, weights, distribution, t_conorm, "cuda", torch.float32) for _ in range(5))
    for other in others:
        assert torch.equal(first.alpha, other.alpha)
        assert all(torch.equal(first.gradients[name], other.gradients[name]) for name in first.gradients)


def test_the_current_stream_is_used():
    """Two streams at once; what each draws is what one alone draws."""
    triangles = random_triangles(2, 200, torch.float32).cuda()
    alone = rasterize(triangles, 256, tau=0.1).alpha
    streams = [torch.cuda.Stream() for _ in range(2)]
    images = []
    for stream in streams:
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            images.append(rasterize(triangles, 256, tau=0.1).alpha)
    torch.cuda.synchronize()
    assert all(torch.equal(image, alone) for image in images)


@pytest.mark.parametrize("blend", [None, "soft", "hard"])
def test_nothing_runs_on_another_stream(blend):
    """Faces that come late on a stream of their own: who draws on another one does not see them yet."""
    triangles = random_triangles(2, 200, torch.float32).cuda()

    def step(faces: Tensor) -> tuple[Tensor, Tensor]:
        leaf = faces.detach().requires_grad_()
        raster = rasterize(leaf, 64, tau=0.1, blend=blend)
        image = raster.alpha if raster.depth is None else raster.alpha + raster.depth
        return image.detach(), torch.autograd.grad(image.square().sum(), leaf)[0]

    alone = step(triangles)
    late, stream = torch.zeros_like(triangles), torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        torch.cuda._sleep(400_000_000)  # cycles, some 0.2 s: longer than the host takes to enqueue the step
        late.copy_(triangles)
        found = step(late)
    torch.cuda.synchronize()
    assert all(torch.equal(f, a) for f, a in zip(found, alone, strict=True))


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_the_tensors_device_is_used():
    triangles = random_triangles(1, 20, torch.float32)
    images = [rasterize(triangles.to(f"cuda:{i}"), 32, tau=0.1).alpha for i in range(2)]
    assert [image.device.index for image in images] == [0, 1]
    assert torch.equal(images[0].cpu(), images[1].cpu())


def test_a_step_does_not_wait_for_the_device():
    triangles = random_triangles(2, 40, torch.float32).cuda().requires_grad_()
    rasterize(triangles, 32, tau=0.1).alpha.sum().backward()  # allocations, pinned memory, modules
    torch.cuda.set_sync_debug_mode("error")
    try:
        rasterize(triangles, 32, tau=0.1).alpha.sum().backward()
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_values_that_are_not_finite_are_reported_by_the_next_call():
    triangles = random_triangles(1, 4, torch.float32).cuda()
    broken = triangles.clone()
    broken[0, 1, 0, 0] = torch.nan
    assert bool(torch.isfinite(rasterize(broken, 16, tau=0.1).alpha).all())
    torch.cuda.synchronize()
    with pytest.raises(ValueError, match="face_vertices: expected finite values"):
        rasterize(triangles, 16, tau=0.1)
    rasterize(triangles, 16, tau=0.1)
    with pytest.raises(ValueError, match=r"face_vertices: expected finite values, got nan at \[0, 1, 0, 0\]"):
        rasterize(broken, 16, tau=0.1, validate=True)


def test_packed_faces_are_each_images_own():
    triangles, ranges = random_triangles(1, 30, torch.float32)[0], torch.tensor([[0, 12], [12, 30]])
    here = rasterize(triangles, 32, tau=0.1, face_ranges=ranges).alpha
    there = rasterize(triangles.cuda(), 32, tau=0.1, face_ranges=ranges).alpha
    torch.testing.assert_close(there.cpu(), here, rtol=0, atol=1e-5)
