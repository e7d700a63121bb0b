"""Runs: killed and gone on with to the same bits, in two processes, refused, stopped by numbers that are not finite."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors.torch import load_file

from gendr import cli
from gendr.tools.reconstruct.settings import Settings
from gendr.tools.reconstruct.state import States
from gendr.tools.reconstruct.train import COLUMNS
from gendr.tools.training import Log
from reconstruct_data import write_boxes

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of lightning's and tensorboard's own imports
STEPS = 8


@pytest.fixture(scope="module")
def boxes(tmp_path_factory):
    return write_boxes(tmp_path_factory.mktemp("boxes"), ["train"])


def arguments(data, out, **changes):
    options = {
        "data": data, "out": out, "classes": "chair,table", "model": "modern", "lr": "1e-3:1e-4", "steps": STEPS,
        "batch": 2, "every": 1, "save-every": 1, "threads": 1, "accelerator": "cpu",
    }  # fmt: skip
    options.update({name.replace("_", "-"): value for name, value in changes.items()})
    return ["train", *(word for name, value in options.items() for word in (f"--{name}", str(value)))]


@pytest.fixture(scope="module")
def whole(boxes, tmp_path_factory):
    """A run without interruption."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    assert cli.main(arguments(boxes, out)) == 0
    return out


def process(words, *prefix):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    command = [sys.executable, *prefix, "-m", "gendr.cli", *words]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def rows(out):
    return [row[:-1] for row in Log.read(out / "log.csv", COLUMNS)]  # the last column is time


def tensors(out):
    return load_file(States(out / "states").latest() / "state.safetensors")


def test_a_killed_run_goes_on_to_the_same_bits(boxes, whole, tmp_path, capsys):
    out = tmp_path / "run"
    child = process(arguments(boxes, out))
    deadline = time.monotonic() + 120
    while not (latest := States(out / "states").latest()) or latest.name < "step_00000003":
        assert child.poll() is None, child.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    assert States(out / "states").latest().name < f"step_{STEPS:08d}"
    assert cli.main([*arguments(boxes, out), "--resume"]) == 0
    ours, theirs = tensors(out), tensors(whole)
    assert ours.keys() == theirs.keys()
    assert not [name for name in ours if not torch.equal(ours[name], theirs[name])]
    assert rows(out) == rows(whole)
    assert not list((out / "states").glob(".*"))  # what the kill left half written is gone
    assert any((out / "tensorboard").iterdir())


def test_a_folder_of_another_run_is_left_alone(boxes, whole, tmp_path, capsys):
    out = tmp_path / "run"
    shutil.copytree(whole, out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert cli.main([*arguments(boxes, out, lr="1e-2"), "--resume"]) == 2
    assert "resume: expected the settings of the run" in (said := capsys.readouterr().err)
    assert "lr='1e-3:1e-4'" in said
    assert said.count("\n") == 1
    assert cli.main(arguments(boxes, out)) == 2
    assert "expected a new or empty folder, or --resume" in capsys.readouterr().err
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").touch()
    assert cli.main([*arguments(boxes, tmp_path / "other"), "--resume"]) == 2
    assert "which holds thesis.tex" in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_numbers_that_are_not_finite_name_the_batch(boxes, whole, tmp_path, capsys):
    out = tmp_path / "run"
    assert cli.main(arguments(boxes, out, lr="1e30", clip=1e30)) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "of chair " in said or "of table " in said
    assert "views" in said
    assert "are not finite" in said
    assert all(value.isfinite().all() for value in tensors(out).values() if value.is_floating_point())


def test_another_runs_weights_are_where_it_begins(boxes, whole, tmp_path, capsys):
    out = tmp_path / "later"
    barely = {"lr": "1e-30", "steps": 2, "batch": 1}
    assert cli.main(arguments(boxes, out, **barely, **{"from": whole})) == 0
    assert f"from {whole}, step {STEPS}" in capsys.readouterr().out
    ours, theirs = tensors(out), tensors(whole)
    moving = ("running_mean", "running_var", "num_batches_tracked")  # of the images, whatever the step size
    learnt = [name for name in ours if name.startswith("model/") and not name.endswith(moving)]
    assert len(learnt) > 40
    # A weight of exactly 0 shows even two steps of 1e-30.
    assert not [name for name in learnt if not torch.allclose(ours[name], theirs[name], rtol=0.0, atol=3e-30)]
    # What it began with is no setting of the run: it goes on without.
    assert cli.main([*arguments(boxes, out, **barely), "--resume"]) == 0


@pytest.mark.parametrize(
    ("begin", "model", "text"),
    [
        ("whole", "published", "from: expected a run of the published network"),
        ("none", "modern", "run: expected a fold"),
    ],
)
def test_what_cannot_be_begun_with(boxes, whole, tmp_path, capsys, begin, model, text):
    begin = {"whole": whole, "none": tmp_path / "none"}[begin]
    assert cli.main(arguments(boxes, tmp_path / "run", model=model, **{"from": begin})) == 2
    assert text in (said := capsys.readouterr().err)
    assert said.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda state: (state / "state.safetensors").write_bytes(b"x" * 100), "expected a safetensors file, whole"),
        (lambda state: (state / "run.json").write_text('{"step": 1}'), "expected the state of a run"),
        (lambda state: (state / "run.json").write_text("{"), "expected the state of a run"),
    ],
)
def test_damaged_states(whole, boxes, tmp_path, capsys, damage, text):
    out = tmp_path / "run"
    shutil.copytree(whole, out)
    damage(States(out / "states").latest())
    assert cli.main([*arguments(boxes, out), "--resume"]) == 2
    assert text in (said := capsys.readouterr().err)
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"classes": "chair,lamp"}, "a file of lamp"),
        ({"steps": 0}, "steps: expected"),
        ({"every": 0}, "every: expected at least 1"),
        ({"model": "huge"}, "published"),
        ({"distribution": "bell"}, "bell"),
    ],
)
def test_bad_arguments(boxes, tmp_path, capsys, changes, text):
    assert cli.main(arguments(boxes, tmp_path / "run", **changes)) == 2
    assert text in (said := capsys.readouterr().err)
    assert said.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_truncated_archive(boxes, tmp_path, capsys):
    shutil.copytree(boxes, tmp_path / "data")
    file = next((tmp_path / "data").glob("*_train_images.npz"))
    file.write_bytes(file.read_bytes()[:5000])
    assert cli.main(arguments(tmp_path / "data", tmp_path / "run")) == 2
    assert "expected an npz file, whole" in capsys.readouterr().err


def test_more_steps_may_be_asked_for_where_no_schedule_has_noticed():
    run = Settings(("02691156",), (200,), steps=1000)
    longer = Settings(("02691156",), (200,), steps=2000)
    assert run.same_until(longer, 600) is None
    assert run.same_until(longer, 601) == "steps=1000"


def test_missing_packages_are_named(boxes, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    assert cli.main(arguments(boxes, tmp_path / "run")) == 2
    assert "pip install 'gendr[train]'" in capsys.readouterr().err
