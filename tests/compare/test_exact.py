"""Whether a run repeats another bit for bit."""

from dataclasses import replace

import pytest
from handmade_runs import record, run

from benchsuite.compare.exact import repetition


def changed(one, **changes):
    return replace(one, **changes)


def elsewhere(one, **provenance):
    return replace(one, provenance={**one.provenance, **provenance})


def test_a_repetition_is_equal_in_every_cell_whatever_the_order_and_the_cost():
    base = run()
    again = [changed(one, cost={"seconds": 9.0}) for one in reversed(run())]
    found = repetition(base, again)
    assert (len(found.equal), found.different, found.retrained, found.unknown) == (6, {}, (), 0)
    assert found.sentences == ["6 of 6 cells are equal in every field."]


def test_a_sample_is_held_against_its_own_cells():
    sample = [changed(one, cell={**one.cell, "seeds": [1]}) for one in run(seeds=[1])]
    found = repetition(run(), sample)
    assert (len(found.equal), found.unknown) == (2, 0)


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"metrics": {"loss": 0.25}}, ("loss",)),
        ({"metrics": {"support": [1]}}, ("support",)),
        ({"history": {"train_loss": [0.1]}}, ("history",)),
        ({"status": "failed", "error": {"reason": "it broke", "traceback": "x"}}, ("reason", "status")),
        ({"cell": {"setting": "sparsity 0.7"}}, ("setting",)),
    ],
)
def test_any_field_that_differs_is_named(changes, fields):
    base, new = run(seeds=[0]), run(seeds=[0])
    parts = {
        name: {**getattr(new[1], name), **value} if name in ("metrics", "cell") else value
        for name, value in changes.items()
    }
    found = repetition(base, [new[0], changed(new[1], **parts)])
    assert list(found.different.values()) == [fields]
    assert len(found.equal) == 1


def test_bytes_count_where_the_same_zlib_packed_them():
    base = run(seeds=[0], zlib="1.2")
    assert repetition(base, run(seeds=[0], zlib="1.2", size=7)).different
    assert not repetition(base, run(seeds=[0], zlib="1.3", size=7)).different


def test_another_dense_network_differs_unless_it_was_trained_in_another_environment():
    base, new = run(seeds=[0]), run(seeds=[0], parent="other")
    assert list(repetition(base, new).different.values()) == [("weights_sha256",)]
    for name in ("torch", "numpy", "device", "instructions", "threads"):
        there = [elsewhere(one, **{name: "other"}) for one in new]
        assert repetition(base, there).different
        found = repetition([elsewhere(one, **{name: "here"}) for one in base], there)
        assert (found.equal, found.different, len(found.retrained)) == ((), {}, 2)
        assert not found.compared
        assert found.sentences[1].startswith("2 cells start from dense networks that were trained otherwise")


def test_the_same_dense_network_has_to_give_the_same_anywhere():
    base, new = run(seeds=[0]), run(seeds=[0])
    new[1] = changed(new[1], metrics={**new[1].metrics, "loss": 0.25})
    assert len(repetition(base, [elsewhere(one, torch="other") for one in new]).different) == 1


def test_cells_of_other_keys_are_unknown():
    found = repetition(run(seeds=[0]), [record(0, line=7)])
    assert (found.compared, found.unknown) == (False, 1)
