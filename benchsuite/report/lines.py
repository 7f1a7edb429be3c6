"""From records to the lines of a board: the seeds of a cell side by side, nothing aggregated over a hole."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from benchsuite.metrics.statistics import Summary, paired_change, summarize
from benchsuite.safe import markdown
from benchsuite.store import Record


@dataclass(frozen=True)
class Line:
    """One method at one setting, over the seeds of the board."""

    number: int
    role: str
    group: str
    """Which dense training it starts from, where the board has several."""
    method: str
    setting: str
    records: tuple[Record, ...]
    """By seed."""
    parents: tuple[Record, ...]
    """The dense parent of each."""
    controls: tuple[Record, ...]
    """The random control of each; empty where there is none."""
    seeds: int
    """How many were planned: an interrupted run leaves fewer records."""

    @property
    def complete(self) -> bool:
        """Whether every seed has a result."""
        return not self.state

    @property
    def state(self) -> str:
        """What became of the seeds that have no result, such as "failed 1/3"; empty if all have one."""
        holes = [record.status for record in self.records if record.status != "ok"]
        told = {str(status): holes.count(status) for status in holes}
        if len(self.records) < self.seeds:
            told["missing"] = self.seeds - len(self.records)
        return ", ".join(f"{status} {count}/{self.seeds}" for status, count in told.items())

    def metric(self, name: str) -> Summary | None:
        """A metric over the seeds; None unless all have it."""
        values = self._values(self.records, name)
        return summarize(values) if values else None

    def control(self, name: str) -> Summary | None:
        """The random control's metric over the seeds; None unless all have it."""
        values = self._values(self.controls, name)
        return summarize(values) if values else None

    def change(self, name: str) -> Summary | None:
        """The paired change of a metric against the dense parents; None unless all have it."""
        own, parents = self._values(self.records, name), self._values(self.parents, name)
        return paired_change(own, parents) if own and parents else None

    def _values(self, records: Sequence[Record], name: str) -> list[float]:
        """One finite value per seed, or none at all if one is missing."""
        values = [record.metrics.get(name) for record in records if record.status == "ok"]
        found = [float(value) for value in values if isinstance(value, int | float) and math.isfinite(value)]
        return found if len(found) == self.seeds else []


@dataclass(frozen=True)
class Table:
    """A board's lines and what its heading says."""

    board: str
    title: str
    question: str
    rank_by: str | None
    lines: tuple[Line, ...]

    @property
    def groups(self) -> dict[str, list[Line]]:
        """The lines that are shown, by the dense training they start from: it first, then its rows, by rank if any."""
        found: dict[str, list[Line]] = {}
        for line in self.lines:
            if line.role != "control":
                found.setdefault(line.group, []).append(line)
        if self.rank_by:
            for lines in found.values():
                lines.sort(key=self._rank)
        return found

    def _rank(self, line: Line) -> tuple[bool, bool, float]:
        summary = line.metric(str(self.rank_by))
        sign = 1 if self.rank_by in {"loss", "effective_macs", "bits_per_weight", "size_bytes"} else -1
        return line.role != "dense", summary is None, sign * summary.mean if summary else 0.0


def escaped(table: Table) -> Table:
    """The table with its names as markdown shows them: they come from boards and plugins."""
    lines = [
        replace(line, group=markdown(line.group), method=markdown(line.method), setting=markdown(line.setting))
        for line in table.lines
    ]
    return replace(table, title=markdown(table.title), question=markdown(table.question), lines=tuple(lines))


def tables(records: Iterable[Record]) -> list[Table]:
    """The tables of the boards that the records belong to, by name."""
    boards: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        boards[str(record.cell["board"])].append(record)
    return [_table(name, boards[name]) for name in sorted(boards)]


def _table(name: str, records: Sequence[Record]) -> Table:
    by_key = {record.key: record for record in records}
    lines: dict[int, list[Record]] = defaultdict(list)
    for record in records:
        lines[cast(int, record.cell["line"])].append(record)
    cell = records[0].cell
    rank_by = cell["rank_by"]
    return Table(
        board=name,
        title=str(cell["title"]),
        question=str(cell["question"]),
        rank_by=str(rank_by) if rank_by else None,
        lines=tuple(_line(number, lines[number], by_key) for number in sorted(lines)),
    )


def _line(number: int, records: list[Record], by_key: Mapping[str, Record]) -> Line:
    records.sort(key=lambda record: cast(int, record.cell["seed"]))
    cell = records[0].cell
    related = {
        name: tuple(by_key[key] for record in records if isinstance(key := record.cell[name], str) and key in by_key)
        for name in ("dense", "control")
    }
    return Line(
        number=number,
        role=str(cell["role"]),
        group=str(cell["group"]),
        method=str(cell["method"]),
        setting=str(cell["setting"]),
        records=tuple(records),
        parents=related["dense"],
        controls=related["control"],
        seeds=len(cast("list[int]", cell["seeds"])),
    )
