"""The kit as its users call it: the decorator, expected failures, cases that do not apply, what it refuses."""

from dataclasses import dataclass
from typing import ClassVar

import faulty_pruners as pruners
import faulty_quantizers as quantizers
import pytest

from benchsuite import ConfigError, PluginError
from benchsuite.testing import Check, Failure, NotApplicable, checks, conformance


@dataclass(frozen=True)
class SaysItPrints(pruners.Prints):
    """Prints, and says so."""

    expected_failures: ClassVar[dict[str, str]] = {"prints-nothing": "it is for teaching"}


@dataclass(frozen=True)
class PrintsNoMore(pruners.Sound):
    """Prints no more, and still says so."""

    expected_failures: ClassVar[dict[str, str]] = {"prints-nothing": "it is for teaching"}


@dataclass(frozen=True)
class Misspells(pruners.Sound):
    """Expects what is never asked."""

    expected_failures: ClassVar[dict[str, str]] = {"print-nothing": "it is for teaching"}


def check_of(plugin: object, name: str) -> Check:
    return next(check for check in checks(plugin) if check.name == name)


def cases(*plugins: object) -> dict[str, object]:
    """What the decorator makes: by id."""
    (names, parameters) = conformance(*plugins).mark.args
    assert names == "check"
    return {parameter.id: parameter for parameter in parameters}


@conformance(pruners.Sound(sparsity=0.9))
def test_a_decorated_test_gets_each_check(check: Check) -> None:
    assert check.plugin == pruners.Sound(sparsity=0.9)
    assert check.why.endswith(".")
    if check.name == "masks-fit-the-weights":
        check()


@conformance(SaysItPrints())
def test_a_declared_failure_is_an_expected_one(check: Check) -> None:
    if check.name == "prints-nothing":
        check()


def test_ids_name_check_and_plugin():
    found = cases("percentile[sparsity=0.9]", quantizers.SoundGrid(bits=2))
    assert "nested-levels[percentile[sparsity=0.9]]" in found
    assert "idempotent[SoundGrid(bits=2)]" in found


def test_kinds_are_found_by_type():
    both = {check.name for check in checks(pruners.Sound())} & {check.name for check in checks(quantizers.SoundGrid())}
    assert {"narrow-layers", "pickles", "repeatable"} <= both
    assert not {"nested-levels", "idempotent", "a-channel-stays", "finite-loss", "as-described"} & both


def test_an_expected_failure_is_a_strict_xfail_with_its_reason():
    (mark,) = cases(SaysItPrints())["prints-nothing[SaysItPrints(sparsity=0.5)]"].marks
    assert mark.name == "xfail"
    assert mark.kwargs == {"strict": True, "raises": Failure, "reason": "it is for teaching"}
    assert not cases(pruners.Sound())["prints-nothing[Sound(sparsity=0.5)]"].marks


def test_verdicts_of_expected_failures():
    assert check_of(SaysItPrints(), "prints-nothing").verdict() == ("expected failure", "it is for teaching")
    verdict, detail = check_of(PrintsNoMore(), "prints-nothing").verdict()
    assert (verdict, detail) == ("unexpected pass", "declared to fail: it is for teaching")


def test_an_expected_failure_of_no_check_is_refused():
    with pytest.raises(PluginError, match='"print-nothing", which it has not; did you mean "prints-nothing"'):
        checks(Misspells())


def test_a_failure_says_the_plugin_the_check_the_case_and_what_came():
    with pytest.raises(Failure) as caught:
        check_of(pruners.RoundsAtThreeQuarters(), "sparsity-is-delivered")()
    assert str(caught.value) == (
        "RoundsAtThreeQuarters(sparsity=0.5), sparsity-is-delivered: sparsity 0.75: "
        "conv1: asked for 0.750, delivered 0.727 (157 of 216)"
    )


def test_what_a_plugin_raises_is_a_failure_that_names_it():
    with pytest.raises(Failure, match=r"all-zero-layer: ZeroDivisionError: the weights add up to 0"):
        check_of(pruners.DividesByTheSum(), "all-zero-layer")()


def test_what_does_not_apply_says_why():
    with pytest.raises(NotApplicable, match="no field sparsity"):
        check_of("neff-row", "sparsity-is-delivered")()
    verdict = check_of("image-folder[path='nowhere']", "as-described").verdict()
    assert verdict[0] == "not applicable"
    assert "nowhere" in verdict[1]


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        ("percentil", ConfigError, 'unknown name "percentil"; did you mean "percentile"?'),
        ("percentile[sparsty=0.5]", ConfigError, 'unknown field "sparsty"; did you mean "sparsity"?'),
        ("ste-symmetric", ConfigError, 'the field "bits" is missing'),
        ("quick", ConfigError, 'unknown name "quick"'),
        (pruners.Sound, PluginError, "configure one, such as MyPruner(sparsity=0.9)"),
    ],
)
def test_what_cannot_be_checked_is_refused(asked, error, says):
    with pytest.raises(error) as caught:
        checks(asked)
    assert says in str(caught.value)
