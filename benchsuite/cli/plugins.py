"""`benchsuite plugins`: where everything registered comes from, and why a plugin is not there."""

import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from benchsuite.cli.options import JsonOption, print_json, say

if TYPE_CHECKING:
    from benchsuite.registry import LoadedPlugin, Registry

_WIDTH = 60


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("plugins")(plugins)


def plugins(
    name: Annotated[
        str | None, typer.Argument(help="Only this one, by entry point or distribution; with its traceback.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the installed plugins: entry point, origin, status, and what each registers."""
    from tabulate import tabulate

    from benchsuite.errors import ConfigError, suggestion
    from benchsuite.registry import default_registry
    from benchsuite.registry.trial import lost_plugins
    from benchsuite.safe import cells

    registry = default_registry(lost=lost_plugins())
    chosen = [plugin for plugin in registry.plugins if name in (None, plugin.name, plugin.distribution)]
    if name is not None and not chosen:
        known = {known for plugin in registry.plugins for known in (plugin.name, plugin.distribution)}
        raise ConfigError(f'no plugin "{name}" is installed{suggestion(name, known)}')
    if as_json:
        print_json([_facts(plugin, registry) for plugin in chosen])
        return
    shown = ("plugin", "distribution", "version", "module", "status", "registers")
    rows = [
        (one.name, one.distribution, one.version, one.module, one.status, _registers(one, registry)) for one in chosen
    ]
    say(tabulate(cells(rows), shown, disable_numparse=True))
    for plugin in chosen:
        if plugin.problem:
            say(f"\n{plugin.problem}")
        if name is not None and plugin.traceback:
            say(f"\n{plugin.traceback.rstrip()}")


def _facts(plugin: "LoadedPlugin", registry: "Registry") -> dict[str, object]:
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "module": plugin.module,
        "status": plugin.status,
        "registers": _names(plugin, registry),
        "error": plugin.error,
        "traceback": plugin.traceback,
    }


def _registers(plugin: "LoadedPlugin", registry: "Registry") -> str:
    text = "; ".join(f"{kind} {', '.join(names)}" for kind, names in _names(plugin, registry).items())
    return textwrap.fill(text, _WIDTH, break_on_hyphens=False)


def _names(plugin: "LoadedPlugin", registry: "Registry") -> dict[str, list[str]]:
    """The names that it registers, by kind."""
    names: dict[str, list[str]] = {}
    for entry in registry.entries():
        if entry.plugin == plugin:
            names.setdefault(entry.kind, []).append(entry.name)
    return names
