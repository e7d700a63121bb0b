"""Which images a step sees: a function of the seed and the step alone."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from torch import Tensor

from gendr._types import Alpha
from gendr.tools.shapes.layout import VIEWS


class Shapes(Protocol):
    """What is asked of a data set; `gendr.tools.shapes.layout.ShapeData` is one."""

    classes: list[str]
    names: list[str]
    counts: list[int]

    def images(self, name: str) -> NDArray[Any]:
        """uint8 `[N, 24, 4, 64, 64]`."""


@dataclass(frozen=True)
class Draw:
    """What a step sees, by number.

    Attributes:
        kinds: index of each object's class, `[B]`.
        objects: its number within the class, `[B]`.
        views: two views of it, which the network sees, `[2, B]`.
        others: further views, of which only the silhouettes are seen, `[K - 2, B]`.
        greys: for augmentation, how grey each view's colours become, in [0, 1], `[2, B]`.
        gains: for augmentation, what red, green and blue are then multiplied by, in [0.5, 1.5], `[2, B, 3]`.
    """

    kinds: Int64[Tensor, " B"]
    objects: Int64[Tensor, " B"]
    views: Int64[Tensor, "2 B"]
    others: Int64[Tensor, "K B"]
    greys: Float[Tensor, "2 B"]
    gains: Float[Tensor, "2 B 3"]

    def __len__(self) -> int:
        return len(self.kinds)

    def part(self, rank: int, processes: int) -> Draw:
        """The share of one process: the processes' shares make up the whole, in order.

        >>> draw([5, 9], 8, seed=0, step=3).part(1, 2).kinds.shape
        torch.Size([4])
        """
        size = len(self) // processes
        mine = slice(rank * size, (rank + 1) * size)
        rows = (self.views, self.others, self.greys, self.gains)
        return Draw(self.kinds[mine], self.objects[mine], *(row[:, mine] for row in rows))

    def numbers(self, counts: Sequence[int]) -> Int64[Tensor, " B"]:
        """Each object's number among those of all classes, one class after the other.

        >>> draw([5, 9], 8, seed=0, step=3).numbers([5, 9]).max() < 14
        tensor(True)
        """
        before = torch.tensor([0, *itertools.accumulate(counts)])
        return before[self.kinds] + self.objects

    def describe(self, row: int, names: list[str]) -> str:
        """An object by class, number and views, as errors say it.

        >>> draw([5, 9], 8, seed=0, step=3).describe(0, ["chair", "table"])
        'table 8 (views 4 and 17)'
        """
        first, second = self.views[:, row].tolist()
        return f"{names[int(self.kinds[row])]} {int(self.objects[row])} (views {first} and {second})"


def draw(counts: list[int], size: int, *, seed: int, step: int, silhouettes: int = 2) -> Draw:
    """Draw the objects and views of a step as the published program does.

    Class, object within the class, and its views are uniform and independent, with replacement. The numbers come from
    a generator that is made of `seed` and `step`, so that nothing has to be remembered between steps.

    Args:
        counts: objects in each class.
        size: `B`, of the whole batch.
        seed: of the run.
        step: from 0.
        silhouettes: `K`, views of each object, from 2; the published program has no others.

    >>> bool((draw([5, 9], 64, seed=0, step=3).objects == draw([5, 9], 64, seed=0, step=3).objects).all())
    True
    """
    random = np.random.default_rng([seed, step])
    kinds = random.integers(len(counts), size=size)
    objects = random.integers(np.asarray(counts)[kinds])
    views = random.integers(VIEWS, size=(2, size))
    greys, gains = random.random((2, size), np.float32), 0.5 + random.random((2, size, 3), np.float32)
    others = random.integers(VIEWS, size=(silhouettes - 2, size))
    kinds_, objects_, views_, others_ = (
        torch.from_numpy(numbers.astype(np.int64)) for numbers in (kinds, objects, views, others)
    )
    return Draw(kinds_, objects_, views_, others_, torch.from_numpy(greys), torch.from_numpy(gains))


@dataclass(frozen=True)
class Batch:
    """A step's images.

    Attributes:
        images: `[2 B, 4, H, W]` in [0, 1]: all first views, then all second ones.
        views: `[K B]`, those of the images, then the others.
        alphas: `[K B, H, W]`, the silhouettes in them.
    """

    images: Float[Tensor, "M 4 H W"]
    views: Int64[Tensor, " N"]
    alphas: Alpha

    def __len__(self) -> int:
        """`B`, how many objects it shows."""
        return len(self.images) // 2

    def first(self, objects: int) -> Batch:
        """The first so many objects of it, in all views."""
        parts = (self.images, self.views, self.alphas)
        return Batch(*(part.unflatten(0, (-1, len(self)))[:, :objects].flatten(0, 1) for part in parts))


def load(data: Shapes, drawn: Draw, device: torch.device | str = "cpu", *, augment: bool = False) -> Batch:
    """Read the images of a draw; with `augment` in other colours, silhouettes untouched.

    >>> import numpy as np
    >>> class Two:
    ...     classes = names = ["chair", "table"]
    ...     counts = [1, 1]
    ...     def images(self, name): return np.full((1, 24, 4, 64, 64), 255, np.uint8)
    >>> load(Two(), draw([1, 1], 3, seed=0, step=0)).images.shape
    torch.Size([6, 4, 64, 64])
    """
    views = torch.cat((drawn.views, drawn.others))
    rows = zip(drawn.kinds.tolist(), drawn.objects.tolist(), views.T.tolist(), strict=True)
    seen = np.stack([np.asarray(data.images(data.names[kind])[item][own]) for kind, item, own in rows], 1)
    images = torch.from_numpy(seen[:2]).to(device).flatten(0, 1).float() / 255.0
    others = torch.from_numpy(seen[2:, :, 3]).to(device).flatten(0, 1).float() / 255.0
    if augment:
        greys, gains = (values.flatten(0, 1).to(device)[..., None, None] for values in (drawn.greys, drawn.gains))
        colours = torch.lerp(images[:, :3], images[:, :3].mean(1, keepdim=True), greys[:, None])
        images = torch.cat(((colours * gains).clamp(0.0, 1.0), images[:, 3:]), 1)
    return Batch(images, views.flatten().to(device), torch.cat((images[:, 3], others)))
