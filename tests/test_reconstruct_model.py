"""The networks: sizes as published, first predictions, statistics over processes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gendr.tools.fit.shapes import OctantShape, sphere
from gendr.tools.reconstruct.model import build
from gendr.tools.reconstruct.norm import GatheredBatchNorm2d
from gendr.tools.reconstruct.published import Decoder, Encoder


def test_the_published_layers():
    network = build("published")
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert [(m.out_channels, m.kernel_size, m.stride) for m in convolutions] == [
        (64, (5, 5), (2, 2)), (128, (5, 5), (2, 2)), (256, (5, 5), (2, 2))
    ]  # fmt: skip
    assert sum(isinstance(m, nn.BatchNorm2d) for m in network.modules()) == 3
    linear = [(m.in_features, m.out_features) for m in network.modules() if isinstance(m, nn.Linear)]
    assert linear == [
        (16384, 1024), (1024, 1024), (1024, 512), (512, 1024), (1024, 2048), (2048, 3), (2048, 642 * 3)
    ]  # fmt: skip
    by_hand = sum(o * (25 * i + 1) + 2 * o for i, o in ((4, 64), (64, 128), (128, 256)))
    by_hand += sum(o * (i + 1) for i, o in linear)
    assert sum(p.numel() for p in network.parameters()) == by_hand == 25_961_417


def test_the_decoder_is_the_published_parametrisation():
    start = sphere(1, 0.5)
    decoder = Decoder(start, 8)
    features = torch.randn(3, 8)
    hidden = decoder.layers(features)
    for index, vertices in enumerate(decoder(features)):
        shape = OctantShape(start)
        shape._displacement = decoder.displacements(hidden[index]).view(-1, 3)
        shape._centre = decoder.centre(hidden[index])[None] / 10
        # 1e-6: a few roundings of numbers up to 1/2 in float32
        assert torch.allclose(vertices, shape.vertices() / 2, atol=1e-6)


def test_predictions_stay_finite_and_in_the_cube():
    decoder = Decoder(sphere(1, 0.5), 8)
    features = (1e6 * torch.randn(4, 8)).requires_grad_()
    vertices = decoder(features)
    vertices.sum().backward()
    assert vertices.abs().max() <= 0.5
    assert all(p.grad.isfinite().all() for p in decoder.parameters())


def test_the_modern_network_begins_with_the_sphere_and_moves_smoothly():
    network = build("modern")
    images = torch.rand(2, 4, 64, 64)
    assert torch.allclose(network(images)[0], network.template.vertices, atol=1e-7)
    with torch.no_grad():
        network.decoder.last.bias[6] = 1.0  # one number, one coordinate of one vertex
    moved = (network(images)[0] - network.template.vertices)[:, 0].detach()
    # (I + lambda L)^-1 has rows of sum 1 and positive entries: a bump that spreads
    assert moved.sum() == pytest.approx(1.0, abs=1e-4)
    assert moved.min() > -1e-6
    assert 0.05 < moved.max() < 0.5


def test_other_image_sizes_fit_the_published_encoder():
    assert Encoder(32)(torch.zeros(1, 4, 32, 32)).shape == (1, 512)


def test_unknown_networks():
    with pytest.raises(ValueError, match="model: expected one of published, modern"):
        build("other")


def test_alone_it_is_batch_normalisation():
    ours, theirs = GatheredBatchNorm2d(3), nn.BatchNorm2d(3)
    x = torch.randn(4, 3, 5, 5)
    assert torch.equal(ours(x), theirs(x))
    assert torch.equal(ours.running_var, theirs.running_var)
