"""Stanford PLY, text and binary: `x y z` and `red green blue` of `vertex`, and `vertex_indices` of `face`.

Binary triangles are read by trimesh. The others are read here, because trimesh takes neither mixed triangles and
polygons in a binary file nor a wrong number in a text one. Other elements and properties are stepped over;
`TextureFile` comments are not followed.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gendr.render.formats.error import MeshError
from gendr.render.formats.raw import Ints, RawMesh
from gendr.render.formats.text import decode, integers, lines, shorten

_CODES = {"char": "b", "uchar": "B", "short": "h", "ushort": "H", "int": "i", "uint": "I", "float": "f", "double": "d"}
_CODES |= {"int8": "b", "uint8": "B", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I"}
_CODES |= {"float32": "f", "float64": "d", "int64": "q", "uint64": "Q"}
_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
INDICES = ("vertex_indices", "vertex_index")


@dataclass(frozen=True)
class Property:
    """`property float x`, or, with `count_code`, `property list uchar int vertex_indices`; codes are struct's."""

    name: str
    code: str
    count_code: str = ""

    @property
    def is_integer(self) -> bool:
        """Whether the values are integers."""
        return self.code in "bBhHiIqQ"


@dataclass
class Element:
    """`element vertex 8` and the properties under it; `numbers` and `lists` are filled from the body."""

    name: str
    count: int
    properties: list[Property] = field(default_factory=list)
    numbers: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    lists: dict[str, tuple[Ints, Ints]] = field(default_factory=dict)
    lines: list[int] = field(default_factory=list)


def read(data: bytes) -> RawMesh:
    """Vertices and polygons as in the file."""
    order, elements, body = read_header(data)
    if order:
        for element in elements:
            body = _read_binary(element, data, body, order)
        if data[body:].strip():
            raise MeshError(f"{len(data) - body} bytes follow the last element that the header describes")
    else:
        _read_text(elements, data, body)
    return _assemble({element.name: element for element in elements})


def _assemble(elements: dict[str, Element]) -> RawMesh:
    if "vertex" not in elements:
        raise MeshError("the header describes no element vertex")
    vertex, face = elements["vertex"], elements.get("face")
    missing = [axis for axis in "xyz" if axis not in vertex.numbers]
    if missing:
        raise MeshError(f"element vertex: property {missing[0]} is missing")
    nothing = (np.zeros(0, np.int64), np.zeros(0, np.int64))
    if face is not None and not any(name in face.lists for name in INDICES):
        raise MeshError("element face: the integer list vertex_indices is missing")
    counts, corners = nothing if face is None else next(face.lists[name] for name in INDICES if name in face.lists)
    vertices = np.stack([vertex.numbers[axis] for axis in "xyz"], axis=1)
    lines = (vertex.lines, face.lines if face else ())
    return RawMesh(vertices, counts, corners, *lines, vertex_colors=_colors(vertex))


def _colors(vertex: Element) -> NDArray[np.float64] | None:
    """Of all three properties of one type: bytes and shorts as parts of their largest value, floats as they are."""
    codes = {p.name: p.code for p in vertex.properties}
    for names in (("red", "green", "blue"), ("diffuse_red", "diffuse_green", "diffuse_blue")):
        if all(name in vertex.numbers for name in names) and len({codes[name] for name in names}) == 1:
            scale = {"B": 255, "H": 65535, "f": 1, "d": 1}.get(codes[names[0]])
            if scale:
                return np.stack([vertex.numbers[name] for name in names], axis=1) / scale
    return None


def read_header(data: bytes) -> tuple[str, list[Element], int]:
    """Byte order ("" for text), elements, and the offset of the body."""
    if not re.match(rb"ply[ \t]*[\r\n]", data):
        raise MeshError("line 1: expected 'ply'")
    end = re.search(rb"[\r\n]end_header[ \t]*(\r\n|\n|\r)", data)
    if end is None:
        raise MeshError("the header has no end_header line: the file is cut off or its header is damaged")
    order: str | None = None
    elements: list[Element] = []
    for number, words in lines(data[: end.start()]):
        match words:
            case ["ply"] | ["comment" | "obj_info", *_]:
                pass
            case ["format", name, "1.0"] if name in _ORDERS:
                order = _ORDERS[name]
            case ["element", name, count] if count.isdecimal() and len(count) < 19:
                elements.append(Element(name, int(count)))
            case ["property", kind, name] if kind in _CODES and elements:
                elements[-1].properties.append(Property(name, _CODES[kind]))
            case ["property", "list", many, kind, name] if many in _CODES and kind in _CODES and elements:
                elements[-1].properties.append(Property(name, _CODES[kind], _CODES[many]))
            case _:
                raise MeshError(f"line {number}: header: '{shorten(words)}' is no valid PLY header line")
    if order is None:
        raise MeshError("the header has no format line")
    return order, elements, end.end()


def _read_binary(element: Element, data: bytes, offset: int, order: str) -> int:
    """Fill `element` from `data[offset:]`; returns where the next one begins."""
    least = sum(struct.calcsize(order + (p.count_code or p.code)) for p in element.properties)
    left = len(data) - offset
    if element.count * least > left:
        raise MeshError(f"element {element.name}: {element.count} rows of {least} bytes or more, but {left} are left")
    if not element.properties:
        return offset
    sizes = _list_sizes(element, data, offset, order)
    # Almost every file has lists of one length: then a row is a fixed record, and numpy reads all rows at once.
    row: list[tuple[str, str] | tuple[str, str, int]] = []
    for k, p in enumerate(element.properties):
        if p.count_code:
            row += [(f"n{k}", order + p.count_code), (f"p{k}", order + p.code, sizes[k])]
        else:
            row.append((f"p{k}", order + p.code))
    dtype = np.dtype(row)
    if element.count * dtype.itemsize <= left:
        table = np.frombuffer(data, dtype, count=element.count, offset=offset)
        if all((table[f"n{k}"] == sizes[k]).all() for k in sizes):
            for k, p in enumerate(element.properties):
                values = table[f"p{k}"]
                counts = np.full(element.count, sizes[k], np.int64) if p.count_code else None
                _store(element, p, values.reshape(-1), counts)
            return offset + element.count * dtype.itemsize
    return _read_rows(element, data, offset, order)


def _list_sizes(element: Element, data: bytes, offset: int, order: str) -> dict[int, int]:
    """Lengths of the first row's lists, by property; 0 where the row is cut off (the slow path will say so)."""
    sizes = {}
    for k, p in enumerate(element.properties):
        if p.count_code:
            whole = element.count and offset + struct.calcsize(order + p.count_code) <= len(data)
            size = int(struct.unpack_from(order + p.count_code, data, offset)[0]) if whole else 0
            sizes[k] = size if 0 <= size <= len(data) else 0
            offset += struct.calcsize(order + p.count_code) + sizes[k] * struct.calcsize(order + p.code)
        else:
            offset += struct.calcsize(order + p.code)
    return sizes


def _read_rows(element: Element, data: bytes, offset: int, order: str) -> int:
    """The slow path: row by row, for lists of different lengths."""
    columns: list[list[float]] = [[] for _ in element.properties]
    counts: list[list[int]] = [[] for _ in element.properties]
    for row in range(element.count):
        for k, p in enumerate(element.properties):
            try:
                size = 1
                if p.count_code:
                    size = int(struct.unpack_from(order + p.count_code, data, offset)[0])
                    offset += struct.calcsize(order + p.count_code)
                    counts[k].append(size)
                if not 0 <= size <= len(data) - offset:
                    raise MeshError(f"{element.name}[{row}]: {p.name}: a list of {size} is longer than the file")
                columns[k] += struct.unpack_from(f"{order}{size}{p.code}", data, offset)
                offset += size * struct.calcsize(order + p.code)
            except struct.error:
                raise MeshError(f"{element.name}[{row}]: {p.name}: the file ends within it") from None
    _store_rows(element, columns, counts)
    return offset


def _read_text(elements: list[Element], data: bytes, offset: int) -> None:
    """Fill the elements from lines of numbers, one row a line."""
    first = decode(data[:offset]).count("\n")
    rows = [(number + first, words) for number, words in lines(data[offset:])]
    promised = sum(element.count for element in elements if element.properties)
    if promised != len(rows):
        raise MeshError(f"the header promises {promised} rows, one a line, but {len(rows)} lines follow it")
    for element in elements:
        if not element.properties:
            continue
        columns: list[list[float]] = [[] for _ in element.properties]
        counts: list[list[int]] = [[] for _ in element.properties]
        for k, (number, words) in enumerate(rows[: element.count]):
            _text_row(element, words, number, f"{element.name}[{k}]", columns, counts)
            element.lines.append(number)
        rows = rows[element.count :]
        _store_rows(element, columns, counts)


def _text_row(
    element: Element, words: list[str], line: int, what: str, columns: list[list[float]], counts: list[list[int]]
) -> None:
    at = 0
    for k, p in enumerate(element.properties):
        size = 1
        if p.count_code:
            (size,) = integers(words[at : at + 1], line, what) or [0]
            counts[k].append(size)
            at += 1
        values = words[at : at + max(size, 0)]
        if len(values) != size:
            raise MeshError(f"line {line}: {what}: {p.name}: expected {size} numbers, got '{shorten(values)}'")
        try:
            columns[k] += integers(values, line, what) if p.is_integer else [float(v) for v in values]
        except ValueError:
            raise MeshError(f"line {line}: {what}: {p.name}: expected numbers, got '{shorten(values)}'") from None
        at += size
    if at != len(words):
        raise MeshError(f"line {line}: {what}: expected {at} numbers, got '{shorten(words)}'")


def _store_rows(element: Element, columns: list[list[float]], counts: list[list[int]]) -> None:
    for k, p in enumerate(element.properties):
        values = np.array(columns[k], np.int64 if p.is_integer else np.float64)
        _store(element, p, values, np.array(counts[k], np.int64) if p.count_code else None)


def _store(element: Element, p: Property, values: NDArray[np.generic], counts: Ints | None) -> None:
    """Keep a column; lists of floats (texture coordinates) are nothing that a mesh here has a place for."""
    if counts is None:
        element.numbers[p.name] = values.astype(np.float64)
    elif p.is_integer:
        element.lists[p.name] = (counts, values.astype(np.int64))
