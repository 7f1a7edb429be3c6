"""Numbers as tables show them."""

import pytest

from benchsuite.metrics.paired import DEFAULT_PRIOR, Contrast, Estimate
from benchsuite.metrics.statistics import Summary
from benchsuite.report.formats import NOTHING, brief, count, number, signed, with_margin, with_spread
from benchsuite.results import margin


@pytest.mark.parametrize(
    ("value", "text"), [(1.25, "+1.2"), (-1.26, "−1.3"), (0.0, "0.0"), (-0.04, "0.0"), (0.04, "0.0"), (-0.06, "−0.1")]
)
def test_signs(value, text):
    assert signed(value) == text


@pytest.mark.parametrize(
    ("summary", "text"), [(None, NOTHING), (Summary(90.0, None, 1), "90.00"), (Summary(90.125, 0.5, 3), "90.12 ± 0.50")]
)
def test_spread(summary, text):
    assert with_spread(summary) == text


@pytest.mark.parametrize(("change", "examples"), [(-0.5, 10_000), (-20.0, 400)])
def test_a_margin_has_two_digits(change, examples):
    contrast = Contrast(change, examples, -change / 100, 1 / 3, 1.0, 2, paired=True)
    estimate = Estimate(contrast, DEFAULT_PRIOR)
    half = margin(estimate)
    assert with_margin(estimate) == (f"−0.50 ± {half:.2f}" if half < 1 else f"−20.0 ± {half:.1f}")
    assert (half < 1) == (examples == 10_000)


def test_nothing_is_a_dash():
    assert with_margin(None) == number(None, ".1f") == count(None) == NOTHING


@pytest.mark.parametrize(
    ("value", "text"), [(852, "852"), (1700, "1.70k"), (16_992, "17.0k"), (41_000_000, "41.0M"), (2e12, "2.00e+03G")]
)
def test_counts(value, text):
    assert count(Summary(value, None, 1)) == text


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("center beta 0.36787944117144233", "center beta 0.3679"),
        ("beta 2.718281828459045, 5 epochs", "beta 2.718, 5 epochs"),
        ("sparsity 0.95 linear", "sparsity 0.95 linear"),
        ("strength 0.0001", "strength 0.0001"),
    ],
)
def test_long_numbers_are_rounded(setting, text):
    assert brief(setting) == text
