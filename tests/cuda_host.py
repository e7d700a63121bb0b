"""The GPU's kernels on the processor: kernels/cuda compiled against tests/cuda_shim, called through gendr/_cuda.py."""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import importlib.machinery
import importlib.util
import os
import shutil
import subprocess
import sysconfig
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import pybind11
import torch
from torch import Tensor

from gendr import _cuda
from gendr._cuda import device
from source_tree import ROOT

KERNELS = ROOT / "kernels"
SHIM = ROOT / "tests" / "cuda_shim"
ORDERS = ("forward", "reverse", "shuffled", "warp by warp")
GUARD = 64  # bytes behind a workspace that nothing may write
FLAGS = ["-std=c++17", "-O1", "-fPIC", "-fvisibility=hidden", "-fno-math-errno", "-Wall", "-Wextra", "-Werror"]


def compiler() -> str | None:
    """The C++ compiler, None without one."""
    return os.environ.get("CXX") or shutil.which("g++") or shutil.which("c++")


def compile_library(kernels: list[Path], units: list[Path], folder: Path, tree: Path = KERNELS) -> Path:
    """Compile kernels and plain C++ files with the shim's scheduler into one shared library."""
    sources = [["-x", "c++", str(f)] for f in kernels] + [[str(f)] for f in (*units, *SHIM.glob("*.cpp"))]
    includes = [SHIM, tree, tree / "include", pybind11.get_include(), sysconfig.get_path("include")]
    objects = [folder / f"{i}.o" for i in range(len(sources))]
    compilations = [
        subprocess.Popen([str(compiler()), *FLAGS, *(f"-I{i}" for i in includes), "-c", *source, "-o", str(target)])
        for source, target in zip(sources, objects, strict=True)
    ]
    codes = [c.wait() for c in compilations]
    assert not any(codes), "the kernels do not compile as C++"
    library = folder / "_kernels_cuda.so"
    subprocess.run([str(compiler()), "-shared", *map(str, objects), "-o", str(library)], check=True)
    return library


@cache
def library() -> Path:
    """The kernels, compiled unless an unchanged build is at hand."""
    files = [f for f in (*KERNELS.rglob("*"), *SHIM.iterdir()) if f.suffix in {".h", ".cuh", ".cu", ".cpp"}]
    digest = hashlib.sha256(b"".join(f.read_bytes() for f in sorted(files)) + " ".join(FLAGS).encode()).hexdigest()
    folder = ROOT / "build" / "cuda_shim" / digest[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:  # one of several test processes builds, the others wait
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "_kernels_cuda.so").exists():
            for old in set(folder.parent.iterdir()) - {folder}:
                shutil.rmtree(old, ignore_errors=True)
            cuda = KERNELS / "cuda"
            compile_library(sorted(cuda.glob("*.cu")), sorted(cuda.glob("*.cpp")), folder)
    return folder / "_kernels_cuda.so"


@cache
def load(path: Path) -> ModuleType:
    """The compiled module."""
    loader = importlib.machinery.ExtensionFileLoader("_kernels_cuda", str(path))
    spec = importlib.util.spec_from_file_location("_kernels_cuda", path, loader=loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@dataclass
class Host:
    """Calls the kernels on CPU tensors, as the operators do on a device's.

    Attributes:
        path: the shared library.
        order: in which the threads of a block take their turns.
        faces_per_pass: how many faces are set up at once; 0 leaves it to the kernels.
    """

    path: Path
    order: str = "forward"
    faces_per_pass: int = 0

    def coverage(self, *arguments: Any) -> tuple[Tensor, Tensor]:
        """What `torch.ops.gendr.coverage` does."""
        return self._run(_cuda.coverage, *arguments)

    def coverage_backward(self, *arguments: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What `torch.ops.gendr.coverage_backward` does."""
        return self._run(_cuda.coverage_backward, *arguments)

    def blend(self, *arguments: Any) -> tuple[Tensor, ...]:
        """What `torch.ops.gendr.blend` does."""
        return self._run(_cuda.blend, *arguments)

    def blend_backward(self, *arguments: Any) -> tuple[Tensor, ...]:
        """What `torch.ops.gendr.blend_backward` does."""
        return self._run(_cuda.blend_backward, *arguments)

    @property
    def status(self) -> tuple[str, ...]:
        """What the kernels reported since this was last asked, by name."""
        flags = device._status.pop(torch.device("cpu"), torch.zeros(len(device.REPORTS)))
        return tuple(name for name, bad in zip(device.REPORTS, flags.tolist(), strict=True) if bad)

    def _run(self, call, *arguments):
        spaces = []

        def workspace(size, _device):
            spaces.append(torch.full((size + GUARD,), 0xFF, dtype=torch.uint8))
            return spaces[-1][:size]

        ctypes.CDLL(str(self.path)).gendr_shim_order(ORDERS.index(self.order), 1)
        with mock.patch.multiple(device, _kernels=load(self.path), workspace=workspace):
            outcome = call(*arguments, faces_per_pass=self.faces_per_pass)
        assert all(bool((space[-GUARD:] == 0xFF).all()) for space in spaces), "the kernels wrote beyond their workspace"
        return outcome
