"""A plugin built for another version of benchsuite is not imported, and says what to update."""

from importlib import metadata

import pytest

from benchsuite.errors import ConfigError, StrictPluginError
from benchsuite.registry import Registry, default_registry, load_plugins

INSTALLED = metadata.version("benchsuite")
NOT_TO_BE_IMPORTED = "raise RuntimeError('an incompatible plugin is not imported')"


@pytest.fixture
def install_requiring(install_plugin):
    """Install a plugin whose distribution has these requirements, and return what became of it."""

    def install(*requirements: str, source: str = NOT_TO_BE_IMPORTED):
        folder = install_plugin("my-pruner", source)
        with (folder / "my_pruner-1.0.dist-info" / "METADATA").open("a", encoding="utf-8") as stream:
            stream.writelines(f"Requires-Dist: {requirement}\n" for requirement in requirements)
        (plugin,) = [one.plugin for one in load_plugins() if one.plugin.name == "my-pruner"]
        return plugin

    return install


@pytest.mark.parametrize(
    ("requirement", "specifier"),
    [
        ("benchsuite<0.1", "<0.1"),
        ("benchsuite>=2", ">=2"),
        ("Benchsuite (>=2)", ">=2"),
        ("benchsuite[test]>=2; python_version >= '3'", ">=2"),
        (f"benchsuite!={INSTALLED}", f"!={INSTALLED}"),
        ("benchsuite==0.0.*", "==0.0.*"),
    ],
)
def test_another_version_is_named_and_nothing_imported(install_requiring, requirement, specifier):
    plugin = install_requiring("torch", requirement)
    assert (plugin.status, plugin.traceback) == ("incompatible", None)
    assert plugin.error == f"my-pruner 1.0 needs benchsuite {specifier}, this is {INSTALLED}: update one of them"


@pytest.mark.parametrize(
    "requirement",
    [
        "benchsuite",
        f"benchsuite>={INSTALLED}",
        "benchsuite>=0.1.0.dev0,<1",
        "benchsuite>=2; python_version < '3'",
        "benchsuite>=2; extra == 'next'",
        "benchsuite-boards>=2",
        "benchsuite >= or so",
    ],
)
def test_this_version_is_accepted(install_requiring, pruners, requirement):
    assert install_requiring(requirement, source=pruners).status == "ok"


def test_every_requirement_counts(install_requiring):
    assert "needs benchsuite >=2," in install_requiring("benchsuite>=0.1", "benchsuite>=2").error


def test_a_prerelease_of_the_required_version_is_accepted(install_requiring, pruners, monkeypatch):
    monkeypatch.setattr("benchsuite.registry.compatibility.version", lambda _: "2.0.1.dev3")
    assert install_requiring("benchsuite>=2", source=pruners).status == "ok"


def test_it_is_listed_and_named_where_it_may_be_missed(install_requiring):
    plugin = install_requiring("benchsuite>=2")
    registry = default_registry()
    assert registry.problems() == [f'plugin "my-pruner" (my-pruner 1.0) is incompatible: {plugin.error}']
    (fact,) = [fact for fact in registry.facts() if fact["distribution"] == "my-pruner"]
    assert (fact["status"], fact["summary"]) == ("incompatible", plugin.error)
    with pytest.raises(ConfigError) as caught:
        registry.get("pruner", "its-pruner")
    assert caught.value.exit_code == 2
    assert plugin.error in str(caught.value)


def test_strict(install_requiring):
    install_requiring("benchsuite>=2")
    with pytest.raises(
        StrictPluginError, match=r'"my-pruner" \(my-pruner 1.0\) is incompatible: .* update one of them'
    ):
        load_plugins(strict=True)


def test_a_blocked_one_is_no_problem(install_requiring, monkeypatch):
    monkeypatch.setenv("BENCHSUITE_BLOCK", "my-pruner,benchsuite")
    install_requiring("benchsuite>=2")
    assert Registry.of(load_plugins()).problems() == []
