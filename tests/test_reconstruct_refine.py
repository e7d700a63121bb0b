"""Refinement: the view is found, the silhouette comes nearer, nothing depends on the other images, the commands."""

from __future__ import annotations

import json

import pytest
import torch

from gendr import Mesh, cli
from gendr.render.losses import hard_iou, soft_iou
from gendr.tools.reconstruct.model import build
from gendr.tools.reconstruct.norm import GatheredBatchNorm2d
from gendr.tools.reconstruct.objective import MultiView
from gendr.tools.reconstruct.predict import Trained
from gendr.tools.reconstruct.refine import SHARP, Refiner, likeliest_views
from gendr.tools.reconstruct.settings import Settings
from gendr.tools.shapes.layout import ShapeData
from reconstruct_data import write_boxes

SETTINGS = Settings(("03001627",), (2,), "modern", tau="1e-4:3e-5")


@pytest.fixture(scope="module")
def boxes(tmp_path_factory):
    return write_boxes(tmp_path_factory.mktemp("boxes"))


@pytest.fixture(scope="module")
def trained():
    """A network that has learnt nothing, whose features move its mesh."""
    torch.manual_seed(0)
    network = build("modern")
    torch.nn.init.normal_(network.decoder.last.weight, std=0.02)
    for norm in (layer for layer in network.modules() if isinstance(layer, GatheredBatchNorm2d)):
        norm.momentum = 1.0
    network(torch.rand(8, 4, 64, 64))  # statistics, without which the features are all but 0
    return Trained(SETTINGS, 1, {}, network.eval())


@pytest.fixture(scope="module")
def images(boxes):
    return torch.from_numpy(ShapeData(boxes, "chair", "test").images("chair")[:, 3].copy()).float() / 255


def test_the_view_is_found():
    ball = Mesh.icosphere(3, radius=0.2)
    # a nose towards +z and an ear towards +x: no two views look alike
    nose = ball.vertices * (1 + (ball.vertices[:, 2:] > 0.19) + 0.5 * (ball.vertices[:, :1] > 0.18))
    objective = MultiView(ball, SETTINGS)
    views = torch.tensor([0, 5, 11, 17, 23])
    alphas = objective.render(nose.expand(5, -1, -1), views, SHARP)
    found = likeliest_views(objective, nose.expand(5, -1, -1), alphas, 3)
    assert torch.equal(found[0], views)
    assert all(len(set(column)) == 3 for column in found.T.tolist())


def test_silhouettes_come_nearer(trained, images):
    objective, first = MultiView(trained.network.template, SETTINGS), trained.vertices(images)
    (views,) = likeliest_views(objective, first, images[:, 3])
    before, after = (hard_iou(objective.render(vertices, views, SHARP), images[:, 3])
                     for vertices in (first, Refiner(trained, 30, views=1).vertices(images)))  # fmt: skip
    assert (after > before + 0.05).all()


def test_the_view_that_explains_the_image_best_is_kept(trained, images):
    """Of all views tried none is better in the end than the one that is kept; one alone is worse for some images."""
    objective, alphas = MultiView(trained.network.template, SETTINGS), images[:, 3]
    free = {"steps": 10, "hold": 0.0}
    tried = likeliest_views(objective, trained.vertices(images), alphas, 4)

    def agreement(views):
        meshes = Refiner(trained, **free, views=views).vertices(images)
        return torch.stack([soft_iou(objective.render(meshes, view, 3e-5), alphas) for view in tried]).amax(0)

    one, four = agreement(1), agreement(4)
    assert (four > one - 0.02).all()  # the loss before the last step chooses
    assert (four > one + 0.01).any()


def test_no_steps_and_no_freedom_change_nothing(trained, images):
    first = trained.vertices(images)
    assert torch.equal(Refiner(trained, 0).vertices(images), first)
    held = Refiner(trained, 30, hold=1e6).vertices(images)
    free = Refiner(trained, 30, hold=0.0).vertices(images)
    assert (held - first).abs().max() < 0.3 * (free - first).abs().max()


def test_an_image_does_not_depend_on_its_company(trained, images):
    together = Refiner(trained, 5).vertices(images)
    alone = torch.cat([Refiner(trained, 5).vertices(image[None]) for image in images])
    # Adam's first steps are as long for a gradient of mere rounding as for any other
    assert torch.allclose(together, alone, atol=2e-3)
    assert (together[0] - together[1]).abs().max() > 0.05


def test_numbers_out_of_range(trained):
    with pytest.raises(ValueError, match="steps: expected"):
        Refiner(trained, -1)
    with pytest.raises(ValueError, match="lr: expected"):
        Refiner(trained, 1, lr=0.0)
    with pytest.raises(ValueError, match="views: expected"):
        Refiner(trained, 1, views=25)


def test_bfloat16_is_near_float32(images):
    torch.manual_seed(0)
    wide, narrow = build("modern").eval(), build("modern", "bfloat16").eval()
    narrow.load_state_dict(wide.state_dict())
    exact, rounded = wide.features(images), narrow.features(images)
    assert rounded.dtype == torch.float32
    assert not torch.equal(exact, rounded)
    # 20 layers of numbers with 8 bits
    assert (exact - rounded).norm() < 0.03 * exact.norm()
    assert all(weights.dtype == torch.float32 for weights in narrow.parameters())
    with pytest.raises(ValueError, match="precision: expected one of float32, bfloat16"):
        build("modern", "float16")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of lightning's and tensorboard's own imports
def test_the_commands(boxes, tmp_path, capsys):
    run = tmp_path / "run"
    words = ["train", "--data", str(boxes), "--out", str(run), "--classes", "chair", "--model", "modern"]
    words += ["--steps", "2", "--precision", "bfloat16", "--batch", "2", "--threads", "1", "--accelerator", "cpu"]
    assert cli.main(words) == 0
    assert cli.main(["train", "eval", str(run), "--views", "1", "--refine", "2"]) == 0
    found = json.loads((run / "eval_test" / "metrics.json").read_text())
    assert list(found["iou"]) == ["modern, step 2", "modern, step 2, refined in 2", "nearest training silhouette"]
    assert found["settings"]["precision"] == "bfloat16"
    assert cli.main(["train", "eval", str(run), "--refine", "-1"]) == 2
    assert "refine: expected" in capsys.readouterr().err
