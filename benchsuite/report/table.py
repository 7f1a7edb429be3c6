"""A board as a table: for the terminal in 100 columns, and as markdown."""

from collections.abc import Iterable, Iterator, Sequence

import tabulate

from benchsuite.metrics.statistics import Summary
from benchsuite.report.lines import Line, Table

tabulate.MIN_PADDING = 0  # of headings: with them the table would not fit in 100 columns

_NOTHING = "–"
_HEADINGS = ("method", "setting", "accuracy %", "Δ dense", "random", "sparse", "bits", "size", "MACs")
_SOLUTIONS = ("method", "setting", "loss", "support", "weights")
_WIDTHS = (18, 20)

_LEGEND = """\
accuracy %: top-1 on the test set after the last epoch, mean ± sample standard deviation over seeds · \
Δ dense: mean paired change against the same seed's dense parent, in points · \
random: accuracy of the control, random masks of the same sparsity per layer and the same training · \
sparse: zeros / weights of Linear and Conv layers · bits: mean bit width of those weights · \
size: bytes of the dense float32 model / bytes of this one, bit-packed and compressed · \
MACs: multiply-accumulates of one example that have a non-zero weight."""


_SOLUTION_LEGEND = """\
loss: the training loss at the end · support: which weights are not exactly zero · weights: all of them."""


def legend(tables: Iterable[Table]) -> str:
    """What the columns of the tables mean."""
    classified = {_classified(lines) for table in tables for lines in table.groups.values()}
    return " · ".join([_LEGEND] * (True in classified) + [_SOLUTION_LEGEND] * (False in classified))


def terminal(table: Table) -> str:
    """The table in at most 100 columns; a board of several dense trainings has one part for each."""
    return "\n\n".join(_parts(table, "simple", "{}\n\n"))


def markdown(table: Table) -> str:
    """The table in GitHub's markdown, in as many parts."""
    return "\n\n".join(_parts(table, "github", "**{}**\n\n"))


def _parts(table: Table, form: str, heading: str) -> Iterator[str]:
    groups = table.groups
    if all(len(lines) == 1 for lines in groups.values()):  # dense trainings alone, side by side
        groups = {"": [line for lines in groups.values() for line in lines]}
    for group, lines in groups.items():
        yield (heading.format(group) if group else "") + _tabulated(lines, form)


def _tabulated(lines: Sequence[Line], form: str) -> str:
    headings, rows = (_HEADINGS, map(_measures, lines)) if _classified(lines) else (_SOLUTIONS, map(_solved, lines))
    text: str = tabulate.tabulate(
        [[line.method, line.setting, *row] for line, row in zip(lines, rows, strict=True)],
        headings,
        tablefmt=form,
        disable_numparse=True,
        maxcolwidths=[*_WIDTHS, *[None] * (len(headings) - len(_WIDTHS))] if form == "simple" else None,
        colalign=("left", "left", *("right",) * (len(headings) - 2)),
    )
    return text


def _classified(lines: Sequence[Line]) -> bool:
    """Whether the lines are told by their accuracy, or by the few weights that are their result."""
    return any(line.metric("accuracy") for line in lines) or not any(_solution(line) for line in lines)


def _solved(line: Line) -> list[str]:
    """Of a network whose few weights are its result: the loss, which weights are not zero, and all of them."""
    loss = line.metric("loss")
    if not line.complete or loss is None:
        return [line.state or "diverged", _NOTHING, _NOTHING]
    support = line.records[0].metrics["support"]
    shown = f"{{{', '.join(map(str, support))}}}" if isinstance(support, list) else _NOTHING
    return [f"{loss.mean:.6g}", shown, " ".join(f"{weight:+.5f}" for weight in _solution(line))]


def _solution(line: Line) -> list[float]:
    weights = line.records[0].metrics.get("solution")
    return weights if isinstance(weights, list) else []


def _measures(line: Line) -> list[str]:
    if not line.complete:
        return [line.state, *[_NOTHING] * (len(_HEADINGS) - 3)]
    control = line.control("accuracy")
    return [
        _with_spread(line.metric("accuracy")),
        _NOTHING if line.role == "dense" else _number(line.change("accuracy"), "+.1f"),
        _number(control, ".1f"),
        _number(line.metric("sparsity"), ".3f"),
        _number(line.metric("bits_per_weight"), ".3g"),
        _number(line.metric("compression"), ".1f", "×"),
        _count(line.metric("effective_macs")),
    ]


def _with_spread(summary: Summary | None) -> str:
    if summary is None:
        return _NOTHING
    return f"{summary.mean:.2f}" + (f" ± {summary.spread:.2f}" if summary.spread is not None else "")


def _number(summary: Summary | None, form: str, unit: str = "") -> str:
    return _NOTHING if summary is None else f"{summary.mean:{form}}{unit}".replace("-", "−")


def _count(summary: Summary | None) -> str:
    if summary is None:
        return _NOTHING
    value = summary.mean
    for unit in ("", "k", "M", "G"):
        if value < 1000 or unit == "G":
            break
        value /= 1000
    return f"{value:#.3g}".rstrip(".") + unit
