"""Results on disk: the content-addressed store, and typed records as JSON lines."""

from benchsuite.store.entries import MODEL, Store
from benchsuite.store.record import (
    MACHINE,
    SCHEMA,
    Cost,
    DataOrigin,
    Failure,
    Histogram,
    Metrics,
    Number,
    Place,
    PluginOrigin,
    Provenance,
    Record,
    Role,
    Status,
)
from benchsuite.store.results_file import read_lines, write_lines

__all__ = [
    "MACHINE",
    "MODEL",
    "SCHEMA",
    "Cost",
    "DataOrigin",
    "Failure",
    "Histogram",
    "Metrics",
    "Number",
    "Place",
    "PluginOrigin",
    "Provenance",
    "Record",
    "Role",
    "Status",
    "Store",
    "read_lines",
    "write_lines",
]
