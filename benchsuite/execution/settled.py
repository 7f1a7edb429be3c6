"""Which chains need no computing: those that this run has settled, and what it takes over from the store."""

from collections.abc import Iterable
from typing import Literal

from benchsuite.plan import Chain
from benchsuite.store import Record, Store

Rerun = Literal["never", "failed", "all"]


class Settled:
    """Records by chain, each read from the store once."""

    def __init__(self, store: Store, rerun: Rerun) -> None:
        self._store = store
        self._rerun = rerun
        self._records: dict[str, Record] = {}

    def get(self, chain: Chain) -> Record | None:
        """The record that a run would take over: of this run, or of the store as `rerun` says."""
        if chain.key not in self._records:
            record = None if self._rerun == "all" else self._store.record(chain.key)
            if record is None or (self._rerun == "failed" and record.status != "ok"):
                return None
            self._records[chain.key] = record
        return self._records[chain.key]

    def add(self, record: Record) -> None:
        """What this run computed."""
        self._records[record.key] = record

    def drop(self, chain: Chain) -> None:
        """Its entry was found broken."""
        self._records.pop(chain.key, None)

    def trust(self, keys: Iterable[str]) -> None:
        """What another process of the same run settled: its records are in the store, whatever `rerun` says."""
        for key in keys:
            if key not in self._records:
                record = self._store.record(key)
                if record is not None:
                    self._records[key] = record
