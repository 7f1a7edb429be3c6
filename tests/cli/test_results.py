"""The results file: a run adds to it, and takes away only what a newer result replaces."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from benchsuite.store import Metrics, Record, read_lines
from benchsuite.store.integrity import read_verified

BOARD = """
[board]
name = "small"
title = "{title}"
seeds = [0, 1]

[dense]
dataset = "digits"
model = {{name = "mlp", hidden = [4]}}
recipe = {{epochs = 1, lr = {lr}}}

[[rows]]
control = false
steps = [{{prune = "percentile", sparsity = {levels}}}]
"""
FILE = Path("results/small.jsonl")


def board(
    benchsuite, name: str = "small.toml", title: str = "Small", levels: str = "[0.5, 0.8]", lr: float = 1e-3
) -> str:
    return benchsuite.board(text=BOARD.format(title=title, levels=levels, lr=lr), name=name)


def run(benchsuite, *arguments: str):
    result = benchsuite("run", *arguments, "--in-process")
    assert result.code == 0, result.err
    return result


def places(file: Path = FILE) -> set[tuple[str, int]]:
    return {place(record) for record in read_verified(file)}


def place(record: Record) -> tuple[str, int]:
    return f"{record.place.method} {record.place.setting}".removesuffix(" mlp"), record.seed


def expected(*seeds: int, levels: tuple[float, ...] = (0.5, 0.8)) -> set[tuple[str, int]]:
    names = ["dense", *(f"percentile sparsity {level}" for level in levels)]
    return {(name, seed) for name in names for seed in seeds}


def aside() -> list[Path]:
    return sorted(Path("results/replaced").glob("*"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--only", "setting=sparsity 0.5"],
        ["--seeds", "0"],
        ["--seeds", "1", "--only", "setting=*0.8"],
        ["--add", "random"],
    ],
    ids=["--only", "--seeds", "both", "--add"],
)
def test_part_of_a_board_leaves_the_results_of_the_rest_as_they_are(benchsuite, arguments):
    name = board(benchsuite)
    run(benchsuite, name)
    before = FILE.read_text().splitlines()
    run(benchsuite, name, *arguments)
    assert set(before) <= set(FILE.read_text().splitlines())
    assert expected(0, 1) <= places()
    assert not aside()


def test_other_seeds_stand_beside_those_of_the_board(benchsuite):
    name = board(benchsuite)
    run(benchsuite, name)
    run(benchsuite, name, "--seeds", "7")
    assert places() == expected(0, 1, 7)
    assert {record.place.seeds for record in read_lines(FILE)} == {(0, 1, 7)}
    run(benchsuite, name)
    assert places() == expected(0, 1)
    (kept,) = aside()
    assert places(kept) == expected(0, 1, 7)


def test_seeds_alone_are_a_whole_board_of_these_seeds(benchsuite):
    run(benchsuite, board(benchsuite), "--seeds", "7")
    assert {record.place.seeds for record in read_lines(FILE)} == {(7,)}


def test_rows_that_are_copied_from_the_baselines_replace_none_of_this_machine(benchsuite):
    name = board(benchsuite)
    run(benchsuite, name)
    before = FILE.read_text().splitlines()
    committed = Path("committed/small.jsonl")
    committed.parent.mkdir()
    shutil.copy(FILE, committed)
    committed.write_text(committed.read_text().replace('"device":"cpu"', '"device":"another"'))
    run(benchsuite, name, "--add", "random", "--baselines", "committed")
    assert set(before) <= set(FILE.read_text().splitlines())
    FILE.unlink()
    run(benchsuite, name, "--add", "random", "--baselines", "committed")
    copied = {place(record) for record in read_lines(FILE) if record.place.committed}
    assert copied == expected(0, 1) - expected(0, 1, levels=())


def test_a_newer_result_of_the_same_cell_replaces_the_older(benchsuite):
    name = board(benchsuite)
    run(benchsuite, name)
    before = {record.key for record in read_lines(FILE)}
    board(benchsuite, lr=2e-3)
    run(benchsuite, name)
    assert places() == expected(0, 1)
    assert not before & {record.key for record in read_lines(FILE)}
    assert not aside()


def test_results_that_nothing_replaces_are_kept_aside(benchsuite):
    name = board(benchsuite)
    run(benchsuite, name)
    before = FILE.read_text()
    board(benchsuite, lr=2e-3)
    result = run(benchsuite, name, "--only", "setting=sparsity 0.5")
    (kept,) = aside()
    assert kept.read_text() == before
    assert f"2 earlier results in the file are of no row of this board now: as it was, it is {kept}" in result.err


@pytest.mark.parametrize("other", [{"title": "Another"}, {"levels": "[0.3]"}, {"title": "Another", "lr": 2e-3}])
def test_the_results_of_another_board_of_the_name_are_kept_aside(benchsuite, other):
    run(benchsuite, board(benchsuite))
    before = FILE.read_text()
    result = run(benchsuite, board(benchsuite, "other.toml", **other))
    if other == {"title": "Another"}:  # the same chains, so the same results
        assert not aside()
    else:
        assert [kept.read_text() for kept in aside()] == [before]
        assert "as it was, it is" in result.err


@pytest.mark.parametrize("names", [("one.toml", "two.toml"), ("one.toml", "one.toml"), ("quick", "three.toml")])
def test_two_boards_of_one_name_are_refused_before_anything_runs(benchsuite, names):
    board(benchsuite, "one.toml")
    board(benchsuite, "two.toml", levels="[0.3]")
    benchsuite.board(
        text=BOARD.format(title="T", levels="[0.5]", lr=1e-3).replace('"small"', '"quick"'), name="three.toml"
    )
    result = benchsuite("run", *names)
    assert result.code == 2
    assert f"{names[0]} and {names[1]}: boards of one name" in result.err
    assert not Path("results").exists()
    assert not benchsuite.home.exists()


def test_a_failure_does_not_replace_a_result(benchsuite):
    from benchsuite.execution.results import merge_results
    from benchsuite.execution.session import Session

    name = board(benchsuite)
    run(benchsuite, name)
    session = Session(home=benchsuite.home, data_root=benchsuite.home)
    planned = session.plan(session.board(name))
    before = read_lines(FILE)
    merge_results(FILE, planned, [replace(record, status="timeout", metrics=Metrics(), layers=()) for record in before])
    assert read_lines(FILE) == before
