"""The documentation's tables, written from the families themselves: `python -m gendr.tools.docs_tables [--check]`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gendr import _ops
from gendr.distributions import DISTRIBUTIONS
from gendr.tnorms import TNORMS


def distributions_table() -> str:
    """Every distribution: spec, class, CDF, support, parameters, source.

    >>> distributions_table().splitlines()[3]
    '| `uniform` | `Uniform` | `(1 + x) / 2` | [-1, 1] | | Petersen 2022, A.2; Kato et al. 2018 |'
    """
    rows = []
    for name in _ops.DISTRIBUTIONS:
        cls = DISTRIBUTIONS[name]
        ranges = {key: str(allowed) for key, allowed in cls.parameters.items()}
        support = _interval(*cls.base_support)
        rows.append([_spec(name, ranges), _code(cls.__name__), _code(cls.formula), support, _words(ranges), cls.source])
    return _table(["spec", "class", "CDF `F(x)`", "support", "parameters", "source"], rows)


def t_conorms_table() -> str:
    """Every T-conorm: spec, class, binary form, parameters, source.

    >>> t_conorms_table().splitlines()[2]
    '| `maximum` | `Maximum` | `max(a, b)` | | Petersen 2022, B.2; Zadeh 1965 |'
    """
    rows = []
    for name in _ops.T_CONORMS:
        cls = TNORMS[name]
        ranges = dict(cls.parameters)
        note = "" if cls.is_t_conorm else " (no T-conorm: a baseline)"
        rows.append([_spec(name, ranges), _code(cls.__name__), _code(cls.formula) + note, _words(ranges), cls.source])
    return _table(["spec", "class", "`conorm(a, b)`", "parameters", "source"], rows)


def choices_table() -> str:
    """What a renderer's user can choose, in a word each.

    >>> choices_table().splitlines()[3]
    '| any distribution may also be | `shift=...`, `reversed`, `squared`, in any combination |'
    """
    distributions = [_spec(name, DISTRIBUTIONS[name].parameters) for name in _ops.DISTRIBUTIONS]
    t_conorms = [_spec(name, TNORMS[name].parameters) for name in _ops.T_CONORMS if TNORMS[name].is_t_conorm]
    baselines = [_spec(name, TNORMS[name].parameters) for name in _ops.T_CONORMS if not TNORMS[name].is_t_conorm]
    rows = [
        [f"distribution ({len(distributions)})", ", ".join(distributions)],
        ["any distribution may also be", "`shift=...`, `reversed`, `squared`, in any combination"],
        [f"T-conorm ({len(t_conorms)})", ", ".join(t_conorms)],
        ["instead of a T-conorm, as a baseline", ", ".join(baselines)],
    ]
    return _table(["choice", "specs"], rows)


TABLES: dict[str, Callable[[], str]] = {
    "distributions": distributions_table,
    "t-conorms": t_conorms_table,
    "choices": choices_table,
}
"""The tables by the name that marks their place."""


def filled(text: str) -> str:
    """A document with the tables written anew between `<!-- table: NAME -->` and `<!-- end of table -->`.

    >>> text = "<!-- table: distributions -->\\nold\\n<!-- end of table -->\\n"
    >>> "old" in filled(text), "logistic" in filled(text)
    (False, True)
    """
    for name, table in TABLES.items():
        place = re.compile(rf"(<!-- table: {name} -->\n).*?(<!-- end of table -->)", re.DOTALL)
        text = place.sub(lambda match, table=table: f"{match[1]}{table()}\n{match[2]}", text)  # type: ignore[misc]
    return text


def main(arguments: Sequence[str] = ()) -> int:
    """Write the tables of all documents anew; with `--check` only say which are out of date, and return 1 if any is.

    >>> main(["--help"])
    usage: python -m gendr.tools.docs_tables [--check]
    2
    """
    if list(arguments) not in ([], ["--check"]):
        print("usage: python -m gendr.tools.docs_tables [--check]")
        return 2
    stale = [file for file in documents() if filled(file.read_text()) != file.read_text()]
    for file in stale:
        print(file)
        if not arguments:
            file.write_text(filled(file.read_text()))
    return 1 if arguments and stale else 0


def documents() -> list[Path]:
    """The repository's documents; none where the package is installed without them.

    >>> all(file.suffix == ".md" for file in documents())
    True
    """
    root = Path(__file__).parent.parent
    return [*sorted((root / "docs").glob("*.md")), *root.glob("README.md")]


def _spec(name: str, ranges: Mapping[str, object]) -> str:
    return _code(f"{name}({', '.join(f'{key}=...' for key in ranges)})" if ranges else name)


def _words(ranges: dict[str, str]) -> str:
    return ", ".join(f"{key} in {allowed}" for key, allowed in ranges.items())


def _interval(low: float, high: float) -> str:
    if low == high:
        return f"{{{low:g}}}"
    return f"{'[' if abs(low) < float('inf') else '('}{low:g}, {high:g}{']' if abs(high) < float('inf') else ')'}"


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("|" + "|".join(f" {cell} " if cell else " " for cell in line) + "|" for line in lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
