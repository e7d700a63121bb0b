"""The 24 cameras of the published layout, against its published formulas and against renders by another program."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from gendr import Camera, Mesh, Renderer
from gendr.distributions import Logistic
from gendr.render import RasterStage
from gendr.tools.shapes import cameras, voxelise


def test_the_published_azimuth():
    """The published cameras stand at azimuth -15 v in a world whose z axis is turned over, and show the same."""
    points = torch.randn(50, 3, dtype=torch.float64) * 0.3
    views = torch.arange(24)
    published = Camera.look_at(2.732, 30.0, -15.0 * views.double(), half_angle=15.0)
    ours = cameras(views, torch.float64)
    flipped = points * points.new_tensor([1.0, 1.0, -1.0])
    assert torch.allclose(ours.project(points), published.project(flipped), atol=1e-12)


def test_shapes_are_seen_as_they_are():
    """From the front (+z), right (+x) is on the right; the next view is further round towards -x."""
    camera = cameras(range(24))
    x, y, _ = camera.project(torch.tensor([[0.3, 0.0, 0.0], [0.0, 0.3, 0.0]]))[0].T
    assert x[0] > 0.1
    assert y[1] > 0.1
    eye = camera.eye
    assert torch.allclose(eye.norm(dim=1), torch.full((24,), 2.732), atol=1e-5)
    assert eye[1, 0] < 0 < eye[1, 2]
    angle = math.radians(15.0)
    turn = torch.tensor([[math.cos(angle), 0, -math.sin(angle)], [0, 1, 0], [math.sin(angle), 0, math.cos(angle)]])
    assert torch.allclose(eye[:-1] @ turn.T, eye[1:], atol=1e-5)


@pytest.mark.parametrize("views", [[24], [-1], [], [0.5], [[0]], torch.tensor([True])])
def test_other_views_are_refused(views):
    with pytest.raises(ValueError, match="view_indices: expected"):
        cameras(torch.as_tensor(views) if not isinstance(views, torch.Tensor) else views)


@pytest.mark.data
@pytest.mark.parametrize("name", ["rifle", "airplane", "vessel", "lamp"])
def test_against_another_rasteriser(data_dir, name):
    """Those renders go round the other way: their view v is view -v here."""
    with np.load(data_dir / "shapes13_renders" / f"{name}.npz", allow_pickle=False) as file:
        images, names, grids = file["images"], file["names"], file["voxels"]
    draw = Renderer(64, Logistic().squared(), 1e-10, raster=RasterStage(antialias=4))
    camera = cameras([-v % 24 for v in range(24)])
    for index in range(2):
        mesh = Mesh.load(data_dir / "shapes13" / name / f"{names[index]}.obj")
        theirs = torch.from_numpy(images[index, :, 3].astype(np.float32) / 255)
        ours = draw(mesh, camera).alpha
        overlap = torch.minimum(ours, theirs).sum((1, 2)) / torch.maximum(ours, theirs).sum((1, 2))
        assert overlap.min() > 0.99  # worst seen 0.998: samples on edges, and eight bits

        # Their grid has 32 voxels to a side of the cube, ours 31 and two halves.
        grid = voxelise(mesh.vertices[None] * 32 / 31, mesh.faces)[0].numpy()
        agreement = (grid & grids[index]).sum() / (grid | grids[index]).sum()
        assert agreement > 0.93
