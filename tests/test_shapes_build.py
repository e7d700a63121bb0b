"""Building a data set: resumable, the same whatever the number of processes, honest about meshes it cannot use."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from gendr import Mesh
from gendr.tools.shapes.build import Build
from gendr.tools.shapes.command import main
from gendr.tools.shapes.layout import ShapeData
from gendr.tools.shapes.portrait import portrait
from gendr.tools.shapes.procedural import thing
from gendr.tools.shapes.source import folder, procedural

FEW = ["--classes", "chair", "--train", "20", "--val", "1", "--test", "2", "--seed", "3"]


def files(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(out.glob("*.npz"))}


def command(out: Path, words: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "gendr.tools.shapes", str(out), *words]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "data"
    assert main([str(out), *FEW, "--workers", "1"]) == 0
    return out


def test_what_is_built_is_what_the_loader_reads(built: Path) -> None:
    for split, count in (("train", 20), ("val", 1), ("test", 2)):
        assert ShapeData(built, "chair", split).counts == [count]
    data = ShapeData(built, "chair", "test")
    images, voxels = portrait(thing("chair", 3, 22))  # the second after twenty and one
    np.testing.assert_array_equal(data.images("chair")[1], images)
    np.testing.assert_array_equal(data.voxels("chair")[1].astype(bool), voxels)


def test_nothing_is_left_behind_but_the_data(built: Path) -> None:
    names = {path.name for path in built.iterdir()} - set(files(built))
    assert names == {"shapes.json", "contact.png"}
    assert len(json.loads((built / "shapes.json").read_text())["objects"]["chair/train"]) == 20


def test_splits_share_no_object() -> None:
    places = [entry.place for entry in procedural("chair,table", (5, 2, 3)).entries if entry.kind == "chair"]
    assert len(set(places)) == len(places) == 10


def test_pictures_are_colours_beside_coverage() -> None:
    paper = Mesh.icosphere(3, radius=0.45)
    white = Mesh(paper.vertices, paper.faces, vertex_colors=torch.ones(paper.n_vertices, 3))
    images, _ = portrait(white)
    alpha, rim = images[:, 3], (images[:, 3] > 0) & (images[:, 3] < 255)
    assert rim.any()
    # A border pixel is as bright as its neighbours within: never below what the soft light alone gives, as sRGB.
    assert images[:, :3].min(axis=1)[alpha > 0].min() >= round(255 * (1.055 * 0.5 ** (1 / 2.4) - 0.055))
    assert images[:, :3].max(axis=1)[alpha == 0].max() == 0


def test_killed_twice_it_ends_with_the_same_data(built: Path, tmp_path: Path) -> None:
    out = tmp_path / "killed"
    for _ in range(2):
        child = subprocess.Popen(command(out, [*FEW, "--workers", "2"]), stderr=subprocess.DEVNULL)
        deadline, seen = time.monotonic() + 60, len(list(out.glob(".pieces/*.npz"))) if out.exists() else 0
        while child.poll() is None and time.monotonic() < deadline:
            if out.exists() and (len(list(out.glob(".pieces/*.npz"))) > seen or any(out.glob(".pieces/*.partial"))):
                break
            time.sleep(0.02)
        if child.poll() is None:
            os.kill(child.pid, signal.SIGKILL)
        child.wait()
    subprocess.run(command(out, [*FEW, "--workers", "2"]), check=True, stderr=subprocess.DEVNULL)
    assert files(out) == files(built)


def test_a_finished_build_is_left_as_it_is(built: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in built.glob("*.npz")}
    assert main([str(built), *FEW]) == 0
    assert {path: path.stat().st_mtime_ns for path in built.glob("*.npz")} == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([*FEW[:-1], "4"], "same data"),
        (["--classes", "unicorn"], "unicorn"),
        (["--train", "-1"], "train: expected"),
        (["--meshes", "nowhere"], "meshes: expected a folder"),
        (["--workers", "-2"], "workers: expected"),
    ],
)
def test_bad_input_is_one_line(built: Path, capfd: pytest.CaptureFixture[str], words: Sequence[str], told: str) -> None:
    with pytest.raises(SystemExit) as stop:
        main([str(built), *words])
    error = capfd.readouterr().err
    assert stop.value.code == 2
    assert told in error
    assert error.count("\n") == 1


def test_a_foreign_folder_is_not_touched(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(SystemExit):
        main([str(tmp_path), *FEW])
    assert "thesis.tex" in capfd.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_folder_of_meshes_with_a_broken_one(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    meshes = tmp_path / "meshes" / "table"
    meshes.mkdir(parents=True)
    for k in range(6):
        thing("chair", 1, k).save(meshes / f"t{k}.obj")
    (meshes / "t2.obj").write_text("v 0 0 nan\nf 1 1 1\n")
    (meshes / "notes.txt").write_text("not a mesh")
    out = tmp_path / "out"
    assert main([str(out), "--meshes", str(tmp_path / "meshes"), "--workers", "1"]) == 0
    error = capfd.readouterr().err
    assert "left out: table t2.obj" in error
    assert ShapeData(out, "table", "train").counts == [4]  # of five, without the broken one
    assert ShapeData(out, "table", "test").counts == [1]  # the fifth
    record = json.loads((out / "shapes.json").read_text())
    assert record["objects"] == {"table/train": ["t0.obj", "t1.obj", "t3.obj", "t5.obj"], "table/test": ["t4.obj"]}


def test_a_changed_mesh_is_other_data(tmp_path: Path) -> None:
    meshes = tmp_path / "chair"
    meshes.mkdir()
    thing("chair", 1, 0).save(meshes / "a.obj")
    before = folder(tmp_path).plain
    shutil.copy(meshes / "a.obj", tmp_path / "copy.obj")
    thing("chair", 1, 1).save(meshes / "a.obj")
    assert folder(tmp_path).plain != before
    shutil.move(tmp_path / "copy.obj", meshes / "a.obj")
    assert folder(tmp_path).plain == before


@pytest.mark.data
def test_real_meshes_look_as_another_rasterizer_draws_them(data_dir: Path, tmp_path: Path) -> None:
    kinds = "telephone"
    words = ["--meshes", str(data_dir / "shapes13"), "--classes", kinds, "--split", "test", "--workers", "2"]
    assert main([str(tmp_path / "out"), *words]) == 0
    data = ShapeData(tmp_path / "out", kinds, "test")
    for kind in kinds.split(","):
        with np.load(data_dir / "shapes13_renders" / f"{kind}.npz") as theirs:
            # Their azimuths run counter-clockwise, those of the layout clockwise.
            images = theirs["images"][:, [-view % 24 for view in range(24)]]
        ours = data.images(kind)
        difference = np.abs(ours[:, :, 3].astype(int) - images[:, :, 3])
        assert difference.mean() < 0.01
        assert difference.max() <= 16  # one of sixteen samples


def test_a_build_killed_before_its_plan_was_written_can_be_begun_again(tmp_path: Path) -> None:
    (tmp_path / "out" / ".pieces").mkdir(parents=True)
    Build(tmp_path / "out", procedural("chair", (1, 0, 0)))
    assert (tmp_path / "out" / "shapes.json").is_file()
