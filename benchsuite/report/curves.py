"""Pictures of accuracy over sparsity, bits or size: a curve for each method, and a legend for all panels."""

from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, NamedTuple

from benchsuite.report.series import Axis, Panels, Series
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
_CONTROLS = "their random controls"


class Look(NamedTuple):
    """The colour and the line style of a curve."""

    color: str
    style: str


def looks() -> Iterator[Look]:
    """Yield the colours, then the same dashed, and so on."""
    return (Look(color, style) for style in cycle(["-", "--", "-."]) for color in COLORS)


def draw_curves(figure: "Figure", axis: Axis, panels: Panels) -> None:
    """Draw accuracy over the axis, with one legend for all panels."""
    names = list(dict.fromkeys(series.name for curves in panels.values() for series in curves))
    labels = _labels(names)
    look = dict(zip(names, looks(), strict=False))
    rows, columns = -(-len(panels) // _COLUMNS), min(len(panels), _COLUMNS)
    entries = LEGEND_COLUMNS - (max(map(len, labels.values())) > _LONG_NAME)
    figure.set_size_inches(WIDTH, _PANEL_HEIGHT * rows + _LEGEND_HEIGHT * -(-(len(names) + 1) // entries))
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    drawn: dict[str, Artist] = {}
    controls: list[Artist] = []
    for axes, (panel, curves) in zip(grid.flat, panels.items(), strict=False):
        for series in curves:
            is_banded = len(curves) <= _MOST_BANDS
            drawn[labels[series.name]] = _draw_curve(axes, series, look[series.name], is_banded=is_banded)
            controls += _draw_controls(axes, series)
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


def _draw_curve(axes: "Axes", series: Series, look: Look, *, is_banded: bool) -> "Artist":
    """Draw a curve, with a band for the spread over seeds if `is_banded`."""
    x, y = [point.x for point in series.points], [point.y for point in series.points]
    marker = "o" if len(x) <= _MOST_MARKERS else ""
    (drawn,) = axes.plot(
        x, y, marker=marker, markersize=2.5, linewidth=1, color=look.color, linestyle=look.style, zorder=2
    )
    if is_banded:
        low = [max(0.0, point.y - point.spread) for point in series.points]
        high = [min(100.0, point.y + point.spread) for point in series.points]
        axes.fill_between(x, low, high, color=look.color, alpha=0.15, linewidth=0)
    return drawn


def _draw_controls(axes: "Axes", series: Series) -> "list[Artist]":
    points = [(point.x, point.control) for point in series.points if point.control is not None]
    if not points:
        return []
    return list(axes.plot(*zip(*points, strict=True), linestyle=":", linewidth=0.8, color="#999999", zorder=1))
