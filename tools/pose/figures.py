"""How well poses are found: on the pose benchmark's problems, by mesh, by what is unknown, and by the first error.

For example: python -m gendr.tools.pose.figures --mesh teapot --pairs 200 --out teapot.jsonl
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import tyro
from torch import Tensor

from gendr import _check
from gendr.render import Camera, Mesh
from gendr.render.pose import estimate
from gendr.tools.arguments import bad_arguments
from gendr.tools.bench.meshes import in_unit_ball, load_mesh
from gendr.tools.bench.pose_problems import RANGES, PoseProblems, problems, turn_of
from gendr.tools.fit.views import silhouettes

UNKNOWN = {
    "protocol": ("roll", "shift"),
    "six": ("fov",),
    "seven": (),
}
"""What is fixed when these are unknown: the protocol's distance, elevation, azimuth and half angle, in the goal's axes;
the six numbers of a pose; these and the angle of view."""

IMAGE_SIZE = 64
EXPLAINED = 0.01


@dataclass(frozen=True)
class Figures:
    """Find the poses of the benchmark's problems (64x64 masks) one by one; print shares within 5 and 1 degrees."""

    mesh: str = "teapot"
    """A mesh file, or a built-in scene; brought into the unit ball."""
    pairs: int = 200
    """Problems in each of the three ranges of the first error."""
    unknown: str = "protocol"
    """protocol (distance, elevation, azimuth, half angle), six (a pose, known lens), or seven (with angle of view)."""
    seed: int = 0
    """Of the problems."""
    out: Path | None = None
    """A file that gets a line of JSON for every problem; those that it holds already are not done again."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        with bad_arguments("figures"):
            _check.number("pairs", self.pairs, 1)
            _check.choice("unknown", self.unknown, list(UNKNOWN))
            mesh = in_unit_ball(load_mesh(self.mesh))
            key = {"mesh": self.mesh, "unknown": self.unknown, "seed": self.seed}
            done = _done(self.out, key)
        torch.set_num_threads(1)
        for index in range(self.pairs * len(RANGES)):
            if index in done:
                continue
            done[index] = key | {"problem": index} | solved(mesh, problems(index, index + 1, self.seed), self.unknown)
            if self.out is not None:
                with self.out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(done[index]) + "\n")
        records = [done[index] for index in range(self.pairs * len(RANGES))]
        print(f"{self.mesh}, {self.unknown} unknown, {self.pairs} pairs a range, seed {self.seed}\n{table(records)}")
        return 0


def solved(mesh: Mesh, problem: PoseProblems, unknown: str) -> dict[str, float]:
    """One problem's error in degrees, loss, and CPU seconds.

    >>> from gendr.render import Mesh
    >>> found = solved(Mesh.icosphere(1), problems(0, 1), "protocol")
    >>> found["loss"] < 0.02
    True
    """
    mask = silhouettes(mesh, problem.goal, IMAGE_SIZE)
    began = time.process_time()
    if unknown == "protocol":  # upright is what the goal's axes call so
        turned = mesh.with_vertices((mesh.vertices.double() @ problem.goal.rotation[0].mT).float())
        distance, elevation, azimuth, half_angle = problem.start_parameters.unbind(1)
        guess = Camera.look_at(distance, elevation, azimuth, half_angle=half_angle)
        truth = Camera.look_at(problem.goal_parameters[:, 0])
        found = estimate(turned, mask, guess, UNKNOWN[unknown])
    else:
        guess = replace(problem.start, scale=problem.goal.scale) if unknown == "six" else problem.start
        truth = problem.goal
        found = estimate(mesh, mask, guess, UNKNOWN[unknown])
    error = angle_between(found.camera.rotation, truth.rotation)
    seconds = time.process_time() - began
    return {
        "initial": round(float(turn_of(problem.start_parameters)), 3),
        "error": round(float(error), 4),
        "loss": round(float(found.loss), 5),
        "confidence": round(float(found.confidence), 4),
        "alternatives": len(found.alternatives[0]),
        "seconds": round(seconds, 4),
    }


def angle_between(first: Tensor, second: Tensor) -> Tensor:
    """Degrees between rotations [B, 3, 3].

    >>> angle_between(torch.eye(3)[None], torch.diag(torch.tensor([1.0, -1.0, -1.0]))[None])
    tensor([180.])
    """
    chord = torch.linalg.matrix_norm(first - second) / 8.0**0.5
    return torch.rad2deg(2.0 * torch.asin(chord.clamp(max=1.0)))


def table(records: Sequence[dict[str, Any]]) -> str:
    """A line for each range; the last figure is of those further off than 5 degrees whose loss is 0.01 or less."""
    lines = [
        "| first error | pairs | within 5 | within 1 | median | CPU s | missed, but explained |",
        "|---|---|---|---|---|---|---|",
    ]
    for low, high in RANGES:
        inside = [record for record in records if low <= record["initial"] < high]
        if not inside:
            continue
        errors = sorted(record["error"] for record in inside)
        shares = [sum(error < limit for error in errors) / len(errors) for limit in (5.0, 1.0)]
        missed = [record for record in inside if record["error"] >= 5.0]
        explained = sum(record["loss"] <= EXPLAINED for record in missed)
        seconds = sum(record["seconds"] for record in inside) / len(inside)
        lines.append(
            f"| {low:g}-{high:g} | {len(inside)} | {shares[0]:.3f} | {shares[1]:.3f} | {errors[len(errors) // 2]:.2f}"
            f" | {seconds:.2f} | {explained} of {len(missed)} |"
        )
    return "\n".join(lines)


def _done(file: Path | None, key: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """The problems that a file holds; a last line that was cut off does not count."""
    done: dict[int, dict[str, Any]] = {}
    if file is None or not file.exists():
        return done
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and all(record.get(name) == value for name, value in key.items()):
            done[int(record["problem"])] = record
    return done


if __name__ == "__main__":
    sys.exit(tyro.cli(Figures).run())
