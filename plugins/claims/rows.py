"""The rows of boards that a claim is about, selected by their pruner and its fields."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from benchsuite.chain import JSON, Prune, Quantize
from benchsuite.results import BoardResults, Effects, Line, Relations

OF_ROWS = frozenset({"board", "pruner", "seeds"})
"""The names that a row has beside the fields of its pruner."""
OF_TABLES = frozenset({"network", "variant"})
"""The names by which tables divide rows too, and which select none."""

_UNSPOKEN = frozenset({"source", "matched_to"})
"""Parts of a step that tell no variants apart: a sweep is matched to another outcome at each of its points."""
_NAMES = frozenset({"name", "schedule"})
"""Parts of a step whose values speak for themselves."""

_Place = tuple[int | str, ...]
"""The number of a step in its chain, and the path to a value in its JSON form."""


@dataclass(frozen=True)
class Board:
    """The lines of a board, and the differences between them."""

    results: BoardResults
    effects: Effects

    @property
    def name(self) -> str:
        """The name of the board."""
        return self.results.board

    @cached_property
    def relations(self) -> Relations:
        """The relations between its lines."""
        return Relations(self.results)

    @cached_property
    def rows(self) -> "Sequence[Row]":
        """The rows whose last compression is a pruning."""
        lines = [line for line in self.results.lines if line.role == "row"]
        return [Row(self, line, pruning) for line in lines if (pruning := _last_pruning(line))]

    @cached_property
    def matched(self) -> "Mapping[str, Sequence[Row]]":
        """By the key of a record, the rows whose sparsity is that of its outcome, seed by seed."""
        matched: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows:
            if row.pruning.matched_to:
                matched[row.pruning.matched_to.key].append(row)
        return matched

    @cached_property
    def differing(self) -> Mapping[str, frozenset[_Place]]:
        """By method, the places where the chains of its rows have different values."""
        values: dict[str, dict[_Place, set[str]]] = defaultdict(lambda: defaultdict(set))
        for row in self.rows:
            for place, value in _values(row.line):
                values[row.line.method][place].add(repr(value))
        return {
            method: frozenset(place for place, different in places.items() if len(different) > 1)
            for method, places in values.items()
        }


@dataclass(frozen=True)
class Row:
    """A line of a board whose last compression is a pruning."""

    board: Board
    line: Line
    pruning: Prune

    @property
    def kind(self) -> str:
        """The name of the rows that are matched to others as this one is; else that of its pruner."""
        return self.board.relations.headings.get(self.line.number, self.pruning.pruner.name)

    @cached_property
    def fields(self) -> Mapping[str, JSON]:
        """The pruner's fields, and those of OF_ROWS: the names of pruner and board, and the number of planned seeds."""
        pruner = self.pruning.pruner
        return {**pruner.settings(), "pruner": pruner.name, "board": self.board.name, "seeds": self.line.seeds}

    def has(self, where: Mapping[str, object]) -> bool:
        """Return whether its fields have all of the values, or one of each list of values."""
        return all(self.fields.get(name) in listed(wanted) for name, wanted in where.items())

    def variant(self, along: str) -> str:
        """Return the method with everything but the field `along` that tells its rows apart.

        Switches that are on stand by their names, even if they are on in all rows of the method.
        """
        number = max(number for number, step in enumerate(self.line.chain.steps) if isinstance(step, Prune))
        swept, differing = (number, "pruner", "fields", along), self.board.differing[self.line.method]
        words = [
            _in_words(place[-1], value)
            for place, value in _values(self.line)
            if place != swept and value is not False and (value is True or place in differing)
        ]
        return " ".join([self.line.method, *words])

    def value(self, name: str, along: str) -> JSON:
        """Return the value by which a table lists it."""
        match name:
            case "network":
                return self.line.group
            case "variant":
                return self.variant(along)
        return self.fields.get(name)


def rows(boards: Iterable[Board], where: Mapping[str, object]) -> list[Row]:
    """Return the rows of the boards whose fields have these values."""
    return [row for board in boards for row in board.rows if row.has(where)]


def absent(boards: Iterable[Board], where: Mapping[str, object]) -> list[str]:
    """Return the boards that are asked for by name and have no records."""
    known = {board.name for board in boards}
    return [name for name in map(str, listed(where.get("board", []))) if name not in known]


def listed(wanted: object) -> list[object]:
    """Return the values of which one is wanted."""
    return wanted if isinstance(wanted, list) else [wanted]


def _last_pruning(line: Line) -> Prune | None:
    """Return the last compression; None if it is no pruning: a network quantized later is not the pruner's alone."""
    compressions = (step for step in reversed(line.chain.steps) if isinstance(step, Prune | Quantize))
    last = next(compressions, None)
    return last if isinstance(last, Prune) else None


def _values(line: Line) -> Iterator[tuple[_Place, JSON]]:
    """Yield the values in the JSON forms of the steps after the dense training, by their places."""
    for number, step in enumerate(line.chain.steps[1:], 1):
        yield from _leaves(step.to_json(), (number,))


def _leaves(value: JSON, place: _Place) -> Iterator[tuple[_Place, JSON]]:
    if not isinstance(value, Mapping):
        yield place, value
        return
    for name in [name for name in value if name not in _UNSPOKEN]:
        yield from _leaves(value[name], (*place, name))


def _in_words(name: str | int, value: JSON) -> str:
    if value is True:
        return str(name)
    text = "+".join(map(str, value)) or "none" if isinstance(value, list | tuple) else str(value)
    return text if name in _NAMES else f"{name} {text}"
