"""Records that need no computing: those that this run has settled, and those that it takes over from the store."""

from collections.abc import Iterable
from typing import Literal

from benchsuite.chain import Chain
from benchsuite.store import Record, Store

Rerun = Literal["never", "failed", "all"]


class Settled:
    """Records by chain, each read from the store once."""

    def __init__(self, store: Store, rerun: Rerun) -> None:
        self._store = store
        self._rerun = rerun
        self._records: dict[str, Record] = {}

    def get(self, chain: Chain) -> Record | None:
        """Return the record that a run would take over: of this run, or of the store as `rerun` says.

        What the machine ended is never taken over from another run.
        """
        if chain.key not in self._records:
            record = None if self._rerun == "all" else self._store.record(chain.key)
            if record is None or not record.is_final or (self._rerun == "failed" and record.status != "ok"):
                return None
            self._records[chain.key] = record
        return self._records[chain.key]

    def add(self, record: Record) -> None:
        """Take in a record that this run computed."""
        self._records[record.key] = record

    def drop(self, chain: Chain) -> None:
        """Forget the record of a chain whose entry is broken."""
        self._records.pop(chain.key, None)

    def trust(self, records: Iterable[Record]) -> None:
        """Take in records that another process of the same run settled, whatever `rerun` says."""
        for record in records:
            self._records.setdefault(record.key, record)
