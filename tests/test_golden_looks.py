"""Pictures of textures, lights and cut faces against their references."""

import pytest
import torch

from gendr import Camera, Mesh, Renderer
from gendr.distributions import Heaviside, Logistic
from gendr.render import AmbientLight, BlendStage, DirectionalLight, Material, PointLight, RasterStage, ShadeStage
from gendr.scenes import cow
from gendr.tnorms import Maximum
from gendr.tools.gallery.looks import LIGHTS, depth_picture, glazed_teapot, normal_picture, view
from golden_images import check

SIZE = 64
SHARP = Renderer(SIZE, Heaviside(), 1.0, Maximum(), blend=BlendStage("hard", background=1.0))
SOFT = Renderer(SIZE, Logistic(), 0.01, blend=BlendStage("soft", gamma=3e-4, background=1.0))
# A pixel on an edge between two faces may fall to either with another instruction set; soft images have no such choice.
EDGES = {"hard": 3, "soft": 0}


def on_white(out):
    """Soft colour with its alpha."""
    return (out.alpha[:, None] * out.rgb + 1 - out.alpha[:, None])[0].clamp(0, 1)


@pytest.mark.parametrize("kind", ["hard", "soft"])
@pytest.mark.parametrize("lights", [None, LIGHTS], ids=["plain", "lit"])
def test_golden_cow(kind, lights, tmp_path):
    out = (SHARP if kind == "hard" else SOFT)(cow(), view(145.0, 20.0), lights)
    image = out.rgb[0].clamp(0, 1) if kind == "hard" else on_white(out)
    check(f"cow-{kind}-{'plain' if lights is None else 'lit'}", image, tmp_path, outliers=EDGES[kind])


def test_golden_maps(tmp_path):
    out = SOFT(cow(), view(145.0, 20.0), outputs=("depth", "normal"))
    check("cow-depth", depth_picture(out), tmp_path)
    check("cow-normals", normal_picture(out), tmp_path)


@pytest.mark.parametrize("method", ["flat", "gouraud", "pixel"])
def test_golden_teapot(method, tmp_path):
    renderer = Renderer(
        SIZE, Logistic(), 2e-3, blend=BlendStage(background=1.0), shade=ShadeStage(method, model="blinn-phong")
    )
    lights = [AmbientLight(0.2), DirectionalLight((-0.2, 1.0, 1.0), 0.5), PointLight((1.0, 1.0, 1.0), (0.3, 0.2, 0.1))]
    check(f"look-{method}", on_white(renderer(glazed_teapot(), view(145.0, 25.0), lights)), tmp_path)


def floor():
    """A chequered floor from behind the eye to far in front of it: two triangles, one texture again and again."""
    vertices = torch.tensor([[-9.0, -0.5, -4.0], [9.0, -0.5, -4.0], [9.0, -0.5, 6.0], [-9.0, -0.5, 6.0]])
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]])
    image = torch.tensor([[1.0, 0.2], [0.2, 1.0]]).repeat_interleave(8, 0).repeat_interleave(8, 1)[..., None]
    uvs = torch.stack([vertices[:, 0] / 2, vertices[:, 2] / 2], 1)
    material = Material("tiles", torch.tensor([0.9, 0.8, 0.6]), image.expand(-1, -1, 3).contiguous())
    return Mesh(vertices, faces, uvs=uvs, face_uvs=faces, materials=(material,))


def test_golden_near_plane(tmp_path):
    """Both triangles pass under the eye: without cutting, nothing of them is drawn."""
    camera = Camera.look_at(2.0, 0.0, 0.0, half_angle=40.0)
    renderer = Renderer(SIZE, Logistic(), 0.01, raster=RasterStage(near=0.5), blend=BlendStage(background=1.0))
    out = renderer(floor(), camera)
    check("clip-near", on_white(out), tmp_path)
    whole = Renderer(SIZE, raster=RasterStage(near=0.5, clip=False))
    assert whole(floor(), camera).alpha.max() == 0
    # The floor at height -1/2 fills the image below the horizon, down to where the near plane cuts it off.
    sharp = Renderer(SIZE, Heaviside(), 1.0, Maximum(), raster=RasterStage(near=0.5))(floor(), camera).alpha[0]
    middle = sharp[:, SIZE // 2]
    lowest = 0.5 / (0.5 * torch.tan(torch.deg2rad(torch.tensor(40.0))))  # y of the cut, in half image heights: below -1
    assert lowest > 1
    assert middle[: SIZE // 2].max() == 0
    assert middle[SIZE // 2 + 4 :].min() == 1


def test_golden_cow_at_the_lens(tmp_path):
    """A cow with its head through the near plane."""
    camera = Camera.look_at(0.62, 5.0, 170.0, half_angle=42.0).mirrored()
    renderer = Renderer(SIZE, Logistic(), 0.004, raster=RasterStage(near=0.2, far=5.0), blend=BlendStage(gamma=1e-3))
    check("clip-cow", on_white(renderer(cow(), camera, LIGHTS)), tmp_path)
