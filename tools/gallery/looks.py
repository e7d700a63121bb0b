"""The painted cow and the teapot: textures, lights, depth and normals."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor

from gendr import Camera, Mesh, Renderer
from gendr.distributions import Heaviside, Logistic
from gendr.render import AmbientLight, BlendStage, DirectionalLight, Material, RasterStage, Rendering, ShadeStage
from gendr.scenes import cow, teapot
from gendr.tnorms import Maximum
from gendr.tools.gallery.sheet import Cell, painted, sheet

VIEWS = ((145.0, 20.0), (90.0, 8.0), (215.0, 15.0), (310.0, 30.0))
"""Azimuth and elevation of the cow's views."""

LIGHTS = (AmbientLight((0.42, 0.44, 0.48)), DirectionalLight((0.5, 1.0, 0.6), (0.68, 0.66, 0.60)))
SIZE = 190


def sharp(size: int = SIZE, **stages: ShadeStage) -> Renderer:
    """A renderer for the eye: sharp, antialiased, on white.

    >>> sharp(8).blend.mode
    'hard'
    """
    return Renderer(size, Heaviside(), 1.0, Maximum(), RasterStage(antialias=4), BlendStage("hard"), **stages)


def soft(size: int = SIZE, tau: float = 0.012) -> Renderer:
    """The same with soft edges and depth.

    >>> soft(8).blend.mode
    'soft'
    """
    return Renderer(size, Logistic(), tau, blend=BlendStage("soft", gamma=3e-4))


def view(azimuth: float, elevation: float, half_angle: float = 10.5) -> Camera:
    """A right-handed camera, close to a scene.

    >>> torch.linalg.det(view(30.0, 20.0).rotation).round().tolist()
    [-1.0]
    """
    return Camera.look_at(elevation=elevation, azimuth=azimuth, half_angle=half_angle).mirrored()


def glazed_teapot() -> Mesh:
    """The teapot with a glossy material.

    >>> glazed_teapot().materials[0].shininess
    60.0
    """
    pot = teapot(8)
    glaze = Material("glaze", torch.tensor([0.32, 0.50, 0.66]), specular=torch.full((3,), 0.7), shininess=60.0)
    return Mesh(pot.vertices, pot.faces, materials=(glaze,))


def texture(size: int = SIZE) -> Image.Image:
    """The cow from four sides, lit, and below it with soft edges.

    >>> texture(16).size
    (104, 56)
    """
    mesh = cow()
    rows: list[list[Cell]] = []
    for renderer, is_soft in ((sharp(size), False), (soft(size), True)):
        rows.append([("", painted(colour_picture(renderer(mesh, view(*angles), LIGHTS), is_soft))) for angles in VIEWS])
    return sheet(rows)


def maps(size: int = SIZE) -> Image.Image:
    """Texture alone, light, depth and normals of one view, sharp and soft.

    >>> maps(16).size
    (104, 74)
    """
    mesh, camera = cow(), view(*VIEWS[0])
    rows: list[list[Cell]] = []
    for renderer, is_soft in ((sharp(size), False), (soft(size), True)):
        lit = renderer(mesh, camera, LIGHTS, outputs=("rgb", "depth", "normal"))
        plain = renderer(mesh, camera)
        names = ("own colours", "lit", "depth", "normals") if not rows else ("",) * 4
        colours = [colour_picture(out, is_soft) for out in (plain, lit)]
        pictures = (*colours, depth_picture(lit), normal_picture(lit))
        rows.append([(name, painted(picture)) for name, picture in zip(names, pictures, strict=True)])
    return sheet(rows)


def lights(size: int = SIZE) -> Image.Image:
    """A glossy teapot: flat, Gouraud and per-pixel shading, Lambert and Blinn-Phong.

    >>> lights(16).size
    (104, 50)
    """
    mesh, camera = glazed_teapot(), view(145.0, 25.0, 10.0)
    stages = {
        "flat": ShadeStage("flat"),
        "gouraud, blinn-phong": ShadeStage("gouraud", "blinn-phong"),
        "pixel": ShadeStage("pixel"),
        "pixel, blinn-phong": ShadeStage("pixel", "blinn-phong"),
    }
    lamps = (AmbientLight(0.35), DirectionalLight((-0.2, 1.0, 1.0), 0.65))
    images = {name: sharp(size, shade=stage)(mesh, camera, lamps) for name, stage in stages.items()}
    return sheet([[(name, painted(colour_picture(out, False))) for name, out in images.items()]])


def colour_picture(out: Rendering, is_soft: bool) -> Tensor:
    """Colour `[3, H, W]` on white.

    Where a soft face is in doubt, colour is still the face's, for nothing else is there; alpha says how much of it is.

    >>> colour_picture(sharp(8)(cow(), view(0.0, 0.0)), is_soft=False).amax()
    tensor(1.)
    """
    alpha = out.alpha[0].detach()
    return (alpha * _one(out.rgb) if is_soft else _one(out.rgb)) + 1 - alpha


def depth_picture(out: Rendering) -> Tensor:
    """Depth `[3, H, W]` between the scene's nearest and farthest point: near is dark, nothing is white.

    >>> depth_picture(sharp(8)(cow(), view(0.0, 0.0))).amin() < 0.1
    tensor(True)
    """
    depth, alpha = _one(out.depth), out.alpha[0].detach()
    near, far = depth[alpha > 0.999].aminmax()  # antialiased edges hold a part of the background's depth
    shade = ((depth - near) / (far - near)).clamp(0, 1) * 0.85
    return (alpha * shade + 1 - alpha).expand(3, -1, -1)


def normal_picture(out: Rendering) -> Tensor:
    """Normals `[3, H, W]` as colours, `(n + 1) / 2`, on white.

    >>> normal_picture(sharp(8)(cow(), view(0.0, 0.0), outputs="normal")).shape
    torch.Size([3, 8, 8])
    """
    alpha = out.alpha[0].detach()
    return alpha * (_one(out.normal) + 1) / 2 + 1 - alpha


def _one(images: Tensor | None) -> Tensor:
    """The first image of those that were asked for."""
    if images is None:
        raise ValueError("images: expected an output that was asked for, got None")
    return images[0].detach()
