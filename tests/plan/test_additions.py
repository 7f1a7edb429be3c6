"""A third party's plugin on a board: which rows it follows, at which levels, and under what name."""

import tomllib

import pytest

from benchsuite.errors import ConfigError
from benchsuite.plan import added_rows, parse_board, plan
from benchsuite.registry import default_registry

HEAD = """
[board]
name = "b"
title = "B"
seeds = [0, 1]
[dense]
dataset = "digits"
model = "mlp"
"""
ONE_SHOT = '[[rows]]\nsteps = [{prune = ["percentile", "unit"], sparsity = [0.5, 0.8], skip = ["last"]}]'
TUNED = '[[rows]]\nlabel = "tuned"\nsteps = [{prune = "percentile", sparsity = 0.9}, {finetune = 2}]'
SCHEDULED = '[[rows]]\nlabel = "slow"\nsteps = [{prune = "percentile", sparsity = 0.9, schedule = "cubic", epochs = 3}]'
NEFF = '[[rows]]\nlabel = "neff"\nsteps = [{prune = "neff-row", beta = [0.5, 1.0]}]'
MATCHED = '[[rows]]\nlabel = "matched"\nsteps = [{prune = "percentile", sparsity = {matched_to = "neff"}}]'
QUANTIZED = '[[rows]]\nsteps = [{quantize = "ste-symmetric", bits = [4, 2]}, {evaluate = "before"}, {finetune = 1}]'
UNNAMED = TUNED.replace('label = "tuned"', "")
LISTED = '[[rows]]\nlabel = "both"\nsteps = [{prune = ["percentile", "weight"], sparsity = 0.5}]'
BOTH = """[[rows]]
label = "prune, quantize"
steps = [{prune = "percentile", sparsity = 0.5}, {quantize = "ste-symmetric", bits = 4}]"""
NAMELESS = BOTH.replace('label = "prune, quantize"', "")
SLIMMED = '[[rows]]\nsteps = [{prune = "slimming", sparsity = 0.5}]'


def board_of(*rows: str):
    return parse_board(tomllib.loads("\n".join([HEAD, *rows])), "b.toml")


def planned(board, *references: str):
    registry = default_registry()
    return plan(board, registry, lambda _: "0" * 64, added=added_rows(board, references, registry))


def lines(rows, *references: str) -> list[tuple[str, str]]:
    """Method and setting of each added line."""
    cells = planned(board_of(*rows), *references).cells
    return list(dict.fromkeys((one.method, one.setting) for one in cells if one.added and one.role == "row"))


LEVELS = ("sparsity 0.5", "sparsity 0.8")
BETAS = ("beta 0.5", "beta 1.0")
MARKED = ("bits 4 before", "bits 4, 1 epochs", "bits 2 before", "bits 2, 1 epochs")


@pytest.mark.parametrize(
    ("rows", "reference", "methods", "settings"),
    [
        ([ONE_SHOT], "weight", ["weight"], LEVELS),
        ([TUNED], "weight", ["weight (in place of tuned)"], [""]),
        ([SCHEDULED], "weight", ["weight (in place of slow)"], [""]),
        ([NEFF, MATCHED], "weight", ["weight (in place of matched)"], BETAS),
        (
            [ONE_SHOT, TUNED],
            "neff-column[beta=0.5]",
            ["neff-column[beta=0.5]", "neff-column[beta=0.5] (in place of tuned)"],
            [""],
        ),
        (
            [TUNED],
            "neff-column[beta=[0.5,1.0]]",
            ["neff-column[beta=[0.5,1.0]] (in place of tuned)"],
            BETAS,
        ),
        ([ONE_SHOT], "weight[sparsity=0.7]", ["weight[sparsity=0.7]"], [""]),
        ([NEFF, TUNED], "weight", ["weight (in place of tuned)"], [""]),
        ([QUANTIZED], "ste-asymmetric", ["ste-asymmetric"], MARKED),
        ([SLIMMED], "random-channels", ["random-channels"], ["sparsity 0.5"]),
        ([ONE_SHOT, ONE_SHOT.replace('["percentile", "unit"]', '"random"')], "weight", ["weight"], LEVELS),
        ([ONE_SHOT], "percentile", [], []),
        (
            [ONE_SHOT, UNNAMED],
            "weight[sparsity=0.7]",
            ["weight[sparsity=0.7] (skip last)", "weight[sparsity=0.7] (2 epochs)"],
            [""],
        ),
        ([NAMELESS], "ste-asymmetric[bits=3]", ["percentile + ste-asymmetric[bits=3]"], [""]),
        ([NAMELESS], "weight[sparsity=0.7]", ["weight[sparsity=0.7] + ste-symmetric"], [""]),
        ([LISTED], "unit", ["unit (in place of both)"], [""]),
        ([BOTH], "ste-asymmetric", ["ste-asymmetric (in place of the quantizer of prune, quantize)"], [""]),
        ([BOTH], "weight", ["weight (in place of the pruner of prune, quantize)"], [""]),
    ],
)
def test_it_follows_the_boards_rows_at_their_levels(rows, reference, methods, settings):
    assert lines(rows, reference) == [(method, setting) for method in methods for setting in settings]


def test_several_may_be_added():
    assert [method for method, _ in lines([TUNED], "weight", "unit", "weight")] == [
        "weight (in place of tuned)",
        "unit (in place of tuned)",
    ]


def test_training_skipped_layers_and_controls_are_those_of_the_row():
    cells = [cell for cell in planned(board_of(ONE_SHOT, TUNED), "global-percentile").cells if cell.role == "row"]
    theirs = [cell.chain for cell in cells if cell.chain.steps[1].pruner.name == "percentile"]
    added = [cell for cell in cells if cell.added]
    assert [cell.chain.steps[1].skip for cell in added] == [("last",)] * 4 + [()] * 2
    for cell, other in zip(added, theirs, strict=True):
        assert cell.chain.steps[2:] == other.steps[2:]
        assert cell.chain.root == other.root
        assert cell.control.steps[1].matched_to == cell.chain.root.then(cell.chain.steps[1])


def test_the_boards_own_cells_stay_as_they_are():
    board = board_of(ONE_SHOT, NEFF, MATCHED)
    cells = planned(board, "weight").cells
    assert [cell for cell in cells if not cell.added] == list(planned(board).cells)


@pytest.mark.parametrize(
    ("rows", "reference", "message"),
    [
        ([ONE_SHOT], "randm", '--add randm: unknown name "randm"; did you mean "random"?'),
        ([ONE_SHOT], "slimming", '--add slimming: leaderboard "b" has no prune step that slimming could follow'),
        ([SLIMMED], "random", '--add random: leaderboard "b" has no prune step that random could follow'),
        ([NEFF], "random", '--add random: leaderboard "b" has no prune step that random could follow'),
        ([], "random", '--add random: leaderboard "b" has no row'),
        ([ONE_SHOT], "ste-symmetric", '--add ste-symmetric: leaderboard "b" has no quantize step'),
        ([SCHEDULED], "neff-row", '--add neff-row: leaderboard "b" has no prune step that neff-row could follow'),
        ([ONE_SHOT], "random[sparsty=1]", 'leaderboard b.toml, --add.steps[0]: unknown key "sparsty"; did you mean'),
        ([ONE_SHOT], "random[sparsity=2.0]", 'leaderboard b.toml, --add.steps[0]: pruner "random": sparsity must be'),
        ([ONE_SHOT], "random[", "'random[' is no reference to a plugin"),
    ],
)
def test_what_cannot_be_added(rows, reference, message):
    with pytest.raises(ConfigError) as refused:
        lines(rows, reference)
    assert message in str(refused.value)


def test_kind_and_name_tell_a_pruner_from_a_quantizer_of_that_name():
    registry = default_registry()
    both = registry.add("quantizer", "random", registry.get("quantizer", "ste-symmetric").factory)
    board = board_of(ONE_SHOT, QUANTIZED)
    with pytest.raises(ConfigError, match="ask for pruner/random or quantizer/random"):
        added_rows(board, ["random"], both)
    assert [row.label for row in added_rows(board, ["quantizer/random"], both)] == [None]
