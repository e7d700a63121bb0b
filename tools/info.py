"""`gendr info`: what is installed and what it can do."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch

import gendr
from gendr import _kernels
from gendr.distributions import DISTRIBUTIONS
from gendr.render.rasterize import BACKENDS
from gendr.tnorms import TNORMS


@dataclass(frozen=True)
class Info:
    """`gendr info`, which has no arguments."""

    help: ClassVar[str] = "Show version, backends, instruction set, threads, devices, distributions and T-conorms."

    def run(self) -> int:
        """Print it; returns the exit code."""
        print("\n".join(describe()))
        return 0


def describe() -> list[str]:
    """The lines of `gendr info`.

    >>> describe()[0].startswith("gendr ")
    True
    """
    return [
        f"gendr {gendr.__version__}, torch {torch.__version__}, Python {platform.python_version()}",
        f"backends: {', '.join(name for name in BACKENDS if name != 'auto')}",
        f"instruction set: {_kernels.selected_instruction_set()}",
        f"threads: {gendr.get_num_threads()}",
        f"devices: {', '.join(_devices())}",
        "",
        "distributions (each may also be reversed, squared and shift=NUMBER):",
        *_table({name: (cls.parameters, cls.formula) for name, cls in DISTRIBUTIONS.items()}),
        "",
        "T-conorms (and the average, which is none):",
        *_table({name: (cls.parameters, cls.formula) for name, cls in TNORMS.items()}),
    ]


def _table(rows: Mapping[str, tuple[Mapping[str, object], str]]) -> list[str]:
    """One line per member: spec, range of its parameter, formula; in columns."""
    cells = []
    for name, (parameters, formula) in rows.items():
        arguments = ", ".join(f"{parameter}=P" for parameter in parameters)
        ranges = ", ".join(f"P in {allowed}" for allowed in parameters.values())
        cells.append((f"{name}({arguments})" if arguments else name, ranges, formula))
    widths = [max(len(cell[column]) for cell in cells) + 2 for column in range(2)]
    return [f"  {spec:<{widths[0]}}{ranges:<{widths[1]}}{formula}" for spec, ranges, formula in cells]


def _devices() -> list[str]:
    return [f"cpu ({platform.machine()})", *(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))]
