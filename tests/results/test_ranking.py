"""The best line of each kind, its ties, and the standing of each line against others."""

import pytest
from make_line import make
from make_record import finetune, prune, quantize, train

from benchsuite.chain import ChainKey
from benchsuite.report.markdown import markdown
from benchsuite.results import Ranking, board_results
from benchsuite.results.step_queries import budget

SEEDS = 3


def board(rows, controls=()):
    """Return records of lines (accuracy, steps) of three seeds, and of controls by the number of their row."""
    records = [make(0, seed, 95.0, role="dense", steps=[train()], seeds=SEEDS, shift=0) for seed in range(SEEDS)]
    for number, (accuracy, steps, *more) in enumerate(rows):
        for seed in range(SEEDS):
            own = {"seeds": SEEDS, "shift": 0, "setting": f"row {number}", **(more[0] if more else {})}
            records.append(make(10 * number + 10, seed, accuracy, steps=steps, with_control=True, **own))
    for number, accuracy in controls:
        records += [
            make(10 * number + 11, seed, accuracy, role="control", method="random", seeds=SEEDS, shift=0)
            for seed in range(SEEDS)
        ]
    return records


def standings(records):
    (table,) = board_results(records)
    return Ranking(table)


def ranks(records):
    found = standings(records)
    ranks = found.ranks(found.rows)
    return [ranks.get(line.number) for line in found.rows if line.role == "row"]


P8, P9 = [train(), prune(sparsity=0.8)], [train(), prune(sparsity=0.9)]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(90.0, P8), (89.9, P8, {"shift": 500}), (84.0, P8)], ["best", "tie", None]),
        ([(90.0, P8), (80.0, P9)], [None, None]),
        ([(80.0, P8), (90.0, [*P8, finetune(5)])], [None, None]),
        ([(90.0, P8), (84.0, [train(), prune(sparsity=0.8, physical=True)])], [None, None]),
        ([(90.0, [train(), quantize(4)]), (84.0, [train(), quantize(2)])], [None, None]),
        ([(84.0, [train(), quantize(4)]), (90.0, [train(), quantize(4, per_channel=True)])], [None, "best"]),
        (
            [(90.0, [train(), prune("own", beta=1.0)]), (84.0, [train(), prune("own", beta=1.0, center=True)])],
            ["best", None],
        ),
        ([(90.0, [train(), prune("own", beta=1.0)]), (84.0, [train(), prune("own", beta=0.5)])], [None, None]),
        ([(90.0, P8), (84.0, P8, {"group": "another"})], [None, None]),
        ([(90.0, P8), (0.0, P8, {"status": "failed"})], ["best", None]),
    ],
)
def test_the_best_of_a_kind_and_its_ties(rows, expected):
    assert ranks(board(rows)) == expected


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (P8, (("sparsity", 0.8),)),
        ([train(), prune(sparsity=0.8), quantize(4)], (("sparsity", 0.8), ("bits", 4))),
        ([train(), prune("own", beta=1.0, center=True, score="magnitude")], (("beta", 1.0),)),
        ([train(), prune(sparsity=0.5, physical=True), finetune(3)], (("channels", 0.5),)),
        ([train(), prune(sparsity=0.5, matched_to=ChainKey("abc"))], (("matched_to", "abc"),)),
        ([train(), finetune(3)], ()),
    ],
)
def test_what_was_asked(steps, expected):
    (table,) = board_results([make(1, 0, steps=steps)])
    assert budget(table.lines[0]) == expected


@pytest.mark.parametrize(
    ("control", "verdict", "told"), [(84.0, "better", "84.0 "), (90.0, "level", "90.0 ≈"), (96.0, "worse", "96.0 ▲")]
)
def test_a_row_against_its_random_control(control, verdict, told):
    found = standings(board([(90.0, P8)], controls=[(0, control)]))
    (row,) = [line for line in found.rows if line.role == "row"]
    assert found.against(row, row.controls) == verdict
    assert f" {told}" in markdown(found, found.rows)


def test_the_marks_of_a_table():
    text = markdown(found := standings(board([(90.0, P8), (89.9, P8, {"shift": 500})])), found.rows)
    assert "**dense**" in text
    assert "**90.00 ± 0.00**" in text
    assert " 89.90 ± 0.00 = " in text
    assert "bits" not in text
    assert "before" not in text


def test_the_best_is_the_best_of_the_lines_that_are_told():
    found = standings(board([(90.0, P8), (84.0, P8), (78.0, P8)]))
    assert found.ranks(found.rows) == {10: "best"}
    assert found.ranks(found.rows[2:]) == {20: "best"}


def test_what_stands_beside_a_row():
    """The accuracy before training, and a row at the same sparsity, are columns."""
    tuned = [*P8, finetune(5)]
    records = board([(50.0, P8), (90.0, tuned)])
    chains = [record.chain for record in records if record.place.line == 20]
    for seed in range(SEEDS):
        steps = [train(), prune("global", matched_to=chains[seed], sparsity=0.5), finetune(5)]
        records.append(make(30, seed, 96.0, method="magnitude", steps=steps, seeds=SEEDS, shift=0))
    found = standings(records)
    assert [line.number for line in found.primary] == [0, 20]
    heading, _, _, row = markdown(found, found.primary).splitlines()
    cells = dict(zip(*([cell.strip() for cell in line.split("|")] for line in (heading, row)), strict=True))
    assert (cells["before"], cells["magnitude"]) == ("50.0", "96.0 ▲")


def test_a_hole_has_no_standing():
    records = board([(90.0, P8, {"status": "failed"})])
    found = standings(records)
    (row,) = [line for line in found.rows if line.role == "row"]
    assert found.change(row) is None
    assert found.against(row, row.parents) is None
    assert found.best([row]) is None
    assert "failed 3/3 |" in markdown(found, found.rows)
