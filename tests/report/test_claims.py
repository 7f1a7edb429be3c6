"""The document of the claims: made-up boards whose answer is known, and what it says of them."""

import random
from dataclasses import replace

import numpy as np
import pytest

from benchsuite import ConfigError
from benchsuite.report.claims import claims_files
from benchsuite.report.claims.comparisons import comparisons
from benchsuite.report.claims.rows import Board, rows
from benchsuite.report.claims.schema import TurningPoint, read_claims
from benchsuite.report.claims.sweeps import sweeps
from benchsuite.report.effects import Effects
from benchsuite.report.lines import tables

SEEDS = (0, 1, 2)
LEVELS = [float(value) for value in np.exp(np.linspace(-1, 1, 11))]
HEAD = 'title = "A title"\nclaim = "A statement."\nsource = "Somebody 2020."\n'
MINIMUM = f"""
[[claims]]
kind = "minimum"
{HEAD}where = {{pruner = "some-pruner", level = 1.0}}
metric = "audit.margin"
count = "audit.groups"
counted = "groups"
"""
TURNING = f"""
[[claims]]
kind = "turning-point"
{HEAD}where = {{pruner = "some-pruner"}}
along = "level"
symbol = "λ"
at = 1.0
"""
MATCHED = f"""
[[claims]]
kind = "matched"
{HEAD}where = {{pruner = "some-pruner"}}
along = "level"
parts = [{{name = "Everywhere", by = [["level"], ["board", "network", "variant"]]}}]
"""


@pytest.fixture
def pruned(make):
    """`pruned(line, seed, …)`: a record of a row whose pruner has a level, or that is matched to another record."""

    def record(line, seed, accuracy=90.0, *, level=1.0, pruner="some-pruner", matched_to=None, **facts):
        made = make(
            line,
            seed,
            accuracy,
            **{"method": pruner, "setting": f"level {level}", "seeds": 3, "examples": 10000, **facts},
        )
        step = {"step": "prune", "pruner": {"name": pruner, "fields": {"level": level}}, "matched_to": matched_to}
        return made.at({"steps": [{"step": "train"}, step]})

    return record


@pytest.fixture
def dense(make):
    return [make(0, seed, 95.0, role="dense", seeds=3, examples=10000) for seed in SEEDS]


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
    return [Board(table, Effects(table)) for table in tables(records)]


def audited(record, margin, groups):
    return replace(record, metrics={**record.metrics, "audit": {"margin": margin, "groups": groups}})


def test_a_minimum_that_holds_tells_of_how_many_and_where_it_is_smallest(pruned, dense, document):
    records = [audited(pruned(1, seed), 0.25 - seed / 16, 1000) for seed in SEEDS]
    records += [audited(pruned(2, seed, level=2.0), -1.0, 50) for seed in SEEDS]
    text = document(MINIMUM, dense + records)
    assert "**Holds** in all 3,000 groups of 3 pruned networks; the smallest margin is 0.125." in text
    assert "| hand-made | some-pruner level 1.0 seed 2 |        3 |  3,000 |           0.125 |" in text


def test_networks_that_boards_share_count_once(pruned, dense, document):
    records = [audited(pruned(1, seed), 0.25, 1000) for seed in SEEDS]
    shared = [record.at({"board": "again"}) for record in records]
    text = document(MINIMUM, dense + records + shared)
    assert "**Holds** in all 3,000 groups of 3 pruned networks" in text
    assert text.count(" 3,000 |") == 2


def test_a_breach_of_a_minimum_shows_as_such(pruned, dense, document):
    records = [audited(pruned(1, seed), 0.25, 1000) for seed in SEEDS[:2]] + [audited(pruned(1, 2), -0.5, 1000)]
    text = document(MINIMUM, dense + records)
    assert "**Does not hold**: of 3 pruned networks with 3,000 groups, 1 falls below 0; the smallest margin" in text
    assert "- hand-made, some-pruner level 1.0 seed 2: margin −0.5\n" in text


def test_what_was_not_measured_is_told(pruned, dense, document):
    records = [audited(pruned(1, 0), 0.25, 1000), pruned(1, 1)]
    records += [pruned(1, 2, status="failed", reason="a group keeps\nless")]
    text = document(MINIMUM, dense + records)
    assert "**Holds** in all 1,000 groups of 1 pruned network" in text
    assert "2 networks could not be tested; they are listed below." in text
    assert "seed 1: not measured\n" in text
    assert "seed 2: failed: a group keeps less\n" in text


def swept(pruned, bend, slope):
    """The rows of a network whose loss is a hinge in the logarithm of the level."""
    return [
        pruned(line, seed, 95 - slope * max(bend - np.log(level), 0.0), level=level, setting=f"wide level {level}")
        for line, level in enumerate(LEVELS, 1)
        for seed in SEEDS
    ]


@pytest.mark.parametrize(("bend", "slope", "side"), [(-0.4, 10.0, 1), (0.4, 10.0, -1), (0.0, 20.0, 0)])
def test_a_turning_point_is_found_on_both_definitions(pruned, dense, document, tmp_path, bend, slope, side):
    records = dense + swept(pruned, bend, slope)
    text = document(TURNING, records)
    (claim,) = read_claims(tmp_path / "claims.toml")
    assert isinstance(claim, TurningPoint)
    (sweep,) = sweeps(claim, boards(records))
    assert (sweep.network, sweep.variant) == ("", "some-pruner wide")
    assert sweep.bend.estimate == pytest.approx(bend, abs=1e-3)
    assert sweep.threshold.low < sweep.threshold.estimate < sweep.threshold.high
    assert sweep.threshold.estimate == pytest.approx(bend - 1 / slope, abs=1e-6)
    assert sweep.bend.side(0.0) == side
    told = {1: "above the interval of 1 and below that of 0", -1: "above the interval of 0 and below that of 1"}
    assert f"**By the bend, λ = 1 may be the turning point of {int(side == 0)} of 1 curves**" in text
    assert told.get(side, "above the interval of 0 and below that of 0") in text


def test_a_sweep_of_too_few_points_or_with_a_hole_is_no_curve(pruned, dense, document):
    records = swept(pruned, 0.0, 10.0)
    assert "Not tested: no committed board has a sweep of 5 points along level." in document(
        TURNING, dense + records[:12]
    )
    broken = [
        replace(record, status="failed", metrics={}) if index < 21 else record for index, record in enumerate(records)
    ]
    assert "Not tested" in document(TURNING, dense + broken)


def test_a_board_that_has_no_records_is_named(pruned, dense, document):
    asked = TURNING.replace('pruner = "some-pruner"', 'board = ["hand-made", "another"]')
    assert "Not run: another." in document(asked, dense + swept(pruned, 0.0, 10.0))


def matched(pruned, dense, accuracies):
    """For each level a row, its random control, the row matched to it, and that one's random control."""
    records = list(dense)
    for place, (level, (own, control, other, other_control)) in enumerate(accuracies.items()):
        for seed in SEEDS:
            line = 1 + 4 * place
            row = pruned(line, seed, own, level=level, with_control=True)
            records += [row, pruned(line + 1, seed, control, role="control", method="random", matched_to=row.key)]
            rival = pruned(
                line + 2, seed, other, pruner="plain", method="plain (a)", with_control=True, matched_to=row.key
            )
            records += [rival, pruned(line + 3, seed, other_control, role="control", matched_to=rival.key)]
    return records


def test_rows_are_held_against_what_has_their_sparsity(pruned, dense, document):
    records = matched(pruned, dense, {0.5: (80.0, 10.0, 99.0, 60.0), 1.0: (94.0, 60.0, 94.0, 95.0)})
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
    table = text[text.index("**Everywhere, by level**") :].splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:7]] for line in table[4:6]]
    assert cells == [
        ["0.5", "1", "0.800", "−15.00", "−19.00", "0 / 0 / 1"],
        ["1", "1", "0.800", "−1.00", "+0.00", "0 / 1 / 0"],
    ]


def test_comparisons_that_boards_share_count_once_but_in_each_board(pruned, dense, document):
    records = matched(pruned, dense, {0.5: (80.0, 10.0, 99.0, 60.0)})
    text = document(MATCHED, records + [record.at({"board": "again"}) for record in records])
    assert "Everywhere (1 row):" in text
    assert "better in 0, even in 0, worse in 1" in text
    assert "| again     |" in text
    assert "| hand-made |" in text


def test_a_comparison_without_a_result_of_each_seed_is_left_out_and_counted(pruned, dense, document):
    records = matched(pruned, dense, {0.5: (80.0, 30.0, 90.0, 60.0)})
    broken = [
        replace(record, status="failed", metrics={})
        if record.cell["line"] == 3 and record.cell["seed"] == 1
        else record
        for record in records
    ]
    text = document(MATCHED, broken)
    assert "against plain" not in text
    assert "1 comparison had to be left out: a seed has no result." in text


def test_rows_are_selected_by_the_fields_of_their_pruner(pruned, dense):
    found = boards(dense + [pruned(line, 0, level=level) for line, level in ((1, 0.5), (2, 1.0), (3, 2.0))])
    assert [row.fields["level"] for row in rows(found, {"level": [0.5, 2.0], "board": "hand-made"})] == [0.5, 2.0]
    assert rows(found, {"pruner": "another"}) == []


def test_without_claims_nothing_is_written(tmp_path, dense):
    assert claims_files(tmp_path, dense, tmp_path / "claims.md") == {}


def test_claims_without_records_say_so(dense, document):
    assert document(MINIMUM + TURNING + MATCHED, dense).count("Not tested: no committed board has") == 3


def test_the_document_is_a_pure_function_of_claims_and_records(pruned, dense, tmp_path):
    records = dense + swept(pruned, 0.2, 10.0)
    (tmp_path / "claims.toml").write_text(MINIMUM + TURNING + MATCHED, encoding="utf-8")
    files = claims_files(tmp_path, records, tmp_path / "docs" / "claims.md")
    assert [path.relative_to(tmp_path).as_posix() for path in files] == [
        "docs/claims.md",
        "plots/claims/level-hand-made.svg",
    ]
    assert "![loss along level](../plots/claims/level-hand-made.svg)" in next(iter(files.values())).decode()
    shuffled = random.Random(0).sample(records, len(records))
    assert claims_files(tmp_path, shuffled, tmp_path / "docs" / "claims.md") == files


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[claims]\n", "claims.toml: not valid TOML"),
        ('claim = "x"\n', "claims.toml: should hold [[claims]] and nothing else"),
        ('[[claims]]\nkind = "minimun"\n', 'claims[0].kind: unknown kind "minimun"; did you mean "minimum"?'),
        (MINIMUM + 'metrik = "x"\n', 'claims[0].metrik: unknown key; did you mean "metric"?'),
        (MATCHED.replace("name =", "nam ="), 'claims[0].parts[0].nam: unknown key; did you mean "name"?'),
        (TURNING.replace("at = 1.0", ""), "claims[0].at: is missing"),
    ],
)
def test_a_mistake_in_the_claims_is_named(document, dense, text, complaint):
    with pytest.raises(ConfigError) as error:
        document(text, dense)
    assert complaint in str(error.value)
