"""The fields of a plugin's dataclass: their types, defaults and meaning, read without importing what they name."""

import ast
import dataclasses
import functools
import inspect
import itertools
import math
import sys
import textwrap
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path

from benchsuite.errors import PluginError

Factory = Callable[..., object] | Path
"""What a name stands for: a frozen dataclass, a functools.partial of one, or a board's file."""

JSON = None | bool | int | float | str | list["JSON"] | dict[str, "JSON"]


@dataclasses.dataclass(frozen=True)
class Field:
    """One hyperparameter as its user sees it."""

    name: str
    type: str
    default: JSON
    """None also where the field is required."""
    required: bool
    meaning: str


def class_of(factory: object) -> type | None:
    """The class behind a factory, None where there is none (a board)."""
    target = factory.func if isinstance(factory, functools.partial) else factory
    return target if isinstance(target, type) else None


def bound_values(factory: object) -> dict[str, object]:
    """The keyword values that a functools.partial binds: fields with changed defaults."""
    return dict(factory.keywords) if isinstance(factory, functools.partial) else {}


def field_types(cls: type) -> dict[str, object]:
    """Name to type of each field of the dataclass `cls`, in order. Errors: PluginError for an unreadable type."""
    found = {}
    for field in _own_fields(cls):
        owner = _owner(cls, field)
        # One field at a time: other annotations of the class may name what is imported for type checkers only.
        lone = types.SimpleNamespace(__annotations__={field.name: field.type})
        scope = getattr(sys.modules.get(owner.__module__), "__dict__", {})
        try:
            found.update(typing.get_type_hints(lone, scope, dict(vars(owner)), include_extras=True))
        except (NameError, AttributeError, TypeError, SyntaxError) as error:
            raise PluginError(f'field "{field.name}": the type {field.type!r} cannot be read: {error}') from error
    return found


def defaults(factory: object) -> dict[str, object]:
    """The values of the fields that may be left out, those bound by a functools.partial included."""
    cls = class_of(factory)
    found: dict[str, object] = {}
    for field in _own_fields(cls) if cls else ():
        if field.default_factory is not dataclasses.MISSING:
            found[field.name] = field.default_factory()
        elif field.default is not dataclasses.MISSING:
            found[field.name] = field.default
    return found | bound_values(factory)


def described_fields(factory: object) -> tuple[Field, ...]:
    """What `info` shows of a factory. Errors: PluginError for a type or default that no board can write."""
    cls = class_of(factory)
    if cls is None:
        return ()
    given, meanings = defaults(factory), _meanings(cls)
    return tuple(
        Field(name, readable(hint), canonical(given.get(name)), name not in given, meanings.get(name, ""))
        for name, hint in field_types(cls).items()
    )


def is_sequence(hint: object, kinds: tuple[type, ...] = (tuple, list)) -> bool:
    """Whether a value of this type may be of one of `kinds`."""
    if _is_union(hint) or typing.get_origin(hint) is typing.Annotated:
        return any(is_sequence(one, kinds) for one in typing.get_args(hint))
    origin = typing.get_origin(hint) or hint
    return isinstance(origin, type) and issubclass(origin, kinds)


def readable(hint: object) -> str:
    """A type as a reader of `info` wants it: `float | None`, `tuple[int, ...]`, `"layer" | "network"`."""
    arguments = typing.get_args(hint)
    if hint is type(None):
        return "None"
    if hint is ...:
        return "..."
    if typing.get_origin(hint) is typing.Annotated:
        return readable(arguments[0])
    if typing.get_origin(hint) is typing.Literal:
        return " | ".join(f'"{one}"' if isinstance(one, str) else repr(one) for one in arguments)
    if _is_union(hint):
        return " | ".join(readable(one) for one in arguments)
    name = getattr(hint, "__name__", str(hint))
    return f"{name}[{', '.join(readable(one) for one in arguments)}]" if arguments else name


def canonical(value: object) -> JSON:
    """A field's value as JSON has it, one form for equal values. Errors: PluginError for anything but plain values."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, list | tuple):
        return [canonical(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): canonical(one) for key, one in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: canonical(getattr(value, field.name)) for field in dataclasses.fields(value)}
    raise PluginError(f"{value!r} is no plain value: a field holds finite numbers, strings, booleans, or lists of them")


def _is_union(hint: object) -> bool:
    return typing.get_origin(hint) in (typing.Union, types.UnionType)


def _own_fields(cls: type) -> list["dataclasses.Field[object]"]:
    return [field for field in dataclasses.fields(cls) if field.init]


def _owner(cls: type, field: "dataclasses.Field[object]") -> type:
    """The class that declares `field`: subclasses inherit the very same object."""
    declaring = [base for base in cls.__mro__ if vars(base).get("__dataclass_fields__", {}).get(field.name) is field]
    return declaring[-1]


def _meanings(cls: type) -> dict[str, str]:
    """Each field's `metadata["help"]`, else the docstring below it."""
    return {
        field.name: str(field.metadata.get("help") or _docstrings(_owner(cls, field)).get(field.name, ""))
        for field in _own_fields(cls)
    }


@functools.cache
def _docstrings(owner: type) -> dict[str, str]:
    try:
        definition = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0]
    except (OSError, TypeError, SyntaxError):  # a class typed in at a prompt has no source
        return {}
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    found = {}
    for statement, below in itertools.pairwise(body):
        match statement, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = " ".join(text.split())
    return found
