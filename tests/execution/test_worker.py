"""A board run in a worker process gives what it gives in this one."""

import shutil
from pathlib import Path

import pytest

import benchsuite
from benchsuite.store import Record
from benchsuite.store.integrity import faults

BOARD = """
[board]
name = "worker"
title = "Worker"
seeds = [0]

[dense]
dataset = "digits"
model = {name = "mlp", hidden = [8]}
recipe = {epochs = 2, lr = 0.01}

[[rows]]
label = "tuned"
steps = [{prune = "percentile", sparsity = 0.8}, {finetune = 1}, {quantize = "ste-symmetric", bits = 3}, {finetune = 1}]

[[rows]]
steps = [{prune = "unit", sparsity = {matched_to = "tuned"}}, {finetune = 1}]
"""


@pytest.fixture(scope="module")
def board(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("board") / "worker.toml"
    path.write_text(BOARD, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def here(board) -> tuple[list[Record], Path]:
    """The records of a run in this process, and its home."""
    home = board.parent / "here"
    return benchsuite.run(board, home=home), home


def timeless(records: list[Record]) -> list[tuple[object, ...]]:
    return [(one.key, one.status, one.place, one.metrics, one.layers, one.history, one.provenance) for one in records]


def entries(home: Path) -> set[str]:
    return {path.name for path in (home / "store").iterdir()}


def written(home: Path) -> set[tuple[str, int]]:
    return {(path.parent.name, path.stat().st_mtime_ns) for path in (home / "store").glob("*/record.json")}


def test_the_records_and_the_store_are_those_of_a_run_in_process(board, here, tmp_path):
    records, home = here
    assert timeless(benchsuite.run(board, home=tmp_path, isolated=True)) == timeless(records)
    assert entries(tmp_path) == entries(home)


def test_all_may_be_computed_again_and_nothing_need_be(board, here, tmp_path):
    records, _ = here
    benchsuite.run(board, home=tmp_path, isolated=True)
    before = written(tmp_path)
    benchsuite.run(board, home=tmp_path, isolated=True)
    assert written(tmp_path) == before
    assert timeless(benchsuite.run(board, home=tmp_path, isolated=True, rerun="all")) == timeless(records)
    assert not written(tmp_path) & before
    assert {key for key, _ in written(tmp_path)} == {key for key, _ in before}


@pytest.mark.parametrize("seconds", [5e-2, 1e-9], ids=["in the training", "before the first word"])
def test_what_is_timed_out_has_whole_records(tmp_path, seconds):
    """No machine trains a hundred thousand epochs in that time: the first training ends so, and is not tried again."""
    board = tmp_path / "worker.toml"
    board.write_text(BOARD.replace("epochs = 2", "epochs = 100_000"), encoding="utf-8")
    records = benchsuite.run(board, home=tmp_path, isolated=True, timeout=seconds)
    assert {one.status for one in records if one.place.role == "dense"} == {"timeout"}
    assert {one.status for one in records} <= {"timeout", "skipped"}
    for one in records:
        assert not list(faults(one))
        assert one.chain.training.verb == "train"
        assert one.provenance.plugins


def test_what_was_timed_out_is_tried_again_by_the_next_run(board, here, tmp_path):
    records, _ = here
    assert {one.status for one in benchsuite.run(board, home=tmp_path, isolated=True, timeout=1e-9)} == {"timeout"}
    assert timeless(benchsuite.run(board, home=tmp_path, isolated=True)) == timeless(records)


def test_a_run_that_is_timed_out_leaves_the_good_records_of_others(board, here, tmp_path):
    """Not even computing all again replaces them: the run tells its own end, the store keeps the record."""
    records, home = here
    shutil.copytree(home, tmp_path / "home")
    before = written(tmp_path / "home")
    lost = benchsuite.run(board, home=tmp_path / "home", isolated=True, rerun="all", timeout=1e-9)
    assert {one.status for one in lost} == {"timeout"}
    assert written(tmp_path / "home") == before
    kept = benchsuite.run(board, home=tmp_path / "home", isolated=True)
    assert [one.text for one in kept] == [one.text for one in records]
