"""Lines: the seeds of a cell side by side, and nothing aggregated over a hole."""

import math
import random
import statistics

import pytest
from make_line import make

from benchsuite.report import terminal
from benchsuite.report.markdown import markdown
from benchsuite.results import Ranking, board_results


def board(seeds=(0, 1, 2), **row):
    dense = [make(0, seed, 95.0 + seed, role="dense", seeds=len(seeds)) for seed in seeds]
    rows = [make(1, seed, 90.0 + 2 * seed, with_control=True, seeds=len(seeds), **row) for seed in seeds]
    controls = [make(2, seed, 60.0 + seed, role="control", method="random", seeds=len(seeds)) for seed in seeds]
    return dense + rows + controls


def in_markdown(table):
    standings = Ranking(table)
    return markdown(standings, standings.rows)


def row_of(records):
    (table,) = board_results(records)
    (line,) = [line for line in table.lines if line.role == "row"]
    return line


def without(records, line, seed):
    return [record for record in records if (record.place.line, record.seed) != (line, seed)]


def test_a_line_is_its_seeds():
    line = row_of(board())
    assert line.complete
    assert line.state == ""
    assert [record.seed for record in line.records] == [0, 1, 2]
    accuracy = line.metric("accuracy")
    assert (accuracy.mean, accuracy.n) == (92.0, 3)
    assert accuracy.spread == pytest.approx(statistics.stdev([90, 92, 94]))
    change = line.change("accuracy")
    assert change.mean == pytest.approx(statistics.fmean([90 - 95, 92 - 96, 94 - 97]))
    assert line.control("accuracy").mean == 61.0


def test_one_seed_has_no_spread():
    line = row_of(board(seeds=(4,)))
    assert line.complete
    assert line.metric("accuracy").spread is None
    assert "±" not in terminal(board_results(board(seeds=(4,)))[0])


@pytest.mark.parametrize(
    ("statuses", "state"),
    [
        (("failed", "ok", "ok"), "failed 1/3"),
        (("failed", "failed", "failed"), "failed 3/3"),
        (("failed", "ok", "skipped"), "failed 1/3, skipped 1/3"),
        (("ok", "timeout", "ok"), "timeout 1/3"),
    ],
)
def test_a_hole_is_told_and_not_averaged_over(statuses, state):
    records = [record for record in board() if record.place.line != 1]
    records += [
        make(1, seed, status=status, with_control=True, seeds=len(statuses)) for seed, status in enumerate(statuses)
    ]
    line = row_of(records)
    assert not line.complete
    assert line.state == state
    assert line.metric("accuracy") is None
    assert line.change("accuracy") is None
    for text in (terminal(board_results(records)[0]), in_markdown(board_results(records)[0])):
        (shown,) = [one for one in text.splitlines() if "percentile" in one]
        assert state.partition(",")[0] in shown
        assert "90.0" not in shown


def test_a_seed_that_an_interrupted_run_left_out_is_missing():
    line = row_of(without(board(), 1, 2))
    assert line.state == "missing 1/3"
    assert line.metric("accuracy") is None


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_missing_dense_parent_leaves_no_change(seed):
    line = row_of(without(board(), 0, seed))
    assert line.complete
    assert line.change("accuracy") is None
    assert line.metric("accuracy").mean == 92.0


def test_a_missing_or_failed_control_leaves_none():
    assert row_of(without(board(), 2, 1)).control("accuracy") is None
    failed = [*without(board(), 2, 1), make(2, 1, role="control", status="failed", seeds=3)]
    assert row_of(failed).control("accuracy") is None
    assert row_of(failed).complete
    assert row_of([record for record in board() if record.place.role != "control"]).control("accuracy") is None


@pytest.mark.parametrize("loss", [math.nan, math.inf, None])
def test_a_loss_that_diverged_is_a_hole(loss):
    records = [*without(board(), 1, 1), make(1, 1, with_control=True, loss=loss, seeds=3)]
    assert row_of(records).metric("loss") is None
    assert row_of(records).complete


def test_the_order_of_the_records_does_not_matter():
    records = board() + [
        make(number, seed, 80.0 + number, setting=f"{number}", seeds=3) for number in (3, 4) for seed in range(3)
    ]
    expected = [terminal(table) for table in board_results(records)]
    for seed in range(3):
        shuffled = random.Random(seed).sample(records, len(records))
        assert [terminal(table) for table in board_results(shuffled)] == expected


def test_boards_are_told_apart_and_sorted():
    records = [make(0, 0, role="dense", board=name) for name in ("b-board", "a-board")]
    assert [table.board for table in board_results(records)] == ["a-board", "b-board"]
    assert board_results([]) == []


@pytest.mark.parametrize(
    ("rank_by", "first"), [(None, "low"), ("accuracy", "high"), ("loss", "low"), ("compression", "high")]
)
def test_rank(rank_by, first):
    values = {"low": 1.0, "high": 2.0}
    records = [make(0, 0, role="dense", rank_by=rank_by)]
    records += [make(9, 0, status="failed", setting="hole", rank_by=rank_by)]
    for number, (setting, value) in enumerate(values.items(), 1):
        records.append(make(number, 0, value, setting=setting, rank_by=rank_by, loss=value, compression=value))
    (table,) = board_results(records)
    other = "high" if first == "low" else "low"
    (shown,) = table.groups.values()
    assert [line.setting for line in shown] == (
        ["mlp", "low", "high", "hole"] if not rank_by else ["mlp", first, other, "hole"]
    )


def test_controls_have_no_line_of_their_own():
    (table,) = board_results(board())
    (shown,) = table.groups.values()
    assert [line.role for line in shown] == ["dense", "row"]
    assert len(table.lines) == 3


def test_each_dense_training_has_its_part_of_the_table():
    records = [make(number, 0, role="dense", group=group) for number, group in ((0, "small"), (5, "large"))]
    records += [make(number, 0, group=group, setting=group) for number, group in ((1, "small"), (6, "large"))]
    (table,) = board_results(records)
    assert {group: [line.number for line in lines] for group, lines in table.groups.items()} == {
        "small": [0, 1],
        "large": [5, 6],
    }
    assert terminal(table).index("small") < terminal(table).index("large")
    assert terminal(table).count("accuracy %") == 2
