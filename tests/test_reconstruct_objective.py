"""The loss on known input, and the schedules."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
import torch

from gendr.render.losses import area_loss, flatten_loss, iou_loss, laplacian_loss
from gendr.tools.fit.shapes import sphere
from gendr.tools.reconstruct.batches import Batch
from gendr.tools.reconstruct.objective import MultiView
from gendr.tools.reconstruct.settings import Rate, Settings
from reconstruct_data import box, pictures

SETTINGS = Settings(("02691156",), (1,))


def batch_of(meshes, *views):
    images = torch.cat([torch.stack([pictures(m, (1, 1, 1))[v] for m, v in zip(meshes, row, strict=True)])
                        for row in views]).float() / 255  # fmt: skip
    return Batch(images[: 2 * len(meshes)], torch.tensor(views).flatten(), images[:, 3])


def test_the_true_meshes_are_best():
    meshes = [box((0.3, 0.6, 0.3)), box((0.7, 0.2, 0.5))]
    batch = batch_of(meshes, [0, 3], [6, 20])
    objective = MultiView(meshes[0], SETTINGS)
    vertices = torch.stack([m.vertices for m in meshes]).repeat(2, 1, 1)
    right = objective(vertices, batch, 1e-6)
    # a softness of a thirtieth of a pixel: only pixels differ whose centre lies that close to an edge, at most 1 %
    assert right.iou > 0.98
    assert right.silhouette < 0.02
    for wrong in (vertices.flip(0), vertices * 0.9, vertices + 0.05):
        assert objective(wrong, batch, 1e-6).silhouette > 0.1


@pytest.mark.parametrize("views", [([0, 3], [6, 20]), ([0, 3], [6, 20], [9, 1], [17, 23])])
def test_both_predictions_are_rendered_into_all_views(views):
    meshes = [box((0.3, 0.6, 0.3)), box((0.7, 0.2, 0.5))]
    batch = batch_of(meshes, *views)
    objective = MultiView(sphere(2, 0.25), SETTINGS)
    vertices = torch.randn(4, 162, 3) * 0.02 + sphere(2, 0.25).vertices
    found = objective(vertices, batch, 1e-4)
    terms = []
    for view in range(len(views)):
        for prediction in (0, 1):  # from the first and from the second image
            own = slice(2 * prediction, 2 * prediction + 2)
            there = slice(2 * view, 2 * view + 2)
            alphas = objective.render(vertices[own], batch.views[there], 1e-4)
            assert torch.equal(found.alphas[4 * view + 2 * prediction :][:2], alphas)
            terms.append(iou_loss(alphas, batch.alphas[there]))
    mean = torch.stack(terms).mean()
    assert found.silhouette == pytest.approx(float(mean), abs=1e-6)  # sums of float32 in another order
    faces = sphere(2, 0.25).faces
    smooth = 5e-3 * laplacian_loss(vertices, faces) + 5e-4 * flatten_loss(vertices, faces)
    assert found.loss == pytest.approx(float(found.silhouette + smooth), abs=1e-6)
    tight = MultiView(sphere(2, 0.25), dataclasses.replace(SETTINGS, area=0.1))(vertices, batch, 1e-4)
    expected = found.silhouette + smooth + 0.1 * area_loss(vertices, faces)
    assert tight.loss == pytest.approx(float(expected), abs=1e-6)


def test_the_published_schedules():
    settings = dataclasses.replace(SETTINGS, steps=250_000)
    assert settings.rates(149_999) == (1e-4, 1e-4)
    assert settings.rates(150_000) == pytest.approx((3e-5, 3e-5))


def test_schedules_with_an_end_fall_all_the_way():
    values = [Rate(1e-2, 1e-4).at(step, 50) for step in range(50)]
    assert values[0] == pytest.approx(1e-2)
    assert values[-1] == pytest.approx(1e-4)
    assert all(a >= b for a, b in itertools.pairwise(values))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"lr": "fast"}, "lr: expected V or V0:V1 with positive numbers"),
        ({"tau": "0"}, "tau: expected V or V0:V1"),
        ({"tau": "1e-3:1e-4:1e-5"}, "tau: expected V or V0:V1"),
        ({"batch": 0}, "batch: expected a number in"),
        ({"clip": 0.0}, "clip: expected a number in"),
        ({"laplacian": float("nan")}, "laplacian: expected a number in"),
        ({"area": -0.1}, "area: expected a number in"),
        ({"seed": -1}, "seed: expected a number in"),
        ({"distribution": "bell"}, "bell"),
        ({"t_conorm": "sum"}, "sum"),
    ],
)
def test_settings_out_of_range(changes, text):
    with pytest.raises(ValueError, match=text):
        dataclasses.replace(SETTINGS, **changes)
