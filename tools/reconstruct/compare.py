"""Several renderers or networks at one small budget: `python -m gendr.tools.reconstruct.compare`.

Each is trained for the same number of steps and evaluated; what is done already is not done again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
import tyro
from rich.console import Console

import gendr
from gendr import _check
from gendr.tools.arguments import bad_arguments
from gendr.tools.interrupt import EXIT_CODE
from gendr.tools.reconstruct.command import launched
from gendr.tools.reconstruct.evaluate import evaluate, predicted_voxels, table
from gendr.tools.reconstruct.extra import needs_train
from gendr.tools.reconstruct.predict import load_run
from gendr.tools.reconstruct.run import Run, checked_state
from gendr.tools.reconstruct.settings import Settings
from gendr.tools.reconstruct.train import train
from gendr.tools.shapes.layout import VIEWS, ShapeData
from gendr.tools.training import TrainingProgress


class Contender(NamedTuple):
    """A renderer by its specs."""

    distribution: str
    t_conorm: str
    tau: str

    def label(self) -> str:
        """How the table calls it.

        >>> Contender("uniform", "probabilistic", "1e-2").label()
        'uniform, probabilistic'
        """
        return f"{self.distribution}, {self.t_conorm}"


CONTENDERS = (
    Contender("uniform", "probabilistic", "1e-2"),
    Contender("logistic(squared)", "probabilistic", "1e-4"),
    Contender("gamma(p=0.5, reversed)", "probabilistic", "5.6e-3"),
    Contender("gaussian", "probabilistic", "1e-2"),
    Contender("gaussian", "yager(p=2)", "1e-2"),
)
"""The renderers of the small table."""


@dataclass(frozen=True)
class Compare:
    """Train each renderer for the same number of steps, and write table.md and results.json into --out.

    The same command goes on where it was interrupted.
    """

    data: Path
    """Folder of images and voxels in the published layout."""
    out: Path = Path("out/compare")
    """A folder for each run, and the table."""
    model: str = "modern"
    """The network."""
    classes: str = "all"
    """Names or numbers, separated by commas."""
    steps: int = 700
    """Of each."""
    batch: int = 32
    """Objects a step."""
    lr: str = "1e-3:1e-5"
    """Adam's step size."""
    split: str = "test"
    """What is evaluated."""
    views: int = 4
    """Views of each object that are evaluated."""
    augment: bool = True
    """Colours at random."""
    seed: int = 0
    """Of weights and batches, the same for all."""
    threads: int | None = None
    """Default: torch's own choice."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        with bad_arguments("reconstruct.compare"), needs_train("reconstruct.compare"):
            _check.number("views", self.views, 1, VIEWS)
            if self.threads is not None:
                torch.set_num_threads(self.threads)
            known = ShapeData(self.data, self.classes, "train")
            tested = ShapeData(self.data, self.classes, self.split)
            fabric = launched("cpu", 1, 1)
            rows, seconds = {}, {}
            for contender in CONTENDERS:
                run = self._trained(contender, known, fabric)
                if run.step < self.steps:
                    return EXIT_CODE
                trained = load_run(run.folder)
                rows[contender.label()] = evaluate(
                    tested, predicted_voxels(trained.vertices, trained.faces), self.views
                )
                seconds[contender.label()] = run.figures["seconds"]
                self._write(rows, seconds)
        print(table(rows))
        return 0

    def _trained(self, contender: Contender, known: ShapeData, fabric: object) -> Run:
        settings = Settings(
            tuple(known.classes), tuple(known.counts), self.model, contender.distribution, contender.t_conorm,
            contender.tau, self.lr, self.steps, self.batch, augment=self.augment, seed=self.seed,
        )  # fmt: skip
        folder = self.out / "".join(c if c.isalnum() else "_" for c in contender.label()).strip("_")
        checked_state(folder, settings, resume=True)
        run = Run(folder, settings, known, fabric, resume=True)
        run.figures["data"] = str(self.data)
        console = Console(highlight=False)
        console.print(contender.label())
        with gendr.threads_for_kernels(), TrainingProgress(self.steps, console) as progress:
            train(run, every=50, save_every=200, show=progress.show)
        return run

    def _write(self, rows: dict[str, dict[str, float]], seconds: dict[str, float]) -> None:
        (self.out / "table.md").write_text(table(rows) + "\n", encoding="utf-8")
        results = {"steps": self.steps, "cpu_seconds": seconds, "iou": rows}
        (self.out / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(tyro.cli(Compare, prog="reconstruct.compare").run())
