"""Tables of boards for the terminal, in 100 columns."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import tabulate

from benchsuite.report.columns import Table, brief_table, classified, parts
from benchsuite.results import BoardResults
from benchsuite.safe import cells, one_line

_WIDTHS = (18, 20)
"""Characters in the first columns; longer texts are wrapped."""

_LEGEND = """\
accuracy %: top-1 on the test set after the last epoch, mean ± sample standard deviation over seeds · \
Δ dense: mean paired change against the same seed's dense parent, in points · \
random: accuracy of the control, random masks of the same sparsity per layer and the same training · \
sparse: zeros / weights of Linear and Conv layers · bits: mean bit width of those weights · \
size: bytes of the dense model as plain float32 / bytes of this one, bit-packed and compressed by zlib, \
which makes a dense model smaller, too · \
MACs: multiply-accumulates of one example that have a non-zero weight."""


SOLUTION_LEGEND = """\
loss: the training loss at the end · support: which weights are not exactly zero · weights: all of them."""


def legend(boards: Iterable[BoardResults]) -> str:
    """Return the meaning of the columns of the boards' tables."""
    kinds = {classified(lines) for results in boards for lines in results.groups.values()}
    return " · ".join([_LEGEND] * (True in kinds) + [SOLUTION_LEGEND] * (False in kinds))


def terminal(results: BoardResults) -> str:
    """Return the table in at most 100 columns; a board of several dense trainings has a part for each."""
    return "\n\n".join(
        (f"{one_line(group)}\n\n" if group else "") + _tabulated(brief_table(lines))
        for group, lines in parts(results).items()
    )


@contextmanager
def narrow_headings() -> Iterator[None]:
    """Let tabulate make columns no wider than their headings and cells, for which it has a global alone."""
    padding = tabulate.MIN_PADDING
    tabulate.MIN_PADDING = 0
    try:
        yield
    finally:
        tabulate.MIN_PADDING = padding


def _tabulated(table: Table) -> str:
    numbers = len(table.columns) - len(_WIDTHS)
    with narrow_headings():
        text: str = tabulate.tabulate(
            cells([cell.text for cell in row] for row in table.rows),
            table.headings,
            tablefmt="simple",
            disable_numparse=True,
            maxcolwidths=[*_WIDTHS, *[None] * numbers],
            colalign=("left", "left", *("right",) * numbers),
        )
    return text
