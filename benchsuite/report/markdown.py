"""Lines as a table in GitHub's markdown: with intervals, and each comparison marked by what the paired test says."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import tabulate

from benchsuite.report.formats import NOTHING, brief, count, number, with_margin, with_spread
from benchsuite.report.table import SOLUTIONS, classified, solved
from benchsuite.results import Line, Ranking

LEVEL, HIGHER, TIE = "≈", "▲", "="
LEGEND = f"""\
- **accuracy %**: top-1 on the test set after the last epoch, mean ± sample standard deviation over seeds. Bold: the
  highest of its kind, that is of the rows of a dense network that were asked for the same and trained, or not trained,
  after; {TIE}: not distinguishable from it, by tests that are all right at once in 95 % of cases (Bonferroni).
- **Δ dense**: paired change against the same seed's dense network ± half the width of its 95 % interval, in points. The
  interval is that of `benchsuite compare`: the spread of a row over its seeds is moderated by that of all rows of the
  board, since few seeds tell little of it; so a row that two boards share has another interval on each.
- **before**: accuracy before the training that followed compression.
- **random**: accuracy of random masks of the same sparsity per layer with the same training; a column such as
  *magnitude*: of the method that it names, at the row's sparsity. There {LEVEL} is not distinguishable from the row,
  and {HIGHER} better than the row by the paired test; unmarked ones are worse. Each of these marks is one test
  at 5 %: among many rows that are equal, one in twenty is told apart.
- **sparse**: zeros / weights of Linear and Conv layers; **bits**: mean bit width of those weights; **size**: bytes of
  the dense model as plain float32 / bytes of this one, bit-packed and compressed by zlib, which makes a dense model
  smaller, too; **MACs**: multiply-accumulates of one example that have a non-zero weight."""

_MARKS = {"better": "", "level": f" {LEVEL}", "worse": f" {HIGHER}", None: ""}
_FLOAT = "32"


class _Column(NamedTuple):
    heading: str
    cell: Callable[[Line], str]


def markdown(ranking: Ranking, lines: Sequence[Line]) -> str:
    """A table of the lines; columns that tell nothing of any of them are left out."""
    if not classified(lines):
        return grid(SOLUTIONS, [[line.method, brief(line.setting), *solved(line)] for line in lines])
    columns = {column.heading: [column.cell(line) for line in lines] for column in _columns(ranking, lines)}
    told = {heading: cells for heading, cells in columns.items() if not _is_idle(heading, cells)}
    return grid(["method", "setting", *told], [[*_name(ranking, line), *row] for line, row in _rows(lines, told)])


def grid(headings: Sequence[str], rows: Sequence[Sequence[str]], words: int = 2) -> str:
    """Cells as a markdown table, the first columns to the left and the others to the right."""
    alignment = ("left",) * words + ("right",) * (len(headings) - words)
    text: str = tabulate.tabulate(rows, headings, tablefmt="pipe", disable_numparse=True, colalign=alignment)
    return text


def compared(ranking: Ranking, line: Line, other: Line) -> str:
    """The accuracy of another line beside this one's, marked by the paired test."""
    accuracy = other.metric("accuracy")
    return number(accuracy, ".1f") + _MARKS[ranking.against(line, other.records)] if accuracy else other.state


def beside_random(ranking: Ranking, line: Line) -> str:
    """The accuracy of the line's random control, marked so."""
    accuracy = line.control("accuracy")
    return number(accuracy, ".1f") + _MARKS[ranking.against(line, line.controls)] if accuracy else NOTHING


def _columns(ranking: Ranking, lines: Sequence[Line]) -> list[_Column]:
    relations, ranks = ranking.relations, ranking.ranks(lines)
    matched = dict.fromkeys(heading for line in lines for heading in relations.matched.get(line.number, ()))

    def accuracy(line: Line) -> str:
        if not line.complete:
            return line.state
        text = with_spread(line.metric("accuracy"))
        return {"best": f"**{text}**", "tie": f"{text} {TIE}", None: text}[ranks.get(line.number)]

    def before(line: Line) -> str:
        mark = relations.before.get(line.number)
        return NOTHING if mark is None else number(mark.metric("accuracy"), ".1f") if mark.complete else mark.state

    def beside(heading: str) -> Callable[[Line], str]:
        def cell(line: Line) -> str:
            other = relations.matched.get(line.number, {}).get(heading)
            return compared(ranking, line, other) if other else NOTHING

        return cell

    return [
        _Column("accuracy %", accuracy),
        _Column("Δ dense", lambda line: with_margin(ranking.change(line))),
        _Column("before", before),
        _Column("random", lambda line: beside_random(ranking, line)),
        *(_Column(heading, beside(heading)) for heading in matched),
        _Column("sparse", lambda line: number(line.metric("sparsity"), ".3f")),
        _Column("bits", lambda line: number(line.metric("bits_per_weight"), ".3g")),
        _Column("size", lambda line: number(line.metric("compression"), ".1f", "×")),
        _Column("MACs", lambda line: count(line.metric("effective_macs"))),
    ]


def _is_idle(heading: str, cells: Sequence[str]) -> bool:
    return set(cells) <= ({NOTHING, _FLOAT} if heading == "bits" else {NOTHING})


def _name(ranking: Ranking, line: Line) -> tuple[str, str]:
    fewer = f" (n = {line.seeds})" if line.seeds < ranking.seeds else ""
    return (f"**{line.method}**" if line.role == "dense" else line.method), brief(line.setting) + fewer


def _rows(lines: Sequence[Line], columns: dict[str, list[str]]) -> list[tuple[Line, list[str]]]:
    return [(line, [cells[place] for cells in columns.values()]) for place, line in enumerate(lines)]
