"""What a measured figure depends on besides the settings: program, machine, and how busy it was."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from pathlib import Path
from typing import Any

import torch

import gendr
from gendr import _kernels


def environment() -> dict[str, Any]:
    """Time, versions, instruction set and threads, as JSON holds them.

    >>> environment()["versions"]["gendr"] == gendr.__version__
    True
    """
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "versions": {"gendr": gendr.__version__, "torch": torch.__version__, "python": platform.python_version()},
        "instruction_set": _kernels.selected_instruction_set(),
        "threads": gendr.get_num_threads(),
    }


def machine() -> dict[str, Any]:
    """The environment, and commit, processor and load: what stands beside a benchmark's numbers.

    >>> sorted(set(machine()) - set(environment()))
    ['commit', 'cores', 'cpu', 'load']
    """
    return {**environment(), "commit": _commit(), "cpu": _cpu(), "cores": os.cpu_count(), "load": list(os.getloadavg())}


def _commit() -> str | None:
    """The commit that the package's source is at, `+` where tracked files differ from it; None outside a repository."""
    git = ["git", "-C", str(Path(__file__).parent)]
    try:
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True, timeout=10)
        changed = subprocess.run([*git, "diff", "--quiet", "HEAD"], capture_output=True, check=False, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
    return head.stdout.strip() + ("+" if changed.returncode else "")


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
