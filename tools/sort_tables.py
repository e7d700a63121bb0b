"""The sorting benchmark's record as Markdown tables."""

from __future__ import annotations

from typing import Any

from gendr.tools.bench_raster import markdown

TARGETS = {8: 30, 16: 30, 32: 30, 128: 60, 1024: 250}
"""How many times faster than diffsort, with values and matrix."""


def cell(value: float | None) -> str:
    """A number for a table.

    >>> cell(0.123456), cell(None)
    ('0.123', '')
    """
    return "" if value is None else f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def one_thread_tables(record: dict[str, Any]) -> list[str]:
    """Networks, and the other operators, in Markdown."""
    lines = []
    for row in record["matrix"]:
        ratio = "" if row["diffsort"] is None else f"{row['diffsort'] / row['gendr']:.0f}x"
        times = [cell(row["gendr"]), cell(row["diffsort"])]
        end = [ratio, f"{TARGETS[row['n']]}x", cell(row["softtorch P"])]
        lines.append([str(row["n"]), str(row["batch"]), row["network"], *times, *end])
    networks = markdown(["n", "batch", "network", "gendr", "diffsort", "faster by", "aim", "softtorch, P"], lines)
    names = [name for name in record["others"][0] if name not in ("n", "batch")]
    lines = [[str(r["n"]), str(r["batch"]), *(cell(r[name]) for name in names)] for r in record["others"]]
    memory = f"Memory of bitonic, n = 1024, batch 4: {record['megabytes']:.0f} MB."
    return [
        "Values and matrix, microseconds a sample, forward and backward, one thread:",
        *(networks, markdown(["n", "batch", *names], lines), f"{memory} {loads(record)}"),
    ]


def two_thread_tables(record: dict[str, Any]) -> list[str]:
    """One and two threads, in Markdown."""
    lines = []
    for r in record["rows"]:
        columns = [cell(r[name]) for name in ("1", "2", "2, torch too")]
        lines.append([str(r["n"]), str(r["batch"]), *columns[:2], f"{r['1'] / r['2']:.2f}", columns[2]])
    table = markdown(["n", "batch", "1 thread", "2 threads", "speed-up", "2 threads, torch too"], lines)
    return ["Values and matrix, bitonic, wall time:", table, loads(record)]


def loads(record: dict[str, Any]) -> str:
    """The machine's load before and after.

    >>> loads({"before": {"load": [0.5]}, "after": {"load": [1.0]}})
    'Load: 0.5, then 1.0.'
    """
    return f"Load: {record['before']['load'][0]:.1f}, then {record['after']['load'][0]:.1f}."
