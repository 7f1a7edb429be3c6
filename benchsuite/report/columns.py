"""Tables as values: columns of cells, made in one place and rendered for the terminal and for markdown."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from benchsuite.metrics.statistics import Summary
from benchsuite.report.formats import NOTHING, brief, count, number, with_margin, with_spread
from benchsuite.results import BoardResults, Line, Ranking, Verdict

Mark = Literal["dense", "best", "tie", "level", "higher"]
"""`dense`: a dense network; `best` and `tie`: the rank; `level` and `higher`: by the paired test, against the row."""

_MARKS: dict[Verdict | None, Mark | None] = {"better": None, "level": "level", "worse": "higher", None: None}
_FLOAT = "32"


@dataclass(frozen=True)
class Cell:
    """A value as text, without the signs that a renderer has for its mark."""

    text: str
    value: float | None = None
    """The number behind the text, to sort by; None without one."""
    mark: Mark | None = None


@dataclass(frozen=True)
class Column:
    """Cells under a heading."""

    heading: str
    cells: tuple[Cell, ...]

    @property
    def is_idle(self) -> bool:
        """True if no cell has anything to say: no value, or the width of floats under *bits*."""
        idle = {NOTHING, _FLOAT} if self.heading == "bits" else {NOTHING}
        return {cell.text for cell in self.cells} <= idle


@dataclass(frozen=True)
class Table:
    """Columns of equally many cells: words in the first two, measurements in the others."""

    columns: tuple[Column, ...]

    @property
    def headings(self) -> list[str]:
        """The headings of the columns."""
        return [column.heading for column in self.columns]

    @property
    def rows(self) -> list[tuple[Cell, ...]]:
        """The cells, row by row."""
        return list(zip(*(column.cells for column in self.columns), strict=True))


_Measure = tuple[str, Callable[[Line], Cell]]
"""A heading, and the cell of a line under it."""


def brief_table(lines: Sequence[Line]) -> Table:
    """Return the lines with their means, in the columns that a terminal has room for."""
    if not classified(lines):
        return _table([_named(line) for line in lines], lines, _SOLUTION)
    first = (("accuracy %", accuracy), ("Δ dense", _mean_change), ("random", _mean_control))
    return _table([_named(line) for line in lines], lines, (*first, *_SIZES))


def full_table(ranking: Ranking, lines: Sequence[Line]) -> Table:
    """Return the lines with intervals, marks, and the other lines beside each; idle columns are left out."""
    if not classified(lines):
        return brief_table(lines)
    names = [_named(line, "dense" if line.role == "dense" else None, _fewer(ranking, line)) for line in lines]
    table = _table(names, lines, (*_comparisons(ranking, lines), *_SIZES))
    return Table((*table.columns[:2], *(column for column in table.columns[2:] if not column.is_idle)))


def parts(results: BoardResults) -> dict[str, list[Line]]:
    """Return the lines by their heading: the dense training, or nothing where each has a single line."""
    groups = results.groups
    if all(len(lines) == 1 for lines in groups.values()):
        return {"": [line for lines in groups.values() for line in lines]}
    return groups


def classified(lines: Sequence[Line]) -> bool:
    """Return whether the lines are ranked by their accuracy, not by the few weights that are their result."""
    return any(line.metric("accuracy") for line in lines) or not any(line.records[0].metrics.solution for line in lines)


def accuracy(line: Line) -> Cell:
    """Return the accuracy with its spread, or the fate of the seeds that have none."""
    summary = line.metric("accuracy")
    return _cell(summary, with_spread(summary)) if line.complete else Cell(line.state)


def change(ranking: Ranking, line: Line) -> Cell:
    """Return the change of accuracy against the dense network with its interval."""
    estimate = ranking.change(line)
    return Cell(with_margin(estimate), estimate.change if estimate else None)


def random_control(ranking: Ranking, line: Line) -> Cell:
    """Return the accuracy of the line's random control, marked by the paired test."""
    summary = line.control("accuracy")
    mark = _MARKS[ranking.against(line, line.controls)] if summary else None
    return _cell(summary, number(summary, ".1f"), mark)


def sparsity(line: Line) -> Cell:
    """Return the share of the weights that are zero."""
    return _cell(summary := line.metric("sparsity"), number(summary, ".3f"))


def _table(names: Iterable[tuple[Cell, Cell]], lines: Sequence[Line], measures: Sequence[_Measure]) -> Table:
    methods, settings = zip(*names, strict=True)
    measured = (Column(heading, tuple(map(cell, lines))) for heading, cell in measures)
    return Table((Column("method", methods), Column("setting", settings), *measured))


def _named(line: Line, mark: Mark | None = None, remark: str = "") -> tuple[Cell, Cell]:
    return Cell(line.method, mark=mark), Cell(brief(line.setting) + remark)


def _fewer(ranking: Ranking, line: Line) -> str:
    return f" (n = {line.seeds})" if line.seeds < ranking.seeds else ""


def _comparisons(ranking: Ranking, lines: Sequence[Line]) -> list[_Measure]:
    relations, ranks = ranking.relations, ranking.ranks(lines)
    matched = dict.fromkeys(heading for line in lines for heading in relations.matched.get(line.number, ()))

    def ranked(line: Line) -> Cell:
        cell = accuracy(line)
        return Cell(cell.text, cell.value, ranks.get(line.number)) if line.complete else cell

    def before(line: Line) -> Cell:
        mark = relations.before.get(line.number)
        return _mean_accuracy(mark) if mark else Cell(NOTHING)

    def beside(heading: str) -> Callable[[Line], Cell]:
        def cell(line: Line) -> Cell:
            other = relations.matched.get(line.number, {}).get(heading)
            return _other(ranking, line, other) if other else Cell(NOTHING)

        return cell

    return [
        ("accuracy %", ranked),
        ("Δ dense", lambda line: change(ranking, line)),
        ("before", before),
        ("random", lambda line: random_control(ranking, line)),
        *((heading, beside(heading)) for heading in matched),
    ]


def _other(ranking: Ranking, line: Line, other: Line) -> Cell:
    """Return the accuracy of another line beside this one's, marked by the paired test."""
    summary = other.metric("accuracy")
    if not summary:
        return Cell(other.state)
    return _cell(summary, number(summary, ".1f"), _MARKS[ranking.against(line, other.records)])


def _mean_accuracy(line: Line) -> Cell:
    summary = line.metric("accuracy")
    return _cell(summary, number(summary, ".1f")) if line.complete else Cell(line.state)


def _mean_change(line: Line) -> Cell:
    summary = line.change("accuracy") if line.complete and line.role != "dense" else None
    return _cell(summary, number(summary, "+.1f"))


def _mean_control(line: Line) -> Cell:
    summary = line.control("accuracy") if line.complete else None
    return _cell(summary, number(summary, ".1f"))


def _bits(line: Line) -> Cell:
    return _cell(summary := line.metric("bits_per_weight"), number(summary, ".3g"))


def _compression(line: Line) -> Cell:
    return _cell(summary := line.metric("compression"), number(summary, ".1f", "×"))


def _macs(line: Line) -> Cell:
    return _cell(summary := line.metric("effective_macs"), count(summary))


def _loss(line: Line) -> Cell:
    summary = line.metric("loss")
    return Cell(f"{summary.mean:.6g}", summary.mean) if summary and line.complete else Cell(line.state or "diverged")


def _support(line: Line) -> Cell:
    support = line.records[0].metrics.support if _has_solution(line) else None
    return Cell(NOTHING if support is None else f"{{{', '.join(map(str, support))}}}")


def _weights(line: Line) -> Cell:
    if not _has_solution(line):
        return Cell(NOTHING)
    return Cell(" ".join(f"{weight:+.5f}" for weight in line.records[0].metrics.solution or ()))


def _has_solution(line: Line) -> bool:
    return line.complete and line.metric("loss") is not None


def _cell(summary: Summary | None, text: str, mark: Mark | None = None) -> Cell:
    return Cell(text, summary.mean if summary else None, mark)


_SIZES: tuple[_Measure, ...] = (("sparse", sparsity), ("bits", _bits), ("size", _compression), ("MACs", _macs))
_SOLUTION: tuple[_Measure, ...] = (("loss", _loss), ("support", _support), ("weights", _weights))
