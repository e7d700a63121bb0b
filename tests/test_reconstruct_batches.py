"""What a step sees: laws of the sampler, and images that are those of the draw."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gendr.tools.reconstruct.batches import draw, load
from gendr.tools.shapes.layout import ShapeData
from reconstruct_data import write_boxes

COUNTS = [5, 9, 2]


def test_a_draw_depends_on_seed_and_step_alone():
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    first = draw(COUNTS, 64, seed=3, step=7)
    torch.manual_seed(2)
    again = draw(COUNTS, 64, seed=3, step=7)
    assert torch.equal(first.objects, again.objects)
    assert torch.equal(first.views, again.views)
    assert not torch.equal(first.objects, draw(COUNTS, 64, seed=3, step=8).objects)
    assert not torch.equal(first.objects, draw(COUNTS, 64, seed=4, step=7).objects)


def test_the_processes_parts_are_the_whole():
    whole = draw(COUNTS, 64, seed=0, step=0, silhouettes=5)
    parts = [whole.part(rank, 4) for rank in range(4)]
    for name, dim in (("kinds", 0), ("objects", 0), ("views", 1), ("others", 1), ("greys", 1), ("gains", 1)):
        assert torch.equal(torch.cat([getattr(part, name) for part in parts], dim), getattr(whole, name))


def test_classes_count_alike_and_objects_within_them():
    drawn = draw(COUNTS, 30_000, seed=0, step=0)
    for kind, count in enumerate(COUNTS):
        own = drawn.objects[drawn.kinds == kind]
        # 5 standard deviations of a binomial share of a third of 30,000
        assert abs(len(own) - 10_000) < 5 * (30_000 * 2 / 9) ** 0.5
        assert own.unique().tolist() == list(range(count))
        shares = torch.bincount(own, minlength=count) / len(own)
        assert (shares - 1 / count).abs().max() < 5 * (1 / count / len(own)) ** 0.5
    assert drawn.views.unique().tolist() == list(range(24))
    assert float((drawn.views[0] == drawn.views[1]).float().mean()) == pytest.approx(1 / 24, abs=0.006)


def test_more_silhouettes_change_nothing_else():
    few, many = (draw(COUNTS, 30_000, seed=3, step=7, silhouettes=number) for number in (2, 4))
    assert few.others.shape == (0, 30_000)
    for name in ("kinds", "objects", "views", "greys", "gains"):
        assert torch.equal(getattr(few, name), getattr(many, name))
    assert many.others.shape == (2, 30_000)
    # 5 standard deviations of a binomial share of 24th parts
    shares = torch.bincount(many.others.flatten(), minlength=24) / 60_000
    assert (shares - 1 / 24).abs().max() < 5 * (23 / 24**2 / 60_000) ** 0.5


def test_images_are_those_of_the_draw(tmp_path):
    data = ShapeData(write_boxes(tmp_path, ["train"]), "table,chair", "train")
    drawn = draw(data.counts, 5, seed=0, step=0, silhouettes=4)
    batch = load(data, drawn)
    assert len(batch) == 5
    for view in (0, 1):
        for row in range(5):
            name = data.names[drawn.kinds[row]]
            wanted = data.images(name)[int(drawn.objects[row]), int(drawn.views[view, row])]
            assert torch.equal(batch.images[5 * view + row], torch.from_numpy(wanted / np.float32(255)))
            assert batch.views[5 * view + row] == drawn.views[view, row]
    assert torch.equal(batch.alphas[:10], batch.images[:, 3])
    for view in (0, 1):
        for row in range(5):
            number = int(drawn.others[view, row])
            silhouette = data.images(data.names[drawn.kinds[row]])[int(drawn.objects[row]), number, 3]
            assert torch.equal(batch.alphas[10 + 5 * view + row], torch.from_numpy(silhouette / np.float32(255)))
            assert batch.views[10 + 5 * view + row] == number
    assert torch.equal(batch.first(2).alphas, batch.alphas.view(4, 5, 64, 64)[:, :2].flatten(0, 1))
    other = load(data, drawn, augment=True)
    assert torch.equal(other.alphas, batch.alphas)
    assert not torch.equal(other.images, batch.images)
    assert 0 <= other.images.min() <= other.images.max() <= 1
    assert not other.images[:, :3][(other.alphas[:10] == 0)[:, None].expand(-1, 3, -1, -1)].any()
