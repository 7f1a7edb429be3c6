"""Tables and pages from records."""

from benchsuite.report.lines import Line, Table, tables
from benchsuite.report.page import benchmarks_page, read_baselines, with_tables
from benchsuite.report.table import legend, markdown, terminal

__all__ = [
    "Line",
    "Table",
    "benchmarks_page",
    "legend",
    "markdown",
    "read_baselines",
    "tables",
    "terminal",
    "with_tables",
]
