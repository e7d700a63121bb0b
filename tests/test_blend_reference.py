"""The blending kernels against the plain torch reference in float64: outputs and every gradient."""

from __future__ import annotations

import itertools

import pytest
import torch

from blends import BlendScene, Drawing, blend_scene, draw
from gendr.distributions import Cauchy, Distribution, Gamma, Logistic, Uniform
from gendr.render.texture_wraps import WRAPS
from gendr.tnorms import Dombi, Maximum, Probabilistic, TNorm, Yager
from renderers import distributions, relative_error, t_conorms

CONORMS = (Probabilistic(), Maximum(), Yager(p=0.5), Dombi(p=2.0))


@pytest.mark.parametrize("distribution", distributions(), ids=str)
def test_kernels_are_the_reference(distribution):
    """Each distribution soft and hard, with and without perspective, with all wraps and four T-conorms."""
    of_this = distributions().index(distribution)
    for i, (blend, perspective) in enumerate(itertools.product(("soft", "hard"), (True, False)), of_this):
        scene = blend_scene(shared=bool(i % 2), wrap=WRAPS[i % 3])
        compare(scene, distribution, CONORMS[i % 4], blend=blend, perspective=perspective)


@pytest.mark.parametrize("t_conorm", t_conorms(), ids=str)
def test_kernels_are_the_reference_without_cutoff(t_conorm):
    scene = blend_scene()
    for distribution in (Logistic(), Cauchy().squared(), Uniform(), Gamma(p=0.5).reversed()):
        compare(scene, distribution, t_conorm, cutoff=0.0)


@pytest.mark.parametrize("gamma", [1e-3, 1e-2, 1.0, 30.0])
@pytest.mark.parametrize("eps", [-0.5, 1.0])
def test_sharp_and_blunt(gamma, eps):
    """From the nearest face alone to weights that no longer ask for depth."""
    for wrap in WRAPS:
        compare(blend_scene(wrap=wrap), Logistic(), Probabilistic(), gamma=gamma, eps=eps)


@pytest.mark.parametrize("cull", ["none", "back", "front"])
@pytest.mark.parametrize("blend", ["soft", "hard"])
def test_faces_that_take_no_part(cull, blend):
    scene = blend_scene(faces=20)
    scene.corners[..., 2] = scene.corners[..., 2] - 1 + 2 * torch.rand(2, 20, 1, dtype=torch.float64)
    scene.corners.copy_(scene.corners.float())
    compare(scene, Logistic(), Probabilistic(), blend=blend, cull=cull)


def test_many_faces_and_channels():
    """More channels than one vector register holds, faces that fill several blocks, and a box of several chunks."""
    scene = blend_scene(batch=1, faces=70, size=(16, 24))
    attributes = torch.rand(1, 70, 3, 9).double()
    weights = torch.cat([scene.weights, torch.rand(1, 7, 16, 24).double()], 1)
    background = torch.rand(11).double()
    whole = {**vars(scene), "attributes": attributes, "weights": weights, "background": background}
    for blend in ("soft", "hard"):
        compare(BlendScene(**whole), Logistic().squared(), Probabilistic(), blend=blend)


def compare(scene: BlendScene, distribution: Distribution, t_conorm: TNorm, **options) -> None:
    """Both precisions of the kernels with the reference."""
    where = f"{distribution}, {t_conorm}, {options}"
    want = draw(scene, distribution, t_conorm, "reference", **options)
    assert want.is_finite(), where
    double = draw(scene, distribution, t_conorm, **options)
    check_double(double, want, where)
    check_single(draw(scene, distribution, t_conorm, dtype=torch.float32, **options), want, distribution, where)


def check_double(got: Drawing, want: Drawing, where: str) -> None:
    assert got.is_finite(), where
    check_face_ids(got, want, where)
    for name, value in got.values().items():
        error = (value - want.values()[name]).abs().max()
        assert error < 1e-12, f"{where}: {name} off by {error}"  # worst seen 1e-13, depths of up to 5
    for name, gradient in got.gradients.items():
        error = gradient_error(gradient, want.gradients[name], name)
        assert error < 2e-11, f"{where}: {name} off by {error}"  # worst seen 1.5e-12


def check_single(got: Drawing, want: Drawing, distribution: Distribution, where: str) -> None:
    assert got.is_finite(), where
    check_face_ids(got, want, where)
    # Just inside the support of Exponential and Gamma a probability is the argument itself, argument + shift, of which
    # rounding leaves few digits near 0; a share keeps only those. Elsewhere an exponent's rounding decides: depths are
    # rounded to 4e-7, which gamma = 1e-3 divides by 4e-3.
    has_corner = distribution.name in ("exponential", "gamma")
    for name, value in got.values().items():
        error = (value - want.values()[name]).abs().max()
        assert error < (1e-3 if has_corner else 1e-4), f"{where}: {name} off by {error}"  # worst seen 2.7e-4, 2.6e-5
    for name, gradient in got.gradients.items():
        error = gradient_error(gradient, want.gradients[name], name)
        assert error < (5e-3 if has_corner else 5e-4), f"{where}: {name} off by {error}"  # worst seen 1.4e-3, 1.2e-4


def check_face_ids(got: Drawing, want: Drawing, where: str) -> None:
    assert (got.face_id is None) == (want.face_id is None)
    if got.face_id is not None and want.face_id is not None:
        assert torch.equal(got.face_id, want.face_id), where


# A number's gradient is a sum in which a hundred pixels' gradients of size 1 (of gamma: of its logarithm) may cancel.
# Texels' gradients are sums in fixed point, in steps of a share of the largest pixel's.
FLOORS = {"tau": 1.0, "shift": 1.0, "p": 1.0, "gamma": 1e2, "texels": 1e-3}


def gradient_error(got: torch.Tensor, want: torch.Tensor, name: str) -> float:
    """Relative to the gradient, or to its floor."""
    return relative_error(got, want, FLOORS.get(name, 1e-12))
