"""Tables as values: the cells of a board, for a terminal and for a page."""

from itertools import product

import pytest
import tabulate
from make_line import make
from make_record import finetune, prune, train

from benchsuite.report.columns import Cell, Column, brief_table, full_table
from benchsuite.report.markdown import grid, markdown, marked
from benchsuite.report.table import terminal
from benchsuite.results import Ranking, board_results

PRUNED = [train(), prune(sparsity=0.8)]


def board(*rows, seeds=3):
    """Return the ranking of a dense network of 95 %, and of rows (accuracy, chain, changes) with random controls."""
    records = [make(0, seed, 95.0, role="dense", seeds=seeds, shift=0) for seed in range(seeds)]
    for (number, (accuracy, chain, changes)), seed in product(enumerate(rows), range(seeds)):
        row = {"seeds": seeds, "shift": 0, **changes}
        records.append(make(2 * number + 1, seed, accuracy, steps=chain, with_control=True, **row))
        records.append(make(2 * number + 2, seed, 80.0, role="control", seeds=seeds, shift=0))
    (results,) = board_results(records)
    return Ranking(results)


def by_heading(table, row):
    return dict(zip(table.headings, table.rows[row], strict=True))


def test_a_terminal_has_means_without_marks():
    ranking = board((90.0, PRUNED, {"sparsity": 0.75}), (84.0, PRUNED, {}))
    table = brief_table(ranking.rows)
    assert by_heading(table, 1) == {
        "method": Cell("percentile"),
        "setting": Cell("sparsity 0.8"),
        "accuracy %": Cell("90.00 ± 0.00", 90.0),
        "Δ dense": Cell("−5.0", -5.0),
        "random": Cell("80.0", 80.0),
        "sparse": Cell("0.750", 0.75),
        "bits": Cell("32", 32.0),
        "size": Cell("4.0×", 4.0),
        "MACs": Cell("12.3k", 12345.0),
    }
    assert by_heading(table, 0)["Δ dense"] == Cell("–")


def test_a_page_has_marks_intervals_and_no_idle_column():
    ranking = board((90.0, PRUNED, {}), (89.9, PRUNED, {"shift": 500}), (70.0, PRUNED, {}))
    table = full_table(ranking, ranking.rows)
    assert table.headings == ["method", "setting", "accuracy %", "Δ dense", "random", "sparse", "size", "MACs"]
    assert [row[0].mark for row in table.rows] == ["dense", None, None, None]
    assert [row[2].mark for row in table.rows] == [None, "best", "tie", None]
    assert [row[4] for row in table.rows[1::2]] == [Cell("80.0", 80.0), Cell("80.0", 80.0, "higher")]
    change = by_heading(table, 1)["Δ dense"]
    assert change.text.startswith("−5.0 ± ")
    assert change.value == pytest.approx(-5.0)


@pytest.mark.parametrize("table", [brief_table, None])
def test_a_line_with_a_hole_has_its_state_and_no_measurement(table):
    ranking = board((90.0, PRUNED, {"status": "failed"}), (84.0, PRUNED, {}))
    table = brief_table(ranking.rows) if table else full_table(ranking, ranking.rows)
    cells = by_heading(table, 1)
    assert cells["accuracy %"] == Cell("failed 3/3")
    assert all(cells[heading] == Cell("–") for heading in ("Δ dense", "sparse", "size", "MACs"))


def test_accuracy_before_training_has_a_column_where_it_was_measured():
    ranking = board((50.0, PRUNED, {}), (90.0, [*PRUNED, finetune(5)], {}))
    assert by_heading(full_table(ranking, ranking.primary), 1)["before"] == Cell("50.0", 50.0)
    assert "before" not in full_table(ranking, ranking.primary[:1]).headings


def test_a_network_whose_weights_are_its_result_has_columns_for_them():
    records = [make(0, 0, role="dense", accuracy=None, solution=(0.0, -1.5), support=(1,), loss=0.25)]
    records += [make(2, 0, role="dense", steps=[train(epochs=1)], accuracy=None, loss=None)]
    (results,) = board_results(records)
    for table in (brief_table(results.lines), full_table(Ranking(results), results.lines)):
        assert table.headings[2:] == ["loss", "support", "weights"]
        assert table.rows[0][2:] == (Cell("0.25", 0.25), Cell("{1}"), Cell("+0.00000 -1.50000"))
        assert table.rows[1][2:] == (Cell("diverged"), Cell("–"), Cell("–"))


@pytest.mark.parametrize(
    ("heading", "texts", "is_idle"),
    [
        ("bits", ("32", "–"), True),
        ("bits", ("32", "4"), False),
        ("sparse", ("32", "–"), False),
        ("before", ("–", "–"), True),
    ],
)
def test_an_idle_column_says_nothing(heading, texts, is_idle):
    assert Column(heading, tuple(map(Cell, texts))).is_idle is is_idle


@pytest.mark.parametrize(
    ("mark", "text"),
    [
        ("dense", "**a {}**"),
        ("best", "**a {}**"),
        ("tie", "a {} ="),
        ("level", "a {} ≈"),
        ("higher", "a {} ▲"),
        (None, "a {}"),
    ],
)
def test_marks_in_markdown(mark, text):
    assert marked(Cell("a {}", mark=mark)) == text


def test_rendering_leaves_the_settings_of_tabulate_alone(monkeypatch):
    monkeypatch.setattr(tabulate, "MIN_PADDING", 2)
    ranking = board((90.0, PRUNED, {}))
    assert terminal(ranking.results).splitlines()[0].startswith("method      setting")
    assert grid(["a", "b"], [["1", "2"]]) == "| a | b |\n|:--|:--|\n| 1 | 2 |"
    assert markdown(ranking, ranking.rows)
    assert tabulate.MIN_PADDING == 2
