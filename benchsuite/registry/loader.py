"""Loading plugins: one loop over the entry points, in which a broken plugin fails alone."""

import inspect
import os
import re
import traceback
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import metadata
from typing import Literal, NamedTuple

from pluggy import PluginManager

from benchsuite.api import PROJECT, hooks
from benchsuite.errors import PluginError, StrictPluginError, suggestion
from benchsuite.registry.compatibility import incompatibility
from benchsuite.registry.kinds import HOOKS, Registration, registration

BLOCK_VARIABLE = "BENCHSUITE_BLOCK"


@dataclass(frozen=True)
class LoadedPlugin:
    """One entry point and what became of it."""

    name: str
    distribution: str
    version: str
    module: str
    status: Literal["ok", "failed", "incompatible", "blocked"] = "ok"
    error: str | None = None
    """The reason in one line, where it failed or is incompatible."""
    traceback: str | None = None

    def __str__(self) -> str:
        return f'"{self.name}" ({f"{self.distribution} {self.version}".strip()})'

    @property
    def identity(self) -> tuple[str, str]:
        """What tells it from all others that are installed: entry point and distribution."""
        return self.name, self.distribution

    @property
    def problem(self) -> str | None:
        """The line in which commands warn of it; None where nothing is wrong."""
        outcome = "failed to load" if self.status == "failed" else f"is {self.status}"
        return self.error and f"plugin {self} {outcome}: {self.error}"


class Loaded(NamedTuple):
    """A plugin and all that it registers: nothing unless its status is "ok"."""

    plugin: LoadedPlugin
    registrations: tuple[Registration, ...] = ()


class Lost(NamedTuple):
    """A plugin that must not be loaded in this process: another did not survive it."""

    name: str
    distribution: str
    reason: str
    output: str


def load_plugins(*, strict: bool = False, lost: Collection[Lost] = ()) -> tuple[Loaded, ...]:
    """Every installed plugin, sorted by (name, distribution).

    lost: those that failed without being loaded here.
    Errors: with `strict`, StrictPluginError for the first that failed or is incompatible.
    """
    blocked = _blocked()
    failed = {(one.name, one.distribution): one for one in lost}
    loaded = tuple(_load(plugin, point, blocked, failed.get(plugin.identity)) for plugin, point in identified())
    for plugin, _ in loaded:
        if strict and plugin.problem:
            raise StrictPluginError(plugin.problem)
    return loaded


def identified() -> list[tuple[LoadedPlugin, metadata.EntryPoint]]:
    """The entry points of all installed plugins, sorted, and what is known of each before it is loaded."""
    found = ((_identity(point), point) for point in metadata.entry_points(group=PROJECT))
    return sorted(found, key=lambda pair: pair[0].identity)


def load_one(name: str, distribution: str) -> None:
    """Load a plugin and call its hooks, for no other purpose than to see what becomes of the process."""
    for plugin, point in identified():
        if plugin.identity == (name, distribution):
            _load(plugin, point, _blocked(), None)


def _blocked() -> set[str]:
    return {_normalised(name) for name in os.environ.get(BLOCK_VARIABLE, "").split(",") if name.strip()}


def _identity(point: metadata.EntryPoint) -> LoadedPlugin:
    # Leftovers of a broken uninstallation have neither name nor version.
    distribution = (point.dist.name if point.dist else None) or "unknown"
    version = (point.dist.version if point.dist else None) or "unknown"
    return LoadedPlugin(point.name, distribution, version, point.value.partition(":")[0].strip())


def _normalised(name: str) -> str:
    return re.sub("[-_.]+", "-", name.strip()).lower()


def _load(plugin: LoadedPlugin, point: metadata.EntryPoint, blocked: Collection[str], lost: Lost | None) -> Loaded:
    if _normalised(plugin.name) in blocked or _normalised(plugin.distribution) in blocked:
        return Loaded(replace(plugin, status="blocked"))
    if point.dist and (reason := incompatibility(point.dist)):
        return Loaded(replace(plugin, status="incompatible", error=reason))
    if lost:
        return Loaded(replace(plugin, status="failed", error=lost.reason, traceback=lost.output))
    try:
        return Loaded(plugin, tuple(_registrations(point.load())))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may do anything at import, even exit
        reason = str(error) if isinstance(error, PluginError) else f"{type(error).__name__}: {error}"
        one_line = " ".join(reason.split())
        return Loaded(replace(plugin, status="failed", error=one_line, traceback=traceback.format_exc()))


def _registrations(plugin: object) -> Iterator[Registration]:
    # A manager of its own, so that nothing a plugin does reaches another.
    manager = PluginManager(PROJECT)
    manager.add_hookspecs(hooks)
    manager.register(plugin)
    _check_hooks(manager, plugin)
    for hook, kind in HOOKS.items():
        for implementation in getattr(manager.hook, hook).get_hookimpls():
            named = implementation.function()
            if not isinstance(named, Mapping):
                raise PluginError(f"{hook} returned {named!r}, not a mapping of names")
            for name, factory in named.items():
                yield registration(kind, name, factory)


def _check_hooks(manager: PluginManager, plugin: object) -> None:
    """Errors: PluginError for a misspelt or unmarked hook, and for a plugin without any."""
    implemented = manager.get_hookcallers(plugin) or []
    for hook in implemented:
        if not hook.has_spec() and not all(one.optionalhook for one in hook.get_hookimpls()):
            raise PluginError(f'unknown hook "{hook.name}"{suggestion(hook.name, HOOKS)}')
    for name in dir(plugin):
        if not name.startswith(f"{PROJECT}_") or not inspect.isroutine(getattr(plugin, name)):
            continue
        if manager.parse_hookimpl_opts(plugin, name) is None:
            hint = "" if name in HOOKS else suggestion(name, HOOKS)
            raise PluginError(f'the function "{name}" lacks the marker @hookimpl{hint}')
    if not implemented:
        raise PluginError(f"it implements no hook; known: {', '.join(HOOKS)}")
