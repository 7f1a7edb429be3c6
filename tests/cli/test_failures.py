"""What a run says of cells without a result: on which failure they depend, and where its traceback is."""

import pytest

RAISING = """
from dataclasses import dataclass

from benchsuite import Pruner, hookimpl


@dataclass(frozen=True)
class Raising(Pruner):
    sparsity: float = 0.5

    def masks(self, layers, context):
        print("a trace of what was tried")
        raise RuntimeError("no mask\\x1b[2J today")


@hookimpl
def benchsuite_pruners():
    return {"raising": Raising}
"""
ROWS = """
[[rows]]
label = "marked"
steps = [{prune = "raising"}, {evaluate = "before"}, {finetune = 1}, {evaluate = "after"}, {finetune = 1}]

[[rows]]
label = "unmarked"
steps = [{prune = "raising"}, {finetune = 2}, {finetune = 1}]
"""


@pytest.fixture
def run(benchsuite, install_plugin):
    """A run of the board: what it printed on standard error."""
    install_plugin("raising", RAISING)
    board = benchsuite.board(ROWS)

    def printed(*options: str) -> str:
        result = benchsuite("run", board, *options)
        assert result.code == 3
        return result.err

    return printed


def test_a_skipped_cell_names_the_cell_that_failed(run):
    told = run()
    assert told.count('marked, seed 0: builds on "marked after, seed 0", which failed\n') == 1
    assert told.count('random as marked after, seed 0: builds on "marked before, seed 0", which failed\n') == 1
    skipped = [line for line in told.splitlines() if "skipped: " in line]
    assert len(skipped) == 6
    assert not [line for line in skipped if '"' in line and "RuntimeError" in line]


def test_a_failed_step_without_a_cell_is_named_with_its_reason(run):
    assert "unmarked, seed 0: its step 2, finetune, failed: RuntimeError: no mask" in run()


def test_the_tracebacks_are_a_file_away(run, benchsuite):
    told = run()
    assert told.endswith(
        'results/small.jsonl has the tracebacks of failed cells, under "error"; --verbose prints them\n'
    )
    assert "Traceback" not in told
    error = benchsuite.results()["marked before"].error
    assert "in masks" in error.traceback
    assert error.output == "a trace of what was tried"


def test_verbose_prints_each_traceback_once_with_its_cells(run):
    told = run("--seeds", "0,1", "--verbose")
    assert "\nmarked before, seed 0; marked before, seed 1:\n\nTraceback (most recent call last):\n" in told
    assert "; unmarked, seed 0, step 2, finetune; " in told
    assert told.count("in masks") == told.count("a trace of what was tried") == told.count("Traceback")
    assert "--verbose" not in told
    trace = told[told.index("Traceback") :]
    assert r"RuntimeError: no mask\x1b[2J today" in trace
    assert "\x1b" not in trace


def test_a_run_without_failures_says_nothing_of_them(benchsuite):
    result = benchsuite("run", benchsuite.board(), "--in-process", "--verbose")
    assert result.code == 0
    assert "error" not in result.err
