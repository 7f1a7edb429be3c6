"""Differences between lines, and how far they can be trusted."""

import math

import numpy as np
import pytest
from make_line import EXAMPLES, make

from benchsuite.metrics.paired import Estimate, paired_contrast
from benchsuite.results import board_results
from benchsuite.results.effects import _EXAMPLES_ALONE, Effects, distinguishable, margin


def change(*accuracies, seeds):
    """Return the change of a row, at these accuracies by seed, against a dense network of 95 %."""
    records = [make(0, seed, 95.0, role="dense", seeds=seeds, shift=0) for seed in range(seeds)]
    records += [make(1, seed, one, seeds=seeds, shift=0) for seed, one in enumerate(accuracies)]
    (table,) = board_results(records)
    return Effects(table).change(table.lines[1])


@pytest.mark.parametrize("accuracy", [94.9, 90.0, 10.0])
def test_of_one_seed_only_the_test_examples_vary(accuracy):
    found = change(accuracy, seeds=1)
    differing = (95.0 - accuracy) / 100  # all of them right before and wrong now
    assert found.change == pytest.approx(accuracy - 95.0)
    assert margin(found) == pytest.approx(1.959964 * 100 * math.sqrt((differing - differing**2) / EXAMPLES), rel=1e-6)
    assert distinguishable(found)


def test_of_several_seeds_trainings_vary_too():
    alike, apart = (change(*accuracies, seeds=3) for accuracies in ((90.0, 90.0, 90.0), (85.0, 90.0, 95.0)))
    assert alike.change == pytest.approx(apart.change)
    assert margin(alike) > margin(change(90.0, seeds=1))
    assert margin(apart) > margin(alike)


def test_nothing_is_said_of_a_line_with_a_hole():
    assert change(90.0, seeds=2) is None


@pytest.mark.parametrize("failed", [0, 1])
def test_nothing_is_said_over_a_hole_on_either_side(failed):
    status = {failed: {"status": "failed"}}
    base = [make(0, seed, 95.0, seeds=2, shift=0, **status.get(0, {})) for seed in range(2)]
    new = [make(1, seed, 90.0, seeds=2, shift=0, **status.get(1, {})) for seed in range(2)]
    effects = Effects(board_results([*base, *new])[0])
    assert effects.between(base, new) is None
    assert effects.between(base[:1], base) is None


@pytest.mark.parametrize("after", [0.94, 0.8, 0.5, 0.1])
def test_the_interval_of_one_seed_holds_the_change_of_other_examples(after):
    """Networks that err independently, right with the chances 0.95 and `after`, on 400 test sets drawn anew."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        right = rng.random((2, 500)) < np.array([[0.95], [after]])
        found = Estimate(paired_contrast(right[:1], right[1:]), _EXAMPLES_ALONE)
        held += abs(found.change - 100 * (after - 0.95)) <= margin(found)
    assert 0.92 < held / 400 < 0.98


def test_what_no_example_tells_apart_does_not_differ():
    found = change(95.0, seeds=1)
    assert (found.change, margin(found), distinguishable(found)) == (0.0, 0.0, False)
