"""Tables of several runs: rows and seeds, gone on with where they were left, and what each row changes."""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch

from gendr.tools.reconstruct import compare
from gendr.tools.reconstruct.compare import Compare, summary
from gendr.tools.reconstruct.contenders import RECIPE, RENDERERS, TABLES, Contender
from gendr.tools.reconstruct.first import First
from gendr.tools.reconstruct.model import build
from gendr.tools.reconstruct.published import Encoder
from gendr.tools.shapes.layout import ShapeData
from reconstruct_data import write_boxes

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of lightning's and tensorboard's own imports

TWO = (Contender("sharp", {"tau": "1e-5"}), Contender("half", {"tau": "1e-3"}, 0.5))


@pytest.fixture(scope="module")
def boxes(tmp_path_factory):
    return write_boxes(tmp_path_factory.mktemp("data") / "boxes")


def small(boxes, out, **changes):
    asked = Compare(boxes, out, classes="chair,table", steps=2, batch=1, views=1, seeds=(3, 4), threads=1)
    return dataclasses.replace(asked, **changes)


def test_a_table_of_two_rows_and_seeds(boxes, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(TABLES, "renderers", TWO)
    out = tmp_path / "out"
    assert small(boxes, out, seeds=(3,)).run() == 0
    one = json.loads((out / "results.json").read_text())["runs"]
    trained, train = [], compare.train
    monkeypatch.setattr(compare, "train", lambda run, **options: trained.append(run.step) or train(run, **options))
    assert small(boxes, out).run() == 0
    both = json.loads((out / "results.json").read_text())["runs"]
    assert list(both) == [f"{label}, seed {seed}" for seed in (3, 4) for label in ("sharp", "half")]
    assert [both[name]["steps"] for name in both] == [2, 1, 2, 1]
    assert {name: both[name] for name in one} == one
    assert trained == [2, 1, 0, 0]  # those of the first seed were done
    table = (out / "table.md").read_text().splitlines()
    assert table == capsys.readouterr().out.splitlines()[-4:]
    assert table[0] == "| | Steps | CPU s | boxes |"
    assert table[2].count(" ± ") == table[3].count(" ± ") == 1
    mean = sum(sum(both[f"half, seed {seed}"]["iou"]["boxes"].values()) / 2 for seed in (3, 4)) / 2
    assert f"| {mean:.4f} ± " in table[3]


def test_other_settings_are_refused(boxes, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(TABLES, "renderers", TWO[:1])
    assert small(boxes, tmp_path, seeds=(3,)).run() == 0
    for changes, told in (({"lr": "1e-2"}, "resume: expected"), ({"seeds": (1, 1)}, "seeds: expected"),
                          ({"objects": 0}, "objects: expected"), ({"views": 25}, "views: expected")):  # fmt: skip
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            small(boxes, tmp_path, **{"seeds": (3,), **changes}).run()
        assert stop.value.code == 2
        assert told in (said := capsys.readouterr().err)
        assert said.count("\n") == 1


def test_the_first_objects(boxes):
    data = ShapeData(boxes, "chair,table", "test")
    first = First(data, 1)
    assert (first.names, first.counts) == (data.names, [1, 1])
    assert (first.images("chair") == data.images("chair")[:1]).all()
    assert first.voxels("table").shape == (1, 32, 32, 32)


def test_one_seed_has_no_deviation():
    scores = {"a, seed 5": {"seconds": 1.0, "steps": 3, "iou": {"x": {"chair": 0.25}, "y": {"chair": 0.5}}}}
    assert summary([Contender("a")], (5,), scores).splitlines()[2] == "| a | 3 | 1 | 0.2500 | 0.5000 |"


@pytest.mark.parametrize("contender", [*RENDERERS, *RECIPE], ids=lambda contender: contender.label)
def test_rows_are_settings_that_differ(contender):
    common = {"model": "modern", "augment": True, "tau": "1e-4:3e-5", "lr": "1e-3:1e-5"}
    plain = Contender("").settings(("02691156",), (1,), 100, **common)
    settings = contender.settings(("02691156",), (1,), 100, **common)
    differing = {name for name, value in settings.plain().items() if value != plain.plain()[name]}
    assert differing - {"steps"} <= set(contender.changes)
    assert differing or not contender.changes


def test_parts_of_the_modern_network():
    plain, smooth = build("modern-plain"), build("modern")
    assert torch.equal(plain.decoder.smoothing, torch.eye(642))
    assert not torch.equal(smooth.decoder.smoothing, torch.eye(642))
    assert isinstance(build("modern-convolutions").encoder, Encoder)
