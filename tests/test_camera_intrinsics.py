"""Focal lengths per axis, principal point and image size, and the two halves of the projection."""

import dataclasses

import pytest
import torch

from gendr.render import Mesh
from gendr.render.camera import Camera
from gendr.tools.fit.views import close_up

GENERATOR = torch.Generator().manual_seed(0)
POINTS = torch.rand(50, 3, generator=GENERATOR, dtype=torch.float64) * 2 - 1


def cameras(batch=3, **changes):
    azimuth = torch.arange(batch, dtype=torch.float64) * 50.0
    camera = Camera.look_at(2.732, 30.0, azimuth, projection=changes.pop("projection", "perspective"))
    return dataclasses.replace(camera, **changes)


def intrinsics(batch=3):
    scale = torch.rand(batch, 2, generator=GENERATOR, dtype=torch.float64) + 1
    return {"scale": scale, "center": torch.randn(batch, 2, generator=GENERATOR, dtype=torch.float64)}


@pytest.mark.parametrize("projection", ["perspective", "orthographic"])
def test_focal_lengths_and_principal_point(projection):
    camera = cameras(projection=projection, **intrinsics())
    local = camera.to_camera(POINTS)
    plane = local[..., :2] / local[..., 2:] if projection == "perspective" else local[..., :2]
    expected = torch.cat((plane * camera.scale[:, None] + camera.center[:, None], local[..., 2:]), -1)
    torch.testing.assert_close(camera.project(POINTS), expected)


@pytest.mark.parametrize("projection", ["perspective", "orthographic"])
@pytest.mark.parametrize("changes", [{}, intrinsics()])
def test_the_halves_make_the_whole(projection, changes):
    camera = cameras(projection=projection, **changes)
    local = camera.to_camera(POINTS)
    expected = torch.einsum("bij,bvj->bvi", camera.rotation, POINTS - camera.eye[:, None])
    torch.testing.assert_close(local, expected)
    assert torch.equal(camera.to_image(local), camera.project(POINTS))
    faces = torch.arange(48).reshape(16, 3)
    assert torch.equal(camera.to_image(local[:, faces]), camera.project(POINTS)[:, faces])
    torch.testing.assert_close(camera.to_image(POINTS + 2.0), camera.to_image((POINTS + 2.0).expand(3, -1, -1)))
    torch.testing.assert_close(camera[1].to_image(local)[2], camera[1].to_image(local[2])[0])
    assert camera.to_image(local.float()).dtype == torch.float32


def test_one_scale_for_both_axes_is_the_same_as_two():
    camera = cameras()
    twice = dataclasses.replace(camera, scale=camera.scale[:, None].expand(-1, 2), center=torch.zeros(3, 2).double())
    torch.testing.assert_close(camera.project(POINTS), twice.project(POINTS))


def test_no_points_and_no_faces():
    camera = cameras(**intrinsics())
    assert camera.project(torch.zeros(0, 3)).shape == (3, 0, 3)
    assert camera.to_image(torch.zeros(3, 0, 3, 3)).shape == (3, 0, 3, 3)


def test_derivatives():
    def project(vertices, rotation, eye, scale, center):
        return Camera(rotation, eye, scale, center=center).project(vertices)

    camera = cameras(2, **intrinsics(2))
    inputs = [
        t.clone().requires_grad_() for t in (POINTS[:3], camera.rotation, camera.eye, camera.scale, camera.center)
    ]
    assert torch.autograd.gradcheck(project, inputs)


def test_indexing_joining_and_moving_keep_everything():
    camera = cameras(size=(30, 40), **intrinsics())
    again = Camera.cat([camera[:1], camera[torch.tensor([1, 2])]])
    for name in ("rotation", "eye", "scale", "center"):
        assert torch.equal(getattr(again, name), getattr(camera, name))
    assert (again.projection, again.size) == ("perspective", (30, 40))
    moved = camera.to(torch.float32)
    assert {moved.scale.dtype, moved.center.dtype, moved.eye.dtype} == {torch.float32}
    assert (moved.size, moved.to(torch.float32)) == ((30, 40), moved)


def test_joining_plain_cameras_with_general_ones():
    plain, general = cameras(2), cameras(1, size=(30, 40), **intrinsics(1))
    joined = Camera.cat([plain, general])
    expected = torch.cat((plain.project(POINTS), general.project(POINTS)))
    torch.testing.assert_close(joined.project(POINTS), expected)
    assert joined.size == (30, 40)
    with pytest.raises(ValueError, match="one image size"):
        Camera.cat([general, dataclasses.replace(general, size=(40, 30))])


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("scale", {"scale": torch.ones(3, 3).double()}),
        ("scale", {"scale": torch.ones(2, 2).double()}),
        ("scale", {"scale": torch.ones(3, 2)}),
        ("center", {"center": torch.zeros(2).double()}),
        ("center", {"center": torch.zeros(3, 2)}),
        ("size", {"size": (0, 4)}),
        ("size", {"size": (4, 4, 3)}),
        ("size", {"size": (4.0, 4)}),
        ("size", {"size": 64}),
    ],
)
def test_wrong_fields_are_named(name, change):
    with pytest.raises((ValueError, TypeError), match=name):
        cameras(**change)


@pytest.mark.parametrize(
    "points", [torch.zeros(5, 2), torch.zeros(2, 5, 3), torch.zeros(3), torch.zeros(2, 5, 3).long()]
)
def test_wrong_points_are_named(points):
    with pytest.raises((ValueError, TypeError), match="points"):
        cameras().to_image(points)


def test_a_close_up_enlarges_the_whole_image():
    camera = cameras(scale=torch.full((3, 2), 0.5).double(), center=torch.full((3, 2), 0.05).double(), size=(30, 40))
    ball = Mesh.icosphere(1, radius=0.3)
    near, far = (view.project(ball.vertices.double())[..., :2] for view in (close_up(camera, [ball]), camera))
    torch.testing.assert_close(near, far * (0.94 / far.abs().max()))
    assert close_up(camera, [ball]).size == (30, 40)
