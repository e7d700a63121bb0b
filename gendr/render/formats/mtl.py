"""OBJ's material libraries: parsed by trimesh after a front end that takes away what it stumbles over."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import Any

import torch

from gendr.render.formats.beside import Beside
from gendr.render.formats.images import Pictures, quietly
from gendr.render.formats.text import decode
from gendr.render.material import Material
from gendr.render.mesh_exchange import to_bytes

_NUMBER = r"[-+]?[\d.]+(?:[eE][-+]?\d+)?"
_WHITE = torch.ones(3)  # one object: materials that share colour and picture are one map
_KEYS = ("newmtl", "kd", "ks", "ns", "illum", "map_kd")
_LINE_ENDS = re.compile("[\v\f\x1c-\x1e\x85\u2028\u2029]")
# `-clamp on -s 2 2 1 wood grain.png`: what may stand between `map_Kd` and the name.
_OPTION = re.compile(
    rf"-(?:(?:blendu|blendv|cc|clamp)\s+(?:on|off)|(?:bm|boost|texres)\s+{_NUMBER}|mm\s+{_NUMBER}\s+{_NUMBER}|[ost](?:\s+{_NUMBER}){{1,3}}"
    r"|imfchan\s+\w|type\s+\w+)\s+",
    re.IGNORECASE,
)


def read_libraries(names: Sequence[str], wanted: Sequence[str], beside: Beside) -> tuple[Material, ...]:
    """The materials `wanted`, looked up in the libraries, the first of a name counts; white ones where it is missing.

    Args:
        names: what stands after each `mtllib`: one file name with spaces, or several names.
        wanted: names of materials.
        beside: the OBJ file's folder.
    """
    found: dict[str, Material] = {}
    pictures = Pictures()
    for line in names if wanted else ():
        whole = beside.read(line)
        libraries = [(line, whole)] if whole is not None or " " not in line else _each(line, beside)
        for name, data in libraries:
            if data is not None:
                within = str(PurePosixPath(name.replace("\\", "/")).parent)
                for material in _parse(data, beside, within, set(wanted) - set(found), pictures):
                    found.setdefault(material.name, material)
    return tuple(found.get(name, Material(name)) for name in wanted)


def write(materials: Sequence[Material], names: Sequence[str], images: Sequence[str]) -> bytes:
    """A library; `images` are the pictures' file names, "" without. A picture holds the base colour already."""
    text = []
    for material, name, image in zip(materials, names, images, strict=True):
        color = torch.ones(3) if image else material.base_color
        text += [f"newmtl {name}\n", _row("Kd", color), _row("Ks", material.specular), f"Ns {material.shininess:.9g}\n"]
        text.append("illum 2\n")
        if image:
            text.append(f"map_Kd {'-clamp on ' if material.wrap == 'clamp' else ''}{image}\n")
    return "".join(text).encode()


class _Images:
    """What trimesh asks for the pictures that a library names."""

    def __init__(self, beside: Beside, within: str) -> None:
        self.beside, self.within = beside, within

    def get(self, name: str) -> bytes:
        """The bytes of a picture, whose name may stand after options; an error, which trimesh expects, without."""
        name = _split_options(name)[1]
        data = self.beside.read(name, self.within)
        if data is None and self.within not in ("", "."):
            data = self.beside.read(name)
        if data is None:
            raise FileNotFoundError(name)
        return data


def _each(line: str, beside: Beside) -> list[tuple[str, bytes | None]]:
    return [(name, beside.read(name)) for name in line.split()]


def _parse(data: bytes, beside: Beside, within: str, wanted: set[str], pictures: Pictures) -> list[Material]:
    from trimesh.exchange.obj import parse_mtl

    parse: Callable[..., dict[str, dict[str, Any]]] = parse_mtl
    text = []
    is_wanted = False
    for line in decode(data).split("\n"):
        words = line.split()
        key = words[0].lower() if words else ""
        if key != "map_kd":
            words = line.split("#")[0].split()  # trimesh takes a comment for a part of the name or the colour
        if key == "newmtl":
            is_wanted = " ".join(words[1:]) in wanted
        if is_wanted and key in _KEYS:
            # trimesh ends a line at more characters than files do.
            text.append(_LINE_ENDS.sub(" ", line) if key == "map_kd" else " ".join(words))
    with quietly():
        found = parse("\n".join(text), resolver=_Images(beside, within))
    return [_material(values, within, pictures) for values in found.values()]


def _material(values: dict[str, Any], within: str, pictures: Pictures) -> Material:
    """A `Material` of what trimesh found; what is no number, or out of its range, is as if it were not there."""
    image: Any = values.get("image")
    options, name = _split_options("" if image is None else image.info.get("file_path", ""))
    texture = pictures.texture((within, name), image)
    color = _color(values.get("diffuse"), 1.0) if texture is None else _WHITE
    (shininess,) = _numbers(values.get("glossiness"), 1) or (1.0,)
    specular = _color(values.get("specular"), 0.0)
    # An exponent of 0 would be a highlight all over; `illum` 0 and 1 are models without one.
    if shininess <= 0 or values.get("illum") in (["0"], ["1"]):
        specular = torch.zeros(3)
    wrap = "clamp" if re.search(r"-clamp\s+on", options, re.IGNORECASE) else "repeat"
    return Material(values["name"], color, texture, specular, max(shininess, 0.0), wrap)


def _color(values: object, default: float) -> torch.Tensor:
    numbers = _numbers(values, 3) or _numbers(values, 1) * 3 or (default,) * 3
    return torch.tensor(numbers)


def _numbers(values: object, count: int) -> tuple[float, ...]:
    """`count` finite numbers, or none."""
    listed = values if isinstance(values, list) else [values]
    if len(listed) != count or not all(isinstance(v, float) and math.isfinite(v) and abs(v) < 1e30 for v in listed):
        return ()
    return tuple(listed)


def _split_options(name: str) -> tuple[str, str]:
    end = 0
    while option := _OPTION.match(name, end):
        end = option.end()
    return name[:end], name[end:].strip()


def _row(key: str, color: torch.Tensor) -> str:
    return f"{key} {' '.join(f'{x:.9g}' for x in color.tolist())}\n"


def png(material: Material) -> bytes:
    """The material's colour, texture times base colour, as a PNG file of 8 bit."""
    import io

    import PIL.Image

    stream = io.BytesIO()
    PIL.Image.fromarray(to_bytes(material.color_map())).save(stream, format="PNG")
    return stream.getvalue()
