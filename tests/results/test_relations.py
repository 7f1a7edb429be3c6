"""Lines that belong together: marks, and rows matched to others."""

import pytest
from make_line import make
from make_record import finetune, prune, quantize, train

from benchsuite.results import Relations, board_results

PRUNED = [train(), prune(sparsity=0.8)]
BITS = [train(), quantize(4)]


def related(records):
    (table,) = board_results(records)
    return Relations(table)


@pytest.mark.parametrize(
    ("chains", "before"),
    [
        ([PRUNED, [*PRUNED, finetune(5)]], {2: 1}),
        ([PRUNED, [*PRUNED, finetune(1)], [*PRUNED, finetune(1), finetune(4)]], {2: 1, 3: 1}),
        ([BITS, [*BITS, finetune(5)], [train(), quantize(2), finetune(5)]], {2: 1}),
        ([PRUNED, [*PRUNED, quantize(4)], [*PRUNED, quantize(4), finetune(1)]], {3: 2}),
        ([PRUNED, [*PRUNED, quantize(4)]], {}),
        ([PRUNED, [train(), prune(sparsity=0.9), finetune(5)]], {}),
    ],
)
def test_what_was_measured_before_a_training(chains, before):
    """Lines are known by their numbers; the dense one is 0."""
    records = [make(0, 0, role="dense", steps=[train()])]
    records += [make(number, 0, steps=steps) for number, steps in enumerate(chains, 1)]
    found = related(records)
    assert {number: mark.number for number, mark in found.before.items()} == before
    assert found.marks == set(before.values())


@pytest.mark.parametrize("change", [{"method": "another"}, {"group": "another"}])
def test_a_mark_is_of_the_same_method_and_network(change):
    records = [make(1, 0, steps=PRUNED), make(2, 0, steps=[*PRUNED, finetune(5)], **change)]
    assert related(records).before == {}


def matched_board(methods, tuned=()):
    """A row that chooses its sparsity, and rows of these methods and pruners matched to it."""
    records = [make(1, seed, method="own", steps=[train(), prune("own", beta=1.0)], seeds=2) for seed in (0, 1)]
    chains = [record.chain for record in records]
    for number, (method, pruner) in enumerate(methods, 2):
        for seed in (0, 1):
            steps = [train(), prune(pruner, matched_to=chains[seed], sparsity=0.5), *tuned]
            records.append(make(number, seed, method=method, steps=steps, seeds=2))
    return records


def test_what_is_matched_has_a_heading_by_its_kind():
    found = related(matched_board([("magnitude (row)", "global"), ("wanda (row)", "wanda")]))
    assert {heading: line.number for heading, line in found.matched[1].items()} == {
        "magnitude (row)": 2,
        "wanda (row)": 3,
    }


@pytest.mark.parametrize(
    ("methods", "heading"),
    [(("magnitude (row)", "magnitude (column)"), "magnitude"), (("same", "same"), "same"), (("one", "two"), "global")],
)
def test_a_heading_is_what_the_methods_have_in_common(methods, heading):
    found = related(matched_board([(method, "global") for method in methods]))
    assert set(found.headings.values()) == {heading}


def test_a_row_that_is_trained_on_is_no_match_of_one_that_is_not():
    found = related(matched_board([("magnitude", "global")], tuned=[finetune(5)]))
    assert found.headings == {}
    assert not any(found.matched.values())


def test_a_row_matched_to_a_record_that_is_not_there_stands_by_itself():
    records = [record for record in matched_board([("magnitude", "global")]) if record.place.line != 1]
    assert related(records).headings == {}
