"""Dense networks that are committed with their weights: a store that lacks one takes it over instead of training it.

A network is known by the key of its chain, in which data, model, recipe, seed and protocol agree, whatever the board.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from benchsuite.chain import Chain
from benchsuite.errors import ConfigError
from benchsuite.execution.committed import Committed
from benchsuite.execution.settled import Rerun, Settled
from benchsuite.plan import Cell
from benchsuite.store import MODEL, Record, Store
from benchsuite.store.manifest import CHECKPOINTS, Checkpoint, read_manifest, read_network


@dataclass(frozen=True)
class Adoption:
    """The networks that a store took over."""

    folder: Path
    keys: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    """The file and the fault of each network that will be trained here instead."""

    def message(self) -> str | None:
        """Return the message on what was taken over, if anything was."""
        if not self.keys:
            return None
        if len(self.keys) == 1:
            return f"1 dense network is the committed one ({self.folder}); --from-scratch trains it here"
        return (
            f"{len(self.keys)} dense networks are the committed ones ({self.folder}); --from-scratch trains them here"
        )


def adoptable(cells: Iterable[Cell], baselines: Path) -> dict[Chain, Checkpoint]:
    """Return the dense trainings of the cells whose networks are committed. Errors: ConfigError for a bad manifest."""
    manifest = read_manifest(baselines / CHECKPOINTS)
    roots = dict.fromkeys(cell.chain.root for cell in cells)
    return {chain: manifest[chain.key] for chain in roots if chain.key in manifest}


def adopt(cells: Iterable[Cell], store: Store, rerun: Rerun, baselines: Path) -> Adoption:
    """Put into the store, which is open, what is committed and what a run would have to train for these cells.

    An entry made so is the committed record, with the provenance and the cost of the training that there was.
    With `rerun` all, nothing is taken over.
    Errors: ConfigError for a manifest or records that are not as they were written; StoreError.
    """
    settled, folder = Settled(store, rerun), baselines / CHECKPOINTS
    records = cache(lambda board: Committed.of(board, baselines).records)
    keys: list[str] = []
    problems: list[str] = []
    for chain, entry in adoptable(cells, baselines).items() if rerun != "all" else ():
        if settled.get(chain) is not None:
            continue
        record = next(filter(None, (_record(chain, entry, records(board)) for board in entry.boards)), None)
        if record is None:
            reason = f"the committed records of {', '.join(entry.boards)} have no such network"
            problems.append(f"{folder / chain.key}: {reason}; trained here")
            continue
        try:
            network = read_network(folder, chain.key, entry)
        except ConfigError as error:
            problems.append(f"{error}; trained here")
            continue
        with store.lock(chain.key):
            if settled.get(chain) is None:
                store.put(record, {MODEL: network})
                keys.append(chain.key)
    return Adoption(folder, tuple(keys), tuple(problems))


def _record(chain: Chain, entry: Checkpoint, committed: Mapping[str, Record]) -> Record | None:
    """Return the committed record as an engine stores it, without a place on a board, if it is of these weights."""
    record = committed.get(chain.key)
    if record is None or record.metrics.weights_sha256 != entry.weights_sha256:
        return None
    return replace(record, place=None)
