"""The kernels against the plain torch reference in float64, over every renderer."""

from __future__ import annotations

import pytest
import torch

import gendr
from gendr import rasterize
from gendr.distributions import Cauchy, Gamma, Logistic, Uniform
from gendr.render import reference
from gendr.tnorms import Average, Probabilistic, Yager
from renderers import Outcome, distributions, random_triangles, relative_error, render, t_conorms

IMAGE = (8, 12)
IDS = [str(d) for d in distributions()]


@pytest.fixture
def scene():
    return random_triangles(2, 6), 0.5 + torch.rand(2, *IMAGE)


@pytest.mark.parametrize("distribution", distributions(), ids=IDS)
def test_kernels_are_the_reference(scene, distribution):
    for t_conorm in t_conorms():
        want = render(*scene, distribution, t_conorm, "reference")
        assert want.is_finite()
        check_double(render(*scene, distribution, t_conorm, "cpu"), want, str(t_conorm))
        single = render(*scene, distribution, t_conorm, "cpu", torch.float32)
        check_single(single, want, str(t_conorm))


@pytest.mark.parametrize("t_conorm", t_conorms(), ids=str)
def test_kernels_are_the_reference_without_cutoff(scene, t_conorm):
    for distribution in (Logistic(), Cauchy().squared(), Uniform(), Gamma(p=0.5).reversed()):
        want = render(*scene, distribution, t_conorm, "reference", cutoff=0.0)
        check_double(render(*scene, distribution, t_conorm, "cpu", cutoff=0.0), want, str(distribution))


def check_double(got: Outcome, want: Outcome, where: str) -> None:
    assert got.is_finite()
    # worst seen 1.3e-14, Yager(0.5), which squares a sum of roots
    assert (got.alpha - want.alpha).abs().max() < 1e-13, where
    for name in ("face_vertices", "tau", "shift"):
        error = relative_error(got.gradients[name], want.gradients[name])
        assert error < 2e-12, f"{where}: {name} off by {error}"  # worst seen 2.8e-13
    if "p" in got.gradients:  # a difference of nearly equal sums: what counts is its size beside alpha
        assert (got.gradients["p"] - want.gradients["p"]).abs() < 1e-12 * got.alpha.sum(), where


def check_single(got: Outcome, want: Outcome, t_conorm: str) -> None:
    assert got.is_finite()
    assert (got.alpha - want.alpha).abs().max() < 2e-6, t_conorm  # worst seen 6.2e-7, over three seeds
    for name in ("face_vertices", "tau", "shift"):
        error = relative_error(got.gradients[name], want.gradients[name])
        assert error < 2e-5, f"{t_conorm}: {name} off by {error}"  # worst seen 9.9e-6, likewise
    if "p" in got.gradients:
        assert (got.gradients["p"] - want.gradients["p"]).abs() < 2e-6 * got.alpha.sum(), t_conorm


@pytest.mark.parametrize("cull", ["none", "back", "front"])
def test_faces_that_take_no_part_are_the_same_in_both(cull):

    triangles = random_triangles(2, 30)
    triangles[..., 2] = 0.5 + 3 * torch.rand(2, 30, 3)
    weights = torch.rand(2, *IMAGE)
    options = {"near": 1.0, "far": 3.0, "cull": cull}
    for t_conorm in (Probabilistic(), Average()):
        want = render(triangles, weights, Logistic(), t_conorm, "reference", **options)
        got = render(triangles, weights, Logistic(), t_conorm, "cpu", **options)
        torch.testing.assert_close(got.alpha, want.alpha, rtol=0, atol=1e-13)
        assert relative_error(got.gradients["face_vertices"], want.gradients["face_vertices"]) < 1e-12
        drawn = got.gradients["face_vertices"].abs().sum((-1, -2)) > 0
        outside = ((triangles[..., 2] < 1) | (triangles[..., 2] > 3)).any(-1)
        assert outside.any()
        assert not (drawn & outside).any()


def test_cutoff_changes_alpha_by_no_more_than_it_says():

    triangles = random_triangles(1, 50)
    for distribution, tau in ((Logistic(), 0.05), (Cauchy(), 1e-4)):
        for t_conorm in t_conorms():
            exact = rasterize(triangles, 16, distribution, tau, t_conorm, cutoff=0.0).alpha
            cut = rasterize(triangles, 16, distribution, tau, t_conorm, cutoff=1e-4).alpha
            steep = t_conorm.face_cutoff(1e-4) < 1e-4
            # A root's sum moves by 50e-4, and alpha is its square.
            bound = 2 * 50e-4 if steep else 50e-4
            assert (exact - cut).abs().max() <= bound, t_conorm
            assert (exact >= cut - 1e-12).all()


def test_fine_mesh_in_float32():
    """20,480 faces on 64 x 64 pixels, where several faces meet in each pixel, against the reference at 64 pixels."""

    sphere = gendr.Mesh.icosphere(5, radius=0.7)  # fills most of the image
    corners = gendr.Camera.look_at(elevation=30.0, azimuth=20.0).project(sphere.vertices)[:, sphere.faces]
    chosen = torch.randperm(64 * 64)[:64]
    weights = torch.zeros(64 * 64).index_fill(0, chosen, 1.0).mul(0.5 + torch.rand(64 * 64)).reshape(1, 64, 64)
    renderers = [(Logistic().squared(), 1e-4), (Logistic(), 1e-2), (Gamma(p=0.5).reversed(), 1e-2), (Cauchy(), 1e-3)]
    for distribution, tau in renderers:
        for t_conorm in (Probabilistic(), Yager(p=2.0)):
            got = render(corners, weights, distribution, t_conorm, "cpu", torch.float32, torch.tensor([tau]))
            leaf, scale = corners.double().requires_grad_(), torch.tensor([tau]).double()
            pixels = reference.pixel_centres(64, 64, leaf)[chosen]
            limits = {"near": 1.0, "far": 100.0, "cull": "none", "cutoff": 1e-6}
            alpha = reference.coverage(leaf, scale, pixels, distribution.shifted(0.1), t_conorm, **limits)
            (gradient,) = torch.autograd.grad((alpha * weights.double().flatten()[chosen]).sum(), leaf)
            error = (got.alpha.flatten()[chosen] - alpha.flatten()).abs().max()
            assert error < 5e-6, f"{distribution}, {t_conorm}: alpha off by {error}"
            error = relative_error(got.gradients["face_vertices"], gradient)
            assert error < 1e-5, f"{distribution}, {t_conorm}: gradient off by {error}"
