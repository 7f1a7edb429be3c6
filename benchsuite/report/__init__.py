"""Tables and pages from records."""

from benchsuite.report.lines import Line, Table, tables
from benchsuite.report.page import benchmarks_page, read_baselines, with_tables
from benchsuite.report.table import LEGEND, markdown, terminal

__all__ = [
    "LEGEND",
    "Line",
    "Table",
    "benchmarks_page",
    "markdown",
    "read_baselines",
    "tables",
    "terminal",
    "with_tables",
]
