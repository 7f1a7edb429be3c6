"""Published figures: figures of others beside ours, judged by one rule; a file that fits no board is an error."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from handmade_published import LINE, hand_made, row, written
from hypothesis import given
from hypothesis import strategies as st
from make_record import make_record

from benchsuite import ConfigError
from benchsuite.execution.scheduler import on_board
from benchsuite.execution.session import Session
from benchsuite.metrics.statistics import Summary
from benchsuite.plan import plan
from benchsuite.registry import default_registry
from benchsuite.results import board_results
from benchsuite.store import Record
from benchsuite.store.record import Histogram
from benchsuite_plugins.literature.schema import Figure, Selector, read_literature
from benchsuite_plugins.literature.verdicts import RULE, agrees, find_line, outcomes

ROOT = Path(__file__).parents[2]
OURS = ROOT / "baselines" / "published.toml"


@pytest.fixture
def records():
    return hand_made()


def judged(path, records, figure, rest=""):
    literature = read_literature(written(path, figure, rest))
    boards = {results.board: results for results in board_results(records)}
    return [one for table in literature.tables for one in outcomes(literature, table, boards)]


def number(text, exact=False, spread=None):
    return Decimal(text), Figure(line=Selector(), exact=exact, spread=spread)


@pytest.mark.parametrize(
    ("metric", "published", "mean", "spread", "agreed"),
    [
        ("accuracy", "98.30", 99.29, 0.1, True),  # a point where accuracy is high
        ("accuracy", "98.30", 99.32, 0.1, False),
        ("accuracy", "89.90", 90.15, 0.1, False),  # not below 90 %
        ("accuracy", "50.00", 58.00, 4.0, True),  # two deviations
        ("accuracy", "50.00", 58.10, 4.0, False),
        ("accuracy", "50.00", 50.10, None, False),  # one seed has no deviation
        ("accuracy", "50.0", 50.05, None, True),  # the printed digit
        ("change", "0.0", -0.9, None, True),
        ("change", "0.0", -1.1, None, False),
        ("sparsity", "0.4184", 0.4280, None, True),
        ("sparsity", "0.4184", 0.4290, None, False),
        ("layers/conv1/sparsity", "0.31", 0.3195, None, True),
        ("loss", "0.006054", 0.0060544, None, True),
        ("loss", "0.006054", 0.0060546, None, False),
    ],
)
def test_the_rule(metric, published, mean, spread, agreed):
    value, figure = number(published)
    assert agrees(Summary(mean, spread, 3), metric, value, figure) is agreed


def test_a_spread_that_is_not_known_counts_as_none():
    value, figure = number("50.00", spread=Decimal("3"))
    assert agrees(Summary(56.0, None, 1), "accuracy", value, figure)
    assert not agrees(Summary(56.1, None, 1), "accuracy", value, figure)
    assert "What is not known counts as 0: *s* of a single seed (n = 1), and *p* where none was printed." in RULE


def test_published_spreads_are_combined_with_ours():
    value, figure = number("50.00", spread=Decimal("3"))
    assert agrees(Summary(59.9, 4.0, 3), "accuracy", value, figure)
    assert not agrees(Summary(60.1, 4.0, 3), "accuracy", value, figure)


@given(st.integers(-(10**9), 10**9), st.integers(0, 9))
def test_exact_figures_agree_to_the_printed_digit(digits, decimals):
    value, figure = number(f"{digits}e-{decimals}", exact=True)
    unit = 10.0**-decimals
    for steps, agreed in ((0.0, True), (0.49, True), (-0.49, True), (0.51, False), (-0.51, False)):
        assert agrees(Summary(float(value) + steps * unit, 1.0, 3), "accuracy", value, figure) is agreed


@pytest.mark.parametrize(
    ("figure", "verdicts"),
    [
        ("published = {accuracy = 92.5, sparsity = 0.805}", ["reproduced", "reproduced"]),
        ("published = {accuracy = 90.0}", ["reproduced"]),
        ("published = {accuracy = 89.0}", ["not reproduced"]),
        ("published = {change = -3.9}", ["reproduced"]),
        ("published = {change = -5.1}", ["not reproduced"]),
        ("below = {loss = 0.51}", ["reproduced"]),
        ("below = {loss = 0.5}", ["not reproduced"]),
        ("above = {loss = 0.49}", ["reproduced"]),
        ("above = {loss = 0.5}", ["not reproduced"]),
        ("published = {accuracy = 89.0}, spread = 1.2", ["reproduced"]),
        ("published = {accuracy = 88.9}, spread = 1.2", ["reproduced (wide)"]),
        ("published = {sparsity = 0.80}, exact = true", ["reproduced exactly"]),
        ("published = {sparsity = 0.81}, exact = true", ["not reproduced"]),
        ("below = {loss = 0.51}, exact = true", ["reproduced exactly"]),
        ('published = {accuracy = 92.0}, not_comparable = "other data"', ["not comparable"]),
        ('minus = {setting = "sparsity 0.3"}, published = {accuracy = 32.0}', ["reproduced"]),
        ('minus = {setting = "sparsity 0.3"}, below = {accuracy = 0}', ["not reproduced"]),
    ],
)
def test_verdicts(tmp_path, records, figure, verdicts):
    found = judged(tmp_path, records, f'line = {{setting = "sparsity 0.1"}}, {figure}')
    assert [one.verdict for one in found] == verdicts


def test_a_board_that_cannot_be_compared_is_shown_all_the_same(tmp_path, records):
    rest = '[not_comparable]\nhand-made = "other data"'
    (one,) = judged(tmp_path, records, 'line = {setting = "sparsity 0.1"}, published = {accuracy = 10.0}', rest)
    assert (one.verdict, one.ours.mean, one.difference) == ("not comparable", 92.0, 82.0)
    (one,) = judged(
        tmp_path, records, 'line = {setting = "sparsity 0.1"}, exact = true, published = {accuracy = 92}', rest
    )
    assert one.verdict == "reproduced exactly"


def test_a_line_with_a_hole_has_no_result(tmp_path, records):
    records[3] = row(1, 0, status="failed", setting="sparsity 0.1")
    (one,) = judged(tmp_path, records, 'line = {setting = "sparsity 0.1"}, published = {accuracy = 92.0}')
    assert (one.verdict, one.state, one.ours) == ("no result", "failed 1/3", None)


def test_a_line_of_other_seeds_is_not_subtracted(tmp_path):
    records = [
        row(line, seed, setting=f"line {line}", seeds=(0, 1))
        for line, seeds in ((1, (0, 1)), (3, (1, 2)))
        for seed in seeds
    ]
    figure = 'line = {setting = "line 1"}, minus = {setting = "line 3"}, published = {accuracy = 0.0}'
    (one,) = judged(tmp_path, records, figure)
    assert (one.verdict, one.ours) == ("no result", None)


def test_a_board_that_was_not_run(tmp_path):
    (one,) = judged(tmp_path, [], f"{LINE}, published = {{accuracy = 90.0}}")
    assert (one.verdict, one.label) == ("not run", "percentile")


def test_what_another_board_calls_differently(tmp_path, records):
    figure = 'line = {setting = ["sparsity 30 %", "sparsity 0.3"]}, published = {accuracy = 60.0}'
    (one,) = judged(tmp_path, records, figure)
    assert one.ours.mean == 60.0


@pytest.mark.parametrize(
    ("figure", "rest", "message"),
    [
        (
            'line = {method = "x"}, publishd = {}',
            "",
            'tables[0].figures[0].publishd: unknown key; did you mean "published"',
        ),
        ('line = {methd = "x"}', "", 'tables[0].figures[0].line.methd: unknown key; did you mean "method"?'),
        ("published = {accuracy = 1}", "", "tables[0].figures[0].line: is missing"),
        (LINE, "", "tables[0].figures[0]: has no figure: give published, below or above"),
        (f'{LINE}, published = {{accuracy = "x"}}', "", "tables[0].figures[0].published.accuracy: "),
        (f'{LINE}, published = {{loss = 1}}, reason = "shape"', "", 'reason: unknown reason "shape"'),
        (LINE, "[reasons.one]\ntitle = 1", "reasons.one.title: should be a text, not 1"),
        (LINE, "[[", "not valid TOML"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_key(tmp_path, figure, rest, message):
    with pytest.raises(ConfigError) as error:
        read_literature(written(tmp_path, figure, rest))
    assert str(error.value).startswith("published.toml")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        (LINE, "figures[0].line: 2 lines of board hand-made fit it: percentile sparsity 0.1; percentile sparsity 0.3"),
        (f'line = {{setting = "sparsity 0.1"}}, minus = {{{LINE[8:-1]}}}', "figures[0].minus: 2 lines"),
    ],
)
def test_a_figure_of_several_lines_is_an_error(tmp_path, records, figure, message):
    with pytest.raises(ConfigError) as error:
        judged(tmp_path, records, f"{figure}, published = {{accuracy = 1.0}}")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("figure", "verdict"),
    [
        ('line = {setting = "sparsity 0.9"}', "not run"),
        ('line = {setting = "sparsity 0.1"}, minus = {setting = "sparsity 0.9"}', "no result"),
    ],
)
def test_a_line_that_a_board_lacks_was_not_run(tmp_path, records, figure, verdict):
    (found,) = judged(tmp_path, records, f"{figure}, published = {{accuracy = 1.0}}")
    assert (found.verdict, found.ours) == (verdict, None)


def planned_lines(board):
    """Return the board's lines before anything is run."""
    planned = Session().board(board)
    cells = plan(planned, default_registry(), lambda _: "0" * 64).cells
    provenance = make_record().provenance
    (lines,) = board_results([on_board(planned, cell, Record(cell.chain, "skipped", provenance)) for cell in cells])
    return lines


@pytest.mark.parametrize("board", sorted({name for table in read_literature(OURS).tables for name in table.boards}))
def test_every_published_figure_and_quote_names_a_planned_line(board):
    literature, lines = read_literature(OURS), planned_lines(board)
    figures = [one for figures in literature.tables if board in figures.boards for one in figures.figures]
    quotes = [one for reason in literature.reasons.values() for one in reason.quotes.values() if one.board == board]
    others = [*(one.minus for one in figures), *(one.beside for one in quotes)]
    selectors = [one.line for one in [*figures, *quotes]] + [one for one in others if one]
    assert selectors
    assert [one for one in selectors if find_line(lines, one, "") is None] == []


def test_a_metric_that_no_record_has(tmp_path, records):
    with pytest.raises(ConfigError, match=r'figures\[0\]: the records have no "acuracy"; did you mean "accuracy"'):
        judged(tmp_path, records, 'line = {setting = "sparsity 0.1"}, published = {acuracy = 1.0}')


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("accuracy", 92.0),
        ("nonzeros", 200),
        ("layers/fc1/zeros", 800),
        ("layers/fc1/sparsity", 0.8),
        ("layers/fc1/shape/1", 100),
        ("layers/fc1/shape/-2", 10),
        ("history/train_loss/-1", 0.25),
        ("solution/0", 1.5),
        ("support/1", 4),
        ("audit/margin", 0.5),
        ("bn_scales/counts/0", 7),
    ],
)
def test_a_metric_is_a_path_into_the_record(tmp_path, metric, value):
    scales = Histogram(edges=(0.0, 1.0), counts=(7,))
    parts = {"audit": {"margin": 0.5}, "solution": (1.5, 0.0), "support": (0, 4), "bn_scales": scales}
    record = replace(row(1, 0, 92.0, seeds=(0,), **parts), history={"train_loss": (0.5, 0.25)})
    (one,) = judged(tmp_path, [record], f'{LINE}, exact = true, published = {{"{metric}" = {value}}}')
    assert (one.verdict, one.ours.mean) == ("reproduced exactly", value)


@pytest.mark.parametrize("path", ["layers/fc1/shape/2", "layers/fc1/shape/-3", "layers/fc9/zeros", "accuracy/0"])
def test_a_path_that_leads_nowhere(tmp_path, path):
    with pytest.raises(ConfigError, match=rf'figures\[0\]: the records have no "{path}"'):
        judged(tmp_path, [row(1, 0, seeds=(0,))], f'{LINE}, published = {{"{path}" = 1.0}}')
