"""Records of two lines side by side: which are the same cell's, and how far apart their accuracies are."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchsuite.metrics.paired import Contrast, accuracies_contrast, paired_contrast, unpaired_contrast
from benchsuite.store.record import Record


@dataclass(frozen=True)
class SeedRecords:
    """A line of one run: its records, and their dense parents, by seed."""

    records: Mapping[int, Record]
    parents: Mapping[int, Record]

    @property
    def ok(self) -> Mapping[int, Record]:
        """The records that hold a result."""
        return {seed: record for seed, record in self.records.items() if record.status == "ok"}

    @property
    def broken(self) -> Mapping[int, Record]:
        """The other records."""
        return {seed: record for seed, record in self.records.items() if record.status != "ok"}


@dataclass(frozen=True)
class RecordPair:
    """A record and what it is compared with."""

    base: Record
    new: Record
    same_parent: bool
    """Whether both start from the same network, equal bit for bit."""


@dataclass(frozen=True)
class PairedLine:
    """A line that both sides have a result of, as far as they have one: by seed, or each with each."""

    base: Mapping[int, Record]
    new: Mapping[int, Record]
    pairs: tuple[RecordPair, ...]
    paired: bool
    """Whether a pair has one seed; else the sides have no seed in common and every record meets every other."""

    @cached_property
    def contrast(self) -> Contrast | None:
        """The difference of the accuracies, by test example if all records know their answers; None without any."""
        base, new = ([record.metrics.answers() for record in side.values()] for side in (self.base, self.new))
        if not any(answers is None for answers in [*base, *new]):
            before, after = (np.stack([answers for answers in side if answers is not None]) for side in (base, new))
            return paired_contrast(before, after) if self.paired else unpaired_contrast(before, after)
        accuracies, examples = self.values("accuracy"), self.pairs[0].base.metrics.number("examples")
        if accuracies is None or examples is None:
            return None
        return accuracies_contrast(*accuracies, int(examples), paired=self.paired)

    def values(self, metric: str) -> tuple[list[float], list[float]] | None:
        """Return a metric's values for base and new, by seed; None unless all have it."""
        base, new = ([record.metrics.number(metric) for record in side.values()] for side in (self.base, self.new))
        if any(value is None for value in [*base, *new]):
            return None
        return [float(value) for value in base if value is not None], [
            float(value) for value in new if value is not None
        ]


def pair(base: SeedRecords, new: SeedRecords) -> PairedLine | None:
    """Pair the records that are ok: by the seeds in common, or each with each if there are none; None without any."""
    before, after = base.ok, new.ok
    if common := [seed for seed in before if seed in after]:
        before, after = ({seed: side[seed] for seed in common} for side in (before, after))
        return PairedLine(before, after, tuple(_pair(base, seed, new, seed) for seed in common), paired=True)
    pairs = tuple(_pair(base, seed, new, other) for seed in before for other in after)
    return PairedLine(before, after, pairs, paired=False) if pairs else None


def _pair(base: SeedRecords, base_seed: int, new: SeedRecords, new_seed: int) -> RecordPair:
    parents = base.parents.get(base_seed), new.parents.get(new_seed)
    digests = [parent.metrics.weights_sha256 if parent else None for parent in parents]
    same = digests[0] is not None and digests[0] == digests[1]
    return RecordPair(base.records[base_seed], new.records[new_seed], same)
