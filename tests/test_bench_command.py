"""`gendr bench`: help, and one line with exit code 2 for whatever is wrong."""

import json
import socket
import sqlite3
import threading

import pytest

from gendr.cli import main
from gendr.tools.bench.ray_workers import check_answers, found
from gendr.tools.bench.store import Store

OUT = ["-o", "results.sqlite"]
SHAPE = ["bench", "shape", "--grid", "quick", "--distribution", "logistic()", *OUT]
POSE = ["bench", "pose", "--grid", "quick", *OUT]
TINY = ["--steps", "2", "--image-size", "8", "--workers", "1"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["bench"], "Expected one of"),
        (["bench", "shade"], "shade"),
        (["bench", "shape"], "Missing from gendr bench shape: -o PATH, --out PATH (see gendr bench shape --help)"),
        ([*SHAPE, "--distribution", "logistics"], "distribution: expected one of "),
        ([*SHAPE, "--distribution", "levy"], "distribution: expected one that occurs in the grid quick"),
        ([*SHAPE, "--t-conorm", "yager(p=0)"], "p: expected"),
        ([*SHAPE, "--grid", "slow"], "grid: expected thesis, quick or a text file"),
        ([*SHAPE, "--grid", "EMPTY.txt"], "EMPTY.txt: expected at least one line"),
        ([*SHAPE, "--mesh", "teapots"], "mesh: expected a mesh file"),
        ([*SHAPE, "--mesh", "BROKEN.obj"], "BROKEN.obj"),
        ([*SHAPE, "--elevations", "91"], "elevation: expected a number in [-90, 90], got 91"),
        ([*SHAPE, "--lr", "0"], "lr: expected a number in (0, 1000], got 0"),
        ([*SHAPE, "--taus", "fine"], "taus: expected grid, coarse-to-fine, quick, or positive numbers"),
        ([*SHAPE, "--seeds", "-1"], "seed: expected a number in [0, "),
        ([*SHAPE, "--steps", "0"], "steps: expected a number in [1, "),
        ([*SHAPE, "--views", "0"], "views: expected a number in [1, "),
        ([*SHAPE, "--workers", "0"], "workers: expected a number in [1, 1024], got 0"),
        ([*SHAPE, "-o", "missing/results.sqlite"], "there is no such folder"),
        ([*SHAPE, "-o", "EMPTY.txt/results.sqlite"], "EMPTY.txt"),
        ([*SHAPE, "-o", "BROKEN.obj"], "expected a results file of gendr bench, got a file that is no SQLite database"),
        ([*SHAPE, "-o", "OTHER.sqlite"], "expected a results file of schema version 1"),
        ([*SHAPE, "--ray", "somewhere"], "ray: expected auto or HOST:PORT, got 'somewhere'"),
        (
            [*SHAPE, "--ray", "127.0.0.1:9"],
            "ray: expected a cluster that answers within 5 s at 127.0.0.1:9, got: Connect",
        ),
        ([*POSE, "--pairs", "0"], "pairs: expected a number in [1, "),
        ([*POSE, "--tau", "0"], "tau: expected T or T0:T1"),
        (["bench", "report", "none.sqlite", "-o", "report"], "none.sqlite: there is no such file"),
    ],
)
def test_bad_input_gets_one_line_and_exit_code_2(words, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "EMPTY.txt").write_text("# nothing\n")
    (tmp_path / "BROKEN.obj").write_text("v 0 0 zero\nf 1 1 1\n")
    with Store.open(tmp_path / "OTHER.sqlite", create=True):
        pass
    with sqlite3.connect(tmp_path / "OTHER.sqlite") as db:
        db.execute("UPDATE meta SET value = '99' WHERE name = 'schema'")
    db.close()
    before = sorted(path.name for path in tmp_path.iterdir())
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("gendr")
    assert told in captured.err
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize("what", ["", "shape", "pose", "report"])
def test_help_shows_examples(what, capsys):
    assert main(["bench", *([what] if what else []), "--help"]) == 0
    assert f"  gendr bench {what or 'shape'} " in capsys.readouterr().out


def test_without_ray_one_line_says_what_is_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    assert main([*SHAPE, "--ray", "auto"]) == 2
    assert "needs the extra ray, which brings ray: pip install 'gendr[ray]'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_poses_and_the_ranking(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grid.txt").write_text("uniform + maximum\n")
    command = ["bench", "pose", "--grid", "grid.txt", "--mesh", "chair", "--lr", "0.3", "--pairs", "23", *TINY, *OUT]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "1 instances on chair, about 2 runs; 1 worker" in said
    assert "2 of 2 runs" in said
    assert "uniform" in said.splitlines()[-2]
    with Store.open("results.sqlite") as store:
        assert [tuple(row.config["pairs"]) for row in store.rows("pose")] == [(0, 20), (20, 23)]
        assert all(len(row.details["errors"]) in (20, 3) for row in store.rows())
        json.dumps([row.details for row in store.rows()])


def test_the_address_of_a_cluster(tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "10.1.2.3:4567")
    assert found("auto") == "10.1.2.3:4567"
    monkeypatch.delenv("RAY_ADDRESS")
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    with pytest.raises(OSError, match="ray: expected a running cluster"):
        found("auto")
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "ray_current_cluster").write_text("127.0.0.1:6379\n")
    assert found("auto") == "127.0.0.1:6379"


@pytest.mark.parametrize("answer", [b"", b"220 mail.example ready\r\n", None])
def test_an_address_that_is_not_rays(answer):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            link, _ = server.accept()
            with link:
                if answer is None:  # says nothing for as long as it is listened to
                    while link.recv(100):
                        pass
                else:
                    link.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(OSError, match=r"answers within 0\.5 s"):
            check_answers(f"127.0.0.1:{server.getsockname()[1]}", 0.5)
        thread.join()
