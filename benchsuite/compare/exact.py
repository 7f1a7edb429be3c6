"""The exact comparison of a run with one that it repeats: cell by cell, in every field that depends on no clock.

Cells are equal to the last bit where nothing was trained, or all of it on the same kind of machine. A training on
another processor, or with another version of a library, rounds otherwise and ends in another network: such cells are
compared as `compare` does it, and contradict the other run only if they regressed.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from benchsuite.compare.findings import DEFAULT_THRESHOLD, Comparison, Threshold
from benchsuite.compare.sizes import ROUNDED
from benchsuite.compare.table import sentence
from benchsuite.compare.verdicts import compare
from benchsuite.store import Record

_PACKED = ("size_bytes", "compression")
"""Metrics that depend on the version of zlib."""
_ENVIRONMENT = ("torch", "numpy", "blas", "device", "processor", "instructions", "threads")
"""Provenance fields that can change the last bits of a training."""
_ADDED = frozenset({"covered"})
"""Metrics that records of older versions lack."""
LAST_DIGITS = 1e-6
"""Tolerated share of the loss where weights and answers are equal: processors sum in another order."""

Run: TypeAlias = Mapping[tuple[str | None, str], Record]
"""Records by board and key: boards share networks, each with places of its own."""


@dataclass(frozen=True)
class Repetition:
    """The outcome for the cells of a run that another run has, too."""

    equal: tuple[Record, ...]
    different: Mapping[str, tuple[str, ...]]
    """The fields that differ, by cell; none of these was trained in another environment."""
    retrained: tuple[str, ...]
    """Cells of the same status that were trained in another environment, to other weights."""
    environments: tuple[str, ...]
    """The differences between the environments of these."""
    paired: Comparison
    """The comparison of their accuracies and sizes, by seed and test example."""
    unknown: int
    """Number of cells that the other run lacks."""

    @property
    def compared(self) -> bool:
        """True if any cell could be compared in one way or the other."""
        return bool(self.equal or self.different or self.paired.compared)

    @property
    def contradicts(self) -> bool:
        """True if a cell differs that had to be equal, or regressed where it need not be."""
        return bool(self.different) or self.paired.blocks

    @cached_property
    def sentences(self) -> list[str]:
        """The outcome in words, a sentence for each fact."""
        facts = [f"{len(self.equal)} of {len(self.equal) + len(self.different)} cells are equal in every field."]
        facts += [f"{cell}: {', '.join(fields)} differ." for cell, fields in self.different.items()]
        if self.retrained:
            facts.append(
                f"{len(self.retrained)} cells were trained in another environment ({'; '.join(self.environments)}) and"
                " have other weights: they are compared by seed and test example, each line of a board as one cell."
            )
            facts.append(sentence(self.paired))
        if self.unknown:
            facts.append(f"{self.unknown} cells are of the new run alone.")
        return facts


def repetition(base: Iterable[Record], new: Iterable[Record], threshold: Threshold = DEFAULT_THRESHOLD) -> Repetition:
    """Compare each cell of `new` with that of the same board and key in `base`, whatever the order of the records.

    Left out: costs, provenance, the last digits of the loss, and where the zlib differs the bytes that it packed.
    """
    before, after = ({(_board(record), record.key): record for record in run} for run in (base, new))
    shared = [cell for cell in after if cell in before]
    equal: list[Record] = []
    different: dict[str, tuple[str, ...]] = {}
    retrained: list[tuple[Record, Record]] = []
    for cell in shared:
        old, now = before[cell], after[cell]
        if old.status == now.status and _is_retrained(before, old, after, now) and _environments([(old, now)]):
            retrained.append((old, now))
        elif fields := tuple(_differences(old, now)):
            different[_name(now)] = fields
        else:
            equal.append(now)
    paired = compare([old for old, _ in retrained], [now for _, now in retrained], threshold)
    names = tuple(_name(now) for _, now in retrained)
    environments = _environments(retrained)
    return Repetition(tuple(equal), different, names, environments, paired, len(after) - len(shared))


def _board(record: Record) -> str | None:
    return record.place.board if record.place else None


def _differences(base: Record, new: Record) -> Iterator[str]:
    """Yield the names of the fields that differ."""
    before, now = _fields(base), _fields(new)
    packed = () if base.provenance.zlib == new.provenance.zlib else _PACKED
    for name in sorted((before.keys() | now.keys()) - (_ADDED - (before.keys() & now.keys()))):
        if name in packed or before.get(name) == now.get(name) or (name == "loss" and _is_rounding(base, new)):
            continue
        yield name


def _is_rounding(base: Record, new: Record) -> bool:
    """Return whether the losses of equal weights and answers differ by no more than the order of a sum."""
    if _network_and_answers(base) != _network_and_answers(new):
        return False
    before, now = base.metrics.number("loss"), new.metrics.number("loss")
    return before is not None and now is not None and math.isclose(before, now, rel_tol=LAST_DIGITS, abs_tol=ROUNDED)


def _network_and_answers(record: Record) -> tuple[object, ...]:
    return record.metrics.weights_sha256, record.metrics.correct_bits, record.metrics.numbers.get("correct")


def _fields(record: Record) -> dict[str, object]:
    """Return the fields that a repetition has to repeat, by name."""
    place = dict(vars(record.place)) if record.place else {}
    place.pop("seeds", None)  # a sample has fewer of them
    return {
        **place,
        **record.metrics.to_json(),
        "status": record.status,
        "reason": record.error and record.error.reason,
        "layers": record.layers,
        "history": record.history,
    }


def _dense_weights(run: Run, record: Record) -> str | None:
    """Return the digest of the dense network that the cell starts from; None where its board lacks it."""
    parent = run.get((record.place.board, record.place.dense)) if record.place else None
    return parent.metrics.weights_sha256 if parent else None


def _is_retrained(before: Run, old: Record, after: Run, now: Record) -> bool:
    """Return whether the cells start from different dense networks, or end in other weights by a later training."""
    if len({_dense_weights(before, old), _dense_weights(after, now)} - {None}) > 1:
        return True
    return now.chain.is_tuned and old.metrics.weights_sha256 != now.metrics.weights_sha256


def _environments(pairs: Sequence[tuple[Record, Record]]) -> tuple[str, ...]:
    """Return the differences between the environments of cells; else the fields that only one of the records has.

    Older records do not name their processor, which may be another one. A field that neither has is no difference.
    """
    differences = dict.fromkeys(
        (name, before, now)
        for old, new in pairs
        for name in _ENVIRONMENT
        if (before := _text(old, name)) != (now := _text(new, name))
    )
    both = [f"{name}: {before} before, {now} now" for name, before, now in differences if None not in (before, now)]
    either = {name for name, *values in differences if None in values}
    return tuple(both) or tuple(f"{name} told by only one of the runs" for name in _ENVIRONMENT if name in either)


def _text(record: Record, field: str) -> str | None:
    value = vars(record.provenance)[field]
    return None if value is None else str(value)


def _name(record: Record) -> str:
    """Return a name that is unique within a run: lines of a board may be called alike."""
    place = record.place
    names = [place.board, place.group, place.method, place.setting] if place else []
    return " ".join(filter(None, [*names, f"seed {record.seed} ({record.key[:12]})"]))
