"""Training with one loss, and what it reaches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from gendr import _check
from gendr.tools.topk_classify.data import Labelled
from gendr.tools.topk_classify.models import Kind, build, load_head
from gendr.topk import SmoothTopKLoss, TopKLoss

LossName = Literal["softmax", "topk", "smooth"]


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Attributes:
        model: see `models.build`.
        p_k: of the top-k loss; its length is the `k` of the accuracy that is reported beside top-1.
        m: highest scores that are ranked; None for all.
        method: of `TopKLoss`.
        distribution: of the network's comparators.
        steepness: of the network's comparators; None for 1.
        tau: of the other methods.
        epochs: over the training part.
        batch: samples a step.
        lr: of Adam.
        flip: whether images are mirrored at random and shifted by up to an eighth of their size.

    Raises:
        ValueError: a value out of range.

    >>> Recipe(p_k=(0.5, 0.5)).k
    2
    """

    model: Kind = "mlp"
    p_k: tuple[float, ...] = (0.5, 0.0, 0.0, 0.0, 0.5)
    m: int | None = None
    method: str = "network"
    distribution: str = "cauchy"
    steepness: float | None = None
    tau: float = 1.0
    epochs: int = 10
    batch: int = 100
    lr: float = 1e-3
    flip: bool = False

    def __post_init__(self) -> None:
        for name in ("epochs", "batch"):
            _check.number(name, getattr(self, name), 1)
        _check.number("lr", self.lr, 0.0, open_low=True)
        self.loss("topk")

    @property
    def k(self) -> int:
        """The largest `k` with a probability.

        >>> Recipe(p_k=(0.5, 0.5, 0.0)).k
        2
        """
        return max(k for k, chance in enumerate(self.p_k, 1) if chance > 0)

    def loss(self, name: LossName) -> nn.Module:
        """Softmax cross-entropy, the top-k loss of this recipe, or the smooth one of Berrada et al. for its `k`.

        >>> Recipe(p_k=(0.5, 0.5)).loss("smooth").k
        2
        """
        if name == "softmax":
            return nn.CrossEntropyLoss()
        if name == "smooth":
            return SmoothTopKLoss(self.k)
        steepness = 1.0 if self.steepness is None else self.steepness
        return TopKLoss(
            self.p_k, self.m, self.method, distribution=self.distribution, steepness=steepness, tau=self.tau
        )


CIFAR100 = Recipe("resnet18", (0.2, 0.2, 0.2, 0.2, 0.2), epochs=200, batch=100, lr=1e-3, flip=True)
"""Petersen 2022, section 4.4 and Table 4.1: ResNet-18 from scratch; the augmentation, not told there, is ours."""


def train(
    data: Labelled,
    recipe: Recipe,
    loss: LossName,
    seed: int,
    *,
    head: Path | None = None,
    show: Callable[..., None] = lambda *_, **__: None,
) -> tuple[nn.Module, float, float]:
    """Train one model.

    Args:
        data: what on.
        recipe: how.
        loss: with which loss.
        seed: of weights, order and augmentation.
        head: of a trained linear head to start from.
        show: called after each epoch with the steps done and the mean loss.

    Returns:
        The model, and its top-1 and top-k accuracy on the test part.

    Raises:
        ValueError: recipe and data do not fit.

    >>> x = torch.eye(4).repeat(25, 1)
    >>> data = Labelled(x, torch.arange(4).repeat(25), x, torch.arange(4).repeat(25), 4)
    >>> train(data, Recipe("linear", (0.5, 0.5), epochs=40, batch=10, lr=0.1), "topk", 0)[1:]
    (1.0, 1.0)
    """
    if recipe.k > data.classes:
        _check.fail("p_k", f"at most {data.classes} probabilities, one for each class", f"{recipe.k}")
    torch.manual_seed(seed)
    model = build(recipe.model, tuple(data.x_train.shape[1:]), data.classes)
    if head is not None:
        load_head(model, head)
    criterion = recipe.loss(loss)
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.lr)
    generator = torch.Generator().manual_seed(seed)
    done = 0
    for _ in range(recipe.epochs):
        losses = []
        for index in torch.randperm(len(data.y_train), generator=generator).split(recipe.batch):
            x = data.x_train[index]
            value = criterion(model(augmented(x, generator) if recipe.flip else x), data.y_train[index])
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            losses.append(value.item())
            done += 1
        show(done, loss=sum(losses) / len(losses))
    return model, *accuracies(model, data, recipe.k)


@torch.no_grad()
def accuracies(model: nn.Module, data: Labelled, k: int) -> tuple[float, float]:
    """Shares of the test part whose class has the highest score, and one of the `k` highest.

    >>> x, y = torch.eye(3), torch.tensor([0, 1, 1])
    >>> accuracies(nn.Identity(), Labelled(x, y, x, y, 3), 3)
    (0.6666666865348816, 1.0)
    """
    model.eval()
    best = torch.cat([model(x).topk(k).indices for x in data.x_test.split(500)])
    model.train()
    right = best == data.y_test.unsqueeze(1)
    return right[:, 0].float().mean().item(), right.any(1).float().mean().item()


def augmented(images: Tensor, generator: torch.Generator) -> Tensor:
    """Images mirrored by a coin toss each and shifted by up to an eighth of their size, the same for a whole batch.

    >>> augmented(torch.ones(1, 1, 8, 8), torch.Generator().manual_seed(0)).shape
    torch.Size([1, 1, 8, 8])
    """
    if images.dim() != 4:
        _check.fail("flip", "images", f"features of shape {list(images.shape[1:])}")
    tossed = torch.rand(len(images), 1, 1, 1, generator=generator) < 0.5
    rows, columns = images.shape[-2:]
    down, right = rows // 8, columns // 8
    padded = nn.functional.pad(torch.where(tossed, images.flip(-1), images), (right, right, down, down))
    y, x = (int(torch.randint(2 * most + 1, (), generator=generator)) for most in (down, right))
    return padded[..., y : y + rows, x : x + columns]
