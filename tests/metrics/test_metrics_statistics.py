"""Nothing aggregates over a hole."""

import math
import subprocess
import sys

import pytest

from benchsuite.metrics import Summary, paired_change, summarize


def test_the_spread_is_the_sample_standard_deviation():
    assert summarize([1, 2, 3, 4]) == Summary(2.5, pytest.approx(math.sqrt(5 / 3)), 4)


def test_one_value_has_no_spread():
    assert summarize([91.5]) == Summary(91.5, None, 1)


def test_changes_are_paired_by_seed():
    assert paired_change([90, 80], [91, 83]) == Summary(-2, pytest.approx(math.sqrt(2)), 2)


@pytest.mark.parametrize("values", [[], [1, math.nan], [math.inf]])
def test_a_hole_is_refused(values):
    with pytest.raises(ValueError, match=r"no values|not finite"):
        summarize(values)


def test_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match="2 values cannot be paired with 1 parents"):
        paired_change([1, 2], [1])


def test_statistics_need_no_torch():
    code = "import sys; from benchsuite.metrics import summarize; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
