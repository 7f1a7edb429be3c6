"""Several lines together: by hand, between one line and independent ones, and by chances that are honest."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from benchsuite.metrics.paired import Contrast, Estimate, Prior, fit_prior, unpaired_contrast
from benchsuite.metrics.pooled import TOGETHER, pooled

PRIOR = Prior(correlation=0.01, slope=1.0, freedom=6.0, at=0.04)


def estimate(change: float, *, dispersion: float = 2.0, freedom: int = 2) -> Estimate:
    return Estimate(Contrast(change, 100, 0.04, 1 / 3, dispersion, freedom, paired=True), PRIOR)


def test_one_line_is_itself():
    one = estimate(-1.5)
    found = pooled([one])
    assert (found.change, found.error, found.freedom) == (-1.5, pytest.approx(one.error), one.freedom)
    assert (found.p_worse, found.p_better) == (pytest.approx(one.p_worse), pytest.approx(one.p_better))
    assert found.margin(0.05) == pytest.approx(one.margin(0.05))


def test_lines_are_weighed_by_their_variance():
    clear, noisy = estimate(-1.0), estimate(-6.0, dispersion=26.0)  # φ 2 and 8: four times the variance
    found = pooled([clear, noisy])
    assert noisy.error == pytest.approx(2 * clear.error)
    assert found.change == pytest.approx((4 * -1.0 + 1 * -6.0) / 5)
    shares = 0.8 * clear.error, 0.2 * noisy.error
    expected = sum(share**2 for share in shares) + 2 * TOGETHER * math.prod(shares)
    assert found.error == pytest.approx(math.sqrt(expected))


def test_the_fewest_degrees_of_freedom_are_those_of_all():
    assert pooled([estimate(-1.0, freedom=2), estimate(-1.0, freedom=9)]).freedom == 8


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=8), st.floats(0.0, 50.0))
def test_more_lines_tell_more_than_one_and_less_than_as_many_independent_ones(values, dispersion):
    lines = [estimate(value, dispersion=dispersion) for value in values]
    found = pooled(lines)
    assert min(values) - 1e-9 <= found.change <= max(values) + 1e-9
    assert lines[0].error / math.sqrt(len(lines)) <= found.error * (1 + 1e-9)
    assert found.error <= lines[0].error * (1 + 1e-9)
    assert found.p_worse + found.p_better == pytest.approx(1)


def methods(rng, count, levels, seeds, examples):
    """Methods of several levels, whose errors are shared through the luck of a seed, half of it that of all levels."""
    for _ in range(count):
        shared = rng.normal(0, 0.2, (seeds, 1))
        yield [
            rng.random((seeds, examples))
            < 1 / (1 + np.exp(-(rng.normal(2.5, 1.5, examples) + shared + rng.normal(0, 0.2, (seeds, 1)))))
            for _ in range(levels)
        ]


def test_where_nothing_changed_small_chances_are_as_rare_as_they_say():
    rng = np.random.default_rng(0)
    chances = []
    for _ in range(30):
        found = [
            [unpaired_contrast(level[:3], level[3:]) for level in method] for method in methods(rng, 10, 4, 6, 300)
        ]
        prior = fit_prior([one for method in found for one in method])
        chances += [pooled([Estimate(one, prior) for one in method]).p_worse for method in found]
    rare = sum(chance <= 0.05 for chance in chances)
    assert binomtest(rare, len(chances), 0.05, "greater").pvalue > 0.01
    assert sum(chance <= 0.5 for chance in chances) == pytest.approx(len(chances) / 2, rel=0.25)
