"""Times the rasterizer: `python -m gendr.tools.bench_raster`.

Nanoseconds per pixel-face pair, forward and backward, for every distribution and T-conorm, and milliseconds for whole
workloads on one and two threads. Prints Markdown tables and writes JSON beside commit, processor and load.

On one thread a time is the least CPU time of several runs, which other programs disturb little; on several it is the
least wall time, which wants a quiet machine.
"""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

import torch
import tyro
from rich.progress import track
from torch import Tensor

import gendr
from gendr import _ops
from gendr.distributions import DISTRIBUTIONS, Distribution, Logistic
from gendr.render.rasterize import coverage_options
from gendr.scenes import SCENES
from gendr.tnorms import TNORMS, Probabilistic, TNorm
from gendr.tools import bench_cuda
from gendr.tools.machine import machine

PAIR_CUTOFF = 1e-4
"""Of the workloads: 9.21 standard scales of the logistic distribution."""


@dataclasses.dataclass(frozen=True)
class Workload:
    """Silhouettes of one mesh, Logistic squared and Probabilistic.

    Attributes:
        name: of the row.
        mesh: what is drawn.
        size: of the image in pixels.
        views: around the mesh, at 30 degrees elevation.
        tau: softness.
    """

    name: str
    mesh: gendr.Mesh
    size: int
    views: int
    tau: float


@dataclasses.dataclass(frozen=True)
class Timing:
    """Milliseconds of one call, and its pixel-face pairs."""

    forward: float
    backward: float
    pairs: int

    @property
    def per_pair(self) -> tuple[float, float]:
        """Nanoseconds per pair, forward and backward."""
        return self.forward * 1e6 / self.pairs, self.backward * 1e6 / self.pairs


def workloads() -> list[Workload]:
    """The four of the table; the airplane is GENDR_DATA's where that is set, else the built-in scene."""
    data = os.environ.get("GENDR_DATA")
    shared = Path(data) / "meshes" / "classic" / "airplane_gendr.obj" if data else None
    airplane = gendr.Mesh.load(shared) if shared and shared.exists() else SCENES["airplane"]()
    return [
        Workload("sphere, 1,280 faces, 64x64, 24 views", gendr.Mesh.icosphere(3, radius=0.6), 64, 24, 1e-4),
        Workload(f"airplane, {airplane.n_faces:,} faces, 64x64, 24 views", airplane, 64, 24, 1e-5),
        Workload("sphere, 20,480 faces, 256x256, 1 view", gendr.Mesh.icosphere(5, radius=0.6), 256, 1, 1e-5),
        Workload("sphere, 20,480 faces, 256x256, 8 views", gendr.Mesh.icosphere(5, radius=0.6), 256, 8, 1e-5),
        Workload(f"airplane, {airplane.n_faces:,} faces, 512x512, 1 view", airplane, 512, 1, 1e-5),
    ]


def project(mesh: gendr.Mesh, views: int) -> Tensor:
    """Faces in the views around a mesh, `[views, F, 3, 3]`."""
    azimuth = torch.arange(views, dtype=torch.float64) * 360 / views
    return gendr.Camera.look_at(elevation=30.0, azimuth=azimuth).project(mesh.vertices)[:, mesh.faces].contiguous()


def measure(
    faces: Tensor, size: int, tau: float, distribution: Distribution, t_conorm: TNorm, cutoff: float, repeats: int
) -> Timing:
    """Time the two operators on their own, without autograd's overhead."""
    options = coverage_options(distribution, t_conorm, size, size, cutoff=cutoff)
    scale, shift = torch.full((len(faces),), tau), torch.zeros(())
    p = torch.tensor(0.0 if t_conorm.p is None else float(t_conorm.p))
    inputs = (faces, scale, shift, p, None, *options)
    alpha, state = torch.ops.gendr.coverage(*inputs)
    incoming = torch.rand_like(alpha) - 0.5
    forward = least(lambda: torch.ops.gendr.coverage(*inputs), repeats)
    backward = least(lambda: torch.ops.gendr.coverage_backward(incoming, state, False, *inputs), repeats)
    return Timing(forward, backward, _ops.count_pairs(faces, scale, shift, p, options))


def least(call: Callable[[], Any], repeats: int) -> float:
    """The least of several times, in milliseconds: CPU time on one thread, wall time on more."""
    return least_of_each([call], repeats)[0]


def least_of_each(calls: list[Callable[[], Any]], repeats: int) -> list[float]:
    """Likewise of calls that take turns, so that what else the machine does falls on all of them."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(repeats):
        for call, found in zip(calls, times, strict=True):
            start = clock()
            call()
            found.append(clock() - start)
    return [min(found) * 1e3 for found in times]


def family_members() -> tuple[list[Distribution], list[TNorm]]:
    """One of each kind, with the middle parameter where there is one; plain and reversed where that differs."""
    distributions: list[Distribution] = []
    for cls in DISTRIBUTIONS.values():
        member = cls(p=0.5) if "p" in cls.parameters else cls()  # type: ignore[call-arg]
        distributions += [member] if is_symmetric(member) else [member, member.reversed()]
    t_conorms = [
        cls() if cls.p_range is None else cls(p=-2.0 if cls.p_range[1] <= 0 else 2.0)  # type: ignore[call-arg]
        for cls in TNORMS.values()
    ]
    return distributions, t_conorms


def is_symmetric(distribution: Distribution) -> bool:
    """Whether reversing changes nothing.

    >>> is_symmetric(Logistic())
    True
    """
    x = torch.tensor([0.3, 1.7], dtype=torch.float64)
    return torch.equal(distribution.cdf(x), distribution.sf(-x))


def bench_pairs(repeats: int) -> list[dict[str, Any]]:
    """Every distribution with every T-conorm: a sphere of 320 faces, 64x64 pixels, 4 views, all pixels reached."""
    faces = project(gendr.Mesh.icosphere(2, radius=0.6), 4)
    distributions, t_conorms = family_members()
    rows = []
    for distribution in track(distributions, "every pair", transient=True):
        for t_conorm in t_conorms:
            tau = softness_that_reaches(distribution, 0.2)
            timing = measure(faces, 64, tau, distribution, t_conorm, 1e-6, repeats)
            forward, backward = timing.per_pair
            row = {"distribution": str(distribution), "t_conorm": str(t_conorm), "tau": tau, "pairs": timing.pairs}
            rows.append({**row, "forward_ns": forward, "backward_ns": backward})
    return rows


def softness_that_reaches(distribution: Distribution, distance: float) -> float:
    """The tau at which a face still counts at this distance outside, so that all members see about as many pairs."""
    reach = -float(distribution.quantile(torch.tensor(1e-6, dtype=torch.float64)))
    return min(max(distance / reach, 1e-9), 1.0) if reach > 0 else 0.05


def bench_workloads(repeats: int) -> list[dict[str, Any]]:
    """Milliseconds on one and two threads."""
    rows = []
    for workload in workloads():
        faces = project(workload.mesh, workload.views)
        for threads in (1, 2):
            torch.set_num_threads(threads)
            renderer = (Logistic().squared(), Probabilistic(), PAIR_CUTOFF)
            timing = measure(faces, workload.size, workload.tau, *renderer, repeats)
            row = {"workload": workload.name, "threads": threads, "pairs": timing.pairs}
            rows.append({**row, "forward_ms": timing.forward, "both_ms": timing.forward + timing.backward})
    torch.set_num_threads(1)
    return rows


def markdown(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table.

    >>> print(markdown(["a", "b"], [["1", "2"]]))
    | a | b |
    | --- | --- |
    | 1 | 2 |
    """
    header = list(header)
    lines = [header, ["---"] * len(header), *(list(row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def workload_table(rows: list[dict[str, Any]]) -> str:
    """Forward / forward and backward in milliseconds, one thread and two."""
    lines = []
    for one, two in zip(rows[::2], rows[1::2], strict=True):
        times = [f"{r['forward_ms']:.2f} / {r['both_ms']:.2f}" for r in (one, two)]
        speedup = f"{one['forward_ms'] / two['forward_ms']:.2f} / {one['both_ms'] / two['both_ms']:.2f}"
        lines.append([one["workload"], f"{one['pairs']:,}", *times, speedup])
    return markdown(["workload", "pairs", "1 thread, ms", "2 threads, ms", "speed-up"], lines)


def pair_table(rows: list[dict[str, Any]]) -> str:
    """Forward / backward nanoseconds per pair."""
    names = list(dict.fromkeys(r["t_conorm"] for r in rows))
    cells = {(r["distribution"], r["t_conorm"]): f"{r['forward_ns']:.1f} / {r['backward_ns']:.1f}" for r in rows}
    distributions = list(dict.fromkeys(r["distribution"] for r in rows))
    return markdown(["", *names], ([d, *(cells[d, n] for n in names)] for d in distributions))


def bench_device(out: Path, repeats: int) -> None:
    """Whole images on a GPU, coverage and colour, beside the bounds of its memory and arithmetic."""
    bench_cuda.require_device()
    bandwidth, rate = bench_cuda.copy_bandwidth(), bench_cuda.arithmetic_rate()
    rows: list[dict[str, Any]] = []
    for w in track(workloads(), "workloads", transient=True):
        options = coverage_options(Logistic().squared(), Probabilistic(), w.size, w.size, cutoff=PAIR_CUTOFF)
        rows.extend(bench_cuda.measure(w.name, project(w.mesh, w.views), w.tau, options, repeats))
    card = torch.cuda.get_device_name()
    record = {"machine": machine(), "card": card, "copy_bytes_per_s": bandwidth, "flops": rate, "workloads": rows}
    print(f"{card}: copies {bandwidth / 1e9:.0f} GB/s, multiplies matrices at {rate / 1e12:.1f} TFLOP/s\n")
    print(bench_cuda.table(rows, bandwidth, rate))
    print(f"\ncolour over coverage, both ways: {', '.join(f'{ratio:.2f}' for ratio in bench_cuda.ratios(rows))}")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"\nwritten to {out}")


def main(
    out: Path = Path("bench_raster.json"),
    repeats: int = 15,
    pairs: bool = True,
    device: Literal["cpu", "cuda"] = "cpu",
) -> None:
    """Print the tables and write the numbers.

    Args:
        out: the JSON file.
        repeats: runs of each call, of which the fastest counts, or on a GPU the median.
        pairs: also every distribution with every T-conorm (a minute or so); on the CPU.
        device: on a GPU, times are medians between device events, of coverage and of three colours, beside what its
            memory and its arithmetic allow at best.
    """
    if device == "cuda":
        return bench_device(out, repeats)
    torch.set_num_threads(1)
    before = machine()
    record: dict[str, Any] = {"machine": before, "workloads": bench_workloads(repeats)}
    print(f"{before['cpu']}, {before['instruction_set']}, load {before['load'][0]:.1f}, commit {before['commit']}\n")
    print(workload_table(record["workloads"]), flush=True)
    if pairs:
        record["pairs"] = bench_pairs(max(3, repeats // 3))
        print("\nns per pixel-face pair, forward / backward, one thread\n")
        print(pair_table(record["pairs"]))
        worst = [max(record["pairs"], key=lambda r: r[key]) for key in ("forward_ns", "backward_ns")]
        print(f"\nslowest: {worst[0]['forward_ns']:.1f} forward, {worst[1]['backward_ns']:.1f} backward")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"\nwritten to {out}")


if __name__ == "__main__":
    tyro.cli(main)
