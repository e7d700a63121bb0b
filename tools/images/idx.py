"""The idx format of MNIST: a big-endian header, then the numbers."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from gendr import _check

_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_LARGEST = 1 << 32
"""More bytes than this are refused: a broken header may ask for anything."""


def read_idx(path: str | Path) -> np.ndarray:
    """The array that an idx file holds; a name that ends in `.gz` is unpacked on the way.

    Args:
        path: of the file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no idx file, is cut off, or has bytes left over.

    Source: LeCun et al., the MNIST database, "the IDX file format".

    >>> data = struct.pack(">BBBBI", 0, 0, 0x08, 1, 3) + bytes([7, 8, 9])
    >>> Path("three-idx1-ubyte").write_bytes(data) and read_idx("three-idx1-ubyte").tolist()
    [7, 8, 9]
    """
    path = Path(path)
    data = path.read_bytes()
    if path.suffix == ".gz":
        try:
            data = gzip.decompress(data)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            _check.fail(str(path), "a gzip file", str(error))
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in _DTYPES:
        _check.fail(str(path), "an idx file", f"one that begins with {data[:4].hex() or 'nothing'}")
    rank = data[3]
    begin = 4 + 4 * rank
    if len(data) < begin:
        _check.fail(str(path), f"{rank} sizes in the header", f"{len(data)} bytes in all")
    shape = struct.unpack(f">{rank}I", data[4:begin])
    dtype = np.dtype(_DTYPES[data[2]])
    wanted = math.prod(shape) * dtype.itemsize
    if wanted > _LARGEST or len(data) - begin != wanted:
        _check.fail(str(path), f"{wanted} bytes for {list(shape)}", f"{len(data) - begin}")
    return np.frombuffer(data, dtype, offset=begin).reshape(shape).astype(dtype.newbyteorder("="))
