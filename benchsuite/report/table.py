"""A board as a table: for the terminal in 100 columns, and as markdown."""

import tabulate

from benchsuite.metrics.statistics import Summary
from benchsuite.report.lines import Line, Table

tabulate.MIN_PADDING = 0  # of headings: with them the table would not fit in 100 columns

_NOTHING = "–"
_HEADINGS = ("method", "setting", "accuracy %", "Δ dense", "random", "sparse", "bits", "size", "MACs")
_WIDTHS = (18, 20, None, None, None, None, None, None, None)

LEGEND = """\
accuracy %: top-1 on the test set after the last epoch, mean ± sample standard deviation over seeds · \
Δ dense: mean paired change against the same seed's dense parent, in points · \
random: accuracy of the control, random masks of the same sparsity per layer and the same training · \
sparse: zeros / weights of Linear and Conv layers · bits: mean bit width of those weights · \
size: bytes of the dense float32 model / bytes of this one, bit-packed and compressed · \
MACs: multiply-accumulates of one example that have a non-zero weight."""


def terminal(table: Table) -> str:
    """The table in at most 100 columns."""
    return _tabulated(table, "simple", maxcolwidths=list(_WIDTHS))


def markdown(table: Table) -> str:
    """The table in GitHub's markdown."""
    return _tabulated(table, "github")


def _tabulated(table: Table, form: str, maxcolwidths: list[int | None] | None = None) -> str:
    alignment = ("left", "left", *("right",) * (len(_HEADINGS) - 2))
    text: str = tabulate.tabulate(
        [[line.method, line.setting, *_measures(line)] for line in table.shown],
        _HEADINGS,
        tablefmt=form,
        disable_numparse=True,
        maxcolwidths=maxcolwidths,
        colalign=alignment,
    )
    return text


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
