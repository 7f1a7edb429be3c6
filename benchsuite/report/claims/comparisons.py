"""Rows against what has their sparsity: the rows matched to them and their random controls, by the paired test."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from scipy.stats import false_discovery_control

from benchsuite.metrics.paired import Estimate
from benchsuite.report.claims.rows import Board, Row, rows
from benchsuite.store import Record

_RATE = 0.05


class Against(NamedTuple):
    """What is compared, of a row."""

    heading: str
    sentence: str


RANDOM = Against("random", "the row against its random control")


def rival(name: str) -> Against:
    """The row against the one that is matched to it."""
    return Against(name, f"the row against {name}")


def controls(name: str) -> Against:
    """The random control of the row against that of the one matched to it."""
    return Against(f"{RANDOM.heading} as {name}", f"the random control of the row against that of {name}")


@dataclass(frozen=True)
class Comparison:
    """A difference between two lines of the same sparsity."""

    row: Row
    against: Against
    estimate: Estimate
    """In points; positive where the row, or its control, is better."""
    discovered: bool
    """Whether the difference is one, at a false discovery rate of 5 % over all comparisons of the claim."""

    @property
    def sign(self) -> int:
        """1 if the row is better, −1 if it is worse, 0 if they cannot be told apart."""
        return (1 if self.estimate.change > 0 else -1) if self.discovered else 0


def comparisons(boards: Iterable[Board], where: Mapping[str, object]) -> tuple[list[Comparison], int]:
    """Of the rows that another row is matched to; and how many there are not, for want of the result of a seed."""
    pairs = [pair for row in rows(boards, where) for pair in _pairs(row)]
    told = [
        (pair.row, pair.against, estimate)
        for pair in pairs
        if pair.whole and (estimate := pair.row.board.effects.between(pair.base, pair.new))
    ]
    if not told:
        return [], len(pairs)
    chances = [min(1.0, 2 * min(estimate.p_worse, estimate.p_better)) for _, _, estimate in told]
    controlled = false_discovery_control(chances, method="bh")
    found = [Comparison(*one, bool(chance <= _RATE)) for one, chance in zip(told, controlled, strict=True)]
    return found, len(pairs) - len(found)


class _Pair(NamedTuple):
    row: Row
    against: Against
    base: Sequence[Record]
    new: Sequence[Record]

    @property
    def whole(self) -> bool:
        """Whether every seed has a result on both sides."""
        return all(
            len(side) == self.row.line.seeds and all(record.status == "ok" for record in side)
            for side in (self.base, self.new)
        )


def _pairs(row: Row) -> Iterator[_Pair]:
    line = row.line
    rivals = {other.number: other for record in line.records for other in row.board.matched.get(record.key, [])}
    for other in rivals.values():
        name = other.method.partition(" (")[0]
        yield _Pair(row, rival(name), other.records, line.records)
        if other.controls and line.controls:
            yield _Pair(row, controls(name), other.controls, line.controls)
    if rivals and line.controls:
        yield _Pair(row, RANDOM, line.controls, line.records)
