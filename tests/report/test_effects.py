"""Differences between lines, and how far they can be trusted."""

import math

import pytest
from handmade_steps import EXAMPLES, outcome

from benchsuite.report import tables
from benchsuite.report.effects import Effects, distinguishable, margin


def change(make, *accuracies, seeds):
    """Of a row against a dense network of 95 %, at these accuracies by seed."""
    records = [make(0, seed, 95.0, role="dense", seeds=seeds, **outcome(95.0)) for seed in range(seeds)]
    records += [make(1, seed, one, seeds=seeds, **outcome(one)) for seed, one in enumerate(accuracies)]
    (table,) = tables(records)
    return Effects(table).change(table.lines[1])


@pytest.mark.parametrize("accuracy", [94.9, 90.0, 10.0])
def test_of_one_seed_only_the_test_examples_vary(make, accuracy):
    found = change(make, accuracy, seeds=1)
    differing = (95.0 - accuracy) / 100
    assert found.change == pytest.approx(accuracy - 95.0)
    assert margin(found) == pytest.approx(1.959964 * 100 * math.sqrt(differing / EXAMPLES), rel=1e-6)
    assert distinguishable(found)


def test_of_several_seeds_trainings_vary_too(make):
    alike, apart = (change(make, *accuracies, seeds=3) for accuracies in ((90.0, 90.0, 90.0), (85.0, 90.0, 95.0)))
    assert alike.change == pytest.approx(apart.change)
    assert margin(alike) > margin(change(make, 90.0, seeds=1))
    assert margin(apart) > margin(alike)


def test_nothing_is_said_of_a_line_with_a_hole(make):
    assert change(make, 90.0, seeds=2) is None


def test_what_no_example_tells_apart_does_not_differ(make):
    found = change(make, 95.0, seeds=1)
    assert (found.change, margin(found), distinguishable(found)) == (0.0, 0.0, False)
