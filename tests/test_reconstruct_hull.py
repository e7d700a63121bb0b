"""Visual hulls hold their objects, and whatever no silhouette denies."""

from __future__ import annotations

import pytest
import torch

from gendr import Mesh
from gendr.tools.arguments import BAD_ARGUMENTS
from gendr.tools.reconstruct.hull import Hull, agreement, visual_hull
from gendr.tools.shapes.layout import ShapeData
from gendr.tools.shapes.voxels import voxelise
from reconstruct_data import box, pictures, write_boxes


def hull_of(mesh):
    return visual_hull(pictures(mesh, (1.0, 1.0, 1.0))[:, 3].numpy())


@pytest.mark.parametrize("size", [(0.3, 0.6, 0.3), (0.7, 0.2, 0.5)])
def test_a_hull_holds_its_object_and_little_else_of_a_convex_one(size):
    mesh = box(size)
    truth, found = voxelise(mesh.vertices[None], mesh.faces)[0], hull_of(mesh)
    assert found[truth].double().mean() > 0.97
    assert found.sum() < 1.35 * truth.sum()  # from above, the ground below stays hidden


def test_what_lies_below_is_never_seen():
    """All views are from above: a bowl turned over looks as if it were full, and its hull is."""
    ball = Mesh.icosphere(3, radius=0.4).vertices
    is_above = ball[:, 1:2] > 0
    bowl = Mesh.icosphere(3).with_vertices(torch.where(is_above, ball, ball * torch.tensor([0.8, -0.8, 0.8])))
    truth, found = voxelise(bowl.vertices[None], bowl.faces)[0], hull_of(bowl)
    assert found[truth].double().mean() > 0.85  # voxels that the surface only touches are half outside
    assert found.sum() > 1.5 * truth.sum()


def test_the_rows(tmp_path, capsys):
    folder = write_boxes(tmp_path / "boxes", ["test"])
    rows = agreement(ShapeData(folder, "chair,table", "test"), 1)
    assert list(rows) == ["visual hull of 24 views", "share of the object within"]
    assert all(0.7 < value <= 1.0 for row in rows.values() for value in row.values())
    assert Hull(folder, classes="chair,table", objects=1).run() == 0
    assert "| visual hull of 24 views | 0." in capsys.readouterr().out


@pytest.mark.parametrize(("objects", "folder", "text"), [(0, "", "objects: expected"), (1, "none", "none")])
def test_bad_arguments(tmp_path, capsys, objects, folder, text):
    with pytest.raises(SystemExit) as stop:
        Hull(tmp_path / folder, objects=objects).run()
    assert stop.value.code == BAD_ARGUMENTS
    assert text in capsys.readouterr().err
