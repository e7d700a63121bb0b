"""`gendr pose`: what it writes, how it goes on, and one line and exit code 2 for whatever is wrong."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from gendr import Camera, Mesh
from gendr.cli import main
from gendr.render.camera_io import load_cameras, save_cameras
from gendr.tools.fit.views import silhouettes
from gendr.tools.pose import results
from gendr.tools.pose.masks import read_mask

WEDGE = Mesh(
    torch.tensor([[0.0, 0, 0], [1.2, 0, 0], [0, 0.7, 0], [0, 0, 0.4]]),
    torch.tensor([[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]]),
)
TRUTH = Camera.look_at(4.0, torch.tensor([20.0, -30.0]).double(), torch.tensor([40.0, 200.0]).double()).mirrored()
SIZES = ((24, 40), (40, 24))


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a mesh and two masks: one by its alpha channel, one grey."""
    monkeypatch.chdir(tmp_path)
    WEDGE.save("wedge.obj")
    (tmp_path / "masks").mkdir()
    first, second = (silhouettes(WEDGE, TRUTH[i], SIZES[i])[0].numpy().astype(np.uint8) * 255 for i in range(2))
    Image.fromarray(np.dstack((first // 3, first // 2, first, first))).save("masks/a.png")
    Image.fromarray(second).save("masks/b.png")
    (tmp_path / "masks" / "notes.txt").write_text("not a mask")
    return tmp_path


POSE = ["pose", "--mesh", "wedge.obj", "--image", "masks", "--out", "out", "--half-angle", "15", "--budget", "0"]


def test_poses_are_found_anywhere_and_written(place, capsys):
    assert main([*POSE, "--starts", "12"]) == 0
    said = capsys.readouterr().out
    assert "2/2 b.png: loss" in said
    assert {path.name for path in (place / "out").iterdir()} == set(results.OWN)
    entries = json.loads((place / "out/poses.json").read_text())
    assert [entry["image"] for entry in entries] == ["a.png", "b.png"]
    views = load_cameras(place / "out/cameras.json")
    assert views.images == ("a.png", "b.png")
    for index, entry in enumerate(entries):
        assert entry["size"] == list(SIZES[index])
        assert entry["loss"] < 0.06
        # The camera, in both terms, is the one that sees what the mask shows.
        opencv = {name: torch.tensor(entry["opencv"][name]).double() for name in ("K", "R", "t")}
        same = Camera.from_opencv(opencv["K"], opencv["R"], opencv["t"], tuple(entry["size"]))
        torch.testing.assert_close(
            same.project(WEDGE.vertices.double()), views.camera[index].project(WEDGE.vertices.double())
        )
        mask = silhouettes(WEDGE, TRUTH[index], SIZES[index])
        drawn = silhouettes(WEDGE, same, SIZES[index])
        assert 1 - float((mask * drawn).sum() / (mask + drawn).clamp_max(1).sum()) == pytest.approx(
            entry["loss"], abs=1e-6
        )
        with Image.open(place / f"out/overlays/{entry['image']}.png") as overlay:
            assert overlay.width > 2 * SIZES[index][1]


def test_what_is_written_is_not_done_again(place, capsys, monkeypatch):
    assert main([*POSE, "--starts", "2"]) == 0
    before = {file: file.read_bytes() for file in (place / "out/poses").iterdir()}
    (place / "out/poses/b.png.json").unlink()
    seen = []
    find = results.find
    monkeypatch.setattr(results, "find", lambda *rest: seen.append(rest) or find(*rest))
    assert main([*POSE, "--starts", "2"]) == 0
    assert len(seen) == 1
    assert (place / "out/poses/a.png.json").read_bytes() == before[place / "out/poses/a.png.json"]
    assert json.loads((place / "out/poses/b.png.json").read_text())["image"] == "b.png"
    capsys.readouterr()
    assert main([*POSE, "--starts", "3"]) == 2
    assert "with other starts" in capsys.readouterr().err
    assert main([*POSE, "--starts", "3", "--overwrite"]) == 0


def test_masks_are_alpha_or_brightness_and_not_larger_than_needed(place):
    grey = np.zeros((300, 900), np.uint8)
    grey[:, :450] = 255
    Image.fromarray(grey).save("wide.png")
    Image.fromarray(np.dstack((grey, grey, grey, np.full_like(grey, 255)))).save("opaque.png")
    Image.fromarray(255 - grey).save("dark.png")
    wanted = read_mask(place / "wide.png")
    assert (wanted.size, tuple(wanted.values.shape)) == ((300, 900), (171, 512))
    assert wanted.values.mean() == pytest.approx(0.5, abs=1e-3)
    assert torch.equal(read_mask(place / "opaque.png").values, wanted.values)
    assert torch.equal(read_mask(place / "dark.png", is_dark=True).values, wanted.values)


def test_a_guess_need_not_have_the_object_in_its_image(place):
    # The eyes stay where they are and look past the object.
    save_cameras(
        "guess.json",
        TRUTH.with_pose(Camera.look_at(4.0, 0.0, torch.tensor([60.0, 180.0]).double()).mirrored().rotation),
        ["a.png", "b.png"],
    )
    command = [word for word in POSE if word not in ("--half-angle", "15")]
    assert main([*command, "--camera", "guess.json", "--near"]) == 0
    views = load_cameras("out/cameras.json")
    assert max(entry["loss"] for entry in json.loads((place / "out/poses.json").read_text())) < 0.06
    torch.testing.assert_close(views.camera.scale, TRUTH.scale)  # the lens holds


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--mesh", "none.obj"], "none.obj"),
        (["--mesh", "masks/notes.txt"], "notes.txt"),
        (["--image", "nothing"], "image: expected an image file or a folder of them, got nothing, which is not there"),
        (["--image", "masks/notes.txt"], "masks/notes.txt: expected an image file, got something else"),
        (["--image", "empty"], "image: expected a folder with images"),
        (["--image", "black.png"], "black.png: expected a mask with something in it"),
        (["--image", "deep.png"], "deep.png: expected an image of 8 bits a channel"),
        (["--half-angle", "0"], "half-angle: expected"),
        (["--starts", "0"], "starts: expected"),
        (["--budget", "-1"], "budget: expected"),
        (["--azimuth", "nan"], "azimuth: expected"),
        (["--near"], "near: expected a --camera"),
        (["--camera", "guess.json"], "half-angle: expected none with --camera"),
        (["--out", "wedge.obj"], "out: expected a folder, got the file wedge.obj"),
        (["--out", "masks"], "out: expected a new folder, or one of gendr pose, got masks, which holds a.png"),
    ],
)
def test_what_is_wrong_takes_one_line_and_leaves_nothing(place, capsys, words, told):
    (place / "empty").mkdir()
    Image.new("L", (8, 8)).save("black.png")
    Image.fromarray(np.full((8, 8), 60000, np.uint16)).save("deep.png")
    before = sorted(place.rglob("*"))
    assert main([*POSE, *words]) == 2
    error = capsys.readouterr().err
    assert error.startswith("gendr pose: error: ")
    assert told in error
    assert error.count("\n") == 1
    assert sorted(place.rglob("*")) == before
