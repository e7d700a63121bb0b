"""What the GPU's kernels take of a multiprocessor: `python -m gendr.tools.cuda_resources`.

Compiles kernels/cuda with nvcc, without a GPU, and writes registers, spills and shared memory of every kernel into the
table of docs/cuda.md and as JSON.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import tyro

from gendr.tools.machine import environment

ROOT = Path(__file__).parent.parent
KERNELS = ROOT / "kernels"
_PATTERNS = {
    "stack": r"(\d+) bytes stack frame",
    "spill_stores": r"(\d+) bytes spill stores",
    "spill_loads": r"(\d+) bytes spill loads",
    "registers": r"Used (\d+) registers",
    "shared": r"(\d+) bytes smem",
}


@dataclass(frozen=True)
class Resources:
    """Of one kernel.

    Attributes:
        kernel: with its template arguments: the precision of tensors, then that of distances.
        registers: of a thread.
        stack: bytes of a thread in local memory.
        spill_stores: bytes of registers written there for want of room.
        spill_loads: likewise, read.
        shared: bytes of a block.
    """

    kernel: str
    registers: int = 0
    stack: int = 0
    spill_stores: int = 0
    spill_loads: int = 0
    shared: int = 0


def nvcc() -> str | None:
    """The compiler's path, None where there is none.

    >>> nvcc() is None or Path(nvcc()).name == "nvcc"
    True
    """
    return shutil.which("nvcc")


def kernel_files() -> list[Path]:
    """The sources that hold kernels.

    >>> [file.name for file in kernel_files()][:2]
    ['blend_backward.cu', 'blend_forward.cu']
    """
    return sorted((KERNELS / "cuda").glob("*.cu"))


def compiled(file: Path, architecture: str) -> list[Resources]:
    """Compile one file and read what ptxas says of its kernels.

    Args:
        file: a `.cu`.
        architecture: as nvcc names it, `sm_90`.

    Raises:
        RuntimeError: it does not compile; the message is nvcc's.
    """
    with tempfile.TemporaryDirectory() as folder:
        flags = ["-std=c++17", "-O3", f"-arch={architecture}", f"-I{KERNELS}", f"-I{KERNELS / 'include'}"]
        command = [str(nvcc()), *flags, "-Xptxas", "-v", "-cubin", str(file), "-o", str(Path(folder) / "out.cubin")]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(f"{file.name}: {run.stderr or run.stdout}")
    return parsed(run.stderr + run.stdout)


def parsed(text: str) -> list[Resources]:
    """The kernels of ptxas's report, by name.

    >>> report = "ptxas info : Compiling entry function '_Z1fv' for 'sm_90'\\n 0 bytes stack frame, "
    >>> parsed(report + "4 bytes spill stores\\nptxas info : Used 32 registers\\n")
    [Resources(kernel='_Z1fv', registers=32, stack=0, spill_stores=4, spill_loads=0, shared=0)]
    """
    found = []
    for part in re.split(r"Compiling entry function '", text)[1:]:
        symbol = part[: part.index("'")]
        own = part.split("Function properties for __internal")[0]
        numbers = {name: re.search(pattern, own) for name, pattern in _PATTERNS.items()}
        found.append(Resources(readable(symbol), **{k: int(m[1]) for k, m in numbers.items() if m}))
    return sorted(found, key=lambda r: r.kernel)


def readable(symbol: str) -> str:
    """A kernel's name and template arguments from its mangled symbol, as far as this project's names go.

    >>> readable("_ZN5gendr4cuda11cover_tilesIfdEEvNS_16CoverageSettingsE")
    'cover_tiles<float, double>'
    >>> readable("_ZN5gendr4cuda10walk_facesINS0_12CoverageWalkIffEEEEvT_")
    'walk_faces<CoverageWalk<float, float>>'
    """
    # A namespace without a name is mangled with the file's; its length tells where the kernel's name begins.
    nameless = re.match(r"(_ZN5gendr4cuda)(\d+)_GLOBAL__N__", symbol)
    if nameless:
        symbol = nameless[1] + symbol[nameless.end(2) + int(nameless[2]) :]
    match = re.match(r"_ZN5gendr4cuda(?:L)?(\d+)", symbol)
    if not match:
        return symbol
    start, length = match.end(), int(match[1])
    name, rest = symbol[start : start + length], symbol[start + length :]
    arguments = re.match(r"I(?:NS0_\d+([A-Za-z]+)I)?([fd]+)E", rest)
    if not arguments:
        return name
    kinds = ", ".join({"f": "float", "d": "double"}[letter] for letter in arguments[2])
    return f"{name}<{arguments[1]}<{kinds}>>" if arguments[1] else f"{name}<{kinds}>"


def table(resources: list[Resources]) -> str:
    """The Markdown table of docs/cuda.md."""
    lines = ["| kernel | registers | spilled, bytes | shared, bytes |", "| --- | --- | --- | --- |"]
    for r in resources:
        lines.append(f"| `{r.kernel}` | {r.registers} | {r.spill_stores + r.spill_loads} | {r.shared} |")
    return "\n".join(lines) + "\n"


def filled(text: str, resources: list[Resources]) -> str:
    """The document with its table written anew."""
    place = re.compile(r"(<!-- table: cuda resources -->\n).*?(<!-- end of table -->)", re.DOTALL)
    return place.sub(lambda m: m[1] + table(resources) + m[2], text)


def main(architecture: str = "sm_90", out: Path = ROOT / "docs" / "benchmarks" / "cuda_resources.json") -> None:
    """Write the table and the record.

    Args:
        architecture: that is compiled for.
        out: the JSON file.
    """
    compiler = nvcc()
    if compiler is None:
        print("nvcc: expected it on the path, found none", file=sys.stderr)
        raise SystemExit(2)
    version = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True).stdout
    resources = [r for file in kernel_files() for r in compiled(file, architecture)]
    unique = sorted({r.kernel: r for r in resources}.values(), key=lambda r: r.kernel)
    release = re.search(r"V[\d.]+", version)
    record = {"nvcc": release[0] if release else version, "architecture": architecture, "machine": environment()}
    out.write_text(json.dumps({**record, "kernels": [asdict(r) for r in unique]}, indent=1) + "\n", encoding="utf-8")
    document = ROOT / "docs" / "cuda.md"
    document.write_text(filled(document.read_text(encoding="utf-8"), unique), encoding="utf-8")
    print(table(unique))


if __name__ == "__main__":
    tyro.cli(main)
