"""Mesh files that tests write byte by byte."""

from __future__ import annotations

import math
import struct
from pathlib import Path

from gendr.render.mesh import Mesh


def load_bytes(folder: Path, data: bytes | str, suffix: str) -> Mesh:
    file = folder / f"mesh{suffix}"
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    return Mesh.load(file)


def binary_ply(order: str, polygons: list[list[int]], extra: bytes = b"") -> bytes:
    """Properties around the ones needed, of several types, and two lists in a face."""
    name = {"<": "little", ">": "big"}[order]
    header = (
        f"ply\nformat binary_{name}_endian 1.0\nelement vertex 4\nproperty uchar flag\nproperty double x\n"
        f"property float y\nproperty int16 z\nelement face {len(polygons)}\nproperty list uchar float texcoord\n"
        "property list ushort int32 vertex_indices\nproperty short material\nend_header\n"
    )
    body = b"".join(struct.pack(order + "Bdfh", 1, x, y, z) for x, y, z in ((0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)))
    for p in polygons:
        body += struct.pack(f"{order}B2fH{len(p)}ih", 2, math.nan, 1e38, len(p), *p, -1)
    return header.encode() + body + extra
