"""The command: train with one or several losses over several seeds, and say what each reaches."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import numpy as np
import torch
import tyro
from rich.console import Console
from torch import nn

from gendr.tools.arguments import SPEC, bad_arguments, option
from gendr.tools.machine import machine
from gendr.tools.topk_classify.data import Labelled, load_labelled
from gendr.tools.topk_classify.models import Kind
from gendr.tools.topk_classify.train import CIFAR100, LossName, Recipe, train
from gendr.tools.training import TrainingProgress


@dataclass(frozen=True)
class TopkClassify:
    """Train a classifier with the top-k loss, k drawn from any distribution, on features or images.

    Prints a table of top-1 and top-k accuracies, means over the seeds, and writes result.json (with each epoch's mean
    loss) and the last layer of the last model (head.npz) to --out.
    """

    data: tyro.conf.Positional[Path]
    """Features (.npz with x_train, y_train, x_test, y_test), or a folder or zip file of train/CLASS and test/CLASS."""
    preset: Literal["none", "cifar100"] = "none"
    """cifar100: ResNet-18, p_k 0.2 five times, 200 epochs, batch 100, lr 1e-3; other options still hold."""
    p_k: Annotated[str | None, option("P1,P2,...", "0.5,0,0,0,0.5")] = None
    """Probabilities of k = 1, 2, ...; their number is the k of the accuracy."""
    losses: str = "topk"
    """Which to train with, separated by commas: softmax, topk, smooth (Berrada et al.)."""
    model: Annotated[Kind | None, option("linear|mlp|cnn|resnet18", "mlp")] = None
    """The classifier."""
    head: Path | None = None
    """A trained linear head to start from: .npz with weight and bias."""
    m: int | None = None
    """Rank the m highest scores only; 16 is published for 1,000 classes, 50 for 10,000."""
    method: str = "network"
    """network, neuralsort, softsort, sinkhorn."""
    distribution: Annotated[str, SPEC] = "cauchy"
    """Of the network's comparators."""
    steepness: float | None = None
    """Of the network's comparators; default: 1."""
    tau: float = 1.0
    """Temperature of the other methods."""
    epochs: Annotated[int | None, option("INT", "10")] = None
    """Over the training part."""
    batch: Annotated[int | None, option("INT", "100")] = None
    """Samples a step."""
    lr: Annotated[float | None, option("FLOAT", "1e-3")] = None
    """Adam's step size."""
    seeds: int = 1
    """Runs with each loss."""
    size: int = 32
    """Pixels a side that images are resized to."""
    limit: int | None = None
    """Take only so many training images of each class."""
    threads: int | None = None
    """torch's threads; default: torch's own choice."""
    out: Path = Path("out/topk_classify")
    """Folder of the results."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        with bad_arguments("topk_classify"):
            recipe, names = self._recipe(), self._losses()
            if self.seeds < 1:
                raise ValueError(f"seeds: expected at least 1, got {self.seeds}")
            if self.threads is not None:
                torch.set_num_threads(self.threads)
            data = load_labelled(self.data, self.size, self.limit)
            self.out.mkdir(parents=True, exist_ok=True)
            rows = [self._row(name, recipe, data) for name in names]
        print(table(rows, recipe.k))
        result = {"machine": machine(), "data": self.data.name, "recipe": asdict(recipe), "rows": rows}
        (self.out / "result.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        print(f"\nwrote {self.out}")
        return 0

    def _recipe(self) -> Recipe:
        given: dict[str, Any] = {n: getattr(self, n) for n in ("model", "epochs", "batch", "lr")}
        if self.p_k is not None:
            given["p_k"] = probabilities(self.p_k)
        given = {name: value for name, value in given.items() if value is not None}
        for name in ("m", "method", "distribution", "steepness", "tau"):
            given[name] = getattr(self, name)
        return replace(CIFAR100 if self.preset == "cifar100" else Recipe(), **given)

    def _losses(self) -> list[LossName]:
        names = [name.strip() for name in self.losses.split(",")]
        unknown = [name for name in names if name not in get_args(LossName)]
        if unknown:
            raise ValueError(f"losses: expected some of {', '.join(get_args(LossName))}, got {unknown[0]!r}")
        return [name for name in get_args(LossName) if name in names]

    def _row(self, name: LossName, recipe: Recipe, data: Labelled) -> dict[str, Any]:
        runs = [self._run(name, recipe, data, seed) for seed in range(self.seeds)]
        _save_head(runs[-1][0], self.out / "head.npz")
        top1, topk, losses = ([run[i] for run in runs] for i in (1, 2, 3))
        p_k = list(recipe.p_k) if name == "topk" else None
        return {"loss": name, "p_k": p_k, "top1": top1, "topk": topk, "epochs": losses}

    def _run(
        self, name: LossName, recipe: Recipe, data: Labelled, seed: int
    ) -> tuple[nn.Module, float, float, list[float]]:
        """The model, its accuracies, and the mean loss of each epoch."""
        losses: list[float] = []
        steps = recipe.epochs * -(-len(data.y_train) // recipe.batch)
        with TrainingProgress(steps, Console(stderr=True)) as progress:

            def show(done: int, loss: float) -> None:
                losses.append(loss)
                progress.show(done, loss=loss)

            model, top1, topk = train(data, recipe, name, seed, head=self.head, show=show)
        return model, top1, topk, losses


def probabilities(text: str) -> tuple[float, ...]:
    """`0.5,0,0,0,0.5` as numbers.

    Raises:
        ValueError: something that is none.

    >>> probabilities("0.5, 0.5")
    (0.5, 0.5)
    """
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"p_k: expected numbers separated by commas, got {text!r}") from None


def table(rows: list[dict[str, Any]], k: int) -> str:
    """Means, and standard deviations over the seeds, in per cent, as Markdown.

    >>> print(table([{"loss": "softmax", "p_k": None, "top1": [0.5, 0.6], "topk": [0.8, 0.9]}], 5))
    | loss | top-1 | top-5 |
    |---|---|---|
    | softmax | 55.00 ± 7.07 | 85.00 ± 7.07 |
    """
    lines = [f"| loss | top-1 | top-{k} |", "|---|---|---|"]
    for row in rows:
        name = row["loss"] + (f", P_K = {row['p_k']}" if row["p_k"] else "")
        lines.append(f"| {name} | {_mean(row['top1'])} | {_mean(row['topk'])} |")
    return "\n".join(lines)


def _mean(values: list[float]) -> str:
    spread = f" ± {100 * statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{100 * statistics.fmean(values):.2f}{spread}"


def _save_head(model: nn.Module, path: Path) -> None:
    last = model[-1] if isinstance(model, nn.Sequential) else None
    if isinstance(last, nn.Linear):
        np.savez(path, weight=last.weight.detach().numpy(), bias=last.bias.detach().numpy())


def main(args: list[str] | None = None) -> int:
    """Run the command; returns its exit code.

    >>> main(["nowhere"])
    Traceback (most recent call last):
    SystemExit: 2
    """
    return tyro.cli(TopkClassify, args=args, prog="topk_classify").run()
