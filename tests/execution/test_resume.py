"""A run that was stopped goes on: the records are those of an undisturbed run, and nothing is computed twice."""

import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

KILLS = 20

BOARD = """
[board]
name = "resume"
title = "Resume"
seeds = [0, 1]

[dense]
dataset = "digits"
model = {name = "mlp", hidden = [16]}
recipe = {epochs = 3, lr = 0.01}

[[rows]]
label = "tuned"
steps = [{prune = "percentile", sparsity = 0.8}, {evaluate = "at once"}, {finetune = 2}]

[[rows]]
steps = [{prune = "unit", sparsity = {matched_to = "tuned"}}]

[[rows]]
label = "iterative"
steps = [{prune = "global-percentile", sparsity = 0.9, schedule = "cubic", epochs = 3}, {finetune = 1}]

[[rows]]
steps = [{prune = "neff-row"}, {quantize = "ste-symmetric", bits = 2}, {evaluate = "before QAT"}, {finetune = 1}]
"""

FLAKY = """
import os
from dataclasses import dataclass
from benchsuite import LayerPruner, hookimpl

@dataclass(frozen=True)
class Flaky(LayerPruner):
    def mask(self, weight, context):
        if "FLAKY" in os.environ:
            raise OSError("the moon is full")
        return weight.abs() > weight.abs().median()

@hookimpl
def benchsuite_pruners():
    return {"flaky": Flaky}
"""

FLAKY_BOARD = """
[board]
name = "flaky"
title = "Flaky"
seeds = [0]

[dense]
dataset = "digits"
model = {name = "mlp", hidden = [4]}
recipe = {epochs = 1}

[[rows]]
label = "flaky"
steps = [{prune = "flaky"}, {evaluate = "at once"}, {finetune = 1}]

[[rows]]
steps = [{prune = "percentile", sparsity = 0.5}]
"""


@dataclass
class Runs:
    """Runs a board over and over; the process behind it imports torch once."""

    server: subprocess.Popen[str]
    board: Path

    def __call__(
        self, home: Path, *options: str, outputs: tuple[str, ...] = ("results",), **ask: object
    ) -> list[tuple[int, str]]:
        """Exit code and output of each process; one for each of `outputs`, a folder in `home`."""
        runs = [
            ["run", str(self.board), "--output", str(home / output), "--in-process", *options] for output in outputs
        ]
        line = json.dumps({"runs": runs, "home": str(home), "site": str(self.board.parent), **ask})
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        print(line, file=self.server.stdin, flush=True)
        return [(one["code"], one["printed"]) for one in json.loads(self.server.stdout.readline())]

    def completed(self, home: Path, *options: str, **ask: object) -> dict[str, dict]:
        """The records of a run that nothing stops and that succeeds."""
        ((code, printed),) = self(home, *options, **ask)
        assert code == 0, printed
        return records(home / "results" / f"{self.board.stem}.jsonl")


def records(path: Path) -> dict[str, dict]:
    found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {record["key"]: record for record in found}


def timeless(found: dict[str, dict]) -> dict[str, dict]:
    """The records without what a clock measured."""
    return {key: {**record, "cost": {"epochs": record["cost"]["epochs"]}} for key, record in found.items()}


def outcomes(home: Path) -> dict[str, bytes]:
    """Every file of the store that no clock has a part in: trained weights, and which examples are correct."""
    store = home / "store"
    return {
        str(path.relative_to(store)): path.read_bytes()
        for path in store.glob("*/*")
        if path.name not in ("record.json", "SHA256SUMS")
    }


def files(home: Path) -> dict[str, tuple[int, int]]:
    """What changes if a file of the store is written again."""
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in (home / "store").glob("*/*")}


@pytest.fixture(scope="module")
def server() -> Iterator[subprocess.Popen[str]]:
    """The process that forks."""
    script = Path(__file__).with_name("forked_runs.py")
    with subprocess.Popen(
        [sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process


@pytest.fixture
def runs(server: subprocess.Popen[str], tmp_path: Path) -> Runs:
    """Runs of the board `resume`."""
    board = tmp_path / "resume.toml"
    board.write_text(BOARD, encoding="utf-8")
    return Runs(server, board)


@pytest.fixture(scope="module")
def undisturbed(server: subprocess.Popen[str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """The home of a run that nothing disturbed, and how many seconds it took."""
    folder = tmp_path_factory.mktemp("undisturbed")
    board = folder / "resume.toml"
    board.write_text(BOARD, encoding="utf-8")
    started = time.perf_counter()
    Runs(server, board).completed(folder / "home")
    return folder / "home", time.perf_counter() - started


def test_killed_at_any_instant_the_next_run_goes_on(runs: Runs, undisturbed: tuple[Path, float], tmp_path: Path):
    reference, seconds = undisturbed
    expected = timeless(records(reference / "results" / "resume.jsonl"))
    home = tmp_path / "home"
    instants = random.Random(0)
    kills = completed = 0
    while kills < KILLS or not completed:
        after = instants.uniform(0, seconds / 3) if kills < KILLS else 10 * seconds
        ((code, printed),) = runs(home, signal="SIGKILL", after=after)
        kills += code == -9
        assert code in (0, -9), printed
        assert not list(home.glob("aside/broken-*"))
        if code == 0:
            completed += 1
            assert timeless(records(home / "results" / "resume.jsonl")) == expected
            assert outcomes(home) == outcomes(reference)
            shutil.rmtree(home)


def test_interrupted_it_ends_with_130_and_the_next_run_goes_on(
    runs: Runs, undisturbed: tuple[Path, float], tmp_path: Path
):
    reference, _ = undisturbed
    home = tmp_path / "home"
    ((code, printed),) = runs(home, signal="SIGINT", entries=3)
    assert code == 130, printed
    assert "Traceback" not in printed
    before = files(home)
    assert len(before) < len(files(reference))
    written = records(home / "results" / "resume.jsonl")
    after = runs.completed(home)
    assert timeless(after) == timeless(records(reference / "results" / "resume.jsonl"))
    assert {path: state for path, state in files(home).items() if path in before} == before
    assert {key: after[key] for key in written} == written


def test_a_second_run_computes_nothing(runs: Runs, tmp_path: Path):
    home = tmp_path / "home"
    first, before = runs.completed(home), files(home)
    assert runs.completed(home) == first
    assert files(home) == before


def test_processes_that_share_a_store_compute_each_record_once(
    runs: Runs, undisturbed: tuple[Path, float], tmp_path: Path
):
    reference, _ = undisturbed
    home = tmp_path / "home"
    for code, printed in runs(home, outputs=("one", "other")):
        assert code == 0, printed
    one, other = (records(home / name / "resume.jsonl") for name in ("one", "other"))
    assert one == other  # to the seconds that each took
    assert timeless(one) == timeless(records(reference / "results" / "resume.jsonl"))


@pytest.mark.parametrize(
    "damage", [lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:-1])], ids=["lost", "short"]
)
def test_a_broken_model_is_trained_again(runs: Runs, undisturbed: tuple[Path, float], tmp_path: Path, damage):
    """What was trained over it is there; what was pruned from it is computed anew from the new model."""
    reference, _ = undisturbed
    home = tmp_path / "home"
    shutil.copytree(reference, home)
    expected = records(home / "results" / "resume.jsonl")
    dense = sorted(key for key, record in expected.items() if record["cell"]["role"] == "dense")
    pruned = [key for key, record in expected.items() if record["cell"]["setting"].endswith("at once")]
    for key in pruned:
        shutil.rmtree(home / "store" / key)
    for key in dense:
        damage(home / "store" / key / "model.safetensors")
    assert timeless(runs.completed(home)) == timeless(expected)
    assert outcomes(home) == outcomes(reference)
    assert sorted(path.name.split("-")[1] for path in home.glob("aside/broken-*")) == dense


def test_all_may_be_computed_again(runs: Runs, tmp_path: Path):
    home = tmp_path / "home"
    first, before = runs.completed(home), files(home)
    again = runs.completed(home, "--rerun", "all")
    assert timeless(again) == timeless(first)
    assert files(home).keys() == before.keys()
    assert not files(home).items() & before.items()


def test_what_failed_may_be_computed_again(server: subprocess.Popen[str], install_plugin, tmp_path: Path):
    site = install_plugin("flaky", FLAKY)
    board = site / "flaky.toml"
    board.write_text(FLAKY_BOARD, encoding="utf-8")
    runs, home = Runs(server, board), tmp_path / "home"
    lines = home / "results" / "flaky.jsonl"
    failing = {"environment": {"FLAKY": "1"}}

    def statuses() -> dict[str, str]:
        cells = [(record["cell"], record["status"]) for record in records(lines).values()]
        return {f"{cell['role']} {cell['method']} {cell['setting']}".rstrip(): status for cell, status in cells}

    def reasons() -> set[str]:
        return {record["error"]["reason"] for record in records(lines).values() if record["status"] == "failed"}

    ((code, printed),) = runs(home, **failing)
    assert code == 3, printed
    first, before = statuses(), files(home)
    assert first == {
        "dense dense mlp": "ok",
        "row flaky at once": "failed",
        "row flaky": "failed",
        "control random as flaky at once": "skipped",
        "control random as flaky": "skipped",
        "row percentile sparsity 0.5": "ok",
        "control random as percentile sparsity 0.5": "ok",
    }
    assert reasons() == {"OSError: the moon is full"}

    ((code, _),) = runs(home)
    assert code == 3
    assert (statuses(), files(home)) == (first, before)

    ((code, _),) = runs(home, "--rerun", "failed", **failing)
    assert code == 3
    assert statuses() == first
    kept = {path for path, state in files(home).items() if before.get(path) == state}
    succeeded = {key for key, record in records(lines).items() if record["status"] == "ok"}
    assert {Path(path).parent.name for path in kept} == succeeded

    assert set(runs.completed(home, "--rerun", "failed")) == set(records(lines))
    assert set(statuses().values()) == {"ok"}
    assert {path for path, state in files(home).items() if before.get(path) == state} == kept
