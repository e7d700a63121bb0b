"""Times the rasterizer on a GPU, beside the bounds of memory and arithmetic: part of `gendr.tools.bench_raster`."""

from __future__ import annotations

import dataclasses
import statistics
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gendr import _cuda, _ops

OPERATIONS_OF_PAIR = {
    "coverage": {"forward": 100, "backward": 100},
    "colour": {"forward": 170, "backward": 420},
}
"""Floating-point operations of a pixel-face pair in float32, Logistic squared and Probabilistic, with three channels at
the corners, to the nearest ten: sums, products, quotients and comparisons as the source has them, elementary functions
by their polynomials, what a walk forms twice counted once. Every pair has its distance, 52; the two thirds of the
workloads' pairs that reach the cut-off have 69 and 73 more for coverage, 182 and 469 for colour. Colour's backward pass
walks twice, for corners and for attributes. Sums in double count like those in float32: the bound is a low one."""

GAMMA, CHANNELS = 1e-3, 3  # of colour
SLEEP = 2_000_000  # cycles, about a millisecond: longer than the host takes to enqueue a call


@dataclasses.dataclass(frozen=True)
class Call:
    """One direction of an operator.

    Attributes:
        run: enqueues it.
        floats: numbers that it must at least read or write, each once.
    """

    run: Callable[[], Any]
    floats: int


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
    """The median of several times between device events, after two calls to warm up.

    The device sleeps first, so that a call has been enqueued when it begins: the host's part is not in its time.
    """
    times: list[float] = []
    for i in range(repeats + 2):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        torch.cuda._sleep(SLEEP)  # torch has no public one
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


def calls(faces: Tensor, tau: float, options: _ops.CoverageOptions) -> dict[str, dict[str, Call]]:
    """Coverage and colour, forward and backward, of faces on any device: the operators without autograd's overhead."""
    scale, zero = torch.full((len(faces),), tau, device=faces.device), torch.zeros((), device=faces.device)
    colours = torch.rand(1, faces.shape[1], 3, CHANNELS, device=faces.device)
    how = _ops.BlendOptions(is_hard=False, is_perspective=True, eps=1e-3, wrap=0)
    plain = (faces, scale, zero, zero, None, *options)
    blended = (faces, scale, zero, zero, zero + GAMMA, *_ops.SurfaceTensors(colours), None, *how, *options)
    kernels = torch.ops.gendr
    alpha, own = kernels.coverage(*plain)
    _, sums, record, state = kernels.blend(*blended)
    in_alpha, in_record = torch.rand_like(alpha) - 0.5, torch.rand_like(record) - 0.5
    corners, shown, pixels = faces.numel(), colours.numel(), alpha.numel()
    images = alpha.numel() + sums.numel() + record.numel() + state.numel()
    wanted = (False, True, False)  # the gradients of p, gamma and texels
    return {
        "coverage": {
            "forward": Call(lambda: kernels.coverage(*plain), corners + 2 * pixels),
            "backward": Call(lambda: kernels.coverage_backward(in_alpha, own, False, *plain), 2 * corners + 2 * pixels),
        },
        "colour": {
            "forward": Call(lambda: kernels.blend(*blended), corners + shown + images),
            "backward": Call(
                lambda: kernels.blend_backward(in_alpha, in_record, sums, record, state, *wanted, *blended),
                2 * (corners + shown) + images + in_record.numel(),
            ),
        },
    }


def measure(
    name: str,
    faces: Tensor,
    tau: float,
    options: _ops.CoverageOptions,
    repeats: int,
    device: str = "cuda",
    clock: Callable[[Callable[[], Any], int], float] = milliseconds,
) -> list[dict[str, Any]]:
    """One workload: times, pairs, and the bytes that each direction must at least move; coverage, then colour."""
    scale, zero = torch.full((len(faces),), tau), torch.zeros(())
    pairs = _ops.count_pairs(faces, scale, zero, zero, options)
    brute_force = len(faces) * options.height * options.width * faces.shape[1]
    rows = []
    for what, directions in calls(faces.to(device), tau, options).items():
        row = {"workload": name, "what": what, "pairs": pairs, "brute_force_pairs": brute_force}
        for direction, call in directions.items():
            row |= {f"{direction}_ms": clock(call.run, repeats), f"{direction}_bytes": 4 * call.floats}
        rows.append(row)
    return rows


def table(rows: list[dict[str, Any]], bandwidth: float, rate: float) -> str:
    """Milliseconds beside the bounds, forward / backward.

    >>> row = {"workload": "w", "what": "colour", "pairs": 10, "brute_force_pairs": 90}
    >>> row |= {"forward_ms": 1.0, "backward_ms": 2.0, "forward_bytes": 1e9, "backward_bytes": 2e9}
    >>> print(table([row], 1e12, 1e6).splitlines()[-1])
    | w | colour | 1.000 / 2.000 | 1.000 / 2.000 | 1.700 / 4.200 | 10 | 90 |
    """
    head = ["workload", "what", "ms", "memory bound, ms", "arithmetic bound, ms", "pairs", "pairs of brute force"]
    lines = [head, ["---"] * len(head)]
    for r in rows:
        operations = OPERATIONS_OF_PAIR[r["what"]]
        memory = " / ".join(f"{r[f'{d}_bytes'] / bandwidth * 1e3:.3f}" for d in operations)
        arithmetic = " / ".join(f"{r['pairs'] * n / rate * 1e3:.3f}" for n in operations.values())
        times = " / ".join(f"{r[f'{d}_ms']:.3f}" for d in operations)
        pairs = (f"{r['pairs']:,}", f"{r['brute_force_pairs']:,}")
        lines.append([r["workload"], r["what"], times, memory, arithmetic, *pairs])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def ratios(rows: list[dict[str, Any]]) -> list[float]:
    """Colour's time over coverage's, forward and backward together, for each workload.

    >>> row = {"forward_ms": 1.0, "backward_ms": 2.0}
    >>> ratios([row, {"forward_ms": 2.0, "backward_ms": 4.0}])
    [2.0]
    """
    both = [row["forward_ms"] + row["backward_ms"] for row in rows]
    return [colour / coverage for coverage, colour in zip(both[::2], both[1::2], strict=True)]
