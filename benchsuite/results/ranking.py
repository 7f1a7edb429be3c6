"""The standing of a board's lines: against their dense parents, their controls, and the best of their kind."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from functools import cached_property
from typing import Literal

from benchsuite.metrics.paired import Estimate
from benchsuite.results.effects import Effects, distinguishable
from benchsuite.results.lines import BoardResults, Line
from benchsuite.results.relations import Relations
from benchsuite.results.step_queries import budget
from benchsuite.store.record import Record

Verdict = Literal["better", "level", "worse"]
Rank = Literal["best", "tie"]


class Ranking:
    """One board with its relations and effects: what every page about it is made from."""

    def __init__(self, results: BoardResults) -> None:
        self.results = results
        self.relations = Relations(results)
        self._effects = Effects(results)

    @cached_property
    def rows(self) -> list[Line]:
        """All lines but the controls, in the order of the table."""
        return [line for lines in self.results.groups.values() for line in lines]

    @cached_property
    def primary(self) -> list[Line]:
        """The rows that stand by themselves, not beside another."""
        return [line for line in self.rows if not self.relations.is_secondary(line)]

    @cached_property
    def unmatched(self) -> list[Line]:
        """The rows that are methods in their own right, with what was measured before their training."""
        return [line for line in self.rows if line.number not in self.relations.headings]

    @property
    def seeds(self) -> int:
        """Number of seeds of the board; a line of fewer says so."""
        return max(line.seeds for line in self.results.lines)

    def change(self, line: Line) -> Estimate | None:
        """Return the accuracy against the dense parents, in points; None for a dense line and over a hole."""
        return None if line.role == "dense" else self._effects.change(line)

    def against(self, line: Line, others: Sequence[Record], comparisons: int = 1) -> Verdict | None:
        """Return whether the line's accuracy is distinguishable from that of others with the same seeds.

        comparisons: number of such questions of which, together, none is to be wrong, at 5 %. None over a hole.
        """
        estimate = self._effects.between(others, line.records)
        if estimate is None:
            return None
        return "level" if not distinguishable(estimate, comparisons) else "better" if estimate.change > 0 else "worse"

    def best(self, lines: Sequence[Line]) -> tuple[Line, list[Line]] | None:
        """Return the line of the highest accuracy, and those not distinguishable from it; None without a result."""
        complete = [(summary.mean, line) for line in lines if (summary := line.metric("accuracy"))]
        if not complete:
            return None
        best = max(complete, key=lambda pair: pair[0])[1]
        others = [line for _, line in complete if line is not best]
        return best, [line for line in others if self.against(line, best.records, len(others)) == "level"]

    def ranks(self, lines: Sequence[Line]) -> dict[int, Rank]:
        """Return among these lines, by number, the best of each kind and those not distinguishable from it.

        A kind is the rows of a dense network that were asked for the same and trained, or not trained, after; a row
        alone has no rank.
        """
        kinds: dict[Hashable, list[Line]] = defaultdict(list)
        for line in lines:
            if line.role == "row" and not self.relations.is_secondary(line):
                kinds[line.group, budget(line), line.chain.is_tuned].append(line)
        ranks: dict[int, Rank] = {}
        for alike in kinds.values():
            if len(alike) > 1 and (first := self.best(alike)):
                best, ties = first
                ranks |= {best.number: "best", **dict.fromkeys((line.number for line in ties), "tie")}
        return ranks
