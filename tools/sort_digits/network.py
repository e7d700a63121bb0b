"""The published networks: an image of a number in, one score out."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn


class ScoreNetwork(nn.Module):
    """Convolutions 5x5, each followed by ReLU and 2x2 max pooling, then a layer of 64 and the score.

    The pooling stands before the ReLU, which gives the same numbers at a quarter of the work. With `half`, the
    convolutions run in bfloat16; the layers after them never do, because eight binary digits do not tell ten thousand
    numbers apart.

    Args:
        size: channels, rows and columns of the images.
        widths: filters of each convolution: `(32, 64)` for numbers made of MNIST digits, `(32, 64, 128, 256)` for SVHN.
        half: whether convolutions run in bfloat16.

    Source: Grover et al. 2019 and Cuturi et al. 2019; Petersen 2022, section 3.5.

    >>> ScoreNetwork((1, 28, 112))(torch.zeros(3, 1, 28, 112)).shape
    torch.Size([3])
    """

    def __init__(self, size: tuple[int, int, int], widths: tuple[int, ...] = (32, 64), *, half: bool = False) -> None:
        super().__init__()
        channels, rows, columns = size
        layers: list[nn.Module] = []
        for width in widths:
            convolution = nn.Conv2d(channels, width, 5, padding=2)
            convolution.weight.data = convolution.weight.data.contiguous(memory_format=torch.channels_last)
            layers += [convolution, nn.MaxPool2d(2), nn.ReLU()]
            channels, rows, columns = width, rows // 2, columns // 2
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Linear(channels * rows * columns, 64), nn.ReLU(), nn.Linear(64, 1))
        self._half = half

    def forward(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, " B"]:
        """The score of each image."""
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self._half):
            features = self.features(images.contiguous(memory_format=torch.channels_last))
        scores: Tensor = self.head(features.float().flatten(1)).squeeze(1)
        return scores
