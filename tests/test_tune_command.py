"""`gendr tune` from the command line: a folder that holds everything, goes on, and is never half-written."""

import csv
import json
import os
import runpy
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from optuna.trial import TrialState
from PIL import Image

from bench_sweeps import until
from gendr.cli import main
from gendr.render import save_cameras
from gendr.scenes import SCENES
from gendr.tools.fit import ring, silhouettes
from gendr.tools.renderer_file import load_renderer
from gendr.tools.tune.folder import claimed
from gendr.tools.tune.storage import storage_at
from gendr.tools.tune.tuning import FILES

SMALL = ["--target", "teapot", "--views", "3", "--image-size", "12", "--steps", "3"]
QUICK = ["--budget", "0.02", "--distribution", "gaussian()", "uniform()", "--t-conorm", "probabilistic"]


def states(folder):
    """The states of all trials in a folder's storage."""
    with storage_at(folder / "study.sqlite") as storage:
        return [t.state for study in storage.get_all_studies() for t in storage.get_all_trials(study._study_id)]


def test_it_ends_with_a_renderer_a_program_and_a_comparison(tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["tune", *SMALL, *QUICK, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "SoftRas as published: loss " in said
    assert f"wrote {', '.join(FILES)} to {out}" in said
    assert {path.name for path in out.iterdir()} >= set(FILES)
    saved = load_renderer(out / "renderer.json", "shape")
    assert saved.steps == 3
    held_out = {row["name"]: row for row in saved.origin["held_out"]}
    assert set(held_out) == {"tuned", "SoftRas as published", "SoftRas, softness and rate tuned", "without tuning"}
    published = held_out["SoftRas as published"]
    assert published["conditions"] >= 3
    low, high = published["behind"][1:]
    assert low <= published["loss"] - held_out["tuned"]["loss"] <= high
    assert published["renderer"] == "logistic(squared) + probabilistic, tau 1e-05, lr 0.2"
    rows = list(csv.DictReader((out / "trials.csv").read_text().splitlines()))
    assert rows[0]["distribution"] == saved.setting.distribution
    assert {row["distribution"] for row in rows} <= {"gaussian", "uniform"}
    assert str(saved.setting) in (out / "report.md").read_text()
    with Image.open(out / "trade_off.png") as picture:
        assert picture.size[0] > 400

    runpy.run_path(str(out / "renderer.py"), run_name="__main__")
    assert capsys.readouterr().out.startswith("IoU 0.")
    names = runpy.run_path(str(out / "renderer.py"))
    last = names["renderer"](2)
    assert (str(last.distribution), last.tau) == (saved.setting.distribution, saved.setting.tau[1])
    assert main(["fit", *SMALL, "--renderer", str(out / "renderer.json"), "--out", str(tmp_path / "fit")]) == 0

    before = rows
    assert main(["tune", *SMALL, *QUICK, "--out", str(out)]) == 0  # all of the budget is used: nothing is done again
    assert list(csv.DictReader((out / "trials.csv").read_text().splitlines())) == before


def test_poses_are_tuned_too(tmp_path, capsys):
    out = tmp_path / "out"
    words = ["--target", "chair", "--task", "pose", "--image-size", "12", "--steps", "4", *QUICK]
    assert main(["tune", *words, "--out", str(out)]) == 0
    capsys.readouterr()
    saved = load_renderer(out / "renderer.json", "pose")
    assert saved.setting.schedule == "log-linear"
    assert "more than 5 degrees off" in (out / "report.md").read_text()
    runpy.run_path(str(out / "renderer.py"), run_name="__main__")
    assert capsys.readouterr().out.endswith("of the poses within 5 degrees\n")
    assert main(["fit", *SMALL, "--renderer", str(out / "renderer.json"), "--out", str(tmp_path / "fit")]) == 2
    assert "task: expected shape" in capsys.readouterr().err


def test_masks_are_a_target(tmp_path):
    camera = ring(4)
    for place, mask in enumerate(silhouettes(SCENES["teapot"](), camera, 12)):
        Image.fromarray((255 * mask).byte().numpy()).save(tmp_path / f"{place}.png")
    save_cameras(tmp_path / "cameras.json", camera, [f"{place}.png" for place in range(4)])
    out = tmp_path.parent / f"{tmp_path.name}.out"
    assert main(["tune", "--target", str(tmp_path), "--steps", "2", *QUICK, "--out", str(out)]) == 0
    runpy.run_path(str(out / "renderer.py"), run_name="__main__")
    assert json.loads((out / "settings.json").read_text())["views"] == 4


TUNE = ["tune", *SMALL, "--out", "OUT"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["tune"], "Missing from gendr tune: --target STR, --out PATH"),
        ([*TUNE, "--budget", "0"], "budget: expected a number in (0, 1e+06], got 0.0"),
        ([*TUNE, "--budget", "-3"], "budget: expected"),
        ([*TUNE, "--budget", "nan"], "budget: expected"),
        ([*TUNE, "--distribution", "logistics"], "distribution: expected one of"),
        ([*TUNE, "--distribution", "gamma(p=-1)"], "p: expected a number in (0, 100]"),
        ([*TUNE, "--distribution", "heaviside"], "distribution: expected one with a softness to search"),
        ([*TUNE, "--distribution"], "distribution: expected at least one to search"),
        ([*TUNE, "--t-conorm"], "t_conorm: expected at least one to search"),
        ([*TUNE, "--t-conorm", "yagers"], "t_conorm: expected one of"),
        ([*TUNE, "--steps", "0"], "steps: expected a number in [1, inf)"),
        ([*TUNE, "--held-out", "2"], "held-out: expected a number in [3, 1000]"),
        ([*TUNE, "--views", "0"], "views: expected a number in [1, 10000]"),
        ([*TUNE, "--seed", "-1"], "seed: expected"),
        ([*TUNE, "--task", "sleep"], "Expected one of ('shape', 'pose')"),
        ([*TUNE, "--task", "pose"], "views: expected nothing for the task pose"),
        (["tune", "--task", "pose", "--target", ".", "--out", "OUT"], "target: expected a mesh for the task pose"),
        (["tune", "--task", "pose", "--target", "chair", "--steps", "0", "--out", "OUT"], "steps: expected"),
        (["tune", "--target", "missing.obj", "--out", "OUT"], "missing.obj"),
        (["tune", "--target", "BROKEN.obj", "--out", "OUT"], "BROKEN.obj"),
        (["tune", "--target", "teapot", "--out", "BROKEN.obj"], "out: expected a folder, got the file BROKEN.obj"),
        (["tune", "--target", "teapot", "--out", "."], "out: expected a new or empty folder, or one of gendr tune"),
    ],
)
def test_bad_arguments_get_one_line_and_nothing_is_written(words, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "BROKEN.obj").write_text("v 0 0 zero\nf 1 1 1\n")
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("gendr")
    assert told in captured.err
    assert [path.name for path in tmp_path.iterdir()] == ["BROKEN.obj"]


def test_a_folder_belongs_to_its_settings_and_to_one_process(tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["tune", *SMALL, *QUICK, "--out", str(out)]) == 0
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.suffix in (".json", ".md")}
    for more, told in (
        (["--steps", "4"], "where steps is 3, not 4"),
        (["--target", "chair"], "where target is "),
        (["--seed", "1"], "where seed is 0, not 1"),
        (["--t-conorm", "einstein"], 'where t_conorms is ["probabilistic"], not ["einstein"]'),
    ):
        capsys.readouterr()
        assert main(["tune", *SMALL, *QUICK, *more, "--out", str(out)]) == 2
        assert told in capsys.readouterr().err
    with claimed(out, json.loads((out / "settings.json").read_text())):
        assert main(["tune", *SMALL, *QUICK, "--out", str(out)]) == 2
    assert "in which no other process works" in capsys.readouterr().err
    (out / "settings.json").write_text("{}")
    assert main(["tune", *SMALL, *QUICK, "--out", str(out)]) == 2
    assert "whose settings.json is not of gendr tune" in capsys.readouterr().err
    assert before.items() - {("settings.json", before["settings.json"])} <= {
        (path.name, path.read_bytes()) for path in out.iterdir()
    }


def test_without_the_extra_one_line_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "optuna", None)
    monkeypatch.delitem(sys.modules, "gendr.tools.tune.storage", raising=False)
    assert main(["tune", *SMALL, "--out", str(tmp_path / "out")]) == 2
    told = "gendr tune: error: needs the extra tune, which brings optuna: pip install 'gendr[tune]'\n"
    assert capsys.readouterr().err == told
    assert not (tmp_path / "out").exists()


def start(folder, *more):
    command = [sys.executable, "-m", "gendr.cli", "tune", *SMALL, "--out", "out", *more]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with open(folder / f"said{len(list(folder.glob('said*')))}", "w") as said:
        return subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=said)


def trials(folder):
    """How many there are by now, without a step into the process's way."""
    path = folder / "out" / "study.sqlite"
    if not path.exists():
        return 0
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        try:
            return db.execute("SELECT count(*) FROM trials").fetchone()[0]
        except sqlite3.OperationalError:  # the table is not there yet
            return 0


@pytest.mark.slow
@pytest.mark.parametrize("way", [signal.SIGKILL, signal.SIGINT])
def test_ended_at_any_moment_the_same_command_goes_on(tmp_path, way):
    least = 0
    for _ in range(2):
        least = trials(tmp_path) + 4
        process = start(tmp_path, "--budget", "5")
        until(lambda process=process, least=least: trials(tmp_path) >= least or process.poll() is not None)
        process.send_signal(way)
        code = process.wait(60)
        assert code == (-signal.SIGKILL if way == signal.SIGKILL else 130)
        known = set(FILES) <= {path.name for path in (tmp_path / "out").iterdir()}
        assert known == (way == signal.SIGINT)
    if way == signal.SIGINT:
        assert "interrupted: the same command goes on from here" in (tmp_path / "said1").read_text()
        assert "Not yet compared" in (tmp_path / "out" / "report.md").read_text()
        assert load_renderer(tmp_path / "out" / "renderer.json").origin["held_out"] == []
    process = start(tmp_path, "--budget", "0.1")
    assert process.wait(300) == 0, (tmp_path / "said2").read_text()
    found = states(tmp_path / "out")
    assert len(found) >= least
    assert TrialState.RUNNING not in found
    assert set(FILES) <= {path.name for path in (tmp_path / "out").iterdir()}
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]
