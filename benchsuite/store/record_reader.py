"""The one reader of records: a line of JSON becomes typed parts, or is refused with the field and the reason."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import TypeVar

from pydantic import ConfigDict, JsonValue, TypeAdapter, ValidationError, with_config
from pydantic_core import from_json

from benchsuite.chain import Chain
from benchsuite.errors import suggestion
from benchsuite.metrics.layer_counts import LARGEST, LayerCounts
from benchsuite.store.record import SCHEMA, Cost, Failure, Metrics, Number, Place, Provenance, Record, Status

T = TypeVar("T")


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class _Line:
    schema: int
    key: str
    status: Status
    cell: dict[str, JsonValue]
    metrics: dict[str, JsonValue]
    layers: tuple[LayerCounts, ...]
    history: dict[str, tuple[JsonValue, ...]]
    cost: Cost
    provenance: Provenance
    error: Failure | None


_LINE, _PLACE, _METRICS = TypeAdapter(_Line), TypeAdapter(Place), TypeAdapter(Metrics)
_NO_NUMBERS = frozenset(part.name for part in fields(Metrics)) - {"numbers"}


def read_record(text: str | bytes) -> Record:
    """Return the record of a line, to the letter. Errors: ValueError naming the field that is wrong."""
    try:
        line = _validated(lambda: _LINE.validate_json(text, strict=True))
    except ValueError:
        _require_schema(text)  # where it is of another one, its other faults say little
        raise
    if line.schema != SCHEMA:
        _require_schema(text)
    cell = line.cell
    seed = cell.pop("seed", None)
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise ValueError("cell.seed: should be a whole number")
    try:
        chain = Chain.from_json(cell.pop("steps", None), seed, line.provenance.protocol)
    except ValueError as error:
        raise ValueError(f"cell.{error}") from None
    if chain.key != line.key:
        raise ValueError(f"its steps and seed have the key {chain.key}, not {line.key}")
    return Record(
        chain=chain,
        status=line.status,
        provenance=line.provenance,
        place=_place(cell) if cell else None,
        metrics=_metrics(line.metrics),
        layers=line.layers,
        history=line.history,
        cost=line.cost,
        error=line.error,
    )


def _require_schema(text: str | bytes) -> None:
    """Errors: ValueError unless it is an object of this schema; its other keys may be those of another one."""
    try:
        values = from_json(text)
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(values, dict):
        raise ValueError("not a JSON object")
    schema = values.get("schema")
    if schema != SCHEMA or isinstance(schema, bool):
        is_newer = isinstance(schema, int) and schema > SCHEMA
        raise ValueError(f"schema {schema!r}, this version reads {SCHEMA}{'; update benchsuite' if is_newer else ''}")
    known = {part.name for part in fields(_Line)}
    for name in values.keys() - known:
        raise ValueError(f'unknown key "{name}"{suggestion(name, known)}')


def _place(cell: Mapping[str, JsonValue]) -> Place:
    return _validated(lambda: _PLACE.validate_json(json.dumps(cell), strict=True), "cell")


def _metrics(values: Mapping[str, JsonValue]) -> Metrics:
    numbers: dict[str, Number | None] = {}
    for name, value in values.items():
        if name in _NO_NUMBERS:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float | None):
            raise ValueError(f"metrics.{name}: should be a number")
        if (isinstance(value, float) and not math.isfinite(value)) or (isinstance(value, int) and abs(value) > LARGEST):
            raise ValueError(f"metrics.{name}: should be a finite number")
        numbers[name] = value
    rest = {name: value for name, value in values.items() if name in _NO_NUMBERS}
    text = json.dumps({"numbers": {}, **rest})
    found = _validated(lambda: _METRICS.validate_json(text, strict=True), "metrics")
    return Metrics(numbers, **{name: getattr(found, name) for name in rest})


def _validated(validate: Callable[[], T], place: str = "") -> T:
    """Return the validated value. Errors: ValueError naming the first field that is wrong."""
    try:
        return validate()
    except ValidationError as invalid:
        problem = invalid.errors(include_url=False, include_input=False)[0]
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in problem["loc"])
        where = f"{place}{path}".removeprefix(".")
        reason = problem["msg"].removeprefix("Input ")
        raise ValueError(f"{where}: {reason}" if where else reason) from None
