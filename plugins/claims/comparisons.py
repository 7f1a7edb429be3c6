"""Rows against lines of their sparsity: the rows matched to them and their random controls, by the paired test."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from scipy.stats import false_discovery_control

from benchsuite.metrics.paired import Estimate
from benchsuite.store import Record

from .rows import Board, Row, rows

_RATE = 0.05

Key = tuple[tuple[str, ...], tuple[str, ...]]
"""The keys of the records on both sides: boards may share networks."""


class Against(NamedTuple):
    """The two sides of a comparison, in words."""

    heading: str
    sentence: str


RANDOM = Against("random", "the row against its random control")


def rival(name: str) -> Against:
    """Return the sides where the row stands against the one that is matched to it."""
    return Against(name, f"the row against {name}")


def controls(name: str) -> Against:
    """Return the sides where the row's random control stands against that of the row matched to it."""
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
    key: Key
    """Equal for a comparison that another board repeats."""

    @property
    def sign(self) -> int:
        """1 if the row is better, −1 if it is worse, 0 if they cannot be told apart."""
        return (1 if self.estimate.change > 0 else -1) if self.discovered else 0


def comparisons(boards: Iterable[Board], where: Mapping[str, object]) -> tuple[list[Comparison], int]:
    """Return the comparisons of the rows that another row is matched to, and the number of those without a result.

    A comparison that several boards hold is tested once, with the dispersions of the first of them, and has one
    verdict in all.
    """
    pairs = [pair for row in rows(boards, where) for pair in _pairs(row)]
    estimates = {
        pair.key: estimate
        for pair in reversed(pairs)  # the first board stands
        if pair.is_whole and (estimate := pair.row.board.effects.between(pair.base, pair.new))
    }
    holes = len({pair.key for pair in pairs}) - len(estimates)
    if not estimates:
        return [], holes
    chances = [min(1.0, 2 * min(estimate.p_worse, estimate.p_better)) for estimate in estimates.values()]
    controlled = dict(zip(estimates, false_discovery_control(chances, method="bh"), strict=True))
    tested = [
        Comparison(pair.row, pair.against, estimates[pair.key], bool(controlled[pair.key] <= _RATE), pair.key)
        for pair in pairs
        if pair.key in estimates
    ]
    return tested, holes


class _Pair(NamedTuple):
    row: Row
    against: Against
    base: Sequence[Record]
    new: Sequence[Record]

    @property
    def key(self) -> Key:
        return tuple(record.key for record in self.base), tuple(record.key for record in self.new)

    @property
    def is_whole(self) -> bool:
        """Whether every seed has a result on both sides."""
        return all(
            len(side) == self.row.line.seeds and all(record.status == "ok" for record in side)
            for side in (self.base, self.new)
        )


def _pairs(row: Row) -> Iterator[_Pair]:
    line = row.line
    rivals = {other.line.number: other for record in line.records for other in row.board.matched.get(record.key, [])}
    for other in rivals.values():
        yield _Pair(row, rival(other.kind), other.line.records, line.records)
        if other.line.controls and line.controls:
            yield _Pair(row, controls(other.kind), other.line.controls, line.controls)
    if rivals and line.controls:
        yield _Pair(row, RANDOM, line.controls, line.records)
