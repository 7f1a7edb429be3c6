"""Lookup: suggestions, clashes, problems and what `list` shows."""

import subprocess
import sys
from dataclasses import dataclass

import pytest

from benchsuite.api import Pruner, Quantizer
from benchsuite.errors import ConfigError, PluginError, StrictPluginError
from benchsuite.registry import Registry, default_registry


@dataclass(frozen=True)
class Mine(Pruner):
    """Of the session."""

    beta: float = 1.0

    def masks(self, layers, context):
        return {}


@dataclass(frozen=True)
class MineToo(Mine):
    """Of the session, too."""


EMPTY = Registry((), ())


def message(registry: Registry, name: str, kind: type[Exception] = ConfigError) -> str:
    with pytest.raises(kind) as caught:
        registry.get("pruner", name)
    return str(caught.value)


def test_an_installed_name_is_found(install_plugin, pruners):
    install_plugin("mine", pruners)
    entry = default_registry().get("pruner", "some")
    assert entry.facts() == {
        "kind": "pruner",
        "name": "some",
        "summary": "Keep some weights.",
        "distribution": "mine",
        "version": "1.0",
        "status": "ok",
    }
    assert [one.meaning for one in entry.fields()] == ["How many go."]
    assert entry.create({"sparsity": 0.25}).sparsity == 0.25


def test_loaded_once(install_plugin, pruners):
    install_plugin("mine", pruners)
    assert default_registry() is default_registry()


def test_an_unknown_name_gets_a_suggestion(install_plugin, pruners):
    install_plugin("mine", pruners)
    assert message(default_registry(), "sone") == 'unknown pruner "sone"; did you mean "some"?'
    assert message(EMPTY, "sone") == 'unknown pruner "sone"'
    with pytest.raises(ConfigError, match='unknown quantizer "some"'):
        default_registry().get("quantizer", "some")


def test_an_unknown_name_may_be_that_of_a_failed_plugin(install_plugin, pruners):
    install_plugin("mine", pruners)
    install_plugin("broken", "import no_such_module")
    assert message(default_registry(), "best", PluginError) == (
        'unknown pruner "best"; known: some (plugins that failed to load: '
        "\"broken\" (broken 1.0): ModuleNotFoundError: No module named 'no_such_module')"
    )


def test_a_clash_names_both_when_it_is_used(install_plugin, pruners, monkeypatch):
    install_plugin("first", pruners, version="1.1")
    install_plugin("second", pruners.replace('"some": Some', '"some": Some, "other": Some'), version="2.2")
    registry = default_registry()
    clash = (
        'pruner "some" is claimed by the plugins "first" (first 1.1) and "second" (second 2.2); '
        "leave one out with BENCHSUITE_BLOCK=NAME, its name or its distribution's"
    )
    assert message(registry, "some", PluginError) == clash
    assert registry.problems() == [clash]
    assert registry.get("pruner", "other").plugin.name == "second"
    assert [(one["name"], one["status"]) for one in registry.facts() if one["distribution"] != "benchsuite"] == [
        ("other", "ok"),
        ("some", "clash"),
        ("some", "clash"),
    ]
    monkeypatch.setenv("BENCHSUITE_BLOCK", "first,benchsuite")
    default_registry.cache_clear()
    assert default_registry().get("pruner", "some").plugin.name == "second"


def test_failed_and_blocked_plugins_are_listed(install_plugin, monkeypatch):
    install_plugin("broken", "raise ValueError('at import')")
    install_plugin("unwanted", "")
    monkeypatch.setenv("BENCHSUITE_BLOCK", "unwanted,benchsuite")
    registry = default_registry()
    assert registry.problems() == ['plugin "broken" (broken 1.0) failed to load: ValueError: at import']
    assert [fact for fact in registry.facts() if fact["distribution"] != "benchsuite"] == [
        {
            "kind": "plugin",
            "name": name,
            "summary": summary,
            "distribution": name,
            "version": "1.0",
            "status": status,
        }
        for name, summary, status in [
            ("broken", "ValueError: at import", "failed"),
            ("unwanted", "blocked by BENCHSUITE_BLOCK", "blocked"),
        ]
    ]


def test_strict(install_plugin):
    install_plugin("broken", "raise ValueError('at import')")
    assert default_registry().problems()
    with pytest.raises(StrictPluginError, match=r"broken 1.0.*ValueError: at import"):
        default_registry(strict=True)


def test_entries_are_sorted():
    @dataclass(frozen=True)
    class Grid(Quantizer):
        bits: int = 4

        def quantize(self, weight):
            return weight

    registry = EMPTY.add("quantizer", "a", Grid).add("pruner", "z", Mine).add("pruner", "b", Mine)
    assert [entry.name for entry in registry.entries()] == ["b", "z", "a"]
    assert [entry.name for entry in registry.entries("quantizer")] == ["a"]
    assert registry.entries("model") == ()


def test_a_session_adds_and_replaces_its_own_names():
    registry = EMPTY.add("pruner", "mine", Mine)
    assert registry.get("pruner", "mine").create({"beta": 2}) == Mine(2.0)
    again = registry.add("pruner", "mine", MineToo)
    assert again.get("pruner", "mine").factory is MineToo
    assert registry.get("pruner", "mine").factory is Mine
    assert message(EMPTY, "mine") == 'unknown pruner "mine"'


def test_a_session_cannot_hide_an_installed_name(install_plugin, pruners):
    install_plugin("mine", pruners)
    registry = default_registry().add("pruner", "some", Mine)
    assert 'claimed by the plugins "added" (this session) and "mine" (mine 1.0)' in message(
        registry, "some", PluginError
    )


def test_a_session_is_held_to_the_contract():
    with pytest.raises(PluginError, match='quantizer "mine": Mine is not a Quantizer'):
        EMPTY.add("quantizer", "mine", Mine)


def test_listing_does_not_import_torch(install_plugin, pruners):
    folder = install_plugin("mine", pruners)
    program = (
        "import sys; from benchsuite.registry import default_registry;"
        "registry = default_registry(); registry.facts(); registry.get('pruner', 'some').create({}).sparsity;"
        "sys.exit('torch' in sys.modules)"
    )
    environment = {"PYTHONPATH": str(folder), "BENCHSUITE_BLOCK": "benchsuite"}
    assert subprocess.run([sys.executable, "-c", program], env=environment, check=False).returncode == 0
