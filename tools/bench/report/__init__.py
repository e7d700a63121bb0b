"""The report of a benchmark: `results -> studies -> heat maps, tables, one page`."""

from gendr.tools.bench.report.write import report, write

__all__ = ["report", "write"]
