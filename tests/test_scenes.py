"""The scenes: closed surfaces that do not cross themselves, in the camera's view, shaped like what they are named."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gendr.render.mesh import Mesh
from gendr.scenes import SCENES, Scene, airplane, chair, cow, teapot
from gendr.scenes.modelling import Cage, quads
from gendr.scenes.painting import painted

DATA = os.environ.get("GENDR_DATA", "")
Points = NDArray[np.float64]


def crossings(mesh: Mesh) -> int:
    """How many edges pass through the inside of a triangle that they share no vertex with."""
    points, faces = mesh.vertices.double().numpy(), mesh.faces.numpy()
    corners = points[faces]
    low, high = corners.min(axis=1), corners.max(axis=1)
    count = 0
    for f, face in enumerate(faces):
        near = np.flatnonzero(((low <= high[f]) & (high >= low[f])).all(axis=1))
        edges = np.concatenate([faces[near][:, [0, 1]], faces[near][:, [1, 2]], faces[near][:, [2, 0]]])
        edges = edges[~np.isin(edges, face).any(axis=1)]
        count += int(_pass_through(points[edges[:, 0]], points[edges[:, 1]], *corners[f]).sum())
    return count // 2  # in a closed surface each edge belongs to two triangles


def _pass_through(p: Points, q: Points, a: Points, b: Points, c: Points) -> NDArray[np.bool_]:
    """Moeller and Trumbore's test of segments `p q` against one triangle."""
    direction, ab, ac = q - p, b - a, c - a
    across = np.cross(direction, ac)
    determinant = across @ ab
    # Neighbours on the fuselage lie in one plane up to float32's rounding (1e-7): parallel, so no crossing.
    size = np.linalg.norm(direction, axis=1) * np.linalg.norm(ab) * np.linalg.norm(ac)
    determinant = np.where(np.abs(determinant) > 1e-5 * size, determinant, np.nan)
    with np.errstate(invalid="ignore"):
        u = (across * (p - a)).sum(1) / determinant
        other = np.cross(p - a, ab)
        v = (other * direction).sum(1) / determinant
        t = other @ ac / determinant
        return (u >= 0) & (v >= 0) & (u + v <= 1) & (t >= 0) & (t <= 1)


def bare(mesh: Mesh) -> Mesh:
    """Only vertices and faces: trimesh splits vertices where texture coordinates meet."""
    return Mesh(mesh.vertices, mesh.faces)


def parts(mesh: Mesh) -> list[Mesh]:
    return [Mesh.from_trimesh(part) for part in bare(mesh).to_trimesh().split()]


def silhouette(mesh: Mesh, axis: int, cells: int = 64) -> NDArray[np.bool_]:
    """Which cells of a raster over [-0.55, 0.55]^2 a view along an axis covers; rows are y (or z), columns x (or z)."""
    plane = {0: [2, 1], 1: [0, 2], 2: [0, 1]}[axis]
    corners = mesh.face_vertices()[0].double().numpy()[:, :, plane]
    centres = (np.arange(cells) + 0.5) / cells * 1.1 - 0.55
    grid = np.stack(np.meshgrid(centres, centres), axis=-1)
    covered = np.zeros((cells, cells), bool)
    for a, b, c in corners:
        sides = [(q - p)[0] * (grid - p)[..., 1] - (q - p)[1] * (grid - p)[..., 0] for p, q in ((a, b), (b, c), (c, a))]
        covered |= (np.min(sides, axis=0) >= 0) | (np.max(sides, axis=0) <= 0)
    return covered


# --- every scene -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_scenes_are_named_licensed_and_the_same_every_time(scene: Scene) -> None:
    assert SCENES[scene.name] is scene
    assert scene.licence == "MIT"
    assert scene.source
    assert scene.front
    first, second = scene(), scene.make()
    assert torch.equal(first.vertices, second.vertices)
    assert torch.equal(first.faces, second.faces)
    assert first.vertices.dtype == torch.float32
    assert 500 <= first.n_faces <= 3000


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_scenes_are_centred_and_in_view(scene: Scene) -> None:
    vertices = scene().vertices.double()
    assert torch.allclose(vertices.amin(0), -vertices.amax(0), atol=1e-6)  # float32 of numbers below 1
    assert vertices.norm(dim=1).max().item() == pytest.approx(0.5, abs=1e-6)
    assert 2.732 * np.sin(np.radians(15)) > 0.5  # the ball that the standard camera sees whole


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_scenes_are_closed_oriented_and_of_genus_0(scene: Scene) -> None:
    whole = bare(scene()).to_trimesh()
    assert whole.is_watertight
    assert whole.is_winding_consistent
    assert len(np.unique(whole.faces)) == len(whole.vertices)  # every vertex is used
    assert whole.area_faces.min() > 1e-8
    expected = {"airplane": 1, "chair": 1, "cow": 1, "teapot": 3}[scene.name]
    assert len(parts(scene())) == expected
    for part in parts(scene()):
        mesh = part.to_trimesh()
        assert mesh.is_watertight
        assert mesh.euler_number == 2
        assert mesh.volume > 1e-4  # outward winding; the handle, the smallest part, has 1.2e-3


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_no_part_crosses_itself(scene: Scene) -> None:
    assert [crossings(part) for part in parts(scene())] == [0] * len(parts(scene()))


def test_the_crossing_test_sees_crossings() -> None:
    ball = Mesh.icosphere(1)
    pushed = ball.vertices.clone()
    pushed[0] *= -1.5  # a vertex through the opposite side
    assert crossings(ball) == 0
    assert crossings(ball.with_vertices(pushed)) > 0


# --- the airplane ------------------------------------------------------------------------------------------------


def test_the_airplane_is_symmetric_and_looks_like_one() -> None:
    mesh = airplane()
    vertices = mesh.vertices.double().numpy()
    mirrored, _ = cKDTree(vertices).query(vertices * [-1, 1, 1])
    assert mirrored.max() < 1e-6
    length, span, height = 2 * vertices[:, 2].max(), 2 * vertices[:, 0].max(), 2 * vertices[:, 1].max()
    assert 0.85 < span / length < 1
    assert 0.25 < height / length < 0.35
    top, front = silhouette(mesh, 1), silhouette(mesh, 2)
    width = np.array([row.sum() for row in top])  # by z, from tail to nose
    rows = np.flatnonzero(width)
    tail, wings, nose = np.array_split(width[rows], 3)
    assert wings.max() > 2 * tail.max() > 4 * nose.mean()
    # Seen from the front it is thin: wings and tailplane as lines, a round body, the fin above.
    assert 0.05 < front.sum() / (np.ptp(np.flatnonzero(front.any(0))) * np.ptp(np.flatnonzero(front.any(1)))) < 0.4


# --- the teapot --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("resolution", [2, 3, 5, 9])
def test_teapots_of_any_resolution_are_closed(resolution: int) -> None:
    mesh = teapot(resolution)
    assert mesh.n_faces == 64 * resolution**2 + 8 * resolution
    assert mesh.n_vertices == 32 * resolution**2 + 4 * resolution + 6
    assert mesh.to_trimesh().is_watertight
    assert all(part.to_trimesh().volume > 0 for part in parts(mesh))


def test_the_teapots_proportions_are_the_published_ones() -> None:
    # The control points span 6.434 (x, with the spout's curve), 3.15 (height) and 4 (across, the body's radius is 2).
    vertices = teapot(10).vertices.double().numpy()
    across, height, length = 2 * vertices[:, 2].max(), 2 * vertices[:, 1].max(), 2 * vertices[:, 0].max()
    assert height / across == pytest.approx(3.15 / 4, abs=1e-6)
    assert length / across == pytest.approx(6.434 / 4, abs=2e-4)  # the spout's tip, from a mesh of four digits
    assert vertices[:, 0].max() > 0
    spout = vertices[vertices[:, 0] > 0.4]
    handle = vertices[vertices[:, 0] < -0.4]
    assert spout[:, 1].mean() > 0.05  # the mouth is high up
    assert np.ptp(handle[:, 1]) > 0.1


@pytest.mark.parametrize("resolution", [1, 65, 6.0, True])
def test_the_resolution_is_checked(resolution: int) -> None:
    with pytest.raises(ValueError, match=r"resolution: expected an integer in \[2, 64\]"):
        teapot(resolution)


@pytest.mark.data
@pytest.mark.skipif(not DATA, reason="GENDR_DATA, the folder of real data, is not set")
def test_every_vertex_of_a_published_teapot_lies_on_ours() -> None:
    published = Mesh.load(Path(DATA, "meshes", "classic", "teapot_utah.obj"))  # ten segments along a patch
    ours = teapot(10).normalize().vertices.numpy()
    distance, _ = cKDTree(ours).query(published.normalize().vertices.numpy())
    assert distance.max() < 3e-6  # the published file has 6 digits: 5e-6 in units of 1 / 6.4


# --- the cow -----------------------------------------------------------------------------------------------------


def test_the_cow_is_symmetric_and_stands_on_four_legs() -> None:
    mesh = cow()
    vertices = mesh.vertices.double().numpy()
    mirrored, _ = cKDTree(vertices).query(vertices * [-1, 1, 1])
    assert mirrored.max() < 1e-6
    hooves = vertices[vertices[:, 1] < vertices[:, 1].min() + 0.05]
    for x, z in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        assert ((np.sign(hooves[:, 0]) == x) & (np.sign(hooves[:, 2] - hooves[:, 2].mean()) == z)).any()
    assert np.abs(hooves[:, 0]).min() > 0.02  # nothing between the legs
    assert vertices[vertices[:, 1].argmax(), 2] > 0.2  # the head is in front, and highest


def test_the_cow_is_spotted() -> None:
    textures = cow().face_textures()
    assert textures is not None
    middles = textures.sample(textures.uvs[0].mean(1), textures.map_of_face)
    white, brown = (middles.amin(1) > 0.8).double().mean(), (middles.amax(1) < 0.45).double().mean()
    assert white > 0.3
    assert brown > 0.2


def test_paint_is_where_its_points_are() -> None:
    sphere = Mesh.icosphere(2)
    mesh = painted(sphere, lambda points: 0.5 + 0.5 * points, resolution=5)
    textures = mesh.face_textures()
    assert textures is not None
    weights = torch.tensor([[1.0, 0, 0], [0.2, 0.5, 0.3], [0.1, 0.1, 0.8]])  # a linear colour is exact everywhere
    uv = torch.einsum("pk,fkx->fpx", weights, textures.uvs[0])
    got = textures.sample(uv, textures.map_of_face[:, None])
    want = 0.5 + 0.5 * torch.einsum("pk,fkx->fpx", weights, sphere.face_vertices()[0])
    assert torch.allclose(got, want, atol=1e-5)  # float32 coordinates of an image of 90 texels
    with pytest.raises(ValueError, match=r"resolution: expected an integer in \[2, 64\]"):
        painted(sphere, lambda points: points, resolution=1)


# --- the chair ---------------------------------------------------------------------------------------------------


def test_the_chair_is_symmetric_and_has_four_legs_a_seat_and_a_back() -> None:
    mesh = chair()
    vertices = mesh.vertices.double().numpy()
    mirrored, _ = cKDTree(vertices).query(vertices * [-1, 1, 1])
    assert mirrored.max() < 1e-6
    feet = vertices[vertices[:, 1] < vertices[:, 1].min() + 0.1]
    assert {(np.sign(x), np.sign(z)) for x, _, z in feet} == {(-1, -1), (-1, 1), (1, -1), (1, 1)}
    assert np.abs(feet[:, 0]).min() > 0.1  # nothing between the legs
    top = vertices[vertices[:, 1] > vertices[:, 1].max() - 0.1]
    assert top[:, 2].max() < -0.1  # the back stands behind
    side = silhouette(mesh, 0)
    rows = np.flatnonzero(side.any(1))
    low, middle, high = (side[rows[int(share * (len(rows) - 1))]].sum() for share in (0.2, 0.49, 0.8))
    assert middle > 2 * low > 2 * high > 0  # two legs, the whole seat, the thin back


# --- modelling ---------------------------------------------------------------------------------------------------


def cube() -> Cage:
    corners = [[x, y, z] for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)]
    return Cage(corners, [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)])


def test_catmull_clark_on_a_cube_matches_its_definition() -> None:
    smooth = np.array(cube().smooth().points)
    # Corners: F = 1/3, R = 2/3, P = 1 per coordinate, so (1/3 + 4/3 + 0) / 3; edges: the mean of two ends and two face
    # centres, (2 (1, 1, 0) + (1, 0, 0) + (0, 1, 0)) / 4; faces: their centres.
    assert np.allclose(np.abs(smooth[:8]), 5 / 9)
    assert np.allclose(np.sort(np.abs(smooth[8:20]), axis=1), [0, 0.75, 0.75])
    assert np.allclose(np.sort(np.abs(smooth[20:]), axis=1), [0, 0, 1])
    volumes = [cage.triangles().to_trimesh().volume for cage in (cube(), cube().smooth(), cube().smooth().smooth())]
    assert pytest.approx(volumes[0]) == 8
    assert volumes[0] > volumes[1] > volumes[2] > 2


def test_pulling_a_face_adds_its_prism() -> None:
    cage = cube()
    grid = np.array([[4, 5], [6, 7]])  # the side x = 1
    assert quads(grid) == [(4, 6, 7, 5)]
    moved = cage.pull(grid, np.array(cage.points)[grid] + [3.0, 0, 0])
    cage.pull(moved, np.array(cage.points)[moved] + [1.0, 0, 0])
    mesh = cage.triangles().to_trimesh()
    assert mesh.is_watertight
    assert mesh.euler_number == 2
    assert mesh.volume == pytest.approx(8 + 4 * 4)
    with pytest.raises(ValueError, match="not in list"):
        cage.pull(grid, np.zeros((2, 2, 3)))
