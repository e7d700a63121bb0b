"""What reaches an image past the kernels: refused where it is not finite, by its name, and never a silent NaN."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from unittest import mock

import pytest
import torch

from gendr import Camera, Mesh, Renderer, _ops, rasterize
from gendr.render import (
    AmbientLight,
    BlendStage,
    DirectionalLight,
    MeshBatch,
    PointLight,
    ShadeStage,
    SphericalHarmonicsLight,
)
from gendr.render.finite_inputs import finite_lights
from gendr.render.lights import Light
from renderers import random_triangles
from without_values import DEVICE

SPHERE = Mesh.icosphere(1, radius=0.5)
CAMERA = Camera.look_at(elevation=torch.tensor([30.0, 40.0]))
LIGHT = AmbientLight()
BAD = [torch.nan, torch.inf, -torch.inf]


def spoilt(bad: float, *shape: int) -> torch.Tensor:
    values = torch.ones(*shape)
    values.view(-1)[-1] = bad
    return values


def camera(**changes) -> Camera:
    return replace(CAMERA, **changes)


INPUTS = {  # what is spoilt: lights, shade, background and camera that hold it
    "lights[0].color": lambda x: {"lights": [AmbientLight(spoilt(x, 3))]},
    "lights.color": lambda x: {"lights": AmbientLight(spoilt(x, 2, 3))},
    "lights[1].direction": lambda x: {"lights": [AmbientLight(), DirectionalLight(spoilt(x, 3))]},
    "lights[0].position": lambda x: {"lights": [PointLight(spoilt(x, 2, 3))]},
    "lights[0].attenuation": lambda x: {"lights": [PointLight(attenuation=spoilt(x, 3))]},
    "lights[0].coefficients": lambda x: {"lights": [SphericalHarmonicsLight(spoilt(x, 9, 3))]},
    "shade.specular": lambda x: {"shade": ShadeStage(model="blinn-phong", specular=spoilt(x, 3))},
    "shade.shininess": lambda x: {"shade": ShadeStage(model="blinn-phong", shininess=spoilt(x, 2))},
    "background": lambda x: {"background": spoilt(x, 2, 3, 8, 8)},
    "camera.rotation": lambda x: {"camera": camera(rotation=CAMERA.rotation * spoilt(x, 2, 3, 3))},
    "camera.eye": lambda x: {"camera": camera(eye=CAMERA.eye * spoilt(x, 2, 3))},
    "camera.scale": lambda x: {"camera": camera(scale=CAMERA.scale * spoilt(x, 2))},
    "camera.center": lambda x: {"camera": camera(center=spoilt(x, 2, 2))},
}


def draw(mesh=SPHERE, lights=LIGHT, shade=None, background=0.0, camera=CAMERA):
    renderer = Renderer(8, tau=0.01, blend=BlendStage(background=background), shade=shade or ShadeStage())
    return renderer(mesh, camera, lights, ["rgb", "depth", "normal"])


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("name", INPUTS)
def test_a_renderer_names_what_is_not_finite(name, bad):
    with pytest.raises(ValueError, match=rf"^{re.escape(name)}: expected finite values, got -?(nan|inf)"):
        draw(**INPUTS[name](bad))
    assert torch.isfinite(draw(**INPUTS[name](1.0)).rgb).all()


@pytest.mark.parametrize("shape", [(2,), (2, 2), (2, 2, 8, 8)])
def test_the_functional_core_names_the_background(shape):
    faces, colours = random_triangles(2, 3, torch.float32), torch.rand(1, 3, 3, 2)
    for backend in ("cpu", "reference"):
        with pytest.raises(ValueError, match=r"background: expected finite values, got nan at \["):
            rasterize(faces, 8, attributes=colours, background=spoilt(torch.nan, *shape), backend=backend)


@pytest.mark.parametrize("lights", [None, LIGHT], ids=["unlit", "lit"])
def test_a_background_of_another_kind_is_refused_lit_or_not(lights):
    for wrong in (torch.nan, torch.inf, (0.5,), (0.5, 0.2), (0.1, torch.nan, 0.2)):
        with pytest.raises((TypeError, ValueError), match="background: expected a"):
            draw(background=wrong, lights=lights)
    for shape in ((), (4,), (3, 3), (7, 3, 8, 8), (2, 3, 8, 9)):
        with pytest.raises(ValueError, match="background: expected a number or a tensor"):
            draw(background=torch.ones(shape), lights=lights)
    assert draw(background=torch.ones(3).double(), lights=lights).rgb.dtype == torch.float32


def where_nobody_looks(values: torch.Tensor, name: str) -> torch.Tensor:
    """As on a GPU, whose kernel marks what is finite and lets the host go on."""
    return torch.isfinite(values)


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("mesh", [SPHERE, MeshBatch.pack([SPHERE, Mesh.icosphere(0)])], ids=["mesh", "batch"])
def test_where_nobody_waits_images_and_gradients_stay_finite(name, mesh):
    for bad in BAD:
        given = INPUTS[name](bad)
        vertices = (mesh.mesh if isinstance(mesh, MeshBatch) else mesh).vertices.clone().requires_grad_()
        with (
            mock.patch("gendr._ops.finite.nobody_listens", return_value=False),
            mock.patch("gendr._ops.finite._is_finite", where_nobody_looks),
        ):
            out = draw(mesh.with_vertices(vertices), **given)
            images = [out.alpha, out.rgb, out.depth, out.normal]
            (gradient,) = torch.autograd.grad(sum(image.sum() for image in images), vertices)
        assert all(bool(torch.isfinite(t).all()) for t in (*images, gradient))


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # torch's forward mode itself, torch 2.13
def test_the_guard_is_the_identity_to_every_transform():
    values = torch.rand(3, 2, dtype=torch.float64, requires_grad=True)

    def cube(x: torch.Tensor) -> torch.Tensor:
        return _ops.finite("background", x) ** 3

    assert torch.autograd.gradcheck(cube, values, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(cube, values)
    assert torch.equal(torch.func.vmap(cube, in_dims=1, out_dims=1)(values), values**3)
    torch.testing.assert_close(torch.func.hessian(lambda x: cube(x).sum())(values.detach()[0]).diag(), 6 * values[0])
    torch.library.opcheck(torch.ops.gendr.is_finite.default, (values.detach(), "background"))
    bad = spoilt(torch.nan, 3, 2)
    for call in (cube, torch.func.vmap(cube), torch.func.grad(lambda x: cube(x).sum())):
        with pytest.raises(ValueError, match=r"background: expected finite values, got nan at \["):
            call(bad)


def test_what_is_finite_is_not_copied():
    values = torch.rand(3)
    assert _ops.finite("background", values) is values


def test_numbers_follow_the_mesh_and_tensors_with_gradients_do_not():
    leaf = torch.ones(3, requires_grad=True)
    numbers, constant, own = finite_lights([AmbientLight(0.5), AmbientLight(torch.ones(3)), AmbientLight(leaf)], DEVICE)
    assert numbers.color.device == constant.color.device == DEVICE
    assert own.color is leaf


def test_a_light_of_somebody_s_own_is_taken_as_it_is():
    class Dark(Light):
        pass

    @dataclass(frozen=True, eq=False)
    class Grey(Light):
        level: torch.Tensor

        def ambient(self, normals):
            return self.level.to(normals).expand(3)

    assert torch.isfinite(draw(lights=[Dark(), Grey(torch.tensor(0.5))]).rgb).all()
    with pytest.raises(ValueError, match=r"lights\[0\].level: expected finite values, got nan"):
        draw(lights=[Grey(torch.tensor(torch.nan))])
