"""One planned cell, one record: the JSON line, its schema and its files."""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeAlias, cast, get_args

from benchsuite.errors import ConfigError, suggestion
from benchsuite.reading import read_text
from benchsuite.store.shapes import faults_of_values
from benchsuite.store.whole import write_whole

SCHEMA = 1

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"
Status = Literal["ok", "failed", "timeout", "skipped"]
_DIVERGED = "diverged: the loss is NaN or infinite (a record of an older version, which called it a result)"

MACHINE = "machine"
"""The `cause` in a record's error where the machine ended the computation, and not the plugin."""
_MACHINE_REASONS = re.compile(
    "took longer than the .* seconds that it may|took more than the .* of memory that it may|killed by SIGKILL"
)
"""Found in the reasons of records that were written before errors had a cause."""


@dataclass(frozen=True)
class Record:
    """What became of one chain; with `cell`, of one place on a board."""

    key: str
    status: Status
    cell: Mapping[str, object] = field(default_factory=dict)
    """What was asked: the chain's seed and steps, and on a board its line, method and setting."""
    metrics: Mapping[str, object] = field(default_factory=dict)
    layers: tuple[Mapping[str, object], ...] = ()
    history: Mapping[str, object] = field(default_factory=dict)
    """Of the chain's last step, if it trained: by name, one value for each epoch."""
    cost: Mapping[str, object] = field(default_factory=dict)
    """Epochs, seconds, latency: what depends on the machine, besides the epochs."""
    provenance: Mapping[str, object] = field(default_factory=dict)
    error: Mapping[str, object] | None = None
    schema: int = SCHEMA

    def at(self, place: Mapping[str, object]) -> "Record":
        """The record as a cell of a board: with the place added to what was asked."""
        return replace(self, cell={**self.cell, **place})

    @property
    def is_final(self) -> bool:
        """Whether another computation would end alike. Not where the machine ended this one, or one it builds on."""
        error = self.error or {}
        by_machine = error.get("cause") == MACHINE or _MACHINE_REASONS.search(str(error.get("reason")))
        return self.status == "ok" or not (self.status == "timeout" or by_machine)

    @property
    def text(self) -> str:
        """One line of JSON in canonical form: sorted keys, shortest digits that give the number back."""
        values = cast(JSON, vars(self))
        text = json.dumps(_finite(values), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode("utf-8", "backslashreplace").decode("utf-8")  # a lone surrogate becomes its JSON escape

    @classmethod
    def parse(cls, text: str) -> "Record":
        """The record of a line, as results are read: without a finite loss it is none, whatever its status.

        Errors: ValueError saying what is wrong with it.
        """
        record = cls.as_written(text)
        if record.status == "ok" and record.metrics.get("loss", 0) is None:
            return replace(record, status="failed", metrics={}, layers=(), error={"reason": _DIVERGED})
        return record

    @classmethod
    def as_written(cls, text: str) -> "Record":
        """The record of a line to the letter. Errors: ValueError saying what is wrong with it."""
        try:
            values = json.loads(text, parse_constant=_refuse)
        except RecursionError:
            raise ValueError("not a record: lists and objects nested too deep") from None
        if not isinstance(values, dict):
            raise ValueError("not a JSON object")
        schema = values.get("schema")
        if schema != SCHEMA:
            remedy = "; update benchsuite" if isinstance(schema, int) and schema > SCHEMA else ""
            raise ValueError(f"schema {schema!r}, this version reads {SCHEMA}{remedy}")
        for name in values:
            if name not in _SHAPES:
                raise ValueError(f'unknown key "{name}"{suggestion(name, _SHAPES)}')
        for name, (right, expected) in _SHAPES.items():
            if name not in values:
                raise ValueError(f'the key "{name}" is missing')
            if not right(values[name]):
                raise ValueError(f'"{name}" should be {expected}')
        for fault in faults_of_values(values):
            raise ValueError(fault)
        return cls(**{**values, "layers": tuple(values["layers"])})


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is no number of JSON")


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


_SHAPES: dict[str, tuple[Callable[[object], bool], str]] = {
    "schema": (lambda value: type(value) is int, "a number"),
    "key": (lambda value: isinstance(value, str), "a text"),
    "status": (
        lambda value: isinstance(value, str) and value in get_args(Status),
        f"one of {', '.join(get_args(Status))}",
    ),
    **dict.fromkeys(("cell", "metrics", "history", "cost", "provenance"), (_is_object, "an object")),
    "layers": (lambda value: isinstance(value, list) and all(map(_is_object, value)), "a list of objects"),
    "error": (lambda value: value is None or _is_object(value), "an object or null"),
}
"""The keys of a line: what each holds, and how a message says it."""


def _finite(value: JSON) -> JSON:
    """JSON has no NaN and no infinity: a loss that diverged is null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value


def read_lines(path: Path) -> list[Record]:
    """The records of a file, in its order. Errors: ConfigError naming file and line."""
    records: dict[str, Record] = {}
    text = read_text(path)
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else [], 1):
        try:
            record = Record.parse(line)
        except ValueError as error:
            raise ConfigError(f"{path}, line {number}: {error}") from None
        if record.key in records:
            raise ConfigError(f"{path}, line {number}: a second record of key {record.key}")
        records[record.key] = record
    return list(records.values())


def write_lines(path: Path, records: Iterable[Record]) -> None:
    """Write the records sorted by key; the file is whole at every instant. Errors: StoreError."""
    ordered = sorted(records, key=lambda one: one.key)
    write_whole(path, (f"{record.text}\n".encode() for record in ordered))
