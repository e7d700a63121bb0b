"""Sets of images of numbers, drawn at random, that a network has to bring into order."""

from __future__ import annotations

from typing import Protocol

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gendr.tools.images import Digits, HouseNumbers

DIGITS = 4
"""Digits of a number."""
WIDTHS_IN_COLOUR = (32, 64, 128, 256)
"""Filters of the network published for SVHN."""
CROP = 54
"""Pixels a side of the random crops of house numbers."""


class Source(Protocol):
    """Where images of numbers come from.

    >>> Source.draw.__name__
    'draw'
    """

    @property
    def size(self) -> tuple[int, int, int]:
        """Channels, rows, columns of an image."""

    @property
    def widths(self) -> tuple[int, ...]:
        """Filters of the published network's convolutions."""

    def draw(self, count: int, seed: int) -> tuple[Float[Tensor, "N C H W"], Int64[Tensor, " N"]]:
        """`count` images and the numbers they show; the same seed draws the same."""


class DigitNumbers:
    """Numbers of four digits, each digit an image of its own, side by side.

    Args:
        digits: to draw from; grey ones take the network published for MNIST, coloured ones that for SVHN.

    >>> digits = Digits(torch.zeros(10, 28, 28, dtype=torch.uint8), torch.arange(10, dtype=torch.uint8))
    >>> images, numbers = DigitNumbers(digits).draw(2, seed=0)
    >>> images.shape, numbers.tolist()
    (torch.Size([2, 1, 28, 112]), [4930, 3973])
    """

    def __init__(self, digits: Digits) -> None:
        self._images = digits.images.unsqueeze(1) if digits.images.dim() == 3 else digits.images
        self._labels = digits.labels
        channels, rows, columns = self._images.shape[1:]
        self.size: tuple[int, int, int] = (channels, rows, DIGITS * columns)
        self.widths: tuple[int, ...] = (32, 64) if channels == 1 else WIDTHS_IN_COLOUR

    def draw(self, count: int, seed: int) -> tuple[Float[Tensor, "N C H W"], Int64[Tensor, " N"]]:
        """Draw with replacement."""
        picked = torch.randint(len(self._labels), (count, DIGITS), generator=_generator(seed))
        images = self._images[picked].permute(0, 2, 3, 1, 4).reshape(count, *self.size)
        places = 10 ** torch.arange(DIGITS - 1, -1, -1)
        return _normalised(images), (self._labels[picked].long() * places).sum(1)


class HouseNumberCrops:
    """House numbers, a random 54x54 crop of the 64x64 pixels each time.

    Args:
        numbers: to draw from.

    >>> numbers = HouseNumbers(torch.zeros(1, 3, 64, 64, dtype=torch.uint8), torch.tensor([7]))
    >>> HouseNumberCrops(numbers).draw(2, seed=0)[0].shape
    torch.Size([2, 3, 54, 54])
    """

    widths: tuple[int, ...] = WIDTHS_IN_COLOUR
    size: tuple[int, int, int] = (3, CROP, CROP)

    def __init__(self, numbers: HouseNumbers) -> None:
        self._numbers = numbers

    def draw(self, count: int, seed: int) -> tuple[Float[Tensor, "N C H W"], Int64[Tensor, " N"]]:
        """Draw with replacement."""
        generator = _generator(seed)
        picked = torch.randint(len(self._numbers.numbers), (count,), generator=generator)
        most = self._numbers.images.shape[-1] - CROP
        corners = torch.randint(most + 1, (count, 2), generator=generator).tolist()
        pairs = zip(picked.tolist(), corners, strict=True)
        crops = [self._numbers.images[i, :, y : y + CROP, x : x + CROP] for i, (y, x) in pairs]
        return _normalised(torch.stack(crops)), self._numbers.numbers[picked]


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _normalised(images: Tensor) -> Tensor:
    return (images.float() - 127.5) / 127.5
