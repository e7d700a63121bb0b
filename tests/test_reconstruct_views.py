"""The view that the network tells: part of the loss, of a run's state, and what refinement goes by."""

from __future__ import annotations

import math

import pytest
import torch

from gendr import cli
from gendr.render.losses import hard_iou
from gendr.tools.reconstruct.command import launched
from gendr.tools.reconstruct.model import build
from gendr.tools.reconstruct.norm import GatheredBatchNorm2d
from gendr.tools.reconstruct.objective import MultiView
from gendr.tools.reconstruct.predict import Trained, load_run
from gendr.tools.reconstruct.refine import SHARP, Refiner
from gendr.tools.reconstruct.run import Run
from gendr.tools.reconstruct.settings import Settings
from gendr.tools.shapes.layout import VIEWS, ShapeData
from reconstruct_data import write_boxes

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of lightning's and tensorboard's own imports


@pytest.fixture(scope="module")
def boxes(tmp_path_factory):
    return write_boxes(tmp_path_factory.mktemp("boxes"))


@pytest.fixture(scope="module")
def data(boxes):
    return ShapeData(boxes, "chair,table", "train")


def begun(folder, data, **changes):
    options = {"model": "modern", "lr": "1e-3", "steps": 60, "batch": 4, **changes}
    settings = Settings(tuple(data.classes), tuple(data.counts), **options)
    torch.set_num_threads(1)
    return Run(folder, settings, data, launched("cpu", 1, 1), resume=True)


def test_the_loss_has_the_views_cross_entropy_in_it(data, tmp_path):
    plain, telling = begun(tmp_path / "plain", data), begun(tmp_path / "telling", data, tell_views=0.5)
    first, other = plain.advance(), telling.advance()
    assert other["iou"] == first["iou"]
    assert other["loss"] - first["loss"] == pytest.approx(0.5 * math.log(VIEWS), rel=0.2)  # fresh weights know nothing


def test_views_can_be_learnt(data):
    torch.manual_seed(0)
    torch.set_num_threads(1)
    network = build("modern", tells_views=True)
    views = torch.tensor([0, 1, 2, 3, 4, 5])
    images = torch.from_numpy(data.images("chair")[0][views].copy()).float() / 255
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    for _ in range(40):
        missed = torch.nn.functional.cross_entropy(network(images, True)[1], views)
        optimizer.zero_grad()
        missed.backward()
        optimizer.step()
    assert missed < 0.5


def test_going_on_comes_to_the_same_bits(data, tmp_path):
    whole, first = begun(tmp_path / "whole", data, tell_views=0.1), begun(tmp_path / "parts", data, tell_views=0.1)
    for _ in range(4):
        whole.advance()
    for _ in range(2):
        first.advance()
    first.save()
    second = begun(tmp_path / "parts", data, tell_views=0.1)
    for _ in range(2):
        second.advance()
    assert all(value.equal(whole.network.state_dict()[name]) for name, value in second.network.state_dict().items())
    assert load_run(tmp_path / "parts").network.views is not None


@pytest.mark.parametrize("view", [2, 17])
def test_refinement_goes_by_the_told_view(boxes, view):
    torch.manual_seed(0)
    torch.set_num_threads(1)
    network = build("modern", tells_views=True)
    torch.nn.init.normal_(network.decoder.last.weight, std=0.02)
    torch.nn.init.zeros_(network.views.weight)
    network.views.bias.data[view] = 1.0
    for norm in (layer for layer in network.modules() if isinstance(layer, GatheredBatchNorm2d)):
        norm.momentum = 1.0
    network(torch.rand(8, 4, 64, 64))  # statistics, without which the features are all but 0
    network.eval()
    settings = Settings(("03001627",), (2,), "modern", tau="1e-4:3e-5", tell_views=0.1)
    images = torch.from_numpy(ShapeData(boxes, "chair", "test").images("chair")[:, 7].copy()).float() / 255
    trained, objective = Trained(settings, 1, {}, network), MultiView(network.template, settings)
    at = torch.full((len(images),), view)
    before, after = (
        hard_iou(objective.render(vertices, at, SHARP), images[:, 3])
        for vertices in (trained.vertices(images), Refiner(trained, 30).vertices(images))
    )
    assert (after > before).all()


def test_a_negative_weight(boxes, tmp_path, capsys):
    words = ["train", "--data", str(boxes), "--out", str(tmp_path / "run"), "--classes", "chair", "--tell-views", "-1"]
    assert cli.main(words) == 2
    assert "tell_views: expected a number in [0, inf), got -1" in capsys.readouterr().err
