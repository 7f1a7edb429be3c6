"""Curves and points of pictures as values, made from the lines of a board."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from benchsuite.results import BoardResults, Line, Relations
from benchsuite.results.step_queries import chooses_sparsity, is_matched, is_quantized, removes_channels, variant

_UNTUNED, _TUNED = "not trained after", "trained after"
_LEVEL = re.compile(r"(?:\b[a-z_]+ )?\b\d[\d.e+-]*\b(?: epochs)?")
"""A field and its number in a setting, or a number of epochs."""


class Axis(NamedTuple):
    """The metric that accuracy is drawn over."""

    name: str
    metric: str
    label: str


SPARSITY = Axis("sparsity", "sparsity", "sparsity")
BITS = Axis("bits", "bits_per_weight", "bits per weight")
SIZE = Axis("compression", "compression", "compression (dense bytes / bytes)")
AXES = (SPARSITY, BITS, SIZE)


class Point(NamedTuple):
    """A line in a picture: means over its seeds."""

    x: float
    y: float
    spread: float = 0.0
    """The standard deviation of y over the seeds."""
    control: float | None = None
    """The accuracy of the random control; None where it is not drawn."""


@dataclass(frozen=True)
class Series:
    """The points of one method, in the order of x if they are a curve."""

    name: str
    points: tuple[Point, ...]


Panels = Mapping[str, Sequence[Series]]
"""The curves of each panel by its name."""


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
    by_panel: dict[str, list[Series]] = defaultdict(list)
    for (panel, name), lines in curves.items():
        points = sorted((_point(line, axis) for line in lines), key=lambda point: point.x)
        by_panel[panel].append(Series(name, tuple(points)))
    return by_panel


def _rows(results: BoardResults, axis: Axis) -> list[Line]:
    """Return the complete rows whose aim is the axis' metric: few bits give sparsity, and both give compression."""
    rows = [line for line in results.lines if line.role == "row" and line.complete and line.metric("accuracy")]
    if axis is SIZE:
        return [line for line in rows if removes_channels(line)]
    return [line for line in rows if is_quantized(line) == (axis is BITS)]


def changes(results: BoardResults) -> list[Series]:
    """Return the change of accuracy over sparsity of methods that find it by themselves, and of those matched to them.

    There is a point for each network: none for a board of a single network. Nothing was trained after pruning.
    """
    headings = Relations(results).headings
    points: dict[str, list[Point]] = defaultdict(list)
    networks: set[str] = set()
    for line in results.lines:
        matched, change = headings.get(line.number), line.change("accuracy")
        if line.role == "row" and change and not line.chain.is_tuned and (matched or chooses_sparsity(line)):
            points[matched or variant(line)].append(Point(mean(line, "sparsity"), change.mean))
            networks.add(line.group)
    return [Series(name, tuple(points[name])) for name in points] if len(networks) > 1 else []


def mean(line: Line, metric: str) -> float:
    """Return the mean of a metric over the seeds; NaN where it is missing."""
    summary = line.metric(metric)
    return summary.mean if summary else float("nan")


def _point(line: Line, axis: Axis) -> Point:
    accuracy = line.metric("accuracy")
    control = None if any(map(is_matched, line.chain.steps)) else line.control("accuracy")
    spread = (accuracy.spread if accuracy else None) or 0.0
    return Point(mean(line, axis.metric), mean(line, "accuracy"), spread, control.mean if control else None)


def _variant(line: Line) -> str:
    """Return its setting without levels: "bits 4 per_channel before QAT" is a point of "per_channel before QAT"."""
    return " ".join(_LEVEL.sub("", line.setting).replace(",", " ").split())
