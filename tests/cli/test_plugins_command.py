"""`benchsuite plugins`: origin, status and names of each plugin, and the reason where one is missing."""

import pytest

SOUND = """
from dataclasses import dataclass
from benchsuite import Pruner, Regularizer, hookimpl

@dataclass(frozen=True)
class Some(Pruner):
    def masks(self, layers, context):
        return {}

@dataclass(frozen=True)
class Decay(Regularizer):
    rate: float = 0.1

@hookimpl
def benchsuite_pruners():
    return {"some": Some, "another": Some}

@hookimpl
def benchsuite_regularizers():
    return {"decay": Decay}
"""


@pytest.fixture
def installed(install_plugin, monkeypatch):
    """One plugin of each status."""
    install_plugin("sound-methods", SOUND, version="1.2", entry_point="sound")
    install_plugin("broken", "def deep():\n    1 / 0\ndeep()")
    install_plugin("unwanted", SOUND)
    folder = install_plugin("future", SOUND)
    with (folder / "future-1.0.dist-info" / "METADATA").open("a", encoding="utf-8") as stream:
        stream.write("Requires-Dist: benchsuite>=2\n")
    monkeypatch.setenv("BENCHSUITE_BLOCK", "unwanted,benchsuite")


def test_the_facts_of_each_plugin(benchsuite, installed):
    result = benchsuite("plugins", "--json")
    assert result.code == 0
    facts = {fact.pop("name"): fact for fact in result.facts if fact["distribution"] != "benchsuite"}
    assert facts["sound"] == {
        "distribution": "sound-methods",
        "version": "1.2",
        "module": "sound_methods",
        "status": "ok",
        "registers": {"pruner": ["another", "some"], "regularizer": ["decay"]},
        "error": None,
        "traceback": None,
    }
    assert {name: (fact["status"], fact["registers"]) for name, fact in facts.items() if name != "sound"} == {
        "broken": ("failed", {}),
        "future": ("incompatible", {}),
        "unwanted": ("blocked", {}),
    }
    assert facts["broken"]["error"] == "ZeroDivisionError: division by zero"
    assert "in deep" in facts["broken"]["traceback"]
    assert "needs benchsuite >=2" in facts["future"]["error"]


def test_the_table_gives_the_reason_but_no_traceback(benchsuite, installed):
    result = benchsuite("plugins")
    assert result.code == 0
    (sound,) = [line.split() for line in result.out.splitlines() if line.startswith("sound ")]
    words = "sound sound-methods 1.2 sound_methods ok pruner another, some; regularizer decay"
    assert sound == words.split()
    assert 'plugin "broken" (broken 1.0) failed to load: ZeroDivisionError: division by zero' in result.out
    assert 'plugin "future" (future 1.0) is incompatible: future 1.0 needs benchsuite >=2' in result.out
    assert "Traceback" not in result.out


@pytest.mark.parametrize("name", ["sound", "sound-methods"])
def test_one_by_entry_point_or_distribution(benchsuite, installed, name):
    assert [fact["name"] for fact in benchsuite("plugins", name, "--json").facts] == ["sound"]


def test_one_that_failed_shows_its_traceback(benchsuite, installed):
    result = benchsuite("plugins", "broken")
    assert result.code == 0
    assert "Traceback (most recent call last)" in result.out
    assert "in deep" in result.out
    assert "sound" not in result.out


def test_an_unknown_one_gets_a_suggestion(benchsuite, installed):
    result = benchsuite("plugins", "brokn")
    assert (result.code, result.err) == (2, 'benchsuite: no plugin "brokn" is installed; did you mean "broken"?\n')
