"""The document of the claims: made-up boards whose answer is known, and what it says of them."""

import random
from dataclasses import replace

import handmade_claims
import numpy as np
import pytest
from handmade_claims import HEAD, SEEDS, WHERE, controlled, dense_networks, on_board, pruned
from make_record import finetune

from benchsuite.results import Effects, board_results
from benchsuite.store import Metrics
from benchsuite_plugins.claims.comparisons import comparisons
from benchsuite_plugins.claims.page import claims_files
from benchsuite_plugins.claims.rows import Board, rows
from benchsuite_plugins.claims.schema import TurningPoint, read_claims
from benchsuite_plugins.claims.sweeps import sweeps

LEVELS = [float(value) for value in np.exp(np.linspace(-1, 1, 11))]
MINIMUM = handmade_claims.MINIMUM.replace('"some-pruner"}', '"some-pruner", level = 1.0}')
TURNING = handmade_claims.TURNING + "tolerances = [0.5, 2.0]\n"
MATCHED = f"""
[[claims]]
kind = "matched"
{HEAD}{WHERE}
along = "level"
parts = [{{name = "Everywhere", by = [["level"], ["board", "network", "variant"]]}}]
"""


@pytest.fixture
def dense():
    return dense_networks()


@pytest.fixture
def document(tmp_path):
    """`document(claims, records)`: the text of the document."""

    def text(claims, records):
        (tmp_path / "claims.toml").write_text(claims, encoding="utf-8")
        return claims_files(tmp_path, records, tmp_path / "docs" / "claims.md")[
            tmp_path / "docs" / "claims.md"
        ].decode()

    return text


def boards(records):
    return [Board(results, Effects(results)) for results in board_results(records)]


def audited(record, margin, groups):
    return replace(record, metrics=replace(record.metrics, audit={"margin": margin, "groups": groups}))


def test_a_minimum_that_holds_tells_of_how_many_and_where_it_is_smallest(dense, document):
    records = [audited(pruned(1, seed), 0.25 - seed / 16, 1000) for seed in SEEDS]
    records += [audited(pruned(2, seed, level=2.0), -1.0, 50) for seed in SEEDS]
    text = document(MINIMUM, dense + records)
    assert "**Holds** in all 3,000 groups of 3 pruned networks; the smallest margin is 0.125." in text
    assert "| hand-made | some-pruner level 1.0 seed 2 |        3 |  3,000 |           0.125 |" in text
    assert "Boards share networks" not in text


def test_networks_that_boards_share_count_once(dense, document):
    records = [audited(pruned(1, seed), 0.25, 1000) for seed in SEEDS]
    shared = [on_board(record, "again") for record in records]
    text = document(MINIMUM, dense + records + shared)
    assert "**Holds** in all 3,000 groups of 3 pruned networks" in text
    assert "its lines sum to 6,000 groups of 6 networks.\n" in text
    assert text.count(" 3,000 |") == 2


def test_a_breach_of_a_minimum_shows_as_such(dense, document):
    records = [audited(pruned(1, seed), 0.25, 1000) for seed in SEEDS[:2]] + [audited(pruned(1, 2), -0.5, 1000)]
    text = document(MINIMUM, dense + records)
    assert "**Does not hold**: of 3 pruned networks with 3,000 groups, 1 falls below 0; the smallest margin" in text
    assert "- hand-made, some-pruner level 1.0 seed 2: margin −0.5\n" in text


def test_what_was_not_measured_is_told(dense, document):
    records = [audited(pruned(1, 0), 0.25, 1000), pruned(1, 1)]
    records += [pruned(1, 2, status="failed", reason="a group keeps\nless")]
    text = document(MINIMUM, dense + records)
    assert "**Holds** in all 1,000 groups of 1 pruned network" in text
    assert "2 networks could not be tested; they are listed below." in text
    assert "seed 1: not measured\n" in text
    assert "seed 2: failed: a group keeps less\n" in text


def swept(bend, slope, network="", first=1):
    """A dense network and its rows, whose loss is a hinge in the logarithm of the level, numbered from `first` on."""
    return dense_networks(network, first - 1) + [
        pruned(
            line,
            seed,
            95 - slope * max(bend - np.log(level), 0.0),
            level=level,
            fields={"wide": True},
            network=network,
        )
        for line, level in enumerate(LEVELS, first)
        for seed in SEEDS
    ]


@pytest.mark.parametrize(
    ("bend", "slope", "side", "row"),
    [
        (-0.4, 10.0, "above", "0 / 0 / 1"),
        (0.4, 10.0, "below", "1 / 0 / 0"),
        (0.2, 5.0, "inside", "0 / 1 / 0"),
    ],
)
def test_where_a_curve_turns_is_told_by_two_definitions(document, tmp_path, bend, slope, side, row):
    records = swept(bend, slope)
    text = document(TURNING, records)
    (claim,) = read_claims(tmp_path / "claims.toml")
    assert isinstance(claim, TurningPoint)
    (sweep,) = sweeps(claim, boards(records))
    assert (sweep.network, sweep.variant) == ("", "some-pruner wide")
    assert (sweep.bend, sweep.refitted) == pytest.approx((bend, bend), abs=1e-3)
    for tolerance in claim.every_tolerance:
        turn = sweep.threshold(tolerance)
        assert turn.low < turn.estimate < turn.high
        assert turn.estimate == pytest.approx(bend - tolerance / slope, abs=1e-6)
    assert f"| {side} |" in " ".join(text.split())
    assert f"{np.exp(bend - 1 / slope):.2f} |" in text
    assert row in text[text.index("| 1 point ") :].splitlines()[0]
    assert "- hand-made: one network, so nothing is said of others.\n" in text


def test_the_verdict_says_whether_it_depends_on_what_counts_as_kept(document):
    text = document(TURNING, swept(0.12, 10.0))
    assert (
        "**Where λ = 1 lies depends on what counts as kept**: λ = 1 lies below the median threshold of 1 curve for"
        " 0.5 points (1.12) and 1 point (1.03), above it for 2 points (0.92). At λ = 1 accuracy changes by −1.20 points"
        in text
    )
    text = document(TURNING, swept(-0.4, 10.0))
    assert (
        "λ = 1 lies above the median threshold of 1 curve for 0.5 points (0.64), 1 point (0.61) and 2 points (0.55). At"
        in text
    )
    assert "depends on what counts as kept" not in text


def test_a_threshold_beyond_the_sweep_is_counted_and_not_given_a_value(document):
    text = document(TURNING, swept(-0.95, 5.0))  # loses 0.25 points at most
    assert "λ = 1 lies above the median threshold of 1 curve for 0.5 points (…), 1 point (…) and 2 points (…)." in text
    assert text.count("–, 1 beyond |") == 7


@pytest.mark.parametrize(
    ("bends", "ruling", "extremes"),
    [
        ((-0.4, 0.4), "**no common turning point** for 0.5, 1 and 2 points", "0.63 (b) to 1.40 (a)"),
        ((0.2, 0.2), "a common turning point is **not ruled out** for 0.5, 1 and 2 points", "1.15 (a) to 1.15 (b)"),
    ],
)
def test_networks_of_a_board_have_a_common_turning_point_or_not(document, bends, ruling, extremes):
    low, high = bends
    records = swept(high, 16.0, "a") + swept(low, 16.0, "b", first=21)
    text = document(TURNING, records)
    assert f"- hand-made: {ruling}; for 1 point the networks' thresholds are {extremes}.\n" in text


def test_the_mean_of_a_board_has_an_interval_over_its_networks(document):
    records = [
        record
        for place, bend in enumerate((-0.2, 0.0, 0.2))
        for record in swept(bend, 10.0, f"network {place}", first=1 + 20 * place)
    ]
    text = document(TURNING, records)
    (line,) = [line for line in text.splitlines() if line.startswith("| hand-made | 1 point ")]
    # ln 0.9048 = −0.1; half the interval: t(2 degrees) 4.3027 · 0.2 / √3 = 0.4968
    assert [cell.strip() for cell in line.split("|")[3:5]] == ["3", "0.74 to 1.11"]
    assert line.endswith("| 0.90 [0.55, 1.49] |")
    assert (
        "λ = 1 lies below the interval of a board's mean in 0, inside in 3 and above in 0 of 3 cases of board and"
        " points; the upper end of these intervals is 2.70 times the lower." in text
    )


def test_a_bend_that_moves_when_the_sweep_is_shorter_is_no_corner(dense, document):
    text = document(TURNING, swept(0.2, 10.0))
    assert (
        "**Bends that depend on the range of the sweep: 0 of 1.** Fitted again without the 2 smallest λ, none moved by"
        " more than 0.1. The median of all went from 1.22 to 1.22." in text
    )
    curved = [
        pruned(line, seed, 95 - 2 * (1 - np.log(level)) ** 4, level=level, setting=f"level {level}")
        for line, level in enumerate(LEVELS, 1)
        for seed in SEEDS
    ]
    text = document(TURNING, dense + curved)
    assert "**Bends that depend on the range of the sweep: 1 of 1.**" in text
    assert "1 moved by more than 0.1: such a curve has no corner of its own." in text


def test_a_sweep_of_too_few_points_or_with_a_hole_is_no_curve(document):
    records = swept(0.0, 10.0)
    assert "Not tested: no committed board has a sweep of 5 points along level." in document(TURNING, records[:15])
    broken = [
        replace(record, status="failed", metrics=Metrics()) if index < 24 else record
        for index, record in enumerate(records)
    ]
    assert "Not tested" in document(TURNING, broken)


def test_a_board_that_has_no_records_is_named(document):
    asked = TURNING.replace('pruner = "some-pruner"', 'board = ["hand-made", "another"]')
    assert "Not run: another." in document(asked, swept(0.0, 10.0))


def matched(dense, accuracies):
    """For each level a row, its random control, the row matched to it, and that one's random control."""
    records = list(dense)
    for place, (level, (accuracy, control, other, other_control)) in enumerate(accuracies.items()):
        for seed in SEEDS:
            line = 1 + 4 * place
            row = pruned(line, seed, accuracy, level=level)
            rival = pruned(line + 2, seed, other, pruner="plain", method=f"plain ({place})", matched_to=row)
            for place_of_record, of_control, record in ((line, control, row), (line + 2, other_control, rival)):
                random = pruned(
                    place_of_record + 1, seed, of_control, role="control", pruner="random", matched_to=record
                )
                records += [controlled(record, random), random]
    return records


def test_rows_are_held_against_what_has_their_sparsity(dense, document):
    records = matched(dense, {0.5: (80.0, 10.0, 99.0, 60.0), 1.0: (94.0, 60.0, 94.0, 95.0)})
    found, holes = comparisons(boards(records), {"pruner": "some-pruner"})
    assert holes == 0
    assert [(one.against.heading, round(one.estimate.change, 6), one.sign) for one in found] == [
        ("plain", -19.0, -1),
        ("random as plain", -50.0, -1),
        ("random", 70.0, 1),
        ("plain", 0.0, 0),
        ("random as plain", -35.0, -1),
        ("random", 34.0, 1),
    ]
    text = document(MATCHED, records)
    assert (
        "Everywhere (2 rows):\n\n- the row against plain: **never better** (better in 0, even in 1, worse in 1);"
        " on average −9.50 points, −19.00 to 0.00.\n" in text
    )
    assert "- the row against its random control: **never worse** (better in 2, even in 0, worse in 0)" in text
    assert "all 6 comparisons of this claim" in text
    assert "more repeat" not in text
    assert "What boards share" not in text
    table = text[text.index("**Everywhere, by level**") :].splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:7]] for line in table[4:6]]
    assert cells == [
        ["0.5", "1", "0.800", "−15.00", "−19.00", "0 / 0 / 1"],
        ["1", "1", "0.800", "−1.00", "0.00", "0 / 1 / 0"],
    ]


def test_comparisons_that_boards_share_count_once_but_in_each_board(dense, document):
    records = matched(dense, {0.5: (80.0, 10.0, 99.0, 60.0)})
    text = document(MATCHED, records + [on_board(record, "again") for record in records])
    assert "Everywhere (1 row; 1 more repeats networks of another board and stands only in tables by board):" in text
    assert "all 3 comparisons of this claim" in text
    assert "is tested once, with the dispersions of the first of them" in text
    assert "better in 0, even in 0, worse in 1" in text
    assert "| again     |" in text
    assert "| hand-made |" in text


def test_what_boards_share_has_the_same_verdict_on_each(dense):
    shared = matched(dense, {0.5: (93.5, 92.8, 94.1, 93.0)})
    again = [on_board(record, "again") for record in shared]
    noise = np.random.default_rng(0).normal(0, 3, (20, 3))  # by which the dispersions of the boards differ
    again += [
        pruned(line, seed, 80 + noise[line - 40, seed], level=line, board="again", pruner="another")
        for line in range(40, 60)
        for seed in SEEDS
    ]
    first, second = boards(shared + again)
    assert first.name == "again"
    found, holes = comparisons([first, second], {"pruner": "some-pruner"})
    assert (len(found), holes) == (6, 0)
    verdicts = [(one.key, one.estimate.error, one.discovered) for one in found]
    assert verdicts[:3] == verdicts[3:]
    alone, _ = comparisons([second], {"pruner": "some-pruner"})
    assert [one.estimate.error for one in alone] != [one.estimate.error for one in found[3:]]


def test_a_comparison_without_a_result_of_each_seed_is_left_out_and_counted(dense, document):
    records = matched(dense, {0.5: (80.0, 30.0, 90.0, 60.0)})
    broken = [
        replace(record, status="failed", metrics=Metrics()) if record.place.line == 3 and record.seed == 1 else record
        for record in records
    ]
    text = document(MATCHED, broken)
    assert "against plain" not in text
    assert "1 comparison had to be left out: a seed has no result." in text
    shared = [on_board(record, "again") for record in broken]
    assert "1 comparison had to be left out: a seed has no result." in document(MATCHED, broken + shared)


def test_rows_are_selected_by_the_fields_of_their_pruner(dense):
    found = boards(dense + [pruned(line, 0, level=level) for line, level in ((1, 0.5), (2, 1.0), (3, 2.0))])
    assert [row.fields["level"] for row in rows(found, {"level": [0.5, 2.0], "board": "hand-made"})] == [0.5, 2.0]
    assert rows(found, {"pruner": "another"}) == []


@pytest.mark.parametrize(
    ("facts", "others", "variant"),
    [
        ({}, {}, "some-pruner"),
        ({}, {"level": 2.0}, "some-pruner"),
        ({"fields": {"wide": True}}, {"level": 2.0, "fields": {"wide": True}}, "some-pruner wide"),
        ({"fields": {"wide": False}}, {"fields": {"wide": True}}, "some-pruner"),
        ({"fields": {"score": "l1"}}, {"level": 2.0, "fields": {"score": "l1"}}, "some-pruner"),
        ({"fields": {"score": "l1"}}, {"fields": {"score": "l2"}}, "some-pruner score l1"),
        ({"fields": {"wide": True, "score": "l1"}}, {"fields": {"score": "l2"}}, "some-pruner wide score l1"),
        ({"later": [finetune(2)]}, {"later": [finetune(2)], "level": 2.0}, "some-pruner"),
        ({"later": [finetune(2)]}, {"later": [finetune(3)]}, "some-pruner epochs 2"),
        ({"setting": "level 1.0 in other words"}, {"setting": "level of its own"}, "some-pruner"),
        ({"fields": {"levels": 3}}, {"fields": {"levels": 4}}, "some-pruner levels 3"),
        ({"fields": {"kept": ("a", "b")}}, {"fields": {"kept": ()}}, "some-pruner kept a+b"),
        ({"fields": {"kept": ()}}, {"fields": {"kept": ("a", "b")}}, "some-pruner kept none"),
    ],
)
def test_a_variant_is_told_by_the_values_of_its_chain(dense, facts, others, variant):
    records = [pruned(1, 0, **facts), pruned(2, 0, **{"level": 1.5, **others})]
    row, _ = rows(boards(dense + records), {})
    assert row.variant("level") == variant


def test_rows_that_are_matched_at_each_level_are_one_variant(dense):
    wider = [pruned(line, 0, level=line, pruner="another") for line in (1, 2)]
    narrow = [pruned(line, 0, level=line, matched_to=record) for line, record in zip((3, 4), wider, strict=True)]
    assert {row.variant("level") for row in rows(boards([*dense, *wider, *narrow]), {})} == {"another", "some-pruner"}


def test_a_rival_of_one_kind_has_the_name_of_the_kind(dense):
    kinds = {"plain (a)": "l1", "plain (b)": "l1", "fancy": "l2"}
    records = [pruned(line, 0, level=line) for line in (1, 2, 3)]
    rivals = [
        pruned(line, 0, method=method, pruner="plain", fields={"score": score}, matched_to=record)
        for line, (method, score), record in zip((4, 5, 6), kinds.items(), records, strict=True)
    ]
    (board,) = boards([*dense, *records, *rivals])
    assert [other.kind for record in records for other in board.matched[record.key]] == ["plain", "plain", "fancy"]


def test_without_claims_nothing_is_written(tmp_path, dense):
    assert claims_files(tmp_path, dense, tmp_path / "claims.md") == {}


def test_claims_without_records_say_so(dense, document):
    assert document(MINIMUM + TURNING + MATCHED, dense).count("Not tested: no committed board has") == 3


def test_the_document_is_a_pure_function_of_claims_and_records(tmp_path):
    records = swept(0.2, 10.0)
    (tmp_path / "claims.toml").write_text(MINIMUM + TURNING + MATCHED, encoding="utf-8")
    files = claims_files(tmp_path, records, tmp_path / "docs" / "claims.md")
    assert [path.relative_to(tmp_path).as_posix() for path in files] == [
        "docs/claims.md",
        "plots/claims/level-hand-made.svg",
    ]
    assert "![loss along level](../plots/claims/level-hand-made.svg)" in next(iter(files.values())).decode()
    shuffled = random.Random(0).sample(records, len(records))
    assert claims_files(tmp_path, shuffled, tmp_path / "docs" / "claims.md") == files
