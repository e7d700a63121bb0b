"""Several renderers or networks at one small budget: `python -m gendr.tools.reconstruct.compare`.

Each is trained for the same time, from several seeds, and evaluated; what is done already is not done again.
"""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tyro
from rich.console import Console

import gendr
from gendr import _check
from gendr.tools.arguments import bad_arguments, complain
from gendr.tools.interrupt import EXIT_CODE
from gendr.tools.reconstruct.command import FAILED, launched, use_threads
from gendr.tools.reconstruct.contenders import TABLES, Contender
from gendr.tools.reconstruct.data import opened
from gendr.tools.reconstruct.evaluate import Solids, evaluate, mean, predicted_voxels
from gendr.tools.reconstruct.extra import needs_train
from gendr.tools.reconstruct.first import First
from gendr.tools.reconstruct.predict import load_run
from gendr.tools.reconstruct.run import NotFinite, Run, checked_state
from gendr.tools.reconstruct.train import train
from gendr.tools.shapes.layout import VIEWS
from gendr.tools.training import TrainingProgress

RESULTS = "results.json"
TABLE = "table.md"

Scores = dict[str, Any]
"""Of a run: `seconds`, `steps`, and `iou` by data set and class."""


@dataclass(frozen=True)
class Compare:
    """Train each row of a table for about the same time, from every seed; write table.md and results.json into --out.

    The same command goes on where it was interrupted.
    """

    data: Path
    """Folder of images and voxels in the published layout."""
    out: Path = Path("out/compare")
    """A folder for each run, and the table."""
    table: Literal["renderers", "recipe"] = "renderers"
    """What is compared: distributions and T-conorms, or the parts of the modern network and its training."""
    also: tuple[Path, ...] = ()
    """Further folders that are evaluated."""
    model: str = "modern"
    """The network."""
    classes: str = "all"
    """Names or numbers, separated by commas."""
    steps: int = 700
    """Of each; of slower networks fewer."""
    batch: int = 32
    """Objects a step."""
    lr: str = "1e-3:1e-5"
    """Adam's step size."""
    tau: str = "1e-4:3e-5"
    """Softness; the renderers bring their own."""
    split: str = "test"
    """What is evaluated."""
    views: int = 4
    """Views of each object that are evaluated."""
    objects: int = 1000
    """Objects a class that are evaluated, at most."""
    augment: bool = True
    """Colours at random."""
    seeds: tuple[int, ...] = (0,)
    """Of weights and batches, the same for all rows."""
    threads: int | None = None
    """Default: torch's own choice."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        with bad_arguments("reconstruct.compare"), needs_train("reconstruct.compare"):
            _check.number("views", self.views, 1, VIEWS)
            for name in ("steps", "objects"):
                _check.number(name, getattr(self, name), 1)
            if not self.seeds or len(set(self.seeds)) < len(self.seeds):
                raise ValueError(f"seeds: expected one or more different ones, got {self.seeds}")
            use_threads(self.threads)
            try:
                return self._compare()
            except NotFinite as error:
                complain("reconstruct.compare", str(error))
                return FAILED

    def _compare(self) -> int:
        known = opened(self.data, self.classes, "train", each=True)
        asked = [self.split, self.views, self.objects]
        tested = {path.name: First(opened(path, self.classes, self.split), self.objects)
                  for path in (self.data, *self.also)}  # fmt: skip
        fabric, found = launched("cpu", 1, 1), _read(self.out / RESULTS, asked)
        # Seed by seed, so that an interrupted table has all of its rows as early as it can.
        for seed in self.seeds:
            for contender in TABLES[self.table]:
                name = f"{contender.label}, seed {seed}"
                run = self._trained(contender, seed, known, fabric)
                if run.step < run.settings.steps:
                    return EXIT_CODE
                scores = found.setdefault(name, {"seconds": run.figures["seconds"], "steps": run.step, "iou": {}})
                for place, data in tested.items():
                    if place not in scores["iou"]:
                        trained = load_run(run.folder)
                        voxels = predicted_voxels(trained.vertices, trained.faces)
                        scores["iou"][place] = evaluate(data, voxels, self.views)
                _write(self.out / RESULTS, json.dumps({"asked": asked, "runs": found}, indent=1))
                _write(self.out / TABLE, summary(TABLES[self.table], self.seeds, found))
        print(summary(TABLES[self.table], self.seeds, found))
        return 0

    def _trained(self, contender: Contender, seed: int, known: Solids, fabric: object) -> Run:
        settings = contender.settings(
            tuple(known.classes), tuple(known.counts), self.steps, model=self.model, tau=self.tau, lr=self.lr,
            batch=self.batch, augment=self.augment, seed=seed,
        )  # fmt: skip
        label = f"{contender.label}, seed {seed}"
        folder = self.out / "".join(c if c.isalnum() else "_" for c in label).strip("_")
        checked_state(folder, settings, resume=True)
        run = Run(folder, settings, known, fabric, resume=True)
        run.figures["data"] = str(self.data)
        console = Console(highlight=False)
        console.print(label)
        with gendr.threads_for_kernels(), TrainingProgress(settings.steps, console) as progress:
            train(run, every=50, save_every=200, show=progress.show)
        return run


def summary(contenders: Sequence[Contender], seeds: Sequence[int], found: Mapping[str, Scores]) -> str:
    """The means over classes as Markdown, a row for each contender; with more than one seed `mean ± deviation`.

    Args:
        contenders: the rows; those without a run are left out.
        seeds: of the runs.
        found: scores by `LABEL, seed SEED`.

    >>> scores = [{"seconds": 9.0, "steps": 10, "iou": {"things": {"chair": iou}}} for iou in (0.5, 0.6)]
    >>> runs = {"a, seed 0": scores[0], "a, seed 1": scores[1]}
    >>> print(summary([Contender("a"), Contender("b")], (0, 1), runs))
    | | Steps | CPU s | things |
    | --- | --- | --- | --- |
    | a | 10 | 9 | 0.5500 ± 0.0707 |
    """
    rows, places = [], list(dict.fromkeys(place for scores in found.values() for place in scores["iou"]))
    for contender in contenders:
        runs = [found[name] for seed in seeds if (name := f"{contender.label}, seed {seed}") in found]
        if runs:
            seconds = statistics.mean(run["seconds"] for run in runs)
            means = [_spread([mean(run["iou"][place]) for run in runs]) for place in places]
            rows.append([contender.label, str(runs[0]["steps"]), f"{seconds:.0f}", *means])
    heads = ["", "Steps", "CPU s", *places]
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)


def _spread(values: Sequence[float]) -> str:
    deviation = f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.4f}{deviation}"


def _read(path: Path, asked: list[Any]) -> dict[str, Scores]:
    """Scores of earlier runs of the command; none where other objects or views were asked for."""
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
        runs: dict[str, Scores] = before["runs"] if before["asked"] == asked else {}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError):
        _check.fail(str(path), "the results of an earlier comparison", "something else")
    return runs


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    partial.write_text(text + "\n", encoding="utf-8")
    os.replace(partial, path)


if __name__ == "__main__":
    raise SystemExit(tyro.cli(Compare, prog="reconstruct.compare").run())
