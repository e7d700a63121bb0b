"""Voxels of shapes whose volume is known, of open and self-crossing ones, and against trimesh's ray casting."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
import torch
import trimesh

from gendr import Mesh
from gendr.scenes import SCENES
from gendr.tools.shapes import iou_3d, voxelise
from gendr.tools.shapes.lattice import lines_at
from gendr.tools.shapes.winding import winding_numbers


def as_mesh(mesh):
    return torch.from_numpy(np.array(mesh.vertices))[None], torch.from_numpy(np.array(mesh.faces, dtype=np.int64))


def volume(vertices, faces, resolution, kind):
    return float(voxelise(vertices, faces, resolution, kind).sum()) / (resolution - 1) ** 3


SOLIDS = {
    "ball": (trimesh.creation.icosphere(4, 0.4), 4 / 3 * math.pi * 0.4**3),
    "box": (trimesh.creation.box((0.71, 0.33, 0.55)), 0.71 * 0.33 * 0.55),
    "torus": (trimesh.creation.torus(0.3, 0.11, 64, 32), 2 * math.pi**2 * 0.3 * 0.11**2),
}


@pytest.mark.parametrize("name", SOLIDS)
def test_volumes_converge(name):
    mesh, exact = SOLIDS[name]
    vertices, faces = as_mesh(mesh)
    errors = [abs(volume(vertices, faces, size, "solid") / exact - 1) for size in (16, 32, 64, 128)]
    assert errors[1] < 0.06
    assert errors[3] < 0.015  # 0.012 for the torus of chords, whose own volume is 0.011 too small
    thick = [volume(vertices, faces, size, "filled") / exact - 1 for size in (32, 64, 128)]
    # A layer of about half a voxel on the surface: halved with the voxel.
    assert thick[0] > 1.5 * thick[1] > 2.25 * thick[2] > 0
    inner, outer = (voxelise(vertices, faces, 32, kind) for kind in ("solid", "filled"))
    assert not (inner & ~outer).any()


def test_axes_and_places():
    """A box off the centre, long in x, short in z: every voxel is known."""
    low, high = np.array([-0.4, -0.1, 0.2]), np.array([0.3, 0.25, 0.3])
    box = trimesh.creation.box(high - low)
    box.apply_translation((low + high) / 2)
    grid = voxelise(*as_mesh(box), 32, "solid")[0].numpy()
    centres = -0.5 + np.arange(32) / 31
    inside = [(centres > low[k]) & (centres < high[k]) for k in range(3)]
    assert np.array_equal(grid, inside[0][:, None, None] & inside[1][:, None] & inside[2])
    wide = [(centres > low[k] - 0.5 / 31) & (centres < high[k] + 0.5 / 31) for k in range(3)]
    assert np.array_equal(
        voxelise(*as_mesh(box), 32, "filled")[0].numpy(), wide[0][:, None, None] & wide[1][:, None] & wide[2]
    )


def solid_angle_winding(triangles, points):
    """How often a surface turns around each point: the sum of its triangles' solid angles (van Oosterom, Strackee)."""
    total = np.zeros(len(points))
    for a, b, c in triangles:
        a, b, c = a - points, b - points, c - points
        la, lb, lc = (np.linalg.norm(v, axis=1) for v in (a, b, c))
        product = (np.cross(a, b) * c).sum(1)
        cosine = la * lb * lc + (a * b).sum(1) * lc + (b * c).sum(1) * la + (c * a).sum(1) * lb
        total += np.arctan2(product, cosine)
    return total / (2 * np.pi)


@pytest.mark.parametrize("name", ["airplane", "teapot"])  # the closed ones
def test_against_solid_angles(name):
    """Scenes with thin parts: the lattice points inside are those around which the surface turns."""
    mesh = SCENES[name]()
    assert mesh.to_trimesh().is_watertight
    grid = voxelise(mesh.vertices[None], mesh.faces, 16, "solid")[0].numpy()
    centres = -0.5 + np.stack(np.meshgrid(*[np.arange(16)] * 3, indexing="ij"), -1).reshape(-1, 3) / 15
    winding = solid_angle_winding(mesh.face_vertices()[0].double().numpy(), centres)
    assert (grid != (np.abs(winding) > 0.5).reshape(16, 16, 16)).sum() <= 2  # points on the surface, within rounding
    assert grid.any()


def test_rays_through_edges_and_corners():
    """A cube whose corners, edges and diagonals lie on the lattice's lines: integers, and half-open sides."""
    cube = trimesh.creation.box((4, 4, 4)).subdivide()
    triangles = (np.array(cube.vertices) + 4.0)[cube.faces]
    winding = winding_numbers(triangles, np.zeros(len(triangles), np.int64), 1, 9)[0]
    assert set(np.unique(winding)) <= {0.0, 1 / 3, 0.5, 2 / 3, 5 / 6, 1 / 6, 1.0}
    assert (winding[3:6, 3:6, 3:6] == 1).all()
    outer = np.ones((9, 9, 9), bool)
    outer[2:7, 2:7, 2:7] = False
    assert (winding[outer] == 0).all()


def test_orientation_and_overlap():
    ball = trimesh.creation.icosphere(3, 0.3)
    vertices, faces = as_mesh(ball)
    for kind in ("filled", "solid"):
        expected = voxelise(vertices, faces, 32, kind)
        assert torch.equal(voxelise(vertices, faces.flip(1), 32, kind), expected)
    two = trimesh.util.concatenate([ball, ball.copy().apply_translation([0.1, 0.05, 0])])
    apart = [voxelise(*as_mesh(mesh), 32, "solid") for mesh in (ball, ball.copy().apply_translation([0.1, 0.05, 0]))]
    assert torch.equal(voxelise(*as_mesh(two), 32, "solid"), apart[0] | apart[1])


def test_an_open_surface():
    """A ball with a hole: rays through the hole are outvoted; filled stays hollow, for it can be reached."""
    ball = trimesh.creation.icosphere(4, 0.4)
    opened = trimesh.Trimesh(ball.vertices, ball.faces[ball.triangles_center[:, 1] < 0.33], process=False)
    assert not opened.is_watertight
    whole = voxelise(*as_mesh(ball), 32, "solid")
    assert iou_3d(voxelise(*as_mesh(opened), 32, "solid"), whole).item() > 0.95
    assert voxelise(*as_mesh(opened), 32, "filled").sum() < 0.5 * voxelise(*as_mesh(ball), 32, "filled").sum()


def test_a_self_crossing_surface():
    """What a network may predict: a sphere pulled through itself stays a volume under both rules."""
    sphere = Mesh.icosphere(3, 0.35)
    vertices = sphere.vertices.clone()
    vertices[:, 0] = torch.where(vertices[:, 0] > 0.1, 0.2 - vertices[:, 0], vertices[:, 0])
    for kind in ("filled", "solid"):
        assert voxelise(vertices[None], sphere.faces, 32, kind).sum() > 2000


def test_a_batch_is_each_alone():
    sphere = Mesh.icosphere(2, 0.4)
    batch = sphere.vertices * (1 + 0.2 * torch.randn(5, 162, 1))
    for kind in ("filled", "solid"):
        together = voxelise(batch, sphere.faces, 20, kind)
        alone = torch.cat([voxelise(one[None], sphere.faces, 20, kind) for one in batch])
        assert torch.equal(together, alone)


def test_portions_do_not_show(monkeypatch):
    sphere = Mesh.icosphere(2, 0.4)
    expected = voxelise(sphere.vertices[None], sphere.faces, 32, "solid")
    monkeypatch.setattr("gendr.tools.shapes.lattice._AT_ONCE", 7)
    assert torch.equal(voxelise(sphere.vertices[None], sphere.faces, 32, "solid"), expected)


def test_lines_against_a_plain_loop():
    triangles = np.random.default_rng(0).uniform(-2, 9, (40, 3, 3))
    for along in range(3):
        across = [(1, 2), (2, 0), (0, 1)][along]
        expected = {
            (t, u, v)
            for t, corners in enumerate(triangles)
            for u in range(7)
            for v in range(7)
            if corners[:, across[0]].min() <= u <= corners[:, across[0]].max()
            and corners[:, across[1]].min() <= v <= corners[:, across[1]].max()
        }
        got = [pair for portion in lines_at(triangles, along, 7) for pair in zip(*map(list, portion), strict=True)]
        assert len(got) == len(expected)
        assert set(got) == expected


def test_parts_outside_the_grid_and_far_away():
    sphere = Mesh.icosphere(2)
    grids = voxelise(torch.stack([sphere.vertices * 10, sphere.vertices + 5, sphere.vertices * 1e30]), sphere.faces, 8)
    assert not grids[1].any()
    solid = voxelise(torch.stack([sphere.vertices * 10, sphere.vertices * 1e30]), sphere.faces, 8, "solid")
    assert solid.all()


def test_no_faces():
    empty = voxelise(torch.zeros(2, 4, 3), torch.zeros(0, 3, dtype=torch.int64))
    assert empty.shape == (2, 32, 32, 32)
    assert iou_3d(empty, empty).tolist() == [1.0, 1.0]


def test_a_batch_of_predictions_is_fast():
    sphere = Mesh.icosphere(3, 0.45)
    batch = sphere.vertices * (1 + 0.1 * torch.randn(64, 642, 1))
    for kind in ("filled", "solid"):
        seconds = []
        for _ in range(3):
            begin = time.process_time()
            voxelise(batch, sphere.faces, 32, kind)
            seconds.append(time.process_time() - begin)
        assert min(seconds) < 1.0  # 0.16 and 0.31 seen


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"vertices": torch.zeros(3, 3)}, "vertices: expected float32 or float64"),
        ({"vertices": torch.full((1, 4, 3), torch.nan)}, "vertices: expected finite values"),
        ({"faces": torch.tensor([[0, 1, 4]])}, "faces: expected indices below 4, got 0 to 4"),
        ({"faces": torch.tensor([[0, -1, 2]])}, "faces: expected indices below 4"),
        ({"kind": "hollow"}, "kind: expected one of filled, solid"),
        ({"resolution": 1}, "resolution: expected an integer"),
    ],
)
def test_errors(change, text):
    arguments = {"vertices": torch.zeros(1, 4, 3), "faces": torch.tensor([[0, 1, 2]])} | change
    with pytest.raises(ValueError, match=text):
        voxelise(**arguments)


def test_iou():
    a, b = torch.zeros(2, 2, 4, 4, 4, dtype=torch.bool)
    a[0, :2], b[0, 1:3], b[1] = True, True, True
    assert iou_3d(a, b).tolist() == [pytest.approx(1 / 3), 0.0]
    with pytest.raises(ValueError, match="b: expected bool or uint8"):
        iou_3d(a, b[:1])
