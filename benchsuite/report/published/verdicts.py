"""A published figure beside ours: what is measured, what is the difference, and what follows from it."""

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple

from benchsuite.errors import ConfigError, suggestion
from benchsuite.metrics.statistics import Summary, summarize
from benchsuite.report.formats import brief
from benchsuite.report.lines import Line, Table
from benchsuite.report.published.schema import Figure, FigureTable, Literature, Selector, places
from benchsuite.store import Record

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
    """As printed."""
    exact: bool
    again: bool
    """Whether it is counted elsewhere."""
    ours: Summary | None
    state: str
    """Why ours is missing."""
    difference: float | None
    kept: int | None
    """In how many seeds a bound holds."""
    verdict: Verdict
    why: str
    """Why it is not comparable."""
    reason: str
    """Name of the reason, if the file gives one."""


def outcomes(literature: Literature, table: FigureTable, boards: Mapping[str, Table]) -> Iterator[Outcome]:
    """Of each figure of the table, on each of its boards that is there. Errors: ConfigError naming the figure's key."""
    there = [name for name in table.boards if name in boards]
    for key, figure in places(literature, table):
        for board in there or table.boards[:1]:
            why = figure.not_comparable or ("" if figure.exact else literature.not_comparable.get(board, ""))
            told = _Told(key, figure, board, boards.get(board), why)
            for bound, numbers in (("", figure.published), ("<", figure.below), (">", figure.above)):
                for metric, number in numbers.items():
                    yield _outcome(told, metric, number, bound)


class _Told(NamedTuple):
    """A figure of the file and the board that it is held against."""

    key: str
    figure: Figure
    board: str
    table: Table | None
    why: str


def _outcome(told: _Told, metric: str, number: Decimal, bound: str) -> Outcome:
    key, figure, board, table, why = told
    label, state = figure.label, "not run"
    values: list[float] = []
    line = find_line(table, figure.line, f"{key}.line") if table else None
    if table and line:
        label = label or brief(" ".join(part for part in (_group(table, line), line.method, line.setting) if part))
        values, state = measured(table, line, metric, figure.minus, key), line.state or "diverged"
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
    """Whether our mean meets the published number, by the rule: a spread that is not known counts as 0."""
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


def find_line(table: Table, selector: Selector, key: str) -> Line | None:
    """The one line of a board that the selector tells; None where it was not run. Errors: ConfigError for several."""
    chosen = selector.alternatives.items()
    lines = [
        line
        for line in table.lines
        if line.role != "control" and all(getattr(line, column) in texts for column, texts in chosen)
    ]
    if len(lines) > 1:
        found = "; ".join(f"{line.group} {line.method} {line.setting}".strip() for line in lines[:3])
        raise ConfigError(f"published.toml, {key}: {len(lines)} lines of board {table.board} fit it: {found} …")
    return lines[0] if lines else None


def measured(table: Table, line: Line, metric: str, minus: Selector | None, key: str) -> list[float]:
    """The metric of each seed, less that of another line; none unless every seed has a number, and the same seeds."""
    values = _values(line.records, line.parents, metric, key)
    if minus is not None:
        other = find_line(table, minus, f"{key}.minus")
        less = _values(other.records, other.parents, metric, key) if other and paired(line, other) else []
        values = [one - two for one, two in zip(values, less, strict=False)] if len(values) == len(less) else []
    return values if len(values) == line.seeds and not line.state else []


def paired(line: Line, other: Line) -> bool:
    """Whether their records are of the same seeds."""
    seeds, others = ([record.cell["seed"] for record in one.records] for one in (line, other))
    return seeds == others


def _values(records: Sequence[Record], parents: Sequence[Record], metric: str, key: str) -> list[float]:
    """One finite number per result. `change`: of the accuracy against the dense parent."""
    if metric == "change":
        own, base = (_values(side, (), "accuracy", key) for side in (records, parents))
        return [one - two for one, two in zip(own, base, strict=True)] if len(own) == len(base) else []
    found = [_at(record, metric, key) for record in records if record.status == "ok"]
    return [float(value) for value in found if isinstance(value, int | float) and math.isfinite(value)]


def _at(record: Record, metric: str, key: str) -> object:
    """A metric, or what a path of names and numbers leads to: `layers/NAME/sparsity`, `history/NAME/-1`."""
    value: object = {
        **record.metrics,
        "history": record.history,
        "layers": {str(layer["name"]): _with_sparsity(layer) for layer in record.layers},
    }
    for part in metric.split("/"):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.lstrip("-").isdigit() and -len(value) <= int(part) < len(value):
            value = value[int(part)]
        else:
            known = suggestion(part, map(str, value)) if isinstance(value, Mapping) else ""
            raise ConfigError(f'published.toml, {key}: the records have no "{metric}"{known}')
    return value


def _with_sparsity(layer: Mapping[str, object]) -> Mapping[str, object]:
    zeros, weights = layer["zeros"], layer["weights"]
    return {**layer, "sparsity": float(str(zeros)) / float(str(weights))}


def _printed(number: Decimal) -> str:
    """With the digits that the file gives it."""
    small = abs(number) < Decimal("1e-9") and number != 0
    return (f"{number:e}" if small else f"{number:f}").replace("-", "−")


def _group(table: Table, line: Line) -> str:
    """Which network, where the board has several and its own name does not tell."""
    return line.group if len({one.group for one in table.lines}) > 1 and line.group != line.setting else ""
