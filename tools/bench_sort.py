"""Times relaxed sorting beside its peers: `python -m gendr.tools.bench_sort`.

Microseconds per sample, forward and backward, float32. On one thread a time is the least CPU time of several runs,
which other programs disturb little; on two it is the least wall time, which wants a quiet machine. The peers are
diffsort and, from Python 3.12 on, softtorch, which the extra `peers` installs, and torchsort, which compiles itself
(`pip install --no-build-isolation torchsort`); without them their columns stay empty. Prints Markdown tables and writes
JSON beside commit, processor and load.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

import gendr
from gendr.sort import DiffSort, FastSort, NeuralSort, SoftSort
from gendr.tools.bench_raster import least
from gendr.tools.machine import machine
from gendr.tools.sort_tables import one_thread_tables, two_thread_tables

SIZES = {8: 4096, 16: 2048, 32: 512, 128: 64, 1024: 4}
"""Batch of each number of elements: enough that a call's own cost, some 0.2 ms in torch, counts little."""
STEEPNESS = 10.0
Operator = Callable[[Tensor], Tensor | tuple[Tensor, ...]]
SLOW = 64
"""Elements from which on a peer runs but twice, and beyond 128 once: it takes seconds."""


def both_passes(call: Operator, n: int, batch: int) -> Callable[[], None]:
    """A function that makes the call and takes its gradient, with random incoming gradients."""
    x = torch.randn(batch, n, requires_grad=True)
    outputs = call(x)
    outputs = (outputs,) if isinstance(outputs, Tensor) else tuple(outputs)
    incoming = [torch.randn_like(out) for out in outputs]

    def once() -> None:
        result = call(x)
        torch.autograd.grad((result,) if isinstance(result, Tensor) else tuple(result), x, incoming)

    return once


def both_ways(call: Operator, n: int, batch: int, repeats: int) -> float:
    """Microseconds per sample of the call and of its gradient."""
    return least(both_passes(call, n, batch), repeats) * 1e3 / batch


def peer(module: str) -> Any:
    """A peer package, or None where it is not installed.

    >>> peer("no_such_package") is None
    True
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def matrix_rows(repeats: int, sizes: dict[int, int]) -> list[dict[str, Any]]:
    """Values and matrix: networks beside diffsort and, the matrix alone, softtorch, which sorts row by row."""
    diffsort, softtorch, rows = peer("diffsort"), peer("softtorch"), []
    for n, batch in sizes.items():
        for network in ("odd_even", "bitonic"):
            if network == "odd_even" and n > 128:
                continue
            ours = both_ways(DiffSort(n, network, "cauchy", STEEPNESS), n, batch, repeats)
            row = {"n": n, "batch": batch, "network": network, "gendr": ours, "diffsort": None, "softtorch P": None}
            if diffsort:
                theirs = diffsort.DiffSortNet(network, n, steepness=STEEPNESS, distribution="cauchy")
                runs = 2 if n >= SLOW else max(3, repeats // 4)
                row["diffsort"] = both_ways(theirs, n, batch, 1 if n > 128 else runs)
            if softtorch and network == "bitonic" and n <= 128:

                def theirs_alone(x: Tensor) -> Tensor:
                    matrix: Tensor = softtorch.argsort(x, method="sorting_network", softness=1 / STEEPNESS)
                    return matrix

                row["softtorch P"] = both_ways(theirs_alone, n, min(batch, 16), 2)
            rows.append(row)
    return rows


def other_rows(repeats: int, sizes: dict[int, int]) -> list[dict[str, Any]]:
    """Values or ranks only, and the other operators."""
    torchsort, rows = peer("torchsort"), []
    for n, batch in sizes.items():
        bitonic = DiffSort(n, "bitonic", "cauchy", STEEPNESS)
        calls: dict[str, Callable[[Tensor], Any] | None] = {
            "values": bitonic.sort,
            "ranks": bitonic.rank,
            "torchsort soft_rank": torchsort and (lambda x: torchsort.soft_rank(x, regularization_strength=0.1)),
            "FastSort ranks": FastSort(0.1).rank,
            "NeuralSort P": NeuralSort(0.1).permutation,
            "SoftSort P": SoftSort(0.1).permutation,
        }
        row: dict[str, Any] = {"n": n, "batch": batch}
        for name, call in calls.items():
            row[name] = both_ways(call, n, batch, repeats) if call else None
        rows.append(row)
    return rows


def thread_rows(repeats: int, sizes: dict[int, int]) -> list[dict[str, Any]]:
    """Wall time of values and matrix on one and two threads, forward and backward.

    The two take turns, call by call, so that both see the same machine. torch itself has one thread: its others spin
    for milliseconds after each of its operations, and hold the second core. "2, torch too" shows what that costs after
    an operation of torch on two threads.
    """
    rows = []
    for n, batch in sizes.items():
        batch = 8 * batch if n < 1024 else batch
        operator = DiffSort(n, steepness=STEEPNESS)
        alone, after_torch = both_passes(operator, n, batch), both_passes(behind_torch(operator), n, batch)
        one, two = fewest([(alone, 1, 1), (alone, 2, 1)], 2 * repeats)
        (torch_too,) = fewest([(after_torch, 2, 2)], repeats)
        times = {"1": one, "2": two, "2, torch too": torch_too}
        rows.append({"n": n, "batch": batch, **{name: 1e6 * seconds / batch for name, seconds in times.items()}})
    return rows


def behind_torch(operator: Operator) -> Operator:
    """The operator on what torch has just computed, as by a network's last layer."""
    return lambda x: operator(x + 0.0)


def fewest(calls: list[tuple[Callable[[], None], int, int]], repeats: int) -> list[float]:
    """The least seconds of each call, which take turns, on so many threads of gendr's and so many of torch's.

    >>> 0 < fewest([(lambda: None, 2, 1)], repeats=3)[0] < 1
    True
    """
    before = torch.get_num_threads()
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(repeats):
        for (call, ours, torchs), seconds in zip(calls, times, strict=True):
            gendr.set_num_threads(ours)
            torch.set_num_threads(torchs)
            start = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - start)
    gendr.set_num_threads(None)
    torch.set_num_threads(before)
    return [min(seconds) for seconds in times]


MEMORY = """
import torch
from gendr.sort import DiffSort
def run(n, batch):
    x = torch.randn(batch, n, requires_grad=True)
    values, p = DiffSort(n, steepness=10.0)(x)
    (values.sum() + p.square().sum()).backward()
    lines = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return int(lines["VmHWM"].split()[0])  # not getrusage's, which a child inherits
before = run(8, 1)
print(run(1024, 4) - before)
"""


def megabytes() -> float:
    """What the largest case, n = 1024 in a batch of 4, adds to a process's peak memory. On Linux."""
    result = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True)
    return float(result.stdout) / 1024


def one_thread(repeats: int, sizes: dict[int, int]) -> dict[str, Any]:
    """What is measured on one thread."""
    before = machine()
    rows = {"matrix": matrix_rows(repeats, sizes), "others": other_rows(repeats, sizes), "megabytes": megabytes()}
    return {"before": before, **rows, "after": machine()}


def two_threads(repeats: int, sizes: dict[int, int]) -> dict[str, Any]:
    """What is measured on two."""
    before = machine()
    return {"before": before, "rows": thread_rows(repeats, sizes), "after": machine()}


def main(
    out: Path = Path("bench_sort.json"),
    repeats: int = 20,
    largest: int = 1024,
    threads: Literal["one", "two", "both"] = "both",
) -> None:
    """Print the tables and write the numbers.

    Args:
        out: the JSON file.
        repeats: runs of each call, of which the fastest counts.
        largest: leave out sizes beyond this; diffsort takes seconds a sample for 1,024 elements.
        threads: measure on one thread only, or on two only, and leave the other part of an existing file as it is.
    """
    torch.set_num_threads(1)
    sizes = {n: batch for n, batch in SIZES.items() if n <= largest}
    record: dict[str, Any] = json.loads(out.read_text()) if threads != "both" and out.exists() else {}
    parts: list[str] = []
    if threads != "two":
        record["one thread"] = one_thread(repeats, sizes)
        parts += one_thread_tables(record["one thread"])
    if threads != "one":
        record["two threads"] = two_threads(repeats, sizes)
        parts += two_thread_tables(record["two threads"])
    print("\n\n".join(parts))
    out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    import tyro

    tyro.cli(main, description=__doc__)
