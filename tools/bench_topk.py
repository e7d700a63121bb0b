"""The top-k benchmark: `python -m gendr.tools.bench_topk` prints a table and writes it as JSON.

Forward and backward of the loss, one thread, processor time of this process, the least of several calls; beside it the
package difftopk, when it is installed (the extra `peers`), in the same process.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import torch
import tyro
from torch import Tensor

from gendr.tools.arguments import bad_arguments
from gendr.tools.machine import machine
from gendr.topk import TopKLoss, selection_network

TOP5 = (0.0, 0.0, 0.0, 0.0, 1.0)
CASES = (
    # classes, m, batch, batch of the peer (None: out of its reach)
    (1000, 16, 500, 200),
    (1000, None, 500, 2),
    (10450, 50, 100, 20),
    (10450, None, 100, None),
)


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        classes: scores of a sample.
        m: how many of them are ranked; None for all.
        distribution: of the comparators.
        layers: of the network.
        comparators: of the network.
        microseconds: of one sample, forward and backward.
        forward: the same without the backward pass.
        peer: microseconds of difftopk, or None.

    >>> line(Row(1000, 16, "cauchy", 10, 48, 2.0, 1.0, 160.0))
    '| 1000 | 16 | cauchy | 10 | 48 | 1.00 | 2.00 | 160 | 80 |'
    """

    classes: int
    m: int | None
    distribution: str
    layers: int
    comparators: int
    microseconds: float
    forward: float
    peer: float | None


@dataclass(frozen=True)
class Bench:
    """Time the top-k loss, print a table and write JSON."""

    repeats: int = 10
    """Calls of which the fastest counts."""
    peers: bool = True
    """Time difftopk too, if it is installed."""
    json: Annotated[Path, tyro.conf.arg(name="json")] = Path("bench_topk.json")
    """Where to write the figures."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        with bad_arguments("bench_topk"):
            if self.repeats < 1:
                raise ValueError(f"repeats: expected at least 1, got {self.repeats}")
        torch.set_num_threads(1)
        before = machine()
        print("| classes | m | distribution | layers | comparators | forward, us | forward + backward, us ", end="")
        print("| difftopk, us | ratio |\n|---|---|---|---|---|---|---|---|---|")
        rows = []
        for row in measure(self.repeats, peers=self.peers and find_spec("difftopk") is not None):
            print(line(row), flush=True)
            rows.append(asdict(row))
        after = machine()
        result = {"machine": before, "load_after": after["load"], "rows": rows}
        self.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        print(
            f"\n{before['cpu']}, one thread, load {before['load'][0]:.1f} to {after['load'][0]:.1f}; wrote {self.json}"
        )
        return 0


def measure(repeats: int, *, peers: bool) -> Iterator[Row]:
    """The rows of the table, one after the other."""
    for classes, m, batch, peer_batch in CASES:
        for distribution, slope in (("cauchy", 3.14), ("logistic", 4.0), ("optimal", 1.0)):
            peer = None
            if peers and peer_batch is not None:
                calls = 2 if m is None else max(3, repeats // 3)
                peer = _least(_peer(classes, m, distribution, slope), classes, peer_batch, calls, backward=True)
            network = selection_network(m or classes, len(TOP5))
            loss = TopKLoss(TOP5, m, top1="ranked", distribution=distribution, steepness=1.0)
            times = [_least(loss, classes, batch, repeats, backward=backward) for backward in (False, True)]
            yield Row(classes, m, distribution, network.n_layers, network.n_comparators, times[1], times[0], peer)


def line(row: Row) -> str:
    """A row as Markdown."""
    peer = "-" if row.peer is None else f"{row.peer:.0f}"
    ratio = "-" if row.peer is None else f"{row.peer / row.microseconds:.0f}"
    cells = (row.classes, row.m or "all", row.distribution, row.layers, row.comparators)
    return f"| {' | '.join(map(str, cells))} | {row.forward:.2f} | {row.microseconds:.2f} | {peer} | {ratio} |"


def _peer(classes: int, m: int | None, distribution: str, steepness: float) -> Callable[[Tensor, Tensor], Any]:
    """The same loss by difftopk with its bitonic network; its splitters need torch-sparse."""
    loss = import_module("difftopk").TopKCrossEntropyLoss(
        diffsort_method="bitonic__non_sparse", inverse_temperature=steepness, p_k=list(TOP5), n=classes, m=m,
        distribution=distribution, top1_mode="sort",
    )  # fmt: skip
    return lambda scores, labels: loss(scores, labels)


def _least(loss: Callable[[Tensor, Tensor], Any], classes: int, batch: int, repeats: int, *, backward: bool) -> float:
    """Microseconds of processor time a sample, the least of `repeats` calls after one that is not counted."""
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(batch, classes, generator=generator).requires_grad_(backward)
    labels = torch.randint(classes, (batch,), generator=generator)
    times = []
    for _ in range(repeats + 1):
        scores.grad = None
        began = time.process_time()
        value = loss(scores, labels)
        if backward:
            value.backward()
        times.append(time.process_time() - began)
    return 1e6 * min(times[1:]) / batch


if __name__ == "__main__":
    raise SystemExit(tyro.cli(Bench, prog="bench_topk").run())
