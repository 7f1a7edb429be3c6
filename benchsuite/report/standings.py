"""Where the lines of a table stand: against their dense parents, their controls, and the best of their kind."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from functools import cached_property
from typing import Literal

from benchsuite.metrics.paired import Estimate
from benchsuite.report.chains import budget, is_tuned
from benchsuite.report.effects import Effects, distinguishable
from benchsuite.report.lines import Line, Table
from benchsuite.report.relations import Relations
from benchsuite.store import Record

Verdict = Literal["better", "level", "worse"]
Rank = Literal["best", "tie"]


class Standings:
    """One table with its relations and effects: what every page about it is made from."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.relations = Relations(table)
        self._effects = Effects(table)

    @cached_property
    def rows(self) -> list[Line]:
        """All lines but the controls, in the order of the table."""
        return [line for lines in self.table.groups.values() for line in lines]

    @cached_property
    def primary(self) -> list[Line]:
        """The rows that are told by themselves, not beside another."""
        return [line for line in self.rows if not self.relations.is_secondary(line)]

    @cached_property
    def unmatched(self) -> list[Line]:
        """The rows that are methods of their own, with what was measured before their training."""
        return [line for line in self.rows if line.number not in self.relations.headings]

    @property
    def seeds(self) -> int:
        """How many the board has; a line of fewer says so."""
        return max(line.seeds for line in self.table.lines)

    def change(self, line: Line) -> Estimate | None:
        """Accuracy against the dense parents, in points; None of a dense line and over a hole."""
        return None if line.role == "dense" else self._effects.change(line)

    def against(self, line: Line, others: Sequence[Record], comparisons: int = 1) -> Verdict | None:
        """Whether the line's accuracy is distinguishable from that of others with the same seeds; None over a hole.

        comparisons: of how many together no one is to be wrong, at 5 %.
        """
        estimate = self._effects.between(others, line.records)
        if estimate is None:
            return None
        return "level" if not distinguishable(estimate, comparisons) else "better" if estimate.change > 0 else "worse"

    def best(self, lines: Sequence[Line]) -> tuple[Line, list[Line]] | None:
        """The line of the highest accuracy, and those not distinguishable from it; None if none has a result."""
        whole = [(summary.mean, line) for line in lines if (summary := line.metric("accuracy"))]
        if not whole:
            return None
        best = max(whole, key=lambda one: one[0])[1]
        others = [line for _, line in whole if line is not best]
        return best, [line for line in others if self.against(line, best.records, len(others)) == "level"]

    def ranks(self, lines: Sequence[Line]) -> dict[int, Rank]:
        """Of these lines, by number, the best of each kind and those not distinguishable from it.

        A kind are the rows of a dense network that were asked for the same and trained, or not trained, after; one row
        alone has no rank.
        """
        kinds: dict[Hashable, list[Line]] = defaultdict(list)
        for line in lines:
            if line.role == "row" and not self.relations.is_secondary(line):
                kinds[line.group, budget(line), is_tuned(line)].append(line)
        found: dict[int, Rank] = {}
        for alike in kinds.values():
            if len(alike) > 1 and (first := self.best(alike)):
                best, ties = first
                found |= {best.number: "best", **dict.fromkeys((line.number for line in ties), "tie")}
        return found
