"""Lines and numbers of the text formats, with errors that name the line."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from gendr.render.formats.error import MeshError

# Not after a point: `1.#IND` and `1.#INF` are how Microsoft's C library spells what is not finite.
_COMMENT = re.compile(r"(?<!\.)#.*")


def lines(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """The number (from 1) and the words of every line that has any."""
    for number, line in enumerate(decode(data).split("\n"), start=1):
        if words := line.split():
            yield number, words


def lines_without_comments(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """The same; `#` starts a comment, and a line that ends in a backslash goes on in the next."""
    start, held = 0, ""
    for number, line in enumerate([*decode(data).split("\n"), ""], start=1):
        start = start or number
        held += _COMMENT.sub("", line).rstrip() if "#" in line else line.rstrip()
        if held.endswith("\\"):
            held = held[:-1] + " "
            continue
        if words := held.split():
            yield start, words
        start, held = 0, ""


def decode(data: bytes) -> str:
    """Text with `\\n` at the end of each line. Names and comments may be in any encoding: only ASCII is ever parsed."""
    return data.decode("utf-8-sig", errors="replace").replace("\r\n", "\n").replace("\r", "\n")


def point(words: Sequence[str], line: int, what: str) -> tuple[float, float, float]:
    """The first three of `words` as finite floats."""
    try:
        x, y, z = (float(word) for word in words[:3])
    except ValueError:
        raise MeshError(f"line {line}: {what}: expected 3 numbers, got '{shorten(words)}'") from None
    if not math.isfinite(x + y + z) and not (math.isfinite(x) and math.isfinite(y) and math.isfinite(z)):
        raise MeshError(f"line {line}: {what}: expected finite coordinates, got '{shorten(words)}'")
    return x, y, z


def integers(words: Sequence[str], line: int, what: str) -> list[int]:
    """All of `words` as integers of at most 64 bits."""
    try:
        values = [int(word) for word in words]
    except ValueError:
        raise MeshError(f"line {line}: {what}: expected integers, got '{shorten(words)}'") from None
    if any(not -(2**63) <= value < 2**63 for value in values):
        raise MeshError(f"line {line}: {what}: '{shorten(words)}' does not fit 64 bits")
    return values


def shorten(words: Sequence[str]) -> str:
    """What an error quotes from a file: at most 60 characters, none of which could garble a terminal."""
    text = " ".join(words)
    text = "".join(c if c.isprintable() else "?" for c in text[:61])
    return text if len(text) <= 60 else text[:57] + "..."
