"""Light in whole images: spheres against ray tracing, views alone and together, gradients against differences."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from gendr import Camera, Mesh, Renderer
from gendr.distributions import Logistic
from gendr.render import (
    AmbientLight,
    BlendStage,
    DirectionalLight,
    Material,
    PointLight,
    RasterStage,
    ShadeStage,
    SphericalHarmonicsLight,
    shade,
)
from gendr.render.reference import pixel_centres

METHODS = ["flat", "gouraud", "pixel"]
MODELS = ["lambert", "blinn-phong"]


def shaded(method, model, size=12, tau=0.02, gamma=1e-2, **options):
    blend = BlendStage(gamma=gamma, background=(0.1, 0.2, 0.3))
    return Renderer(size, Logistic(), tau, blend=blend, shade=ShadeStage(method, model, **options))


def glossy(level=0):
    """A ball of two materials, one of them with a highlight."""
    ball = Mesh.icosphere(level, radius=0.6, dtype=torch.float64)
    red, grey = torch.tensor([0.9, 0.3, 0.2], dtype=torch.float64), torch.full((3,), 0.6, dtype=torch.float64)
    materials = (Material("gloss", red, specular=grey, shininess=12.0), Material("matte", grey))
    return replace(ball, materials=materials, face_material=torch.arange(ball.n_faces) % 2)


def lights():
    return [
        AmbientLight(0.1),
        DirectionalLight((0.5, 1.0, -1.0), 0.6),
        PointLight((-1.0, 2.0, -2.0), 0.5, (0.5, 0, 0.1)),
    ]


def test_a_ball_is_the_ray_traced_ball():
    """Per pixel, with light of every kind and a highlight: the formula at the points where rays meet the sphere."""
    camera = Camera.look_at(distance=3.0, elevation=20.0, azimuth=40.0, fov=30.0)
    ball = Mesh.icosphere(4, radius=0.6, dtype=torch.float64)
    sky = torch.linspace(-0.1, 0.2, 27, dtype=torch.float64).view(9, 3)
    scene, gloss = [*lights(), SphericalHarmonicsLight(sky)], {"specular": 0.5, "shininess": 40.0}
    renderer = replace(shaded("pixel", "blinn-phong", 48, 1e-4, 1e-5, **gloss), raster=RasterStage(cull="back"))
    image = renderer(ball, camera, scene).rgb[0]

    plane = pixel_centres(48, 48, torch.zeros(1, dtype=torch.float64)) / camera.scale
    rays = torch.cat((plane, torch.ones(len(plane), 1, dtype=torch.float64)), 1) @ camera.rotation[0]
    rays = rays / rays.norm(dim=1, keepdim=True)
    along = -(rays @ camera.eye[0])
    below = along**2 - (camera.eye[0] @ camera.eye[0] - 0.36)
    hit = below > 0.3**2  # rays that miss the rim, where facets and the sphere part
    points = camera.eye[0] + rays[hit] * (along - below.clamp_min(0).sqrt())[hit, None]
    white = torch.ones(3, dtype=torch.float64)
    expected = shade(white, points / 0.6, points, camera.eye[0], scene, model="blinn-phong", **gloss)
    error = (image.flatten(1)[:, hit] - expected.T).abs()
    assert hit.sum() > 600
    # Edges are 1/14 of the radius: normals off by 1e-3, which the exponent 40 makes much of. Worst seen 0.004.
    assert error.max() < 0.01
    assert error.mean() < 1e-3


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("n_views", [2, 20])  # as many as faces, too
def test_views_together_are_the_views_alone(method, model, n_views):
    camera = Camera.look_at(elevation=20.0, azimuth=torch.linspace(0, 300, n_views, dtype=torch.float64))
    ball, renderer = glossy(), shaded(method, model)
    together = renderer(ball, camera, lights()).rgb
    for view in (0, n_views - 1):
        torch.testing.assert_close(together[view : view + 1], renderer(ball, camera[view], lights()).rgb)
    assert (together.amax((0, 2, 3)) > together.amin((0, 2, 3)) + 0.2).all()


def test_materials_highlights():
    """The glossy half outshines the matte one in the Blinn-Phong model only."""
    camera = Camera.look_at(elevation=20.0, azimuth=40.0)
    for method in METHODS:
        matte = replace(glossy(2), face_material=torch.ones(320, dtype=torch.int64))
        gloss = replace(glossy(2), face_material=torch.zeros(320, dtype=torch.int64))
        dull = [shaded(method, m, 24)(matte, camera, lights()).rgb for m in MODELS]
        assert torch.equal(*dull)
        lambert, phong = (shaded(method, m, 24)(gloss, camera, lights()).rgb for m in MODELS)
        assert (phong - lambert).max() > 0.2
        assert (phong - lambert).min() > -1e-12


STEP = 1e-6
PARAMETERS = {
    "direction": (0.5, 1.0, -1.0),
    "sun": (0.6, 0.5, 0.4),
    "position": (-1.0, 2.0, -2.0),
    "lamp": (0.5, 0.4, 0.6),
    "attenuation": (0.5, 0.1, 0.1),
    "ambient": (0.1, 0.2, 0.1),
    "base_color": (0.9, 0.3, 0.2),
    "specular": (0.6, 0.5, 0.4),
    "shininess": 12.0,
    "sky": [[0.05 * (i + j) for j in range(3)] for i in range(9)],
    "vertices": None,
}


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize("method", METHODS)
def test_gradients_of_images(method, name):
    """Of every parameter of lights, material and shape, through normals, shading, blending and coverage."""
    values = {n: torch.tensor(v, dtype=torch.float64) for n, v in PARAMETERS.items() if v is not None}
    values["vertices"] = Mesh.icosphere(0, radius=0.6, dtype=torch.float64).vertices
    weights = torch.rand(1, 3, 10, 10, dtype=torch.float64)
    camera = Camera.look_at(elevation=17.0, azimuth=23.0)

    def image(moved):
        v = values | {name: moved}
        scene = [
            AmbientLight(v["ambient"]),
            DirectionalLight(v["direction"], v["sun"]),
            SphericalHarmonicsLight(v["sky"]),
        ]
        scene.append(PointLight(v["position"], v["lamp"], v["attenuation"]))
        ball = replace(glossy(), vertices=v["vertices"], materials=(Material("", v["base_color"]),), face_material=None)
        renderer = shaded(method, "blinn-phong", 10, 0.05, 0.05, specular=v["specular"], shininess=v["shininess"])
        renderer = replace(renderer, raster=RasterStage(cull="back", cutoff=0.0))
        return (renderer(ball, camera, scene).rgb * weights).sum()

    leaf = values[name].clone().requires_grad_()
    image(leaf).backward()
    for _ in range(2):
        way = torch.randn_like(values[name])
        slope = (leaf.grad * way).sum().item()
        difference = (image(values[name] + STEP * way) - image(values[name] - STEP * way)).item() / (2 * STEP)
        # Central differences of a sum of 300 numbers: rounding 1e-15 * 100 / 1e-6. No pixel lies within a step of the
        # kinks (an edge of a face, the beginning of a highlight). Worst seen 1e-8 relative.
        assert slope == pytest.approx(difference, rel=1e-6, abs=1e-7)
        assert abs(slope) > 1e-3


@pytest.mark.parametrize("method", METHODS)
def test_a_lit_floor_under_the_camera(method):
    """One quad cut at the near plane looks like its fine subdivision, whose light is the same where it is linear."""
    x, z = torch.linspace(-4, 4, 2, dtype=torch.float64), torch.tensor([-20.0, 30.0], dtype=torch.float64)
    corners = torch.stack(torch.meshgrid(x, torch.tensor([-1.0]).double(), z, indexing="ij"), -1).view(4, 3)
    quad = Mesh(corners, torch.tensor([[0, 1, 3], [0, 3, 2]]), vertex_colors=corners * 0.01 + 0.4)
    z = 0.7 * (30 / 0.7) ** torch.linspace(0, 1, 13, dtype=torch.float64)
    rows = torch.stack(torch.meshgrid(x, torch.tensor([-1.0]).double(), z, indexing="ij"), -1).view(2, 13, 3)
    a, b, c, d = rows[0, :-1], rows[1, :-1], rows[0, 1:], rows[1, 1:]
    fine = torch.cat([torch.stack(three, 1) for three in ((a, b, d), (a, d, c))]).view(-1, 3)
    fine = Mesh(fine, torch.arange(len(fine)).view(-1, 3), vertex_colors=fine * 0.01 + 0.4)

    camera = Camera.look_at(distance=1e-9, fov=80.0)
    camera = replace(camera, eye=torch.zeros_like(camera.eye))
    renderer = replace(shaded(method, "lambert", (24, 32), 1e-5, 1e-6), raster=RasterStage(near=0.7))
    images = [
        renderer(mesh, camera, [AmbientLight(0.2), DirectionalLight((0.3, 1, 0.2), 0.5)]).rgb for mesh in (quad, fine)
    ]
    error = (images[0] - images[1]).abs().amax(1)
    assert (images[0] - images[0][0, :, 0, 0].view(3, 1, 1)).abs().amax() > 0.1
    # All but pixels whose centres lie on a seam of the subdivision, where blending weighs the background differently.
    assert (error < 1e-6).double().mean() > 0.97
    assert error.max() < 0.5
