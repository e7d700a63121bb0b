"""Edges, hinges and neighbours against their definitions, by brute force on small random face lists."""

import pytest
import torch
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from gendr._edges import unique_edges
from gendr.render.topology import MeshTopology

N = 7
FACE_LISTS = st.lists(
    st.tuples(*[st.integers(0, N - 1)] * 3), max_size=14
)  # degenerate, duplicate, non-manifold, holes


def as_faces(faces):
    return torch.tensor(faces, dtype=torch.int64).reshape(-1, 3)


def pairs(face):
    return {frozenset(p) for p in ((face[0], face[1]), (face[1], face[2]), (face[2], face[0])) if p[0] != p[1]}


@settings(deadline=None, max_examples=150)
@given(FACE_LISTS)
def test_edges_are_the_set_of_the_faces_sides(faces):
    expected = sorted(sorted(edge) for edge in set().union(*(pairs(face) for face in faces)))
    assert unique_edges(as_faces(faces), N).tolist() == expected


@settings(deadline=None, max_examples=150)
@given(FACE_LISTS)
def test_hinges_are_the_edges_of_exactly_two_faces(faces):
    owners = {}
    for face in faces:
        if len(set(face)) == 3:
            for edge in pairs(face):
                owners.setdefault(edge, []).append((set(face) - edge).pop())
    expected = sorted((*sorted(edge), *sorted(thirds)) for edge, thirds in owners.items() if len(thirds) == 2)
    hinges = MeshTopology.from_faces(as_faces(faces), N).hinges.tolist()
    assert [(a, b, *sorted((c, d))) for a, b, c, d in hinges] == expected


@settings(deadline=None, max_examples=150)
@given(FACE_LISTS)
def test_laplacian_is_the_distance_to_the_mean_of_the_neighbours(faces):
    topology = MeshTopology.from_faces(as_faces(faces), N)
    vertices = torch.randn(2, N, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    around = {i: set() for i in range(N)}
    for a, b in unique_edges(as_faces(faces), N).tolist():
        around[a].add(b)
        around[b].add(a)
    for i, others in around.items():
        expected = vertices[:, i] - vertices[:, sorted(others)].mean(1) if others else torch.zeros(2, 3).double()
        torch.testing.assert_close(topology.laplacian(vertices)[:, i], expected, atol=1e-14, rtol=0)
        assert topology.valence[i] == len(others)


def test_a_closed_surface_obeys_euler():
    sphere = trimesh.creation.icosphere(subdivisions=3)
    topology = MeshTopology.from_faces(torch.tensor(sphere.faces.tolist()), len(sphere.vertices))
    vertices, edges, faces = topology.n_vertices, len(topology.edges), len(topology.faces)
    assert vertices - edges + faces == 2
    assert len(topology.hinges) == edges == 3 * faces // 2
    assert topology.valence.sum() == 2 * edges


def test_to_keeps_everything():
    topology = MeshTopology.from_faces(torch.tensor([[0, 1, 2]]), 4)
    moved = topology.to("cpu")
    assert torch.equal(moved.laplacian(torch.eye(4, 3)), topology.laplacian(torch.eye(4, 3)))
    assert moved.n_vertices == 4


@pytest.mark.parametrize(
    "faces", [[[0, 1, 4]], [[0, -1, 2]], [[0, 1]], [[0.0, 1.0, 2.0]]], ids=["too large", "negative", "shape", "dtype"]
)
def test_wrong_faces_are_named(faces):
    with pytest.raises((ValueError, TypeError), match="faces"):
        MeshTopology.from_faces(torch.tensor(faces), 4)


def test_wrong_vertices_are_named():
    topology = MeshTopology.from_faces(torch.tensor([[0, 1, 2]]), 4)
    with pytest.raises((ValueError, TypeError), match="vertices"):
        topology.laplacian(torch.zeros(3, 3))
