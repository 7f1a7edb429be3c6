"""Two runs of a board side by side: which records are the same cell's, and which of them can be compared."""

import base64
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import cast

import numpy as np
from numpy.typing import NDArray

from benchsuite.metrics.paired import Contrast, accuracies_contrast, paired_contrast, unpaired_contrast
from benchsuite.store import Record
from benchsuite.wording import counted

_NAMES = ("board", "role", "group", "method", "setting")


@dataclass(frozen=True, order=True)
class Place:
    """What a line of a board is called; the same in both runs."""

    board: str
    role: str
    group: str
    method: str
    setting: str
    occurrence: int = 0
    """Which of the lines of these names, in the order of the board."""

    @property
    def label(self) -> str:
        """How a sentence names it."""
        return counted(" ".join(filter(None, [self.group if self.role != "dense" else "", self.method, self.setting])))


@dataclass(frozen=True)
class Side:
    """A line in one of the runs: its records, and their dense parents, by seed."""

    records: Mapping[int, Record]
    parents: Mapping[int, Record]

    @property
    def ok(self) -> Mapping[int, Record]:
        """The records that hold a result."""
        return {seed: record for seed, record in self.records.items() if record.status == "ok"}

    @property
    def broken(self) -> Mapping[int, Record]:
        """The others."""
        return {seed: record for seed, record in self.records.items() if record.status != "ok"}


@dataclass(frozen=True)
class Pair:
    """A record and what it is compared with."""

    base: Record
    new: Record
    same_parent: bool
    """Whether both start from the same network, equal bit for bit."""

    @property
    def is_copy(self) -> bool:
        """Whether the new record is the base's own, to the seconds that it took: nothing was run between them."""
        one, other = ((record.key, record.status, *_parts(record)) for record in (self.base, self.new))
        return bool(self.base.cost) and one == other


def _parts(record: Record) -> tuple[object, ...]:
    return record.metrics, list(record.layers), record.history, record.cost, record.provenance, record.error


@dataclass(frozen=True)
class Compared:
    """A line that both runs have a result of, as far as they have one: by seed, or each with each."""

    base: Mapping[int, Record]
    new: Mapping[int, Record]
    pairs: tuple[Pair, ...]
    paired: bool
    """Whether a pair has one seed; else the runs have no seed in common and every record meets every other."""

    @cached_property
    def contrast(self) -> Contrast | None:
        """Of the accuracies, by test example if all records tell which they got right; None where there are none."""
        base, new = ([_bits(record) for record in side.values()] for side in (self.base, self.new))
        accuracies = self.values("accuracy")
        if not any(bits is None for bits in [*base, *new]):
            before, after = (np.stack([bits for bits in run if bits is not None]) for run in (base, new))
            return paired_contrast(before, after) if self.paired else unpaired_contrast(before, after)
        examples = self.pairs[0].base.metrics.get("examples")
        if accuracies is None or not isinstance(examples, int):
            return None
        return accuracies_contrast(*accuracies, examples, paired=self.paired)

    def values(self, metric: str) -> tuple[list[float], list[float]] | None:
        """A metric's values for base and new, by seed; None unless all have it."""
        base, new = ([record.metrics.get(metric) for record in side.values()] for side in (self.base, self.new))
        if not all(isinstance(value, int | float) for value in [*base, *new]):
            return None
        return cast(list[float], base), cast(list[float], new)


def sides(records: Iterable[Record]) -> dict[Place, Side]:
    """The lines of a run of one board, in the order of the board."""
    by_key = {record.key: record for record in records}
    lines: dict[int, dict[int, Record]] = {}
    for record in sorted(by_key.values(), key=lambda one: (cast(int, one.cell["line"]), cast(int, one.cell["seed"]))):
        lines.setdefault(cast(int, record.cell["line"]), {})[cast(int, record.cell["seed"])] = record
    alike: Counter[Place] = Counter()
    found: dict[Place, Side] = {}
    for line in lines.values():
        cell = next(iter(line.values())).cell
        board, role, group, method, setting = (str(cell[part]) for part in _NAMES)
        place = Place(board, role, group, method, setting)
        parents = {seed: by_key[key] for seed, one in line.items() if (key := str(one.cell["dense"])) in by_key}
        found[replace(place, occurrence=alike[place])] = Side(line, parents)
        alike[place] += 1
    return found


def compared(base: Side, new: Side) -> Compared | None:
    """Pair the records that are ok: by the seeds in common, or each with each if there are none; None without any."""
    before, after = base.ok, new.ok
    if common := [seed for seed in before if seed in after]:
        before, after = ({seed: side[seed] for seed in common} for side in (before, after))
        return Compared(before, after, tuple(_pair(base, seed, new, seed) for seed in common), paired=True)
    pairs = tuple(_pair(base, one, new, other) for one in before for other in after)
    return Compared(before, after, pairs, paired=False) if pairs else None


def vanished(base: Side, new: Side) -> list[int]:
    """The seeds that only the base has, if the runs have any in common."""
    return sorted(base.records.keys() - new.records.keys()) if base.records.keys() & new.records.keys() else []


def _pair(base: Side, base_seed: int, new: Side, new_seed: int) -> Pair:
    parents = base.parents.get(base_seed), new.parents.get(new_seed)
    digests = [parent.metrics.get("weights_sha256") if parent else None for parent in parents]
    same = digests[0] is not None and digests[0] == digests[1]
    return Pair(base.records[base_seed], new.records[new_seed], same)


def incomparable(pairs: Sequence[Pair]) -> Iterator[str]:
    """Why the numbers of these records mean different things."""
    for name, of in _PREMISES.items():
        differing = [values for pair in pairs if (values := (of(pair.base), of(pair.new)))[0] != values[1]]
        if differing:
            yield f"{name}: {differing[0][0]} before, {differing[0][1]} now"


def _fingerprint(record: Record) -> object:
    data = record.provenance.get("data")
    return str(data["fingerprint"])[:12] if isinstance(data, dict) and "fingerprint" in data else None


_PREMISES: dict[str, Callable[[Record], object]] = {
    "protocol": lambda record: record.provenance.get("protocol"),
    "data": _fingerprint,
    "test examples": lambda record: record.metrics.get("examples"),
}


def _bits(record: Record) -> NDArray[np.bool_] | None:
    text, examples = record.metrics.get("correct_bits"), record.metrics.get("examples")
    if not isinstance(text, str) or not isinstance(examples, int):
        return None
    packed = np.frombuffer(base64.b64decode(text), np.uint8)
    return np.unpackbits(packed, count=examples).astype(bool)
