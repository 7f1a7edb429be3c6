"""Whether networks turn at one value: exact figures, what must always hold, and how often a test errs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchsuite_plugins.claims.agreement import agreements, centre, homogeneity, mean
from benchsuite_plugins.claims.fits import Turn
from benchsuite_plugins.claims.sweeps import Sweep

INFINITY = float("inf")
HALF = 1.959963984540054
"""Of a 95 % interval whose standard error is 1."""


def turn(estimate, half=HALF):
    return Turn(estimate, estimate - half, estimate + half)


def sweep(network, bend, margin=0.0, board="a board"):
    """A loss that is 0 from the bend on, and rises by 10 points for each unit below."""
    logs = np.linspace(-1.0, 1.0, 11)
    change = -10 * np.maximum(bend - logs, 0.0)
    return Sweep(board, network, f"variant {bend}", np.exp(logs), change, np.full(11, margin), np.full(11, 0.5))


def test_the_mean_has_students_interval():
    # t(3 degrees, 97.5 %) = 3.18245; standard deviation of 1, 2, 3, 4: 1.29099
    found = mean([1.0, 2.0, 3.0, 4.0])
    assert (found.estimate, found.low, found.high) == pytest.approx((2.5, 0.445739, 4.554261), abs=1e-5)


@pytest.mark.parametrize("estimates", [[], [1.0], [1.0, INFINITY], [-INFINITY, 0.0, 1.0]])
def test_there_is_no_mean_of_one_network_or_where_one_lies_beyond(estimates):
    assert mean(estimates) is None


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=8))
def test_the_interval_of_a_mean_is_that_of_scipy(estimates):
    found = mean(estimates)
    error = stats.sem(estimates)
    expected = stats.t.ppf([0.025, 0.975], len(estimates) - 1) * error + np.mean(estimates)
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=1e-9)


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ([turn(0.0), turn(0.0)], 1.0),
        ([turn(0.0), turn(2.0)], 0.157299),  # Q = 2, 1 degree
        ([turn(0.0), turn(2.0), turn(4.0)], 0.018316),  # Q = 8, 2 degrees: exp(−4)
        ([turn(0.0), turn(3.0, 2 * HALF)], 0.179712),  # weights 1 and 1/4, so x̄ = 0.6 and Q = 1.8
        ([turn(0.0)], None),
        ([turn(0.0), Turn(1.0, 0.5, INFINITY)], None),
        ([turn(0.0), turn(1.0, 0.0)], None),
    ],
)
def test_networks_that_differ_are_unlikely_to_have_one_turning_point(turns, expected):
    assert homogeneity(turns) == (expected if expected is None else pytest.approx(expected, abs=1e-6))


def test_networks_that_have_one_turning_point_are_told_to_differ_about_as_often_as_the_level_says():
    draws = np.random.default_rng(0).normal(size=(2000, 4))
    rejected = np.mean([homogeneity([turn(estimate) for estimate in draw]) < 0.05 for draw in draws])
    assert 0.04 <= rejected <= 0.06


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=6), st.floats(-2, 2))
def test_where_the_networks_are_does_not_change_whether_they_differ(estimates, shift):
    moved = [turn(estimate + shift) for estimate in estimates]
    assert homogeneity(moved) == pytest.approx(homogeneity([turn(one) for one in estimates]), abs=1e-6)


@pytest.mark.parametrize(
    ("logs", "expected"),
    [
        ([3.0, 1.0, 2.0], 2.0),
        ([1.0, 2.0], 1.5),
        ([-INFINITY, 1.0], -INFINITY),
        ([-INFINITY, -INFINITY], -INFINITY),
        ([INFINITY, 1.0, INFINITY], INFINITY),
    ],
)
def test_the_centre_is_the_median_even_beyond_the_sweep(logs, expected):
    assert centre(logs) == expected


def test_between_opposite_ends_there_is_no_centre():
    assert np.isnan(centre([-INFINITY, INFINITY]))


def test_networks_are_the_units_of_a_board_whatever_the_number_of_their_curves():
    found = [sweep("a", 0.1), sweep("a", 0.2), sweep("a", 0.6), sweep("b", -0.2)]
    (of,) = agreements(found, [1.0, 2.0])
    assert [(one.board, one.tolerance) for one in of] == [("a board", 1.0), ("a board", 2.0)]
    estimates = {name: turn.estimate for name, turn in of[0].networks.items()}
    assert estimates == pytest.approx({"a": 0.1, "b": -0.3})
    assert of[0].extremes == ("b", "a")
    assert of[0].mean.estimate == pytest.approx(-0.1)
    assert of[1].mean.estimate == pytest.approx(-0.2)


def test_a_networks_interval_is_no_narrower_than_that_of_its_curves():
    (of,) = agreements([sweep("a", 0.2, 0.5)] * 6 + [sweep("b", 0.2, 0.5)], [1.0])
    assert of[0].networks["a"] == of[0].networks["b"]
    assert of[0].chance == pytest.approx(1.0)
    assert of[0].networks["a"].high - of[0].networks["a"].low == pytest.approx(0.1)
