"""The trade-off that methods which find the sparsity by themselves reach on several networks: a point for each."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from benchsuite.report.curves import LEGEND_COLUMNS, looks, mean
from benchsuite.results import BoardResults, Line, Relations
from benchsuite.results.step_queries import chooses_sparsity, variant

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Points = Mapping[str, Sequence[Line]]
"""The lines of each method by its name, a line for each network."""


def points(results: BoardResults) -> Points:
    """Return the untuned lines that chose their sparsity and those matched to them; none for a board of one network."""
    headings = Relations(results).headings
    lines_by_name: dict[str, list[Line]] = defaultdict(list)
    for line in results.lines:
        matched = headings.get(line.number)
        is_untuned = line.role == "row" and line.change("accuracy") and not line.chain.is_tuned
        if is_untuned and (matched or chooses_sparsity(line)):
            lines_by_name[matched or variant(line)].append(line)
    networks = {line.group for lines in lines_by_name.values() for line in lines}
    return lines_by_name if len(networks) > 1 else {}


def draw_changes(figure: "Figure", points: Points) -> None:
    """Draw the change of accuracy against the dense network over sparsity."""
    axes = figure.subplots()
    for (name, lines), look in zip(points.items(), looks(), strict=False):
        changes = [change.mean for line in lines if (change := line.change("accuracy"))]
        marker = "o" if look.style == "-" else "^"
        sparsities = [mean(line, "sparsity") for line in lines]
        axes.plot(sparsities, changes, marker, markersize=4, color=look.color, label=name, alpha=0.8)
    axes.axhline(0, linewidth=0.6, color="#999999", zorder=0)
    axes.set_xlabel("sparsity")
    axes.set_ylabel("change of test accuracy, points")
    figure.legend(loc="outside lower center", ncols=LEGEND_COLUMNS, fontsize=7)
