"""The GPU's kernels on the processor: compiles kernels/cuda against tests/cuda_shim and calls them through ctypes."""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from gendr import _ops
from source_tree import ROOT

SHIM = ROOT / "tests" / "cuda_shim"
ORDERS = ("forward", "reverse", "shuffled")
STATUS = ("face_vertices", "tau", "shift", "p", "grad_alpha")
GUARD = 64  # bytes behind a workspace that nothing may write
FLAGS = ["-std=c++17", "-O1", "-fPIC", "-fno-math-errno", "-fno-trapping-math", "-Wall", "-Wextra", "-Werror"]


def compiler() -> str | None:
    """The C++ compiler, None without one."""
    return os.environ.get("CXX") or shutil.which("g++") or shutil.which("c++")


def sources() -> list[Path]:
    """Everything that the shared library is made from."""
    headers = [*(ROOT / "kernels" / "include").rglob("*.h"), *(ROOT / "kernels" / "cuda").glob("*.cuh")]
    return sorted([*headers, *(ROOT / "kernels" / "cuda").glob("*.h"), *kernel_files(), *SHIM.iterdir()])


def kernel_files() -> list[Path]:
    """The kernels themselves."""
    return sorted((ROOT / "kernels" / "cuda").glob("*.cu"))


def build(kernels: list[Path], folder: Path, include: Path = ROOT / "kernels") -> Path:
    """Compile the kernels with the shim's scheduler into one shared library."""
    units = [["-x", "c++", str(f)] for f in kernels] + [[str(f)] for f in sorted(SHIM.glob("*.cpp"))]
    paths = [f"-I{p}" for p in (SHIM, include, include / "include")]
    objects = [folder / f"{i}.o" for i in range(len(units))]
    compilations = [
        subprocess.Popen([str(compiler()), *FLAGS, *paths, "-c", *unit, "-o", str(o)])
        for unit, o in zip(units, objects, strict=True)
    ]
    assert all(c.wait() == 0 for c in compilations), "the kernels do not compile as C++"
    library = folder / "kernels.so"
    subprocess.run([str(compiler()), "-shared", *map(str, objects), "-o", str(library)], check=True)
    return library


@cache
def library() -> ctypes.CDLL:
    """The kernels, compiled unless an unchanged build is at hand."""
    digest = hashlib.sha256(b"".join(f.read_bytes() for f in sources()) + " ".join(FLAGS).encode()).hexdigest()[:16]
    folder = ROOT / "build" / "cuda_shim" / digest
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:  # one of several test processes builds, the others wait
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "kernels.so").exists():
            for old in set(folder.parent.iterdir()) - {folder}:
                shutil.rmtree(old, ignore_errors=True)
            build(kernel_files(), folder)
    return load(folder / "kernels.so")


def load(path: Path) -> ctypes.CDLL:
    """The shared library with the types of its functions."""
    loaded = ctypes.CDLL(str(path))
    loaded.gendr_shim_message.restype = ctypes.c_char_p
    loaded.gendr_shim_workspace.restype = ctypes.c_int64
    return loaded


@dataclass
class Host:
    """Calls the kernels as gendr/_cuda.py does on a device.

    Attributes:
        lib: the compiled kernels.
        order: in which the threads of a block take their turns.
        pass_faces: how many faces are set up at once; 0 leaves it to the kernels.
        status: what the kernels reported, by name.
    """

    lib: ctypes.CDLL
    order: str = "forward"
    pass_faces: int = 0
    status: tuple[str, ...] = ()

    def forward(
        self, points: Tensor, tau: Tensor, shift: Tensor, p: Tensor, options: _ops.CoverageOptions
    ) -> tuple[Tensor, Tensor]:
        """Alpha and state, as `torch.ops.gendr.coverage` gives them."""
        alpha = torch.full((len(points), options.height, options.width), torch.nan, dtype=points.dtype)
        state = alpha.clone()
        self._call("forward", [alpha, state], points, tau, shift, p, options, 0)
        return alpha, state

    def backward(
        self,
        grad_alpha: Tensor,
        points: Tensor,
        tau: Tensor,
        shift: Tensor,
        p: Tensor,
        state: Tensor,
        wants_p: bool,
        options: _ops.CoverageOptions,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The gradients, as `torch.ops.gendr.coverage_backward` gives them, those of the parameters in double."""
        grads = [torch.full_like(points, torch.nan)]
        grads += [torch.full(shape, torch.nan, dtype=torch.float64) for shape in ((len(points),), (), ())]
        tensors = [state.contiguous(), grad_alpha.contiguous(), *grads]
        self._call("backward", tensors, points, tau, shift, p, options, int(wants_p))
        return grads[0], grads[1], grads[2], grads[3]

    def _call(
        self,
        which: str,
        tensors: list[Tensor],
        points: Tensor,
        tau: Tensor,
        shift: Tensor,
        p: Tensor,
        options: _ops.CoverageOptions,
        flag: int,
    ) -> None:
        self.lib.gendr_shim_order(ORDERS.index(self.order), 1)
        integers, numbers = description(options, points)
        scale = tau.double().contiguous()
        status = torch.zeros(len(STATUS), dtype=torch.int32)
        inputs = addresses(points.contiguous(), scale, shift.to(points), p.to(points), status)
        is_double = int(points.dtype == torch.float64)
        size = self.lib.gendr_shim_workspace(integers, numbers, is_double, int(which == "backward"), self.pass_faces)
        workspace = torch.full((size + GUARD,), 0xFF, dtype=torch.uint8)
        call = getattr(self.lib, f"gendr_shim_{which}")
        outputs = (ctypes.c_void_p * (len(tensors) + 1))(*(t.data_ptr() for t in tensors), flag)
        failed = call(integers, numbers, is_double, self.pass_faces, inputs, outputs, ctypes.c_void_p(workspace.data_ptr()))
        if failed:
            raise RuntimeError(self.lib.gendr_shim_message().decode())
        assert bool((workspace[size:] == 0xFF).all()), "the kernels wrote beyond their workspace"
        self.status = tuple(name for name, bad in zip(STATUS, status.tolist(), strict=True) if bad)


def description(options: _ops.CoverageOptions, points: Tensor) -> tuple[ctypes.Array[ctypes.c_int], ctypes.Array[ctypes.c_double]]:
    """The settings as the shim's functions take them."""
    integers = [
        _ops.DISTRIBUTIONS.index(options.distribution),
        _ops.T_CONORMS.index(options.t_conorm),
        options.is_reversed,
        options.is_squared,
        options.cull,
        *points.shape[:2],
        options.height,
        options.width,
    ]
    numbers = [options.shape, options.cutoff, options.near, options.far]
    return (ctypes.c_int * len(integers))(*integers), (ctypes.c_double * len(numbers))(*numbers)


def addresses(*tensors: Tensor) -> ctypes.Array[ctypes.c_void_p]:
    """Pointers in a row, as a struct of pointers lies in memory; keeps the tensors alive."""
    row = (ctypes.c_void_p * len(tensors))(*(t.data_ptr() for t in tensors))
    row.tensors = tensors  # type: ignore[attr-defined]
    return row
