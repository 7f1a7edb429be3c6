"""Tables and pages from records."""

from benchsuite.report.marked import with_tables
from benchsuite.report.page import benchmarks_page, full_tables, pictures, read_baselines
from benchsuite.report.plots import same_picture
from benchsuite.report.table import legend, terminal

__all__ = [
    "benchmarks_page",
    "full_tables",
    "legend",
    "pictures",
    "read_baselines",
    "same_picture",
    "terminal",
    "with_tables",
]
