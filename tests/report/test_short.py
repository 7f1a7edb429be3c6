"""A short table: what the board chose, and never more than people read."""

from hypothesis import given, settings
from hypothesis import strategies as st
from make_line import make
from make_record import prune, train

from benchsuite.report.short import MOST, short
from benchsuite.results import Ranking, board_results


def numbers(records):
    (table,) = board_results(records)
    return [line.number for line in short(Ranking(table))]


def test_what_is_not_shown_is_left_out():
    records = [make(0, 0, role="dense", shown=False)] + [make(line, 0, shown=line != 2) for line in (1, 2, 3)]
    assert numbers(records) == [0, 1, 3]


def test_of_too_many_levels_every_second_stays():
    records = [make(0, 0, role="dense")]
    records += [make(line, 0, steps=[train(), prune(sparsity=line / 100)]) for line in range(1, 41)]
    assert numbers(records) == [0, *range(1, 41, 2)]


def test_of_too_many_methods_the_first_stay():
    records = [make(line, 0, method=f"method {line}") for line in range(100)]
    assert numbers(records) == list(range(MOST))


@given(counts=st.lists(st.integers(1, 40), min_size=1, max_size=6))
@settings(max_examples=30)
def test_there_are_never_too_many(counts):
    """counts: number of levels by method."""
    records = [make(0, 0, role="dense")]
    records += [
        make(100 * (method + 1) + level, 0, method=f"method {method}")
        for method, count in enumerate(counts)
        for level in range(count)
    ]
    found = numbers(records)
    assert len(found) <= MOST
    assert found == sorted(set(found))
    assert set(found) <= {record.place.line for record in records}
    if len(records) <= MOST:
        assert len(found) == len(records)
