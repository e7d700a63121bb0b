"""cameras.json: what is written comes back, and every way in which a file can be wrong is named."""

import json
from pathlib import Path

import pytest
import torch

from gendr.render.camera import Camera, Distortion
from gendr.render.camera_io import load_cameras, save_cameras

IDENTITY = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def write(folder, views, **head):
    path = folder / "cameras.json"
    path.write_text(json.dumps({"schema": "gendr.cameras", "version": 1, "views": views} | head))
    return path


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("projection", ["perspective", "orthographic"])
def test_round_trip_is_exact(tmp_path, dtype, projection):
    azimuth = torch.arange(24, dtype=dtype) * 15.1
    camera = Camera.look_at(2.732, 30.0, azimuth, at=(0.1, 0.2, 0.3), projection=projection)
    images = [f"{view:03}.png" if view % 2 else None for view in range(24)]
    save_cameras(tmp_path / "cameras.json", camera, images)
    views = load_cameras(tmp_path / "cameras.json")
    assert views.images == tuple(images)
    assert len(views) == 24
    assert views.camera.projection == projection
    for field in ("rotation", "eye", "scale"):
        assert torch.equal(getattr(views.camera, field).to(dtype), getattr(camera, field))


def test_look_at_and_matrix_views_mix(tmp_path):
    look_at = {"distance": 3, "elevation": 20.0, "azimuth": -40, "fov": 40, "at": [0, 0.5, 0], "up": [0, 1, 0]}
    matrix = {"rotation": IDENTITY, "eye": [0, 0, -2], "half_angle": 15}
    views = load_cameras(write(tmp_path, [{"look_at": look_at, "image": "a.png"}, {"matrix": matrix}]))
    expected = Camera.cat([Camera.look_at(3.0, 20.0, -40.0, fov=40.0, at=(0, 0.5, 0)), Camera.look_at(2.0)])
    points = torch.randn(5, 3, generator=torch.Generator().manual_seed(0)).double()
    torch.testing.assert_close(views.camera.project(points), expected.project(points))
    assert views.images == ("a.png", None)


def test_the_example_of_the_documentation(tmp_path):
    page = (Path(__file__).parents[1] / "docs" / "cameras.md").read_text(encoding="utf-8")
    (tmp_path / "cameras.json").write_text(page.split("```json\n")[1].split("```")[0])
    views = load_cameras(tmp_path / "cameras.json")
    assert views.images == ("000.png", "001.png")
    expected = Camera.look_at(2.732, torch.tensor([30.0, 0.0]).double())
    torch.testing.assert_close(views.camera.eye, expected.eye)
    torch.testing.assert_close(views.camera.rotation, expected.rotation)
    torch.testing.assert_close(views.camera.scale, expected.scale)


def test_a_mirroring_matrix_is_allowed(tmp_path):
    matrix = {
        "rotation": [[-1, 0, 0], [0, 1, 0], [0, 0, 1]],
        "eye": [0, 0, -2],
        "scale": 1.5,
        "projection": "orthographic",
    }
    camera = load_cameras(write(tmp_path, [{"matrix": matrix}])).camera
    assert camera.project(torch.tensor([[1.0, 0.0, 0.0]]))[0, 0].tolist() == [-1.5, 0.0, 2.0]


GOOD = {"rotation": IDENTITY, "eye": [0, 0, -2], "scale": 2.0}


@pytest.mark.parametrize(
    ("words", "view"),
    [
        ("look_at.*matrix", {}),
        ("look_at.*matrix", {"look_at": {}, "matrix": GOOD}),
        ("look_at.*matrix", 3),
        ("fps", {"look_at": {}, "fps": 3}),
        ("image", {"look_at": {}, "image": 7}),
        ("image", {"look_at": {}, "image": ""}),
        ("look_at", {"look_at": []}),
        ("distanec", {"look_at": {"distanec": 3}}),
        ("distance", {"look_at": {"distance": "far"}}),
        ("distance", {"look_at": {"distance": None}}),
        ("distance", {"look_at": {"distance": True}}),
        ("distance", {"look_at": {"distance": -1}}),
        ("half_angle", {"look_at": {"fov": 30, "half_angle": 15}}),
        ("at", {"look_at": {"at": [1, 2]}}),
        (r"rotation\[1\]", {"matrix": GOOD | {"rotation": [[1, 0, 0], [0, 1], [0, 0, 1]]}}),
        (r"rotation\[2\]\[0\]", {"matrix": GOOD | {"rotation": [[1, 0, 0], [0, 1, 0], ["0", 0, 1]]}}),
        ("perpendicular", {"matrix": GOOD | {"rotation": [[2, 0, 0], [0, 1, 0], [0, 0, 1]]}}),
        ("rotation", {"matrix": {"eye": [0, 0, -2], "scale": 2.0}}),
        ("eye", {"matrix": {"rotation": IDENTITY, "scale": 2.0}}),
        ("scale or half_angle", {"matrix": {"rotation": IDENTITY, "eye": [0, 0, -2]}}),
        ("scale or half_angle", {"matrix": GOOD | {"half_angle": 15}}),
        ("scale", {"matrix": GOOD | {"scale": 0}}),
        ("half_angle", {"matrix": {"rotation": IDENTITY, "eye": [0, 0, -2], "half_angle": 90.5}}),
        ("projection", {"matrix": GOOD | {"projection": "fisheye"}}),
        ("scale", {"matrix": GOOD | {"scale": [1.0, 0.0]}}),
        ("scale", {"matrix": GOOD | {"scale": [1.0, 2.0, 3.0]}}),
        ("center", {"matrix": GOOD | {"center": [1.0]}}),
        ("center", {"matrix": GOOD | {"center": None}}),
        ("distortion", {"matrix": GOOD | {"distortion": [0.1]}}),
        ("k1", {"matrix": GOOD | {"distortion": {"model": "fisheye", "k1": 0.1}}}),
        ("model", {"matrix": GOOD | {"distortion": {"coefficients": [0.0] * 4}}}),
        ("coefficients", {"matrix": GOOD | {"distortion": {"model": "fisheye", "coefficients": [0.0] * 8}}}),
        (r"coefficients\[1\]", {"matrix": GOOD | {"distortion": {"model": "fisheye", "coefficients": [0, "1", 0, 0]}}}),
        ("size", {"matrix": GOOD | {"size": 64}}),
        ("size", {"matrix": GOOD | {"size": [64, 0.5]}}),
        ("projection", {"look_at": {"projection": "orthographic"}}),  # the view before is a perspective one
    ],
)
def test_wrong_views_are_named_with_file_and_number(tmp_path, words, view):
    with pytest.raises(ValueError, match=rf"cameras\.json: views\[1\].*{words}"):
        load_cameras(write(tmp_path, [{"matrix": GOOD}, view]))


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("JSON", ""),
        ("JSON", "{"),
        ("JSON", "[" * 100_000),
        ("NaN", '{"schema": "gendr.cameras", "version": 1, "views": [{"look_at": {"distance": NaN}}]}'),
        ("distance", '{"schema": "gendr.cameras", "version": 1, "views": [{"look_at": {"distance": 1e999}}]}'),
        ("schema", "[]"),
        ("schema", "{}"),
        ("schema", '{"schema": "colmap"}'),
        ("version", '{"schema": "gendr.cameras", "version": 2, "views": []}'),
        ("views", '{"schema": "gendr.cameras", "version": 1}'),
        ("views", '{"schema": "gendr.cameras", "version": 1, "views": []}'),
        ("extra", '{"schema": "gendr.cameras", "version": 1, "views": [{"look_at": {}}], "extra": 1}'),
    ],
)
def test_wrong_files_are_named(tmp_path, words, text):
    path = tmp_path / "cameras.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"cameras\.json.*{words}"):
        load_cameras(path)


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "cameras.json").write_bytes(b"\xff\xfe\x00PNG")
    with pytest.raises(ValueError, match=r"cameras\.json.*JSON"):
        load_cameras(tmp_path / "cameras.json")


def test_saving_refuses_what_could_not_be_read(tmp_path):
    with pytest.raises(ValueError, match="images"):
        save_cameras(tmp_path / "cameras.json", Camera.look_at(), ["a.png", "b.png"])
    broken = Camera(torch.eye(3)[None], torch.full((1, 3), float("nan")), torch.ones(1))
    with pytest.raises(ValueError, match="finite"):
        save_cameras(tmp_path / "cameras.json", broken)
    assert not (tmp_path / "cameras.json").exists()


@pytest.mark.parametrize(
    "lens", [None, Distortion.opencv([[-0.1, 0.02, 1e-3, -2e-3]] * 2), Distortion.fisheye([[0.1] * 4] * 2)]
)
def test_general_cameras_come_back(tmp_path, lens):
    K = [[500.1, 0, 318.3], [0, 499.7, 241.9], [0, 0, 1]]
    camera = Camera.from_opencv(K, torch.eye(3).double(), [[0, 0, 2.0], [0.1, 0, 3.0]], (480, 640), lens)
    save_cameras(tmp_path / "cameras.json", camera)
    again = load_cameras(tmp_path / "cameras.json").camera
    for name in ("rotation", "eye", "scale", "center"):
        assert torch.equal(getattr(again, name), getattr(camera, name))
    assert again.size == (480, 640)
    if lens is not None:
        assert again.distortion.model == lens.model
        assert torch.equal(again.distortion.coefficients, lens.coefficients)


def test_files_of_plain_cameras_have_not_changed(tmp_path):
    save_cameras(
        tmp_path / "cameras.json", Camera(torch.eye(3)[None], torch.tensor([[0.0, 0, -2]]), torch.ones(1)), ["a"]
    )
    assert (tmp_path / "cameras.json").read_text() == (
        '{\n "schema": "gendr.cameras",\n "version": 1,\n "views": [\n'
        '  {"image": "a", "matrix": {"rotation": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], '
        '"eye": [0.0, 0.0, -2.0], "scale": 1.0, "projection": "perspective"}}\n ]\n}\n'
    )


def test_views_that_do_not_share_a_batch(tmp_path):
    with pytest.raises(ValueError, match=r"cameras\.json: .*one image size"):
        load_cameras(write(tmp_path, [{"matrix": GOOD | {"size": [3, 4]}}, {"matrix": GOOD | {"size": [4, 4]}}]))
