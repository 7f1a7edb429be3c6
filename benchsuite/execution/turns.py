"""Turns at chains: several runs may share a store, and each chain is computed by one of them, under its lock."""

from collections.abc import Callable, Iterator

from benchsuite.chain import Chain
from benchsuite.execution.settled import Settled
from benchsuite.store import Record, Store

Compute = Callable[[Chain], Record]


class Turns:
    """Settles chains: takes their records from the store, or computes them and what they build on."""

    def __init__(self, store: Store, settled: Settled, compute: Compute) -> None:
        """compute: gives the record of a chain while its lock is held; the store has it afterwards."""
        self._store = store
        self._settled = settled
        self._compute = compute

    def record(self, chain: Chain) -> Record:
        """Return the record of the chain, after waiting for whoever computes it or what it builds on."""
        record = self._record(chain, wait=True)
        assert record is not None, "every lock was waited for"
        return record

    def attempt(self, chain: Chain) -> Record | None:
        """Return the record of the chain; None where another process computes it or what it builds on."""
        return self._record(chain, wait=False)

    def _record(self, chain: Chain, *, wait: bool) -> Record | None:
        for link in dict.fromkeys(needed(chain)):
            if self._settled.get(link) is not None:
                continue
            with self._store.lock(link.key, wait=wait) as held:
                if not held:
                    return None
                if self._settled.get(link) is None:  # no other process had it when the lock was taken
                    self._settled.add(self._compute(link))
        return self._settled.get(chain)


def needed(chain: Chain) -> Iterator[Chain]:
    """Yield the chains that get records before the chain's own can be computed, in that order, then itself."""
    for link in chain.links():
        if link.step.epochs_trained or link == chain:
            for reference in link.references():
                yield from needed(reference)
            yield link
