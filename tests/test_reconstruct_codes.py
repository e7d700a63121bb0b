"""Objects' codes: fitted alone, then learnt by the encoder while what they stand for stays as it is."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from gendr import cli
from gendr.tools.reconstruct.command import launched
from gendr.tools.reconstruct.predict import load_run
from gendr.tools.reconstruct.run import Run
from gendr.tools.reconstruct.settings import Settings
from gendr.tools.shapes.layout import ShapeData
from reconstruct_data import write_boxes

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of lightning's and tensorboard's own imports
CODES, STEPS = 3, 6


@pytest.fixture(scope="module")
def boxes(tmp_path_factory):
    return write_boxes(tmp_path_factory.mktemp("boxes"), ["train"])


@pytest.fixture(scope="module")
def data(boxes):
    return ShapeData(boxes, "chair,table", "train")


def begun(folder, data, **changes):
    options = {"model": "modern", "lr": "1e-3:1e-4", "steps": STEPS, "batch": 4, "codes": CODES, **changes}
    settings = Settings(tuple(data.classes), tuple(data.counts), **options)
    torch.set_num_threads(1)
    return Run(folder, settings, data, launched("cpu", 1, 1), resume=True)


def weights(run):
    return {name: value.clone() for name, value in run.network.state_dict().items()}


def moved(run, before):
    """Which parts of the network are no longer what they were."""
    return {name.partition(".")[0] for name, value in run.network.state_dict().items() if not value.equal(before[name])}


def test_first_codes_and_decoder_move_then_the_encoder_alone(data, tmp_path):
    run = begun(tmp_path, data)
    before = weights(run)
    for _ in range(CODES):
        run.advance()
    assert moved(run, before) == {"decoder", "codes"}
    wanted = run.network.of_objects(torch.arange(4))
    for _ in range(STEPS - CODES):
        before = weights(run)
        run.advance()
        assert moved(run, before) == {"encoder"}
    assert run.network.of_objects(torch.arange(4)).equal(wanted)


@pytest.mark.parametrize("at", [CODES - 1, CODES, CODES + 1])
def test_going_on_comes_to_the_same_bits(data, tmp_path, at):
    whole, first = begun(tmp_path / "whole", data), begun(tmp_path / "parts", data)
    for _ in range(STEPS):
        whole.advance()
    for _ in range(at):
        first.advance()
    first.save()
    second = begun(tmp_path / "parts", data)
    assert second.step == at
    for _ in range(STEPS - at):
        second.advance()
    assert not moved(second, weights(whole))


def test_each_part_of_a_run_has_the_whole_schedule(data):
    settings = Settings(tuple(data.classes), tuple(data.counts), lr="1e-3:1e-5", tau="1e-2:1e-4", steps=30, codes=10)
    for first, last in ((0, 9), (10, 29)):
        assert settings.rates(first) == pytest.approx((1e-3, 1e-2))
        assert settings.rates(last) == pytest.approx((1e-5, 1e-4))


def test_codes_become_the_objects_and_the_encoder_learns_them(data, tmp_path):
    run = begun(tmp_path, data, steps=70, codes=40)
    begin, *_, fitted = (run.advance()["iou"] for _ in range(40))
    far, *_, near = (run.advance()["loss"] for _ in range(30))
    assert begin < 0.75 < 0.85 < fitted
    assert near < 0.3 * far


def test_a_run_that_has_only_codes_predicts_nothing(data, tmp_path):
    run = begun(tmp_path, data)
    for _ in range(CODES):
        run.advance()
    run.save()
    with pytest.raises(
        ValueError, match="run: expected one whose encoder has learnt something, after step 3, got step 3"
    ):
        load_run(tmp_path)
    run.advance()
    run.save()
    assert load_run(tmp_path).vertices(torch.zeros(1, 4, 64, 64)).shape == (1, 642, 3)


def test_codes_out_of_range(boxes, data, tmp_path, capsys):
    settings = Settings(tuple(data.classes), tuple(data.counts), steps=10)
    with pytest.raises(ValueError, match="codes: expected"):
        dataclasses.replace(settings, codes=10)
    words = ["train", "--data", boxes, "--out", tmp_path / "run", "--classes", "chair,table", "--codes", -1]
    assert cli.main([str(word) for word in words]) == 2
    assert "codes: expected" in capsys.readouterr().err
