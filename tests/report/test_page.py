"""BENCHMARKS.md: a pure function of the baselines; tables fit into a terminal; failures are listed."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
from make_line import make

from benchsuite import ConfigError
from benchsuite.report import benchmarks_page, full_tables, read_baselines, terminal
from benchsuite.report.markdown import LEGEND
from benchsuite.results import board_results
from benchsuite.store import DataOrigin, read_lines, write_lines

ROOT = Path(__file__).parents[2]
QUICK = ROOT / "baselines" / "quick.jsonl"


@pytest.fixture(scope="module")
def quick():
    return read_lines(QUICK)


def test_the_quick_board_fits_into_a_hundred_columns(quick):
    (table,) = board_results(quick)
    text = terminal(table)
    assert max(map(len, text.splitlines())) <= 100
    assert len(text.splitlines()) >= sum(line.role != "control" for line in table.lines) + 2
    assert all(line.complete for line in table.lines)


def test_long_names_wrap_within_a_hundred_columns():
    records = [make(0, 0, role="dense")]
    records += [
        make(1, 0, method="a-method-with-a-very-long-name-indeed", setting="sparsity 0.95 and a great many words")
    ]
    (table,) = board_results(records)
    assert max(map(len, terminal(table).splitlines())) <= 100


def test_the_page_of_this_project_is_what_its_baselines_give():
    beside = {"claims, tested": "docs/claims.md", "held against the literature": "docs/published.md"}
    page = benchmarks_page(read_baselines(ROOT / "baselines"), beside)
    assert (ROOT / "BENCHMARKS.md").read_text(encoding="utf-8") == page


def test_the_page_is_a_pure_function_of_the_baselines(tmp_path, quick):
    page = benchmarks_page(quick)
    assert benchmarks_page(quick) == page
    lines = QUICK.read_text(encoding="utf-8").splitlines()
    for seed in range(2):
        shuffled = tmp_path / f"{seed}" / "quick.jsonl"
        shuffled.parent.mkdir()
        shuffled.write_text("\n".join(random.Random(seed).sample(lines, len(lines))) + "\n", encoding="utf-8")
        assert benchmarks_page(read_baselines(shuffled.parent)) == page
        write_lines(shuffled, read_lines(shuffled))
        assert shuffled.read_bytes() == QUICK.read_bytes()


def test_the_page_says_what_is_measured_and_where_it_comes_from(quick):
    page = benchmarks_page(quick)
    assert "no result here was typed by anyone" in page
    assert LEGEND in page
    assert "## Quick: an MLP on 8×8 digits" in page
    assert f"Seeds 0, 1, 2; {len(quick)} records, controls included" in page
    assert "data digits `6ebb3d2fee24`" in page


def test_failures_are_listed_with_their_reasons():
    records = [make(0, seed, role="dense", seeds=2) for seed in (0, 1)]
    records += [
        make(1, 0, seeds=2),
        make(1, 1, status="failed", reason="asked for 0.900,\n\n# delivered 0.871", seeds=2),
    ]
    page = benchmarks_page(records)
    assert "- percentile sparsity 0.8, seed 1: failed: asked for 0.900, # delivered 0.871\n" in page
    assert "failed 1/2" in page
    assert "seed 0: failed" not in page


def test_seeds_that_fail_alike_are_told_together():
    records = [make(0, seed, role="dense", seeds=3) for seed in range(3)]
    records += [make(1, seed, status="failed", reason="too big" if seed else "too late", seeds=3) for seed in range(3)]
    page = benchmarks_page(records)
    assert (
        "- percentile sparsity 0.8, seed 0: failed: too late\n- percentile sparsity 0.8, seeds 1, 2: failed: too big\n"
        in page
    )


def test_failures_tell_their_network():
    records = [make(number, 0, role="dense", group=group) for number, group in enumerate(("small", "large"))]
    records += [make(2 + number, 0, status="failed", group=group) for number, group in enumerate(("small", "large"))]
    page = benchmarks_page(records)
    for group in ("small", "large"):
        assert f"- {group} percentile sparsity 0.8, seed 0: failed: it broke\n" in page


def test_a_reason_is_no_html():
    failed = make(1, 0, status="failed", reason="<Tensor on cuda> is <b>no list")
    page = benchmarks_page([make(0, 0, role="dense"), failed])
    assert "failed: &lt;Tensor on cuda&gt; is &lt;b&gt;no list\n" in page


def test_all_data_sets_of_a_board_are_told():
    names = ("mnist", "digits", "mnist")
    records = [
        replace(record, provenance=replace(record.provenance, data=DataOrigin(name, f"{name:0<16}")))
        for name, record in zip(names, (make(number, 0, role="dense") for number in range(3)), strict=True)
    ]
    assert "data digits `digits000000`, mnist `mnist0000000`.\n" in benchmarks_page(records)


def test_all_rows_are_on_the_full_page(quick):
    (table,) = board_results(quick)
    ((path, page),) = full_tables(quick).items()
    assert path == "tables/quick.md"
    assert f"({path})" in benchmarks_page(quick).replace("baselines/", "")
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + sum(line.role != "control" for line in table.lines)
    assert "[`baselines/quick.jsonl`](../quick.jsonl)" in page


def test_the_page_of_the_quick_board_is_short(quick):
    rows = [line for line in benchmarks_page(quick).partition("## Quick")[2].splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + 30
    assert "30 of 71 rows" in benchmarks_page(quick)


def test_fewer_seeds_of_one_network_are_told():
    records = [make(0, seed, role="dense", group="small", seeds=3) for seed in range(3)]
    records += [make(1, 0, role="dense", group="large", seeds=1), make(2, 0, group="large", seeds=1)]
    page = benchmarks_page(records)
    assert "sparsity 0.8 (n = 1) " in page
    assert "Seeds 0, 1, 2; mlp: seed 0; 5 records" in page


@pytest.mark.parametrize(
    ("seeds", "told"),
    [((0,), "Seed 0;"), ((0, 1, 2), "Seeds 0, 1, 2;"), (range(10), "Seeds 0–9;"), ((0, 1, 2, 3, 7), "Seeds 0–3, 7;")],
)
def test_many_seeds_are_told_as_a_range(seeds, told):
    assert f"\n{told} " in benchmarks_page([make(0, seed, role="dense") for seed in seeds])


def test_one_seed_is_said_to_have_no_spread():
    assert "One seed: no spread" in benchmarks_page([make(0, 0, role="dense"), make(1, 0)])
    assert "One seed" not in benchmarks_page([make(0, 0, role="dense")])


def test_several_boards_have_a_section_each():
    page = benchmarks_page([make(0, 0, role="dense", board=name) for name in ("one", "two")])
    assert page.index("## The board one") < page.index("## The board two")
    assert page.endswith("\n")


def test_a_record_in_the_file_of_another_board(tmp_path):
    write_lines(tmp_path / "other.jsonl", [make(0, 0, role="dense")])
    with pytest.raises(ConfigError, match=r"other\.jsonl, line 1: a record of board 'hand-made'"):
        read_baselines(tmp_path)


def test_no_baselines(tmp_path):
    assert read_baselines(tmp_path / "nowhere") == []
