"""BENCHMARKS.md: a pure function of the baselines; tables fit into a terminal; failures are told."""

import random
from pathlib import Path

import pytest
from handmade_steps import train

from benchsuite import ConfigError
from benchsuite.report import benchmarks_page, full_tables, read_baselines, tables, terminal, with_tables
from benchsuite.report.markdown import LEGEND
from benchsuite.store import read_lines, write_lines

ROOT = Path(__file__).parents[2]
QUICK = ROOT / "baselines" / "quick.jsonl"


@pytest.fixture(scope="module")
def quick():
    return read_lines(QUICK)


def test_the_quick_board_fits_into_a_hundred_columns(quick):
    (table,) = tables(quick)
    text = terminal(table)
    assert max(map(len, text.splitlines())) <= 100
    assert len(text.splitlines()) >= sum(line.role != "control" for line in table.lines) + 2
    assert all(line.complete for line in table.lines)


def test_long_names_wrap_within_a_hundred_columns(make):
    records = [make(0, 0, role="dense")]
    records += [
        make(1, 0, method="a-method-with-a-very-long-name-indeed", setting="sparsity 0.95 and a great many words")
    ]
    (table,) = tables(records)
    assert max(map(len, terminal(table).splitlines())) <= 100


def test_the_page_of_this_project_is_what_its_baselines_give():
    assert (ROOT / "BENCHMARKS.md").read_text(encoding="utf-8") == benchmarks_page(read_baselines(ROOT / "baselines"))


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
    assert "no number here was typed by anyone" in page
    assert LEGEND in page
    assert "## Quick: an MLP on 8×8 digits" in page
    assert f"Seeds 0, 1, 2; {len(quick)} records, controls included" in page
    assert "data digits `6ebb3d2fee24`" in page


def test_failures_are_listed_with_their_reasons(make):
    records = [make(0, seed, role="dense", seeds=2) for seed in (0, 1)]
    records += [
        make(1, 0, seeds=2),
        make(1, 1, status="failed", reason="asked for 0.900,\n\n# delivered 0.871", seeds=2),
    ]
    page = benchmarks_page(records)
    assert "- percentile sparsity 0.8, seed 1: failed: asked for 0.900, # delivered 0.871\n" in page
    assert "failed 1/2" in page
    assert "seed 0: failed" not in page


def test_seeds_that_fail_alike_are_told_together(make):
    records = [make(0, seed, role="dense", seeds=3) for seed in range(3)]
    records += [make(1, seed, status="failed", reason="too big" if seed else "too late", seeds=3) for seed in range(3)]
    page = benchmarks_page(records)
    assert (
        "- percentile sparsity 0.8, seed 0: failed: too late\n- percentile sparsity 0.8, seeds 1, 2: failed: too big\n"
        in page
    )


def test_all_rows_are_on_the_full_page(quick):
    (table,) = tables(quick)
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


def test_fewer_seeds_of_one_network_are_told(make):
    records = [make(0, seed, role="dense", group="small", seeds=3) for seed in range(3)]
    records += [make(1, 0, role="dense", group="large", seeds=1), make(2, 0, group="large", seeds=1)]
    page = benchmarks_page(records)
    assert "sparsity 0.8 (n = 1) " in page
    assert "Seeds 0, 1, 2; mlp: seed 0; 5 records" in page


@pytest.mark.parametrize(
    ("seeds", "told"),
    [((0,), "Seed 0;"), ((0, 1, 2), "Seeds 0, 1, 2;"), (range(10), "Seeds 0–9;"), ((0, 1, 2, 3, 7), "Seeds 0–3, 7;")],
)
def test_many_seeds_are_told_as_a_range(make, seeds, told):
    assert f"\n{told} " in benchmarks_page([make(0, seed, role="dense") for seed in seeds])


def test_one_seed_is_said_to_have_no_spread(make):
    assert "One seed: no spread" in benchmarks_page([make(0, 0, role="dense"), make(1, 0)])
    assert "One seed" not in benchmarks_page([make(0, 0, role="dense")])


def test_several_boards_have_a_section_each(make):
    page = benchmarks_page([make(0, 0, role="dense", board=name) for name in ("one", "two")])
    assert page.index("## The board one") < page.index("## The board two")
    assert page.endswith("\n")


def marked(board: str, content: str = "\nold\n") -> str:
    return f"<!-- table {board}: generated by `benchsuite report` -->{content}<!-- end of table {board} -->"


def test_tables_are_set_between_their_marks(make):
    records = [make(0, 0, role="dense", board=name) for name in ("one", "two")]
    text = f"# A document\n\n{marked('two')}\n\nbetween\n\n{marked('one', '')}\nafter\n"
    done = with_tables(text, records)
    assert "old" not in done
    assert done.count("```text\n") == 2
    assert done.startswith("# A document\n\n<!-- table two")
    assert "\n\nbetween\n\n" in done
    assert done.endswith("<!-- end of table one -->\nafter\n")
    assert terminal(tables(records)[0]) in done
    assert with_tables(done, records) == done


def test_costs_are_set_between_their_marks(make):
    records = [make(0, 0, role="dense", board="one", steps=[train()], cost={"seconds": 3.0, "train_seconds": 2.0})]
    mark, end = "<!-- cost one: generated by `benchsuite report` -->", "<!-- end of cost one -->"
    done = with_tables(f"Cost: little.\n\n{mark}\n{end}\n", records)
    assert (
        done
        == f"Cost: little.\n\n{mark}\nMeasured: 3 s on cpu, of it 2 s of training; 1 of 1 seeds, 1 records.\n{end}\n"
    )


@pytest.mark.parametrize(
    "text", ["nothing marked", "<!-- table one: generated by `benchsuite report` --> no end", marked("three")]
)
def test_what_is_not_marked_stays(make, text):
    assert with_tables(text, [make(0, 0, role="dense", board="one")]) == text


def test_a_record_in_the_file_of_another_board(make, tmp_path):
    write_lines(tmp_path / "other.jsonl", [make(0, 0, role="dense")])
    with pytest.raises(ConfigError, match=r"other\.jsonl, line 1: a record of board 'hand-made'"):
        read_baselines(tmp_path)


def test_no_baselines(tmp_path):
    assert read_baselines(tmp_path / "nowhere") == []
