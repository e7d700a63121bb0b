"""Things made by chance: closed, oriented, of the size that the cameras expect, decided by seed and number alone."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from gendr.tools.shapes.categories import CLASS_IDS
from gendr.tools.shapes.procedural import CLASSES, thing

SOME = range(12)


def test_there_is_a_generator_for_every_class():
    assert set(CLASSES) == set(CLASS_IDS)


@pytest.mark.parametrize("name", list(CLASSES))
def test_things_of_a_class_are_made_of_closed_bodies(name):
    for number in range(20):
        for part in CLASSES[name](np.random.default_rng(number)):
            surface = trimesh.Trimesh(part.points, part.faces, process=False)
            assert surface.is_watertight, (name, number)
            assert surface.is_winding_consistent, (name, number)
            assert surface.volume > 0.0, (name, number)
            assert all(0.0 <= value <= 1.0 for value in part.colour), (name, number)


@pytest.mark.parametrize("name", list(CLASSES))
def test_things_are_solids(name):
    for number in SOME:
        mesh = thing(name, 1, number)
        points, faces = mesh.vertices.double().numpy(), mesh.faces.numpy()
        assert np.isfinite(points).all()
        assert 12 <= len(faces) <= 6000
        edges = np.concatenate([faces[:, pair] for pair in ([0, 1], [1, 2], [2, 0])])
        once = {(int(a), int(b)) for a, b in edges}
        assert len(once) == len(edges)  # no edge has two faces on the same side
        assert {(b, a) for a, b in once} == once  # and each has one on the other
        a, b, c = points[faces].transpose(1, 0, 2)
        assert (a * np.cross(b, c)).sum() > 0  # six times the volume: faces look outward
        low, high = points.min(0), points.max(0)
        # float32 of numbers below 1
        assert np.linalg.norm(high - low) == pytest.approx(1.0, abs=1e-5)
        assert np.abs(low + high).max() < 1e-5
        assert mesh.vertex_colors is not None
        assert 0 <= mesh.vertex_colors.min() <= mesh.vertex_colors.max() <= 1


@pytest.mark.parametrize("name", list(CLASSES))
def test_the_same_number_is_the_same_thing(name):
    first, again = thing(name, 1, 5), thing(name, 1, 5)
    assert np.array_equal(first.vertices.numpy(), again.vertices.numpy())
    assert np.array_equal(first.faces.numpy(), again.faces.numpy())
    others = [thing(name, seed, number).vertices for seed, number in ((1, 6), (2, 5))]
    for other in others:
        assert other.shape != first.vertices.shape or not np.allclose(other.numpy(), first.vertices.numpy(), atol=1e-3)
