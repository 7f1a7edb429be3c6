"""The test behind `compare`: McNemar's variance, its dispersion moderated over lines, p-values that are uniform."""

import numpy as np
import pytest
from scipy.stats import kstest

from benchsuite.metrics.paired import (
    DEFAULT_PRIOR,
    POWER,
    Contrast,
    Estimate,
    Prior,
    accuracies_contrast,
    fit_prior,
    paired_contrast,
    unpaired_contrast,
)


def right(*rows: str) -> np.ndarray:
    return np.array([[one == "1" for one in row] for row in rows])


def test_a_paired_contrast_by_hand():
    found = paired_contrast(right("1111111111", "1111111100"), right("1111111100", "1111111001"))
    # differences −20 and 0 points; 2 of 10 and 2 of 10 examples differ; McNemar: 2 / 10² = 0.02, in points² 200
    assert (found.change, found.examples, found.freedom, found.paired) == (pytest.approx(-10), 10, 1, True)
    assert found.disagreement == pytest.approx(0.2)
    assert found.variance == pytest.approx(200)
    assert found.dispersion == pytest.approx(200 / 200)
    assert found.share == 1 / 2


def test_an_unpaired_contrast_by_hand():
    found = unpaired_contrast(right("1111111111", "1111111100"), right("1111110000"))
    # accuracies 100, 80 against 60; disagreements 4 and 2 of 10; spread of a difference: 2 · 200
    assert (found.change, found.freedom, found.paired) == (pytest.approx(-30), 1, False)
    assert found.disagreement == pytest.approx(0.3)
    assert found.dispersion == pytest.approx(400 / 300)
    assert found.share == (1 / 2 + 1) / 2


def test_without_bits_examples_are_taken_to_be_equally_hard():
    found = accuracies_contrast([90.0, 80.0], [70.0, 70.0], 100, paired=True)
    assert found.change == pytest.approx(-15)
    assert found.disagreement == pytest.approx((0.09 + 0.16) / 2 + 0.21)
    assert accuracies_contrast([90.0, 80.0], [70.0], 100, paired=False).freedom == 1


def test_one_seed_says_nothing_of_its_error_unless_nothing_differs():
    assert not paired_contrast(right("1100"), right("1010")).settled
    assert paired_contrast(right("1100"), right("1100")).settled


def test_networks_that_agree_on_every_example_have_not_changed():
    estimate = Estimate(paired_contrast(right("1100", "1000"), right("1100", "1000")), DEFAULT_PRIOR)
    assert (estimate.change, estimate.error, estimate.p_worse, estimate.p_better) == (0, 0, 1, 1)
    assert not estimate.testable


def test_the_dispersion_lies_between_the_lines_own_and_the_prior():
    contrast = Contrast(-1.0, 100, 0.04, 1 / 3, dispersion=4.0, freedom=2, paired=True)
    prior = Prior(correlation=0.01, slope=1.0, freedom=6.0, at=0.04)
    assert prior.dispersion(contrast) == pytest.approx(1 + 100 * 0.01)
    estimate = Estimate(contrast, prior)
    assert estimate.dispersion == pytest.approx((2 * 4 + 6 * 2) / 8)
    assert estimate.freedom == 8
    assert estimate.error == pytest.approx((2.5 * 4 / 3) ** 0.5)  # 10⁴ · 0.04 / 100 = 4 points²
    assert estimate.p_worse + estimate.p_better == pytest.approx(1)


def simulated(rng, lines, sides, examples, shift=0.0):
    """Networks whose errors are shared through a seed's own luck, more so on the harder lines: (right answers)."""
    for _ in range(lines):
        hardness = rng.normal(rng.uniform(1.5, 4), 1.5, examples)
        luck = rng.normal(0, 0.3, (sides, 1))
        yield rng.random((sides, examples)) < 1 / (1 + np.exp(-(hardness + luck)))


def test_where_nothing_changed_p_values_are_uniform():
    rng = np.random.default_rng(20)
    found = []
    for _ in range(30):
        contrasts = [unpaired_contrast(line[:3], line[3:]) for line in simulated(rng, 40, 6, 400)]
        prior = fit_prior(contrasts)
        found += [Estimate(one, prior).p_worse for one in contrasts]
    assert kstest(found, "uniform").pvalue > 0.01
    assert np.mean(np.array(found) < 0.05) == pytest.approx(0.05, abs=0.02)


def test_the_prior_is_found_again():
    rng = np.random.default_rng(1)
    truth = Prior(correlation=0.01, slope=1.0, freedom=8.0, at=0.05)
    contrasts = []
    for disagreement in rng.uniform(0.01, 0.2, 600):
        expected = truth.dispersion(Contrast(0.0, 400, disagreement, 1 / 3, 0.0, 4, paired=False))
        contrasts.append(Contrast(0.0, 400, disagreement, 1 / 3, expected * rng.f(4, 8), 4, paired=False))
    found = fit_prior(contrasts)
    for one in contrasts[:20]:
        assert found.dispersion(one) == pytest.approx(truth.dispersion(one), rel=0.25)
    assert 5 < found.freedom < 13


def test_of_few_lines_the_prior_is_the_stated_one():
    one = Contrast(0.0, 400, 0.05, 1 / 3, 1.0, 4, paired=False)
    assert fit_prior([one] * 9) == DEFAULT_PRIOR
    assert fit_prior([one] * 10) != DEFAULT_PRIOR


@pytest.mark.parametrize("effect", [0.5, 1.0, 2.0])
def test_so_many_seeds_find_a_change_as_often_as_they_promise(effect):
    rng = np.random.default_rng(3)
    contrast = Contrast(0.0, 400, 0.02, 1 / 3, 1.5, 2, paired=True)
    prior = Prior(correlation=0.5 / 400, slope=0.0, freedom=30.0, at=0.02)  # φ = 1.5
    seeds = Estimate(contrast, prior).seeds_needed(effect, 0.05)
    sigma = (1.5 * contrast.variance) ** 0.5
    hits = 0
    for _ in range(2000):
        changes = rng.normal(-effect, sigma, seeds)
        dispersion = changes.var(ddof=1) / contrast.variance
        found = Contrast(changes.mean(), 400, 0.02, 1 / seeds, dispersion, seeds - 1, paired=True)
        hits += Estimate(found, prior).p_worse <= 0.05
    assert hits / 2000 >= POWER - 0.03
