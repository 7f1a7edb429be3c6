"""The rows of two runs of a board: their identity across runs, and the premises under which they can be compared."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from benchsuite.results.lines import BoardResults
from benchsuite.results.pairing import RecordPair, SeedRecords
from benchsuite.store import Cost, Number, Record
from benchsuite.wording import counted


@dataclass(frozen=True, order=True)
class RowId:
    """The identity of a row across runs: its names, and its number among the rows of these names."""

    board: str
    role: str
    group: str
    method: str
    setting: str
    occurrence: int = 0
    """Number of earlier rows of the board that have the same names."""

    @property
    def label(self) -> str:
        """The row's name in a sentence."""
        return counted(" ".join(filter(None, [self.group if self.role != "dense" else "", self.method, self.setting])))


def rows(results: BoardResults) -> dict[RowId, SeedRecords]:
    """Return the records of each row of one run, in the order of the board."""
    namesakes: Counter[RowId] = Counter()
    records: dict[RowId, SeedRecords] = {}
    for line in results.lines:
        names = RowId(results.board, line.role, line.group, line.method, line.setting)
        row = replace(names, occurrence=namesakes[names])
        records[row] = SeedRecords(_by_seed(line.records), _by_seed(line.parents))
        namesakes[names] += 1
    return records


def _by_seed(records: Sequence[Record]) -> Mapping[int, Record]:
    return {record.seed: record for record in records}


def vanished(base: SeedRecords, new: SeedRecords) -> list[int]:
    """Return the seeds that only the base has; none if the runs have no seed in common."""
    return sorted(base.records.keys() - new.records.keys()) if base.records.keys() & new.records.keys() else []


def is_copy(pair: RecordPair) -> bool:
    """Return whether the new record is the base's, down to the seconds it took: nothing was run between them.

    Its place on the board may be another. Records without costs are no evidence of a copy.
    """
    return pair.base.cost != Cost() and replace(pair.base, place=None) == replace(pair.new, place=None)


def incomparable(pairs: Sequence[RecordPair]) -> Iterator[str]:
    """Yield each reason why the numbers of these records mean different things."""
    for name, premise in _PREMISES.items():
        values = ((premise(pair.base), premise(pair.new)) for pair in pairs)
        differing = next(((before, now) for before, now in values if before != now), None)
        if differing:
            yield f"{name}: {differing[0]} before, {differing[1]} now"


_PREMISES: Mapping[str, Callable[[Record], Number | str | None]] = {
    "protocol": lambda record: record.provenance.protocol,
    "data": lambda record: record.provenance.data.fingerprint[:12],
    "test examples": lambda record: record.metrics.number("examples"),
}
