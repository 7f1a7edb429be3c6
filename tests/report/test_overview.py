"""The overview: the best at a sparsity, what is chosen where nothing is asked, what bits cost."""

from dataclasses import replace
from pathlib import Path

import pytest
from make_line import make
from make_record import finetune, layer, prune, quantize, train

from benchsuite.report.overview import overview
from benchsuite.results import Ranking, board_results
from benchsuite.store import read_lines

QUICK = Path(__file__).parents[2] / "baselines" / "quick.jsonl"
SEEDS = 3


def line(number, accuracy, steps, **more):
    own = {"seeds": SEEDS, "shift": 0, "steps": steps, **more}
    return [make(number, seed, accuracy, **own) for seed in range(SEEDS)]


def dense(**more):
    return line(0, 95.0, [train()], role="dense", **more)


def told(records):
    return overview([Ranking(table) for table in board_results(records)])


def rows(text):
    """Return the cells of all tables' rows, the headings included."""
    return [[cell.strip() for cell in one.strip("|").split("|")] for one in text.splitlines() if one.startswith("| ")]


def test_the_best_at_each_sparsity():
    records = dense()
    records += line(1, 90.0, [train(), prune("a", sparsity=0.8)], method="a", with_control=True)
    records += line(2, 84.0, [], role="control", method="random")
    records += line(3, 89.9, [train(), prune("b", sparsity=0.8)], method="b", shift=500)
    records += line(4, 80.0, [train(), prune("c", sparsity=0.8)], method="c")
    records += line(5, 94.0, [train(), prune("c", sparsity=0.8), finetune(5)], method="c")
    records += line(6, 99.0, [train(), prune("d", sparsity=0.7)], method="d", setting="sparsity 0.7")
    records += line(7, 80.0, [train(), prune("e", sparsity=0.5, physical=True)], method="e", sparsity=0.4)
    records += line(8, 94.0, [train(), prune("f", sparsity=0.8)], method="skips", sparsity=0.78)
    found = rows(told(records))[1:]
    assert [(*row[1:4], row[6], row[8]) for row in found] == [
        ("50 % of channels", "no", "e sparsity 0.8", "–", "–"),
        ("80 %", "no", "a", "84.0", "b (of 3)"),
        ("80 %", "yes", "c", "–", "–"),
    ]
    assert found[1][4] == "90.00 ± 0.00"
    assert found[1][5].startswith("−5.0 ± ")


def test_what_is_chosen_where_nothing_is_asked():
    x, y = train(), train("other")
    records = line(0, 95.0, [x], role="dense", group="x") + line(10, 95.0, [y], role="dense", group="y")
    for number, group, root, accuracy, sparsity in ((1, "x", x, 94.0, 0.3), (11, "y", y, 86.0, 0.4)):
        steps = [root, prune("own", beta=1.0)]
        own = line(number, accuracy, steps, method="own", group=group, sparsity=sparsity, with_control=True)
        control = line(number + 1, 80.0, [], role="control", group=group)
        chains = {record.seed: record.chain for record in own}
        matched = [
            make(
                number + 2,
                seed,
                94.0,
                method="magnitude",
                group=group,
                seeds=SEEDS,
                shift=0,
                steps=[root, prune("global", matched_to=chains[seed], sparsity=0.5)],
            )
            for seed in range(SEEDS)
        ]
        records += own + control + matched
    records += line(4, 10.0, [train(), prune("own", beta=0.1)], method="own", group="x", shown=False)
    heading, row = rows(told(records))
    assert heading[-2:] == ["against random", "against magnitude"]
    assert row[1:] == ["own", "sparsity 0.8", "2", "0.300 … 0.400", "−9.0 … −1.0", "2 · 0 · 0", "0 · 1 · 1"]


def test_what_is_compared_with_nothing_has_a_dash():
    records = dense() + line(1, 94.0, [train(), prune("own", beta=1.0)], method="own")
    assert rows(told(records))[-1][-1] == "–"


def test_what_bits_cost():
    records = dense()
    for number, (bits, before, after) in enumerate(((4, 94.0, 95.0), (2, 60.0, 85.0))):
        on_the_grid = [train(), quantize(bits, per_channel=True)]
        records += line(2 * number + 1, before, on_the_grid, method="grid")
        records += line(2 * number + 2, after, [*on_the_grid, finetune(5)], method="grid")
    records += line(9, 90.0, [train(), quantize(3)], method="plain")
    heading, *found = rows(told(records))
    assert heading[2:] == ["4 bits", "3 bits", "2 bits"]
    assert [row[1:] for row in found] == [
        ["grid per_channel", "−1.0 → 0.0 ≈", "–", "−35.0 → −10.0"],
        ["plain", "–", "−5.0 → –", "–"],
    ]


def of_layers(records, *bits):
    """Return the records with a layer of each width."""
    layers = tuple(layer(f"fc{number}", bits=float(width)) for number, width in enumerate(bits))
    return [replace(record, layers=layers) for record in records]


@pytest.mark.parametrize(
    ("asked", "layers", "width"),
    [
        ([8, 3], (8, 3, 3), "3–8 bits"),
        ([3, 8], (8, 3, 3), "3–8 bits"),
        ([8, 4, 2], (8, 4, 2), "2–8 bits"),
        ([3], (32, 3, 32), "3 bits"),  # the first and the last left as they were
        ([8, 3], (3, 3, 3), "3 bits"),  # of the last quantization of each
        ([8, 3], (), "3–8 bits"),
    ],
)
def test_a_network_of_several_widths_does_not_stand_under_the_last(asked, layers, width):
    steps = [train(), *(quantize(bits) for bits in asked)]
    records = dense() + of_layers(line(1, 90.0, steps, method="mixed"), *layers)
    records += of_layers(line(5, 92.0, [train(), quantize(9)], method="plain"), 9, 9)
    records += of_layers(line(9, 80.0, [train(), quantize(1)], method="plain"), 1, 1)
    heading, mixed, plain = rows(told(records))
    assert heading[2:] == ["9 bits", width, "1 bits"]
    assert mixed[1:] == ["mixed", "–", "−5.0 → –", "–"]
    assert plain[1:] == ["plain", "−3.0 → –", "–", "−15.0 → –"]


def test_what_bits_cost_a_pruned_network_is_told_beside_what_pruning_cost():
    pruned = [train(), prune("a", sparsity=0.8), finetune(5)]
    records = dense() + line(1, 91.0, pruned, method="a")
    records += line(2, 90.0, [*pruned, quantize(4)], method="a, quantized")
    records += line(3, 92.0, [*pruned, quantize(4), finetune(5)], method="a, quantized")
    heading, *found = rows(told(records).partition("What do bits cost?")[2])
    assert heading[2:] == ["32 bits", "4 bits"]
    assert [row[1:] for row in found] == [["a, quantized", "−4.0", "−5.0 → −3.0"]]


def test_training_before_the_grid_is_none_on_it():
    records = dense()
    records += line(1, 90.0, [train(), prune("a", sparsity=0.8), finetune(5), quantize(4)], method="a")
    assert rows(told(records))[-1][1:] == ["a", "−5.0 → –"]


def test_one_seed_is_told():
    records = [make(0, 0, role="dense", steps=[train()]), make(1, 0, method="q", steps=[train(), quantize(4)])]
    assert rows(told(records))[-1][0].endswith(" (one seed)")


def test_a_hole_is_told():
    records = dense() + line(1, 0.0, [train(), quantize(4)], method="grid", status="failed")
    assert rows(told(records))[-1][1:] == ["grid", "failed 3/3"]


def test_boards_without_any_of_it_have_no_overview():
    assert told(dense()) == ""
    assert told([]) == ""


def test_the_quick_board():
    text = told(read_lines(QUICK))
    assert text.count("### ") == 3
    found = rows(text)
    assert [row[1:4] for row in found if row[0] == "[quick](#quick)" and "%" in row[1]] == [
        ["50 %", "no", "global-percentile"],
        ["80 %", "no", "global-percentile"],
        ["80 %", "yes", "percentile, tuned"],
        ["90 %", "no", "global-percentile"],
        ["90 %", "yes", "iterative, global cubic"],
    ]


def test_a_setting_without_its_level_begins_with_no_comma():
    steps = [train(), prune("a", sparsity=0.8), finetune(1)]
    records = dense() + line(1, 90.0, steps, method="a", setting="sparsity 0.8, 1 epochs")
    assert rows(told(records))[1][4:5] == ["90.00 ± 0.00"]
    assert rows(told(records))[1][3] == "a 1 epoch"
