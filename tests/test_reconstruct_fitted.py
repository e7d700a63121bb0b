"""Meshes fitted to all silhouettes of boxes: near to them, and nearer where the surface is kept small."""

from __future__ import annotations

import pytest
import torch

from gendr.tools.arguments import BAD_ARGUMENTS
from gendr.tools.reconstruct.fitted import Fitted, agreement, every_object
from gendr.tools.reconstruct.settings import Settings
from gendr.tools.shapes.layout import ShapeData
from reconstruct_data import write_boxes


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # tensors this small are quicker alone
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def boxes(tmp_path_factory):
    return write_boxes(tmp_path_factory.mktemp("fitted") / "boxes", ["val"])


def test_a_small_surface_spans_the_lids_that_no_silhouette_shows(boxes):
    data = ShapeData(boxes, "chair,table", "val")
    common = {"model": "modern", "lr": "2e-2:1e-3", "tau": "1e-4:3e-5", "steps": 200}
    loose, tight = (
        agreement(data, Settings(tuple(data.classes), tuple(data.counts), area=area, **common)) for area in (0.0, 0.1)
    )
    assert all(0.8 < iou < tight[name] < 1.0 for name, iou in loose.items())
    assert tight["table"] > loose["table"] + 0.02


def test_every_object_is_drawn_once():
    drawn = every_object([2, 3], seed=1, step=4)
    assert drawn.numbers([2, 3]).tolist() == [0, 1, 2, 3, 4]
    assert every_object([2, 3], seed=1, step=5).views.tolist() != drawn.views.tolist()


def test_the_table(boxes, capsys):
    assert Fitted(boxes, area=(0.0, 0.2), classes="chair", steps=2, objects=1).run() == 0
    told = capsys.readouterr().out
    assert "| area 0 | 0." in told
    assert "| area 0.2 | 0." in told


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"objects": 0}, "objects: expected"),
        ({"area": (-1.0,)}, "area: expected"),
        ({"area": ()}, "area: expected one"),
    ],
)
def test_bad_arguments(boxes, capsys, changes, text):
    with pytest.raises(SystemExit) as stop:
        Fitted(boxes, classes="chair", **changes).run()
    assert stop.value.code == BAD_ARGUMENTS
    assert text in capsys.readouterr().err
