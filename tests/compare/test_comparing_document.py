"""docs/comparing.md holds: every verdict is in it, and its numbers are those of the code."""

import inspect
import re
from pathlib import Path

from benchsuite.cli.compare import compare as command
from benchsuite.compare import DEFAULT_THRESHOLD, Verdict
from benchsuite.compare.exact import LAST_DIGITS
from benchsuite.compare.findings import BLOCKING
from benchsuite.compare.sizes import APART, LOSS, OTHER_PARENT, PACKED, ROUNDED, TRAINED
from benchsuite.metrics.paired import POWER
from benchsuite.metrics.pooled import TOGETHER

ROOT = Path(__file__).parents[2]
TEXT = " ".join((ROOT / "docs" / "comparing.md").read_text(encoding="utf-8").split())


def test_each_verdict_is_described_and_whether_it_fails_the_check():
    rows = re.findall(r"\| `([a-z ]+)` \|[^|]+\| (fails)? ?\|", TEXT)
    assert [name for name, _ in rows] == [
        "regressed", "failed", "missing", "not comparable", "better", "underpowered", "new", "same"
    ]  # fmt: skip
    assert {name for name, _ in rows} == set(Verdict)
    assert {name for name, fails in rows if fails} == set(BLOCKING)


def test_its_numbers_are_those_of_the_code():
    assert f"`--alpha` ({DEFAULT_THRESHOLD.alpha})" in TEXT
    assert f"`--smallest-effect` ({DEFAULT_THRESHOLD.smallest_effect} points)" in TEXT
    assert f"and {TRAINED:.0%} is let pass".replace("%", " %") in TEXT
    assert f"more than {OTHER_PARENT:.0%}".replace("%", " %") in TEXT
    assert f"{LOSS:.1%} are let pass".replace("%", " %") in TEXT
    assert f"Of bytes {PACKED:.1%} are let pass".replace("%", " %") in TEXT
    assert f"correlated by {TOGETHER}" in TEXT
    assert (LAST_DIGITS, ROUNDED) == (1e-6, 1e-9)
    assert "the loss may differ by 10⁻⁶ of itself" in TEXT
    assert "less than 10⁻⁹ apart" in TEXT
    assert APART == 2
    assert "more than twice the range" in TEXT
    assert f"chance of {POWER:.0%}".replace("%", " %") in TEXT


def test_the_command_asks_for_the_same_unless_told_otherwise():
    options = inspect.signature(command).parameters
    assert options["smallest_effect"].default == DEFAULT_THRESHOLD.smallest_effect
    assert options["alpha"].default == DEFAULT_THRESHOLD.alpha


def test_its_figures_are_written_by_the_benchmark():
    figures = (ROOT / "benchmarks" / "false_alarms.md").read_text(encoding="utf-8")
    assert "Written by `python benchmarks/false_alarms.py" in figures
    assert "| called regressed" in figures
