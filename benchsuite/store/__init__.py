"""Results on disk: the content-addressed store, and records as JSON lines."""

from benchsuite.store.entries import MODEL, Store
from benchsuite.store.records import MACHINE, SCHEMA, Record, read_lines, write_lines

__all__ = ["MACHINE", "MODEL", "SCHEMA", "Record", "Store", "read_lines", "write_lines"]
