"""A claim that a measured number is nowhere below a least value: how many were measured, and the smallest."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from benchsuite.errors import ConfigError, suggestion
from benchsuite.report.claims.rows import Board, Row, rows
from benchsuite.report.claims.schema import Minimum
from benchsuite.report.claims.wording import counted
from benchsuite.report.formats import signed
from benchsuite.report.markdown import grid
from benchsuite.store import Record

_MOST_BREACHES = 20


@dataclass(frozen=True)
class _Measured:
    """A record of a selected row, with the number and of how many things it is the smallest: both, or neither."""

    row: Row
    record: Record
    value: float | None
    count: int

    @property
    def place(self) -> str:
        names = (self.row.line.group, self.row.line.method, self.row.line.setting, f"seed {self.record.cell['seed']}")
        return " ".join(filter(None, names))


def tested(claim: Minimum, boards: Sequence[Board]) -> list[str]:
    """The blocks of the document that say what the records show. Errors: ConfigError for a count of no record."""
    found = [_measured(claim, row, record) for row in rows(boards, claim.where) for record in row.line.records]
    if not found:
        return ["Not tested: no committed board has such rows."]
    _check_count(claim, [one.record for one in found])
    once = list({one.record.key: one for one in reversed(found)}.values())[::-1]  # boards may share networks
    known = [one for one in once if one.value is not None]
    breaches = [one for one in known if _value(one) < claim.least]
    unknown = [one for one in once if one.value is None]
    return [
        " ".join([_verdict(claim, known, breaches), *_unmeasured(unknown), *_shared(claim, found, known)]),
        _by_board(claim, boards, found),
        *_breaches(breaches + unknown),
    ]


def _verdict(claim: Minimum, known: Sequence[_Measured], breaches: Sequence[_Measured]) -> str:
    if not known:
        return "**Not tested**: no record holds the number."
    things, networks = sum(one.count for one in known), counted(len(known), "pruned network")
    smallest = min(map(_value, known))
    if breaches:
        return (
            f"**Does not hold**: of {networks} with {things:,} {claim.counted},"
            f" {counted(len(breaches), 'falls', 'fall')} below {claim.least:g}; the smallest margin is"
            f" {_exact(smallest)}."
        )
    return f"**Holds** in all {things:,} {claim.counted} of {networks}; the smallest margin is {_exact(smallest)}."


def _unmeasured(unknown: Sequence[_Measured]) -> list[str]:
    return [f"{counted(len(unknown), 'network')} could not be tested; they are listed below."] if unknown else []


def _shared(claim: Minimum, found: Sequence[_Measured], known: Sequence[_Measured]) -> list[str]:
    """Why the boards' numbers sum to more than there are in all."""
    listed = [one for one in found if one.value is not None]
    if len(listed) == len(known):
        return []
    things = sum(one.count for one in listed)
    return [
        f"Boards share networks, which count once here and under each of their boards in the table: its lines sum to"
        f" {things:,} {claim.counted} of {counted(len(listed), 'network')}."
    ]


def _by_board(claim: Minimum, boards: Sequence[Board], found: Sequence[_Measured]) -> str:
    lines = []
    for board in boards:
        known = [one for one in found if one.row.board is board and one.value is not None]
        if known:
            smallest = min(known, key=_value)
            things = sum(one.count for one in known)
            lines.append(
                [board.table.board, smallest.place, f"{len(known):,}", f"{things:,}", _exact(_value(smallest))]
            )
    headings = ("board", "smallest in", "networks", claim.counted, "smallest margin")
    return grid(headings, lines, 2) if lines else ""


def _breaches(breaches: Sequence[_Measured]) -> list[str]:
    """One line for each record that fell below, or that was not measured and why."""
    lines = [f"- {one.row.board.table.board}, {one.place}: {_fate(one)}" for one in breaches[:_MOST_BREACHES]]
    if more := breaches[_MOST_BREACHES:]:
        lines.append(f"- and {len(more):,} more")
    return ["\n".join(lines)] if lines else []


def _fate(one: _Measured) -> str:
    if one.value is not None:
        return f"margin {_exact(one.value)}"
    if one.record.status == "ok":
        return "not measured"
    reason = " ".join(str((one.record.error or {}).get("reason")).split())
    return f"{one.record.status}: {reason}"


def _measured(claim: Minimum, row: Row, record: Record) -> _Measured:
    value, count = _metric(record, claim.metric), _metric(record, claim.count)
    if value is None or count is None:
        return _Measured(row, record, None, 0)
    return _Measured(row, record, float(value), int(count))


def _check_count(claim: Minimum, records: Sequence[Record]) -> None:
    """Of what is the smallest of nothing, no verdict could be told from one that holds."""
    measured = [record for record in records if _metric(record, claim.metric) is not None]
    if measured and all(_metric(record, claim.count) is None for record in measured):
        known = suggestion(claim.count, _paths(measured[0].metrics))
        raise ConfigError(f'{claim.place("count")}: the records have no "{claim.count}"{known}')


def _paths(metrics: Mapping[str, object], start: str = "") -> Iterator[str]:
    """Of all numbers, with dots."""
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            yield from _paths(value, f"{start}{name}.")
        elif isinstance(value, int | float):
            yield start + name


def _metric(record: Record, path: str) -> float | None:
    """A metric by its path with dots."""
    value: object = record.metrics
    for name in path.split("."):
        value = cast("Mapping[str, object]", value).get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, int | float) else None


def _value(one: _Measured) -> float:
    return cast(float, one.value)


def _exact(value: float) -> str:
    return signed(value, ".4g")
