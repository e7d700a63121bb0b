"""Classifiers: a head on features, a perceptron, a small convolutional network, and a ResNet-18 for small images."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from gendr import _check

Kind = Literal["linear", "mlp", "cnn", "resnet18"]


def build(kind: Kind, shape: tuple[int, ...], classes: int) -> nn.Module:
    """A freshly drawn model.

    Args:
        kind: "linear", the head alone; "mlp", one hidden layer of 256; "cnn", three convolutions; "resnet18".
        shape: of one sample; images for the last two.
        classes: how many scores.

    Raises:
        ValueError: a convolutional model for what is no image.

    >>> build("mlp", (3, 8, 8), 10)(torch.zeros(2, 3, 8, 8)).shape
    torch.Size([2, 10])
    """
    features = math.prod(shape)
    if kind == "linear":
        return nn.Sequential(nn.Flatten(), nn.Linear(features, classes))
    if kind == "mlp":
        return nn.Sequential(nn.Flatten(), nn.Linear(features, 256), nn.ReLU(), nn.Linear(256, classes))
    if len(shape) != 3:
        _check.fail("model", f"linear or mlp for features of shape {list(shape)}", repr(kind))
    if kind == "resnet18":
        return resnet18(shape[0], classes)
    layers: list[nn.Module] = []
    before = shape[0]
    for width in (32, 64, 128):
        layers += [nn.Conv2d(before, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)]
        before = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes))


def load_head(model: nn.Module, path: Path) -> None:
    """Start a linear model from a trained head: the arrays `weight` `[classes, features]` and `bias` of an `.npz` file.

    Raises:
        OSError: it cannot be read.
        ValueError: it has no such arrays, or the model is not linear.

    >>> model = build("linear", (2,), 3)
    >>> np.savez("head.npz", weight=np.ones((3, 2), np.float32), bias=np.zeros(3, np.float32))
    >>> load_head(model, Path("head.npz"))
    >>> model(torch.ones(1, 2))
    tensor([[2., 2., 2.]], grad_fn=<AddmmBackward0>)
    """
    last = model[-1] if isinstance(model, nn.Sequential) and len(model) == 2 else None
    if not isinstance(last, nn.Linear):
        _check.fail("head", "the linear model", type(model).__name__)
    try:
        with np.load(path, allow_pickle=False) as file:
            weight, bias = torch.from_numpy(file["weight"]).float(), torch.from_numpy(file["bias"]).float()
    except (KeyError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:
        _check.fail(str(path), "a numpy file with the arrays weight and bias", str(error))
    if weight.shape != last.weight.shape or bias.shape != last.bias.shape:
        _check.fail(str(path), f"weight {list(last.weight.shape)}", f"{list(weight.shape)}")
    with torch.no_grad():
        last.weight.copy_(weight)
        last.bias.copy_(bias)


def resnet18(channels: int, classes: int) -> nn.Module:
    """ResNet-18 with a 3x3 stem and no pooling in front, as is usual for 32x32 images.

    Source: He et al. 2016, "Deep Residual Learning for Image Recognition".

    >>> sum(p.numel() for p in resnet18(3, 100).parameters())
    11220132
    """
    blocks: list[nn.Module] = []
    before = 64
    for width in (64, 128, 256, 512):
        for step in (1 if width == 64 else 2, 1):
            blocks.append(_Residual(before, width, step))
            before = width
    stem = [nn.Conv2d(channels, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes))


class _Residual(nn.Module):
    def __init__(self, before: int, width: int, step: int) -> None:
        super().__init__()
        self.path = nn.Sequential(
            nn.Conv2d(before, width, 3, step, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )
        self.skip: nn.Module = nn.Identity()
        if step != 1 or before != width:
            self.skip = nn.Sequential(nn.Conv2d(before, width, 1, step, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        """The block's output."""
        total: Tensor = torch.relu(self.path(x) + self.skip(x))
        return total
