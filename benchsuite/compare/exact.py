"""Whether a run repeats another: cell by cell, by board and key, in everything that no clock tells.

To the last bit, where nothing was trained or all of it on the same kind of machine. A training on another processor, or
with another version of a library, rounds otherwise and ends in another network: such cells are compared as `compare`
does it, and contradict the other run only if they regressed.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from benchsuite.compare.sizes import ROUNDED, trained
from benchsuite.compare.table import sentence
from benchsuite.compare.verdicts import DEFAULT_THRESHOLD, Comparison, Threshold, compare
from benchsuite.store import Record

_PACKED = ("size_bytes", "compression")
"""What another zlib may pack otherwise."""
_ENVIRONMENT = ("torch", "numpy", "blas", "device", "processor", "instructions", "threads")
"""What a training may come out otherwise with, in its last bits."""
_ADDED = frozenset({"covered"})
"""What records of older versions lack."""
LAST_DIGITS = 1e-6
"""How much of the loss may differ, relative to it, where weights and answers are equal: processors sum otherwise."""

Run: TypeAlias = Mapping[tuple[object, str], Record]
"""Records by board and key: boards share networks, each with places of its own."""


@dataclass(frozen=True)
class Repetition:
    """What became of the cells of a run that another run has, too."""

    equal: tuple[Record, ...]
    different: Mapping[str, tuple[str, ...]]
    """By cell, the fields that differ though it was trained, if at all, in the same environment."""
    retrained: tuple[str, ...]
    """Cells that came to the same status from a training in another environment, with other weights."""
    environments: tuple[str, ...]
    """What differs between the environments of these."""
    paired: Comparison
    """Of these, their accuracies and sizes: by seed and test example."""
    unknown: int
    """Cells that the other run lacks."""

    @property
    def compared(self) -> bool:
        """Whether any cell could be compared in one way or the other."""
        return bool(self.equal or self.different or self.paired.compared)

    @property
    def contradicts(self) -> bool:
        """Whether a cell differs that had to be equal, or regressed where it need not be."""
        return bool(self.different) or self.paired.blocks

    @cached_property
    def sentences(self) -> list[str]:
        """What there is to say, one fact a line."""
        told = [f"{len(self.equal)} of {len(self.equal) + len(self.different)} cells are equal in every field."]
        told += [f"{cell}: {', '.join(fields)} differ." for cell, fields in self.different.items()]
        if self.retrained:
            told.append(
                f"{len(self.retrained)} cells were trained in another environment ({'; '.join(self.environments)}) and"
                " have other weights: they are compared by seed and test example, each line of a board as one cell."
            )
            told.append(sentence(self.paired))
        if self.unknown:
            told.append(f"{self.unknown} cells are of the new run alone.")
        return told


def repetition(base: Iterable[Record], new: Iterable[Record], threshold: Threshold = DEFAULT_THRESHOLD) -> Repetition:
    """Compare each cell of `new` with that of the same board and key in `base`, whatever the order of the records.

    Left out: costs, provenance, the last digits of the loss, and where the zlib differs the bytes that it packed.
    """
    before, after = ({(one.cell.get("board"), one.key): one for one in run} for run in (base, new))
    shared = [cell for cell in after if cell in before]
    equal: list[Record] = []
    different: dict[str, tuple[str, ...]] = {}
    retrained: list[tuple[Record, Record]] = []
    for cell in shared:
        one, other = before[cell], after[cell]
        if one.status == other.status and _retrained(before, one, after, other) and _environments([(one, other)]):
            retrained.append((one, other))
        elif fields := tuple(_differences(one, other)):
            different[_name(other)] = fields
        else:
            equal.append(other)
    paired = compare([one for one, _ in retrained], [other for _, other in retrained], threshold)
    names = tuple(_name(other) for _, other in retrained)
    environments = _environments(retrained)
    return Repetition(tuple(equal), different, names, environments, paired, len(after) - len(shared))


def _differences(base: Record, new: Record) -> Iterator[str]:
    """The names of the fields that differ."""
    one, other = _fields(base), _fields(new)
    packed = () if base.provenance.get("zlib") == new.provenance.get("zlib") else _PACKED
    for name in sorted((one.keys() | other.keys()) - (_ADDED - (one.keys() & other.keys()))):
        if name not in packed and one.get(name) != other.get(name) and not (name == "loss" and _rounded(one, other)):
            yield name


def _rounded(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Whether the losses of equal weights and answers differ by no more than the order of a sum."""
    if any(one.get(name) != other.get(name) for name in ("weights_sha256", "correct_bits", "correct")):
        return False
    before, after = one.get("loss"), other.get("loss")
    if not isinstance(before, float) or not isinstance(after, float):
        return False
    return math.isclose(before, after, rel_tol=LAST_DIGITS, abs_tol=ROUNDED)


def _fields(record: Record) -> dict[str, object]:
    reason = (record.error or {}).get("reason")
    told = {"status": record.status, "reason": reason, "layers": list(record.layers), "history": record.history}
    asked = {name: value for name, value in record.cell.items() if name != "seeds"}  # of which a sample has fewer
    return {**asked, **record.metrics, **told}


def _network(run: Run, record: Record) -> object:
    """The digest of the dense network that the cell starts from; None where its board lacks it."""
    parent = run.get((record.cell.get("board"), str(record.cell.get("dense"))))
    return parent and parent.metrics.get("weights_sha256")


def _retrained(before: Run, one: Record, after: Run, other: Record) -> bool:
    """Whether the cells start from dense networks that differ, or come to other weights by a training of their own."""
    if len({_network(before, one), _network(after, other)} - {None}) > 1:
        return True
    return trained(other) and one.metrics.get("weights_sha256") != other.metrics.get("weights_sha256")


def _environments(pairs: Sequence[tuple[Record, Record]]) -> tuple[str, ...]:
    """What differs between the places where cells were run; else what only one of the records tells.

    Older records do not name their processor, which may be another one. What neither tells is no difference.
    """
    found = dict.fromkeys(
        (name, one, other)
        for base, new in pairs
        for name in _ENVIRONMENT
        if (one := base.provenance.get(name)) != (other := new.provenance.get(name))
    )
    both = [f"{name}: {one} before, {other} now" for name, one, other in found if None not in (one, other)]
    either = {name for name, one, other in found if None in (one, other)}
    return tuple(both) or tuple(f"{name} told by only one of the runs" for name in _ENVIRONMENT if name in either)


def _name(record: Record) -> str:
    """Unique within a run: lines of a board may be called alike."""
    names = [str(record.cell.get(part, "")) for part in ("board", "group", "method", "setting")]
    return " ".join(filter(None, [*names, f"seed {record.cell.get('seed')} ({record.key[:12]})"]))
