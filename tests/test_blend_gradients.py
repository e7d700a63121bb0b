"""Every gradient of blending against finite differences, and the reference's second derivatives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from blends import BlendScene, blend_scene
from gendr import rasterize
from gendr.distributions import Gaussian, Logistic
from gendr.render import FaceTextures
from gendr.tnorms import Probabilistic, Yager

BACKENDS = ("cpu", "reference")
NAMES = ("face_vertices", "attributes", "uvs", "texels", "background", "tau", "shift", "gamma", "p")
LIMITS = {"near": 1.0, "far": 5.0, "cutoff": 0.0}


def small_scene(wrap: str = "repeat") -> BlendScene:
    """Three faces whose texture coordinates stay between texel centres, where bilinear values have no corners."""
    made = blend_scene(1, 3, (3, 4), wrap=wrap)
    maps, map_of_face = torch.tensor([[0, 2, 2]]), torch.zeros(3, dtype=torch.int64)
    uvs = 0.3 + 0.4 * torch.rand(1, 3, 3, 2, dtype=torch.float64)
    return replace(made, uvs=uvs, maps=maps, map_of_face=map_of_face, texels=made.texels[:4])


def drawing(made: BlendScene, backend: str, blend: str, perspective: bool = True) -> Callable[..., Tensor]:
    def call(face_vertices, attributes, uvs, texels, background, tau, shift, gamma, p):
        raster = rasterize(
            face_vertices,
            made.size,
            Logistic().shifted(shift),
            tau,
            Yager(p=p),
            attributes=attributes,
            textures=FaceTextures(uvs, texels, made.maps, made.map_of_face, made.wrap),
            background=background,
            gamma=gamma,
            blend=blend,
            perspective=perspective,
            backend=backend,
            **LIMITS,
        )
        return torch.cat([raster.alpha[:, None], raster.depth[:, None], raster.features], 1)

    return call


def inputs_of(made: BlendScene) -> list[Tensor]:
    numbers = {
        "tau": torch.tensor([0.3]),
        "shift": torch.tensor(0.1),
        "gamma": torch.tensor(0.2),
        "p": torch.tensor(2.0),
    }
    tensors = made.tensors() | {name: value.double() for name, value in numbers.items()}
    return [tensors[name].detach().clone().requires_grad_() for name in NAMES]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("perspective", [True, False])
@pytest.mark.parametrize("blend", ["soft", "hard"])
def test_all_gradients_are_finite_differences(blend, perspective, backend):
    """Each tensor alone, so that a failure names it."""
    made = small_scene()
    call, inputs = drawing(made, backend, blend, perspective), inputs_of(made)
    for i, name in enumerate(NAMES):
        if blend == "hard" and name == "gamma":
            continue  # no part in it

        def alone(one: Tensor, i: int = i) -> Tensor:
            return call(*(one if k == i else t.detach() for k, t in enumerate(inputs)))

        assert torch.autograd.gradcheck(alone, (inputs[i],), fast_mode=True, eps=1e-7, atol=1e-6, rtol=1e-5), name


def test_reference_has_second_derivatives():
    made = small_scene()
    call, inputs = drawing(made, "reference", "soft"), inputs_of(made)
    assert torch.autograd.gradgradcheck(call, tuple(inputs), fast_mode=True, eps=1e-7, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("perspective", [True, False])
def test_barycentrics_move_where_occlusion_is_saturated(perspective, backend):
    """Deep inside of a face its share is 1 whatever its corners do: all of the gradient is the barycentrics'."""
    corners = torch.tensor([[[[-3.0, -2.0, 2.0], [4.0, -2.5, 3.0], [0.5, 5.0, 4.0]]]], dtype=torch.float64)
    colours = torch.rand(1, 1, 3, 2, dtype=torch.float64)

    def features(faces: Tensor) -> Tensor:
        options = {"attributes": colours, "perspective": perspective, "backend": backend, "eps": -5.0}
        raster = rasterize(faces, 2, Gaussian(), 1e-3, Probabilistic(), gamma=0.05, **(LIMITS | options))
        assert (raster.alpha == 1).all()
        assert (raster.background_weight < 1e-30).all()
        return torch.cat([raster.features, raster.depth[:, None]], 1)

    leaf = corners.requires_grad_()
    assert torch.autograd.gradcheck(features, (leaf,), eps=1e-6, atol=1e-7)
    (gradient,) = torch.autograd.grad(features(leaf)[0, 0].sum(), leaf)
    assert gradient[..., :2].abs().max() > 1e-3


@pytest.mark.parametrize("backend", BACKENDS)
def test_occlusion_moves_where_faces_show_one_colour(backend):
    """Faces of one colour, without depth: all of the gradient in x and y is the weights'."""
    made = small_scene()
    corners = made.corners.clone()
    corners[..., 2] = torch.tensor([2.0, 3.0, 4.0], dtype=torch.float64)[None, :, None]
    colours = torch.rand(1, 3, 1, 2, dtype=torch.float64).expand(1, 3, 3, 2)

    def features(faces: Tensor) -> Tensor:
        return rasterize(
            faces, (3, 4), Logistic(), 0.3, gamma=0.5, attributes=colours, perspective=False, backend=backend, **LIMITS
        ).features

    leaf = corners.requires_grad_()
    assert torch.autograd.gradcheck(features, (leaf,), fast_mode=True, eps=1e-7, atol=1e-6)
    (gradient,) = torch.autograd.grad(features(leaf)[0, 0].sum(), leaf)
    assert gradient[..., :2].abs().max() > 1e-3


def test_gradients_are_linear_in_what_comes_in():
    """Also where the incoming gradient is large: by powers of two the bits are the same."""
    made = small_scene()
    call, inputs = drawing(made, "cpu", "soft"), inputs_of(made)
    out = call(*inputs)
    weights = torch.randn_like(out)
    first = torch.autograd.grad((out * weights).sum(), inputs, retain_graph=True)
    for scale in (2.0**-40, 2.0**60):
        scaled = torch.autograd.grad((out * weights * scale).sum(), inputs, retain_graph=True)
        for got, want, name in zip(scaled, first, NAMES, strict=True):
            assert torch.equal(got, want * scale), name
