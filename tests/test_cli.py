"""The command line: what it writes, and one line and exit code 2 for whatever is wrong."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import gendr
from gendr.cli import COMMANDS, main
from gendr.render import Mesh
from gendr.tools.draw import VIEWS
from gendr.tools.fit.command import FILES

SMALL = ["--views", "3", "--image-size", "16", "--steps", "5"]


def test_fit_writes_everything(tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["fit", "--target", "airplane", *SMALL, "--seed", "1", "--out", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)
    said = capsys.readouterr().out
    assert "step 5/5" in said
    assert f"to {out}" in said
    figures = json.loads((out / "metrics.json").read_text())
    assert figures["hard_iou"] == max(figures["history"]["hard_iou"])
    assert [len(values) for values in figures["history"].values()] == [5] * 4
    assert 0.0 < figures["hard_iou_at_256"] < 1.0
    assert 0.0 < figures["hard_iou_unseen"] < 1.0
    assert figures["config"]["distribution"] == "gaussian"
    assert figures["config"]["seed"] == 1
    assert figures["interrupted"] is False
    assert figures["versions"]["gendr"] == gendr.__version__
    assert figures["instruction_set"]
    assert Mesh.load(out / "result.obj").n_faces == 1280


def test_fit_replaces_results_only_on_request(tmp_path, capsys):
    command = ["fit", "--target", "teapot", *SMALL, "--out", str(tmp_path / "out")]
    assert main(command) == 0
    before = (tmp_path / "out" / "metrics.json").read_text()
    assert main(command) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (tmp_path / "out" / "metrics.json").read_text() == before
    assert main([*command, "--overwrite"]) == 0
    assert (tmp_path / "out" / "metrics.json").read_text() != before


def test_fit_by_the_published_method(tmp_path):
    renderer = ["--distribution", "gamma(p=0.5, reversed)", "--t-conorm", "yager(p=2)", "--tau", "0.01:0.005"]
    assert main(["fit", "--method", "thesis", "--target", "teapot", *SMALL, *renderer, "--out", str(tmp_path)]) == 0
    config = json.loads((tmp_path / "metrics.json").read_text())["config"]
    assert (config["method"], config["tau"]) == ("thesis", [0.01, 0.005])
    assert (config["distribution"], config["t_conorm"]) == ("gamma(p=0.5, reversed)", "yager(p=2)")


FIT = ["fit", "--target", "teapot", "--out", "OUT"]
RENDER = ["render", "teapot", "-o", "OUT.png"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["fit"], "Missing from gendr fit: --target STR, --out PATH"),
        (["train", "eval"], "Missing from gendr train eval: PATH (see gendr train eval --help)"),
        (
            ["fat"],
            "fat - available subcommands: fit, render, pose, bench, tune, train, train eval, reconstruct, info",
        ),
        ([*FIT, "--steps", "many"], "--steps: invalid literal"),
        ([*FIT, "--steps", "-3"], "steps: expected a number in [1, inf), got -3"),
        ([*FIT, "--step", "3"], "Unrecognized options: --step, 3 - perhaps you meant --steps INT"),
        ([*FIT, "--method", "best"], "Expected one of ('large-steps', 'thesis')"),
        ([*FIT, "--views", "0"], "views: expected a number in [1, 10000], got 0"),
        ([*FIT, "--image-size", "0"], "image-size: expected a number in [4, 4096], got 0"),
        ([*FIT, "--tau", "1:2:3"], "tau: expected T or T0:T1 with positive numbers"),
        ([*FIT, "--tau", "-1"], "tau: expected T or T0:T1 with positive numbers"),
        ([*FIT, "--lr", "0"], "lr: expected a number in (0, inf), got 0.0"),
        ([*FIT, "--lambda", "-1"], "lambda_: expected a number in [0, inf), got -1.0"),
        ([*FIT, "--distribution", "logistics"], "distribution: expected one of "),
        ([*FIT, "--distribution", "gamma(p=-1)"], "p: expected a number in (0, 100], got -1.0"),
        ([*FIT, "--t-conorm", "yager"], "t_conorm: expected yager(p=NUMBER)"),
        ([*FIT, "--target", "tea pot"], "or one of airplane, chair, cow, teapot, got 'tea pot'"),
        ([*FIT, "--target", "missing.obj"], "missing.obj"),
        ([*FIT, "--target", "BROKEN.obj"], "BROKEN.obj"),
        ([*RENDER, "--view", "up"], "view: expected one of front, "),
        ([*RENDER, "--image-size", "0"], "image-size: expected a number in [1, 8192], got 0"),
        ([*RENDER, "--fov", "180"], "fov: expected values in (0, 180), got 180"),
        ([*RENDER, "--distance", "-1"], "distance: expected"),
        ([*RENDER, "--tau", "0"], "tau: expected a number in"),
        ([*RENDER, "-o", "OUT.txt"], "out: expected an image file such as out.png"),
        ([*RENDER, "-o", "missing/OUT.png"], "missing"),
        (["render", "nothing", "-o", "OUT.png"], "got 'nothing'"),
        (["info", "more"], "Unrecognized options: more"),
    ],
)
def test_bad_arguments_get_one_line_and_exit_code_2(words, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "BROKEN.obj").write_text("v 0 0 zero\nf 1 1 1\n")
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("gendr")
    assert told in captured.err
    assert [path.name for path in tmp_path.iterdir()] == ["BROKEN.obj"]


def test_help_lists_the_commands_and_shows_examples(capsys):
    assert main([]) == 0
    said = capsys.readouterr().out
    assert all(cls.__name__.lower() in said for cls in COMMANDS)
    for command in ("fit", "render"):
        assert main([command, "--help"]) == 0
        assert f"  gendr {command} " in capsys.readouterr().out


def test_info_lists_every_family(capsys):
    assert main(["info"]) == 0
    said = capsys.readouterr().out
    for name in (*gendr.distributions.DISTRIBUTIONS, *gendr.tnorms.TNORMS, "threads", "instruction set", "backends"):
        assert name in said


@pytest.mark.parametrize("view", VIEWS)
def test_render_draws_named_views(tmp_path, view):
    assert main(["render", "airplane", "-o", str(tmp_path / "a.png"), "--view", view, "--image-size", "48"]) == 0
    image = np.asarray(Image.open(tmp_path / "a.png"))
    assert image.shape == (48, 48)
    assert image.max() == 255
    assert image.min() == 0
    assert 0.01 < (image > 127).mean() < 0.3


def test_named_views_look_from_where_they_say(tmp_path):
    # A small thing at +x and up: where it is in the picture tells from where the picture was taken.
    mesh, picture = str(tmp_path / "post.obj"), str(tmp_path / "a.png")

    def draw(view):
        assert main(["render", mesh, "-o", picture, "--view", view, "--image-size", "64"]) == 0
        rows, columns = np.nonzero(np.asarray(Image.open(picture)) > 127)
        return rows.mean(), columns.mean()

    (tmp_path / "post.obj").write_text("v 0.4 0.2 0\nv 0.4 0.4 0\nv 0.4 0.3 0.1\nv 0.5 0.3 0\nf 1 2 3\nf 1 2 4\n")
    middle = 31.5
    assert abs(draw("front")[1] - middle) > 15
    assert abs(draw("back")[1] - middle) > 15
    assert (draw("front")[1] - middle) * (draw("back")[1] - middle) < 0
    assert abs(draw("right")[1] - middle) < 5  # looked at along x
    assert abs(draw("left")[1] - middle) < 5
    assert draw("front")[0] < middle - 10
    assert abs(draw("top")[0] - middle) < 5


def test_softness_and_numeric_views(tmp_path):
    angles = ["--azimuth", "60", "--elevation", "20", "--distance", "3", "--fov", "25", "--image-size", "32"]
    soft = ["--distribution", "logistic(squared)", "--tau", "0.03", "--t-conorm", "einstein"]
    for name, more in (("sharp", []), ("soft", soft)):
        assert main(["render", "teapot", "-o", str(tmp_path / f"{name}.png"), *angles, *more]) == 0
    sharp, blurred = (np.asarray(Image.open(tmp_path / f"{name}.png")) for name in ("sharp", "soft"))
    between = [((image > 20) & (image < 235)).mean() for image in (sharp, blurred)]
    assert between[1] > 2 * between[0]


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_errors_are_one_line_on_any_console(encoding):
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    command = [sys.executable, "-m", "gendr.cli", "fit", "--methd", "thesis", "--target", "teapot", "--out", "x"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    wanted = "gendr: error: Unrecognized options: --methd, thesis - perhaps you meant --method {large-steps,thesis}"
    assert (run.returncode, run.stdout, run.stderr) == (2, "", f"{wanted} (see gendr fit --help)\n")


@pytest.mark.parametrize("show", ["color", "normal", "depth"])
def test_render_shows_more_than_silhouettes(tmp_path, show):
    picture, mask = tmp_path / "picture.png", tmp_path / "mask.png"
    size = ("--image-size", "48")
    assert main(["render", "teapot", "-o", str(picture), "--show", show, *size]) == 0
    assert main(["render", "teapot", "-o", str(mask), *size]) == 0
    seen = np.asarray(Image.open(picture).convert("L")) > 0
    covered = np.asarray(Image.open(mask)) > 0
    assert (seen == covered[:, ::-1]).mean() > 0.98  # letters must not be mirrored, silhouettes are as published
    levels = np.unique(np.asarray(Image.open(picture)))
    assert len(levels) > 50
