"""A board as a table for the terminal, in 100 columns."""

from collections.abc import Iterable, Sequence

import tabulate

from benchsuite.report.formats import NOTHING, brief, count, number, with_spread
from benchsuite.results import BoardResults, Line
from benchsuite.safe import cells, one_line

tabulate.MIN_PADDING = 0  # of headings: with them the table would not fit in 100 columns

_HEADINGS = ("method", "setting", "accuracy %", "Δ dense", "random", "sparse", "bits", "size", "MACs")
SOLUTIONS = ("method", "setting", "loss", "support", "weights")
_WIDTHS = (18, 20)

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
        (f"{one_line(group)}\n\n" if group else "") + _tabulated(lines) for group, lines in parts(results).items()
    )


def parts(results: BoardResults) -> dict[str, list[Line]]:
    """Return the lines by their heading: the dense training, or nothing where each has a single line."""
    groups = results.groups
    if all(len(lines) == 1 for lines in groups.values()):
        return {"": [line for lines in groups.values() for line in lines]}
    return groups


def _tabulated(lines: Sequence[Line]) -> str:
    headings, rows = (_HEADINGS, map(_measures, lines)) if classified(lines) else (SOLUTIONS, map(solved, lines))
    text: str = tabulate.tabulate(
        cells([line.method, brief(line.setting), *row] for line, row in zip(lines, rows, strict=True)),
        headings,
        tablefmt="simple",
        disable_numparse=True,
        maxcolwidths=[*_WIDTHS, *[None] * (len(headings) - len(_WIDTHS))],
        colalign=("left", "left", *("right",) * (len(headings) - 2)),
    )
    return text


def classified(lines: Sequence[Line]) -> bool:
    """Return whether the lines are ranked by their accuracy, not by the few weights that are their result."""
    return any(line.metric("accuracy") for line in lines) or not any(line.records[0].metrics.solution for line in lines)


def solved(line: Line) -> list[str]:
    """Return loss, support and weights of a network whose few weights are its result."""
    loss = line.metric("loss")
    if not line.complete or loss is None:
        return [line.state or "diverged", NOTHING, NOTHING]
    metrics = line.records[0].metrics
    support = NOTHING if metrics.support is None else f"{{{', '.join(map(str, metrics.support))}}}"
    return [f"{loss.mean:.6g}", support, " ".join(f"{weight:+.5f}" for weight in metrics.solution or ())]


def _measures(line: Line) -> list[str]:
    if not line.complete:
        return [line.state, *[NOTHING] * (len(_HEADINGS) - 3)]
    control = line.control("accuracy")
    return [
        with_spread(line.metric("accuracy")),
        NOTHING if line.role == "dense" else number(line.change("accuracy"), "+.1f"),
        number(control, ".1f"),
        number(line.metric("sparsity"), ".3f"),
        number(line.metric("bits_per_weight"), ".3g"),
        number(line.metric("compression"), ".1f", "×"),
        count(line.metric("effective_macs")),
    ]
