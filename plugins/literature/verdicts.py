"""Published figures beside ours: the measured values, the difference, and the verdict that follows from it."""

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple

from benchsuite.errors import ConfigError
from benchsuite.metrics.statistics import Summary, summarize
from benchsuite.report.formats import brief
from benchsuite.results import BoardResults, Line
from benchsuite.store import Record

from .paths import value_at
from .schema import Figure, FigureTable, Literature, Selector, places

Verdict = Literal[
    "reproduced exactly",
    "reproduced",
    "reproduced (wide)",
    "not reproduced",
    "not comparable",
    "no result",
    "not run",
]

HIGH = 90.0
"""Accuracy in % from which on a point of difference counts as none: there, seeds differ by tenths."""
POINT, SHARE = 1.0, 0.01
"""The least tolerances of accuracies, in points, and of sparsities."""
WIDE = 3.0
"""The difference of accuracies, in points, beyond which a figure is reproduced for its wide spread alone."""
RULE = f"""\
**The rule.** Let *d* be our mean less the published figure, *s* our sample standard deviation over seeds and *p* the
published one. What is not known counts as 0: *s* of a single seed (n = 1), and *p* where none was printed. A figure is
*reproduced* if |d| ≤ 2·√(p² + s²), or, where the published accuracy is at least {HIGH:.0f} % or the figure is a change
of accuracy, if |d| ≤ {POINT:.0f} point; a sparsity also if |d| ≤ {SHARE}. The last printed digit may be rounded.
*Reproduced (wide)* are accuracies with |d| > {WIDE:.0f} points that the rule accepts for their spread: they do not
contradict the published figure, and hardly confirm it. Figures marked *exact* do not depend on training and have to
agree to the last digit; those that do are *reproduced exactly*. A bound, such as < 0, has to hold for our mean; instead
of a difference stands in how many seeds it holds, and no test tells whether by more than chance. *Not comparable* are
figures of other data or of another training, and ours stand beside them for information. A figure marked *again* stands
in two places and is counted in the other."""

_BOUNDS: Mapping[str, Callable[[float, float], bool]] = {"<": operator.lt, ">": operator.gt}


@dataclass(frozen=True)
class Outcome:
    """One figure on one board."""

    label: str
    metric: str
    board: str
    published: str
    """The figure as it was printed."""
    exact: bool
    again: bool
    """Whether it is counted elsewhere."""
    ours: Summary | None
    state: str
    """The reason why ours is missing."""
    difference: float | None
    kept: int | None
    """Number of seeds in which a bound holds."""
    verdict: Verdict
    why: str
    """The reason why it is not comparable."""
    reason: str
    """Name of the reason, if the file gives one."""


def outcomes(literature: Literature, table: FigureTable, boards: Mapping[str, BoardResults]) -> Iterator[Outcome]:
    """Yield the outcomes of each figure of the table, on each of its boards that has records.

    Errors: ConfigError naming the figure's key.
    """
    recorded = [name for name in table.boards if name in boards]
    for key, figure in places(literature, table):
        for board in recorded or table.boards[:1]:
            why = figure.not_comparable or ("" if figure.exact else literature.not_comparable.get(board, ""))
            held = _Held(key, figure, board, boards.get(board), why)
            for bound, numbers in (("", figure.published), ("<", figure.below), (">", figure.above)):
                for metric, number in numbers.items():
                    yield _outcome(held, metric, number, bound)


class _Held(NamedTuple):
    """A figure of the file and the board that it is held against."""

    key: str
    figure: Figure
    board: str
    results: BoardResults | None
    why: str


def _outcome(held: _Held, metric: str, number: Decimal, bound: str) -> Outcome:
    key, figure, board, results, why = held
    label, state = figure.label, "not run"
    values: list[float] = []
    line = find_line(results, figure.line, f"{key}.line") if results else None
    if results and line:
        label = label or brief(" ".join(part for part in (_group(results, line), line.method, line.setting) if part))
        values, state = measured(results, line, metric, figure.minus, key), line.state or "diverged"
    ours = summarize(values) if values else None
    verdict: Verdict
    if line is None:
        verdict = "not run"
    elif why:
        verdict = "not comparable"
    elif ours is None:
        verdict = "no result"
    else:
        verdict = _judged(ours, metric, number, bound, figure)
    return Outcome(
        label=label or " ".join(texts[0] for texts in figure.line.alternatives.values()),
        metric=metric,
        board=board,
        published=f"{bound} {_printed(number)}".lstrip(),
        exact=figure.exact,
        again=figure.again,
        ours=ours,
        state=state,
        difference=ours.mean - float(number) if ours and not bound else None,
        kept=sum(_BOUNDS[bound](value, float(number)) for value in values) if ours and bound else None,
        verdict=verdict,
        why=why,
        reason=figure.reason,
    )


def _judged(ours: Summary, metric: str, number: Decimal, bound: str, figure: Figure) -> Verdict:
    difference = abs(ours.mean - float(number))
    if not (_BOUNDS[bound](ours.mean, float(number)) if bound else agrees(ours, metric, number, figure)):
        return "not reproduced"
    if figure.exact:
        return "reproduced exactly"
    return "reproduced (wide)" if not bound and _in_points(metric) and difference > WIDE else "reproduced"


def agrees(ours: Summary, metric: str, number: Decimal, figure: Figure) -> bool:
    """Return whether our mean meets the published number, by the rule: a spread that is not known counts as 0."""
    exponent = number.as_tuple().exponent
    rounding = 0.5 * 10.0 ** int(exponent) * (1 + 1e-9)  # and the error of floats
    tolerance = rounding
    if not figure.exact:
        spread = float(figure.spread or 0) if metric == "accuracy" else 0.0
        tolerance = max(rounding, 2 * math.hypot(spread, ours.spread or 0), _least(metric, float(number)))
    return abs(ours.mean - float(number)) <= tolerance


def _least(metric: str, published: float) -> float:
    if _in_points(metric):
        return POINT if metric == "change" or published >= HIGH else 0.0
    return SHARE if metric.endswith("sparsity") else 0.0


def _in_points(metric: str) -> bool:
    return metric == "change" or metric.endswith("accuracy")


def find_line(results: BoardResults, selector: Selector, key: str) -> Line | None:
    """Return the one line of a board that fits the selector; None where it was not run.

    Errors: ConfigError for several.
    """
    lines = [line for line in results.lines if line.role != "control" and selector.fits(line)]
    if len(lines) > 1:
        names = "; ".join(f"{line.group} {line.method} {line.setting}".strip() for line in lines[:3])
        raise ConfigError(f"published.toml, {key}: {len(lines)} lines of board {results.board} fit it: {names} …")
    return lines[0] if lines else None


def measured(results: BoardResults, line: Line, metric: str, minus: Selector | None, key: str) -> list[float]:
    """Return the metric of each seed, less that of another line.

    None at all unless every seed has a number, and the seeds of both lines are the same.
    """
    values = _values(line.records, line.parents, metric, key)
    if minus is not None:
        other = find_line(results, minus, f"{key}.minus")
        less = _values(other.records, other.parents, metric, key) if other and paired(line, other) else []
        values = _differences(values, less)
    return values if len(values) == line.seeds and not line.state else []


def paired(line: Line, other: Line) -> bool:
    """Return whether their records are of the same seeds."""
    return [record.seed for record in line.records] == [record.seed for record in other.records]


def _values(records: Sequence[Record], parents: Sequence[Record], metric: str, key: str) -> list[float]:
    """Return one finite number per result. `change`: of the accuracy against the dense parent."""
    if metric == "change":
        return _differences(_values(records, (), "accuracy", key), _values(parents, (), "accuracy", key))
    values = [value_at(record, metric, key) for record in records if record.status == "ok"]
    return [float(value) for value in values if isinstance(value, int | float) and math.isfinite(value)]


def _differences(values: Sequence[float], others: Sequence[float]) -> list[float]:
    """Return the values less the others; none unless there are as many of both."""
    return [value - other for value, other in zip(values, others, strict=True)] if len(values) == len(others) else []


def _printed(number: Decimal) -> str:
    """Return the number with the digits that the file gives it."""
    small = abs(number) < Decimal("1e-9") and number != 0
    return (f"{number:e}" if small else f"{number:f}").replace("-", "−")


def _group(results: BoardResults, line: Line) -> str:
    """Return the network, where the board has several and its setting does not name it."""
    return line.group if len({other.group for other in results.lines}) > 1 and line.group != line.setting else ""
