"""Losses against loops in numpy, their invariances, and their behaviour where a mesh or an image has nothing to say."""

import math

import numpy as np
import pytest
import torch
import trimesh

from gendr.render.losses import (
    area_loss,
    edge_length_loss,
    flatten_loss,
    hard_iou,
    hard_iou_loss,
    iou_loss,
    laplacian_loss,
    mse_loss,
    soft_iou,
)
from gendr.render.topology import MeshTopology

REGULARISERS = [laplacian_loss, flatten_loss, edge_length_loss, area_loss]


def resting_length_loss(vertices, faces):
    return edge_length_loss(vertices, faces, target_length=0.3)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def bumpy_sphere(level=1, dtype=torch.float64):
    sphere = trimesh.creation.icosphere(subdivisions=level)
    vertices = torch.tensor(sphere.vertices.tolist(), dtype=torch.float64)
    vertices = vertices * (1 + 0.2 * torch.rand(len(vertices), 1, generator=generator(), dtype=torch.float64))
    return vertices.to(dtype), torch.tensor(sphere.faces.tolist())


def images(*shape, dtype=torch.float64):
    return torch.rand(*shape, generator=generator(1), dtype=dtype), torch.rand(
        *shape, generator=generator(2), dtype=dtype
    )


# Images


def test_iou_is_the_published_formula():
    a, t = images(3, 4, 6)
    ratios = [(x * y).sum() / (x + y - x * y).sum() for x, y in zip(a.numpy(), t.numpy(), strict=True)]
    assert iou_loss(a, t).item() == pytest.approx(1 - np.mean(ratios), rel=1e-14)
    assert soft_iou(a, t).tolist() == pytest.approx(ratios, rel=1e-14)


def test_mse_is_the_mean_over_all_pixels():
    a, t = images(3, 4, 6)
    assert mse_loss(a, t).item() == pytest.approx(((a - t).numpy() ** 2).mean(), rel=1e-14)


def test_iou_of_masks():
    mask = (images(2, 64, 64)[0] > 0.5).float()
    assert iou_loss(mask, mask) == 0.0
    assert iou_loss(mask, 1 - mask) == 1.0
    assert hard_iou_loss(0.9 * mask, mask) == 0.0
    assert hard_iou(0.9 * mask, 1 - mask).tolist() == [0.0, 0.0]
    assert hard_iou_loss(mask, mask).item() == iou_loss(mask, mask).item()


def test_hard_iou_counts_pixels_above_the_threshold():
    alpha = torch.tensor([[[0.9, 0.6, 0.5, 0.1]], [[0.0, 0.0, 0.0, 0.0]]], requires_grad=True)
    target = torch.tensor([[[1.0, 0.0, 1.0, 0.0]], [[0.0, 0.0, 0.0, 0.0]]])
    assert hard_iou(alpha, target).tolist() == pytest.approx([1 / 3, 1.0])
    assert hard_iou(alpha, target, threshold=0.05).tolist() == pytest.approx([1 / 2, 1.0])
    assert not hard_iou_loss(alpha, target).requires_grad


def test_two_empty_images_agree_and_push_nothing():
    alpha = torch.zeros(2, 3, 3, requires_grad=True)
    target = torch.zeros(2, 3, 3)
    target[1, 0, 0] = 1.0
    loss = iou_loss(alpha, target)
    loss.backward()
    assert loss.item() == 0.5
    assert alpha.grad is not None
    assert torch.equal(alpha.grad[0], torch.zeros(3, 3))
    assert alpha.grad[1].isfinite().all()
    assert alpha.grad[1, 0, 0] < 0


def test_image_losses_have_derivatives():
    a, t = (image.requires_grad_() for image in images(2, 3, 4))
    for loss in (iou_loss, mse_loss):
        assert torch.autograd.gradcheck(loss, (a, t))
        assert torch.autograd.gradgradcheck(loss, (a, t))


@pytest.mark.parametrize("loss", [iou_loss, soft_iou, mse_loss, hard_iou, hard_iou_loss])
@pytest.mark.parametrize(
    ("name", "alpha", "target"),
    [
        ("alpha", torch.zeros(4, 4), torch.zeros(4, 4)),
        ("target", torch.zeros(1, 4, 4), torch.zeros(1, 4, 5)),
        ("target", torch.zeros(1, 4, 4), torch.zeros(1, 4, 4, dtype=torch.float64)),
        ("target", torch.zeros(1, 4, 4), torch.zeros(1, 4, 4, dtype=torch.bool)),
    ],
)
def test_wrong_images_are_named(loss, name, alpha, target):
    with pytest.raises((ValueError, TypeError), match=name):
        loss(alpha, target)


def test_wrong_threshold_is_named():
    with pytest.raises((ValueError, TypeError), match="threshold"):
        hard_iou(torch.zeros(1, 2, 2), torch.zeros(1, 2, 2), threshold=1.5)


# Regularisers


def test_laplacian_is_the_published_matrix_form():
    vertices, faces = bumpy_sphere()
    matrix = np.zeros((len(vertices), len(vertices)))
    for a, b, c in faces.tolist():
        for i, j in ((a, b), (b, c), (c, a)):
            matrix[i, j] = matrix[j, i] = -1
    np.fill_diagonal(matrix, -matrix.sum(1))
    matrix /= matrix.diagonal()[:, None]
    expected = ((matrix @ vertices.numpy()) ** 2).sum()
    assert laplacian_loss(vertices, faces).item() == pytest.approx(expected, rel=1e-13)


def test_flatten_is_the_published_formula():
    """Parts of the third vertices' rays perpendicular to the edge, and the cosine between them, edge by edge."""
    vertices, faces = bumpy_sphere()
    x, triangles = vertices.numpy(), [set(face) for face in faces.tolist()]
    expected = 0.0
    for a, b in {tuple(sorted(p)) for f in faces.tolist() for p in ((f[0], f[1]), (f[1], f[2]), (f[2], f[0]))}:
        edge, parts = x[b] - x[a], []
        for third in ((face - {a, b}).pop() for face in triangles if {a, b} <= face):
            ray = x[third] - x[a]
            parts.append(ray - edge * (ray @ edge) / (edge @ edge))
        cosine = parts[0] @ parts[1] / np.linalg.norm(parts[0]) / np.linalg.norm(parts[1])
        expected += (cosine + 1) ** 2
    assert flatten_loss(vertices, faces).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("bend", [0.0, 30.0, 90.0, 180.0])
@pytest.mark.parametrize("faces", [[[0, 1, 2], [1, 0, 3]], [[0, 1, 2], [0, 1, 3]], [[2, 0, 1], [0, 3, 1]]])
def test_flatten_of_one_hinge(bend, faces):
    """A roof bent by `bend` from flat has the inner angle 180 - bend, whichever way the faces wind."""
    angle = math.radians(180.0 - bend)
    roof = [[0, 0, 0], [0, 2, 0], [1, 0.3, 0], [3 * math.cos(angle), 1, 3 * math.sin(angle)]]
    loss = flatten_loss(torch.tensor(roof, dtype=torch.float64), torch.tensor(faces))
    assert loss.item() == pytest.approx((math.cos(angle) + 1) ** 2, abs=1e-14)


def test_edge_length():
    vertices, faces = bumpy_sphere()
    edges = MeshTopology.from_faces(faces, len(vertices)).edges
    lengths = np.linalg.norm(vertices.numpy()[edges[:, 0]] - vertices.numpy()[edges[:, 1]], axis=1)
    assert edge_length_loss(vertices, faces).item() == pytest.approx((lengths**2).mean(), rel=1e-13)
    assert edge_length_loss(vertices, faces, 0.5).item() == pytest.approx(((lengths - 0.5) ** 2).mean(), rel=1e-12)


def test_area_is_that_of_the_surface():
    vertices, faces = bumpy_sphere()
    expected = trimesh.Trimesh(vertices.numpy(), faces.numpy(), process=False).area
    assert area_loss(vertices, faces).item() == pytest.approx(expected, rel=1e-13)
    assert area_loss(vertices, torch.cat((faces, faces))).item() == pytest.approx(2 * expected, rel=1e-13)


def test_area_flattens_a_lid():
    """A vertex inside a plane polygon, lifted, is pulled straight down; within the plane nothing moves it."""
    square = torch.tensor([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0.3, 0.6, 0]], dtype=torch.float64)
    fan = torch.tensor([[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]])
    for height in (0.0, 0.2):
        vertices = (square + height * torch.tensor([[0, 0, 0.0]] * 4 + [[0, 0, 1.0]])).requires_grad_()
        area_loss(vertices, fan).backward()
        assert vertices.grad is not None
        pull = vertices.grad[4]
        assert pull[2] == 0.0 if height == 0.0 else pull[2] > 0.1
        assert height > 0.0 or pull.abs().max() < 1e-15


@pytest.mark.parametrize("loss", REGULARISERS)
def test_batch_is_averaged_and_a_prebuilt_topology_changes_nothing(loss):
    vertices, faces = bumpy_sphere()
    topology = MeshTopology.from_faces(faces, len(vertices))
    batch = torch.stack((vertices, 1.5 * vertices.flip(1), vertices**2))
    mean = torch.stack([loss(mesh, faces) for mesh in batch]).mean()
    torch.testing.assert_close(loss(batch, topology), mean)
    assert torch.equal(loss(batch, faces), loss(batch, topology))
    assert loss(vertices, topology).shape == ()


@pytest.mark.parametrize("loss", REGULARISERS)
def test_rigid_motion_changes_nothing_and_scale_what_it_should(loss):
    vertices, faces = bumpy_sphere()
    rotation = torch.linalg.qr(torch.randn(3, 3, generator=generator(3), dtype=torch.float64))[0]
    torch.testing.assert_close(loss(vertices @ rotation + 3.0, faces), loss(vertices, faces))
    power = 0 if loss is flatten_loss else 2
    for factor in (1e-6, 1e6):
        torch.testing.assert_close(loss(vertices * factor, faces), loss(vertices, faces) * factor**power)


@pytest.mark.parametrize("loss", REGULARISERS)
def test_regularisers_have_derivatives(loss):
    vertices, faces = bumpy_sphere(0)
    topology = MeshTopology.from_faces(faces, len(vertices))
    batch = torch.stack((vertices, vertices**3)).requires_grad_()
    assert torch.autograd.gradcheck(lambda v: loss(v, topology), batch)
    assert torch.autograd.gradgradcheck(lambda v: loss(v, topology), batch)


DEGENERATE = {
    "a point": torch.zeros(12, 3),
    "a line": torch.linspace(0, 1, 12)[:, None] * torch.tensor([1.0, 2.0, 3.0]),
    "a plane": torch.rand(12, 3, generator=generator(4)) * torch.tensor([1.0, 1.0, 0.0]),
    "half of it a point": torch.rand(12, 3, generator=generator(5)) * (torch.arange(12) > 5)[:, None],
    "a needle": torch.rand(12, 3, generator=generator(6)) * torch.tensor([1.0, 1e-7, 1e-9]),
    "tiny": torch.rand(12, 3, generator=generator(7)) * 1e-22,
    "subnormal": torch.rand(12, 3, generator=generator(7)) * 1e-40,
    "huge": torch.rand(12, 3, generator=generator(8)) * 1e15,
}


@pytest.mark.parametrize("loss", [*REGULARISERS, resting_length_loss])
@pytest.mark.parametrize("shape", DEGENERATE)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_degenerate_meshes_stay_finite(loss, shape, dtype):
    faces = bumpy_sphere(0)[1]
    vertices = DEGENERATE[shape].clone().to(dtype).requires_grad_()
    value = loss(vertices, faces)
    value.backward()
    assert value.isfinite()
    assert vertices.grad is not None
    assert vertices.grad.isfinite().all()


def test_nothing_to_regularise():
    lonely = torch.zeros(3, 3, requires_grad=True)
    for loss in REGULARISERS:
        for faces in (torch.zeros(0, 3, dtype=torch.int64), torch.tensor([[0, 0, 0]])):
            value = loss(lonely, faces)
            value.backward()
            assert value.item() == 0.0
    fan = torch.tensor([[0, 1, 2], [0, 1, 3], [0, 1, 4]])  # three faces at one edge, borders elsewhere: no hinge
    assert flatten_loss(torch.rand(5, 3, generator=generator()), fan).item() == 0.0


@pytest.mark.parametrize("loss", REGULARISERS)
@pytest.mark.parametrize(
    ("name", "vertices", "faces"),
    [
        ("vertices", torch.zeros(4, 2), torch.tensor([[0, 1, 2]])),
        ("vertices", torch.zeros(1, 2, 4, 3), torch.tensor([[0, 1, 2]])),
        ("vertices", torch.zeros(5, 3), MeshTopology.from_faces(torch.tensor([[0, 1, 2]]), 4)),
        ("faces", torch.zeros(4, 3), torch.tensor([[0, 1, 4]])),
        ("faces", torch.zeros(4, 3), [[0, 1, 2]]),
    ],
)
def test_wrong_meshes_are_named(loss, name, vertices, faces):
    with pytest.raises((ValueError, TypeError), match=name):
        loss(vertices, faces)
