"""A claim that a measured number is nowhere below a least value: how many were measured, and the smallest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchsuite.errors import ConfigError, suggestion
from benchsuite.report.formats import signed
from benchsuite.report.markdown import grid
from benchsuite.store import Number, Record

from .rows import Board, Row, rows
from .schema import Minimum
from .wording import counted

_MOST_BREACHES = 20


@dataclass(frozen=True)
class _Outcome:
    """A record of a selected row."""

    row: Row
    record: Record

    @property
    def name(self) -> str:
        """The name of the network on its board."""
        line = self.row.line
        return " ".join(filter(None, (line.group, line.method, line.setting, f"seed {self.record.seed}")))


@dataclass(frozen=True)
class _Measured(_Outcome):
    """A record that holds the number."""

    value: float
    count: int
    """The number of things of which it is the smallest."""


def tested(claim: Minimum, boards: Sequence[Board]) -> list[str]:
    """Return the blocks of the document that say what the records show. Errors: ConfigError for an unknown count."""
    outcomes = [_outcome(claim, row, record) for row in rows(boards, claim.where) for record in row.line.records]
    if not outcomes:
        return ["Not tested: no committed board has such rows."]
    _check_count(claim, [outcome.record for outcome in outcomes])
    unique = list({outcome.record.key: outcome for outcome in reversed(outcomes)}.values())[::-1]
    listed, measured = _measured(outcomes), _measured(unique)  # boards may share networks
    breaches = [outcome for outcome in measured if outcome.value < claim.least]
    unknown = [outcome for outcome in unique if not isinstance(outcome, _Measured)]
    return [
        " ".join([_verdict(claim, measured, breaches), *_unmeasured(unknown), *_shared(claim, listed, measured)]),
        _by_board(claim, boards, listed),
        *_breaches([*breaches, *unknown]),
    ]


def _verdict(claim: Minimum, measured: Sequence[_Measured], breaches: Sequence[_Measured]) -> str:
    if not measured:
        return "**Not tested**: no record holds the number."
    things, networks = sum(outcome.count for outcome in measured), counted(len(measured), "pruned network")
    smallest = min(outcome.value for outcome in measured)
    if breaches:
        return (
            f"**Does not hold**: of {networks} with {things:,} {claim.counted},"
            f" {counted(len(breaches), 'falls', 'fall')} below {claim.least:g}; the smallest margin is"
            f" {_exact(smallest)}."
        )
    return f"**Holds** in all {things:,} {claim.counted} of {networks}; the smallest margin is {_exact(smallest)}."


def _unmeasured(unknown: Sequence[_Outcome]) -> list[str]:
    return [f"{counted(len(unknown), 'network')} could not be tested; they are listed below."] if unknown else []


def _shared(claim: Minimum, listed: Sequence[_Measured], measured: Sequence[_Measured]) -> list[str]:
    """Return the reason why the boards' numbers sum to more than there are in all, if they do."""
    if len(listed) == len(measured):
        return []
    things = sum(outcome.count for outcome in listed)
    return [
        f"Boards share networks, which count once here and under each of their boards in the table: its lines sum to"
        f" {things:,} {claim.counted} of {counted(len(listed), 'network')}."
    ]


def _by_board(claim: Minimum, boards: Sequence[Board], listed: Sequence[_Measured]) -> str:
    lines = []
    for board in boards:
        measured = [outcome for outcome in listed if outcome.row.board is board]
        if measured:
            smallest = min(measured, key=lambda outcome: outcome.value)
            things = sum(outcome.count for outcome in measured)
            lines.append([board.name, smallest.name, f"{len(measured):,}", f"{things:,}", _exact(smallest.value)])
    headings = ("board", "smallest in", "networks", claim.counted, "smallest margin")
    return grid(headings, lines, 2) if lines else ""


def _breaches(breaches: Sequence[_Outcome]) -> list[str]:
    """Return a line for each record that fell below, or that was not measured and why."""
    lines = [f"- {outcome.row.board.name}, {outcome.name}: {_fate(outcome)}" for outcome in breaches[:_MOST_BREACHES]]
    if more := breaches[_MOST_BREACHES:]:
        lines.append(f"- and {len(more):,} more")
    return ["\n".join(lines)] if lines else []


def _fate(outcome: _Outcome) -> str:
    if isinstance(outcome, _Measured):
        return f"margin {_exact(outcome.value)}"
    record = outcome.record
    if record.status == "ok":
        return "not measured"
    reason = " ".join(record.error.reason.split()) if record.error else "no reason is known"
    return f"{record.status}: {reason}"


def _outcome(claim: Minimum, row: Row, record: Record) -> _Outcome:
    numbers = _numbers(record)
    if claim.metric in numbers and claim.count in numbers:
        return _Measured(row, record, float(numbers[claim.metric]), int(numbers[claim.count]))
    return _Outcome(row, record)


def _measured(outcomes: Sequence[_Outcome]) -> list[_Measured]:
    return [outcome for outcome in outcomes if isinstance(outcome, _Measured)]


def _check_count(claim: Minimum, records: Sequence[Record]) -> None:
    """Refuse a count that no record has: the smallest of no things would hold whatever was measured."""
    measured = [numbers for record in records if claim.metric in (numbers := _numbers(record))]
    if measured and all(claim.count not in numbers for numbers in measured):
        known = suggestion(claim.count, measured[0])
        raise ConfigError(f'{claim.place("count")}: the records have no "{claim.count}"{known}')


def _numbers(record: Record) -> Mapping[str, Number]:
    """Return all finite numbers of a record by their paths with dots."""
    metrics = record.metrics
    numbers = {name: value for name in metrics.numbers if (value := metrics.number(name)) is not None}
    return {**numbers, **{f"audit.{name}": value for name, value in (metrics.audit or {}).items()}}


def _exact(value: float) -> str:
    return signed(value, ".4g")
