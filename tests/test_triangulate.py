"""Polygons to triangles: every point of a polygon is covered once, whatever its shape and place in space."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gendr.render.formats import MeshError
from gendr.render.formats.triangulate import triangulate


def _areas(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = (points[triangles[:, k], :2] for k in range(3))
    ab, ac = b - a, c - a
    return (ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]) / 2


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(st.floats(0.1, 1.0), min_size=3, max_size=14), st.integers(0, 13), st.floats(-3, 3))
def test_star_shaped_polygons_are_covered_exactly_once(radii: list[float], start: int, tilt: float) -> None:
    angles = 2 * np.pi * np.arange(len(radii)) / len(radii)
    flat = np.stack([radii * np.cos(angles), radii * np.sin(angles), 0 * angles], axis=1)
    flat = np.roll(flat, start, axis=0)
    rotation = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    n = len(flat)
    triangles = triangulate(flat @ rotation.T, np.array([n]), np.arange(n))
    assert triangles.shape == (n - 2, 3)
    following = np.roll(flat, -1, axis=0)
    area = (flat[:, 0] * following[:, 1] - flat[:, 1] * following[:, 0]).sum() / 2
    areas = _areas(flat, triangles)
    # No triangle is turned over and the areas add up: together they cover each point once. Bound: rounding of O(1).
    assert (areas > -1e-12).all()
    assert areas.sum() == pytest.approx(area, abs=1e-12)


def test_polygons_without_an_answer_become_fans() -> None:
    line = np.array([[k, 2.0 * k, 0] for k in range(5)])
    bow_tie = np.array([[0.0, 0, 0], [1, 1, 0], [1, 0, 0], [0, 1, 0]])
    assert triangulate(line, np.array([5]), np.arange(5)).shape == (3, 3)
    assert triangulate(bow_tie, np.array([4]), np.arange(4)).shape == (2, 3)
    assert triangulate(np.zeros((6, 3)), np.array([6]), np.arange(6)).shape == (4, 3)
    assert triangulate(bow_tie * 1e-300, np.array([4]), np.arange(4)).shape == (2, 3)


def test_corners_on_an_edge_do_not_make_empty_triangles() -> None:
    square = np.array([[0, 0.5, 0], [0, 0, 0], [0.5, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    for start in range(6):
        points = np.roll(square, start, axis=0)
        assert (_areas(points, triangulate(points, np.array([6]), np.arange(6))) > 0.01).all()


def test_polygons_too_large_to_cut_are_refused_and_convex_ones_are_not() -> None:
    angles = np.linspace(0, 2 * np.pi, 5000, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    assert triangulate(circle, np.array([5000]), np.arange(5000)).shape == (4998, 3)
    circle[::2] *= 0.5
    with pytest.raises(MeshError, match="5000 corners is not convex"):
        triangulate(circle, np.array([5000]), np.arange(5000))
