"""Loading: a broken plugin fails alone and says why."""

from pathlib import Path

import pytest

from benchsuite.errors import StrictPluginError
from benchsuite.registry.loader import Loaded, load_plugins


def loaded(name: str) -> Loaded:
    (found,) = [one for one in load_plugins() if one.plugin.name == name]
    return found


def test_a_plugin_brings_its_names_and_its_origin(install_plugin, pruners):
    install_plugin("other-package", pruners, version="2.1", entry_point="other")
    plugin, registrations = loaded("other")
    assert (plugin.distribution, plugin.version, plugin.module) == ("other-package", "2.1", "other_package")
    assert (plugin.status, plugin.error, plugin.traceback) == ("ok", None, None)
    assert [(one.kind, one.name) for one in registrations] == [("pruner", "some")]


def test_plugins_come_sorted_whatever_the_order_of_installation(install_plugin, pruners):
    for name in ("b-dist", "a-dist", "c-dist"):
        install_plugin(name, pruners, entry_point="same")
    mine = [plugin.distribution for plugin, _ in load_plugins() if plugin.name == "same"]
    assert mine == ["a-dist", "b-dist", "c-dist"]


CLASS = """
from dataclasses import dataclass, field
from functools import partial
from benchsuite import Pruner, Quantizer, hookimpl

class Base(Pruner):
    def masks(self, layers, context):
        return {}
"""


def registering(factory: str, definition: str = "", name: str = "it") -> str:
    return f"{CLASS}\n{definition}\n@hookimpl\ndef benchsuite_pruners():\n    return {{{name!r}: {factory}}}\n"


FROZEN = "@dataclass(frozen=True)\nclass Mine(Base):\n    "

BROKEN = {
    "import": ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
    "syntax": ("def (", "SyntaxError: "),
    "exit at import": ("raise SystemExit(3)", "SystemExit: 3"),
    "raise in hook": (registering("1 / 0"), "ZeroDivisionError: division by zero"),
    "exit in hook": (registering("exit(4)"), "SystemExit: 4"),
    "no mapping": (
        f"{CLASS}\n@hookimpl\ndef benchsuite_pruners():\n    return ['x']",
        "benchsuite_pruners returned ['x'], not a mapping of names",
    ),
    "nothing returned": (
        f"{CLASS}\n@hookimpl\ndef benchsuite_pruners():\n    pass",
        "benchsuite_pruners returned None, not a mapping of names",
    ),
    "an argument": (f"{CLASS}\n@hookimpl\ndef benchsuite_pruners(config):\n    return {{}}", "PluginValidationError: "),
    "misspelt hook": (
        f"{CLASS}\n@hookimpl\ndef benchsuite_pruner():\n    return {{}}",
        'unknown hook "benchsuite_pruner"; did you mean "benchsuite_pruners"?',
    ),
    "no marker": (
        f"{CLASS}\ndef benchsuite_models():\n    return {{}}",
        'the function "benchsuite_models" lacks the marker @hookimpl',
    ),
    "no marker and misspelt": (
        f"{CLASS}\ndef benchsuite_modles():\n    return {{}}",
        'the function "benchsuite_modles" lacks the marker @hookimpl; did you mean "benchsuite_models"?',
    ),
    "no hook": (CLASS, "it implements no hook; known: benchsuite_pruners, "),
    "capital": (registering("Base", name="It"), "pruner 'It': a name is lower-case"),
    "underscore": (registering("Base", name="an_other"), "pruner 'an_other': a name is lower-case"),
    "line end": (registering("Base", name="it\n"), r"pruner 'it\n': a name is lower-case"),
    "no text": (registering("Base", name=7), "pruner 7: a name is lower-case"),
    "no class": (registering("print"), "neither a class nor a functools.partial of one"),
    "wrong base": (
        registering("Mine", "@dataclass(frozen=True)\nclass Mine(Quantizer):\n    def quantize(self, weight): ..."),
        'pruner "it": Mine is not a Pruner',
    ),
    "not decorated": (
        registering("Mine", "class Mine(Base):\n    sparsity: float = 0.5"),
        'pruner "it": Mine is not a frozen dataclass: decorate it with @dataclass(frozen=True)',
    ),
    "not frozen": (
        registering("Mine", "@dataclass\nclass Mine(Base):\n    sparsity: float = 0.5"),
        "TypeError: cannot inherit non-frozen dataclass from a frozen one",
    ),
    "abstract": (
        registering("Mine", "@dataclass(frozen=True)\nclass Mine(Pruner):\n    beta: float = 0.5"),
        'pruner "it": Mine does not define masks',
    ),
    "unreadable type": (
        registering("Mine", f"{FROZEN}beta: 'Unknown' = 0.5"),
        "pruner \"it\": field \"beta\": the type 'Unknown' cannot be read: name 'Unknown' is not defined",
    ),
    "no plain default": (
        registering("Mine", f"{FROZEN}beta: object = field(default_factory=set)"),
        'pruner "it": default of the field "beta": set() is no plain value',
    ),
    "partial by position": (
        registering("partial(Mine, 0.5)", f"{FROZEN}beta: float = 1.0"),
        "must bind fields by keyword",
    ),
    "partial of unknown field": (
        registering("partial(Mine, bta=0.5)", f"{FROZEN}beta: float = 1.0"),
        'functools.partial binds the unknown field "bta"; did you mean "beta"?',
    ),
    "no board": (
        f"{CLASS}\n@hookimpl\ndef benchsuite_leaderboards():\n    return {{'it': '/no/such.toml'}}",
        'leaderboard "it": there is no file /no/such.toml',
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin_fails_alone(install_plugin, pruners, case):
    source, reason = BROKEN[case]
    install_plugin("broken", source)
    install_plugin("sound", pruners)
    plugin, registrations = loaded("broken")
    assert (plugin.status, registrations) == ("failed", ())
    assert reason in plugin.error
    assert "\n" not in plugin.error
    assert plugin.traceback.startswith("Traceback (most recent call last):")
    assert loaded("sound").plugin.status == "ok"


@pytest.mark.parametrize(
    "word",
    ["prune", "quantize", "finetune", "evaluate", "schedule", "epochs", "skip", "recipe", "matched_to", "name"],
)
def test_a_field_cannot_have_a_word_of_the_harness(install_plugin, word):
    install_plugin("broken", registering("Mine", f"{FROZEN}{word}: int = 1"))
    assert f'pruner "it": Mine has the field {word}, a word of the harness' in loaded("broken").plugin.error


def test_the_traceback_points_into_the_plugin(install_plugin):
    install_plugin("broken", registering("1 / 0"))
    assert "broken.py" in loaded("broken").plugin.traceback


def test_an_interrupt_is_not_contained(install_plugin):
    install_plugin("broken", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load_plugins()


@pytest.mark.parametrize("block", ["some-plugin", "Some_Plugin", "the.dist", "other , THE-DIST"])
def test_blocked_by_entry_point_or_distribution(install_plugin, monkeypatch, block):
    install_plugin("the-dist", "raise RuntimeError('a blocked plugin is not imported')", entry_point="some-plugin")
    monkeypatch.setenv("BENCHSUITE_BLOCK", f"{block},benchsuite")
    plugin, registrations = loaded("some-plugin")
    assert (plugin.status, plugin.error, registrations) == ("blocked", None, ())


def test_strict_names_plugin_and_reason(install_plugin, pruners):
    install_plugin("sound", pruners)
    assert load_plugins(strict=True) == load_plugins()
    install_plugin("broken", "import no_such_module")
    with pytest.raises(StrictPluginError, match=r'plugin "broken" \(broken 1\.0\) failed to load: ModuleNotFoundError'):
        load_plugins(strict=True)


def test_a_hook_of_a_later_version_may_be_marked_optional(install_plugin, pruners):
    later = "\n@hookimpl(optionalhook=True)\ndef benchsuite_schedules():\n    return {}\n"
    install_plugin("modern", pruners + later)
    assert loaded("modern").plugin.status == "ok"


def test_a_partial_is_accepted(install_plugin):
    install_plugin("variants", registering("partial(Mine, beta=2.0)", f"{FROZEN}beta: float = 1.0"))
    assert loaded("variants").plugin.error is None


def test_a_board_is_a_path(install_plugin, tmp_path: Path):
    (tmp_path / "b.toml").write_text("")
    install_plugin(
        "my-boards",
        f"{CLASS}\n@hookimpl\ndef benchsuite_leaderboards():\n    return {{'b': {str(tmp_path / 'b.toml')!r}}}",
    )
    assert [one.factory for one in loaded("my-boards").registrations] == [tmp_path / "b.toml"]


def test_leftover_metadata_without_name_is_no_obstacle(install_plugin, pruners):
    folder = install_plugin("sound", pruners)
    (folder / "sound-1.0.dist-info" / "METADATA").unlink()
    assert loaded("sound").plugin.distribution == "unknown"
