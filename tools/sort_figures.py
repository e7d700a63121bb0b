"""Draws the pictures of docs/sorting.md: `python -m gendr.tools.sort_figures`.

`sort_minimum.svg`: the relaxed minimum of x and 0 by sigmoid and by operator (as Figs. 3.5 and 3.7 of the thesis).
`sort_steepness.svg`: how well a small network learns to rank, by steepness of the comparator (as Fig. 3.9, on a task
that takes minutes instead of days); `sort_steepness.csv` has its numbers.
"""

from __future__ import annotations

import csv
import functools
from pathlib import Path
from typing import Any

import matplotlib
import torch
from rich.progress import track
from torch import Tensor

from gendr.distributions import Cauchy, Distribution, Logistic, Optimal, Reciprocal
from gendr.sort import (
    BubbleSort,
    DiffSort,
    FastSort,
    NeuralSort,
    Sigmoid,
    Sinkhorn,
    Sorter,
    cross_entropy,
    element_wise,
    true_ranks,
)

matplotlib.use("Agg")

SIGMOIDS: dict[str, tuple[Distribution, float | None]] = {
    "logistic": (Logistic(), None),
    "logistic, ART 0.25": (Logistic(), 0.25),
    "reciprocal": (Reciprocal(), None),
    "Cauchy": (Cauchy(), None),
    "optimal": (Optimal(), None),
}
NETWORKS = (("odd_even", 5), ("odd_even", 15), ("bitonic", 16))
STEEPNESSES = tuple(2.0**k for k in range(-1, 11, 2))
FEATURES = 12


def relaxed_minimum(f: Sigmoid, x: Tensor) -> Tensor:
    """`min_f(x, 0) = x f(-x)`: 0 would be right for all `x >= 0`.

    >>> relaxed_minimum(Sigmoid(Optimal(), 1.0), torch.tensor(2.0))
    tensor(0.0625)
    """
    return x * f.sf(x)


def draw_minimum(file: Path) -> None:
    """The relaxed minimum by sigmoid, left, and of two elements by operator, right."""
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    x = torch.linspace(0, 2, 401, dtype=torch.float64)
    for name, (distribution, art) in SIGMOIDS.items():
        left.plot(x, relaxed_minimum(Sigmoid(distribution, 1.0, art), x), label=name)
    left.set(xlabel="x", ylabel="min(x, 0)", title="Comparators of steepness 1")
    left.legend(fontsize="small")
    x = torch.linspace(-2, 6, 401, dtype=torch.float64)
    pairs = torch.stack([x, torch.zeros_like(x)], -1)
    operators: dict[str, Sorter] = {
        "NeuralSort, tau 1/4": NeuralSort(0.25),
        "Sinkhorn, tau 1/4": Sinkhorn(0.25),
        "bubble sort": BubbleSort(1.0),
        "FastSort, 1": FastSort(1.0),
        "network, Cauchy": DiffSort(2, distribution="cauchy", steepness=1.0),
    }
    for (name, operator), style in zip(operators.items(), ("-", "--", ":", "-", "-"), strict=True):
        right.plot(x, operator.sort(pairs)[:, 0], style, label=name)
    right.set(xlabel="x", title="Operators on two elements")
    right.legend(fontsize="small")
    _save(figure, file)


@functools.cache
def teacher() -> torch.nn.Module:
    """What the elements' true scores are: a fixed random network of their features."""
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(FEATURES, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))


def learn(operator: DiffSort, seed: int, steps: int, batch: int = 64) -> float:
    """Element-wise right ranks (EW) of a small network that saw nothing but the order of `n` elements.

    >>> 0 <= learn(DiffSort(3), seed=0, steps=1) <= 1
    True
    """
    target = teacher()
    torch.manual_seed(seed)
    student = torch.nn.Sequential(torch.nn.Linear(FEATURES, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1))
    optimiser = torch.optim.Adam(student.parameters(), lr=1e-2)
    for _ in range(steps):
        x = torch.randn(batch, operator.n, FEATURES)
        with torch.no_grad():
            ranks = true_ranks(target(x).squeeze(-1))
        optimiser.zero_grad()
        cross_entropy(operator.permutation(student(x).squeeze(-1)), ranks).backward()
        optimiser.step()
    with torch.no_grad():
        x = torch.randn(1000, 5, FEATURES)
        return element_wise(student(x).squeeze(-1), target(x).squeeze(-1)).item()


def sweep(steps: int, seeds: int) -> list[dict[str, Any]]:
    """EW for every network, sigmoid and steepness."""
    cases = [(network, sigmoid, s) for network in NETWORKS for sigmoid in SIGMOIDS for s in STEEPNESSES]
    rows = []
    for (network, n), sigmoid, steepness in track(cases, "steepness", transient=True):
        distribution, art = SIGMOIDS[sigmoid]
        operator = DiffSort(n, network, distribution, steepness, art)
        scores = [learn(operator, seed, steps) for seed in range(seeds)]
        row = {"network": network, "n": n, "layers": operator.layers.n_layers, "sigmoid": sigmoid}
        rows.append({**row, "steepness": steepness, "EW": sum(scores) / seeds})
    return rows


def draw_steepness(rows: list[dict[str, Any]], file: Path) -> None:
    """A panel per network: EW over steepness, a line per sigmoid."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(NETWORKS), figsize=(10, 3.2), sharey=True, layout="constrained")
    for axis, (network, n) in zip(axes, NETWORKS, strict=True):
        here = [row for row in rows if (row["network"], row["n"]) == (network, n)]
        for sigmoid in SIGMOIDS:
            line = [(row["steepness"], row["EW"]) for row in here if row["sigmoid"] == sigmoid]
            axis.plot(*zip(*line, strict=True), marker=".", label=sigmoid)
        axis.set(xscale="log", xlabel="steepness", title=f"{network}, n = {n}: {here[0]['layers']} layers")
    axes[0].set(ylabel="EW (of five)")
    axes[-1].legend(fontsize="small")
    _save(figure, file)


def _save(figure: Any, file: Path) -> None:
    from matplotlib import pyplot

    with matplotlib.rc_context({"svg.hashsalt": "gendr"}):  # the same bytes each time
        figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)


def main(out: Path = Path("docs/images"), steps: int = 60, seeds: int = 1) -> None:
    """Draw both pictures.

    Args:
        out: their folder.
        steps: of training, for each point of the second.
        seeds: trainings averaged for each point.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    draw_minimum(out / "sort_minimum.svg")
    rows = sweep(steps, seeds)
    draw_steepness(rows, out / "sort_steepness.svg")
    with open(out / "sort_steepness.csv", "w", newline="") as target:
        writer = csv.DictWriter(target, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, "EW": f"{row['EW']:.4f}", "steepness": f"{row['steepness']:g}"} for row in rows)
    best = max(rows, key=lambda row: row["EW"])
    print(f"Best: {best['sigmoid']} at {best['steepness']:g}, {best['network']} {best['n']}: EW {best['EW']:.3f}")


if __name__ == "__main__":
    import tyro

    tyro.cli(main, description=__doc__)
