"""The kinds of things a plugin registers, and what each must be to be accepted."""

import os
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple, cast, get_args

from benchsuite.api import ChannelPruner, Dataset, Model, Pruner, Quantizer, Regularizer, ReportPage
from benchsuite.errors import PluginError, suggestion
from benchsuite.registry.fields import Factory, bound_values, canonical, class_of, defaults, field_types

Kind = Literal["pruner", "quantizer", "regularizer", "model", "dataset", "leaderboard", "report"]

KINDS: tuple[Kind, ...] = get_args(Kind)

HOOKS: Mapping[str, Kind] = {f"benchsuite_{kind}s": kind for kind in KINDS}

BASES: Mapping[Kind, tuple[type, ...]] = {
    "pruner": (Pruner, ChannelPruner),
    "quantizer": (Quantizer,),
    "regularizer": (Regularizer,),
    "model": (Model,),
    "dataset": (Dataset,),
    "report": (ReportPage,),
}

RESERVED = frozenset(
    {"prune", "quantize", "finetune", "evaluate", "schedule", "epochs", "skip", "recipe", "matched_to", "name"}
)
"""Keys that mean something to the harness in a step or table of a board, so no field can have them."""


class Registration(NamedTuple):
    """One name that a plugin registers."""

    kind: Kind
    name: str
    factory: Factory


def registration(kind: Kind, name: object, factory: object) -> Registration:
    """The accepted registration. Errors: PluginError saying what is wrong with it."""
    if not isinstance(name, str) or not re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", name):
        raise PluginError(f"{kind} {name!r}: a name is lower-case letters and digits, joined by single dashes")
    try:
        accepted = _board_file(factory) if kind == "leaderboard" else _dataclass_factory(BASES[kind], factory)
    except PluginError as error:
        raise PluginError(f'{kind} "{name}": {error}') from error
    return Registration(kind, name, accepted)


def _board_file(path: object) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise PluginError(f"{path!r} is not the path of a TOML file")
    if not (file := Path(path)).is_file():
        raise PluginError(f"there is no file {file}")
    return file


def _dataclass_factory(bases: tuple[type, ...], factory: object) -> Factory:
    cls = class_of(factory)
    if cls is None:
        raise PluginError(f"{factory!r} is neither a class nor a functools.partial of one")
    if not issubclass(cls, bases):
        raise PluginError(f"{cls.__name__} is not a {' or a '.join(base.__name__ for base in bases)}")
    # Asked of the class itself: one without the decorator inherits its base's, and its own fields are none.
    parameters = vars(cls).get("__dataclass_params__")
    if parameters is None or not parameters.frozen:
        raise PluginError(f"{cls.__name__} is not a frozen dataclass: decorate it with @dataclass(frozen=True)")
    if abstract := vars(cls).get("__abstractmethods__"):
        raise PluginError(f"{cls.__name__} does not define {', '.join(sorted(abstract))}")
    types = field_types(cls)
    if clashes := sorted(RESERVED.intersection(types)):
        raise PluginError(f"{cls.__name__} has the field {', '.join(clashes)}, a word of the harness: rename it")
    if isinstance(factory, partial) and factory.args:
        raise PluginError("functools.partial must bind fields by keyword")
    for field in bound_values(factory):
        if field not in types:
            raise PluginError(f'functools.partial binds the unknown field "{field}"{suggestion(field, types)}')
    for field, value in defaults(factory).items():
        try:
            canonical(value)
        except PluginError as error:
            raise PluginError(f'default of the field "{field}": {error}') from error
    return cast(Factory, factory)
