"""Results appear whole or not at all, never mixed with others; an interrupted fit keeps what it has."""

import json
import os
import signal
import subprocess
import sys

import pytest

from gendr.render import Mesh
from gendr.tools.fit.command import FILES
from gendr.tools.interrupt import Interrupt
from gendr.tools.output_folder import checked_folder, staged

COMMAND = (sys.executable, "-m", "gendr.cli", "fit")


def test_new_and_empty_folders_may_be_written(tmp_path):
    (tmp_path / "empty").mkdir()
    for name in ("empty", "new", "new/deeper"):
        checked_folder(tmp_path / name, FILES, overwrite=False)
        with staged(tmp_path / name) as stage:
            (stage / "metrics.json").write_text(name)
        assert (tmp_path / name / "metrics.json").read_text() == name
        (tmp_path / name / "metrics.json").unlink()


def test_results_are_only_replaced_on_request_and_as_a_whole(tmp_path):
    out = tmp_path / "out"
    with staged(out) as stage:
        (stage / "result.obj").write_text("old")
        (stage / "loss.png").write_text("old")
    with pytest.raises(ValueError, match="out: expected a new or empty folder, or --overwrite"):
        checked_folder(out, FILES, overwrite=False)
    checked_folder(out, FILES, overwrite=True)
    with staged(out) as stage:
        (stage / "result.obj").write_text("new")
    assert os.listdir(out) == ["result.obj"]
    assert (out / "result.obj").read_text() == "new"
    assert os.listdir(tmp_path) == ["out"]


def test_foreign_files_and_files_in_the_way_are_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ValueError, match=r"which holds thesis.tex"):
        checked_folder(tmp_path, FILES, overwrite=True)
    with pytest.raises(ValueError, match="out: expected a folder, got the file"):
        checked_folder(tmp_path / "thesis.tex", FILES, overwrite=True)


def test_an_error_leaves_the_old_results_and_nothing_else(tmp_path):
    out = tmp_path / "out"
    with staged(out) as stage:
        (stage / "result.obj").write_text("old")

    def fail():
        with staged(out) as stage:
            (stage / "result.obj").write_text("new")
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        fail()
    assert (out / "result.obj").read_text() == "old"
    assert os.listdir(tmp_path) == ["out"]


def test_the_second_signal_ends_the_program():
    before = signal.getsignal(signal.SIGTERM)
    with Interrupt() as interrupt:
        assert not interrupt.seen
        signal.raise_signal(signal.SIGTERM)
        assert interrupt.seen
        with pytest.raises(SystemExit) as stop:
            signal.raise_signal(signal.SIGTERM)
        assert stop.value.code == 130
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_fit_keeps_what_it_has(tmp_path, number):
    out = tmp_path / "out"
    size = ("--views", "2", "--image-size", "16", "--steps", "2500")  # a line every 250 steps
    process = subprocess.Popen(
        (*COMMAND, "--target", "teapot", *size, "--out", str(out)), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("step "):
            break
    process.send_signal(number)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted after step" in rest
    assert sorted(os.listdir(out)) == sorted(FILES)
    assert os.listdir(tmp_path) == ["out"]
    figures = json.loads((out / "metrics.json").read_text())
    assert figures["interrupted"] is True
    assert 250 <= figures["steps"] == len(figures["history"]["loss"]) < 2500
    assert Mesh.load(out / "result.obj").n_vertices == 642
