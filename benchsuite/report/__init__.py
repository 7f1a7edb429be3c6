"""Tables and pages from records."""

from benchsuite.report.lines import Line, Table, tables
from benchsuite.report.page import benchmarks_page, pictures, read_baselines, with_tables
from benchsuite.report.plots import same_picture
from benchsuite.report.table import legend, markdown, terminal

__all__ = [
    "Line",
    "Table",
    "benchmarks_page",
    "legend",
    "markdown",
    "pictures",
    "read_baselines",
    "same_picture",
    "tables",
    "terminal",
    "with_tables",
]
