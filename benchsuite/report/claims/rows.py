"""The rows of boards that a claim is about, by what their pruner is and has."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

from benchsuite.report.effects import Effects
from benchsuite.report.lines import Line, Table
from benchsuite.store import Record

OF_ROWS = frozenset({"board", "pruner", "seeds"})
"""What a row has beside the fields of its pruner."""
OF_TABLES = frozenset({"network", "variant"})
"""By which tables divide rows, too, and by which none is selected."""


@dataclass(frozen=True)
class Board:
    """A table and the differences between its lines."""

    table: Table
    effects: Effects

    @cached_property
    def matched(self) -> Mapping[str, Sequence[Line]]:
        """By the key of a record the rows whose sparsity is that of its outcome, seed by seed."""
        found: dict[str, list[Line]] = {}
        for line in self.table.lines:
            step = _pruning(line.records[0])
            if line.role == "row" and step and isinstance(key := step.get("matched_to"), str):
                found.setdefault(key, []).append(line)
        return found


@dataclass(frozen=True)
class Row:
    """A line of a board whose last compression is a pruning."""

    board: Board
    line: Line
    fields: Mapping[str, object]
    """The pruner's, and those of OF_ROWS: the names of the pruner and of the board, and how many seeds were planned."""

    def has(self, where: Mapping[str, object]) -> bool:
        """Whether its fields have all of the values, or one of each list of values."""
        return all(self.fields.get(name) in listed(wanted) for name, wanted in where.items())

    def variant(self, along: str) -> str:
        """The method and its setting, but for the field `along`."""
        setting = re.sub(rf"\b{re.escape(along)} \S+", "", self.line.setting)
        return " ".join([self.line.method, *setting.split()])

    def value(self, name: str, along: str) -> object:
        """What a table shows it under."""
        places = {"network": self.line.group, "variant": self.variant(along)}
        return places[name] if name in places else self.fields.get(name)


def rows(boards: Iterable[Board], where: Mapping[str, object]) -> list[Row]:
    """The rows of the boards whose fields are so."""
    return [row for board in boards for row in _rows(board) if row.has(where)]


def absent(boards: Iterable[Board], where: Mapping[str, object]) -> list[str]:
    """The boards that are asked for by name and have no records."""
    found = {board.table.board for board in boards}
    return [name for name in map(str, listed(where.get("board", []))) if name not in found]


def _rows(board: Board) -> Iterator[Row]:
    for line in board.table.lines:
        step = _pruning(line.records[0])
        if line.role == "row" and step:
            pruner = cast("Mapping[str, object]", step["pruner"])
            fields = cast("Mapping[str, object]", pruner["fields"])
            of_row = {"pruner": pruner["name"], "board": board.table.board, "seeds": line.seeds}
            yield Row(board, line, {**fields, **of_row})


def _pruning(record: Record) -> Mapping[str, object] | None:
    """The last compression; None if it is no pruning: what was quantized after it is not the pruner's alone."""
    steps = cast("list[Mapping[str, object]]", record.cell["steps"])
    last = next((step for step in reversed(steps) if step.get("pruner") or step.get("quantizer")), None)
    return last if last and last.get("pruner") else None


def listed(wanted: object) -> list[object]:
    """The values of which one is wanted."""
    return wanted if isinstance(wanted, list) else [wanted]
