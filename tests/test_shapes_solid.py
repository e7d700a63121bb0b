"""Bodies that things are built of: closed, turned outwards, with the volume that their formula says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import trimesh

from gendr.tools.shapes.procedural.solid import Solid, assembled, ball, box, lathe, loft, prism, rod, rounded_box, tube

SOLIDS = {
    "box": (box(1, 2, 3), 6.0),
    "prism": (prism([[0, 0], [2, 0], [0, 1]], 0.5), 0.5),
    "rod": (rod([0, 0, 0], [1, 2, 2], 0.1), 3 * 5 * np.sin(2 * np.pi / 10) * 0.01),
    "cone": (rod([0, 0, 0], [0, 0, 3], [0.2, 0.1]), 5 * np.sin(2 * np.pi / 10) * (0.04 + 0.02 + 0.01)),
    "lathe": (lathe([[0.5, 0], [0.5, 2]], sides=6), 2 * 3 * np.sin(np.pi / 3) * 0.25),
    "mirrored": (box(1, 1, 1).moved(x=3).mirrored(), 1.0),
    "stretched": (box(1, 1, 1).scaled(2, 3, 0.5).turned("y", 30), 3.0),
}


def closed(solid: Solid) -> trimesh.Trimesh:
    return trimesh.Trimesh(solid.points, solid.faces, process=False)


@pytest.mark.parametrize("name", SOLIDS)
def test_a_solid_has_the_volume_of_its_formula(name: str) -> None:
    solid, volume = SOLIDS[name]
    surface = closed(solid)
    assert surface.is_watertight
    assert surface.is_winding_consistent
    assert surface.volume == pytest.approx(volume, rel=1e-9)


def test_round_solids_lie_within_their_box_and_are_closed() -> None:
    for solid in (rounded_box(1, 2, 0.6, 0.2), ball(1, 2, 0.6)):
        surface = closed(solid)
        assert surface.is_watertight
        assert 0.45 * 1.2 < surface.volume < 1.2  # pi / 6 of the box, less for the sixteen sides
        assert np.ptp(solid.points, axis=0) == pytest.approx([1, 2, 0.6], rel=0.01)


def test_a_bent_tube_is_closed_and_as_thick_as_it_says() -> None:
    bend = np.linspace(0, np.pi / 2, 40)
    solid = tube(np.stack([np.cos(bend), np.sin(bend), 0 * bend], 1), 0.05, sides=40)
    assert closed(solid).volume == pytest.approx(np.pi / 2 * np.pi * 0.05**2, rel=0.01)


def test_a_loft_that_runs_the_other_way_is_inside_out() -> None:
    sections = np.array([[[0, 0, z], [1, 0, z], [0, 1, z]] for z in (0.0, 1.0)])
    assert closed(loft(list(sections))).volume == pytest.approx(0.5)
    assert closed(loft(list(sections[::-1]))).volume == pytest.approx(-0.5)


def test_parts_are_framed_together() -> None:
    mesh = assembled([box(1, 1, 1), box(1, 1, 1).moved(5, 2, 1)])
    low, high = mesh.vertices.amin(0), mesh.vertices.amax(0)
    torch.testing.assert_close(low, -high)
    assert float((high - low).norm()) == pytest.approx(1.0, rel=1e-6)
