"""`benchsuite check`: the table, the facts and the exit code."""

import pytest

PLUGIN = '''
from dataclasses import dataclass
from typing import ClassVar

import torch

from benchsuite import LayerPruner, hookimpl


@dataclass(frozen=True)
class Half(LayerPruner):
    """Keep the second half of each layer."""

    loud: bool = False
    """Whether it says so."""
    expected_failures: ClassVar[dict[str, str]] = {EXPECTED}

    def mask(self, weight, context):
        if self.loud:
            print("half of", tuple(weight.shape))
        places = torch.arange(weight.numel())
        return (places >= weight.numel() // 2).view(weight.shape)


@hookimpl
def benchsuite_pruners():
    return {"half": Half}
'''


@pytest.fixture
def half(install_plugin):
    def install(expected=None):
        install_plugin("half", PLUGIN.replace("EXPECTED", repr(expected or {})[1:-1]))

    return install


def verdicts(result) -> dict[str, str]:
    return {fact["check"]: fact["verdict"] for fact in result.facts}


def test_a_sound_plugin(benchsuite, half):
    half()
    result = benchsuite("check", "half", "--only", "*a*s*", "--json")
    assert result.code == 0
    assert set(verdicts(result).values()) == {"passed", "not applicable"}
    assert set(result.facts[0]) == {"plugin", "check", "verdict", "detail", "why"}


def test_a_failed_check(benchsuite, half):
    half()
    result = benchsuite("check", "half[loud=true]", "--only", "prints-nothing")
    assert result.code == 3
    assert "half[loud=true]  prints-nothing  failed" in result.out
    assert "it printed 'half of (8," in result.out
    assert result.out.endswith("1 check: 1 failed\n")


def test_what_a_plugin_prints_is_kept_out_of_the_facts(benchsuite, half):
    half()
    result = benchsuite("check", "half[loud=true]", "--only", "[pr]*", "--json")
    assert [check for check, verdict in verdicts(result).items() if verdict == "failed"] == ["prints-nothing"]


def test_an_expected_failure(benchsuite, half):
    half({"prints-nothing": "for teaching"})
    result = benchsuite("check", "half[loud=true]", "--only", "prints-nothing", "--json")
    assert result.code == 0
    (fact,) = result.facts
    assert (fact["verdict"], fact["detail"]) == ("expected failure", "for teaching")


def test_an_unexpected_pass(benchsuite, half):
    half({"prints-nothing": "for teaching"})
    result = benchsuite("check", "half", "--only", "prints-nothing", "--json")
    assert result.code == 3
    assert verdicts(result) == {"prints-nothing": "unexpected pass"}


def test_several_plugins_and_a_kind(benchsuite):
    result = benchsuite("check", "dataset/sparse-linear", "ste-symmetric[bits=4]", "--only", "frozen", "--json")
    assert result.code == 0
    assert [fact["plugin"] for fact in result.facts] == ["dataset/sparse-linear", "ste-symmetric[bits=4]"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["percentil"], 'unknown name "percentil"; did you mean "percentile"?'),
        (["percentile["], "is no reference to a plugin"),
        (["ste-symmetric"], 'the field "bits" is missing'),
        (["percentile", "--only", "nested"], '--only nested: no check matches; did you mean "nested-levels"?'),
    ],
)
def test_bad_input(benchsuite, arguments, says):
    result = benchsuite("check", *arguments)
    assert result.code == 2
    assert says in result.err
    assert "Traceback" not in result.err


def test_a_plugin_that_did_not_load(benchsuite, install_plugin):
    install_plugin("broken", "raise RuntimeError('no such device')")
    result = benchsuite("check", "mine")
    assert result.code == 2
    assert 'unknown name "mine"' in result.err
    assert "no such device" in result.err


@pytest.mark.parametrize(
    ("misdeed", "detail"),
    [
        ("import os; os._exit(0)", "ended its process with exit code 0"),
        ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
    ],
)
def test_a_plugin_that_ends_the_process_fails_the_check_it_did_it_in(benchsuite, install_plugin, misdeed, detail):
    install_plugin("half", PLUGIN.replace("EXPECTED", "").replace("if self.loud:", f"{misdeed}\n        if self.loud:"))
    result = benchsuite("check", "half", "--only", "*e[nq]*u*", "--json")
    assert result.code == 3
    found = {fact["check"]: (fact["verdict"], fact["detail"]) for fact in result.facts}
    assert found["equal-and-hashable"] == ("passed", "")
    verdict, told = found["equal-weights"]
    assert verdict == "failed"
    assert detail in told


def test_a_plugin_that_ends_the_process_when_it_is_loaded_is_refused(benchsuite, install_plugin):
    install_plugin("half", "import os; os._exit(0)")
    result = benchsuite("check", "half")
    assert result.code == 2
    assert "half: loading the plugins ended its process with exit code 0" in result.err
