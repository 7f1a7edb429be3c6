"""What methods that find the sparsity by themselves came to on several networks: a point for each."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from benchsuite.report.chains import chooses, is_tuned, variant
from benchsuite.report.curves import LEGEND_COLUMNS, looks, mean
from benchsuite.report.lines import Line, Table
from benchsuite.report.relations import Relations

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Points = Mapping[str, Sequence[Line]]
"""By method its lines, one of each network."""


def points(table: Table) -> Points:
    """The untuned lines that chose their sparsity and those matched to them; none of a board of one network."""
    headings = Relations(table).headings
    found: dict[str, list[Line]] = defaultdict(list)
    for line in table.lines:
        matched = headings.get(line.number)
        if line.role == "row" and line.change("accuracy") and not is_tuned(line) and (matched or chooses(line)):
            found[matched or variant(line)].append(line)
    return found if len({line.group for lines in found.values() for line in lines}) > 1 else {}


def draw_changes(figure: "Figure", points: Points) -> None:
    """Change of accuracy against the dense network over sparsity."""
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
