"""Mesh files: OBJ, OFF, PLY, STL and GLB to vertices and triangles, and back.

The geometry is what the file says: vertices keep their order and are not joined (except in STL, which has no shared
vertices to begin with), faces keep their order and winding, polygons are cut into triangles, and unused vertices stay.
Nothing but the named file is ever opened: material libraries, textures and external buffers are not followed.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from gendr.render.formats import glb, obj, off, ply, stl
from gendr.render.formats.error import MeshError
from gendr.render.formats.raw import Floats, Ints, RawMesh
from gendr.render.mesh_parts import MeshParts

__all__ = ["FORMATS", "MeshError", "read", "write"]

_READERS: dict[str, Callable[[bytes], RawMesh]] = {
    ".obj": obj.read,
    ".off": off.read,
    ".ply": ply.read,
    ".stl": stl.read,
    ".glb": glb.read,
}

FORMATS = tuple(_READERS)


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
    reader = _READERS[_known_suffix(file)]
    try:
        data = file.read_bytes()
    except OSError as error:
        raise MeshError(f"{file}: cannot be read: {error.strerror}") from error
    if not data:
        raise MeshError(f"{file}: the file is empty")
    try:
        return reader(data).checked(dtype)
    except MeshError as error:
        raise MeshError(f"{file}: {error}") from None
    except Exception as error:  # whatever a damaged file brings up in a library, the user gets one kind of error
        raise MeshError(
            f"{file}: not a valid {file.suffix[1:].upper()} file ({type(error).__name__}: {error})"
        ) from error


def write(path: str | os.PathLike[str], parts: MeshParts) -> None:
    """Write a mesh file, all of it or nothing: into a temporary file beside it, which then takes its place.

    OBJ and OFF keep every bit of float32 and float64; PLY, STL and GLB hold float32. STL has no shared vertices, so
    reading it back numbers them by first use and loses unused ones.

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
    points = parts.vertices.detach().cpu().double().numpy()
    try:
        data = _encode(
            suffix, points, parts.faces.cpu().numpy(), digits=17 if parts.vertices.dtype == torch.float64 else 9
        )
    except MeshError as error:
        raise MeshError(f"{file}: {error}") from None
    _replace(file, data)


def _known_suffix(file: Path) -> str:
    suffix = file.suffix.lower()
    if suffix not in _READERS:
        raise MeshError(f"{file}: unknown mesh format '{file.suffix}', expected one of {', '.join(FORMATS)}")
    return suffix


def _encode(suffix: str, vertices: Floats, faces: Ints, digits: int) -> bytes:
    if suffix == ".obj":
        return obj.write(vertices, faces, digits)
    if suffix == ".off":
        return off.write(vertices, faces, digits)
    largest = np.abs(vertices).max(initial=0.0)
    if largest > np.finfo(np.float32).max:
        raise MeshError(f"{suffix[1:].upper()} holds float32, and a coordinate is as large as {largest:g}")
    import trimesh

    data = trimesh.Trimesh(vertices, faces, process=False).export(file_type=suffix[1:])
    return data if isinstance(data, bytes) else str(data).encode()


def _replace(file: Path, data: bytes) -> None:
    file = Path(os.path.realpath(file))  # write through a symbolic link, as open() would
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(beside, "xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(beside, file)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
