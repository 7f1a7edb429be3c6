"""The catalogue's entries: one registered name, its fields, and the checked way to configure it."""

import inspect
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

from pydantic import PydanticUserError, TypeAdapter, ValidationError

from benchsuite.errors import BenchsuiteError, ConfigError, PluginError, suggestion
from benchsuite.registry.fields import (
    JSON,
    Factory,
    Field,
    bound_values,
    canonical,
    class_of,
    defaults,
    described_fields,
    field_types,
    is_sequence,
)
from benchsuite.registry.kinds import Kind
from benchsuite.registry.loader import LoadedPlugin
from benchsuite.registry.provenance import source_digest


@dataclass(frozen=True)
class Entry:
    """One registered name. What costs something to find out is found out once."""

    kind: Kind
    name: str
    factory: Factory
    plugin: LoadedPlugin

    def __str__(self) -> str:
        return f'{self.kind} "{self.name}"'

    @cached_property
    def summary(self) -> str:
        """The first line of the class's docstring, or the board's title."""
        if isinstance(self.factory, Path):
            return _title(self.factory)
        text = inspect.cleandoc(vars(self._class).get("__doc__") or "")
        generated = text.startswith(f"{self._class.__name__}(")  # by @dataclass, where there is none
        return "" if generated else text.partition("\n")[0]

    @cached_property
    def source(self) -> str:
        """The digest of the plugin's source, as keys have it."""
        return source_digest(self.factory, self.plugin.distribution)

    def is_a(self, kind: type) -> bool:
        """Whether it registers a plugin of that type."""
        return not isinstance(self.factory, Path) and issubclass(self._class, kind)

    def fields(self) -> tuple[Field, ...]:
        """The hyperparameters in order, described."""
        return self._described

    def field_is_sequence(self, name: str) -> bool:
        """Whether the field may hold a tuple or a list; False for an unknown field."""
        return name in self._sequences

    def create(self, fields: Mapping[str, object]) -> object:
        """The configured plugin (of a board: its path). Errors: ConfigError naming plugin, field and remedy."""
        values = dict(self._bound)
        for name, value in fields.items():
            values[name] = self._checked(name, value)
        for name in self._required:
            if name not in values:
                raise ConfigError(f'{self}: the field "{name}" is missing')
        if isinstance(self.factory, Path):
            return self.factory
        try:
            return self._class(**values)
        except BenchsuiteError:
            raise
        except (ValueError, TypeError) as error:
            raise ConfigError(f"{self}: {error}") from error
        except Exception as error:
            raise PluginError(f"{self}: {type(error).__name__}: {error}") from error

    def values(self, obj: object) -> dict[str, JSON]:
        """All fields of a configured plugin in order, in the one form that keys hash (1.0, not 1, for a float).

        Errors: ConfigError or PluginError for a value that is not of its field's type or not plain.
        """
        try:
            return {name: canonical(self._checked(name, getattr(obj, name))) for name in self._adapters}
        except PluginError as error:
            raise PluginError(f"{self}: {error}") from error

    def facts(self) -> dict[str, str]:
        """What `list --json` prints."""
        plugin = self.plugin
        return {
            "kind": self.kind,
            "name": self.name,
            "summary": self.summary,
            "distribution": plugin.distribution,
            "version": plugin.version,
            "status": plugin.status,
        }

    @cached_property
    def _class(self) -> type:
        cls = class_of(self.factory)
        assert cls is not None, "a registration is accepted with a class or a path only"
        return cls

    @cached_property
    def _types(self) -> dict[str, object]:
        return {} if isinstance(self.factory, Path) else field_types(self._class)

    @cached_property
    def _described(self) -> tuple[Field, ...]:
        return described_fields(self.factory)

    @cached_property
    def _sequences(self) -> frozenset[str]:
        return frozenset(name for name, hint in self._types.items() if is_sequence(hint))

    @cached_property
    def _tuple_fields(self) -> frozenset[str]:
        return frozenset(name for name, hint in self._types.items() if is_sequence(hint, (tuple,)))

    @cached_property
    def _required(self) -> tuple[str, ...]:
        given = defaults(self.factory)
        return tuple(name for name in self._types if name not in given)

    @cached_property
    def _bound(self) -> dict[str, object]:
        return {name: self._checked(name, value) for name, value in bound_values(self.factory).items()}

    @cached_property
    def _adapters(self) -> Mapping[str, TypeAdapter[object]]:
        found: dict[str, TypeAdapter[object]] = {}
        for name, hint in self._types.items():
            try:
                found[name] = TypeAdapter(cast(type, hint))
            except PydanticUserError as error:
                raise PluginError(f'{self}: the field "{name}" has a type that no board can write') from error
        return found

    def _checked(self, name: str, value: object) -> object:
        """`value` as the field holds it. Errors: ConfigError for an unknown field or a wrong type."""
        adapter = self._adapters.get(name)
        if adapter is None:
            raise ConfigError(f'{self}: unknown field "{name}"{suggestion(name, self._adapters)}')
        try:
            return adapter.validate_python(_tuples(value) if name in self._tuple_fields else value, strict=True)
        except ValidationError as error:
            reasons = dict.fromkeys(one["msg"].removeprefix("Input ") for one in error.errors())
            raise ConfigError(f"{self}: {name}: {' or '.join(reasons)} (got {value!r})") from error


def _tuples(value: object) -> object:
    """TOML and JSON know lists only; a frozen dataclass holds tuples."""
    return tuple(_tuples(one) for one in value) if isinstance(value, list) else value


def _title(board: Path) -> str:
    try:
        content = tomllib.loads(board.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # the planner says what is wrong with it
        return ""
    table = content.get("board")
    return str(table.get("title", "")) if isinstance(table, dict) else ""
