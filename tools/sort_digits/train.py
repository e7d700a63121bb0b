"""The training loop: draw sets, score the images, sort the scores, compare the permutation with the true one."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gendr.sort import DiffSort
from gendr.tools.interrupt import Interrupt
from gendr.tools.sort_digits.config import Settings
from gendr.tools.sort_digits.metrics import Accuracy, evaluate
from gendr.tools.sort_digits.network import ScoreNetwork
from gendr.tools.sort_digits.sets import Source
from gendr.tools.training import Log, load_checkpoint, save_checkpoint

COLUMNS = ("step", "loss", "em", "ew", "em5", "seconds")
TEST_SEED = 1 << 40
"""Draws of the test part begin here, those of the training part end below."""
FINAL_SETS = 2000


class Run:
    """One training run in a folder, which holds its checkpoint and its figures.

    Args:
        folder: made if need be; a checkpoint of the same settings in it is gone on from.
        settings: of the run.
        train: where training sets are drawn.
        test: where test sets are drawn.

    Raises:
        ValueError: the folder holds a run of other settings.
        OSError: it cannot be read or written.

    >>> from gendr.tools.images import Digits
    >>> from gendr.tools.sort_digits.sets import DigitNumbers
    >>> digits = DigitNumbers(Digits(torch.zeros(10, 28, 28, dtype=torch.uint8), torch.arange(10, dtype=torch.uint8)))
    >>> run = Run(Path("out"), Settings(n=3, batch=2), digits, digits)
    >>> run.go(1, every=1, sets=2).step, Run(Path("out"), Settings(n=3, batch=2), digits, digits).step
    (1, 1)
    """

    def __init__(self, folder: Path, settings: Settings, train: Source, test: Source) -> None:
        self.folder, self.settings = folder, settings
        self._train, self._test = train, test
        torch.manual_seed(settings.seed)
        self.model = ScoreNetwork(train.size, train.widths, half=settings.half)
        self._sorter = DiffSort(
            settings.n, network=settings.comparators, distribution=settings.family, steepness=settings.slope
        )
        self._optimizer = torch.optim.Adam(self.model.parameters(), lr=settings.lr)
        self.step = 0
        folder.mkdir(parents=True, exist_ok=True)
        if self._checkpoint.is_file():
            self.step = load_checkpoint(self._checkpoint, self.model, self._optimizer, settings.plain())
        self.log = Log(folder / "log.csv", COLUMNS, begin=self.step)
        self._seconds = self.log.rows[-1][-1] if self.log.rows else 0.0

    @property
    def _checkpoint(self) -> Path:
        return self.folder / "checkpoint.npz"

    def go(
        self, steps: int, *, every: int = 100, sets: int = 200, show: Callable[..., None] = lambda *_, **__: None
    ) -> Run:
        """Train until `steps` steps are done in all, or until Ctrl-C.

        Args:
            steps: counted from the beginning of the run.
            every: steps after which the run is evaluated and saved.
            sets: of the test part, at each evaluation.
            show: called with the number of steps done after each, and with figures when there are some.
        """
        losses: list[float] = []
        began = time.process_time()
        with Interrupt() as interrupt:
            while self.step < steps and not interrupt.seen:
                losses.append(self._advance())
                if self.step % every == 0 or self.step == steps or interrupt.seen:
                    reached = self.evaluate(sets)
                    seconds = self._seconds + time.process_time() - began
                    loss = sum(losses) / len(losses)
                    self.log.write(self.step, loss, *reached, seconds)
                    save_checkpoint(self._checkpoint, self.model, self._optimizer, self.step, self.settings.plain())
                    show(self.step, loss=loss, EM=reached.em, EW=reached.ew, EM5=reached.em5)
                    losses.clear()
                else:
                    show(self.step)
        return self

    def evaluate(self, sets: int = FINAL_SETS) -> Accuracy:
        """The accuracy over sets of the test part, the same ones at every call."""
        return evaluate(self.model, self._test, self.settings.n, sets, TEST_SEED)

    def _advance(self) -> float:
        shape = (self.settings.batch, self.settings.n)
        # A step's draw depends on its number alone, so that a resumed run sees what it would have seen.
        images, numbers = self._train.draw(shape[0] * shape[1], (self.settings.seed << 20) + self.step)
        permutation = self._sorter(self.model(images).view(shape)).permutation
        loss = permutation_loss(permutation, numbers.view(shape), self.settings.loss)
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        self.step += 1
        return loss.item()


def permutation_loss(
    permutation: Float[Tensor, "B n n"], numbers: Int64[Tensor, "B n"], kind: str = "cross_entropy"
) -> Float[Tensor, ""]:
    """How far the relaxed permutation is from the one that sorts `numbers`.

    `cross_entropy`: the mean of `-log P[rank of j, j]` over the elements `j` (equation 3.12); `bce`: the mean over all
    entries of the binary cross-entropy, which the published code takes.

    >>> permutation_loss(torch.tensor([[[0.5, 0.5], [0.5, 0.5]]]), torch.tensor([[2, 1]]))
    tensor(0.6931)
    """
    n = numbers.shape[-1]
    ranks = numbers.argsort(dim=-1, stable=True).argsort(-1)
    tiny = torch.finfo(permutation.dtype).tiny
    if kind == "cross_entropy":
        return -permutation.gather(-2, ranks.unsqueeze(-2)).clamp(min=tiny).log().mean()
    true = torch.nn.functional.one_hot(ranks, n).mT.to(permutation.dtype)
    return torch.nn.functional.binary_cross_entropy(permutation.clamp(0, 1), true)
