"""Accuracy over sparsity, bits or size: a curve for each method, a panel for what is to be compared."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, NamedTuple

from benchsuite.report.chains import is_matched, is_tuned, quantizes, steps
from benchsuite.report.lines import Line, Table
from benchsuite.report.relations import Relations
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
"""In a setting, a field and its number, or a number of epochs."""

Panels = Mapping[str, Mapping[str, Sequence[Line]]]
"""By panel the curves by name, each its lines in the order of the metric."""


class Axis(NamedTuple):
    """What accuracy is drawn over."""

    name: str
    metric: str
    label: str


SPARSITY = Axis("sparsity", "sparsity", "sparsity")
BITS = Axis("bits", "bits_per_weight", "bits per weight")
SIZE = Axis("compression", "compression", "compression (dense bytes / bytes)")
AXES = (SPARSITY, BITS, SIZE)


class Look(NamedTuple):
    """Of a curve."""

    color: str
    style: str


def looks() -> Iterator[Look]:
    """Colours, then the same dashed, and so on."""
    return (Look(color, style) for style in cycle(["-", "--", "-."]) for color in COLORS)


def panels(table: Table, axis: Axis) -> Panels:
    """The curves of the methods, if the axis' metric varies along one of their own; of other methods the point.

    A panel for each dense training; or, where there is one, for what was trained after compression and what was not.
    What takes its level from other rows is one curve, however these came to it; its controls are not drawn.
    """
    rows = [line for line in table.lines if line.role == "row" and line.complete and line.metric("accuracy")]
    if axis is SPARSITY:  # which few bits have, too, but not as their aim
        rows = [line for line in rows if not quantizes(line)]
    if axis is BITS:
        rows = [line for line in rows if quantizes(line)]
    if axis is SIZE:  # elsewhere it follows from sparsity and bits
        rows = [line for line in rows if any(step.get("physical") for step in steps(line))]
    several = len({line.group for line in rows}) > 1
    matched = Relations(table).headings
    curves: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in rows:
        panel = line.group if several else _TUNED if is_tuned(line) else _UNTUNED
        curves[panel, matched.get(line.number) or f"{line.method} {_variant(line)}".strip()].append(line)
    own = [lines for lines in curves.values() if lines[0].number not in matched]
    if not any(len({round(mean(line, axis.metric), 3) for line in lines}) > 1 for lines in own):
        return {}
    found: dict[str, dict[str, list[Line]]] = defaultdict(dict)
    for (panel, name), lines in curves.items():
        found[panel][name] = sorted(lines, key=lambda line: mean(line, axis.metric))
    return found


def draw_curves(figure: "Figure", axis: Axis, panels: Panels) -> None:
    """Accuracy over the axis, with one legend for all panels."""
    names = list(dict.fromkeys(name for curves in panels.values() for name in curves))
    shared = set.intersection(*(set(name.split()) for name in names)) if len(names) > 1 else ()  # as "skip first+last"
    told = {name: " ".join(word for word in name.split() if word not in shared) for name in names}
    if "" in told.values() or len(set(told.values())) < len(names):
        told = {name: name for name in names}
    told = {name: no_math(shown) for name, shown in told.items()}
    look = dict(zip(names, looks(), strict=False))
    rows, columns = -(-len(panels) // _COLUMNS), min(len(panels), _COLUMNS)
    entries = LEGEND_COLUMNS - (max(map(len, told.values())) > _LONG_NAME)
    figure.set_size_inches(WIDTH, _PANEL_HEIGHT * rows + _LEGEND_HEIGHT * -(-(len(names) + 1) // entries))
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    drawn: dict[str, Artist] = {}
    controls: list[Artist] = []
    for axes, (panel, curves) in zip(grid.flat, panels.items(), strict=False):
        for name, lines in curves.items():
            drawn[told[name]] = _draw_curve(axes, axis.metric, lines, look[name], banded=len(curves) <= _MOST_BANDS)
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


def _draw_curve(axes: "Axes", metric: str, lines: Sequence[Line], look: Look, *, banded: bool) -> "Artist":
    """banded: with the spread over seeds."""
    x, y = [mean(line, metric) for line in lines], [mean(line, "accuracy") for line in lines]
    marker = "o" if len(lines) <= _MOST_MARKERS else ""
    (drawn,) = axes.plot(
        x, y, marker=marker, markersize=2.5, linewidth=1, color=look.color, linestyle=look.style, zorder=2
    )
    if banded:
        spreads = [_spread(line, "accuracy") for line in lines]
        low = [max(0.0, one - spread) for one, spread in zip(y, spreads, strict=True)]
        high = [min(100.0, one + spread) for one, spread in zip(y, spreads, strict=True)]
        axes.fill_between(x, low, high, color=look.color, alpha=0.15, linewidth=0)
    return drawn


def _draw_controls(axes: "Axes", metric: str, lines: Sequence[Line]) -> "list[Artist]":
    own = [line for line in lines if not any(map(is_matched, steps(line)))]
    points = [(mean(line, metric), found.mean) for line in own if (found := line.control("accuracy"))]
    if not points:
        return []
    return list(axes.plot(*zip(*points, strict=True), linestyle=":", linewidth=0.8, color="#999999", zorder=1))


def mean(line: Line, metric: str) -> float:
    """Of a metric over the seeds; NaN where it is missing."""
    summary = line.metric(metric)
    return summary.mean if summary else float("nan")


def _spread(line: Line, metric: str) -> float:
    summary = line.metric(metric)
    return (summary.spread if summary else None) or 0.0


def _variant(line: Line) -> str:
    """What of its setting is no level: "bits 4 per_channel before QAT" is a point of "per_channel before QAT"."""
    return " ".join(_LEVEL.sub("", line.setting).replace(",", " ").split())
