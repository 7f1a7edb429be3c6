"""Accuracy over sparsity, bits or size: a curve for each method, a panel for what is to be compared."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, NamedTuple

from benchsuite.results import BoardResults, Line, Relations
from benchsuite.results.step_queries import is_matched, is_quantized, removes_channels
from benchsuite.safe import no_math

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 6.4
LEGEND_COLUMNS = 3
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#7f7f7f")

_PANEL_HEIGHT, _LEGEND_HEIGHT = 2.4, 0.16
_COLUMNS = 2
_LONG_NAME = 28
_MOST_BANDS, _MOST_MARKERS = 4, 10
_UNTUNED, _TUNED = "not trained after", "trained after"
_CONTROLS = "their random controls"
_LEVEL = re.compile(r"(?:\b[a-z_]+ )?\b\d[\d.e+-]*\b(?: epochs)?")
"""A field and its number in a setting, or a number of epochs."""

Panels = Mapping[str, Mapping[str, Sequence[Line]]]
"""Panels by name, each with its curves by name, each with its lines in the order of the metric."""


class Axis(NamedTuple):
    """The metric that accuracy is drawn over."""

    name: str
    metric: str
    label: str


SPARSITY = Axis("sparsity", "sparsity", "sparsity")
BITS = Axis("bits", "bits_per_weight", "bits per weight")
SIZE = Axis("compression", "compression", "compression (dense bytes / bytes)")
AXES = (SPARSITY, BITS, SIZE)


class Look(NamedTuple):
    """The colour and the line style of a curve."""

    color: str
    style: str


def looks() -> Iterator[Look]:
    """Yield the colours, then the same dashed, and so on."""
    return (Look(color, style) for style in cycle(["-", "--", "-."]) for color in COLORS)


def panels(results: BoardResults, axis: Axis) -> Panels:
    """Return the curves of the methods; none unless the axis' metric varies along one of them.

    Beside curves, a method of one level is a point. There is a panel for each dense training; or, with only one, for
    lines that were trained after compression and for those that were not. Lines that take their level from other rows
    are one curve, however these came to it; their controls are not drawn.
    """
    rows = _rows(results, axis)
    several = len({line.group for line in rows}) > 1
    matched = Relations(results).headings
    curves: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in rows:
        panel = line.group if several else _TUNED if line.chain.is_tuned else _UNTUNED
        curves[panel, matched.get(line.number) or f"{line.method} {_variant(line)}".strip()].append(line)
    independent = [lines for lines in curves.values() if lines[0].number not in matched]
    if not any(len({round(mean(line, axis.metric), 3) for line in lines}) > 1 for lines in independent):
        return {}
    by_panel: dict[str, dict[str, list[Line]]] = defaultdict(dict)
    for (panel, name), lines in curves.items():
        by_panel[panel][name] = sorted(lines, key=lambda line: mean(line, axis.metric))
    return by_panel


def _rows(results: BoardResults, axis: Axis) -> list[Line]:
    """Return the complete rows whose aim is the axis' metric: few bits give sparsity, and both give compression."""
    rows = [line for line in results.lines if line.role == "row" and line.complete and line.metric("accuracy")]
    if axis is SIZE:
        return [line for line in rows if removes_channels(line)]
    return [line for line in rows if is_quantized(line) == (axis is BITS)]


def draw_curves(figure: "Figure", axis: Axis, panels: Panels) -> None:
    """Draw accuracy over the axis, with one legend for all panels."""
    names = list(dict.fromkeys(name for curves in panels.values() for name in curves))
    labels = _labels(names)
    look = dict(zip(names, looks(), strict=False))
    rows, columns = -(-len(panels) // _COLUMNS), min(len(panels), _COLUMNS)
    entries = LEGEND_COLUMNS - (max(map(len, labels.values())) > _LONG_NAME)
    figure.set_size_inches(WIDTH, _PANEL_HEIGHT * rows + _LEGEND_HEIGHT * -(-(len(names) + 1) // entries))
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    drawn: dict[str, Artist] = {}
    controls: list[Artist] = []
    for axes, (panel, curves) in zip(grid.flat, panels.items(), strict=False):
        for name, lines in curves.items():
            is_banded = len(curves) <= _MOST_BANDS
            drawn[labels[name]] = _draw_curve(axes, axis.metric, lines, look[name], is_banded=is_banded)
            controls += _draw_controls(axes, axis.metric, lines)
        if len(panels) > 1:
            axes.set_title(no_math(panel))
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    for axes in list(grid.flat)[max(0, len(panels) - columns) : len(panels)]:  # the lowest of each column
        axes.set_xlabel(axis.label)
        axes.tick_params(labelbottom=True)
        axes.locator_params(axis="x", nbins=12 // columns)
    figure.supylabel("test accuracy, %", fontsize=8)
    if controls:
        drawn[_CONTROLS] = controls[0]
    figure.legend(drawn.values(), drawn.keys(), loc="outside lower center", ncols=entries, fontsize=7)


def _labels(names: Sequence[str]) -> dict[str, str]:
    """Return for each curve its label: the words of its name that not all curves share, such as "skip first+last"."""
    shared = set.intersection(*(set(name.split()) for name in names)) if len(names) > 1 else ()
    short = {name: " ".join(word for word in name.split() if word not in shared) for name in names}
    is_ambiguous = "" in short.values() or len(set(short.values())) < len(names)
    return {name: no_math(name if is_ambiguous else short[name]) for name in names}


def _draw_curve(axes: "Axes", metric: str, lines: Sequence[Line], look: Look, *, is_banded: bool) -> "Artist":
    """Draw a curve, with a band for the spread over seeds if `is_banded`."""
    x, y = [mean(line, metric) for line in lines], [mean(line, "accuracy") for line in lines]
    marker = "o" if len(lines) <= _MOST_MARKERS else ""
    (drawn,) = axes.plot(
        x, y, marker=marker, markersize=2.5, linewidth=1, color=look.color, linestyle=look.style, zorder=2
    )
    if is_banded:
        spreads = [_spread(line, "accuracy") for line in lines]
        low = [max(0.0, accuracy - spread) for accuracy, spread in zip(y, spreads, strict=True)]
        high = [min(100.0, accuracy + spread) for accuracy, spread in zip(y, spreads, strict=True)]
        axes.fill_between(x, low, high, color=look.color, alpha=0.15, linewidth=0)
    return drawn


def _draw_controls(axes: "Axes", metric: str, lines: Sequence[Line]) -> "list[Artist]":
    unmatched = [line for line in lines if not any(map(is_matched, line.chain.steps))]
    points = [(mean(line, metric), control.mean) for line in unmatched if (control := line.control("accuracy"))]
    if not points:
        return []
    return list(axes.plot(*zip(*points, strict=True), linestyle=":", linewidth=0.8, color="#999999", zorder=1))


def mean(line: Line, metric: str) -> float:
    """Return the mean of a metric over the seeds; NaN where it is missing."""
    summary = line.metric(metric)
    return summary.mean if summary else float("nan")


def _spread(line: Line, metric: str) -> float:
    summary = line.metric(metric)
    return (summary.spread if summary else None) or 0.0


def _variant(line: Line) -> str:
    """Return its setting without levels: "bits 4 per_channel before QAT" is a point of "per_channel before QAT"."""
    return " ".join(_LEVEL.sub("", line.setting).replace(",", " ").split())
