"""Normals against loops in numpy and trimesh, in their invariances, and on surfaces that have none."""

import numpy as np
import pytest
import torch
import trimesh
from hypothesis import given
from hypothesis import strategies as st

from gendr import Mesh
from gendr.render.normals import corner_normals, face_normals, unit, vertex_normals

WEIGHTINGS = ["angle", "area"]
DTYPES = [torch.float32, torch.float64]


def bumpy_sphere(level=1, dtype=torch.float64):
    sphere = Mesh.icosphere(level, dtype=torch.float64)
    return (sphere.vertices * (0.7 + 0.5 * torch.rand(sphere.n_vertices, 1, dtype=torch.float64))).to(
        dtype
    ), sphere.faces


def by_hand(vertices, faces, weighting):
    """The definition, corner by corner."""
    total = np.zeros(vertices.shape)
    for face in faces:
        for k in range(3):
            at, a, b = (vertices[face[(k + i) % 3]] for i in range(3))
            normal = np.cross(a - at, b - at)
            cosine = (a - at) @ (b - at) / np.linalg.norm(a - at) / np.linalg.norm(b - at)
            weight = np.arccos(cosine) / np.linalg.norm(normal) if weighting == "angle" else 1.0
            total[face[k]] += weight * normal
    return total / np.linalg.norm(total, axis=1, keepdims=True)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_vertex_normals_are_the_weighted_sums(weighting):
    vertices, faces = bumpy_sphere()
    normals = vertex_normals(vertices, faces, weighting)
    # Some dozen roundings of numbers of size 1; arccos near 0 and pi is kept off by the shape.
    np.testing.assert_allclose(normals.numpy(), by_hand(vertices.numpy(), faces.numpy(), weighting), atol=1e-13)


def test_angle_weights_and_face_normals_are_trimesh_s():
    vertices, faces = bumpy_sphere(2)
    other = trimesh.Trimesh(vertices.numpy(), faces.numpy(), process=False)
    np.testing.assert_allclose(face_normals(vertices[faces]).numpy(), other.face_normals, atol=1e-12)
    expected = trimesh.geometry.weighted_vertex_normals(
        len(vertices), other.faces, other.face_normals, other.face_angles
    )
    np.testing.assert_allclose(vertex_normals(vertices, faces).numpy(), expected, atol=1e-12)


def test_angle_weights_do_not_depend_on_the_triangulation():
    """A cube's corner normals are its diagonals, however its squares are cut; the area's are not."""
    cube = trimesh.creation.box()
    vertices, faces = torch.tensor(cube.vertices.tolist()), torch.tensor(cube.faces.tolist())
    diagonals = vertices / vertices.norm(dim=1, keepdim=True)
    torch.testing.assert_close(vertex_normals(vertices, faces), diagonals)
    assert not torch.allclose(vertex_normals(vertices, faces, "area"), diagonals, atol=1e-3)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("factor", [1e-15, 1.0, 1e15])
def test_motion_and_scale(weighting, factor):
    vertices, faces = bumpy_sphere(1, torch.float32)
    rotation = torch.linalg.qr(torch.randn(3, 3))[0]
    rotation = rotation * torch.linalg.det(rotation).sign()
    normals = vertex_normals(vertices, faces, weighting)
    torch.testing.assert_close(vertex_normals(vertices @ rotation * factor, faces, weighting), normals @ rotation)
    torch.testing.assert_close(vertex_normals(vertices, faces.flip(1), weighting), -normals)
    assert ((normals * vertices).sum(1) > 0).all()  # outwards


@pytest.mark.parametrize("thickness", [1e-5, 1e-12, 1e-17])
@pytest.mark.parametrize("turn", [0, 1, 2])
def test_needles_keep_their_normal(thickness, turn):
    needle = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.6 * thickness, 0.8 * thickness]]).roll(turn, 0)
    torch.testing.assert_close(face_normals(needle[None])[0], torch.tensor([0.0, -0.8, 0.6]))
    for weighting in WEIGHTINGS:
        normals = vertex_normals(needle, torch.tensor([[0, 1, 2]]), weighting)
        torch.testing.assert_close(normals, torch.tensor([0.0, -0.8, 0.6]).expand(3, 3))


def test_faces_of_very_different_sizes_have_their_say_where_they_are_alone():
    large = torch.tensor([[0.0, 0, 0], [1e6, 0, 0], [0, 1e6, 0]])
    small = torch.tensor([[0.0, 0, 0], [0, 1e-9, 0], [0, 0, 1e-9]])
    faces = torch.tensor([[0, 1, 2], [3, 4, 5]])
    for weighting in WEIGHTINGS:
        normals = vertex_normals(torch.cat((large, small)), faces, weighting)
        torch.testing.assert_close(normals, torch.eye(3)[[2, 2, 2, 0, 0, 0]])


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_derivatives(weighting):
    vertices, faces = bumpy_sphere(0)
    vertices.requires_grad_()
    assert torch.autograd.gradcheck(lambda v: vertex_normals(v, faces, weighting), vertices)
    assert torch.autograd.gradcheck(lambda v: corner_normals(v, faces, False), vertices)
    assert torch.autograd.gradgradcheck(lambda v: vertex_normals(v, faces, weighting)[:3], vertices)
    batch = torch.stack((vertices, 2 * vertices.flip(1))).detach().requires_grad_()
    assert torch.autograd.gradcheck(lambda v: corner_normals(v, faces[:4], True, weighting), batch)


def test_unit_has_derivatives():
    vectors = (torch.randn(5, 3, dtype=torch.float64) * torch.tensor([1e-6, 1.0, 3.0])).requires_grad_()
    assert torch.autograd.gradcheck(unit, vectors, eps=1e-9, atol=1e-4)
    assert torch.autograd.gradgradcheck(lambda v: unit(v * 3.0), torch.rand(2, 3).double().requires_grad_())


def test_batches_and_corners():
    vertices, faces = bumpy_sphere()
    batch = torch.stack((vertices, vertices**3, 1 - vertices))
    for weighting in WEIGHTINGS:
        together = vertex_normals(batch, faces, weighting)
        assert torch.equal(together, torch.stack([vertex_normals(v, faces, weighting) for v in batch]))
        assert torch.equal(corner_normals(batch, faces, True, weighting), together[:, faces])
    flat = corner_normals(batch, faces, smooth=False)
    assert torch.equal(flat, face_normals(batch[:, faces])[:, :, None].expand(-1, -1, 3, -1))
    assert corner_normals(vertices, faces).shape == (1, 80, 3, 3)
    torch.testing.assert_close(torch.func.vmap(lambda v: vertex_normals(v, faces))(batch), vertex_normals(batch, faces))


def test_the_same_bits_for_any_number_of_threads():
    vertices, faces = bumpy_sphere(4, torch.float32)
    batch = torch.stack((vertices, vertices.flip(1))).requires_grad_()
    weights = torch.randn(2, len(vertices), 3)
    results = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        normals = vertex_normals(batch, faces)
        results.append((normals, *torch.autograd.grad((normals * weights).sum(), batch)))
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


DEGENERATE = {
    "a point": torch.zeros(12, 3),
    "a line": torch.linspace(0, 1, 12)[:, None] * torch.tensor([1.0, 2.0, 3.0]),
    "half of it a point": torch.rand(12, 3) * (torch.arange(12) > 5)[:, None],
    "a needle": torch.rand(12, 3) * torch.tensor([1.0, 1e-7, 1e-9]),
    "tiny": torch.rand(12, 3) * 1e-22,
    "subnormal": torch.rand(12, 3) * 1e-40,
    "huge": torch.rand(12, 3) * 1e30,
}


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("shape", DEGENERATE)
@pytest.mark.parametrize("dtype", DTYPES)
def test_degenerate_meshes_stay_finite(weighting, shape, dtype):
    faces = bumpy_sphere(0)[1]
    vertices = DEGENERATE[shape].clone().to(dtype).requires_grad_()
    for normals in (vertex_normals(vertices, faces, weighting), face_normals(vertices[faces])):
        (gradient,) = torch.autograd.grad(normals.sum(), vertices)
        assert gradient.isfinite().all()
        length = normals.norm(dim=-1)
        assert (((length - 1).abs() < 1e-6) | (length == 0)).all()
    if shape in ("a point", "subnormal") and dtype == torch.float32:
        assert not gradient.any()


def test_where_there_is_no_normal():
    """Isolated vertices, two sheets back to back, faces that repeat a vertex: 0, and no gradient."""
    vertices = torch.rand(5, 3).requires_grad_()
    for faces in ([[0, 1, 2], [0, 2, 1]], [[0, 0, 1], [1, 2, 2]]):
        for weighting in WEIGHTINGS:
            normals = vertex_normals(vertices, torch.tensor(faces), weighting)
            assert not normals.any()
            assert not torch.autograd.grad(normals.sum(), vertices)[0].any()
    assert not vertex_normals(vertices, torch.zeros(0, 3, dtype=torch.int64)).any()
    assert vertex_normals(torch.zeros(2, 0, 3), torch.zeros(0, 3, dtype=torch.int64), "area").shape == (2, 0, 3)


coordinates = st.floats(-1.0, 1.0, width=32) | st.sampled_from([0.0, 1e-8, -1e-8, 1e-30])


@given(st.lists(coordinates, min_size=12, max_size=12), st.sampled_from([1.0, 1e-12, 1e12]))
def test_any_finite_tetrahedron_has_finite_normals(numbers, scale):
    faces = torch.tensor([[0, 1, 2], [0, 3, 1], [1, 3, 2], [2, 3, 0]])
    for dtype in DTYPES:
        vertices = (torch.tensor(numbers, dtype=dtype).view(4, 3) * scale).requires_grad_()
        for weighting in WEIGHTINGS:
            normals = vertex_normals(vertices, faces, weighting)
            (gradient,) = torch.autograd.grad(normals.sum(), vertices)
            assert normals.isfinite().all()
            assert normals.norm(dim=1).max() < 1 + 1e-6
            assert gradient.isfinite().all()


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("vectors", lambda: unit(torch.zeros(3, 2))),
        ("least", lambda: unit(torch.zeros(3), -1.0)),
        ("face_vertices", lambda: face_normals(torch.zeros(3, 2))),
        ("vertices", lambda: vertex_normals(torch.zeros(1, 1, 4, 3), torch.tensor([[0, 1, 2]]))),
        ("vertices", lambda: vertex_normals(torch.zeros(4, 3, dtype=torch.float16), torch.tensor([[0, 1, 2]]))),
        ("faces", lambda: vertex_normals(torch.zeros(4, 3), torch.tensor([[0, 1, 2]], dtype=torch.int32))),
        ("weighting", lambda: vertex_normals(torch.zeros(4, 3), torch.tensor([[0, 1, 2]]), "uniform")),
    ],
)
def test_wrong_arguments_are_named(name, call):
    with pytest.raises(ValueError, match=name):
        call()
