"""A picture of the trade-off that methods which find the sparsity by themselves reach on several networks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchsuite.report.curves import LEGEND_COLUMNS, looks
from benchsuite.report.series import Series
from benchsuite.safe import no_math

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_changes(figure: "Figure", methods: Sequence[Series]) -> None:
    """Draw the change of accuracy against the dense network over sparsity."""
    axes = figure.subplots()
    for series, look in zip(methods, looks(), strict=False):
        x, y = [point.x for point in series.points], [point.y for point in series.points]
        marker = "o" if look.style == "-" else "^"
        axes.plot(x, y, marker, markersize=4, color=look.color, label=no_math(series.name), alpha=0.8)
    axes.axhline(0, linewidth=0.6, color="#999999", zorder=0)
    axes.set_xlabel("sparsity")
    axes.set_ylabel("change of test accuracy, points")
    figure.legend(loc="outside lower center", ncols=LEGEND_COLUMNS, fontsize=7)
