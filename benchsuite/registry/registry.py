"""The registry: names to entries, with an answer for every name that is unknown or claimed twice."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from benchsuite.errors import ConfigError, PluginError, suggestion
from benchsuite.registry.catalog import Entry
from benchsuite.registry.fields import class_of
from benchsuite.registry.kinds import KINDS, Kind, registration
from benchsuite.registry.loader import BLOCK_VARIABLE, Loaded, LoadedPlugin, Lost, load_plugins

SESSION = "this session"
"""Stands for the distribution of what was added without being installed."""


@dataclass(frozen=True, repr=False)
class Registry:
    """All that the loaded plugins register."""

    plugins: tuple[LoadedPlugin, ...]
    claims: tuple[Entry, ...]
    """Every registration; more than one of a name is an error, raised when the name is used."""

    @classmethod
    def of(cls, loaded: Sequence[Loaded]) -> "Registry":
        """The registry of these plugins."""
        claims = tuple(Entry(*one, plugin) for plugin, registrations in loaded for one in registrations)
        return cls(tuple(plugin for plugin, _ in loaded), claims)

    def get(self, kind: Kind, name: str) -> Entry:
        """The entry of that name.

        Errors: ConfigError if it is unknown; PluginError if more than one plugin claims it, or if a plugin that may
        have registered it failed to load: that is the plugin's fault, and costs a board no more than its cells.
        """
        claims = self._by_name.get((kind, name), ())
        if len(claims) > 1:
            raise PluginError(_clash(claims))
        if not claims:
            failed = any(plugin.status == "failed" for plugin in self.plugins)
            raise (PluginError if failed else ConfigError)(self._unknown(kind, name))
        return claims[0]

    def entries(self, kind: Kind | None = None) -> tuple[Entry, ...]:
        """The entries of `kind`, or all, sorted by kind, name and plugin; of a clash, each claim."""
        chosen = [entry for entry in self.claims if kind in (None, entry.kind)]
        return tuple(
            sorted(chosen, key=lambda one: (KINDS.index(one.kind), one.name, one.plugin.name, one.plugin.distribution))
        )

    def add(self, kind: Kind, name: str, factory: object) -> "Registry":
        """A registry with one more name, in the place of what was added under it before.

        Errors: PluginError if the factory breaks the contract.
        """
        accepted = registration(kind, name, factory)
        cls = class_of(accepted.factory)
        plugin = LoadedPlugin("added", SESSION, "", cls.__module__ if cls else "")
        kept = [one for one in self.claims if (one.kind, one.name, one.plugin.distribution) != (kind, name, SESSION)]
        return Registry(self.plugins, (*kept, Entry(*accepted, plugin)))

    def problems(self) -> list[str]:
        """A line for each plugin that failed or is incompatible, and each name claimed more than once."""
        absent = [plugin.problem for plugin in self.plugins if plugin.problem]
        return absent + [_clash(claims) for claims in self._by_name.values() if len(claims) > 1]

    def facts(self) -> list[dict[str, str]]:
        """What `list --json` prints: the entries, then the plugins that are not loaded, with the reason."""
        entries = [
            entry.facts() | ({"status": "clash"} if len(self._by_name[entry.kind, entry.name]) > 1 else {})
            for entry in self.entries()
        ]
        absent = [
            {
                "kind": "plugin",
                "name": plugin.name,
                "summary": plugin.error or f"blocked by {BLOCK_VARIABLE}",
                "distribution": plugin.distribution,
                "version": plugin.version,
                "status": plugin.status,
            }
            for plugin in self.plugins
            if plugin.status != "ok"
        ]
        return entries + absent

    @cached_property
    def _by_name(self) -> Mapping[tuple[Kind, str], tuple[Entry, ...]]:
        found: dict[tuple[Kind, str], tuple[Entry, ...]] = {}
        for entry in self.entries():
            found[entry.kind, entry.name] = (*found.get((entry.kind, entry.name), ()), entry)
        return found

    def _unknown(self, kind: Kind, name: str) -> str:
        known = {entry.name for entry in self.entries(kind)}
        failed = [f"{plugin}: {plugin.error}" for plugin in self.plugins if plugin.error]
        note = f" (plugins that failed to load: {'; '.join(failed)})" if failed else ""
        others = dict.fromkeys(entry.kind for entry in self.entries() if entry.name == name)
        hint = f"; it is a {' and a '.join(others)}" if others else suggestion(name, known)
        return f'unknown {kind} "{name}"{hint}{note}'


def _clash(claims: Sequence[Entry]) -> str:
    plugins = " and ".join(str(entry.plugin) for entry in claims)
    return (
        f"{claims[0]} is claimed by the plugins {plugins}; "
        f"leave one out with {BLOCK_VARIABLE}=NAME, its name or its distribution's"
    )


@functools.cache
def default_registry(strict: bool = False, lost: tuple[Lost, ...] = ()) -> Registry:
    """What is installed, loaded once per process; of it, `lost` are plugins that cannot be.

    Errors: with `strict`, StrictPluginError for a failed plugin.
    """
    return Registry.of(load_plugins(strict=strict, lost=lost))
