"""Steps read from the JSON form that records hold: the inverse of `Step.to_json`, with the field in every error."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import lru_cache
from typing import TypeVar, get_args

from pydantic import TypeAdapter, ValidationError

from benchsuite.api import Recipe
from benchsuite.chain.steps import JSON, ChainKey, Finetune, Frozen, Prune, Quantize, Schedule, Step, Train, Use
from benchsuite.registry import Kind

T = TypeVar("T")

_RECIPE = TypeAdapter(Recipe)
_RECIPE_KEYS = frozenset(asdict(Recipe()))


def read_step(table: JSON, place: str) -> Step:
    """Return the step that a table holds. Errors: ValueError naming `place` and the field."""
    if not isinstance(table, Mapping):
        raise ValueError(f"{place}: should be an object")
    try:
        return _read(json.dumps(table, sort_keys=True, separators=(",", ":")))
    except ValueError as error:
        raise ValueError(f"{place}.{error}") from None


@lru_cache(maxsize=8192)
def _read(text: str) -> Step:
    """Return the step of a canonical text: the records of a board share most of their steps."""
    table = _Table(json.loads(text))
    verb = table.text("step")
    if verb not in _READERS:
        raise ValueError(f'step: unknown step "{verb}"')
    step = _READERS[verb](table)
    table.require_read()
    if step.text != text:
        raise ValueError("step: not in the form in which steps are written")
    return step


class _Table:
    """A table whose values are taken by name and type."""

    def __init__(self, values: Mapping[str, JSON], place: str = "") -> None:
        self._values = values
        self._place = place
        self._read: set[str] = set()

    def has(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str) -> str:
        return self._of_type(name, str, "a text")

    def optional_text(self, name: str) -> str | None:
        return None if self._take(name) is None else self.text(name)

    def flag(self, name: str) -> bool:
        return self._of_type(name, bool, "true or false")

    def number(self, name: str) -> int:
        return self._of_type(name, int, "a whole number")

    def texts(self, name: str) -> tuple[str, ...]:
        values = self._of_type(name, list, "a list of texts")
        if not all(isinstance(value, str) for value in values):
            raise self.fault(name, "should be a list of texts")
        return tuple(values)

    def table(self, name: str) -> "_Table":
        return _Table(self._of_type(name, dict, "an object"), f"{self._place}{name}.")

    def optional_table(self, name: str) -> "_Table | None":
        return None if self._take(name) is None else self.table(name)

    def plugin(self, name: str, kind: Kind) -> Use:
        table = self.table(name)
        fields = tuple((key, _to_tuples(value)) for key, value in table.table("fields")._values.items())
        use = Use(kind, table.text("name"), fields, table.text("source"))
        table.require_read()
        return use

    def recipe(self, name: str) -> Recipe:
        values = self._of_type(name, dict, "an object")
        for key in values.keys() ^ _RECIPE_KEYS:
            raise self.fault(f"{name}.{key}", "is missing" if key in _RECIPE_KEYS else "is unknown")
        try:
            return _RECIPE.validate_json(json.dumps(values), strict=True)
        except ValidationError as invalid:
            problem = invalid.errors()[0]
            raise self.fault(".".join([name, *map(str, problem["loc"])]), problem["msg"]) from None

    def require_read(self) -> None:
        for name in self._values.keys() - self._read:
            raise self.fault(name, "is unknown")

    def fault(self, name: str, reason: str) -> ValueError:
        return ValueError(f"{self._place}{name}: {reason}")

    def _take(self, name: str) -> JSON:
        self._read.add(name)
        if name not in self._values:
            raise self.fault(name, "is missing")
        return self._values[name]

    def _of_type(self, name: str, kind: type[T], expected: str) -> T:
        value = self._take(name)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.fault(name, f"should be {expected}")
        return value


def _to_tuples(value: JSON) -> Frozen:
    if isinstance(value, list | tuple):
        return tuple(_to_tuples(item) for item in value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError("fields: a plugin's field is a number, a text, a truth value or a list of them")


def _train(table: _Table) -> Train:
    regularizer = table.plugin("regularizer", "regularizer") if table.optional_table("regularizer") else None
    return Train(
        dataset=table.plugin("dataset", "dataset"),
        data=table.text("data"),
        model=table.plugin("model", "model"),
        recipe=table.recipe("recipe"),
        regularizer=regularizer,
        weights=table.optional_text("weights"),
    )


def _prune(table: _Table) -> Prune:
    schedule = table.text("schedule")
    if schedule not in get_args(Schedule):
        raise table.fault("schedule", f'unknown schedule "{schedule}"')
    matched_to = table.optional_text("matched_to")
    return Prune(
        pruner=table.plugin("pruner", "pruner"),
        skip=table.texts("skip"),
        schedule=schedule,  # type: ignore[arg-type]  # one of them, as was just asked
        recipe=table.recipe("recipe") if table.optional_table("recipe") else None,
        physical=table.flag("physical"),
        matched_to=ChainKey(matched_to) if matched_to else None,
        protocol=table.number("protocol") if table.has("protocol") else None,
    )


def _finetune(table: _Table) -> Finetune:
    return Finetune(table.recipe("recipe"))


def _quantize(table: _Table) -> Quantize:
    return Quantize(table.plugin("quantizer", "quantizer"), table.texts("skip"), table.number("protocol"))


_READERS: dict[str, Callable[[_Table], Step]] = {
    "train": _train,
    "prune": _prune,
    "finetune": _finetune,
    "quantize": _quantize,
}
