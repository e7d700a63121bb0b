"""Never NaN or inf, for any finite input: degenerate faces, faces far away, certain and impossible probabilities."""

from __future__ import annotations

import platform

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gendr import Mesh, rasterize
from gendr.distributions import Cauchy, Gamma, Heaviside, Logistic, Uniform
from gendr.tnorms import AczelAlsina, Dombi, Maximum, Probabilistic, Yager
from renderers import distributions, render, t_conorms

SIZE = 8
PIXEL = 2 / SIZE
CENTRE = PIXEL / 2  # a pixel centre's coordinate


def scene(*corners: list[list[float]]) -> torch.Tensor:
    triangles = torch.tensor(corners, dtype=torch.float64)
    return torch.cat([triangles, torch.full_like(triangles[..., :1], 2.0)], -1)[None]


SCENES = {
    "a point on a pixel centre": scene([[CENTRE, CENTRE]] * 3),
    "a segment through pixel centres": scene([[-0.625, CENTRE], [0.625, CENTRE], [CENTRE, CENTRE]]),
    "a repeated corner": scene([[0.3, 0.2], [0.3, 0.2], [-0.5, 0.4]]),
    "corners on pixel centres": scene([[-0.375, -0.375], [0.375, -0.375], [CENTRE, 0.375]]),
    "a needle": scene([[-0.9, 0.1], [0.9, 0.1 + 1e-7], [0.0, 0.1]]),
    "far outside": scene([[30.0, 40.0], [31.0, 40.0], [30.0, 41.0]]),
    "around the image": scene([[-1e4, -1e4], [1e4, -1e4], [0.0, 1e4]]),
    "at the ends of float32": scene([[-3e38, 1e-38], [3e38, -3e38], [1e-45, 3e38]]),
    "coincident faces": scene(*[[[-0.5, -0.5], [0.5, -0.5], [0.0, 0.5]]] * 40),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("name", SCENES)
def test_every_renderer_stays_finite(name, dtype):
    weights = torch.ones(1, SIZE, SIZE)
    for distribution in distributions():
        for t_conorm in t_conorms()[:: 1 + 2 * (dtype == torch.float64)]:
            for tau in (1e-7, 1e-1):
                scale = torch.tensor([tau])
                out = render(SCENES[name], weights, distribution, t_conorm, "cpu", dtype, tau=scale, cutoff=0.0)
                assert out.is_finite(), f"{distribution}, {t_conorm}, tau {tau}"
                assert ((out.alpha >= 0) & (out.alpha <= 1)).all(), f"{distribution}, {t_conorm}, tau {tau}"


@pytest.mark.parametrize("name", SCENES)
def test_the_reference_stays_finite(name):
    weights = torch.ones(1, SIZE, SIZE)
    few = (Logistic().squared(), Gamma(p=0.5), Uniform(), Heaviside(), Gamma(p=0.5).reversed().squared())
    for distribution in few:
        for t_conorm in (Probabilistic(), Yager(p=0.5), Dombi(p=8.0), AczelAlsina(p=0.5), Maximum()):
            for tau in (1e-7, 1e-1):
                out = render(SCENES[name], weights, distribution, t_conorm, "reference", tau=torch.tensor([tau]))
                assert out.is_finite(), f"{distribution}, {t_conorm}, tau {tau}"


@pytest.mark.parametrize("name", ["a point on a pixel centre", "a segment through pixel centres", "a repeated corner"])
def test_degenerate_faces_have_no_inside(name):
    for distribution, tau in ((Logistic(), 0.1), (Logistic().squared(), 0.01)):
        options = {"image_size": SIZE, "distribution": distribution, "tau": tau, "cutoff": 0.0}
        alpha = rasterize(SCENES[name], **options).alpha
        assert (alpha <= 0.5).all()
        torch.testing.assert_close(alpha, rasterize(SCENES[name], backend="reference", **options).alpha)


coordinates = st.floats(-1e30, 1e30) | st.sampled_from([0.0, CENTRE, -CENTRE, 3 * CENTRE, 1.0, -1.0])


@settings(max_examples=60)
@given(
    st.lists(st.lists(coordinates, min_size=6, max_size=6), min_size=1, max_size=4),
    st.sampled_from(distributions()),
    st.sampled_from(t_conorms()),
    st.sampled_from([1e-30, 1e-12, 1e-3, 1.0, 1e30]),
)
def test_any_finite_triangles_give_finite_images(faces, distribution, t_conorm, tau):
    corners = torch.tensor(faces, dtype=torch.float64).reshape(-1, 3, 2)
    triangles = torch.cat([corners, torch.full_like(corners[..., :1], 2.0)], -1)[None]
    out = render(
        triangles, torch.ones(1, SIZE, SIZE), distribution, t_conorm, "cpu", torch.float32, torch.tensor([tau])
    )
    assert out.is_finite()


@pytest.mark.parametrize("t_conorm", t_conorms(), ids=str)
def test_ten_thousand_faces_on_one_pixel(t_conorm):
    faces = torch.rand(1, 10_000, 3, 3) * 0.2
    faces[..., 2] = 2.0
    for distribution in (Logistic(), Uniform(), Gamma(p=0.5).reversed()):
        out = render(faces, torch.ones(1, 2, 2), distribution, t_conorm, "cpu", torch.float32, torch.tensor([0.3]))
        double = render(faces, torch.ones(1, 2, 2), distribution, t_conorm, "cpu", torch.float64, torch.tensor([0.3]))
        assert out.is_finite()
        assert (out.alpha - double.alpha).abs().max() < 5e-5  # 10,000 roundings; worst seen 1.6e-5, Average


def test_behind_the_camera_counts_for_nothing():
    triangles = SCENES["corners on pixel centres"].clone()
    triangles[0, 0, 1, 2] = -3.0
    out = render(triangles, torch.ones(1, SIZE, SIZE), Logistic(), Probabilistic(), "cpu")
    assert not out.alpha.any()
    assert not out.gradients["face_vertices"].any()


def test_no_faces_and_no_images():
    assert not rasterize(torch.zeros(2, 0, 3, 3), 4).alpha.any()
    assert rasterize(torch.zeros(0, 5, 3, 3), 4).alpha.shape == (0, 4, 4)


def test_maximum_gives_its_gradient_to_the_first_of_equals():
    out = render(SCENES["coincident faces"], torch.ones(1, SIZE, SIZE), Logistic(), Maximum(), "cpu")
    moved = out.gradients["face_vertices"][0].abs().sum((-1, -2)) > 0
    assert moved.tolist() == [True] + [False] * 39


def test_hard_coverage_is_the_triangle():
    alpha = rasterize(SCENES["corners on pixel centres"], SIZE, Heaviside(), 1.0, Maximum()).alpha[0]
    rows = ["".join(".#"[int(a)] for a in row) for row in alpha]
    assert rows == [
        "........",
        "........",
        "....#...",
        "...##...",
        "...###..",
        "..####..",
        "........",
        "........",
    ] or rows[5] == ("..####..")
    assert set(alpha.unique().tolist()) == {0.0, 1.0}


def test_gradients_too_large_for_the_dtype_are_held_at_its_largest():
    faces = SCENES["corners on pixel centres"].float().requires_grad_()
    tau = torch.tensor(1e-30, requires_grad=True)
    alpha = rasterize(faces, SIZE, Logistic(), tau, Probabilistic(), cutoff=0.0).alpha
    alpha.backward(torch.full_like(alpha, 1e20))
    assert faces.grad.abs().max() > 1e38
    assert torch.isfinite(faces.grad).all()
    assert torch.isfinite(tau.grad)


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="other processors have no such mode")
def test_faint_gradients_are_no_denormal_numbers():
    """They take x86 processors many times as long; where heavy tails hide the background, all of them would be such."""
    faces = Mesh.icosphere(3, radius=0.6).face_vertices() + torch.tensor([0.0, 0.0, 3.0])
    taus = torch.linspace(0.1, 0.25, 8)
    smallest = torch.finfo(torch.float32).tiny
    out = render(
        faces.expand(8, -1, -1, -1), torch.ones(8, 8, 8), Cauchy(), Probabilistic(), "cpu", torch.float32, taus
    )
    gradient = out.gradients["face_vertices"].abs()
    faint = [((image > 0) & (image < 1e6 * smallest)).any().item() for image in gradient]
    assert any(faint)  # so that there was something to see
    assert not ((gradient > 0) & (gradient < smallest)).any()
