"""Blending never gives NaN or inf, in values or gradients, for any finite input."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from blends import BlendScene, Drawing, blend_scene, draw
from gendr import rasterize
from gendr.distributions import Gamma, Heaviside, Logistic
from gendr.render import FaceTextures
from gendr.render.reference import signed_distance
from gendr.render.texture_wraps import WRAPS
from gendr.tnorms import Maximum, Probabilistic
from renderers import distributions, t_conorms

SIZE = 8
CENTRE = 1 / SIZE  # a pixel centre's coordinate
BACKENDS = ("cpu", "reference")


def scene(*corners: list[list[float]], size: tuple[int, int] = (SIZE, SIZE)) -> BlendScene:
    """Faces of the given corners, x, y and depth, with random features."""
    made = blend_scene(1, len(corners), size)
    return replace(made, corners=torch.tensor(corners, dtype=torch.float64).reshape(1, -1, 3, 3))


SCENES = {
    "a point on a pixel centre": scene([[CENTRE, CENTRE, 2.0]] * 3),
    "a segment through pixel centres": scene([[-0.625, CENTRE, 2.0], [0.625, CENTRE, 3.0], [CENTRE, CENTRE, 4.0]]),
    "a repeated corner": scene([[0.3, 0.2, 1.5], [0.3, 0.2, 4.0], [-0.5, 0.4, 2.0]]),
    "corners on pixel centres": scene([[-0.375, -0.375, 2.0], [0.375, -0.375, 4.0], [CENTRE, 0.375, 3.0]]),
    "a needle": scene([[-0.9, 0.1, 2.0], [0.9, 0.1 + 1e-7, 4.0], [0.0, 0.1, 3.0]]),
    "around the image": scene([[-1e4, -1e4, 2.0], [1e4, -1e4, 3.0], [0.0, 1e4, 4.0]]),
    "at the ends of float32": scene([[-3e38, 1e-38, 2.0], [3e38, -3e38, 3.0], [1e-45, 3e38, 4.0]]),
    "coincident faces": scene(*[[[-0.5, -0.5, 2.0], [0.5, -0.5, 3.0], [0.0, 0.5, 4.0]]] * 20),
}


def check(made: BlendScene, *settings_: object, **options: object) -> Drawing:
    out = draw(made, *settings_, **options)  # type: ignore[arg-type]
    where = f"{settings_}, {options}"
    for name, value in (out.values() | out.gradients).items():
        assert torch.isfinite(value).all(), f"{where}: {name}"
    assert ((out.background_weight >= 0) & (out.background_weight <= 1)).all(), where
    return out


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("name", SCENES)
def test_degenerate_scenes(name, dtype):
    every = distributions()
    chosen = [*every[:: 1 + len(every) // 8], Logistic(), Gamma(p=0.5).reversed(), Heaviside()]
    for i, distribution in enumerate(chosen):
        for blend in ("soft", "hard"):
            for tau in (1e-7, 0.1):
                gamma = (1e-6, 1e-3, 1.0, 1e-30, 1e30)[i % 5]
                options = {"tau": tau, "gamma": gamma, "blend": blend, "cutoff": 0.0}
                check(SCENES[name], distribution, (Probabilistic(), Maximum())[i % 2], "cpu", dtype, **options)


@pytest.mark.parametrize("name", SCENES)
def test_degenerate_scenes_by_reference(name):
    for gamma, tau in ((1e-6, 1e-7), (1.0, 0.1), (1e-30, 0.1)):
        check(SCENES[name], Logistic(), Probabilistic(), "reference", gamma=gamma, tau=tau)
    check(SCENES[name], Logistic(), Probabilistic(), "reference", blend="hard")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("blend", ["soft", "hard"])
def test_every_gamma(dtype, blend):
    made = blend_scene(1, 6, (SIZE, SIZE))
    for gamma in (1e-30, 1e-12, *(10.0**-k for k in range(7)), 1e12, 1e30):
        for eps in (-1e6, 0.0, 1.0, 1e6):
            check(made, Logistic(), Probabilistic(), "cpu", dtype, gamma=gamma, eps=eps, blend=blend)
            if dtype == torch.float64 and eps in (-1e6, 1.0):
                check(made, Logistic(), Probabilistic(), "reference", gamma=gamma, eps=eps, blend=blend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("wrap", WRAPS)
def test_odd_textures(wrap, backend):
    made = blend_scene(1, 6, (SIZE, SIZE), wrap=wrap)
    dtypes = (torch.float64,) if backend == "reference" else (torch.float32, torch.float64)
    for dtype in dtypes:
        largest = torch.finfo(dtype).max
        everywhere = torch.full_like(made.uvs, largest)
        apart = everywhere * torch.tensor([[1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]])
        huge = () if backend == "reference" else (everywhere, apart)  # whose gradients are not numbers of their own
        for uvs in (torch.zeros_like(made.uvs), 1e10 * made.uvs, 1e30 * made.uvs, *huge):
            for blend in ("soft", "hard"):
                check(replace(made, uvs=uvs), Logistic(), Probabilistic(), backend, dtype, blend=blend)
        one = replace(made, texels=made.texels[:1], maps=torch.tensor([[0, 1, 1]]), map_of_face=made.map_of_face * 0)
        check(one, Logistic(), Probabilistic(), backend, dtype)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (3, 20)])
def test_odd_images(size, backend):
    for blend in ("soft", "hard"):
        made = blend_scene(2, 4, size)
        check(made, Logistic(), Probabilistic(), backend, blend=blend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("blend", ["soft", "hard"])
@pytest.mark.parametrize(("batch", "faces"), [(2, 0), (0, 3), (0, 0)])
def test_no_faces_and_no_images(batch, faces, blend, backend):
    out = check(blend_scene(batch, faces, (2, 3)), Logistic(), Probabilistic(), backend, blend=blend)
    assert out.features.shape == (batch, 4, 2, 3)
    assert (out.depth == 5).all()
    assert (out.background_weight == 1).all()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("blend", ["soft", "hard"])
def test_empty_ranges_of_a_packed_list(blend, backend):
    corners = blend_scene(1, 3).corners[0].clone().requires_grad_()
    colours = torch.rand(3, 3, 2).double().requires_grad_()
    for ranges in ([[0, 0], [0, 3], [3, 3]], [[1, 1]], []):
        raster = rasterize(
            corners,
            4,
            attributes=colours,
            face_ranges=torch.tensor(ranges, dtype=torch.int64).reshape(-1, 2),
            blend=blend,
            far=5.0,
            backend=backend,
        )
        assert raster.features.shape == (len(ranges), 2, 4, 4)
        assert raster.depth.shape == raster.alpha.shape == (len(ranges), 4, 4)
        for got in torch.autograd.grad(raster.features.sum() + raster.depth.sum(), (corners, colours)):
            assert torch.isfinite(got).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize(
    ("near", "far", "z"),
    [
        (1.0, 1.0, [1.0, 1.0, 1.0]),
        (1e-6, 1e6, [1e-6, 1.0, 1e6]),
        (1e-30, 1e30, [1e-30, 1.0, 1e30]),
        (0.0, 3e38, [0.0, 1.0, 3e38]),
        (-3e38, 3e38, [-3e38, 0.0, 3e38]),
        (1e38, 3e38, [1e38, 2e38, 3e38]),
        (0.0, 0.0, [0.0, 0.0, 0.0]),
    ],
)
def test_depth_ranges(near, far, z, dtype):
    made = blend_scene(1, 4, (4, 5))
    made.corners[..., 2] = torch.tensor(z, dtype=torch.float64)
    for gamma in (1e-30, 1e-6, 1.0):
        for blend in ("soft", "hard"):
            for perspective in (True, False):
                options = {"near": near, "far": far, "gamma": gamma, "blend": blend, "perspective": perspective}
                check(made, Logistic(), Probabilistic(), "cpu", dtype, **options)
                if dtype == torch.float64:
                    check(made, Logistic(), Probabilistic(), "reference", dtype, **options)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_large_features_and_large_gradients(dtype):
    made = blend_scene(1, 5, (6, 7))
    for size in (1e8, 1e18, 1e30):
        names = ("attributes", "texels", "background")
        large = replace(made, **{n: torch.full_like(getattr(made, n), size) for n in names})
        for blend in ("soft", "hard"):
            for gamma in (1e-30, 1e-3, 1.0):
                check(large, Logistic(), Probabilistic(), "cpu", dtype, blend=blend, gamma=gamma)
                heavy = replace(made, weights=made.weights * size)
                check(heavy, Logistic(), Probabilistic(), "cpu", dtype, blend=blend, gamma=gamma, tau=1e-6)
                both = replace(large, weights=made.weights * min(size, 1e18))  # their product must be a number
                if dtype == torch.float64 or size < 1e30:
                    check(both, Logistic(), Probabilistic(), "cpu", dtype, blend=blend, gamma=gamma)


@pytest.mark.parametrize("blend", ["soft", "hard"])
def test_ten_thousand_faces_on_one_pixel(blend):
    made = blend_scene(1, 10_000, (1, 2))
    for t_conorm in (Probabilistic(), Maximum()):
        outcomes = [check(made, Logistic(), t_conorm, "cpu", d, blend=blend) for d in (torch.float32, torch.float64)]
        for name, value in outcomes[0].values().items():
            # ten thousand shares, each off by an exponent's rounding
            assert (value - outcomes[1].values()[name]).abs().max() < 1e-4, name


coordinates = st.floats(-1e30, 1e30) | st.sampled_from([0.0, CENTRE, -CENTRE, 3 * CENTRE, 1.0, -1.0])
depths = st.floats(1.0, 5.0) | st.sampled_from([1.0, 5.0, 2.0])
corners_of_a_face = st.lists(st.tuples(coordinates, coordinates, depths), min_size=3, max_size=3)


@settings(max_examples=60)
@given(
    st.lists(corners_of_a_face, min_size=1, max_size=3),
    st.sampled_from(distributions()),
    st.sampled_from(t_conorms()),
    st.sampled_from([1e-30, 1e-12, 1e-3, 1.0, 1e30]),
    st.sampled_from([1e-30, 1e-6, 1e-3, 1.0, 1e30]),
    st.sampled_from(["soft", "hard"]),
    st.booleans(),
)
def test_any_finite_faces(faces, distribution, t_conorm, tau, gamma, blend, perspective):
    made = scene(*[[list(corner) for corner in face] for face in faces])
    for dtype in (torch.float32, torch.float64):
        options = {"tau": tau, "gamma": gamma, "blend": blend, "perspective": perspective, "cutoff": 0.0}
        check(made, distribution, t_conorm, "cpu", dtype, **options)


def test_a_faint_face_far_in_front_leaves_the_others_their_share():
    """A probability of e^-400 against a depth of e^190: the weights' product counts, not the depths alone."""
    faces = torch.tensor([[[[-1e3, -1e3, 2.0], [1e3, -1e3, 2.0], [0.0, 1e3, 2.0]]] * 2], dtype=torch.float64)
    faces[0, 1, :, 0] += 2e3  # beyond the image, and nearer
    faces[0, 1, :, 2] = 1.5
    distance = -float(signed_distance(torch.zeros(1, 2).double(), faces[0, 1:, :, :2]))
    options = {"attributes": torch.tensor([0.0, 1.0]).double().reshape(1, 2, 1, 1).expand(1, 2, 3, 1)}
    options |= {"near": 1.0, "far": 2.0, "gamma": 0.5 / 190, "cutoff": 0.0, "eps": -1.0}
    tau = distance / 400
    got, want = (rasterize(faces, 1, Logistic(), tau, backend=b, **options).features for b in BACKENDS)
    assert want.item() < 1e-60
    assert got.item() < 1e-60


def test_textures_of_one_colour_have_no_gradient_in_their_coordinates():
    made = blend_scene(1, 3)
    flat = replace(made, texels=torch.full_like(made.texels, 0.25))
    out = check(flat, Logistic(), Probabilistic())
    assert not out.gradients["uvs"].any()


def test_textures_alone():
    faces = blend_scene(1, 3).corners
    textures = FaceTextures.from_grids(torch.rand(3, 1, 1, 3).double())
    raster = rasterize(faces, 5, tau=0.1, textures=textures)
    assert raster.features.shape == (1, 3, 5, 5)
    assert torch.isfinite(raster.features).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_face_that_is_all_one_sees_is_not_moved_in_depth(dtype):
    """Its share rounds to 1, and 1 / gamma multiplies what rounding leaves, of any sign."""
    made = scene([[-0.9, -0.8, 2.0], [0.7, -0.6, 4.0], [0.1, 0.9, 3.0]])
    weights = torch.full_like(made.weights, 2.0**60)
    weights[:, :2] = 0  # features alone
    out = draw(replace(made, weights=weights), Logistic(), Probabilistic(), "cpu", dtype, gamma=1e-6, perspective=False)
    assert out.gradients["face_vertices"][..., 2].count_nonzero() == 0
    assert out.gradients["gamma"] == 0


def test_denormal_numbers_outlive_a_call():
    """The kernels switch them off while they run, for the thread that calls them too."""
    draw(blend_scene(), Logistic(), Probabilistic())
    smallest = torch.finfo(torch.float64).tiny
    assert smallest / 2 > 0
