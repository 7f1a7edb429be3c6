"""A plugin that misbehaves costs exactly its own cells: one record with the reason, and the rest of the board complete.

Each misdeed is a distribution really installed, on a board beside an honest row.
"""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress

import psutil
import pytest

from benchsuite.store import Failure, Record, read_lines
from benchsuite.store.record_reader import read_record

PRUNER = """
import ctypes, os, random, sys, time
from dataclasses import dataclass

import numpy
import torch
from benchsuite import Pruner, hookimpl

class MuteError(Exception):
    def __str__(self):
        raise RuntimeError("no words")

@dataclass(frozen=True)
class Bad(Pruner):
    sparsity: float = 0.5

    def masks(self, layers, context):
        {misdeed}
        ranks = {{name: torch.arange(w.numel()).view(w.shape) for name, w in layers.items()}}
        return {{name: rank >= round(self.sparsity * rank.numel()) for name, rank in ranks.items()}}

@hookimpl
def benchsuite_pruners():
    return {{"bad": Bad}}
"""

HONEST = """
[[rows]]
steps = [{prune = "weight", sparsity = 0.5}, {finetune = 1}]
"""

BAD = """
[[rows]]
steps = [{prune = "bad", sparsity = 0.5}]
"""

GLOBAL = "used the global random numbers of"

MISDEEDS = {
    "raises": ("raise RuntimeError('no idea')", "RuntimeError: no idea"),
    "raises what cannot be told": ("raise MuteError", "MuteError"),
    "raises an interruption": ("raise KeyboardInterrupt", "KeyboardInterrupt: "),
    "leaves": ("sys.exit(0)", "SystemExit: 0"),
    "returns garbage": ("return 'garbage'", "masks for layers ['fc1', 'fc2'] expected, got str"),
    "draws from torch": ("torch.rand(3)", f"{GLOBAL} torch: context.generator is the only source of randomness"),
    "draws from numpy": ("numpy.random.rand()", f"{GLOBAL} numpy"),
    "draws from random": ("random.random()", f"{GLOBAL} random"),
    "seeds torch": ("torch.manual_seed(0)", f"{GLOBAL} torch"),
    "seeds everything": ("random.seed(0); numpy.random.seed(0); torch.manual_seed(0)", f"{GLOBAL} random and numpy"),
    "changes the dtype": ("torch.set_default_dtype(torch.float64)", "changed torch's default dtype from torch.float32"),
    "changes the device": ("torch.set_default_device('meta')", "changed torch's default device from cpu to meta"),
    "changes the threads": ("torch.set_num_threads(7)", "changed torch's number of threads from"),
    "wants determinism": ("torch.use_deterministic_algorithms(True)", "changed torch's deterministic mode from 0 to 2"),
    "wants denormals": ("torch.set_flush_denormal(False)", "changed torch's flushing of denormals from True to False"),
    "ends gradients": ("torch.set_grad_enabled(False)", "changed torch's gradient mode from True to False"),
    "moves": ("os.chdir('/')", "changed the working directory from"),
    "exits": ("os._exit(0)", "ended its process with exit code 0"),
    "crashes": ("ctypes.string_at(0)", "its process was killed by SIGSEGV"),
    "kills itself": ("os.kill(os.getpid(), 9)", "its process was killed by SIGKILL"),
    "closes every file": ("os.closerange(0, 256)", "ended its process with exit code"),
    "takes all memory": ("hoard = [b'x' * 2**24 for _ in range(2**20)]", "took more than the 2 GiB of memory"),
}

SEEDS = (0, 1)


def board(rows: str, seeds=(0,), model="{name = 'mlp', hidden = [8]}") -> str:
    return f"""
[board]
name = "small"
title = "A small board"
seeds = {list(seeds)}

[dense]
dataset = "digits"
model = {model}
recipe = {{epochs = 1, lr = 1e-3}}
{rows}
"""


def results(benchsuite) -> list[Record]:
    return read_lines(benchsuite.folder / "results" / "small.jsonl")


def outcome(record: Record) -> tuple[object, ...]:
    """All of it that depends neither on the machine nor on what else is on the board."""
    return record.key, record.status, record.metrics, record.layers, record.history


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> list[Record]:
    """The records of the honest row alone, of both seeds."""
    import benchsuite

    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "small.toml").write_text(board(HONEST, SEEDS), encoding="utf-8")
    records = benchsuite.run(folder / "small.toml", home=folder / "home")
    return [read_record(record.text) for record in records]


@pytest.fixture
def contained(benchsuite, undisturbed):
    """Run a board of bad rows and the honest one; the bad cells' records, after all else is seen to be in order."""

    def run(rows: str, *options: str, seeds=(0,)) -> list[Record]:
        result = benchsuite("run", benchsuite.board(text=board(rows + HONEST, seeds)), *options)
        assert result.code == 3, result.err
        assert "Traceback" not in result.err
        assert "weight" in result.out
        honest = {one.key: outcome(one) for one in undisturbed if one.seed in seeds}
        assert {one.key: outcome(one) for one in results(benchsuite) if one.key in honest} == honest
        others = sorted((one for one in results(benchsuite) if one.key not in honest), key=lambda one: one.place.role)
        controls, bad = others[: len(seeds)], others[len(seeds) :]
        assert [(one.place.role, one.status) for one in controls] == [("control", "skipped")] * len(seeds)
        assert {(one.place.role, one.seed) for one in bad} == {("row", seed) for seed in seeds}
        assert len(bad) == len(seeds)
        return bad

    return run


@pytest.mark.parametrize(("misdeed", "reason"), MISDEEDS.values(), ids=MISDEEDS)
def test_a_misdeed_costs_its_own_cell(contained, install_plugin, misdeed, reason):
    install_plugin("bad-dist", PRUNER.format(misdeed=misdeed))
    (record,) = contained(BAD, "--memory", "2")
    assert record.status == "failed"
    assert reason in record.error.reason
    assert [plugin.distribution for plugin in record.provenance.plugins][-1] == "bad-dist"


def test_sleeping_for_ever_is_a_timeout_that_says_where(benchsuite, contained, install_plugin):
    """Honest cells are computed before, without a limit: however slow the machine, it is no limit of theirs."""
    install_plugin("bad-dist", PRUNER.format(misdeed="print('good night'); time.sleep(10**6)"))
    assert benchsuite("run", benchsuite.board(text=board(HONEST)), "--output", "before").code == 0
    (record,) = contained(BAD, "--timeout", "4")
    assert record.status == "timeout"
    assert record.error.reason == "took longer than the 4 seconds that it may"
    assert "good night" in record.error.output
    assert "bad_dist.py" in record.error.output


def test_each_seed_has_its_record_and_its_worker(contained, install_plugin):
    install_plugin("bad-dist", PRUNER.format(misdeed="print('last words'); os._exit(3)"))
    for record in contained(BAD, seeds=SEEDS):
        assert record.status == "failed"
        assert record.error == Failure("ended its process with exit code 3", output="last words")


def test_what_a_failing_plugin_printed_is_in_its_record(contained, install_plugin):
    install_plugin("bad-dist", PRUNER.format(misdeed="print('a hint'); raise ValueError('no')"))
    (record,) = contained(BAD)
    assert record.error.output == "a hint"
    assert record.error.traceback.startswith("Traceback (most recent call last):")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise OSError('no such device')", "OSError: no such device"),
        (PRUNER.format(misdeed="").replace('return {"bad": Bad}', "raise OSError('no hook')"), "OSError: no hook"),
    ],
    ids=["at import", "in its hook"],
)
def test_raising_before_anything_is_registered(contained, install_plugin, source, reason):
    install_plugin("bad-dist", source)
    (record,) = contained(BAD)
    assert record.status == "failed"
    assert reason in record.error.reason


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import os; os._exit(0)", "ended its process with exit code 0"),
        ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
        ("import time\nwhile True: time.sleep(1)", "took longer than the 4 seconds"),
        (PRUNER.format(misdeed="").replace('return {"bad": Bad}', "import os; os._exit(0)"), "ended its process"),
    ],
    ids=["exits at import", "crashes at import", "hangs at import", "exits in its hook"],
)
def test_not_surviving_its_own_import(contained, install_plugin, source, reason):
    install_plugin("bad-dist", source)
    (record,) = contained(BAD, "--timeout", "4")
    assert record.status == "failed"
    assert " when it was loaded" in record.error.reason
    assert reason in record.error.reason


def test_the_plugins_command_says_what_was_not_survived(benchsuite, install_plugin):
    install_plugin("bad-dist", "import os; os._exit(0)")
    (plugin,) = benchsuite("plugins", "bad-dist", "--json").facts
    assert plugin["status"] == "failed"
    assert plugin["error"] == "ended its process with exit code 0 when it was loaded"


def test_claiming_the_name_of_another(contained, install_plugin):
    install_plugin("bad-dist", PRUNER.format(misdeed="").replace('"bad"', '"percentile"'))
    (record,) = contained(BAD.replace('"bad"', '"percentile"'))
    assert record.status == "failed"
    assert "claimed by the plugins" in record.error.reason
    assert "bad-dist" in record.error.reason


def test_what_an_import_changes_is_put_back(benchsuite, install_plugin, undisturbed):
    misdeeds = "torch.set_default_dtype(torch.float64); torch.manual_seed(1); torch.set_grad_enabled(False)"
    install_plugin("bad-dist", f"{PRUNER.format(misdeed='')}\n{misdeeds}\n")
    result = benchsuite("run", benchsuite.board(text=board(HONEST)))
    assert result.code == 0, result.err
    expected = [outcome(one) for one in undisturbed if one.seed == 0]
    assert [outcome(one) for one in results(benchsuite)] == expected


@pytest.mark.parametrize("options", [[], ["--in-process"]], ids=["in a worker", "in process"])
def test_printing_costs_nothing_and_json_stays_json(benchsuite, install_plugin, options):
    noise = "print('noise'); os.system('echo noise'); print('noise', file=sys.stderr)"
    install_plugin("bad-dist", f"{PRUNER.format(misdeed=noise)}\n{noise}\n")
    result = benchsuite("run", benchsuite.board(text=board(BAD + HONEST)), "--json", *options)
    assert result.code == 0, result.err
    assert {record["status"] for record in result.facts} == {"ok"}
    assert "noise" not in result.out


CRASHING_MODEL = """
import ctypes
from dataclasses import dataclass
from benchsuite import hookimpl
from benchsuite_plugins.mlp import MLP

@dataclass(frozen=True)
class Crashing(MLP):
    def build(self, data):
        ctypes.string_at(0)

@hookimpl
def benchsuite_models():
    return {"crashing": Crashing}
"""


def test_a_network_that_crashes_when_built_costs_what_is_made_from_it(benchsuite, install_plugin, undisturbed):
    install_plugin("bad-dist", CRASHING_MODEL)
    models = "['crashing', {name = 'mlp', hidden = [8]}]"
    assert benchsuite("run", benchsuite.board(text=board(HONEST, model=models))).code == 3
    expected = [outcome(one) for one in undisturbed if one.seed == 0]
    assert [outcome(one) for one in results(benchsuite) if one.status == "ok"] == expected
    lost = [one for one in results(benchsuite) if one.status != "ok"]
    assert sorted((one.place.role, one.status) for one in lost) == [
        ("control", "skipped"),
        ("dense", "failed"),
        ("row", "skipped"),
    ]


def test_timeouts_are_computed_again_when_asked_and_not_else(benchsuite, install_plugin, monkeypatch):
    """What a dead worker knew of this run, the next one is told: nothing is computed twice."""
    misdeed = "'BAD' in os.environ and os._exit(1)"
    install_plugin("bad-dist", PRUNER.format(misdeed=misdeed))
    path = benchsuite.board(text=board(BAD + HONEST))
    monkeypatch.setenv("BAD", "1")
    for options in ([], [], ["--rerun", "failed"], ["--rerun", "all"]):
        assert benchsuite("run", path, *options).code == 3
    monkeypatch.delenv("BAD")
    assert benchsuite("run", path).code == 3
    assert benchsuite("run", path, "--rerun", "failed").code == 0


def test_a_limit_is_a_number_above_zero(benchsuite):
    for option in ("--timeout", "--memory"):
        result = benchsuite("run", benchsuite.board(), option, "0")
        assert result.code == 2
        assert "give a number above 0" in result.err


def test_a_killed_run_leaves_no_worker_and_the_next_completes(benchsuite, install_plugin):
    sleepy = "'NEWS' in os.environ and (open(os.environ['NEWS'], 'w').write(str(os.getpid())), time.sleep(10**6))"
    site = install_plugin("bad-dist", PRUNER.format(misdeed=sleepy))
    path = benchsuite.board(text=board(BAD + HONEST))
    news = benchsuite.folder / "news"
    os.mkfifo(news)
    environment = {**os.environ, "PYTHONPATH": str(site), "NEWS": str(news)}
    command = [sys.executable, "-c", "from benchsuite.cli.main import main; main()", "run", path]
    with subprocess.Popen(command, cwd=benchsuite.folder, env=environment, stderr=subprocess.DEVNULL) as parent:
        worker = int(news.read_text())
        assert worker != parent.pid
        parent.send_signal(signal.SIGKILL)
    with suppress(psutil.NoSuchProcess):
        psutil.Process(worker).wait(60)
    result = benchsuite("run", path, "--json")
    assert result.code == 0, result.err
    assert {record["status"] for record in json.loads(result.out)} == {"ok"}
