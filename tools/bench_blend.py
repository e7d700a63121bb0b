"""Times colour beside coverage: `python -m gendr.tools.bench_blend`.

The workloads of `bench_raster`, and a fine sphere on 512x512 pixels, also with its faces shuffled; with features at the
corners. Prints a Markdown table and writes JSON beside commit, processor and load. On one thread a time is the least
CPU time of several runs, on two the least wall time. Coverage and colour take turns, so that their ratio survives a
machine that does other things.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import tyro
from torch import Tensor

import gendr
from gendr import _ops
from gendr.distributions import Logistic
from gendr.render.rasterize import coverage_options
from gendr.tnorms import Probabilistic
from gendr.tools.bench_raster import PAIR_CUTOFF, Workload, least_of_each, markdown, project, workloads
from gendr.tools.machine import machine

GAMMA = 1e-3
FINE = Workload("sphere, 20,480 faces, 512x512, 1 view", gendr.Mesh.icosphere(5, radius=0.6), 512, 1, 1e-5)


def shuffled(workload: Workload) -> Workload:
    """The same mesh, its faces in random order: those that follow one another share no pixels."""
    mesh = workload.mesh
    order = torch.randperm(mesh.n_faces, generator=torch.Generator().manual_seed(0))
    return dataclasses.replace(
        workload, name=f"{workload.name}, faces shuffled", mesh=gendr.Mesh(mesh.vertices, mesh.faces[order])
    )


def calls(faces: Tensor, workload: Workload, channels: int) -> list[Callable[[], Any]]:
    """Both operators on their own, coverage's and blending's: alpha, depth and features, all gradients but `p`'s."""
    options = coverage_options(Logistic().squared(), Probabilistic(), workload.size, workload.size, cutoff=PAIR_CUTOFF)
    generator = torch.Generator().manual_seed(0)
    attributes = torch.rand(1, workload.mesh.n_faces, 3, channels, generator=generator)
    surface = _ops.SurfaceTensors(attributes)
    how = _ops.BlendOptions(is_hard=False, is_perspective=True, eps=1e-3, wrap=0)
    scale, number = torch.full((len(faces),), workload.tau), torch.zeros(())
    plain = (faces, scale, number, number, None, *options)
    blended = (faces, scale, number, number, torch.tensor(GAMMA), *surface, None, *how, *options)
    kernels = torch.ops.gendr
    _, own_sums = kernels.coverage(*plain)
    alpha, sums, record, state = kernels.blend(*blended)
    incoming = (torch.rand_like(alpha) - 0.5, torch.rand_like(record) - 0.5)
    wanted = (False, True, False)  # the gradients of p, gamma and texels
    return [
        lambda: kernels.coverage(*plain),
        lambda: kernels.coverage_backward(incoming[0], own_sums, False, *plain),
        lambda: kernels.blend(*blended),
        lambda: kernels.blend_backward(*incoming, sums, record, state, *wanted, *blended),
    ]


def bench(channels: int, repeats: int) -> list[dict[str, Any]]:
    """Milliseconds of coverage and of colour, forward and both ways, on one thread and two."""
    rows = []
    for workload in [*workloads(), FINE, shuffled(FINE)]:
        faces = project(workload.mesh, workload.views)
        row: dict[str, Any] = {"workload": workload.name, "channels": channels}
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found = least_of_each(calls(faces, workload, channels), repeats)
            coverage_forward, coverage_backward, color_forward, color_backward = found
            parts = (("coverage", coverage_forward, coverage_backward), ("color", color_forward, color_backward))
            for name, forward, backward in parts:
                row[f"{name}_forward_ms_{threads}"] = forward
                row[f"{name}_both_ms_{threads}"] = forward + backward
        rows.append(row)
    torch.set_num_threads(1)
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Forward / forward and backward."""
    lines = []
    for row in rows:
        cells = [
            f"{row[f'{name}_forward_ms_{threads}']:.2f} / {row[f'{name}_both_ms_{threads}']:.2f}"
            for name, threads in (("coverage", 1), ("color", 1), ("color", 2))
        ]
        ratio = f"{row['color_both_ms_1'] / row['coverage_both_ms_1']:.2f}"
        lines.append([row["workload"], *cells[:2], ratio, cells[2]])
    return markdown(["workload", "coverage, ms", "colour, ms", "both ways, ratio", "colour, 2 threads, ms"], lines)


def main(out: Path = Path("bench_blend.json"), channels: int = 3, repeats: int = 15) -> None:
    """Print the table and write the numbers.

    Args:
        out: the JSON file.
        channels: features at the corners.
        repeats: runs of each call, of which the fastest counts.
    """
    before = machine()
    rows = bench(channels, repeats)
    print(f"{before['cpu']}, {before['instruction_set']}, load {before['load'][0]:.1f}, commit {before['commit']}\n")
    print(table(rows))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"machine": before, "rows": rows}, indent=1) + "\n", encoding="utf-8")
    print(f"\nwritten to {out}")


if __name__ == "__main__":
    tyro.cli(main)
