"""Checks of every plugin as a value: what keys, records and other processes make of it."""

import dataclasses
import pickle
from functools import cached_property
from inspect import getattr_static

from benchsuite.api import Dataset, Model
from benchsuite.errors import PluginError
from benchsuite.registry.fields import canonical, described_fields
from benchsuite.testing.checks import Plugin, require, rule
from benchsuite.testing.compression import COMPRESSORS, Compressor, compressed

ANY = (*COMPRESSORS, Model, Dataset)


def fields_of(plugin: Plugin) -> dict[str, object]:
    """The hyperparameters by name."""
    return {field.name: getattr(plugin, field.name) for field in dataclasses.fields(plugin) if field.init}


@rule(*ANY)
def frozen(plugin: Plugin) -> None:
    """A configuration that can change after its key was computed files its results under another method's name."""
    parameters = vars(type(plugin)).get("__dataclass_params__")
    require(parameters is not None and parameters.frozen, f"{type(plugin).__name__} is no @dataclass(frozen=True)")


@rule(*ANY)
def plain_fields(plugin: Plugin) -> None:
    """Keys and records hold numbers, strings, booleans and lists of them: any other value changes from run to run."""
    for name, value in fields_of(plugin).items():
        try:
            canonical(value)
        except PluginError as error:
            require(False, f"field {name}: {error}")


@rule(*ANY)
def documented(plugin: Plugin) -> None:
    """A hyperparameter without a sentence is set by guessing, and a method without one cannot be told from others."""
    name = type(plugin).__name__
    text = vars(type(plugin)).get("__doc__") or f"{name}("
    require(not text.startswith(f"{name}("), f"{name} has no docstring")  # but at most @dataclass's own
    for field in described_fields(type(plugin)):
        require(bool(field.meaning), f"the field {field.name} has no docstring below it")


@rule(*ANY)
def pickles(plugin: Plugin) -> None:
    """Cells run in worker processes: what does not come through a pipe unchanged is not what was planned."""
    require(pickle.loads(pickle.dumps(plugin)) == plugin, "after pickling it is not equal to itself")


@rule(*ANY)
def replaces(plugin: Plugin) -> None:
    """Schedules and matched controls set the level with dataclasses.replace, which calls the constructor again."""
    again = dataclasses.replace(plugin)
    require(
        fields_of(again) == fields_of(plugin),
        f"dataclasses.replace without changes makes {again} of {plugin}: the constructor alters its fields",
    )


@rule(*ANY)
def equal_and_hashable(plugin: Plugin) -> None:
    """Equal configurations are one step of a chain, run once; unequal ones are never merged."""
    twin = dataclasses.replace(plugin)
    require(twin == plugin, "two of the same fields are not equal")
    require(hash(twin) == hash(plugin), "two equal ones have different hashes")


@rule(*COMPRESSORS)
def unchanged_by_use(plugin: Compressor) -> None:
    """A plugin that keeps notes in itself decides by what it saw before, and no key tells of that."""
    fresh = dataclasses.replace(plugin)
    computed = {name for name in dir(type(fresh)) if isinstance(getattr_static(fresh, name, None), cached_property)}
    known = computed | set(vars(fresh))
    before = fields_of(fresh)
    compressed(fresh)
    require(fields_of(fresh) == before, f"after use its fields are {fields_of(fresh)}, before {before}")
    require(not (added := sorted(set(vars(fresh)) - known)), f"after use it has kept {', '.join(added)}")
