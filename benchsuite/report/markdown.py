"""Tables in GitHub's markdown: with intervals, and each comparison marked by the result of the paired test."""

from collections.abc import Sequence

import tabulate

from benchsuite.report.columns import Cell, Mark, full_table
from benchsuite.report.table import narrow_headings
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

_FORMS: dict[Mark | None, str] = {
    "dense": "**{}**",
    "best": "**{}**",
    "tie": f"{{}} {TIE}",
    "level": f"{{}} {LEVEL}",
    "higher": f"{{}} {HIGHER}",
    None: "{}",
}


def markdown(ranking: Ranking, lines: Sequence[Line]) -> str:
    """Return a table of the lines, whose names are those of a page."""
    table = full_table(ranking, lines)
    return grid(table.headings, [list(map(marked, row)) for row in table.rows])


def grid(headings: Sequence[str], rows: Sequence[Sequence[str]], words: int = 2) -> str:
    """Return cells as a markdown table, the first columns to the left and the others to the right."""
    alignment = ("left",) * words + ("right",) * (len(headings) - words)
    with narrow_headings():
        text: str = tabulate.tabulate(rows, headings, tablefmt="pipe", disable_numparse=True, colalign=alignment)
    return text


def marked(cell: Cell) -> str:
    """Return a cell's text with the sign of its mark."""
    return _FORMS[cell.mark].format(cell.text)
