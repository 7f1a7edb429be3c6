"""docs/published.md: what the page says of the figures, and that this project's is what its files give."""

from pathlib import Path

import pytest
from handmade_published import LINE, dense, hand_made, row, written

from benchsuite import ConfigError
from benchsuite.report import read_baselines
from benchsuite_plugins.literature.page import published_page
from benchsuite_plugins.literature.schema import read_literature

ROOT = Path(__file__).parents[2]


@pytest.fixture
def records():
    return hand_made()


def cells(page, beginning):
    """Of the one row of the page that begins so."""
    (row,) = [line for line in page.splitlines() if line.startswith(f"| {beginning}")]
    return [cell.strip() for cell in row.strip("|").split("|")]


REASON = """
[reasons.shapes]
title = "A mistake of shapes"
text = "Ours are {{ours}}."
experiment = "The board `other`: {{other}}."
[reasons.shapes.quotes]
ours = {{board = "hand-made", line = {{setting = "sparsity 0.1"}}}}
other = {{board = "other", line = {{method = "dense"}}}}
""".replace("{{", "{").replace("}}", "}")


def test_the_page_tells_why_with_our_own_figures(tmp_path, records):
    figure = 'line = {setting = "sparsity 0.1"}, published = {accuracy = 54.75}, reason = "shapes"'
    page = published_page(read_literature(written(tmp_path, figure, REASON)), records)
    assert "54.75 " in page
    assert "| +37.25" in page
    assert "**not reproduced**" in page
    assert "### A mistake of shapes\n\n- Half the weights: percentile sparsity 0.1, accuracy %: published 54.75" in page
    assert "Ours are 92.00 ± 1.00 (3).\n\n*Experiment:* The board `other`: (`other` was not run)." in page
    assert "Not investigated" not in page


def test_what_has_no_reason_yet_is_said_to_be_open(tmp_path, records):
    figure = 'line = {setting = "sparsity 0.1"}, published = {accuracy = 54.75}'
    page = published_page(read_literature(written(tmp_path, figure, REASON)), records)
    assert "### Not investigated yet\n\n- Half the weights" in page
    assert "A mistake of shapes" not in page


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{our}", 'no quote "our"; did you mean "ours"'),
        ("{ours.mean}", 'no quote "ours.mean"; did you mean "ours"'),
        ("{ours[0]}", r'no quote "ours\[0\]"; did you mean "ours"'),
        ("{ours:>9}", 'no quote "ours:>9"; did you mean "ours"'),
        ("{}", 'no quote ""; known: other, ours'),
        ("{", "written twice"),
        ("{ours}}", "written twice"),
    ],
)
def test_a_reason_that_quotes_nothing(tmp_path, records, text, message):
    figure = 'line = {setting = "sparsity 0.1"}, published = {accuracy = 54.75}, reason = "shapes"'
    rest = REASON.replace("Ours are {ours}.", text)
    with pytest.raises(ConfigError, match=message):
        published_page(read_literature(written(tmp_path, figure, rest)), records)


def test_a_brace_of_a_reason_is_written_twice(tmp_path, records):
    figure = 'line = {setting = "sparsity 0.1"}, published = {accuracy = 54.75}, reason = "shapes"'
    rest = REASON.replace("Ours are {ours}.", "Of {{0, 1}}, {{{ours}}}.")
    assert "Of {0, 1}, {92.00 ± 1.00 (3)}." in published_page(read_literature(written(tmp_path, figure, rest)), records)


def test_exact_figures_of_a_line_share_a_row(tmp_path, records):
    figure = 'line = {setting = "sparsity 0.1"}, exact = true, published = {accuracy = 92.00, sparsity = 0.80}'
    page = published_page(read_literature(written(tmp_path, figure)), records)
    told = ["accuracy %, sparsity", "92.00, 0.80 exact", "92.00 ± 1.00, 0.80", "0", "reproduced exactly"]
    assert cells(page, "percentile sparsity 0.1")[1:] == told


def test_the_summary_tells_exact_figures_from_wide_ones_and_counts_none_twice(tmp_path, records):
    """Exact, near, wide and once more near: four figures, of which three are counted."""
    line = 'line = {setting = "sparsity 0.1"}'
    figure = (
        f"{line}, exact = true, published = {{sparsity = 0.80}}}}, {{{line}, published = {{accuracy = 92.5}}}}, "
        f"{{{line}, spread = 3, published = {{accuracy = 87.0}}}}, "
        f"{{{line}, again = true, published = {{accuracy = 91}}"
    )
    page = published_page(read_literature(written(tmp_path, figure)), records)
    assert cells(page, "figures") == ["figures", "reproduced exactly", "reproduced", "reproduced (wide)"]
    assert cells(page, "all") == ["all", "1", "1", "1"]
    assert "Reproduced: 1 exact figures and 2 of trained networks, 1 of these more than 3 points away" in page
    assert "Marked *again* and not counted: 1." in page
    assert "| 91 again " in page


def test_a_bound_tells_in_how_many_seeds_it_holds(tmp_path, records):
    figure = 'line = {setting = "sparsity 0.1"}, below = {accuracy = 93}'
    page = published_page(read_literature(written(tmp_path, figure)), records)
    assert cells(page, "percentile sparsity 0.1")[2:] == ["< 93", "92.00 ± 1.00 (3)", "in 2 of 3", "reproduced"]


def test_a_mean_that_is_small_beside_its_spread_is_rounded(tmp_path):
    records = [record for seed in range(3) for record in (dense(seed), row(1, seed, 95.0 if seed else 95.01))]
    page = published_page(read_literature(written(tmp_path, f"{LINE}, published = {{change = 0.0}}")), records)
    assert cells(page, "percentile")[2:] == ["0.0", "0.00 ± 0.01 (3)", "0.00", "reproduced"]


def test_a_reason_quotes_how_two_lines_go_together(tmp_path, records):
    figure = 'line = {setting = "sparsity 0.1"}, published = {accuracy = 54.75}, reason = "shapes"'
    rest = REASON.replace('ours = {board = "hand-made", ', 'ours = {board = "hand-made", beside = {BESIDE}, ')
    for beside, told in (('setting = "sparsity 0.3"', "r = 1.00 (3)"), ('method = "dense"', "(no correlation)")):
        page = published_page(read_literature(written(tmp_path, figure, rest.replace("BESIDE", beside))), records)
        assert f"Ours are {told}." in page


def test_lines_of_other_seeds_do_not_go_together(tmp_path):
    lines = {1: (0, 1, 2), 3: (1, 2, 3)}
    records = [row(line, seed, 90.0 + seed, setting=f"line {line}") for line in lines for seed in lines[line]]
    figure = 'line = {setting = "line 1"}, published = {accuracy = 54.75}, reason = "shapes"'
    rest = REASON.replace("sparsity 0.1", "line 1").replace(
        'ours = {board = "hand-made", ', 'ours = {board = "hand-made", beside = {setting = "line 3"}, '
    )
    page = published_page(read_literature(written(tmp_path, figure, rest)), records)
    assert "Ours are (no correlation)." in page


@pytest.fixture(scope="module")
def ours():
    return published_page(read_literature(ROOT / "baselines" / "published.toml"), read_baselines(ROOT / "baselines"))


def test_the_page_of_this_project_is_what_its_files_give(ours):
    assert (ROOT / "docs" / "published.md").read_text(encoding="utf-8") == ours


def test_every_figure_that_is_not_reproduced_has_a_reason(ours):
    assert "Not investigated yet" not in ours
