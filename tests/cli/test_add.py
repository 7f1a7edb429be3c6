"""`run --add`: a third party's method on a board, beside committed rows that are not run again."""

import json
import shutil

import pytest

MY_PRUNER = '''
from dataclasses import dataclass

import torch

from benchsuite import Pruner, hookimpl


@dataclass(frozen=True)
class Mine(Pruner):
    """Keep what is drawn."""

    sparsity: float = 0.5
    lowest: bool = False

    def masks(self, layers, context):
        def keep(w):
            order = w.abs().flatten() if self.lowest else torch.rand(w.numel(), generator=context.generator)
            rank = order.argsort().argsort()
            return (rank >= round(self.sparsity * w.numel())).view(w.shape)

        return {name: keep(w) for name, w in layers.items()}


@hookimpl
def benchsuite_pruners():
    return {"mine": Mine}
'''
ROWS = '[[rows]]\nsteps = [{prune = "percentile", sparsity = [0.5, 0.8]}]'


@pytest.fixture
def committed(benchsuite):
    """A board whose results are committed, and a store that knows nothing of them."""
    board = benchsuite.board(ROWS)
    assert benchsuite("run", board).code == 0
    (benchsuite.folder / "results").rename(benchsuite.folder / "committed")
    shutil.rmtree(benchsuite.home)
    return board


def stored(benchsuite) -> set[str]:
    return {path.name for path in (benchsuite.home / "store").iterdir()}


def test_committed_rows_are_shown_and_not_run_again(benchsuite, committed, install_plugin):
    install_plugin("mine", MY_PRUNER)
    result = benchsuite("run", committed, "--add", "mine", "--add", "mine[lowest=true]", "--baselines", "committed")
    assert result.code == 0, result.err
    records = benchsuite.results()
    for setting in ("sparsity 0.5", "sparsity 0.8"):
        assert {f"percentile {setting}", f"mine {setting}", f"mine[lowest=true] {setting}"} <= set(records)
        assert records[f"mine[lowest=true] {setting}"].metrics.number("accuracy") == records[
            f"percentile {setting}"
        ].metrics.number("accuracy")
        assert f"random as mine {setting}" in records
    ran = {name for name, record in records.items() if record.key in stored(benchsuite)}
    assert ran == {name for name in records if name.startswith(("dense", "mine", "random as mine"))}
    assert "warning" not in result.err
    for row in ("percentile", "mine"):
        assert f"\n{row} " in result.out


def test_a_committed_row_that_was_made_otherwise_is_run_again(benchsuite, committed):
    result = benchsuite(
        "run", committed, "--add", "random", "--baselines", "committed", "--set", "dense.recipe.lr=2e-3"
    )
    assert result.code == 0
    assert {record.key for record in benchsuite.results().values()} == stored(benchsuite)


def test_other_dense_networks_than_the_committed_ones_are_told(benchsuite, committed):
    path = benchsuite.folder / "committed" / "small.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        if line["cell"]["role"] == "dense":
            line["metrics"]["weights_sha256"] = "0" * 16
    form = {"sort_keys": True, "separators": (",", ":"), "ensure_ascii": False}
    path.write_text("".join(json.dumps(line, **form) + "\n" for line in lines))
    result = benchsuite("run", committed, "--add", "random", "--baselines", "committed")
    assert result.code == 0
    assert "warning: 1 of 1 dense networks trained here are not those of the committed rows" in result.err


def test_an_edited_baseline_is_refused_before_anything_runs(benchsuite, committed):
    path = benchsuite.folder / "committed" / "small.jsonl"
    path.write_text(path.read_text().replace('"accuracy":', '"accuracy":1', 1))
    result = benchsuite("run", committed, "--add", "random", "--baselines", "committed")
    assert result.code == 2
    assert "small.jsonl, line 1" in result.err
    assert not (benchsuite.folder / "results").exists()
    assert not benchsuite.home.exists()


def test_plan_shows_what_would_be_added(benchsuite):
    facts = benchsuite("plan", benchsuite.board(ROWS), "--add", "random", "--json").facts
    assert [(one["method"], one["setting"]) for one in facts if one["role"] == "row"][2:] == [
        ("random", "sparsity 0.5"),
        ("random", "sparsity 0.8"),
    ]


def test_an_unknown_name_is_refused(benchsuite):
    result = benchsuite("run", benchsuite.board(ROWS), "--add", "randm")
    assert result.code == 2
    assert '--add randm: unknown name "randm"; did you mean "random"?' in result.err
