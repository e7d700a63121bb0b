"""Times the rasterizer on a GPU, beside the bounds of memory and arithmetic: part of `gendr.tools.bench_raster`."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gendr import _cuda, _ops

OPERATIONS_OF_PAIR = {"forward": 100, "backward": 200}
"""Floating-point instructions of one pixel-face pair, Logistic squared and Probabilistic: an estimate from the source,
to the nearest hundred, for the order of the arithmetic bound."""


def require_device() -> None:
    """Leave with code 2 and one line where the kernels cannot run.

    Raises:
        SystemExit: no GPU, or no kernels for one.
    """
    if not _cuda.is_available():
        why = "no GPU that torch can use" if _cuda.is_built() else "a build without kernels for GPUs"
        print(f"device: expected a GPU for 'cuda', got {why}", file=sys.stderr)
        raise SystemExit(2)


def milliseconds(call: Callable[[], Any], repeats: int) -> float:
    """The median of several times between device events, after two calls to warm up."""
    times: list[float] = []
    for i in range(repeats + 2):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        call()
        end.record()
        end.synchronize()
        if i >= 2:
            times.append(start.elapsed_time(end))
    return statistics.median(times)


def copy_bandwidth(repeats: int = 20) -> float:
    """Bytes per second of a copy of 256 MiB within the device's memory, read and written."""
    source = torch.empty(256 << 20, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    return 2 * source.numel() / (milliseconds(lambda: target.copy_(source), repeats) * 1e-3)


def arithmetic_rate(repeats: int = 20) -> float:
    """Float32 operations per second of a matrix product without tensor cores: what arithmetic can reach here."""
    n = 4096
    a = torch.rand(n, n, device="cuda")
    allowed = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        return 2.0 * float(n) ** 3 / (milliseconds(lambda: a @ a, repeats) * 1e-3)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = allowed


def measure(name: str, faces: Tensor, tau: float, options: _ops.CoverageOptions, repeats: int) -> dict[str, Any]:
    """One workload: times, pairs, and the bytes that each direction must at least move."""
    scale, zero = torch.full((len(faces),), tau), torch.zeros(())
    pairs = _ops.count_pairs(faces, scale, zero, zero, options)
    inputs = (faces.cuda(), scale.cuda(), zero.cuda(), zero.cuda(), None, *options)
    alpha, state = torch.ops.gendr.coverage(*inputs)
    incoming = torch.rand_like(alpha) - 0.5
    forward = milliseconds(lambda: torch.ops.gendr.coverage(*inputs), repeats)
    backward = milliseconds(lambda: torch.ops.gendr.coverage_backward(incoming, state, False, *inputs), repeats)
    images, points = alpha.numel() * 4, faces.numel() * 4
    return {
        "workload": name,
        "pairs": pairs,
        "brute_force_pairs": alpha.numel() * faces.shape[1],
        "forward_ms": forward,
        "backward_ms": backward,
        "forward_bytes": points + 2 * images,
        "backward_bytes": 2 * points + 2 * images,
    }


def table(rows: list[dict[str, Any]], bandwidth: float, rate: float) -> str:
    """Milliseconds beside the bounds, forward / backward.

    >>> row = {"workload": "w", "pairs": 10, "brute_force_pairs": 90, "forward_ms": 1.0, "backward_ms": 2.0}
    >>> print(table([{**row, "forward_bytes": 1e9, "backward_bytes": 2e9}], 1e12, 1e9).splitlines()[-1])
    | w | 1.000 / 2.000 | 1.000 / 2.000 | 0.001 / 0.002 | 10 | 90 |
    """
    head = ["workload", "ms", "memory bound, ms", "arithmetic bound, ms", "pairs", "pairs of brute force"]
    lines = [head, ["---"] * len(head)]
    for r in rows:
        memory = " / ".join(f"{r[f'{d}_bytes'] / bandwidth * 1e3:.3f}" for d in OPERATIONS_OF_PAIR)
        arithmetic = " / ".join(f"{r['pairs'] * n / rate * 1e3:.3f}" for n in OPERATIONS_OF_PAIR.values())
        times = f"{r['forward_ms']:.3f} / {r['backward_ms']:.3f}"
        lines.append([r["workload"], times, memory, arithmetic, f"{r['pairs']:,}", f"{r['brute_force_pairs']:,}"])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
