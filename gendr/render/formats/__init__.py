"""Mesh files: OBJ, OFF, PLY, STL and GLB to the parts of a mesh, and back.

The path in: file, strict front end, trimesh, `MeshParts`; where trimesh would lose or change something, a strict reader
of our own takes its place (`through_trimesh` says where). The path out: `MeshParts`, trimesh's object, its exporter;
for OBJ and OFF, of which trimesh writes fewer digits than numbers have, writers of our own.

The geometry is what the file says: vertices keep their order and are not joined (except in STL, which has no shared
vertices to begin with), faces keep their order and winding, polygons are cut into triangles, and unused vertices stay.
Of other files only material libraries and images are opened, and only in the file's own folder or below (`beside`).
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch

from gendr.render.formats import glb, obj, off, ply, stl, through_trimesh
from gendr.render.formats.beside import Beside
from gendr.render.formats.error import MeshError
from gendr.render.formats.raw import RawMesh
from gendr.render.mesh_exchange import to_trimesh
from gendr.render.mesh_parts import MeshParts

__all__ = ["FORMATS", "MeshError", "read", "write"]

_READERS: dict[str, Callable[[bytes], RawMesh]] = {
    ".off": off.read,
    ".ply": ply.read,
    ".stl": stl.read,
    ".glb": glb.read,
}
_FRONT_ENDS: dict[str, Callable[[bytes], RawMesh | None]] = {
    ".obj": through_trimesh.obj,
    ".off": through_trimesh.off,
    ".ply": through_trimesh.ply_,
    ".stl": through_trimesh.stl_,
}

FORMATS = (".obj", *_READERS)


def read(path: str | os.PathLike[str], dtype: torch.dtype = torch.float32) -> MeshParts:
    """Read a mesh file; the suffix, in either case, names the format.

    Args:
        path: a file that ends in .obj, .off, .ply, .stl or .glb.
        dtype: of the vertices.

    Returns:
        The fields of a `Mesh`: vertices `[V, 3]`, triangles int64 `[F, 3]`, and how they look.

    Raises:
        MeshError: the file is missing, empty, broken or has no faces; the message names file, place and reason.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "quad.obj")
        ...     _ = file.write_text("v 0 0 0\\nv 1 0 0\\nv 1 1 0\\nv 0 1 0\\nf 1 2 3 4\\n")
        ...     read(file).faces.tolist()
        [[0, 1, 2], [0, 2, 3]]
    """
    file = Path(path)
    if file.is_dir():
        raise MeshError(f"{file}: is a folder, not a mesh file")
    if not file.exists():
        raise MeshError(f"{file}: no such file")
    if not file.is_file():
        raise MeshError(f"{file}: is not a regular file")
    suffix = _known_suffix(file)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise MeshError(f"{file}: cannot be read: {error.strerror}") from error
    if not data:
        raise MeshError(f"{file}: the file is empty")
    try:
        return _parse(suffix, data, file.parent, dtype)
    except MeshError as error:
        raise MeshError(f"{file}: {error}") from None
    except Exception as error:  # whatever a damaged file brings up in a library, the user gets one kind of error
        raise MeshError(
            f"{file}: not a valid {file.suffix[1:].upper()} file ({type(error).__name__}: {error})"
        ) from error


def write(path: str | os.PathLike[str], parts: MeshParts) -> None:
    """Write a mesh file, all of it or nothing: into a temporary file beside it, which then takes its place.

    OBJ and OFF keep every bit of float32 and float64; PLY, STL and GLB hold float32. STL has no shared vertices, so
    reading it back numbers them by first use and loses unused ones. For what becomes of colours see `docs/meshes.md`.

    Args:
        path: where to, with a suffix of `FORMATS`; its folder must exist.
        parts: the fields of a `Mesh`, checked.

    Raises:
        MeshError: unknown suffix, no such folder, or coordinates that do not fit the format.
        OSError: the disk is full, the folder is not writable, and so on; the old file is then still whole.

    Example:
        >>> import tempfile
        >>> triangle = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 0.1, 0]])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write(Path(folder, "a.off"), MeshParts(triangle, torch.tensor([[0, 1, 2]])))
        ...     Path(folder, "a.off").read_text().splitlines()[:2]
        ['OFF', '3 1 0']
    """
    file = Path(path)
    suffix = _known_suffix(file)
    if file.is_dir():
        raise MeshError(f"{file}: is a folder, not a mesh file")
    if not file.parent.is_dir():
        raise MeshError(f"{file}: the folder {file.parent} does not exist")
    try:
        files = _encode(suffix, parts, file.stem)
    except MeshError as error:
        raise MeshError(f"{file}: {error}") from None
    # The mesh itself comes last: it is never there without the files that it names.
    _replace({file.with_name(name) if name else file: files[name] for name in sorted(files, reverse=True)})


def _known_suffix(file: Path) -> str:
    suffix = file.suffix.lower()
    if suffix not in FORMATS:
        raise MeshError(f"{file}: unknown mesh format '{file.suffix}', expected one of {', '.join(FORMATS)}")
    return suffix


def _parse(suffix: str, data: bytes, folder: Path, dtype: torch.dtype) -> MeshParts:
    if suffix in _FRONT_ENDS:
        # Whatever is wrong with the file, the strict reader says it better.
        with contextlib.suppress(Exception):
            raw = _FRONT_ENDS[suffix](data)
            if raw is not None:
                return raw.checked(dtype)
    raw = obj.read(data, Beside(folder)) if suffix == ".obj" else _READERS[suffix](data)
    return raw.checked(dtype)


def _encode(suffix: str, parts: MeshParts, stem: str) -> dict[str, bytes]:
    """The file itself, under the name "", and those that it names."""
    digits = 17 if parts.vertices.dtype == torch.float64 else 9
    if suffix == ".obj":
        return obj.write(parts, digits, stem)
    vertices = parts.vertices.detach().cpu().double().numpy()
    if suffix == ".off":
        return {"": off.write(vertices, parts.faces.cpu().numpy(), digits)}
    largest = np.abs(vertices).max(initial=0.0)
    if largest > np.finfo(np.float32).max:
        raise MeshError(f"{suffix[1:].upper()} holds float32, and a coordinate is as large as {largest:g}")
    if suffix == ".glb":
        return {"": glb.write(parts)}
    colors = parts.vertex_colors if suffix == ".ply" else None
    data = to_trimesh(MeshParts(parts.vertices, parts.faces, colors)).export(file_type=suffix[1:])
    return {"": data if isinstance(data, bytes) else str(data).encode()}


def _replace(files: Mapping[Path, bytes]) -> None:
    """Write all files beside their places, and put them there one after the other once all of them are written."""
    places = {Path(os.path.realpath(file)): data for file, data in files.items()}  # through symbolic links, as open()
    mark = secrets.token_hex(4)
    beside = {file: file.with_name(f".{file.name}.{mark}.tmp") for file in places}
    try:
        for file, data in places.items():
            with open(beside[file], "xb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
        for file, temporary in beside.items():
            os.replace(temporary, file)
    except BaseException:
        for temporary in beside.values():
            temporary.unlink(missing_ok=True)
        raise
