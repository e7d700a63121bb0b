"""The textured meshes of the real data, drawn sharply, beside a ray caster that shares nothing with gendr."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

import ray_caster
from gendr import Camera, Mesh, Renderer
from gendr.distributions import Heaviside
from gendr.render import BlendStage, Material
from gendr.tnorms import Maximum

DATA = os.environ.get("GENDR_DATA", "")
SIZE = 48
VIEWS = {  # azimuth, elevation
    "avocado/avocado.obj": (20.0, 50.0),
    "cow_spot_pytorch3d/cow.obj": (145.0, 20.0),
    "fox/fox.obj": (215.0, 10.0),
    "fuze_bottle/fuze.obj": (100.0, 35.0),
    "pizza/pizza.obj": (180.0, 75.0),
    "spot_softras/spot_triangulated.obj": (300.0, -25.0),
}


def draw(file, azimuth, elevation):
    """Alpha, colour [H, W, 3] and depth by gendr."""
    camera = Camera.look_at(elevation=elevation, azimuth=azimuth, half_angle=15.0).mirrored()  # right-handed
    renderer = Renderer(SIZE, Heaviside(), 1.0, Maximum(), blend=BlendStage("hard"))
    out = renderer(Mesh.load(file).normalize(), camera)
    return out.alpha[0].numpy(), out.rgb[0].permute(1, 2, 0).numpy(), out.depth[0].numpy()


@pytest.mark.data
@pytest.mark.skipif(not DATA, reason="GENDR_DATA, the folder of real data, is not set")
@pytest.mark.parametrize("name", VIEWS)
def test_same_silhouette_same_colours_same_depth(name):
    file = Path(DATA, "meshes", "textured", name)
    alpha, rgb, depth = draw(file, *VIEWS[name])
    hits = ray_caster.draw(ray_caster.load_parts(file), *VIEWS[name], half_angle=15.0, distance=2.732, size=SIZE)
    covered = alpha == 1
    assert set(np.unique(alpha)) <= {0.0, 1.0}
    assert 100 < covered.sum() < SIZE * SIZE
    assert np.array_equal(covered, hits.is_hit)  # "within a pixel" would allow more: none is seen to differ
    # float32 places of a texel, 1e-7 of an image of 1,024 with steps of up to 1 between texels: worst seen 7e-5. Plain
    # colours have eight bits in trimesh: half a level, 2e-3.
    assert np.abs(rgb - hits.rgb)[covered].max() < 2.5e-3
    assert np.abs(depth - hits.depth)[covered].max() < 2e-5  # worst seen 7e-6: float32 at distance 2.7


def test_the_reference_itself():
    """A quad with four texels, seen straight on: which texel is where."""
    corners = np.array([[[-1, -1, 0], [-1, 1, 0], [1, 1, 0]], [[-1, -1, 0], [1, 1, 0], [1, -1, 0]]], dtype=float)
    uvs = (corners[..., :2] + 1) / 2
    image = np.zeros((2, 2, 3))
    image[0, 1] = 1  # top right
    hits = ray_caster.draw([ray_caster.Part(corners, uvs, image)], 180.0, 0.0, 45.0, 2.0, 8)  # from +z, x to the right
    assert hits.is_hit.sum() == 16
    assert np.allclose(hits.depth[hits.is_hit], 2.0)
    assert np.argwhere(hits.rgb[..., 0] > 0.5).tolist() == [[2, 4], [2, 5], [3, 4], [3, 5]]


def test_gendr_agrees_on_the_quad():
    vertices = torch.tensor([[-1.0, -1, 0], [-1, 1, 0], [1, 1, 0], [1, -1, 0]])
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]])
    image = torch.rand(5, 3, 3)
    mesh = Mesh(
        vertices,
        faces,
        uvs=(vertices[:, :2] + 1) / 2,
        face_uvs=faces,
        materials=(Material("paper", texture=image),),
    )
    camera = Camera.look_at(2.0, 20.0, 160.0, half_angle=40.0).mirrored()
    out = Renderer(32, Heaviside(), 1.0, Maximum(), blend=BlendStage("hard"))(mesh, camera)
    corners = vertices.double().numpy()[faces.numpy()]
    part = ray_caster.Part(corners, (corners[..., :2] + 1) / 2, image.double().numpy())
    hits = ray_caster.draw([part], 160.0, 20.0, 40.0, 2.0, 32)
    assert np.array_equal(out.alpha[0].numpy() == 1, hits.is_hit)
    assert np.abs(out.rgb[0].permute(1, 2, 0).numpy() - hits.rgb).max() < 1e-5
