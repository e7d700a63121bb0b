"""The modern network's first steps in float32 and in float64, in this process or, as a script, in two.

python tests/two_processes.py DATA CURVES.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from unittest import mock

import torch

from gendr.tools.reconstruct import run, settings
from gendr.tools.reconstruct.batches import Batch, load
from gendr.tools.reconstruct.command import launched
from gendr.tools.reconstruct.model import build
from gendr.tools.reconstruct.settings import Settings
from gendr.tools.shapes.layout import ShapeData

STEPS = 8
BATCH = 8  # objects a step, over all processes
LR = {torch.float64: "1e-3:1e-4", torch.float32: "1e-4"}


def losses(folder, fabric, dtype, codes=0):
    """The loss of each step, its mean over the processes."""

    def network(*args):
        made = build(*args).to(dtype)
        made.template = made.template.to(dtype=dtype)
        return made

    def batch(*args, **options):
        read = load(*args, **options)
        return Batch(read.images.to(dtype), read.views, read.alphas.to(dtype))

    data = ShapeData(folder, "chair,table", "train")
    options = {"model": "modern", "lr": LR[dtype], "steps": STEPS, "batch": BATCH, "codes": codes}
    chosen = Settings(tuple(data.classes), tuple(data.counts), **options)
    with mock.patch.object(settings, "build", network), mock.patch.object(run, "load", batch):
        begun = run.Run(Path(folder, "none"), chosen, data, fabric)
        own = torch.tensor([begun.advance()["loss"] for _ in range(STEPS)], dtype=torch.float64)
    return (fabric.all_reduce(own, reduce_op="mean") if fabric.world_size > 1 else own).tolist()


def curves(folder, processes):
    """Both dtypes' curves, and that of codes, by name; None in all processes but one."""
    torch.set_num_threads(1)
    fabric = launched("cpu", processes, 1, idle=True)
    found = {str(dtype): losses(folder, fabric, dtype) for dtype in LR}
    found["codes"] = losses(folder, fabric, torch.float64, codes=STEPS // 2)
    return found if fabric.is_global_zero else None


if __name__ == "__main__":
    seen = curves(sys.argv[1], 2)
    if seen is not None:
        Path(sys.argv[2]).write_text(json.dumps(seen))
