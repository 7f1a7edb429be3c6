"""Whether a run repeats another to the last bit: cell by cell, by board and key, in everything that no clock tells."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from benchsuite.store import Record

_PACKED = ("size_bytes", "compression")
"""What another zlib may pack otherwise."""
_ENVIRONMENT = ("torch", "numpy", "device", "instructions", "threads")
"""What a training may come out otherwise with, in its last bits."""

Run: TypeAlias = Mapping[tuple[object, str], Record]
"""Records by board and key: boards share networks, each with places of its own."""


@dataclass(frozen=True)
class Repetition:
    """What became of the cells of a run that another run has, too."""

    equal: tuple[Record, ...]
    different: Mapping[str, tuple[str, ...]]
    """By cell, the fields that differ though it starts from the same dense network, or was run in the same place."""
    retrained: tuple[str, ...]
    """Cells that came to the same status from dense networks that differ, trained in another environment."""
    unknown: int
    """Cells that the other run lacks."""

    @property
    def compared(self) -> bool:
        """Whether any cell could be compared bit for bit."""
        return bool(self.equal or self.different)

    @cached_property
    def sentences(self) -> list[str]:
        """What there is to say, one fact a line."""
        told = [f"{len(self.equal)} of {len(self.equal) + len(self.different)} cells are equal in every field."]
        told += [f"{cell}: {', '.join(fields)} differ." for cell, fields in self.different.items()]
        if self.retrained:
            told.append(
                f"{len(self.retrained)} cells start from dense networks that were trained otherwise (another processor,"
                " or another version of a library), and are not compared."
            )
        if self.unknown:
            told.append(f"{self.unknown} cells are of the new run alone.")
        return told


def repetition(base: Iterable[Record], new: Iterable[Record]) -> Repetition:
    """Compare each cell of `new` with that of the same board and key in `base`, whatever the order of the records.

    Left out: costs, provenance, and where the zlib differs the bytes that it packed.
    """
    before, after = ({(one.cell.get("board"), one.key): one for one in run} for run in (base, new))
    shared = [cell for cell in after if cell in before]
    equal: list[Record] = []
    different: dict[str, tuple[str, ...]] = {}
    retrained: list[str] = []
    for cell in shared:
        one, other = before[cell], after[cell]
        networks = {_network(before, one), _network(after, other)} - {None}
        if len(networks) > 1 and one.status == other.status and _elsewhere(one, other):
            retrained.append(_name(other))
        elif fields := tuple(_differences(one, other)):
            different[_name(other)] = fields
        else:
            equal.append(other)
    return Repetition(tuple(equal), different, tuple(retrained), len(after) - len(shared))


def _differences(base: Record, new: Record) -> Iterator[str]:
    """The names of the fields that differ."""
    one, other = _fields(base), _fields(new)
    packed = () if base.provenance.get("zlib") == new.provenance.get("zlib") else _PACKED
    for name in sorted(one.keys() | other.keys()):
        if name not in packed and one.get(name) != other.get(name):
            yield name


def _fields(record: Record) -> dict[str, object]:
    reason = (record.error or {}).get("reason")
    told = {"status": record.status, "reason": reason, "layers": list(record.layers), "history": record.history}
    asked = {name: value for name, value in record.cell.items() if name != "seeds"}  # of which a sample has fewer
    return {**asked, **record.metrics, **told}


def _network(run: Run, record: Record) -> object:
    """The digest of the dense network that the cell starts from; None where its board lacks it."""
    parent = run.get((record.cell.get("board"), str(record.cell.get("dense"))))
    return parent and parent.metrics.get("weights_sha256")


def _elsewhere(base: Record, new: Record) -> bool:
    """Whether both tell where they were run, and not the same: what is not told excuses nothing."""
    told = [(base.provenance.get(name), new.provenance.get(name)) for name in _ENVIRONMENT]
    return any(one != other for one, other in told if one is not None and other is not None)


def _name(record: Record) -> str:
    """Unique within a run: lines of a board may be called alike."""
    names = [str(record.cell.get(part, "")) for part in ("board", "group", "method", "setting")]
    return " ".join(filter(None, [*names, f"seed {record.cell.get('seed')} ({record.key[:12]})"]))
