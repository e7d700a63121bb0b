"""How much of an order is right."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gendr.tools.sort_digits.sets import Source


class Accuracy(NamedTuple):
    """Shares of what is in its right place.

    Attributes:
        em: sets whose whole order is right.
        ew: elements whose rank is right.
        em5: `em` of sets of five.

    >>> Accuracy(1.0, 1.0, 1.0).em
    1.0
    """

    em: float
    ew: float
    em5: float


def accuracy(scores: Float[Tensor, " N"], numbers: Int64[Tensor, " N"], n: int) -> Accuracy:
    """The figures over sets of `n` neighbours; what is left over is not counted.

    Equal numbers, of which any order is right, keep the order in which they stand.

    >>> accuracy(torch.tensor([0.1, 0.3, 0.2, 0.1, 0.2, 0.3]), torch.tensor([1, 2, 3, 4, 5, 6]), 3).ew
    0.6666666865348816
    """
    (em, ew), (em5, _) = _of_sets(scores, numbers, n), _of_sets(scores, numbers, 5)
    return Accuracy(em, ew, em5)


@torch.no_grad()
def evaluate(model: torch.nn.Module, source: Source, n: int, sets: int, seed: int) -> Accuracy:
    """The accuracy over at least `sets` sets of images drawn from `source`.

    >>> from gendr.tools.images import Digits
    >>> from gendr.tools.sort_digits.sets import DigitNumbers
    >>> source = DigitNumbers(Digits(torch.zeros(9, 28, 28, dtype=torch.uint8), torch.ones(9, dtype=torch.uint8)))
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3136, 1), torch.nn.Flatten(0))
    >>> evaluate(model, source, 2, 5, 0)
    Accuracy(em=1.0, ew=1.0, em5=1.0)
    """
    model.eval()
    scores, numbers = [], []
    left = max(sets * n, 5)
    while left > 0:
        images, shown = source.draw(min(left, 500), seed)
        scores.append(model(images))
        numbers.append(shown)
        left, seed = left - 500, seed + 1
    model.train()
    return accuracy(torch.cat(scores), torch.cat(numbers), n)


def _of_sets(scores: Tensor, numbers: Tensor, n: int) -> tuple[float, float]:
    whole = len(scores) // n * n
    if whole == 0:
        return 0.0, 0.0
    true = numbers[:whole].view(-1, n)
    ranked = true.gather(1, scores[:whole].view(-1, n).argsort(dim=1, stable=True))
    right = ranked == true.sort(1).values  # compares the numbers, so that any order of equal ones is right
    return right.all(1).float().mean().item(), right.float().mean().item()
