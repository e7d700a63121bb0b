"""Arrays inside npz files without reading them: mapped where they lie, or unpacked once where they are compressed."""

from __future__ import annotations

import os
import secrets
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from gendr import _check

KEY = "arr_0"
"""The name under which the published archives hold their one array; it is what `numpy.savez` calls an unnamed one."""
CACHE = ".unpacked"
"""The folder, beside an archive, that its arrays are unpacked into when they are compressed."""

Array = NDArray[Any]
_LOCAL_HEADER = 30  # bytes of a zip member's own header before its name


def map_array(path: str | Path, cache: str | Path | None = None) -> Array:
    """The array of an npz file, memory-mapped and read-only: pages are read when they are looked at.

    An npz file is a zip of npy files. Where the member is stored as it is (`numpy.savez`), it is mapped within the
    zip; its checksum is not computed, because that would read it whole. Where it is compressed
    (`numpy.savez_compressed`, and the published archives), nothing can be mapped: the first call unpacks it, checks the
    checksum, and keeps the npy file in `cache`, which later calls map.

    Args:
        path: of a file with an array `arr_0`, or with one array of any name.
        cache: the folder for unpacked arrays; `.unpacked` beside the file by default.

    Raises:
        OSError: a file cannot be read, or the cache not be written.
        ValueError: it is no npz file, is cut off or damaged, has no such array, or one of Python objects.

    >>> np.savez("a.npz", np.arange(6).reshape(2, 3))
    >>> array = map_array("a.npz")
    >>> type(array).__name__, array.tolist(), array.flags.writeable
    ('memmap', [[0, 1, 2], [3, 4, 5]], False)
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            member = _member(path, archive)
            if member.compress_type != zipfile.ZIP_STORED:
                return _unpacked(path, archive, member, Path(cache) if cache is not None else path.parent / CACHE)
    except zipfile.BadZipFile as error:
        _check.fail(str(path), "an npz file, whole", f"{path.stat().st_size} bytes: {error}")
    with path.open("rb") as file:
        file.seek(member.header_offset)
        header = file.read(_LOCAL_HEADER)
        if len(header) < _LOCAL_HEADER or header[:4] != b"PK\3\4":
            _check.fail(str(path), "an npz file, whole", "one whose directory points past its members")
        lengths = (int.from_bytes(header[at : at + 2], "little") for at in (26, 28))  # of name and extra field
        start = member.header_offset + _LOCAL_HEADER + sum(lengths)
        return _mapped(path, file, start, member.file_size)


def save_array(path: Path, array: Array, *, compress: bool = False) -> None:
    """Write an npz file of one array, `arr_0`, at once or not at all.

    Args:
        path: of the file.
        array: of numbers.
        compress: smaller, but to be unpacked before it can be mapped.

    Raises:
        OSError: it cannot be written.

    >>> save_array(Path("b.npz"), np.eye(2))
    >>> map_array("b.npz").tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        with partial.open("wb") as file:
            (np.savez_compressed if compress else np.savez)(file, array)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    if KEY not in members and len(members) != 1:
        _check.fail(str(path), f"an array {KEY}, or a single one", ", ".join(sorted(members)) or "an empty archive")
    return members[KEY] if KEY in members else next(iter(members.values()))


def _unpacked(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, cache: Path) -> Array:
    # The checksum in the name: an archive that was replaced by another one of its name is unpacked anew.
    target = cache / f"{path.stem}.{member.CRC:08x}.npy"
    if not target.exists():
        cache.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
        try:
            with archive.open(member) as packed, partial.open("wb") as file:
                shutil.copyfileobj(packed, file, 1 << 22)
            os.replace(partial, target)
        except (EOFError, zipfile.zlib.error) as error:  # type: ignore[attr-defined]
            _check.fail(str(path), "an npz file, whole", str(error))
        finally:
            partial.unlink(missing_ok=True)
    with target.open("rb") as file:
        return _mapped(path, file, 0, target.stat().st_size)


def _mapped(path: Path, file: BinaryIO, start: int, size: int) -> Array:
    """Map the npy file that begins at a place within `file`; `path` is the archive that errors name."""
    file.seek(start)
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
    except (ValueError, EOFError) as error:
        _check.fail(str(path), "an array in numpy's format", str(error))
    if dtype.hasobject:
        _check.fail(str(path), "an array of numbers", "one of Python objects, which are not read")
    offset = file.tell()
    wanted = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    there = min(size - (offset - start), os.fstat(file.fileno()).st_size - offset)
    if there < wanted:
        _check.fail(str(path), f"{wanted} bytes for {dtype} {list(shape)}", f"{there}: it is cut off")
    if not wanted:
        return np.empty(shape, dtype)
    order: Any = "F" if fortran else "C"
    return np.memmap(file.name, dtype, "r", offset, shape, order)


def described(array: Array) -> str:
    """Dtype and shape in the words of an error.

    >>> described(np.zeros((2, 3), np.uint8))
    'uint8 [2, 3]'
    """
    return f"{array.dtype} {list(array.shape)}"


def fits(array: Array, shape: Sequence[int | None]) -> bool:
    """Whether an array has a shape, in which None stands for any size.

    >>> fits(np.zeros((2, 3)), (None, 3)), fits(np.zeros((2, 3)), (None, 4))
    (True, False)
    """
    return array.ndim == len(shape) and all(w in (None, s) for w, s in zip(shape, array.shape, strict=True))
