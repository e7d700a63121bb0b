"""The renderer file: what it gives back, what it refuses, and that a fit goes by it."""

import json

import pytest

from gendr.cli import main
from gendr.tools.renderer_file import SavedRenderer, Setting, load_renderer, renderer_json

SETTING = Setting("gamma(p=0.5, reversed)", "yager(p=2)", (2e-2, 3e-4), "cosine", 0.15)
SMALL = ["--target", "teapot", "--views", "3", "--image-size", "16", "--steps", "4"]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "renderer.json"
    path.write_text(renderer_json(SavedRenderer(SETTING, "shape", 100, {"loss": 0.1})))
    return path


def test_it_comes_back_as_it_was(file):
    assert load_renderer(file, "shape") == SavedRenderer(SETTING, "shape", 100, {"loss": 0.1})
    assert Setting.from_key(SETTING.key) == SETTING


def test_a_fit_takes_all_of_it(file, tmp_path):
    out = tmp_path / "out"
    assert main(["fit", *SMALL, "--renderer", str(file), "--out", str(out)]) == 0
    figures = json.loads((out / "metrics.json").read_text())
    assert figures["config"]["distribution"] == SETTING.distribution
    assert figures["config"]["t_conorm"] == SETTING.t_conorm
    assert figures["config"]["schedule"] == "cosine"
    expected = SETTING.softness(4)
    assert figures["history"]["tau"] == [expected(step) for step in range(4)]
    assert (figures["history"]["lr"][0], figures["history"]["lr"][-1]) == (0.15, pytest.approx(0.015))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"schema": "gendr.fit"}, "schema: expected \"gendr.renderer\", got 'gendr.fit'"),
        ({"version": 2}, "version: expected 1, which this version of gendr reads, got 2"),
        ({"version": True}, "version: expected 1"),
        ({"task": "pose"}, "task: expected shape, which this is for, got pose"),
        ({"task": "sleep"}, "task: expected one of shape, pose"),
        ({"distribution": "logistics"}, "distribution: expected one of"),
        ({"distribution": 3}, "distribution: expected a"),
        ({"t_conorm": "yager"}, "t_conorm: expected yager(p=NUMBER)"),
        ({"tau": [0.1]}, "tau: expected the first and the last softness"),
        ({"tau": [0.1, 0.0]}, "tau: expected a number in"),
        ({"tau": [0.1, "0.2"]}, "tau: expected a number, got str"),
        ({"schedule": "linear"}, "schedule: expected one of log-linear, cosine"),
        ({"lr": -0.1}, "lr: expected a number in (0, 1000]"),
        ({"steps": 0}, "steps: expected a number in [1, inf)"),
        ({"steps": 1.5}, "steps: expected a whole number"),
        ({"origin": None}, "origin: expected an object"),
        ({"lambda": 1.0}, "lambda: expected no other fields than"),
        ({"lr": ...}, "lr: expected a value, got none"),
    ],
)
def test_what_is_wrong_with_it_is_one_line_with_file_and_field(file, tmp_path, capsys, change, told):
    content = {**json.loads(file.read_text()), **change}
    file.write_text(json.dumps({name: value for name, value in content.items() if value is not ...}))
    assert main(["fit", *SMALL, "--renderer", str(file), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith(f"gendr fit: error: {file}: ")
    assert told in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe", b"3"])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.json: "):
        load_renderer(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--tau", "0.01"], "tau: expected nothing beside --renderer"),
        (["--t-conorm", "einstein"], "t-conorm: expected nothing beside --renderer"),
        (["--schedule", "cosine"], "schedule: expected nothing beside --renderer"),
        (["--method", "thesis"], "method: expected large-steps"),
    ],
)
def test_nothing_may_contradict_it(file, tmp_path, capsys, more, told):
    assert main(["fit", *SMALL, *more, "--renderer", str(file), "--out", str(tmp_path / "out")]) == 2
    assert told in capsys.readouterr().err


def test_a_missing_file_says_so(tmp_path, capsys):
    assert main(["fit", *SMALL, "--renderer", str(tmp_path / "no.json"), "--out", str(tmp_path / "out")]) == 2
    assert "no.json" in capsys.readouterr().err
