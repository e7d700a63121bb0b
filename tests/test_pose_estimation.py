"""Poses from masks: known ones are found, a batch is its masks one by one, bad input is refused."""

import pytest
import torch

from gendr import Camera, Mesh
from gendr.render import pose
from gendr.scenes import SCENES
from gendr.tools.fit.views import silhouettes

TRUTH = Camera.look_at(
    torch.tensor([3.0, 2.6]).double(), torch.tensor([20.0, -10.0]).double(), torch.tensor([30.0, 110.0]).double()
)
GUESS = Camera.look_at(3.5, torch.tensor([35.0, 5.0]).double(), torch.tensor([10.0, 90.0]).double())


def angle(a, b):
    cosine = ((a.rotation * b.rotation).sum((1, 2)) - 1) / 2
    return torch.rad2deg(torch.acos(cosine.clamp(-1, 1)))


def test_known_poses_are_found_and_a_batch_is_its_masks():
    mesh = SCENES["teapot"]()
    masks = silhouettes(mesh, TRUTH, 64)
    found = pose.estimate(mesh, masks, GUESS)
    assert (angle(found.camera, TRUTH) < 5).all()  # seen: below 2 degrees
    assert (found.loss < 0.03).all()
    alone = pose.estimate(mesh, masks[1:], GUESS[1])
    torch.testing.assert_close(alone.camera.rotation, found.camera.rotation[1:], rtol=0, atol=1e-3)


def test_a_ball_is_ambiguous():
    mesh = Mesh.icosphere(2, radius=0.5)
    found = pose.estimate(mesh, silhouettes(mesh, TRUTH, 32), GUESS)
    assert found.is_ambiguous.all()
    assert (found.confidence < 0.6).all()
    assert found.camera.eye.isfinite().all()


@pytest.mark.parametrize(
    ("masks", "told"),
    [
        (torch.zeros(1, 8, 8), r"masks\[0\]: expected a mask with something in it"),
        (torch.ones(8, 8), "masks: expected float32"),
        (torch.full((1, 8, 8), torch.nan), "masks: expected values in"),
    ],
)
def test_bad_masks_are_refused(masks, told):
    with pytest.raises(ValueError, match=told):
        pose.estimate(Mesh.icosphere(0), masks, GUESS[0])


def test_a_mesh_without_faces_is_refused():
    mesh = Mesh(torch.zeros(3, 3), torch.zeros(0, 3, dtype=torch.int64))
    with pytest.raises(ValueError, match="mesh: expected a mesh with faces"):
        pose.estimate(mesh, torch.ones(1, 8, 8), GUESS[0])
