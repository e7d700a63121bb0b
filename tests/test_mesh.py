"""The mesh value object: what it accepts, what it says when it does not, and that everything is differentiable."""

from __future__ import annotations

import importlib.util
import math
import sys
from dataclasses import FrozenInstanceError

import pytest
import torch
import trimesh
from torch import Tensor

from gendr.render.mesh import Mesh
from gendr.render.subdivision import icosphere, split_faces


def tetrahedron(dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    vertices = torch.tensor([[0, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 4]], dtype=dtype)
    return vertices, torch.tensor([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]])


# --- what is checked ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vertices", "faces", "message"),
    [
        (torch.zeros(42, 3), torch.zeros(12, 4), "faces: expected int64 [F, 3], got float32 [12, 4]"),
        (torch.zeros(42, 3), torch.zeros(12, 3).int(), "faces: expected int64 [F, 3], got int32 [12, 3]"),
        (torch.zeros(42, 3), torch.zeros(3, dtype=torch.int64), "faces: expected int64 [F, 3], got int64 [3]"),
        (torch.zeros(42, 2), torch.zeros(1, 3).long(), "vertices: expected float32 or float64"),
        (torch.zeros(42, 3).half(), torch.zeros(1, 3).long(), "got float16 [42, 3]"),
        (torch.zeros(3), torch.zeros(1, 3).long(), "vertices: expected float32 or float64"),
        (torch.zeros(2, 2, 4, 3), torch.zeros(1, 3).long(), "got float32 [2, 2, 4, 3]"),
        (torch.zeros(1, 3), torch.tensor([[0, 0, 1]]), "faces[0]: vertex index 1 is out of range for 1 vertices"),
        (torch.zeros(5, 3), torch.tensor([[0, 1, 2], [4, -1, 9]]), "faces[1]: vertex index -1 is out of range for 5"),
        (torch.tensor([[0, 0, 0], [0, math.nan, 1]]), torch.zeros(0, 3).long(), "vertices[1]: expected finite"),
        (torch.full((2, 4, 3), math.inf), torch.zeros(0, 3).long(), "vertices[0, 0]: expected finite coordinates, got"),
    ],
)
def test_bad_arguments_say_name_wanted_and_got(vertices: Tensor, faces: Tensor, message: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 (the message is compared below)
        Mesh(vertices, faces)
    assert message in str(raised.value)


def test_the_index_is_named_with_its_face() -> None:
    faces = torch.zeros(18, 3, dtype=torch.int64)
    faces[17, 1] = 99
    with pytest.raises(ValueError, match=r"^faces\[17\]: vertex index 99 is out of range for 42 vertices$"):
        Mesh(torch.zeros(42, 3), faces)


def test_what_is_no_tensor_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="faces: expected a tensor"):
        Mesh(torch.zeros(3, 3), [[0, 1, 2]])  # type: ignore[arg-type]


def test_a_mesh_is_frozen_and_keeps_its_tensors() -> None:
    vertices, faces = tetrahedron()
    mesh = Mesh(vertices, faces)
    assert mesh.vertices is vertices
    assert mesh.faces is faces
    with pytest.raises(FrozenInstanceError):
        mesh.vertices = vertices  # type: ignore[misc]
    assert (mesh.n_vertices, mesh.n_faces, mesh.is_batched) == (4, 4, False)
    assert hash(mesh) != hash(Mesh(vertices, faces))


def test_a_mesh_without_faces_is_a_mesh() -> None:
    empty = Mesh(torch.zeros(0, 3), torch.zeros(0, 3, dtype=torch.int64))
    assert empty.face_vertices().shape == (1, 0, 3, 3)


# --- corners, batches, devices -----------------------------------------------------------------------------------


def test_face_vertices_are_the_corners() -> None:
    vertices, faces = tetrahedron()
    corners = Mesh(vertices, faces).face_vertices()
    assert corners.shape == (1, 4, 3, 3)
    for f in range(4):
        for k in range(3):
            assert torch.equal(corners[0, f, k], vertices[faces[f, k]])


def test_batches_share_faces_and_have_items() -> None:
    vertices, faces = tetrahedron()
    batch = Mesh(torch.stack([vertices, 2 * vertices, vertices + 1]), faces)
    assert batch.face_vertices().shape == (3, 4, 3, 3)
    assert torch.equal(batch[1].face_vertices()[0], batch.face_vertices()[1])
    assert torch.equal(batch[-1].vertices, vertices + 1)
    with pytest.raises(IndexError):
        batch[3]
    with pytest.raises(TypeError, match="no batch"):
        batch[0][0]
    for convert in (batch.to_trimesh, batch.to_open3d, lambda: batch.save("x.obj")):
        with pytest.raises(ValueError, match=r"got a batch of 3: use mesh\[i\]"):
            convert()


def test_face_vertices_gradient_counts_the_faces_of_each_vertex() -> None:
    mesh = Mesh.icosphere(2, dtype=torch.float64)
    vertices = torch.stack([mesh.vertices] * 2).requires_grad_()
    mesh.with_vertices(vertices).face_vertices().sum().backward()
    valence = torch.bincount(mesh.faces.reshape(-1)).double()
    assert vertices.grad is not None
    assert torch.equal(vertices.grad, valence.view(1, -1, 1).expand(2, -1, 3))


def test_gradients_are_the_same_bits_for_any_number_of_threads() -> None:
    mesh = Mesh.icosphere(4)
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(4, mesh.n_faces, 3, 3, generator=generator)
    threads, seen = torch.get_num_threads(), []
    try:
        for n in (1, 2, 3, 2):
            torch.set_num_threads(n)
            vertices = torch.stack([mesh.vertices] * 4).requires_grad_()
            (mesh.with_vertices(vertices).face_vertices() * weights).sum().backward()
            seen.append(vertices.grad)
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(seen[0], other) for other in seen[1:])  # type: ignore[arg-type]


@pytest.mark.parametrize("batch", [(), (2,)])
@pytest.mark.parametrize("size", ["side", "diagonal"])
def test_normalize_and_face_vertices_pass_gradcheck(batch: tuple[int, ...], size: str) -> None:
    _, faces = tetrahedron()
    generator = torch.Generator().manual_seed(3)
    vertices = torch.randn(*batch, 4, 3, dtype=torch.float64, generator=generator).requires_grad_()
    function = lambda v: Mesh(v, faces).normalize(size).face_vertices()  # noqa: E731
    assert torch.autograd.gradcheck(function, (vertices,))
    assert torch.autograd.gradgradcheck(function, (vertices,))


def test_with_vertices_checks_the_vertices_and_keeps_the_faces() -> None:
    vertices, faces = tetrahedron()
    mesh = Mesh(vertices, faces)
    assert mesh.with_vertices(vertices.double()).faces is faces
    with pytest.raises(ValueError, match=r"vertices: expected 4 vertices, as the mesh has, got float32 \[5, 3\]"):
        mesh.with_vertices(torch.zeros(5, 3))
    with pytest.raises(ValueError, match="finite"):
        mesh.with_vertices(vertices / 0)
    with pytest.raises(ValueError, match="float32 or float64"):
        mesh.with_vertices(vertices.long())


def test_meshes_work_under_vmap_func_grad_and_compile() -> None:
    mesh = Mesh.icosphere(1, dtype=torch.float64)

    def area(vertices: Tensor) -> Tensor:
        a, b, c = mesh.with_vertices(vertices * 2).normalize().face_vertices()[0].unbind(dim=1)
        return torch.linalg.cross(b - a, c - a).norm(dim=1).sum() / 2

    several = torch.stack([mesh.vertices, mesh.vertices * torch.tensor([1.0, 2.0, 3.0])])
    one_by_one = torch.stack([area(v) for v in several])
    assert torch.allclose(torch.func.vmap(area)(several), one_by_one, rtol=1e-14)
    assert torch.allclose(torch.compile(area, backend="eager", fullgraph=True)(several[1]), one_by_one[1], rtol=1e-14)
    vertices = several[1].clone().requires_grad_()
    area(vertices).backward()
    assert torch.allclose(torch.func.grad(area)(several[1]), vertices.grad, atol=1e-14)  # type: ignore[arg-type]


def test_to_changes_dtype_and_device_together() -> None:
    mesh = Mesh(*tetrahedron())
    assert mesh.to(dtype=torch.float64).vertices.dtype == torch.float64
    assert mesh.to(dtype=torch.float64).faces.dtype == torch.int64
    assert mesh.to("cpu").vertices.device.type == "cpu"
    vertices = mesh.vertices.clone().requires_grad_()
    mesh.with_vertices(vertices).to(dtype=torch.float64).vertices.sum().backward()
    assert torch.equal(vertices.grad, torch.ones(4, 3))  # type: ignore[arg-type]


# --- normalisation -----------------------------------------------------------------------------------------------


def test_normalize_fits_the_unit_box() -> None:
    vertices, faces = tetrahedron(torch.float64)
    unit = Mesh(vertices * 7 + 100, faces).normalize()
    assert torch.allclose(unit.vertices.amin(0), torch.tensor([-0.125, -0.25, -0.5]).double(), atol=1e-14)
    assert torch.allclose(unit.vertices.amax(0), torch.tensor([0.125, 0.25, 0.5]).double(), atol=1e-14)
    shapenet = Mesh(vertices, faces).normalize("diagonal").vertices
    assert torch.linalg.norm(shapenet.amax(0) - shapenet.amin(0)).item() == pytest.approx(1, abs=1e-14)


def test_normalize_treats_each_mesh_of_a_batch_alone() -> None:
    vertices, faces = tetrahedron(torch.float64)
    batch = Mesh(torch.stack([vertices, 5 * vertices - 3]), faces).normalize()
    assert torch.allclose(batch.vertices[0], batch.vertices[1], atol=1e-14)
    assert torch.allclose(batch.vertices[0], Mesh(vertices, faces).normalize().vertices, atol=1e-14)


def test_normalize_is_idempotent() -> None:
    once = Mesh(*tetrahedron(torch.float64)).normalize()
    assert torch.allclose(once.normalize().vertices, once.vertices, atol=1e-15)


@pytest.mark.parametrize("vertices", [torch.zeros(0, 3), torch.ones(4, 3)])
def test_normalize_needs_an_extent(vertices: Tensor) -> None:
    with pytest.raises(ValueError, match="vertices: expected"):
        Mesh(vertices, torch.zeros(0, 3, dtype=torch.int64)).normalize()
    with pytest.raises(ValueError, match="size: expected one of side, diagonal"):
        Mesh(*tetrahedron()).normalize("radius")


# --- the icosphere -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", range(5))
def test_icosphere_is_a_closed_sphere(level: int) -> None:
    vertices, faces = icosphere(level)
    assert vertices.shape == (10 * 4**level + 2, 3)
    assert faces.shape == (20 * 4**level, 3)
    assert torch.allclose(vertices.norm(dim=1), torch.ones(len(vertices)).double(), atol=1e-15)
    mesh = Mesh(vertices, faces).to_trimesh()
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.euler_number == 2
    # Outward winding makes the volume positive; it lies between those of the inscribed and the circumscribed ball.
    a, b, c = vertices[faces].unbind(dim=1)
    normals = torch.linalg.cross(b - a, c - a)
    inradius = ((normals / normals.norm(dim=1, keepdim=True)) * a).sum(1).min().item()
    assert inradius > 1 - 0.21 * 3**-level  # 0.795 at level 0; the gap shrinks by 3.1 at first and by 4 in the limit
    assert inradius**3 < mesh.volume / (4 / 3 * math.pi) < 1
    valences = torch.bincount(faces.reshape(-1))
    assert sorted(valences.unique().tolist()) == ([5] if level == 0 else [5, 6])
    assert (valences == 5).sum() == 12


def test_icosphere_of_level_3_has_642_vertices() -> None:
    mesh = Mesh.icosphere(3, radius=0.5)
    assert repr(mesh) == "Mesh(vertices=float32 [642, 3], faces=[1280, 3])"
    assert torch.allclose(mesh.vertices.norm(dim=1), torch.tensor(0.5))
    assert Mesh.icosphere(0).n_vertices == 12


@pytest.mark.parametrize("level", [-1, 9, 2.0, True])
def test_icosphere_rejects_other_levels(level: int) -> None:
    with pytest.raises(ValueError, match=r"level: expected an integer in \[0, 8\]"):
        Mesh.icosphere(level)
    with pytest.raises(ValueError, match="radius"):
        Mesh.icosphere(0, radius=0.0)


def test_split_faces_keeps_area_and_winding() -> None:
    vertices, faces = tetrahedron(torch.float64)
    edges, split = split_faces(faces, 4)
    assert len(edges) == 6
    finer = Mesh(torch.cat([vertices, vertices[edges].mean(dim=1)]), split).to_trimesh()
    coarse = Mesh(vertices, faces).to_trimesh()
    assert finer.is_watertight
    assert finer.volume == pytest.approx(coarse.volume, rel=1e-14)
    assert finer.area == pytest.approx(coarse.area, rel=1e-14)


def test_split_faces_keeps_the_order_of_faces() -> None:
    """The four parts of face i are faces 4i to 4i + 3, the one that touches all its edges last."""
    vertices, faces = icosphere(1)
    edges, split = split_faces(faces, len(vertices))
    parts = split.view(len(faces), 4, 3)
    for i, face in enumerate(faces):
        middles = {len(vertices) + e for e, edge in enumerate(edges) if set(edge.tolist()) <= set(face.tolist())}
        assert set(parts[i, 3].tolist()) == middles
        assert [part[0] for part in parts[i, :3].tolist()] == face.tolist()


# --- other libraries ---------------------------------------------------------------------------------------------


def test_trimesh_round_trip() -> None:
    mesh = Mesh.icosphere(2)
    there = mesh.to_trimesh()
    back = Mesh.from_trimesh(there)
    assert torch.equal(back.vertices, mesh.vertices)
    assert torch.equal(back.faces, mesh.faces)
    there.vertices[0] = 9
    assert torch.equal(back.vertices, mesh.vertices)
    with pytest.raises(TypeError, match=r"mesh: expected trimesh.Trimesh, got Scene"):
        Mesh.from_trimesh(trimesh.Scene())


def test_open3d_missing_names_the_extra_and_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "open3d", None)
    for call in (Mesh.icosphere(0).to_open3d, lambda: Mesh.from_open3d(None)):
        with pytest.raises(ImportError, match=r"gendr\[open3d\].*libusb-1\.0-0"):
            call()


@pytest.mark.skipif(importlib.util.find_spec("open3d") is None, reason="the extra open3d is not installed")
@pytest.mark.filterwarnings("default")  # open3d's own
def test_open3d_round_trip() -> None:
    mesh = Mesh.icosphere(2)
    there = mesh.to_open3d()
    assert there.is_watertight()
    back = Mesh.from_open3d(there)
    assert torch.equal(back.vertices, mesh.vertices)
    assert torch.equal(back.faces, mesh.faces)
    with pytest.raises(TypeError, match=r"mesh: expected open3d\.geometry\.TriangleMesh, got Mesh"):
        Mesh.from_open3d(mesh)
