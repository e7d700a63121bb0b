"""Targets: meshes that are made to be seen whole, and folders of masks."""

import math

import pytest
import torch
from PIL import Image

from gendr.render import Camera, Mesh, save_cameras
from gendr.scenes import SCENES
from gendr.tools.draw import write_image
from gendr.tools.fit import configure, fit, load_shape, load_target, ring, silhouettes
from gendr.tools.fit.metrics import fine_iou, report, unseen_iou
from gendr.tools.fit.target import resized, unseen_views


def write_masks(folder, alpha, camera):
    names = [f"view_{index}.png" for index in range(len(alpha))]
    for name, mask in zip(names, alpha, strict=True):
        write_image(folder / name, mask)
    save_cameras(folder / "cameras.json", camera, names)


@pytest.mark.parametrize("name", SCENES)
def test_scenes_are_targets_as_they_are(name):
    mesh, scale = load_shape(name)
    assert scale == 1.0
    assert torch.equal(mesh.vertices, SCENES[name]().vertices)


def test_a_mesh_out_of_sight_is_moved_and_scaled(tmp_path):
    box = torch.tensor([[0.0, 0, 0], [0, 30, 0], [10, 0, 0], [0, 0, 10]]) + 100.0
    Mesh(box, torch.tensor([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]])).save(tmp_path / "far.obj")
    mesh, scale = load_shape(tmp_path / "far.obj")
    assert scale == pytest.approx(1 / 30)
    assert mesh.vertices.amax(0).tolist() == pytest.approx([1 / 6, 0.5, 1 / 6])
    edges = silhouettes(mesh, ring(8, 45.0), 64)
    assert not edges[:, [0, -1]].any()
    assert not edges[:, :, [0, -1]].any()


def test_a_cube_is_scaled_to_fit_with_its_corners(tmp_path):
    corners = torch.cartesian_prod(*[torch.tensor([0.0, 7.0])] * 3)
    Mesh(corners, torch.tensor([[0, 1, 2], [5, 6, 7], [0, 4, 7]])).save(tmp_path / "cube.obj")
    mesh, scale = load_shape(tmp_path / "cube.obj")
    assert mesh.vertices.norm(dim=1).max().item() == pytest.approx(0.7)
    assert scale == pytest.approx(0.7 / (math.sqrt(3.0) / 2.0) / 7.0)


def test_masks_come_back_as_they_went(tmp_path):
    camera = ring(4, 20.0)
    alpha = silhouettes(SCENES["teapot"](), camera, (32, 40))
    write_masks(tmp_path, alpha, camera)
    target = load_target(tmp_path)
    assert torch.equal(target.alpha, alpha)
    assert torch.equal(target.camera.eye, camera.eye)
    assert target.mesh is None
    result = fit(target.alpha, target.camera, configure(steps=20))
    assert result.best.hard_iou > 0.83  # 0.871 to 0.904 over six seeds
    figures = report(target, result)
    assert figures["target"] == {
        "name": str(tmp_path),
        "kind": "masks",
        "scale": 1.0,
        "views": 4,
        "image_size": [32, 40],
    }
    assert figures["hard_iou_at_256"] is None
    assert figures["hard_iou_unseen"] is None


def test_masks_are_resized_by_what_they_cover(tmp_path):
    camera = ring(2, 0.0)
    alpha = silhouettes(SCENES["airplane"](), camera, 64)
    write_masks(tmp_path, alpha, camera)
    target = load_target(tmp_path, image_size=16)
    assert target.alpha.shape == (2, 16, 16)
    assert target.alpha.mean().item() == pytest.approx(alpha.mean().item(), abs=1e-6)
    blocks = alpha.reshape(2, 16, 4, 16, 4).mean((2, 4))
    assert torch.allclose(target.alpha, blocks, atol=1e-6)
    assert torch.equal(target.at_height(64), alpha)
    assert target.at_height(65) is None


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "1", "P"])
def test_masks_of_any_kind_of_image(tmp_path, mode):
    image = Image.new("L", (8, 8), 0)
    image.paste(255, (2, 2, 6, 6))
    if "A" in mode:
        picture = Image.new(mode, (8, 8))  # black all over: the alpha channel is the mask
        picture.putalpha(image)
    else:
        picture = image.convert(mode)
    picture.save(tmp_path / "mask.png")
    save_cameras(tmp_path / "cameras.json", ring(1), ["mask.png"])
    wanted = torch.zeros(8, 8)
    wanted[2:6, 2:6] = 1.0
    assert torch.equal(load_target(tmp_path).alpha[0], wanted)


def test_folders_that_are_not_complete_say_what_is_wrong(tmp_path):
    with pytest.raises(ValueError, match=r"target: expected a folder with a file cameras.json"):
        load_target(tmp_path)
    write_masks(tmp_path, torch.ones(2, 8, 8), ring(2))
    with pytest.raises(ValueError, match="views: expected nothing, because the cameras of"):
        load_target(tmp_path, views=3)
    write_image(tmp_path / "view_1.png", torch.ones(8, 9))
    with pytest.raises(ValueError, match=r"view_1.png: expected 8x8 pixels like the others, got 9x8"):
        load_target(tmp_path)
    (tmp_path / "view_1.png").write_text("no image")
    with pytest.raises(ValueError, match=r"view_1.png: expected a mask, got no image that can be read"):
        load_target(tmp_path)
    (tmp_path / "view_1.png").unlink()
    with pytest.raises(ValueError, match=r"view_1.png: expected a mask, got no such file"):
        load_target(tmp_path)
    save_cameras(tmp_path / "cameras.json", ring(2), ["view_0.png", None])
    with pytest.raises(ValueError, match=r'views\[1\]: expected an "image", got none'):
        load_target(tmp_path)
    write_masks(tmp_path, torch.zeros(2, 8, 8), ring(2))
    with pytest.raises(ValueError, match="only empty ones"):
        load_target(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"views": 0}, r"views: expected a number in \[1, 10000\], got 0"),
        ({"elevation": 91.0}, r"elevation: expected a number in \[-90, 90\], got 91"),
        ({"image_size": 2}, r"image-size: expected a number in \[4, 4096\], got 2"),
    ],
)
def test_views_out_of_range_say_so(options, message):
    with pytest.raises(ValueError, match=message):
        load_target("teapot", **options)


def test_ring_is_the_published_protocol():
    camera = ring()
    wanted = Camera.look_at(2.732, 30.0, torch.arange(24, dtype=torch.float64) * 15.0, half_angle=15.0)
    for name in ("eye", "rotation", "scale"):
        assert torch.equal(getattr(camera, name), getattr(wanted, name))


@pytest.mark.parametrize("elevation", [-90.0, -60.0, 0.0, 30.0, 90.0])
def test_unseen_views_are_others(elevation):
    seen, unseen = ring(6, elevation), unseen_views(6, elevation)
    assert len(unseen) == 18
    between = 2.732 * math.cos(math.radians(elevation)) * 2.0 * math.sin(math.radians(15.0))
    assert torch.cdist(unseen.eye, seen.eye).min().item() >= between - 1e-9


def test_a_perfect_fit_is_perfect_from_everywhere():
    target = load_target("airplane", views=3)
    assert fine_iou(target, target.mesh) == 1.0
    assert unseen_iou(target, target.mesh) == 1.0
    smaller = target.mesh.with_vertices(target.mesh.vertices * 0.5)
    assert unseen_iou(target, smaller) < 0.5


def test_growing_interpolates():
    assert resized(torch.ones(1, 4, 4), (8, 8)).min() == 1.0
