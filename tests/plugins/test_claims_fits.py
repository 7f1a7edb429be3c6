"""Where a curve turns: exact figures, and what must always hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchsuite_plugins.claims.fits import Turn, crossing, hinge

INFINITY = float("inf")
STEPS = np.arange(5.0)
SWEEP = np.linspace(-1.0, 1.0, 11)


@pytest.mark.parametrize(
    ("loss", "margin", "expected"),
    [
        ([8, 4, 2, 0, 0], 0.0, (2.5, 2.5, 2.5)),
        ([8, 4, 2, 0, 0], 0.5, (2.5, 2.25, 2.75)),
        ([8, 4, 3, 1, 0], 0.0, (3.0, 3.0, 3.0)),
        ([8, 0, 2, 0, 0], 0.0, (2.5, 2.5, 2.5)),
        ([0.9, 0.5, 0, 0, 0], 0.2, (-INFINITY, -INFINITY, 0.25)),
        ([9, 9, 9, 9, 3], 1.0, (INFINITY, INFINITY, INFINITY)),
        ([8, 4, 2, 0.5, 0.5], 0.7, (2 + 2 / 3, 2.2, INFINITY)),
    ],
)
def test_a_curve_crosses_the_tolerance_for_the_last_time(loss, margin, expected):
    turn = crossing(STEPS, np.array(loss, dtype=float), np.full(5, margin), 1.0)
    assert (turn.estimate, turn.low, turn.high) == pytest.approx(expected)


@given(
    loss=st.lists(st.floats(-1, 50), min_size=5, max_size=5),
    margin=st.lists(st.floats(0, 5), min_size=5, max_size=5),
    tolerance=st.floats(0.1, 10),
)
def test_the_interval_of_a_crossing_holds_its_estimate(loss, margin, tolerance):
    turn = crossing(STEPS, np.array(loss), np.array(margin), tolerance)
    assert turn.low <= turn.estimate <= turn.high


@pytest.mark.parametrize("bend", [-0.4, 0.0, 0.16, 0.6])
@pytest.mark.parametrize(("level", "slope"), [(0.0, 40.0), (0.3, 5.0), (-2.0, -1.0)])
def test_the_bend_of_a_hinge_is_found(bend, level, slope):
    assert hinge(SWEEP, level + slope * np.maximum(bend - SWEEP, 0)) == pytest.approx(bend, abs=1e-3)


@settings(derandomize=True)  # of two bends that fit equally well, rounding decides
@given(
    noise=st.lists(st.integers(-1000, 1000), min_size=11, max_size=11, unique=True),
    level=st.integers(-10, 10),
    scale=st.sampled_from([-2.0, 0.5, 4.0]),
)
def test_units_do_not_move_a_bend(noise, level, scale):
    curve = np.array(noise) / 100 + 20 * np.maximum(0.1 - SWEEP, 0)
    assert hinge(SWEEP, curve) == pytest.approx(hinge(SWEEP, level + scale * curve), abs=2e-3)


@pytest.mark.parametrize(("value", "side"), [(0.0, -1), (1.0, 0), (2.0, 0), (3.0, 0), (3.5, 1)])
def test_a_value_lies_below_inside_or_above(value, side):
    assert Turn(2.0, 1.0, 3.0).side(value) == side
