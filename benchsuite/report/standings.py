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

    def against(self, line: Line, others: Sequence[Record]) -> Verdict | None:
        """Whether the line's accuracy is distinguishable from that of others with the same seeds; None over a hole."""
        estimate = self._effects.between(others, line.records) if line.complete else None
        if estimate is None:
            return None
        return "level" if not distinguishable(estimate) else "better" if estimate.change > 0 else "worse"

    def rank(self, line: Line) -> Rank | None:
        """Best of its kind, or not distinguishable from the best; None of others, and where a kind is one line."""
        return self._ranks.get(line.number)

    def best(self, lines: Sequence[Line]) -> tuple[Line, list[Line]] | None:
        """The line of the highest accuracy, and those not distinguishable from it; None if none has a result."""
        whole = [(summary.mean, line) for line in lines if (summary := line.metric("accuracy"))]
        if not whole:
            return None
        best = max(whole, key=lambda one: one[0])[1]
        return best, [line for _, line in whole if line is not best and self.against(line, best.records) == "level"]

    @cached_property
    def _ranks(self) -> dict[int, Rank]:
        kinds: dict[Hashable, list[Line]] = defaultdict(list)
        for line in self.primary:
            if line.role == "row":
                kinds[line.group, budget(line), is_tuned(line)].append(line)
        found: dict[int, Rank] = {}
        for lines in kinds.values():
            if len(lines) > 1 and (first := self.best(lines)):
                best, ties = first
                found |= {best.number: "best", **dict.fromkeys((line.number for line in ties), "tie")}
        return found
